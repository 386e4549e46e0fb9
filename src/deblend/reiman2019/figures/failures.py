"""How deblended images fail, and a contact sheet of predictions (Reiman & Goehre 2019, Sect. 4)."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.figures.fig3_6_examples import GAN
from deblend.reiman2019.metrics import GALAXIES
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

#: Names of the kinds of failures, colours and markers.
LOOKS = {
    "incomplete": ("light of the other galaxy left", COLOURS["ours"], "o"),
    "cut_off": ("cut off", COLOURS["companion"], "s"),
    "wrong_neighbour": ("neighbour given to the other", COLOURS["green"], "^"),
    "odd_colour": ("odd colour", COLOURS["pink"], "D"),
}


#: Axes by column of `deblend.reiman2019.failures.failure_rates`.
AXES = {
    "separation_px": "separation (pixels of the network's images)",
    "brightness_ratio": "light of companion / central galaxy",
}


#: Blends side by side in the contact sheet.
N_ACROSS = 5


#: Grey between the blends of the contact sheet.
GAP_PX, GAP_GREY = 4, 255


def draw_failures(rates: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw the share of the GAN's images that fail against separation and brightness ratio.

    Parameters
    ----------
    rates : DataFrame
        From `deblend.reiman2019.failures.failure_rates`.
    outputs : list of path
    label : str
        Scale and data.
    """
    gan = rates[rates["method"] == "gan"]
    n = int(gan.loc[(gan["by"] == "all") & (gan["kind"] == "any"), "n"].sum())
    line = label_line(label, GAN, n)
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 4.4) as figure:
        axes = figure.subplots(2, 2, sharey=True, sharex="col")
        for row, galaxy in zip(axes, GALAXIES, strict=True):
            for axis, (by, name) in zip(row, AXES.items(), strict=True):
                for kind, (text, colour, marker) in LOOKS.items():
                    part = gan[
                        (gan["by"] == by) & (gan["kind"] == kind) & (gan["galaxy"] == galaxy)
                    ].dropna(subset="percent")
                    middle = (part["from"] + part["to"]) / 2
                    if by == "brightness_ratio":
                        middle = np.sqrt(part["from"] * part["to"])
                    errors = [part["percent"] - part["low"], part["high"] - part["percent"]]
                    look = {"color": colour, "marker": marker, "ms": 3, "lw": 0.9}
                    axis.errorbar(middle, part["percent"], errors, label=text, **look)
                axis.set_ylim(0, 100)
                if galaxy == GALAXIES[-1]:
                    axis.set_xlabel(name)
            row[0].set_ylabel(f"{galaxy}: failed images (%)")
            row[1].set_xscale("log")
            row[1].xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
            row[1].xaxis.set_minor_formatter(NullFormatter())
            row[1].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        handles, names = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, names, loc="outside lower center", ncols=4)


def contact_sheet(images: Mapping[str, np.ndarray]) -> np.ndarray:
    """Truth, blend and predictions of many blends as one image.

    Parameters
    ----------
    images : dict
        `blend` (k, y, x, 3), `true` and `predicted` (k, 2, y, x, 3), RGB with 8 bits.

    Returns
    -------
    ndarray of uint8, shape (height, width, 3)
        `N_ACROSS` blends side by side: the true central galaxy above its companion, the blend on
        twice their scale, and the predictions.
    """
    blend, true, predicted = (images[name] for name in ("blend", "true", "predicted"))
    k, height, width = blend.shape[:3]
    n_rows = max(-(-k // N_ACROSS), 1)
    step_y, step_x = 2 * height + GAP_PX, 4 * width + GAP_PX
    sheet = np.full((n_rows * step_y, N_ACROSS * step_x, 3), GAP_GREY, np.uint8)
    for i in range(k):
        top, left = (i // N_ACROSS) * step_y, (i % N_ACROSS) * step_x
        twice = blend[i].repeat(2, axis=0).repeat(2, axis=1)
        stacked = [np.concatenate(pair[i], axis=0) for pair in (true, predicted)]
        cell = np.concatenate([stacked[0], twice, stacked[1]], axis=1)
        sheet[top : top + 2 * height, left : left + 4 * width] = cell
    return sheet


def draw_contact_sheet(images: Mapping[str, np.ndarray], outputs: Outputs, label: str) -> None:
    """Draw the first test blends, good and bad, as in the paper's online catalogue.

    Parameters
    ----------
    images : dict
        See `contact_sheet`.
    outputs : list of path
    label : str
        Scale and data.
    """
    sheet = contact_sheet(images)
    line = label_line(label, GAN, len(images["blend"]), "truth, blend, predictions")
    height = TWO_COLUMNS_IN * sheet.shape[0] / sheet.shape[1] + 0.3
    with paper_figure(outputs, line, TWO_COLUMNS_IN, height) as figure:
        axis = figure.subplots()
        axis.imshow(sheet, interpolation="nearest")
        axis.set_axis_off()
