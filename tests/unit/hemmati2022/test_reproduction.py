"""The paper's numbers beside those of made-up blends."""

import numpy as np
import pytest
import yaml
from deblend.hemmati2022 import reproduction
from deblend.hemmati2022.metrics import bin_edges
from deblend.report.numbers import reproduction_table

from tests.conftest import ROOT
from tests.unit.hemmati2022.test_claims import SOM, N, blends, false_positives, photometry

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["hemmati2022"]


def reproduced(detections, false=None):
    false = false_positives() if false is None else false
    rows = [
        *reproduction.detection_rows(PUBLISHED, detections, false),
        *reproduction.false_positive_rows(PUBLISHED, false),
        *reproduction.photometry_rows(PUBLISHED, photometry()),
        *reproduction.som_rows(PUBLISHED, SOM),
    ]
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
    row = found.loc[("Sect. 4, unblended and one peak", "false_positive_percent")]
    assert row["reproduced"] == pytest.approx(100 * 16 / 1400)
    row = found.loc[("Sect. 4, unblended and all blends", "false_positive_percent")]
    assert row["reproduced"] == pytest.approx(100 * 16 / 6000)
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
