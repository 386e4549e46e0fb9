"""Figures 10 to 12 of Boucaud et al. 2020: masks of blended galaxies."""

from itertools import combinations_with_replacement
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.boucaud2020.masks import THRESHOLD, intersection_over_union
from deblend.boucaud2020.predictions import GALAXIES
from deblend.data.priors import MORPHOLOGIES
from deblend.errors import DeblendError
from deblend.plots.images import asinh_stretch, close_panels, image_grid, image_note, scale_bar
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

#: Names and colours of the two networks in Fig. 12 (orange U-Net and blue joint network there).
NETWORKS = {
    "unet": ("U-Net", COLOURS["companion"]),
    "blend2mask2flux": ("blend2mask2flux", COLOURS["ours"]),
}


TYPES = {"sph": "sph", "disk": "disk", "sphd": "sph+disk", "irr": "irr"}


def read_examples(path: str | Path) -> dict[str, np.ndarray]:
    """Masks of a few blends, as `deblend.boucaud2020.predict.predict_masks` selected them.

    Returns
    -------
    dict of ndarray
        `blend` (n,), `image` (n, y, x), `true` and `predicted` (n, y, x, 2).
    """
    with h5py.File(path, "r") as file:
        return {name: file[name][:] for name in ("blend", "image", "true", "predicted")}


def examples_table(examples: dict[str, dict[str, np.ndarray]]) -> pd.DataFrame:
    """The numbers in Figs 10 and 11.

    Parameters
    ----------
    examples : dict
        Network to `read_examples`.

    Returns
    -------
    DataFrame
        `network`, `blend`, `galaxy`, `iou`.
    """
    parts = []
    for network, network_examples in examples.items():
        iou = intersection_over_union(
            network_examples["predicted"] >= THRESHOLD, network_examples["true"] > 0
        )
        parts.append(
            pd.DataFrame(
                {
                    "network": network,
                    "blend": np.repeat(network_examples["blend"], 2),
                    "galaxy": np.tile(GALAXIES, len(iou)),
                    "iou": iou.ravel(),
                }
            )
        )
    return pd.concat(parts, ignore_index=True)


def draw_fig10(
    examples: dict[str, np.ndarray],
    noise_sigma: float,
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str = "",
) -> None:
    """Draw Figure 10: true masks, the blend, and the masks of the joint network.

    Parameters
    ----------
    examples : dict
        From `read_examples`, of blend2mask2flux.
    noise_sigma : float
        Noise of the image, counts/s, from which the asinh stretch is logarithmic.
    pixel_scale_arcsec : float
    outputs : list of path
    label : str
        Scale, data set and network.
    """
    titles = [f"truth, {g}" for g in GALAXIES] + ["blend"]
    titles += [f"blend2mask2flux, {g}" for g in GALAXIES]
    n = len(examples["blend"])
    peak = float(np.median(examples["image"].max(axis=(1, 2))))
    images = asinh_stretch(examples["image"], noise_sigma, peak)
    with paper_figure(outputs, label_line(label, n), TWO_COLUMNS_IN, 1.36 * n + 0.5) as figure:
        axes = _mask_grid(figure, n, titles)
        for row, panels in enumerate(axes):
            for i, galaxy in enumerate(GALAXIES):
                _mask(panels[i], examples["true"][row, ..., i] > 0, galaxy)
                _mask(panels[3 + i], examples["predicted"][row, ..., i] >= THRESHOLD, galaxy)
            panels[2].imshow(images[row], vmin=0, vmax=1)
            panels[0].set_ylabel(f"blend {examples['blend'][row]}")
        scale_bar(axes[0, 0], pixel_scale_arcsec)
        scale_bar(axes[0, 2], pixel_scale_arcsec)


def draw_fig11(
    examples: dict[str, dict[str, np.ndarray]],
    pixel_scale_arcsec: float,
    outputs: Outputs,
    label: str = "",
) -> None:
    """Draw Figure 11: true masks, the U-Net's, and the joint network's, with their IoU.

    Parameters
    ----------
    examples : dict
        "unet" and "blend2mask2flux" to `read_examples`, of the same blends.
    pixel_scale_arcsec : float
    outputs : list of path
    label : str
        Scale, data set and networks.

    Raises
    ------
    DeblendError
        The two networks have examples of different blends.
    """
    first, second = examples["unet"], examples["blend2mask2flux"]
    if not np.array_equal(first["blend"], second["blend"]):
        raise DeblendError(
            f"the U-Net's examples are of blends {first['blend'].tolist()}, blend2mask2flux's of "
            f"{second['blend'].tolist()}: delete both masks.h5 and run again"
        )
    iou = examples_table(examples).set_index(["network", "blend", "galaxy"])["iou"]
    titles = [f"{name}, {g}" for name in ("truth", "U-Net", "blend2mask2flux") for g in GALAXIES]
    n = len(first["blend"])
    with paper_figure(outputs, label_line(label, n), TWO_COLUMNS_IN, 1.14 * n + 0.5) as figure:
        axes = _mask_grid(figure, n, titles)
        for row, panels in enumerate(axes):
            blend = first["blend"][row]
            for i, galaxy in enumerate(GALAXIES):
                _mask(panels[i], first["true"][row, ..., i] > 0, galaxy)
                for column, name in ((2, "unet"), (4, "blend2mask2flux")):
                    axis = panels[column + i]
                    _mask(axis, examples[name]["predicted"][row, ..., i] >= THRESHOLD, galaxy)
                    text = f"IoU {iou[name, blend, galaxy]:.2f}"
                    box = {"facecolor": "black", "alpha": 0.5, "lw": 0, "pad": 1}
                    image_note(axis, text, 0.96, 0.04, ha="right", fontsize="small", bbox=box)
            panels[0].set_ylabel(f"blend {blend}")
        scale_bar(axes[0, 0], pixel_scale_arcsec)


