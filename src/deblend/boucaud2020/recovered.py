"""Recovered magnitudes of a catalogue, for Figures 5 to 9 of Boucaud et al. 2020."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import statistics_with_intervals
from deblend.units import flux_from_mag, mag_from_flux

#: Methods, in the order of the figures' columns: title, suffix in the catalogue.
METHODS = (("blend2flux", "b2f"), ("blend2mask2flux", "b2m2f"), ("SExtractor", "sex"))


NETWORKS = ("blend2flux", "blend2mask2flux")


#: Galaxy, catalogue prefix, detection codes for which SExtractor found it.
GALAXIES = (("central", "g1", (0, 2)), ("companion", "g2", (1, 2)))


#: Edges of the six equal bins of mag_central - mag_companion in Figs 7 to 9, mag.
BIN_EDGES = np.linspace(-2, 2, 7)


#: Bins with fewer galaxies are in the tables, but no line goes through them.
MIN_IN_BIN = 5


def recovered_magnitudes(
    catalog: pd.DataFrame, *, network_zero_point: float, sextractor_zero_point: float
) -> pd.DataFrame:
    """Isolated magnitude of every galaxy, and the magnitude that each method recovers.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    network_zero_point, sextractor_zero_point : float
        Zero points of the fluxes, mag: 25.96 and 25.67 in the published catalogue.

    Returns
    -------
    DataFrame
        A row for each galaxy and method: `method`, `galaxy`, `galaxy_id`, `mag_isolated`,
        `mag_blended` (NaN where the flux is not positive), `flux_ratio` (blended over isolated; NaN
        where not found), `detection`, `found` (whether SExtractor found that galaxy: detection 0 or
        2 for the central, 1 or 2 for the companion), `type` (its morphology), `delta_mag` (isolated
        magnitudes of central - companion) and `distance_over_radius` (distance over the central
        galaxy's effective radius, as in the colour bar of Fig. 7).
    """
    delta_mag = catalog["g1_mag"] - catalog["g2_mag"]
    radius = catalog["g1_rad"].where(catalog["g1_rad"] > 0)
    parts = []
    for galaxy, prefix, codes in GALAXIES:
        for method, suffix in METHODS:
            zero_point = sextractor_zero_point if suffix == "sex" else network_zero_point
            flux, mag = catalog[f"{prefix}_flux_{suffix}"], catalog[f"{prefix}_mag"]
            parts.append(
                pd.DataFrame(
                    {
                        "method": method,
                        "galaxy": galaxy,
                        "galaxy_id": catalog[f"{prefix}_id"].astype(str),
                        "mag_isolated": mag,
                        "mag_blended": mag_from_flux(flux, zero_point),
                        "flux_ratio": flux / flux_from_mag(mag, zero_point),
                        "detection": catalog["detection"],
                        "found": catalog["detection"].isin(codes),
                        "type": catalog[f"{prefix}_type"],
                        "delta_mag": delta_mag,
                        "distance_over_radius": catalog["distance"] / radius,
                    }
                )
            )
    return pd.concat(parts, ignore_index=True)


def panel_statistics(
    points: pd.DataFrame,
    column: str,
    panels: Sequence[tuple[str, str]],
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The numbers in the panels of Figures 5 and 6, with intervals bootstrapped by galaxy.

    Parameters
    ----------
    points : DataFrame
        With `method`, `column`, and `flux_ratio`, `mag_isolated`, `galaxy_id`.
    column : str
        Column whose values are the rows of the figure.
    panels : sequence of (method, value of `column`)
    n_resamples, seed : int

    Returns
    -------
    DataFrame
        `method`, `column`, the statistics of `deblend.boucaud2020.metrics.photometry_statistics`,
        and for each its `_low` and `_high` (68 %) where `n_resamples` is not 0.
    """
    rows: list[dict[str, Any]] = []
    for method, value in panels:
        panel = points[(points["method"] == method) & (points[column] == value)]
        numbers = statistics_with_intervals(
            panel["flux_ratio"].to_numpy(float),
            panel["mag_isolated"].to_numpy(float),
            panel["galaxy_id"].to_numpy(),
            n_resamples=n_resamples,
            seed=seed,
        )
        rows.append({"method": method, column: value, **numbers})
    return pd.DataFrame(rows)


def binned_statistics(
    points: pd.DataFrame, columns: Sequence[str], groups: Sequence[tuple[str, ...]]
) -> pd.DataFrame:
    """Bias and scatter in the bins of magnitude difference of Figures 7 to 9.

    Parameters
    ----------
    points : DataFrame
        With `delta_mag`, `mag_isolated`, `mag_blended`, `flux_ratio` and `columns`.
    columns : sequence of str
        Columns that define the groups.
    groups : sequence of tuple of str
        Values of `columns` for each group; a group without points has rows of n = 0.

    Returns
    -------
    DataFrame
        A row for each group and bin. `delta_mag_low` and `delta_mag_high` are the bin's edges; the
        last bin includes its upper edge. `n` is the number of measured galaxies, `n_nonpositive`
        the number of those whose flux is not positive, so that they have no magnitude. The other
        columns are statistics of recovered minus isolated magnitude: `p5`, `p25`, `median` (the
        bias), `p75`, `p95`, and `sigma_mag` (the scatter: the population standard deviation, as in
        Fig. 5, since the paper does not name another). The row with `bin` "all" combines all bins.
        `n_beyond` is the number of galaxies outside all bins, which are in no row.
    """
    rows: list[dict[str, Any]] = []
    for group_values in groups:
        group = points[(points[list(columns)] == list(group_values)).all(axis=1)]
        delta = group["delta_mag"].to_numpy(float)
        beyond = (delta < BIN_EDGES[0]) | (delta > BIN_EDGES[-1])
        # The last bin includes its upper edge.
        bin_number = np.clip(np.searchsorted(BIN_EDGES, delta, side="right") - 1, 0, 5)
        measured = np.isfinite(group["flux_ratio"].to_numpy(float))
        dmag = (group["mag_blended"] - group["mag_isolated"]).to_numpy(float)
        for bin_ in ("all", *range(len(BIN_EDGES) - 1)):
            in_bin = measured & ~beyond & (True if bin_ == "all" else bin_number == bin_)
            low, high = (0, -1) if bin_ == "all" else (bin_, bin_ + 1)
            errors = dmag[in_bin & np.isfinite(dmag)]
            row: dict[str, Any] = dict(zip(columns, group_values, strict=True))
            row |= {"bin": bin_, "delta_mag_low": BIN_EDGES[low], "delta_mag_high": BIN_EDGES[high]}
            row |= {"n": int(in_bin.sum()), "n_nonpositive": int(in_bin.sum() - len(errors))}
            percentiles = (
                np.percentile(errors, [5, 25, 50, 75, 95]) if len(errors) else np.full(5, np.nan)
            )
            row |= dict(zip(("p5", "p25", "median", "p75", "p95"), percentiles, strict=True))
            row["sigma_mag"] = np.std(errors) if len(errors) else np.nan
            row["n_beyond"] = int((beyond & measured).sum())
            rows.append(row)
    return pd.DataFrame(rows)


def statistics_table(fig5: pd.DataFrame, fig6: pd.DataFrame) -> pd.DataFrame:
    """The numbers in the panels of Figures 5 and 6 as one table.

    Parameters
    ----------
    fig5, fig6 : DataFrame
        From `deblend.boucaud2020.figures.fig5_magnitudes.fig5_statistics` and
        `deblend.boucaud2020.figures.fig6_pairs.fig6_statistics`.

    Returns
    -------
    DataFrame
        `figure`; `network` (blend2flux, blend2mask2flux, sextractor); `galaxy` (central or
        companion; in Fig. 6 pair_detected or pair_missed); `n` measured galaxies; `mean` and
        `sigma` (population standard deviation) of recovered minus isolated magnitude, mag;
        `outliers_percent`; `mape_mag_percent`; `mape_flux_percent`.
    """
    both = pd.concat(
        [
            fig5.assign(figure="fig5"),
            fig6.rename(columns={"pair": "galaxy"}).assign(figure="fig6"),
        ]
    )
    both["network"] = both["method"].str.lower()
    both = both.rename(columns={"mean_dmag": "mean", "sigma_mag": "sigma"})
    columns = ["figure", "network", "galaxy", "n", "mean", "sigma"]
    columns += ["outliers_percent", "mape_mag_percent", "mape_flux_percent"]
    return both[columns].reset_index(drop=True)
