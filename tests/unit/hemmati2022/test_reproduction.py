"""The paper's numbers beside those of made-up blends."""

import numpy as np
import pytest
import yaml
from deblend.hemmati2022 import reproduction
from deblend.hemmati2022.metrics import bin_edges
from deblend.report.numbers import reproduction_table

from tests.conftest import ROOT
from tests.unit.hemmati2022.test_claims import SOM, N, blends, false_positives, photometry, quality

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["hemmati2022"]


NETWORKS = [{"name": name, "n_train_galaxies": n} for name, n in (("vanilla", 2900), ("sr", 2800))]


def reproduced(detections, false=None, fits=None):
    made = {
        "detections": detections,
        "false_positives": false_positives() if false is None else false,
        "photometry": photometry() if fits is None else fits,
        "quality": quality(),
    }
    rows = reproduction.our_rows(PUBLISHED, made, SOM, NETWORKS)
    table = reproduction_table({"test": rows}, "hemmati2022")
    assert not table.duplicated(["item", "quantity"]).any()
    return table.set_index(["item", "quantity"])


def test_numbers_compared_with_the_papers():
    found = reproduced(blends())
    row = found.loc[("Sect. 4, gan resolution", "detection_percent")]
    assert row["reproduced"] == pytest.approx(100 * blends()["detected_gan"].mean())
    assert (row["published"], row["n"]) == (50, N)
    row = found.loc[("Abstract, low resolution", "undetected_percent")]
    assert row["published"] == 90
    gain = found.loc[("Sect. 4.2, gan resolution, multi-band", "gain_percent"), "reproduced"]
    mean = blends()[["detected_gan_multi", "detected_gan"]].mean()
    assert gain == pytest.approx(100 * (mean.iloc[0] - mean.iloc[1]))
    row = found.loc[("Sect. 4, low resolution, lowest flux ratios", "detection_percent")]
    first = blends()[blends()["delta_mag"] < bin_edges(blends()["delta_mag"])[1]]
    assert row["n"] == len(first)
    assert row["reproduced"] == pytest.approx(100 * first["detected_low"].mean())
    # Without the single galaxies, for whose rate the thresholds are set.
    row = found.loc[("Sect. 4, one peak in high and low, of those", "false_positive_percent")]
    assert row["reproduced"] == pytest.approx(100 * 6 / 400)
    row = found.loc[("Sect. 4, one peak in high and low, of all blends", "false_positive_percent")]
    assert row["reproduced"] == pytest.approx(100 * 6 / 5000)
    row = found.loc[("Fig. 2, galaxies of the training", "galaxies")]
    assert (row["published"], row["reproduced"]) == (3000, 2900)
    row = found.loc[("Sect. 2, degraded images beside HSC's in i", "fwhm_arcsec")]
    assert (row["published"], row["reproduced"], row["compared"]) == (0.6, 0.62, "agrees")
    row = found.loc[("Sect. 2, degraded images beside HSC's in i", "depth_5_sigma_mag")]
    assert (row["published"], row["reproduced"], row["compared"]) == (26, 26.2, "agrees")
    # Cells of the paper hold 6 blends in the mean.
    median = found.loc[("Sect. 4, map of blends", "cells_median"), "reproduced"]
    assert median == pytest.approx(6 * SOM["median_occupancy"] / SOM["mean_occupancy"])
    assert not {"n_blends", "cells_rows", "cells_mean"} & {quantity for _, quantity in found.index}


def test_a_share_with_many_false_positives_is_not_compared():
    false = false_positives()
    false.loc[(false["resolution"] == "gan") & (false["sample"] == "unblended"), "n_false"] = 100
    found = reproduced(blends(), false)
    row = found.loc[("Sect. 4, gan resolution, 10% false positives", "detection_percent")]
    assert row["status"] == "not run"
    assert found.loc[("Sect. 4, low resolution", "detection_percent"), "status"] != "not run"
    found = reproduced(blends(), false_positives(n_false=100))
    assert set(found.xs("detection_percent", level="quantity")["status"]) == {"not run"}


def test_numbers_of_untrained_networks_are_marked():
    found = reproduced(blends().assign(detected_gan_multi=np.nan))
    assert set(found.loc["Sect. 4.2, gan resolution, multi-band", "status"]) == {"not run"}


def test_errors_are_by_galaxy():
    """Blends of few galaxies have larger errors than as many independent ones."""
    rng = np.random.default_rng(1)
    few = blends().assign(galaxy_0=rng.integers(0, 40, N), galaxy_1=rng.integers(0, 40, N))
    found, independent = reproduced(few), reproduced(blends())
    for item in (
        ("Sect. 4, gan resolution", "detection_percent"),
        ("Abstract, gan resolution", "undetected_percent"),
        ("Sect. 4, gan resolution, lowest flux ratios", "detection_percent"),
        ("Sect. 4.2, gan resolution, multi-band", "detection_percent"),
        ("Sect. 4.2, gan resolution, multi-band", "gain_percent"),
    ):
        row, other = found.loc[item], independent.loc[item]
        assert row["low"] < row["reproduced"] < row["high"]
        assert row["high"] - row["low"] > 1.3 * (other["high"] - other["low"])


def test_photometry_of_few_blends_or_false_peaks_is_not_compared():
    found = reproduced(blends())
    assert found.loc[("Abstract, Sect. 4.1", "flux_improvement"), "status"] != "not run"
    found = reproduced(blends(), fits=photometry().head(29))
    assert found.loc[("Abstract, Sect. 4.1, 29 blends", "flux_improvement"), "status"] == "not run"
    found = reproduced(blends(), false_positives(n_false=100))
    row = found.loc[("Abstract, Sect. 4.1, 10% false positives", "offset_improvement")]
    assert row["status"] == "not run"
