"""Figure of the ladder: completeness against purity of each way of finding blended galaxies."""

from typing import Any

import pandas as pd
from deblend.hemmati2022.metrics import RESOLUTIONS
from deblend.plots.style import TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from matplotlib.axes import Axes

#: Panels: one band and all bands, with the resolutions of each.
PANELS = {
    "one band": ("low", "low_best", "low_rl", "low_sep", "gan_l1", "gan", "gan_content"),
    "all bands": (
        "low_stack",
        "low_stack_rl",
        "gan_multi_l1",
        "gan_multi_l1_stack",
        "gan_multi",
        "gan_multi_stack",
        "gan_multi_content",
        "gan_multi_content_stack",
    ),
}


#: Least percentage of blends detected for which the axis of the purity is made long enough.
MIN_DETECTED = 2.0


#: High resolution, which both panels show.
HIGH = ("high", "high_best")


#: Colour by what makes the images; peaks in all bands are dashed.
LOOKS: dict[str, tuple[str, str]] = {
    "high": ("#C79600", "-"),
    "high_best": ("#C79600", ":"),
    "low": ("#101C54", "-"),
    "low_best": ("#101C54", ":"),
    "low_stack": ("#101C54", ":"),
    "low_rl": ("#56B4E9", "-"),
    "low_stack_rl": ("#56B4E9", "-"),
    "low_sep": ("#999999", "-"),
    "l1": ("#009E73", "-"),
    "gan": ("#D55E00", "-"),
    "content": ("#CC79A7", "-"),
}


#: Names in the legend, without the bands, which the panels say.
NAMES = {
    "l1": "generator, L1 alone",
    "gan": "GAN",
    "content": "GAN with a content term",
    "low_rl": "Richardson-Lucy",
    "low_sep": "SEP",
    "low_stack": "sum of bands, best filter",
    "low_stack_rl": "sum of bands, Richardson-Lucy",
}


def _look(resolution: str) -> tuple[str, str, str]:
    """Colour, line and name of a resolution."""
    kind = resolution.removeprefix("gan_multi").removeprefix("gan").removesuffix("_stack")
    key = (kind.strip("_") or "gan") if resolution.startswith("gan") else resolution
    colour, line = LOOKS[key]
    name = NAMES.get(key, RESOLUTIONS[resolution])
    if resolution.startswith("gan") and resolution.endswith("_stack"):
        return colour, "--", f"{name}, peaks in all bands"
    return colour, line, name


def _draw_panel(axis: Axes, curves: pd.DataFrame, table: pd.DataFrame, names: list[str]) -> None:
    for name in names:
        colour, line, text = _look(name)
        rows = curves[curves["resolution"] == name]
        axis.plot(100 * rows["purity"], 100 * rows["detected"], line, color=colour, lw=0.9)
        at = table.loc[name]
        error = [[at["detected"] - at["low"]], [at["high"] - at["detected"]]]
        look: dict[str, Any] = {"color": colour, "ms": 3.5, "mew": 0.7, "elinewidth": 0.7}
        look["mfc"] = colour if line == "-" else "white"
        axis.errorbar(at["purity"], at["detected"], error, fmt=f"o{line}", label=text, **look)


def draw_ladder(curves: pd.DataFrame, table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw completeness against purity; marks are at the same rate of false positives.

    Parameters
    ----------
    curves, table : DataFrame
        From `deblend.hemmati2022.ladder`.
    outputs : list of path
    label : str
        Scale and data.
    """
    ways = table[table["step"].fillna("") == ""].set_index("resolution")
    drawn = {
        title: [name for name in (*HIGH, *names) if name in ways.index]
        for title, names in PANELS.items()
    }
    drawn = {
        title: names for title, names in drawn.items() if any(name not in HIGH for name in names)
    }
    line = label_line(label, int(ways["n"].iloc[0]))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 4.0) as figure:
        axes = figure.subplots(1, len(drawn), sharey=True, squeeze=False)[0]
        for axis, (title, names) in zip(axes, drawn.items(), strict=True):
            _draw_panel(axis, curves, ways, names)
            found = ways.loc[names]
            lowest = float(found.loc[found["detected"] >= MIN_DETECTED, "purity"].min())
            axis.set_xlim(min(90.0, lowest - 3), 100.5)
            axis.set(title=title, xlabel="peaks with a galaxy (%)", ylim=(0, 103))
            axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=1)
        axes[0].set_ylabel("blends detected (%)")
