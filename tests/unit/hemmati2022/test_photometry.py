"""Photometry of blends at the positions from each resolution."""

import logging
import sys

import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.blends import main_pair, true_positions
from deblend.hemmati2022.degrade import low_position
from deblend.hemmati2022.photometry import (
    NOT_MEASURED,
    measure_photometry,
    peak_positions,
    revealed_blends,
)

from tests.unit.hemmati2022.conftest import BLENDING, SPLITS
from tests.unit.photometry.test_ngmix_fit import NO_NGMIX, shares_that_agree, stand_in


def test_positions_prefer_the_pair_over_other_peaks():
    peaks = pd.DataFrame(
        {
            "blend": [4, 4, 4, 9],
            "x_px": [1.0, 2.0, 3.0, 7.0],
            "y_px": [1.5, 2.5, 3.5, 7.5],
            "significance": [90.0, 50.0, 70.0, 20.0],
            "galaxy": [-1, 1, 0, -1],
        }
    )
    found = peak_positions(peaks, np.array([4, 9]), 2)
    np.testing.assert_array_equal(found[0], [[3.0, 3.5], [2.0, 2.5]])
    np.testing.assert_array_equal(found[1, 0], [7.0, 7.5])
    assert np.isnan(found[1, 1]).all()


def test_which_blends_a_network_reveals():
    detections = pd.DataFrame(
        {
            "blend": [3, 4, 5, 6],
            "detected_high": [True, True, True, False],
            "n_peaks_low": [1, 1, 2, 1],
            "detected_gan": [True, True, True, True],
            "detected_gan_multi": [np.nan] * 4,
        }
    )
    rows = [("high", 4, True), ("high", 3, False), ("low", 3, True), ("gan", 3, True)]
    peaks = pd.DataFrame(rows, columns=["resolution", "blend", "neighbour"])
    found = revealed_blends(detections, peaks)
    assert found.columns.tolist() == ["gan"]
    # High resolution shows a neighbour of blend 4.
    assert found["gan"].tolist() == [True, False, False, False]


def test_two_positions_measure_better_than_one(maker, detected):
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    found = measure_photometry(
        maker, 0, blends, table, peaks, engine="builtin", profile="exp", n_workers=1
    )
    # Approximately, since the galaxies are Gaussians, while exponentials are fitted.
    assert np.median(np.abs(found["mag_input"] - found["mag_true"])) < 0.25
    errors = {p: np.abs(found[f"mag_{p}"] - found["mag_input"]).median() for p in ("low", "gan")}
    assert errors["gan"] < 0.5 * errors["low"]


class Counting:
    """A maker of pairs that remembers how many blends it was asked for at a time."""

    def __init__(self, maker):
        self.maker, self.sizes = maker, []

    def __getattr__(self, name):
        value = getattr(self.maker, name)
        if not callable(value):
            return value

        def counted(*arguments, **options):
            frames = [a for a in (*arguments, *options.values()) if isinstance(a, pd.DataFrame)]
            self.sizes += map(len, frames)
            return value(*arguments, **options)

        return counted


def test_images_of_few_blends_are_in_memory_at_a_time(maker, detected):
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    options = {"engine": "builtin", "profile": "exp", "n_workers": 1}
    whole = measure_photometry(maker, 0, blends, table, peaks, **options)
    counting = Counting(maker)
    found = measure_photometry(counting, 0, blends, table, peaks, **options, part_size=3)
    assert len(whole) > 3 and max(counting.sizes) == 3
    pd.testing.assert_frame_equal(found, whole)


def test_a_warning_is_logged_if_no_blend_can_be_measured(maker, detected, caplog):
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    none = table.assign(detected_gan=False)
    with caplog.at_level(logging.WARNING):
        found = measure_photometry(
            maker, 0, blends, none, peaks, engine="builtin", profile="exp", n_workers=1
        )
    assert not len(found) and "mag_gan" in found
    assert "train it for longer" in caplog.text


def test_positions_of_the_multi_band_network(maker, detected):
    """They are used where it reveals a blend, also if the single-band one does not."""
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    same = peaks[peaks["resolution"] == "gan"].assign(resolution="gan_multi")
    peaks = pd.concat([peaks, same])
    options = {"engine": "builtin", "profile": "exp", "n_workers": 1}
    alone = measure_photometry(maker, 0, blends, table, peaks, **options)
    assert (alone["flags_gan_multi"] == NOT_MEASURED).all()
    first, second = alone["blend"].iloc[:2]
    single = table["detected_gan"].copy()
    multi = single.copy()
    single[first], multi[second] = False, False
    both = table.assign(detected_gan=single, detected_gan_multi=multi)
    found = measure_photometry(maker, 0, blends, both, peaks, **options)
    assert found["blend"].tolist() == alone["blend"].tolist()
    assert np.flatnonzero(found["flags_gan"] == NOT_MEASURED).tolist() == [0]
    assert np.flatnonzero(found["flags_gan_multi"] == NOT_MEASURED).tolist() == [1]
    assert found["mag_gan"].isna()[0] and found["mag_gan_multi"].isna()[1]
    pd.testing.assert_series_equal(
        found["mag_gan_multi"].drop(1), alone["mag_gan"].drop(1), check_names=False
    )


def blends_for_both_engines(maker, n):
    """Blends of the pipeline in low resolution, one galaxy fitted in half of them, two in half."""
    blends = maker.draw(SPLITS["test"], 0, n, "test", BLENDING)
    _, low = maker.pairs(blends, "test")
    pair = np.take_along_axis(true_positions(blends), main_pair(blends)[..., None], axis=1)
    yx = low_position(pair)[..., ::-1]
    positions = [q[: 1 + i % 2] for i, q in enumerate(yx)]
    options = {
        "pixel_scale_arcsec": 0.18,
        "noise_sigma": maker.noise_low[0],
        "max_shift_px": 1.5,
    }
    return (low[:, 0], maker.psf_low, positions), options


@pytest.mark.filterwarnings("default")  # those of other packages
@pytest.mark.parametrize("profile", ["exp", "exp_or_dev"])
def test_ngmix_and_the_built_in_fitter_agree_on_blends(maker, profile):
    pytest.importorskip("ngmix", reason=NO_NGMIX)
    arguments, options = blends_for_both_engines(maker, 600)
    shares = shares_that_agree(*arguments, profile=profile, **options)
    assert shares[1] >= 0.99
    assert shares[2] >= 0.95


def test_the_stand_in_and_the_built_in_fitter_agree_on_blends(maker, monkeypatch):
    monkeypatch.setitem(sys.modules, "ngmix", stand_in())
    arguments, options = blends_for_both_engines(maker, 16)
    assert shares_that_agree(*arguments, profile="exp", **options) == {1: 1, 2: 1}
