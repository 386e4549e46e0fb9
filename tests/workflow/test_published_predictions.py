"""Figures 3 and 4 of Farrens et al. 2022 from labels in the authors' format."""

import numpy as np
import pandas as pd
import pytest

from tests.run import planned, snakemake

FOLDER = "results/published/farrens2022"


@pytest.fixture
def predictions(tmp_path):
    """Labels of 200 stamps at two noise levels: of each kind, every tenth is wrong."""
    n = 200
    blended = np.arange(n) % 2
    parts = [
        pd.DataFrame(
            {
                "noise_sigma": sigma,
                "realisation": 1,
                "stamp": range(n),
                "blended": blended,
                "dx_px": np.where(blended, np.arange(n) // 10, np.nan),
                "dy_px": np.where(blended, 0.0, np.nan),
                "blendhunter": np.where(np.arange(n) % 20 < 2, 1 - blended, blended),
                "sep": np.where(np.arange(n) % 20 < 2, -1, blended),
            }
        )
        for sigma in (5, 14)
    ]
    path = tmp_path / "labels.csv.gz"
    pd.concat(parts).to_csv(path, index=False)
    return path


def test_figures_and_accuracies_of_the_authors_labels(tmp_path, predictions, overlay):
    config = overlay(farrens2022={"published_predictions": str(predictions)})
    target = f"{FOLDER}/accuracy_parametric.csv"
    snakemake("--cores", 1, target, "--configfile", config, directory=tmp_path)
    table = pd.read_csv(tmp_path / target).query("subset == 'all'")
    assert len(table) == 4
    assert table["accuracy"].tolist() == pytest.approx([0.9] * 4)
    for n in (3, 4):
        assert (tmp_path / f"{FOLDER}/fig{n}.pdf").stat().st_size > 500
    everything = snakemake("-n", "--forceall", "--configfile", config, directory=tmp_path)
    assert "farrens2022_published" in planned(everything.text)


def test_without_labels_nothing_is_made_from_them(tmp_path):
    everything = snakemake("-n", "--forceall", directory=tmp_path)
    assert "farrens2022_published" not in planned(everything.text)
