"""Fractions of detected blends, false positives and flux errors with known values."""

import math

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.metrics import (
    bin_edges,
    detection_fractions,
    false_positive_rate,
    flux_errors,
    flux_improvement,
    improvement_intervals,
    parse_detections,
)

from tests.unit.hemmati2022.test_claims import blends
from tests.unit.hemmati2022.test_claims import false_positives as made_false_positives


def test_fractions_in_bins_with_wilsons_errors():
    table = pd.DataFrame(
        {
            "separation_px": [0, 1, 5, 6, 9, 10, 25, -1],
            "detected_high": [0, 1, 1, 1, 0, 1, 1, 1],
            "detected_low": [False] * 8,
        }
    )
    table["detected_high"] = table["detected_high"].astype(bool)
    result = detection_fractions(table, "separation_px", [0, 5, 8, 9, 10, 20], ("high", "low"))
    high = result[result["resolution"] == "high"]
    assert high["n"].tolist() == [2, 2, 0, 1, 1]
    np.testing.assert_array_equal(high["fraction"], [0.5, 1, np.nan, 0, 1])
    with pytest.raises(DeblendError, match="lacks the columns detected_gan"):
        detection_fractions(table, "separation_px", [0, 5])
    with pytest.raises(DeblendError, match="give increasing numbers"):
        detection_fractions(table, "separation_px", [5, 0], ("high",))


def test_detections_are_true_or_false():
    text = blends().assign(
        detected_gan=blends()["detected_gan"].map({True: "True", False: "False"})
    )
    found = parse_detections(text.assign(detected_gan_multi="nan", detected_high=1.0))
    assert found["detected_gan"].equals(blends()["detected_gan"])
    assert found["detected_high"].all()
    assert "detected_gan_multi" not in found
    partly = blends()["detected_low"].astype(object).where(blends()["blend"] > 0, np.nan)
    with pytest.raises(DeblendError, match="detected_low is empty for 1 of 5000"):
        parse_detections(blends().assign(detected_low=partly))
    with pytest.raises(DeblendError, match="'maybe'"):
        parse_detections(blends().assign(detected_low="maybe"))


def test_flux_errors_of_known_magnitudes():
    found = pd.DataFrame(
        {
            "blend": [3, 4, 5, 6, 7],
            "mag_input": [22.0, 22.0, 22.0, 22.0, 22.0],
            "mag_low": [22 - 2.5 * math.log10(1.5), 21.0, 22.0, np.nan, 21.0],
            "mag_gan": [22 + 2.5 * math.log10(1.25), 22.0, 22.0, 22.0, 22.0],
            "mag_gan_multi": [22 + 2.5 * math.log10(1.6), 22.0, 22.0, 22.0, np.nan],
            "flags_input": [0, 0, 0, 0, 0],
            "flags_low": [32, 0, 16, 0, 0],  # no shape; good; no flux; good; good
            "flags_gan": [0, 1, 0, 0, 128],  # good; not converged; good; good; a round galaxy
            "flags_gan_multi": [0, 1, 0, 0, -1],  # the last one is not measured
        }
    )
    errors = flux_errors(found)
    assert errors["blend"].tolist() == [3]
    assert errors.loc[0, ["error_low", "error_gan"]].tolist() == pytest.approx([0.5, -0.2])
    expected = {"low": 0.5, "gan": 0.2, "ratio": 2.5, "n": 1}
    expected |= {"offset_low": -2.5 * math.log10(1.5), "offset_gan": 2.5 * math.log10(1.25)}
    expected["offset_ratio"] = math.log(1.5) / math.log(1.25)
    assert flux_improvement(found) == pytest.approx(expected)
    multi = flux_improvement(found, "gan_multi")
    assert [multi[k] for k in ("low", "gan", "ratio", "n")] == pytest.approx([0.5, 0.375, 4 / 3, 1])
    assert flux_improvement(found.drop(columns="mag_gan_multi"), "gan_multi")["n"] == 0
    # A table that is read from a file without rows has the type object.
    assert math.isnan(flux_improvement(found.head(0).astype(object))["ratio"])


def test_intervals_allow_for_blends_that_share_a_galaxy():
    """Copies of the same blends do not make the numbers more certain."""
    rng = np.random.default_rng(3)
    mags = rng.normal([22, 21.5, 21.98], [1, 0.3, 0.1], (60, 3))
    found = pd.DataFrame(mags, columns=["mag_input", "mag_low", "mag_gan"])
    found[["mag_low", "mag_gan"]] += found[["mag_input"]].to_numpy() - 22
    found = found.assign(blend=np.arange(60), galaxy=np.arange(60))
    found[["flags_input", "flags_low", "flags_gan"]] = 0
    value = flux_improvement(found)
    once = improvement_intervals(found)
    many = improvement_intervals(pd.concat([found] * 9, ignore_index=True))
    for name in ("low", "gan", "ratio", "offset_low"):
        low, high = once[name]
        assert low < value[name] < high
        assert np.diff(many[name])[0] == pytest.approx(high - low, rel=0.35)
    # The error of a median is 1.25 sigma / sqrt(n).
    expected = 2 * 1.2533 * 0.3 / math.sqrt(60)
    assert np.diff(once["offset_low"])[0] == pytest.approx(expected, rel=0.4)
    assert np.isnan(improvement_intervals(found.drop(columns="galaxy"))["ratio"]).all()


def test_false_positive_rates_of_known_numbers():
    found = false_positive_rate(made_false_positives(), "gan", ["unblended", "one_peak"])
    assert found["rate"] == 16 / 1400
    assert found["low"] < found["rate"] < found["high"]
    assert math.isnan(false_positive_rate(made_false_positives(), "low", ["one_peak"])["rate"])


def test_bin_edges_begin_at_zero():
    found = bin_edges(pd.Series([np.nan, 1.0, 2.0, 3.0]))
    assert (found[0], len(found)) == (0, 11)
    assert found[-1] == pytest.approx(2.98)
    assert bin_edges(pd.Series([np.nan]))[-1] == 1
