"""Figures 3 and 4 of Farrens et al. 2022 from labels in the authors' format."""

import numpy as np
import pandas as pd
import pytest

from tests.run import planned, snakemake

FOLDER = "results/published/farrens2022"


#: Shares of right labels by noise, method and kind of stamp, no two of them alike.
RIGHT = {
    5: {
        "blendhunter": {"isolated": 0.96, "close": 0.9, "distant": 0.98},
        "sep": {"isolated": 0.92, "close": 0.3, "distant": 0.94},
    },
    14: {
        "blendhunter": {"isolated": 0.84, "close": 0.8, "distant": 0.86},
        "sep": {"isolated": 0.76, "close": 0.1, "distant": 0.78},
    },
}
#: Stamps of each kind, and the companion's offset.
KINDS = {"isolated": (100, np.nan), "close": (50, 4.0), "distant": (50, 18.0)}


@pytest.fixture
def predictions(tmp_path):
    """Labels of 200 stamps at two noise levels; SEP's wrong ones are without a detection."""
    parts = []
    for sigma, right in RIGHT.items():
        start = 0
        for kind, (n, dx) in KINDS.items():
            truth = int(kind != "isolated")
            part = pd.DataFrame(
                {"stamp": range(start, start + n), "blended": truth, "dx_px": dx, "dy_px": 0 * dx}
            )
            for method, wrong in (("blendhunter", 1 - truth), ("sep", -1)):
                n_right = round(right[method][kind] * n)
                part[method] = np.where(np.arange(n) < n_right, truth, wrong)
            parts.append(part.assign(noise_sigma=sigma, realisation=1))
            start += n
    path = tmp_path / "labels.csv.gz"
    pd.concat(parts).to_csv(path, index=False)
    return path


def test_figures_and_accuracies_of_the_authors_labels(tmp_path, predictions, overlay):
    config = overlay(farrens2022={"published_predictions": str(predictions)})
    target = f"{FOLDER}/accuracy_parametric.csv"
    snakemake("--cores", 1, target, "--configfile", config, directory=tmp_path)
    table = pd.read_csv(tmp_path / target).set_index(["noise_sigma", "method", "subset"])
    by_distance = pd.read_csv(tmp_path / f"{FOLDER}/accuracy_by_distance.csv")
    bins = by_distance.set_index(["noise_sigma", "method", "distance_low_px"])["accuracy"]
    for sigma, right in RIGHT.items():
        for method, name in (("BlendHunter", "blendhunter"), ("SEP", "sep")):
            shares = right[name]
            for kind, share in shares.items():
                found = table.loc[(sigma, method, kind), "accuracy"]
                assert found == pytest.approx(share)
            both = shares["isolated"] / 2 + shares["close"] / 4 + shares["distant"] / 4
            assert table.loc[(sigma, method, "all"), "accuracy"] == pytest.approx(both)
            assert bins[sigma, method, 4] == pytest.approx(shares["close"])
            assert bins[sigma, method, 18] == pytest.approx(shares["distant"])
    for n in (3, 4):
        assert (tmp_path / f"{FOLDER}/fig{n}.pdf").stat().st_size > 500
    everything = snakemake("-n", "--forceall", "--configfile", config, directory=tmp_path)
    assert "farrens2022_published" in planned(everything.text)


def test_without_labels_nothing_is_made_from_them(tmp_path):
    everything = snakemake("-n", "--forceall", directory=tmp_path)
    assert "farrens2022_published" not in planned(everything.text)
    asked = snakemake("-n", f"{FOLDER}/fig4.pdf", directory=tmp_path, check=False)
    assert asked.returncode
    assert "farrens2022.published_predictions is null" in asked.text
    assert "give the path of a table of the authors' labels" in asked.text
