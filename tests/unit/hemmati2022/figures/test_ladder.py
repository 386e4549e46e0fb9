"""The figure of the ladder: what is drawn of which ways."""

import numpy as np
import pandas as pd
from deblend.hemmati2022.figures.ladder import draw_ladder
from deblend.hemmati2022.ladder import COLUMNS
from deblend.hemmati2022.metrics import RESOLUTIONS

from tests.unit.hemmati2022.figures import LABEL


def ladder(names):
    """Ways that detect 10, 20, ... % with a purity of 95 %."""
    table = pd.DataFrame(0.0, index=range(len(names)), columns=list(COLUMNS))
    detected = 10.0 * np.arange(1, len(names) + 1)
    table = table.assign(
        step="", resolution=names, detected=detected, low=detected - 2, high=detected + 3,
        purity=95.0, n=1500,
    )  # fmt: skip
    curves = pd.DataFrame(
        {"resolution": name, "purity": [0.8, 0.95, 1.0], "detected": [d / 100 + 0.1, d / 100, 0.0]}
        for name, d in zip(names, detected, strict=True)
    )
    return table, curves.explode(["purity", "detected"]).astype(
        {"purity": float, "detected": float}
    )


def test_each_way_has_its_mark(drawn):
    names = ["high", "low", "low_best", "low_stack", "gan", "gan_multi", "gan_multi_stack"]
    table, curves = ladder(names)
    draw_ladder(curves, table, [], LABEL)
    one, several = drawn[0].axes
    assert [one.get_title(), several.get_title()] == ["one band", "all bands"]
    marks = {
        bars.get_label(): bars.lines[0].get_xydata().tolist()
        for axis in (one, several)
        for bars in axis.containers
    }
    assert marks["GAN, peaks in all bands"] == [[95, 70]]
    assert marks["low, best filter"] == [[95, 30]]
    assert marks["sum of bands, best filter"] == [[95, 40]]
    assert [len(axis.containers) for axis in (one, several)] == [4, 4]


def test_one_band_has_one_panel(drawn):
    table, curves = ladder(["high", "low", "gan"])
    draw_ladder(curves, table, [], LABEL)
    assert len(drawn[0].axes) == 1


def test_all_ways_can_be_drawn(drawn):
    table, curves = ladder(list(RESOLUTIONS)[:9] + list(RESOLUTIONS)[9:])
    draw_ladder(curves, table, [], LABEL)
    names = {bars.get_label() for axis in drawn[0].axes for bars in axis.containers}
    assert sum(len(axis.containers) for axis in drawn[0].axes) == len(RESOLUTIONS) + 2
    assert {"generator, L1 alone", "SEP", "Richardson-Lucy"} <= names
