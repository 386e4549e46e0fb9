"""Figures 1 to 6 of Reiman & Goehre 2019, and the course of the GAN's training."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, Rectangle

from .errors import DeblendError
from .image_metrics import GALAXIES
from .plots import COLOURS, LAYERS, known_layers, panel_note, save_figure, style

#: A block whose inner workings are not shown.
WHOLE = ("further block", "0.96")
BLOCK = re.compile(r"(?:^|\.)block(\d+)\.")
#: Method to what the figures call it and the colour of its outline; the GAN's bars are filled.
METHODS = {
    "gan": ("GAN", COLOURS["ours"]),
    "mse": ("MSE alone", COLOURS["published"]),
    "blend": ("blend itself", "black"),
}
NAMES = {
    "psnr_db": "PSNR, range of the data (dB)",
    "psnr_eq6_db": "PSNR, Eq. 6 (dB)",
    "ssim": "SSIM on [0, 1], range 1",
    "ssim_as_published": "SSIM on [−1, 1], range 2",
    "ssim_authors_code": "SSIM on [0, 1], range 2",
}
FIG4 = ("psnr_db", "psnr_eq6_db")
FIG5 = ("ssim", "ssim_as_published", "ssim_authors_code")
N_BINS = 40
#: Between the boxes of a network.
GAP = 0.08
#: Examples side by side, and the most columns of panels under the losses.
ACROSS, MOST_TIMES = 2, 8

Outputs = list[str | Path]


@dataclass(frozen=True)
class Unit:
    """A box in a drawing of a network: one layer, or a whole block."""

    layers: pd.DataFrame
    block: int | None
    whole: bool

    @property
    def last(self) -> pd.Series:
        """The layer that the unit ends with."""
        return self.layers.iloc[-1]


def _units(layers: pd.DataFrame, expanded: bool) -> list[Unit]:
    """What is drawn of a group: each layer, but blocks whole, save the first if it is expanded."""
    found = layers["name"].str.extract(BLOCK)[0]
    numbers = [None if pd.isna(number) else int(number) for number in found]
    units: list[Unit] = []
    for i, number in enumerate(numbers):
        if number is None or (expanded and number == 0):
            units.append(Unit(layers.iloc[[i]], number, False))
        elif not units or units[-1].block != number:
            same = [n == number for n in numbers]
            units.append(Unit(layers[same], number, True))
    return units


def _text(unit: Unit) -> str:
    """What is written into a box."""
    convolutions = unit.layers[unit.layers["kind"] == "Conv2d"]
    if unit.whole and len(convolutions) != 1:
        return f"block {unit.block}"
    if len(convolutions):
        layer = convolutions.iloc[0]
        size = f"{layer['kernel']:.0f}×{layer['kernel']:.0f}, {layer['out_channels']:.0f}"
        return size + (f", /{layer['stride']:.0f}" if layer["stride"] > 1 else "")
    if unit.last["kind"] == "Linear":
        return f"{unit.last['out_channels']:.0f}"
    return ""


def _draw_units(axis: Axes, units: list[Unit], x: float, y: float, heights: list[float]) -> list:
    """Draw boxes from left to right; returns their left and right ends."""
    ends = []
    for unit, height in zip(units, heights, strict=True):
        text = _text(unit)
        width = 0.3 if text else 0.14
        colour = WHOLE[1] if unit.whole else LAYERS[unit.last["kind"]][1]
        axis.add_patch(
            Rectangle((x, y - height / 2), width, height, facecolor=colour, edgecolor="0.2", lw=0.5)
        )
        middle = x + width / 2
        axis.text(middle, y, text, ha="center", va="center", rotation=90, fontsize=5.5)
        ends.append((x, x + width))
        x += width + GAP
    for (_, right), (left, _) in zip(ends[:-1], ends[1:], strict=True):
        axis.plot([right, left], [y, y], color="0.2", lw=0.5, zorder=0.5)
    return ends


def _arc(axis: Axes, start: float, stop: float, y: float, top: float, rise: float) -> None:
    """A skip connection: from the line between two boxes up, along and down to the top of a box."""
    colour = LAYERS["Add"][1]
    axis.plot([start, start, stop], [y, top + rise, top + rise], color=colour, lw=0.8, zorder=0.7)
    axis.add_patch(
        FancyArrowPatch(
            (stop, top + rise),
            (stop, top),
            arrowstyle="-|>",
            mutation_scale=4,
            lw=0.8,
            color=colour,
            shrinkA=0,
            shrinkB=0,
        )
    )


def _skips(axis: Axes, units: list[Unit], ends: list, y: float, top: float) -> None:
    """Skip connections: over each block with a sum in it, and over all blocks to a later sum."""
    first = next((i for i, unit in enumerate(units) if unit.block == 0), 0)
    for i, unit in enumerate(units):
        if unit.whole and (unit.layers["kind"] == "Add").any():
            _arc(axis, ends[i][0] - GAP / 2, ends[i][1] - 0.04, y, top, 0.12)
        elif not unit.whole and unit.last["kind"] == "Add":
            rise = 0.3 if unit.block is None else 0.12
            _arc(axis, ends[first][0] - GAP / 2, sum(ends[i]) / 2, y, top, rise)


def _legend(axis: Axes, units: list[Unit]) -> None:
    """Say what the colours are, under the drawing."""
    there = {unit.last["kind"] for unit in units if not unit.whole}
    entries = [LAYERS[kind] for kind in LAYERS if kind in there]
    if any(unit.whole for unit in units):
        entries.append(WHOLE)
    handles = [Rectangle((0, 0), 1, 1, facecolor=c, edgecolor="0.2", lw=0.5) for _, c in entries]
    axis.legend(
        handles,
        [name for name, _ in entries],
        loc="upper center",
        ncols=4,
        bbox_to_anchor=(0.5, 0.02),
    )


def _million(table: pd.DataFrame) -> str:
    return f"{table['n_parameters'].sum() / 1e6:.2f} million parameters"


def draw_fig1(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 1: the generator, its root and its two branches.

    Parameters
    ----------
    table : DataFrame
        A row a layer: `name`, `group` (root, central, companion), `kind` (of `plots.LAYERS`),
        `in_channels`, `out_channels`, `kernel`, `stride`, `side`, `n_parameters`. Layers of
        residual blocks are called `root.block0.conv1` and so on. The first block is drawn with all
        its layers, the others as one box each. A sum outside the blocks of a group is taken to be
        with what enters its first block.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A group is missing, or a kind is unknown.
    """
    parts = {group: known_layers(table[table["group"] == group]) for group in ("root", *GALAXIES)}
    for group, part in parts.items():
        if part.empty:
            raise DeblendError(f"the generator has no layers of the group {group!r}: make it anew")
    units = {group: _units(part, expanded=group == "root") for group, part in parts.items()}
    places = dict(zip(parts, (0.0, 0.75, -0.75), strict=True))
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 2.7), layout="constrained")
        x = 0.0
        for group, y in places.items():
            ends = _draw_units(axis, units[group], x, y, [0.8] * len(units[group]))
            _skips(axis, units[group], ends, y, y + 0.4)
            if group == "root":
                fork = ends[-1][1]
                x = fork + 0.5
                continue
            axis.plot(
                [fork, fork + 0.2, fork + 0.2, x], [0, 0, y, y], color="0.2", lw=0.5, zorder=0
            )
            axis.text(ends[-1][1] + 0.08, y, group, va="center", fontsize=6)
        numbers = [parts[g]["name"].str.extract(BLOCK)[0].nunique() for g in parts]
        axis.set(xlim=(-0.1, ends[-1][1] + 0.9), ylim=(-1.2, 1.5))
        axis.set_axis_off()
        axis.set_title(
            f"Generator, (M, N) = ({numbers[0]}, {numbers[1]}), {_million(table)}; "
            f"{table['side'].max():.0f} px"
        )
        _legend(axis, [unit for group in units.values() for unit in group])
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def draw_fig2(table: pd.DataFrame, outputs: Outputs, label: str) -> None:
    """Draw Figure 2: the discriminator.

    Parameters
    ----------
    table : DataFrame
        As `draw_fig1`'s; layers of convolutional blocks are called `block0.conv` and so on, with
        or without a group before. A box's height tells the side of what leaves it.
    outputs : list of path
    label : str

    Raises
    ------
    DeblendError
        A kind is unknown.
    """
    units = _units(known_layers(table), expanded=True)
    sides = np.nan_to_num([float(unit.last["side"]) for unit in units], nan=1.0)
    flat = [
        unit.last["kind"] == "Linear" or side <= 1 for unit, side in zip(units, sides, strict=True)
    ]
    heights = [
        0.7 if f else 0.7 + 1.1 * np.sqrt(s / sides.max()) for f, s in zip(flat, sides, strict=True)
    ]
    with style():
        figure, axis = plt.subplots(figsize=(7.2, 2.5), layout="constrained")
        ends = _draw_units(axis, units, 0.0, 0.0, heights)
        before = None
        for (left, right), side, height, vector in zip(ends, sides, heights, flat, strict=True):
            if not vector and side != before:
                axis.text(
                    (left + right) / 2,
                    -height / 2 - 0.05,
                    f"{side:.0f}",
                    ha="center",
                    va="top",
                    fontsize=6,
                )
            before = side
        axis.set(xlim=(-0.15, ends[-1][1] + 0.15), ylim=(-1.15, 1.0))
        axis.set_axis_off()
        axis.set_title(
            f"Discriminator, {_million(table)} (in the boxes kernel, channels and stride; below "
            "them the side in pixels)"
        )
        _legend(axis, units)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def example_table(number: np.ndarray, kind: Sequence[str], scores: pd.DataFrame) -> pd.DataFrame:
    """The numbers that Figures 3 and 6 show.

    Parameters
    ----------
    number : ndarray of int, shape (k,)
        Blends that are shown.
    kind : list of str
        "success" or "failure" of each.
    scores : DataFrame
        See `deblend.gan_scores.score_methods`.

    Returns
    -------
    DataFrame
        `place` in the examples, `blend`, `kind`, `galaxy`, `psnr_db`, `ssim` of the GAN's answer.

    Raises
    ------
    DeblendError
        A blend has no scores.
    """
    mine = scores[scores["method"] == "gan"].set_index(["blend", "galaxy"])
    rows = []
    for place, (blend, what) in enumerate(zip(number, kind, strict=True)):
        for galaxy in GALAXIES:
            if (blend, galaxy) not in mine.index:
                raise DeblendError(
                    f"blend {blend} is among the examples but has no score of its {galaxy} galaxy: "
                    "make both anew"
                )
            row = mine.loc[(blend, galaxy)]
            rows.append((place, int(blend), what, galaxy, row["psnr_db"], row["ssim"]))
    return pd.DataFrame(rows, columns=["place", "blend", "kind", "galaxy", "psnr_db", "ssim"])


