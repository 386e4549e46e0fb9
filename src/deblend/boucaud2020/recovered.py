"""Recovered magnitudes of a catalogue: what Figures 5 to 9 of Boucaud et al. 2020 share."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.metrics import statistics_with_intervals
from deblend.units import flux_from_mag, mag_from_flux

#: Columns of the figures: title, catalogue suffix.
METHODS = (("blend2flux", "b2f"), ("blend2mask2flux", "b2m2f"), ("SExtractor", "sex"))


NETWORKS = ("blend2flux", "blend2mask2flux")


#: Galaxy, catalogue prefix, detection codes for which SExtractor found it.
GALAXIES = (("central", "g1", (0, 2)), ("companion", "g2", (1, 2)))


#: Edges of the six equal bins of mag_central - mag_companion in Figs 7 to 9, mag.
BIN_EDGES = np.linspace(-2, 2, 7)


#: Bins with fewer galaxies are in the tables, but no line goes through them.
MIN_IN_BIN = 5


def recovered(
    catalog: pd.DataFrame, *, network_zero_point: float, sextractor_zero_point: float
) -> pd.DataFrame:
    """Every method's magnitude of every galaxy beside the isolated one.

    Parameters
    ----------
    catalog : DataFrame
        In the published format (`deblend.boucaud2020.catalog`).
    network_zero_point, sextractor_zero_point : float
        Of the fluxes, mag. The published catalogue's are 25.96 and 25.67.

    Returns
    -------
    DataFrame
        A row a galaxy and method: `method`, `galaxy`, `galaxy_id`, `mag_isolated`, `mag_blended`
        (NaN where the flux is not positive), `flux_ratio` (blended over isolated; NaN where not
        found), `detection`, `found` (whether SExtractor found that galaxy: detection 0 or 2 for the
        central, 1 or 2 for the companion), `type` (its morphology), `delta_mag` (isolated
        magnitudes of central - companion) and `distance_over_radius` (distance over the central
        galaxy's effective radius, as the colour bar of Fig. 7).
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
        What the rows of the figure show.
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
        What is kept apart.
    groups : sequence of tuple of str
        Values of `columns`; a group without points has rows of n = 0.

    Returns
    -------
    DataFrame
        For each group, and each bin with its edges `delta_mag_low` and `delta_mag_high` (the upper
        edge of the last one is in it): `n` measured galaxies; `n_nonpositive`, those of the n whose
        flux is not positive and has no magnitude; and of the others' difference of recovered and
        isolated magnitude, `p5`, `p25`, `median` (the bias), `p75`, `p95`, and `sigma_mag` (the
        scatter: the population standard deviation, as in Fig. 5, since the paper does not name
        another). The row `bin` "all" is of all bins together; `n_beyond` is the number of galaxies
        whose pair differs by more than the bins reach, which are in no row.
    """
    rows: list[dict[str, Any]] = []
    for values in groups:
        group = points[(points[list(columns)] == list(values)).all(axis=1)]
        delta = group["delta_mag"].to_numpy(float)
        beyond = (delta < BIN_EDGES[0]) | (delta > BIN_EDGES[-1])
        # The last bin holds its upper edge too.
        number = np.clip(np.searchsorted(BIN_EDGES, delta, side="right") - 1, 0, 5)
        measured = np.isfinite(group["flux_ratio"].to_numpy(float))
        dmag = (group["mag_blended"] - group["mag_isolated"]).to_numpy(float)
        for bin_ in ("all", *range(len(BIN_EDGES) - 1)):
            chosen = measured & ~beyond & (True if bin_ == "all" else number == bin_)
            low, high = (0, -1) if bin_ == "all" else (bin_, bin_ + 1)
            values_here = dmag[chosen & np.isfinite(dmag)]
            row: dict[str, Any] = dict(zip(columns, values, strict=True))
            row |= {"bin": bin_, "delta_mag_low": BIN_EDGES[low], "delta_mag_high": BIN_EDGES[high]}
            row |= {"n": int(chosen.sum()), "n_nonpositive": int(chosen.sum() - len(values_here))}
            percentiles = (
                np.percentile(values_here, [5, 25, 50, 75, 95])
                if len(values_here)
                else np.full(5, np.nan)
            )
            row |= dict(zip(("p5", "p25", "median", "p75", "p95"), percentiles, strict=True))
            row["sigma_mag"] = np.std(values_here) if len(values_here) else np.nan
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
