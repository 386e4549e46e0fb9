"""Figure 5 of Boucaud et al. 2020: recovered against isolated magnitudes."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from .metrics import statistics_with_intervals
from .plots import COLOURS, panel_note, save_figure, style
from .units import flux_from_mag, mag_from_flux

#: Columns of the figure: title, catalogue suffix.
METHODS = (("blend2flux", "b2f"), ("blend2mask2flux", "b2m2f"), ("SExtractor", "sex"))
#: Rows: galaxy, catalogue prefix, detection codes for which SExtractor found it.
GALAXIES = (("central", "g1", (0, 2)), ("companion", "g2", (1, 2)))


def fig5_data(
    catalog: pd.DataFrame,
    *,
    network_zero_point: float,
    sextractor_zero_point: float,
) -> pd.DataFrame:
    """The points of Figure 5.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.catalog`).
    network_zero_point, sextractor_zero_point : float
        Of the fluxes. The published catalogue's are 25.96 and 25.67.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `galaxy_id`, `mag_isolated`, `mag_blended` (NaN where the flux is not
        positive), `flux_ratio` (blended over isolated); blends for which SExtractor
        found the galaxy (detection 0 or 2 for the central, 1 or 2 for the companion).
    """
    parts = []
    for galaxy, prefix, codes in GALAXIES:
        rows = catalog[catalog["detection"].isin(codes)]
        for method, suffix in METHODS:
            zero_point = sextractor_zero_point if suffix == "sex" else network_zero_point
            flux, mag = rows[f"{prefix}_flux_{suffix}"], rows[f"{prefix}_mag"]
            parts.append(
                pd.DataFrame(
                    {
                        "method": method,
                        "galaxy": galaxy,
                        "galaxy_id": rows[f"{prefix}_id"].astype(str),
                        "mag_isolated": mag,
                        "mag_blended": mag_from_flux(flux, zero_point),
                        "flux_ratio": flux / flux_from_mag(mag, zero_point),
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def fig5_statistics(points: pd.DataFrame, *, n_resamples: int = 0, seed: int = 0) -> pd.DataFrame:
    """The numbers in the panels of Figure 5, with intervals bootstrapped by galaxy.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, the statistics of `deblend.metrics.photometry_statistics`, and for each
        its `_low` and `_high` (68 %) where `n_resamples` is not 0.
    """
    rows: list[dict[str, Any]] = []
    panels = [(method, galaxy) for galaxy, *_ in GALAXIES for method, _ in METHODS]
    for method, galaxy in panels:
        panel = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
        numbers = statistics_with_intervals(
            panel["flux_ratio"].to_numpy(float),
            panel["mag_isolated"].to_numpy(float),
            panel["galaxy_id"].to_numpy(),
            n_resamples=n_resamples,
            seed=seed,
        )
        rows.append({"method": method, "galaxy": galaxy, **numbers})
    return pd.DataFrame(rows)


def draw_fig5(
    points: pd.DataFrame, statistics: pd.DataFrame, outputs: list[str | Path], label: str = ""
) -> None:
    """Draw Figure 5.

    Parameters
    ----------
    points, statistics : DataFrame
        From `fig5_data` and `fig5_statistics`.
    outputs : list of path
        PDF and PNG.
    label : str
        Shown in the figure: what data and scale it is of.
    """
    isolated = points["mag_isolated"]
    ends = (isolated.min(), isolated.max()) if len(isolated) else (18, 23)
    limits = (np.floor(ends[0]) - 0.2, np.ceil(ends[1]) + 0.2)
    with style():
        figure, axes = plt.subplots(
            2, 3, figsize=(7.2, 5.1), sharex=True, sharey=True, layout="constrained"
        )
        lookup = statistics.set_index(["method", "galaxy"])
        for row, (galaxy, *_) in enumerate(GALAXIES):
            for column, (method, _) in enumerate(METHODS):
                panel = points[(points["method"] == method) & (points["galaxy"] == galaxy)]
                _draw_panel(
                    axes[row, column], panel, lookup.loc[(method, galaxy)], limits, COLOURS[galaxy]
                )
                axes[row, column].set_title(f"{method} ({galaxy})")
            axes[row, 0].set_ylabel("Magnitude, blended (recovered)")
        for axis in axes[1]:
            axis.set_xlabel("Magnitude, isolated")
        if label:
            figure.suptitle(label, fontsize="small")
        save_figure(figure, outputs)


def _draw_panel(
    axis: Axes, panel: pd.DataFrame, numbers: pd.Series, limits: tuple[float, float], colour: str
) -> None:
    axis.set(xlim=limits, ylim=limits, aspect="equal")
    if numbers["n"] == 0:
        panel_note(axis, "no fluxes in this catalogue")
        return
    axis.plot(limits, limits, ls="--", lw=0.8, color="0.5", zorder=1)
    size = 3 if numbers["n"] > 2000 else 6
    axis.scatter(
        panel["mag_isolated"],
        panel["mag_blended"],
        s=size,
        alpha=0.3,
        lw=0,
        color=colour,
        rasterized=True,
        zorder=2,
    )
    axis.text(
        0.04,
        0.97,
        rf"$\overline{{\Delta_{{\rm mag}}}}$ = {numbers['mean_dmag']:.3f}"
        "\n"
        rf"$\sigma_{{\rm mag}}$ = {numbers['sigma_mag']:.3f}"
        "\n"
        f"outliers = {numbers['outliers_percent']:.1f}%\n"
        f"MAPE (mag) = {numbers['mape_mag_percent']:.1f}%",
        transform=axis.transAxes,
        va="top",
        fontsize="x-small",
        linespacing=1.25,
    )
    inset = axis.inset_axes((0.60, 0.12, 0.36, 0.33))
    dmag = panel["mag_blended"] - panel["mag_isolated"]
    inset.hist(dmag.clip(-2, 2), bins=np.linspace(-2, 2, 41).tolist(), color=colour)
    inset.axvline(0, ls="--", lw=0.6, color="0.3")
    inset.set(xlim=(-2, 2), xticks=[-1, 0, 1], yticks=[])
    inset.tick_params(labelsize="xx-small", length=2, pad=1)
    inset.set_title(r"$\Delta_{\rm mag}$", fontsize="x-small", pad=2)
    inset.patch.set_alpha(0.85)
