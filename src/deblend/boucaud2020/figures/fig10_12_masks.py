"""Figures 10 to 12 of Boucaud et al. 2020: masks of blended galaxies."""

from collections.abc import Mapping, Sequence
from itertools import combinations_with_replacement
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.figures.panels import sample_text
from deblend.boucaud2020.masks import THRESHOLD, intersection_over_union
from deblend.boucaud2020.metrics import bootstrap_by_galaxy
from deblend.boucaud2020.predictions import GALAXIES
from deblend.data.priors import MORPHOLOGIES
from deblend.errors import DeblendError
from deblend.hdf5 import open_file
from deblend.plots.images import asinh_stretch, close_panels, image_grid, image_note, scale_bar
from deblend.plots.style import COLOURS, TWO_COLUMNS_IN, Outputs, label_line, paper_figure
from deblend.report.networks import not_learnt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Patch

#: The name of the U-Net in tables. Joint networks have other names, which are their titles too.
UNET = "unet"


#: Titles of networks that figures call otherwise than tables.
TITLES = {UNET: "U-Net"}


#: Colours of networks in Fig. 12, in their order: orange U-Net and blue joint network.
NETWORK_COLOURS = (COLOURS["companion"], COLOURS["ours"])


TYPES = {"sph": "sph", "disk": "disk", "sphd": "sph+disk", "irr": "irr"}


def read_examples(path: str | Path) -> dict[str, np.ndarray]:
    """Masks of a few blends, as `deblend.boucaud2020.predict.predict_masks` selected them.

    Returns
    -------
    dict of ndarray
        `blend` (n,), `image` (n, y, x), `true` and `predicted` (n, y, x, 2).
    """
    with open_file(path) as file:
        return {name: file[name][:] for name in ("blend", "image", "true", "predicted")}


def mask_label(
    about: Mapping[str, Any], names: Sequence[str], records: Sequence[Mapping[str, Any]]
) -> str:
    """Label of a figure: its scale, data set and networks, and which of those have learnt nothing.

    Parameters
    ----------
    about : dict
        Description of the catalogue.
    names : sequence of str
        The networks that the figure shows.
    records : sequence of dict
        Descriptions of networks (`deblend.report.networks.read_networks`).
    """
    warning = not_learnt(record for record in records if record["name"] in names)
    return label_line(f"{about['scale']} scale", about["dataset"], *names, warning)


def blend_noise(about: Mapping[str, Any], record: Mapping[str, Any]) -> float:
    """Noise of the blends that a network was given, counts/s at the network's zero point.

    Parameters
    ----------
    about : dict
        Description of the catalogue, with the `noise_sigma` of a stamp and `network_zero_point`,
        that of the data set.
    record : dict
        Description of the network, with its `zero_point`.
    """
    scale = 10 ** (0.4 * (record["zero_point"] - about["network_zero_point"]))
    # A blend is the sum of two stamps.
    return float(about["noise_sigma"] * np.sqrt(2) * scale)


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
    network: str = "blend2mask2flux",
) -> None:
    """Draw Figure 10: true masks, the blend, and the masks of the joint network.

    Parameters
    ----------
    examples : dict
        From `read_examples`, of the joint network.
    noise_sigma : float
        Noise of the image, counts/s, from which the asinh stretch is logarithmic.
    pixel_scale_arcsec : float
    outputs : list of path
    label : str
        Scale, data set and network.
    network : str
        Name of the joint network, for titles.
    """
    titles = [f"truth, {g}" for g in GALAXIES] + ["blend"]
    titles += [f"{network}, {g}" for g in GALAXIES]
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
        `UNET` and the name of the joint network to `read_examples`, of the same blends.
    pixel_scale_arcsec : float
    outputs : list of path
    label : str
        Scale, data set and networks.

    Raises
    ------
    DeblendError
        The two networks have examples of different blends.
    """
    joint = next(name for name in examples if name != UNET)
    first, second = examples[UNET], examples[joint]
    if not np.array_equal(first["blend"], second["blend"]):
        raise DeblendError(
            f"the U-Net's examples are of blends {first['blend'].tolist()}, {joint}'s of "
            f"{second['blend'].tolist()}: delete both masks.h5 and run again"
        )
    iou = examples_table(examples).set_index(["network", "blend", "galaxy"])["iou"]
    titles = [f"{name}, {g}" for name in ("truth", TITLES[UNET], joint) for g in GALAXIES]
    n = len(first["blend"])
    with paper_figure(outputs, label_line(label, n), TWO_COLUMNS_IN, 1.14 * n + 0.5) as figure:
        axes = _mask_grid(figure, n, titles)
        for row, panels in enumerate(axes):
            blend = first["blend"][row]
            for i, galaxy in enumerate(GALAXIES):
                _mask(panels[i], first["true"][row, ..., i] > 0, galaxy)
                for column, name in ((2, UNET), (4, joint)):
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

    As in the claims about masks, a mask that vanished has an IoU of 0, and a galaxy without a true
    mask has none.

    Parameters
    ----------
    iou : DataFrame
        `deblend.boucaud2020.masks.mask_table` of the networks.
    catalog : DataFrame
        Of these blends: `id`, `g1_id`, `g1_type`, `g2_id`, `g2_type`.

    Returns
    -------
    DataFrame
        `network`, `blend`, `iou`, `pair` (whichever of the two is central), `galaxy_id`,
        `partner_id`.
    """
    of_masks = iou["iou"].fillna(0).where(iou["area_true_px"] > 0)
    by_blend = iou.assign(iou=of_masks).groupby(["network", "blend"], sort=False)
    table = by_blend["iou"].mean().reset_index()
    galaxies = catalog.set_index("id")
    types = galaxies[["g1_type", "g2_type"]]
    pairs = {frozenset(p): _pair(*p) for p in combinations_with_replacement(MORPHOLOGIES, 2)}
    named = types.apply(lambda row: pairs.get(frozenset(row), "other"), axis=1)
    table["pair"] = named.loc[table["blend"]].to_numpy()
    for name, column in (("galaxy_id", "g1_id"), ("partner_id", "g2_id")):
        table[name] = galaxies.loc[table["blend"], column].astype(str).to_numpy()
    return table


