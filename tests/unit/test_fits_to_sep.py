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
    figure_4 = {"noise_sigma": [5, 15], "SEP": [94.5, 94.6], "error": 0.3}
    found = FIT_PSF.fit(CONFIG, figure_4, [0.5, 0.9], 20, path)
    assert found["fwhm_arcsec"].drop_duplicates().tolist() == [0.5, 0.9]
    for fwhm, rows in found.groupby("fwhm_arcsec"):
        of_figure = rows["kind"] == "all, Figure 4"
        assert rows.loc[of_figure, "noise_sigma"].tolist() == [5, 15], fwhm
        assert rows[~of_figure].groupby("noise_sigma")["n"].sum().to_dict() == {5: 20, 35: 20}
        for part, sums in ((of_figure, "chi2_fig4"), (~of_figure, "chi2_labels")):
            squares = rows.loc[part, "difference_sigma"] ** 2
            assert rows[sums].tolist() == pytest.approx([squares.sum()] * len(rows))


def test_accuracy_has_as_many_close_blends_as_chance_brings():
    table = pd.DataFrame({"is_blend": [0] * 1000 + [1] * 1000})
    # Half of the blends are close, and 12 % should be.
    table["weight"] = np.repeat([1.0, 0.24, 1.76], [1000, 500, 500])
    labels = np.repeat([0, 0, 1], [1000, 500, 500])
    right, error = FIT_PSF.accuracy(table, labels)
    assert right == pytest.approx((1 + 0.88) / 2)
    # Variance of the weighted share of blends: 0.12 x 0.88 (0.88 x 0.24 + 0.12 x 1.76) / 1000.
    assert error == pytest.approx(np.sqrt(0.12 * 0.88 * (0.88 * 0.24 + 0.12 * 1.76) / 1000) / 2)
    found = FIT_PSF.compare_with_figure_4(table, labels, 94.5, 0.3)
    assert found["difference_sigma"].item() == pytest.approx(-0.5 / np.hypot(100 * error, 0.3))


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
