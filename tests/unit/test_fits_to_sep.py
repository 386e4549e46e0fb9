"""Programs that fit simulated stamps to SEP's labels: tools/fit_psf.py and fit_clumpiness.py."""

import importlib.util

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT

CONFIG = yaml.safe_load((ROOT / "config/config.yaml").read_text())["farrens2022"]


def tool(name):
    """A program of tools/, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


FIT_PSF = tool("fit_psf")


def test_the_width_of_both_models_together():
    # Beside a very narrow profile, that of the other one.
    assert FIT_PSF.combined_fwhm(0.4, 0.05, 4.765) == pytest.approx(0.4, rel=0.03)
    # Gaussians would add in quadrature, and both models are peaked like one.
    assert FIT_PSF.combined_fwhm(0.38, 0.54, 4.765) == pytest.approx(np.hypot(0.38, 0.54), rel=0.1)


def test_shares_and_their_difference_in_units_of_its_error():
    table = pd.DataFrame({"is_blend": [0] * 100 + [1] * 100})
    table["distance_px"] = np.where(table["is_blend"] == 1, 5.0, np.nan)
    labels = np.repeat([0, 1, 0, -1], [90, 10, 20, 80])
    ours = FIT_PSF.right_shares(table, labels).set_index("kind")
    assert ours.loc["isolated"].tolist() == [100, 0.9]
    # No detection is wrong, for blends too.
    assert ours.loc["blends 4 to 6 px"].tolist() == [100, 0.0]
    assert ours.loc["blends 0 to 4 px", "n"] == 0
    shares = pd.DataFrame({"kind": ["isolated"], "n": [10000], "right": [0.5]})
    found = FIT_PSF.compare(shares, shares.assign(right=0.52))
    # Each share has an error of 0.005.
    assert found["difference_sigma"].item() == pytest.approx(-0.02 / np.hypot(0.005, 0.005), 0.01)
    assert found.columns.tolist() == [
        "kind",
        "n",
        "right_percent",
        "n_authors",
        "right_percent_authors",
        "difference_sigma",
    ]


def test_each_width_and_noise_has_its_rows(tmp_path):
    labels = pd.DataFrame({"stamp": range(6), "blended": [0, 1] * 3, "realisation": 1})
    labels["dx_px"] = np.where(labels["blended"] == 1, [0, 2, 0, 5, 0, 20], np.nan)
    labels = labels.assign(dy_px=0.0, blendhunter=labels["blended"], sep=labels["blended"])
    path = tmp_path / "labels.csv"
    pd.concat([labels.assign(noise_sigma=sigma) for sigma in (5, 35)]).to_csv(path, index=False)
    found = FIT_PSF.fit(CONFIG, [0.5, 0.9], 20, path)
    kinds = found["kind"].nunique()
    assert found.groupby(["fwhm_arcsec", "noise_sigma"]).size().tolist() == [kinds] * 4
    assert found.groupby(["fwhm_arcsec", "noise_sigma"])["n"].sum().tolist() == [20] * 4


def test_clumps_and_pairs_are_second_detections_of_isolated_galaxies():
    bright = CONFIG | {"mag_min": 19.0, "mag_max": 20.0}
    values = ((0.0, 0.0), (5.0, 0.0), (0.0, 1.0))
    smooth, clumpy, pairs = tool("fit_clumpiness").shares_right(bright, values, 40)
    assert (smooth["n_galaxies"], smooth["mag_max"], smooth["clumpiness"]) == (40, 20.0, 0.0)
    assert smooth["right_percent"] > 85 > clumpy["right_percent"] > 10
    assert smooth["right_percent"] - 20 > pairs["right_percent"]
    share = clumpy["right_percent"] / 100
    assert clumpy["error_percent"] == pytest.approx(100 * np.sqrt(share * (1 - share) / 40))
    assert clumpy["no_detection_percent"] == 0


def test_real_isolated_galaxies_are_labelled_by_galaxy():
    """Two round galaxies, and one with a companion 2.4 arcsec off, on five stamps each."""
    y, x = np.indices((100, 100)) - 49.5
    round_ones = [np.exp(-(x**2 + y**2) / (2 * width**2)) for width in (4, 6)]
    double = np.exp(-(x**2 + y**2) / 18) + 0.1 * np.exp(-((x - 40) ** 2 + y**2) / 18)
    images = np.array([*round_ones, double]) * 10  # brighter than 22 mag
    (row,) = tool("fit_clumpiness").real_shares_right(CONFIG, images, [25.2])
    assert (row["galaxies"], row["n_galaxies"]) == ("real", 3)
    assert row["right_percent"] == pytest.approx(200 / 3)
    assert row["error_percent"] == pytest.approx(100 * np.sqrt(2 / 9) / np.sqrt(3), abs=1e-3)