def _pair(first: str, second: str) -> str:
    return f"{TYPES[first]} / {TYPES[second]}"


def fig12_statistics(data: pd.DataFrame, *, n_resamples: int = 0, seed: int = 0) -> pd.DataFrame:
    """Mean IoU of all blends and of each pair of morphologies.

    Parameters
    ----------
    data : DataFrame
        From `fig12_data`.
    n_resamples, seed : int
        Of the bootstrap over both galaxies of a blend; without resamples there are no intervals.

    Returns
    -------
    DataFrame
        `network`, `pair` ("all" first), `n`, `n_undefined` (blends without an IoU, since both true
        masks are empty), `mean_iou`, `std_iou` (population standard deviation);
        `mean_iou_low`, `mean_iou_high` (68 %).
    """
    rows = []
    for network, network_rows in data.groupby("network", sort=False):
        groups = [("all", network_rows), *network_rows.groupby("pair")]
        for pair, group in groups:
            defined = group[group["iou"].notna()]
            values = defined["iou"]
            row = {
                "network": network,
                "pair": pair,
                "n": len(values),
                "n_undefined": len(group) - len(values),
                "mean_iou": values.mean(),
                "std_iou": values.std(ddof=0),
            }
            if n_resamples:
                interval = bootstrap_by_galaxy(
                    lambda iou: {"mean": float(np.mean(iou))},
                    [values.to_numpy()],
                    defined[["galaxy_id", "partner_id"]].to_numpy(),
                    n_resamples=n_resamples,
                    seed=seed,
                ).reindex(["mean"])
                row |= {f"mean_iou_{end}": interval.loc["mean", end] for end in ("low", "high")}
            rows.append(row)
    return pd.DataFrame(rows)


def draw_fig12(
    data: pd.DataFrame, statistics: pd.DataFrame, outputs: Outputs, label: str = ""
) -> None:
    """Draw Figure 12: histograms of IoU, and its mean for each pair of morphologies.

    Parameters
    ----------
    data, statistics : DataFrame
        From `fig12_data` and `fig12_statistics`, of one or two networks; error bars are their
        68 % intervals.
    outputs : list of path
    label : str
    """
    blends = data.drop_duplicates("blend")
    line = label_line(label, sample_text(blends["galaxy_id"], blends["partner_id"]))
    with paper_figure(outputs, line, TWO_COLUMNS_IN, 3.2) as figure:
        left, right = figure.subplots(1, 2, width_ratios=(1.15, 1))
        pairs = sorted(set(statistics["pair"]) - {"all"}, reverse=True)
        counts = pd.Series(0, index=pairs)
        handles = []
        names = list(dict.fromkeys(statistics["network"]))
        for i, (name, colour) in enumerate(zip(names, NETWORK_COLOURS, strict=False)):
            network_rows = statistics[statistics["network"] == name].set_index("pair")
            values, bins = data.loc[data["network"] == name, "iou"], np.linspace(0, 1, 41)
            left.hist(values, bins=bins, color=colour, alpha=0.3)
            left.hist(values, bins=bins, color=colour, histtype="step", lw=1.2)
            numbers = network_rows.loc["all"]
            text = f"{TITLES.get(name, name)}: mean {numbers['mean_iou']:.2f}"
            if "mean_iou_low" in numbers:
                half = (numbers["mean_iou_high"] - numbers["mean_iou_low"]) / 2
                text += rf" $\pm$ {half:.2f}"
            handles.append(Patch(facecolor=to_rgba(colour, 0.3), edgecolor=colour, label=text))
            y = np.arange(len(pairs)) + 0.2 - 0.4 * i
            of_pairs = network_rows.reindex(pairs)
            errors: dict[str, Any] = {}
            if "mean_iou_low" in of_pairs:
                mean, low, high = (of_pairs[f"mean_iou{end}"] for end in ("", "_low", "_high"))
                # The interval of a skewed sample of few blends may not contain its mean.
                errors["xerr"] = np.clip([mean - low, high - mean], 0, None)
                errors["error_kw"] = {"elinewidth": 0.8, "ecolor": "0.3"}
            right.barh(y, of_pairs["mean_iou"], 0.4, color=colour, **errors)
            counts = counts.combine(network_rows["n"].reindex(pairs, fill_value=0), max)
        left.set(xlabel="IoU (mean of both galaxies)", ylabel="blends", xlim=(0, 1))
        right.set(xlabel="mean IoU", xlim=(0, 1))
        right.set_yticks(range(len(pairs)), [f"{p} ({counts[p]:,.0f})" for p in pairs])
        right.tick_params(axis="y", length=0)
        right.set_ylabel("types of the galaxies (blends)")
        figure.legend(handles=handles, loc="outside lower center", ncols=2)
