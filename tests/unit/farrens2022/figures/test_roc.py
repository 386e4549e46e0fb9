"""The figure of ROC, purity and calibration, with made-up curves."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.figures.roc import draw_roc, level_colours
from deblend.farrens2022.roc import SURVEY_SEP

from tests.figures import opens, texts

LEVELS = (5.0, 35.0)


def curves():
    x = np.array([0.001, 0.01, 0.1, 1.0])
    parts = [
        pd.DataFrame({"x": x, "y": x ** (level / 100), "curve": curve, "blends": blends}).assign(
            noise_sigma=level, error=0.02, x_error=0.01, std=0.0
        )
        for level in LEVELS
        for curve, blends in (("roc", "all"), ("roc", "close"), ("reliability", "all"))
    ]
    return pd.concat(parts)


def points(found):
    rows = [
        {"noise_sigma": level, "realisation": 0, "method": SURVEY_SEP, "blends": blends}
        | {"n_blends": 500, "n_isolated": 600}
        | dict.fromkeys(("false_positives", "completeness", "purity_des"), value)
        | dict.fromkeys(("false_positives_error", "completeness_error", "purity_des_error"), 0.1)
        for level, value in zip(LEVELS, found, strict=True)
        for blends in ("all", "close")
    ]
    return pd.DataFrame(rows)


def test_panels_have_the_curves_and_sep(drawn, tmp_path):
    draw_roc(curves(), points((0.3, 0.5)), {"des": 0.3}, [tmp_path / "roc.png"], "toy")
    opens(tmp_path / "roc.png", 1380)
    written = set(texts(drawn[0]))
    assert {"all blends", "close blends", "calibration", "SEP, without true positions"} <= written
    assert "purity where 30 % are blends (DES)" in written
    assert drawn[0].get_suptitle() == "toy, BlendHunter, n = 1,100"
    every, _, _, bought = drawn[0].axes[:4]
    lines = [line for line in every.lines if len(line.get_xdata()) == 4]
    assert [line.get_ydata()[2] for line in lines] == pytest.approx([0.1**0.05, 0.1**0.35])
    assert [line.get_color() for line in lines] == list(level_colours(list(LEVELS)).values())
    squares = [line.get_xdata()[0] for line in every.lines if line.get_marker() == "s"]
    assert squares == [0.3, 0.5]
    # Where all stamps are taken for blends, the purity is the share of blends.
    purities = [line.get_ydata()[-1] for line in bought.lines if len(line.get_xdata()) == 4]
    assert purities == pytest.approx([0.3, 0.3])
    # There an error of the false positives of 0.01 is one of 0.7 x 0.3 x 0.01.
    ends = bought.collections[0].get_paths()[0].vertices
    last = ends[np.isclose(ends[:, 0], 1), 1]
    assert [last.min(), last.max()] == pytest.approx([0.2979, 0.3021])


def test_sep_is_one_black_point_if_all_heads_have_the_same_stamps(drawn):
    draw_roc(curves(), points((0.4, 0.4)), {"des": 0.3}, [], "toy")
    squares = [line for line in drawn[0].axes[0].lines if line.get_marker() == "s"]
    assert [(line.get_xdata()[0], line.get_color()) for line in squares] == [(0.4, "black")]
