"""Shares of failed images and the contact sheet, with made-up numbers and images."""

import numpy as np
import pandas as pd
from deblend.reiman2019.failures import KINDS
from deblend.reiman2019.figures.failures import (
    contact_sheet,
    draw_contact_sheet,
    draw_failures,
)

from tests.figures import opens, texts


def test_failures_have_a_line_for_each_kind(drawn, tmp_path):
    rows = [
        ("gan", galaxy, kind, by, low, low + 1, 50, 10, 20.0, 15.0, 26.0)
        for galaxy in ("central", "companion")
        for kind in (*KINDS, "any")
        for by, edges in (("all", [1]), ("separation_px", [5, 6]), ("brightness_ratio", [1, 2]))
        for low in edges
    ]
    columns = ["method", "galaxy", "kind", "by", "from", "to", "n", "n_failed", "percent"]
    rates = pd.DataFrame(rows, columns=[*columns, "low", "high"])
    draw_failures(rates, [tmp_path / "failures.png"], "toy scale")
    opens(tmp_path / "failures.png", 1380)
    for axis in drawn[0].axes:
        assert len(axis.containers) == len(KINDS)
    points = drawn[0].axes[0].containers[0].lines[0]
    assert points.get_xdata().tolist() == [5.5, 6.5]
    assert points.get_ydata().tolist() == [20, 20]
    assert "toy scale, deblender_gan, n = 100" in texts(drawn[0])


def test_the_contact_sheet_shows_truth_blend_and_predictions(drawn, tmp_path):
    numbers = np.arange(7, dtype=np.uint8)
    images = {
        "blend": np.zeros((7, 4, 4, 3), np.uint8) + 10 * numbers[:, None, None, None],
        "true": np.zeros((7, 2, 4, 4, 3), np.uint8) + np.uint8([[1], [2]])[..., None, None],
        "predicted": np.zeros((7, 2, 4, 4, 3), np.uint8) + np.uint8([[3], [4]])[..., None, None],
    }
    sheet = contact_sheet(images)
    assert sheet.shape == (2 * 12, 5 * 20, 3)
    second_row = sheet[12:, 20:40, 0]  # of blend 6
    assert (second_row[0, 0], second_row[4, 0]) == (1, 2)
    assert (second_row[:8, 4:12] == 60).all()
    assert (second_row[0, 12], second_row[4, 12]) == (3, 4)
    assert (sheet[12:, 40:] == 255).all()  # no blends left
    draw_contact_sheet(images, [tmp_path / "sheet.png"], "toy scale")
    opens(tmp_path / "sheet.png", 1380, 100)
    assert "toy scale, deblender_gan, n = 7, truth, blend, predictions" in texts(drawn[0])