def draw_examples(
    table: pd.DataFrame, images: Mapping[str, np.ndarray], title: str, outputs: Outputs, label: str
) -> None:
    """Draw Figure 3 or 6: true images, the blend and the predictions with their PSNR.

    Parameters
    ----------
    table : DataFrame
        Rows of `example_table` to show.
    images : dict
        `blend` (k, y, x, 3), `true` and `predicted` (k, 2, y, x, 3), RGB of 8 bits.
    title : str
    outputs : list of path
    label : str
    """
    places = list(table["place"].unique())
    psnr = table.set_index(["place", "galaxy"])["psnr_db"]
    headings = (
        "true\ncentral",
        "true\ncompanion",
        "blend",
        "predicted\ncentral",
        "predicted\ncompanion",
    )
    across = min(ACROSS, max(len(places), 1))
    rows = max(-(-len(places) // across), 1)
    with style():
        # A narrow empty column between examples that stand side by side.
        widths = [1.0] * 5 + ([0.18] + [1.0] * 5) * (across - 1)
        side = 7.0 / sum([1.0] * 5 + ([0.18] + [1.0] * 5) * (ACROSS - 1))
        figure, axes = plt.subplots(
            rows,
            len(widths),
            figsize=(max(side * sum(widths), 3.6) + 0.1, side * rows + 0.65),
            squeeze=False,
            layout="constrained",
            gridspec_kw={"width_ratios": widths},
        )
        figure.get_layout_engine().set(w_pad=0.01, h_pad=0.01, hspace=0, wspace=0)
        for axis in axes.flat:
            axis.set_axis_off()
        for i, place in enumerate(places):
            row, start = i // across, 6 * (i % across)
            true, predicted = images["true"][place], images["predicted"][place]
            shown = (*true, images["blend"][place], *predicted)
            for column, image in enumerate(shown):
                axis = axes[row, start + column]
                axis.imshow(image, origin="upper", interpolation="nearest")
                if row == 0:
                    axis.set_title(headings[column], fontsize=6)
            for column, galaxy in enumerate(GALAXIES, start=3):
                axes[row, start + column].text(
                    0.04,
                    0.96,
                    f"{value:.1f} dB" if np.isfinite(value := psnr[place, galaxy]) else "perfect",
                    transform=axes[row, start + column].transAxes,
                    color="white",
                    fontsize=6,
                    va="top",
                )
        if not places:
            panel_note(axes[0, 2], "none to show")
        figure.suptitle(f"{title}\n{label}", fontsize="small")
        save_figure(figure, outputs)


def distributions(scores: pd.DataFrame, quantities: Sequence[str]) -> pd.DataFrame:
    """Histograms of scores, and their means and standard deviations (Figs 4, 5).

    Parameters
    ----------
    scores : DataFrame
        See `deblend.gan_scores.score_methods`.
    quantities : list of str

    Returns
    -------
    DataFrame
        `quantity`, `method`, `low`, `high`, `share` (of the images in the bin), `mean`, `sigma`
        (population), `n`, `n_infinite`: perfect images, which are in nothing else.
    """
    parts = []
    for quantity in quantities:
        finite = {}
        for method in METHODS:
            values = scores.loc[scores["method"] == method, quantity].to_numpy(float)
            finite[method] = (values[np.isfinite(values)], int(np.isinf(values).sum()))
        together = np.concatenate([values for values, _ in finite.values()])
        low, high = (together.min(), together.max()) if len(together) else (0.0, 1.0)
        edges = np.linspace(low, high if high > low else low + 1, N_BINS + 1)
        for method, (values, n_infinite) in finite.items():
            n = len(values)
            counts = np.histogram(values, edges)[0]
            part = pd.DataFrame({"low": edges[:-1], "high": edges[1:], "share": counts / max(n, 1)})
            part["mean"] = values.mean() if n else np.nan
            part["sigma"] = values.std() if n else np.nan
            parts.append(part.assign(quantity=quantity, method=method, n=n, n_infinite=n_infinite))
    columns = ["quantity", "method", "low", "high", "share", "mean", "sigma", "n", "n_infinite"]
    return pd.concat(parts, ignore_index=True)[columns]


def draw_distributions(
    table: pd.DataFrame, published: Mapping[str, float], outputs: Outputs, label: str
) -> None:
    """Draw Figure 4 or 5: distributions of the GAN's scores, the others' as outlines.

    Parameters
    ----------
    table : DataFrame
        From `distributions`; a panel a quantity.
    published : dict
        `mean` and `sigma`, marked in every panel: the paper does not say which reading is its own.
    outputs : list of path
    label : str
    """
    quantities = list(table["quantity"].unique())
    with style():
        figure, axes = plt.subplots(
            1,
            len(quantities),
            figsize=(7.2, 2.9),
            sharey=True,
            squeeze=False,
            layout="constrained",
        )
        for axis, quantity in zip(axes.flat, quantities, strict=True):
            for method, (_, colour) in METHODS.items():
                mine = table[(table["quantity"] == quantity) & (table["method"] == method)]
                edges = np.append(mine["low"], mine["high"].iloc[-1])
                if method == "gan":
                    axis.stairs(mine["share"], edges, fill=True, color=colour, alpha=0.45)
                else:
                    axis.stairs(mine["share"], edges, color=colour, lw=1.0)
            axis.axvspan(
                published["mean"] - published["sigma"],
                published["mean"] + published["sigma"],
                color="0.88",
                lw=0,
                zorder=0,
            )
            axis.axvline(published["mean"], color="0.5", lw=0.8, ls="--", zorder=0.5)
            axis.set_xlabel(NAMES[quantity])
            axis.set_title(_numbers(table[table["quantity"] == quantity]), fontsize=6)
        axes[0, 0].set_ylabel("share of the images")
        handles = [Rectangle((0, 0), 1, 1, color=METHODS["gan"][1], alpha=0.45)]
        handles += [
            Rectangle((0, 0), 1, 1, fill=False, edgecolor=METHODS[m][1]) for m in ("mse", "blend")
        ]
        handles.append(Rectangle((0, 0), 1, 1, color="0.88"))
        names = [name for name, _ in METHODS.values()]
        names.append(rf"published: {published['mean']:g}, $\sigma$ = {published['sigma']:g}")
        figure.legend(handles, names, loc="outside lower center", ncols=4)
        figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def _numbers(table: pd.DataFrame) -> str:
    """Mean and sigma of each method, to stand over a panel."""
    lines = []
    for row in table.drop_duplicates("method").itertuples():
        digits = 2 if str(row.quantity).endswith("_db") else 3
        numbers = rf"mean {row.mean:.{digits}f}, $\sigma$ = {row.sigma:.{digits}f}"
        perfect = f" ({row.n_infinite} perfect apart)" if row.n_infinite else ""
        lines.append(f"{METHODS[row.method][0]}: {numbers}{perfect}")
    return "\n".join(lines)


def draw_trace(
    history: pd.DataFrame,
    panels: np.ndarray,
    iterations: np.ndarray,
    true: np.ndarray,
    blend: np.ndarray,
    outputs: Outputs,
    label: str,
) -> None:
    """Draw the course of training, and samples from it below, so that a collapse is seen.

    Parameters
    ----------
    history : DataFrame
        `iteration`, `phase` (burn_in or gan), `mse`, `adversarial`, `discriminator`, `vgg`,
        `d_real`, `d_fake`, `brightness_ratio` (of predicted to true images), `val_psnr_db`; NaN
        where there is nothing.
    panels : ndarray of uint8, shape (t, k, 2, y, x, 3)
        Predictions for k blends at some iterations; at most `MOST_TIMES` of them are shown.
    iterations : ndarray of int, shape (t,)
    true : ndarray of uint8, shape (k, 2, y, x, 3)
    blend : ndarray of uint8, shape (k, y, x, 3)
    outputs : list of path
    label : str
    """
    burned = history.loc[history["phase"] == "burn_in", "iteration"]
    end = burned.max() if len(burned) else None
    columns = _evenly(len(iterations), MOST_TIMES)
    n_rows, n_columns = 2 * len(blend), 2 + len(columns)
    side = 7.0 / (2 + MOST_TIMES)
    with style():
        figure = plt.figure(figsize=(7.2, 3.4 + side * n_rows), layout="constrained")
        upper, lower = figure.subfigures(2, 1, height_ratios=[3.2, side * n_rows + 0.2])
        _draw_history(upper, history, end)
        axes = lower.subplots(n_rows, 2 + MOST_TIMES, squeeze=False)
        lower.get_layout_engine().set(w_pad=0.01, h_pad=0.01, hspace=0, wspace=0)
        for axis in axes.flat:
            axis.set_axis_off()
        titles = ["blend", "true", *(f"{iterations[t]:,}" for t in columns)]
        for axis, title in zip(axes[0], titles, strict=False):
            axis.set_title(title, fontsize=6)
        for row in range(n_rows):
            example, galaxy = divmod(row, 2)
            shown = [true[example, galaxy], *(panels[t, example, galaxy] for t in columns)]
            for axis, image in zip(axes[row, 1:n_columns], shown, strict=True):
                axis.imshow(image, origin="upper", interpolation="nearest")
            if galaxy == 0:
                axes[row, 0].imshow(blend[example], origin="upper", interpolation="nearest")
        figure.suptitle(f"{label}; predictions by iteration below", fontsize="small")
        save_figure(figure, outputs)


def _evenly(total: int, most: int) -> list[int]:
    """At most so many of the numbers below `total`, evenly spaced, with the first and the last."""
    return sorted(set(np.linspace(0, total - 1, min(total, most)).round().astype(int).tolist()))


def _draw_history(figure: plt.Figure, history: pd.DataFrame, end: float | None) -> None:
    """Losses, the discriminator's answers, brightness and PSNR against iteration."""
    panels = {
        "loss": {
            "mse": "MSE",
            "adversarial": "adversarial",
            "discriminator": "discriminator",
            "vgg": "VGG (burn-in)",
        },
        "discriminator's answer": {"d_real": "true images", "d_fake": "predictions"},
        "brightness / true": {"brightness_ratio": ""},
        "PSNR, validation (dB)": {"val_psnr_db": ""},
    }
    axes = figure.subplots(2, 2, sharex=True, gridspec_kw={"wspace": 0.04, "hspace": 0.04})
    for axis, (name, curves) in zip(axes.flat, panels.items(), strict=True):
        drawn = 0
        for column, curve in curves.items():
            mine = history.reindex(columns=["iteration", column]).dropna()
            if mine.empty:
                continue
            drawn += 1
            marker = "o" if len(mine) < 30 else None
            axis.plot(*mine.to_numpy(float).T, lw=0.9, marker=marker, ms=2, label=curve)
        if not drawn:
            panel_note(axis, "nothing recorded")
        if end is not None:
            axis.axvline(end, color="0.5", lw=0.8, ls=":")
        axis.set_ylabel(name)
        if len(curves) > 1 and drawn:
            axis.legend(fontsize=6)
    axes[0, 0].set_yscale("log")
    axes[0, 1].set_ylim(-0.05, 1.05)
    axes[1, 0].axhline(1, color="0.5", lw=0.6)
    axes[1, 0].set_ylim(0, 1.1 * max(1, axes[1, 0].get_ylim()[1]))
    if end is not None:
        axes[1, 0].text(
            end,
            0.04,
            " end of burn-in",
            transform=axes[1, 0].get_xaxis_transform(),
            color="0.4",
            fontsize=6,
        )
    for axis in axes[1]:
        axis.set_xlabel("iteration")