def _mask(axis: Axes, mask: np.ndarray, galaxy: str) -> None:
    """Show a mask in the galaxy's colour, and say so if it is empty."""
    colours = ListedColormap(["black", COLOURS[galaxy]])
    axis.imshow(mask, vmin=0, vmax=1, interpolation="nearest", cmap=colours)
    if not mask.any():
        image_note(axis, "empty", 0.5, 0.5, ha="center", va="center", fontsize="small")


def _mask_grid(figure: Figure, rows: int, titles: list[str]) -> np.ndarray:
    """Panels for masks, with titles of two lines above the columns."""
    heads = [title.replace(", ", "\n") for title in titles]
    axes = image_grid(figure, rows, len(titles), heads)
    close_panels(figure, between_rows=0.03, space=0.02)
    return axes


def fig12_data(iou: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """IoU of each blend (the mean of its two galaxies), and its pair of morphologies.

    Parameters
    ----------
    iou : DataFrame
        `blend`, `galaxy`, `network`, `iou`.
    catalog : DataFrame
        In the published format: `id`, `g1_type`, `g2_type`.

    Returns
    -------
    DataFrame
        `network`, `blend`, `iou`, `pair` (whichever of the two is central).
    """
    table = iou.groupby(["network", "blend"], sort=False)["iou"].mean().reset_index()
    types = catalog.set_index("id")[["g1_type", "g2_type"]]
    pairs = {frozenset(p): _pair(*p) for p in combinations_with_replacement(MORPHOLOGIES, 2)}
    named = types.apply(lambda row: pairs.get(frozenset(row), "other"), axis=1)
    table["pair"] = named.loc[table["blend"]].to_numpy()
    return table


def _pair(first: str, second: str) -> str:
    return f"{TYPES[first]} / {TYPES[second]}"


def fig12_statistics(data: pd.DataFrame) -> pd.DataFrame:
    """Mean IoU of all blends and of each pair of morphologies.

    Returns
    -------
    DataFrame
        `network`, `pair` ("all" first), `n`, `n_undefined` (blends without an IoU, since true and
        predicted masks are empty), `mean_iou`, `std_iou` (population standard deviation).
    """
    rows = []
    for network, network_rows in data.groupby("network", sort=False):
        groups = [("all", network_rows), *network_rows.groupby("pair")]
        for pair, group in groups:
            values = group["iou"].dropna()
            rows.append(
                {
                    "network": network,
                    "pair": pair,
                    "n": len(values),
                    "n_undefined": len(group) - len(values),
                    "mean_iou": values.mean(),
                    "std_iou": values.std(ddof=0),
                }
            )
    return pd.DataFrame(rows)


def draw_fig12(
    data: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 12: histograms of IoU, and its mean for each pair of morphologies.

    Parameters
    ----------
    data, statistics : DataFrame
        From `fig12_data` and `fig12_statistics`; networks are "unet" and "blend2mask2flux".
    outputs : list of path
    label : str
    """
    n = int(data.groupby("network")["blend"].nunique().max())
    with paper_figure(outputs, label_line(label, n), TWO_COLUMNS_IN, 3.2) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        pairs = sorted(set(statistics["pair"]) - {"all"}, reverse=True)
        counts = pd.Series(0, index=pairs)
        handles = []
        for i, (name, (title, colour)) in enumerate(NETWORKS.items()):
            network_rows = statistics[statistics["network"] == name].set_index("pair")
            if network_rows.empty:
                continue
            values, bins = data.loc[data["network"] == name, "iou"], np.linspace(0, 1, 41)
            left.hist(values, bins=bins, color=colour, alpha=0.3)
            left.hist(values, bins=bins, color=colour, histtype="step", lw=1.2)
            text = f"{title}: mean {network_rows.loc['all', 'mean_iou']:.2f}"
            handles.append(Patch(facecolor=to_rgba(colour, 0.3), edgecolor=colour, label=text))
            y = np.arange(len(pairs)) + 0.2 - 0.4 * i
            right.barh(y, network_rows["mean_iou"].reindex(pairs), 0.4, color=colour)
            counts = counts.combine(network_rows["n"].reindex(pairs, fill_value=0), max)
        left.set(xlabel="IoU (mean of both galaxies)", ylabel="blends", xlim=(0, 1))
        right.set(xlabel="mean IoU", xlim=(0, 1))
        right.set_yticks(range(len(pairs)), [f"{p} ({counts[p]:,.0f})" for p in pairs])
        right.tick_params(axis="y", length=0)
        right.set_ylabel("types of the galaxies (blends)")
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
