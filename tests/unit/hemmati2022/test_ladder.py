"""The ladder: tables of made significances with known fractions and differences."""

import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.ladder import (
    Sample,
    Scores,
    ladder_curves,
    ladder_table,
    purity,
    resampled_thresholds,
    table_for_readers,
)
from deblend.hemmati2022.peaks import set_threshold

N = 4000


def scores(limits, seed=1, validated=0.5):
    """Blends that are detected up to given thresholds; one single galaxy in 20 has a false peak."""
    rng = np.random.default_rng(seed)
    false = np.where(rng.uniform(size=N) < 0.05, rng.uniform(3, 30, N), 0)
    significance = rng.uniform(3, 40, 3 * N)
    peaks = pd.DataFrame(
        {
            "stamp": np.repeat(np.arange(N), 3),
            "significance": significance,
            "false": (rng.uniform(size=3 * N) < 0.2) & (significance < 20),
        }
    )
    return Scores(limits, false, false, false, peaks, validated=validated)


@pytest.fixture(scope="module")
def made():
    rng = np.random.default_rng(3)
    sample = Sample(
        rng.integers(0, 300, (N, 2)), rng.integers(0, 300, N), rng.integers(0, 200, N), 100, 1
    )
    limit = rng.uniform(0, 100, N)
    better = np.where(rng.uniform(size=N) < 0.1, 90.0, limit)
    ways = {"low_best": scores(limit), "gan_l1": scores(limit), "gan_content": scores(better)}
    thresholds = {name: set_threshold(own.false_calibration, 0.01) for name, own in ways.items()}
    false = pd.DataFrame({"resolution": thresholds.keys(), "threshold": thresholds.values()})
    return ways, thresholds, ladder_table(ways, sample, false, 0.01)


def test_fractions_are_those_above_the_thresholds(made):
    ways, thresholds, table = made
    rows = table[table["step"] == ""].set_index("resolution")
    for name, own in ways.items():
        expected = 100 * (own.limits > thresholds[name]).mean()
        assert rows.loc[name, "detected"] == pytest.approx(expected)
        # The same galaxies set the thresholds and test them here.
        assert rows.loc[name, "detected_equal"] == pytest.approx(expected)
        assert rows.loc[name, "false_single"] == pytest.approx(1, abs=0.05)
        assert rows.loc[name, "low"] < expected < rows.loc[name, "high"]


def test_differences_are_paired(made):
    ways, thresholds, table = made
    gains = table.set_index(["step", "resolution"])
    adversary = gains.loc[("adversary", "gan_content")]
    a, b = ((ways[n].limits > thresholds[n]).mean() for n in ("gan_content", "gan_l1"))
    assert adversary["detected"] == pytest.approx(100 * (a - b))
    assert adversary["low"] < adversary["detected"] < adversary["high"]
    # Of the same blends and galaxies, so that the error is smaller than those of both.
    own = table[table["step"] == ""].set_index("resolution").loc["gan_content"]
    assert adversary["high"] - adversary["low"] < 0.8 * (own["high"] - own["low"])
    # Equal ways differ by nothing.
    nothing = gains.loc[("network", "gan_l1"), ["detected", "low", "high"]]
    assert nothing.tolist() == [0, 0, 0]


def test_gains_at_exactly_equal_rates_of_the_test_galaxies():
    """One way has twice the false peaks on test galaxies that those for the threshold promise."""
    rng = np.random.default_rng(4)
    sample = Sample(
        rng.integers(0, 300, (N, 2)), rng.integers(0, 300, N), rng.integers(0, 200, N), 100, 1
    )
    limit = rng.uniform(0, 60, N)
    honest = scores(limit, validated=0.3)
    lucky = Scores(
        limit, honest.false_blends, 1.5 * honest.false_single, honest.false_single, honest.peaks
    )
    ways = {"gan": lucky, "low": honest}
    thresholds = {name: set_threshold(own.false_calibration, 0.01) for name, own in ways.items()}
    false = pd.DataFrame({"resolution": thresholds.keys(), "threshold": thresholds.values()})
    table = ladder_table(ways, sample, false, 0.01).set_index("step")
    gain = table.loc["as in the paper"]
    assert (gain["detected"], gain["low"], gain["high"]) == (0, 0, 0)
    higher = 1.5 * thresholds["gan"]
    expected = 100 * ((limit > higher).mean() - (limit > thresholds["low"]).mean())
    assert expected < -5
    assert gain["detected_equal"] == pytest.approx(expected)
    assert gain["equal_low"] < expected < gain["equal_high"] < 0
    assert table.loc[""].set_index("resolution").loc["low", "validated"] == 30


def test_resampled_thresholds_are_those_of_repeated_stamps():
    rng = np.random.default_rng(5)
    heights = np.where(rng.uniform(size=300) < 0.2, rng.uniform(3, 30, 300), 0)
    counts = rng.integers(0, 3, (20, 300))
    found = resampled_thresholds(heights, counts, 0.02)
    for threshold, count in zip(found, counts, strict=True):
        repeated = np.repeat(heights, count)
        assert (repeated > threshold).mean() <= 0.02
        assert (repeated >= threshold).mean() > 0.02


def test_purity_of_known_peaks():
    peaks = pd.DataFrame({"significance": [9, 7, 5, 4], "false": [False, True, False, True]})
    np.testing.assert_allclose(
        purity(peaks, np.array([10, 8, 7, 6, 4.5, 3])), [np.nan, 1, 1, 0.5, 2 / 3, 0.5]
    )


def test_curves_fall_with_the_threshold(made):
    curves = ladder_curves(made[0])
    for name, own in curves.groupby("resolution"):
        assert (np.diff(own["detected"]) <= 0).all()
        assert (np.diff(own["false_single"]) <= 0).all()
        first = own.iloc[0]
        assert first["detected"] == (made[0][name].limits > 3).mean()
        assert first["purity"] == pytest.approx(1 - made[0][name].peaks["false"].mean())


def test_the_table_for_readers_names_all_rows(made):
    table = table_for_readers(made[2])
    assert len(table) == len(made[2])
    assert "adversary: GAN with a content term minus generator, L1 alone" in set(table["Peaks in"])
    assert table["Peaks in"].is_unique
