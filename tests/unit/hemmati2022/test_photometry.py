"""Photometry of blends at the positions from each resolution."""

import logging

import numpy as np
import pandas as pd
from deblend.hemmati2022.photometry import measure_photometry, peak_positions

from tests.unit.hemmati2022.conftest import BLENDING, SPLITS


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


def test_two_positions_measure_better_than_one(maker, detected):
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    found = measure_photometry(maker, 0, blends, table, peaks, engine="builtin", n_workers=1)
    # Approximately, since the galaxies are Gaussians, while exponentials are fitted.
    assert np.median(np.abs(found["mag_input"] - found["mag_true"])) < 0.25
    errors = {p: np.abs(found[f"mag_{p}"] - found["mag_input"]).median() for p in ("low", "gan")}
    assert errors["gan"] < 0.5 * errors["low"]


def test_a_warning_is_logged_if_no_blend_can_be_measured(maker, detected, caplog):
    table, peaks = detected.detections, detected.peaks
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    none = table.assign(detected_gan=False)
    with caplog.at_level(logging.WARNING):
        found = measure_photometry(maker, 0, blends, none, peaks, engine="builtin", n_workers=1)
    assert not len(found) and "mag_gan" in found
    assert "train it for longer" in caplog.text
