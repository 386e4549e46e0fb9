"""Recovered magnitudes of a catalogue, for Figures 5 to 9 of Boucaud et al. 2020."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.methods import PAPER_METHODS, Method, catalog_methods
from deblend.boucaud2020.metrics import (
    ROBUST_STATISTICS,
    STATISTICS,
    bootstrap_by_galaxy,
    photometry_statistics,
    statistics_with_intervals,
)
from deblend.errors import DeblendError
from deblend.units import flux_from_mag, mag_from_flux

#: The paper's networks.
NETWORKS = tuple(method.name for method in PAPER_METHODS if method.is_network)


#: Galaxy, catalogue prefix, detection codes for which SExtractor found it.
GALAXIES = (("central", "g1", (0, 2)), ("companion", "g2", (1, 2)))


#: Catalogue prefix of the other galaxy of the blend.
PARTNERS = {"g1": "g2", "g2": "g1"}


#: Edges of the six equal bins of mag_central - mag_companion in Figs 7 to 9, mag.
BIN_EDGES = np.linspace(-2, 2, 7)


#: Bins with fewer galaxies are in the tables, but no line goes through them.
MIN_IN_BIN = 5


#: How errors scatter in a bin: in the paper's way, which tails widen, and by robust statistics.
SPREAD = ("sigma_mag", *ROBUST_STATISTICS)


def recovered_magnitudes(
    catalog: pd.DataFrame, *, network_zero_point: float, sextractor_zero_point: float
) -> pd.DataFrame:
    """Isolated magnitude of every galaxy, and the magnitude that each method recovers.

    Parameters
    ----------
    catalog : DataFrame
        Of any methods (`deblend.boucaud2020.catalog.check_catalog`).
    network_zero_point, sextractor_zero_point : float
        Zero points of the fluxes, mag: 25.96 and 25.67 in the published catalogue.

    Returns
    -------
    DataFrame
        A row for each galaxy and method: `method`, `is_network`, `galaxy`, `galaxy_id`,
        `partner_id` (the other galaxy of the blend), `mag_isolated`, `mag_blended` (NaN where the
        flux is not positive), `flux_ratio` (blended over isolated; NaN where not found),
        `detection`, `found` (whether SExtractor found that galaxy: detection 0 or 2 for the
        central, 1 or 2 for the companion), `type` (its morphology), `delta_mag` (isolated
        magnitudes of central - companion) and `distance_over_radius` (distance over the central
        galaxy's effective radius, as in the colour bar of Fig. 7).
    """
    parts = []
    for galaxy in GALAXIES:
        for method in catalog_methods(catalog):
            zero_point = network_zero_point if method.is_network else sextractor_zero_point
            flux = catalog[f"{galaxy[1]}_flux_{method.suffix}"]
            points = _points(catalog, galaxy, method.name, flux, zero_point)
            points.insert(1, "is_network", method.is_network)
            parts.append(points)
    return pd.concat(parts, ignore_index=True)


def _points(
    blends: pd.DataFrame,
    which: tuple[str, str, tuple[int, ...]],
    method: str | np.ndarray,
    flux: pd.Series,
    zero_point: float | pd.Series,
) -> pd.DataFrame:
    """Points of one galaxy (of `GALAXIES`) of each blend, of which `flux` is a method's."""
    galaxy, prefix, codes = which
    mag, radius = blends[f"{prefix}_mag"], blends["g1_rad"]
    return pd.DataFrame(
        {
            "method": method,
            "galaxy": galaxy,
            "galaxy_id": blends[f"{prefix}_id"].astype(str),
            "partner_id": blends[f"{PARTNERS[prefix]}_id"].astype(str),
            "mag_isolated": mag,
            "mag_blended": mag_from_flux(flux, zero_point),
            "flux_ratio": flux / flux_from_mag(mag, zero_point),
            "detection": blends["detection"],
            "found": blends["detection"].isin(codes),
            "type": blends[f"{prefix}_type"],
            "delta_mag": blends["g1_mag"] - blends["g2_mag"],
            "distance_over_radius": blends["distance"] / radius.where(radius > 0),
        }
    )


def predicted_magnitudes(predictions: pd.DataFrame, catalog: pd.DataFrame) -> pd.DataFrame:
    """As `recovered_magnitudes`, from long-form predictions: the truth is the catalogue's.

    Parameters
    ----------
    predictions : DataFrame
        Of one or more methods, in long form (`deblend.boucaud2020.predictions`).
    catalog : DataFrame
        Of the same blends, with its truth and detections.

    Returns
    -------
    DataFrame
        A row for each prediction, with the same columns but `is_network`.

    Raises
    ------
    DeblendError
        The blends are not those of the catalogue.
    """
    unknown = np.setxor1d(predictions["blend"], catalog["id"])
    if len(unknown):
        raise DeblendError(
            f"predictions and catalogue differ in {len(unknown)} blends, for example "
            f"{unknown[0]}: they are of different runs"
        )
    parts = []
    for galaxy in GALAXIES:
        table = predictions[predictions["galaxy"] == galaxy[0]].reset_index(drop=True)
        blends = catalog.set_index("id").loc[table["blend"]].reset_index(drop=True)
        method = table["method"].to_numpy()
        parts.append(_points(blends, galaxy, method, table["flux"], table["zero_point"]))
    return pd.concat(parts, ignore_index=True)


def panels(methods: Sequence[Method], groups: Iterable[str]) -> list[tuple[str, str]]:
    """Method and group of each panel, row by row."""
    return [(method.name, group) for group in groups for method in methods]


def panel_statistics(
    points: pd.DataFrame,
    column: str,
    panels: Sequence[tuple[str, str]],
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """The numbers in the panels of Figures 5 and 6, with intervals bootstrapped by galaxy.

    Both galaxies of a blend are resampled.

    Parameters
    ----------
    points : DataFrame
        With `method`, `column`, and `flux_ratio`, `mag_isolated`, `galaxy_id`, `partner_id`.
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
            panel[["galaxy_id", "partner_id"]].to_numpy(),
            n_resamples=n_resamples,
            seed=seed,
        )
        rows.append({"method": method, column: value, **numbers})
    return pd.DataFrame(rows)


def binned_statistics(
    points: pd.DataFrame,
    columns: Sequence[str],
    groups: Sequence[tuple[str, ...]],
    *,
    by: str = "delta_mag",
    edges: np.ndarray = BIN_EDGES,
    n_resamples: int = 0,
    seed: int = 0,
) -> pd.DataFrame:
    """Bias and scatter in bins: by default those of magnitude difference of Figures 7 to 9.

    Parameters
    ----------
    points : DataFrame
        With `mag_isolated`, `mag_blended`, `flux_ratio`, `columns` and the column of `by`; with
        `galaxy_id` and `partner_id` for intervals.
    columns : sequence of str
        Columns that define the groups.
    groups : sequence of tuple of str
        Values of `columns` for each group; a group without points has rows of n = 0.
    by : str
        Column whose values are binned.
    edges : ndarray
        Edges of the bins.
    n_resamples, seed : int
        Of the bootstrap over both galaxies of a blend; without resamples there are no intervals.

    Returns
    -------
    DataFrame
        A row for each group and bin. `delta_mag_low` and `delta_mag_high` (or the name of `by`
        with these ends) are the bin's edges; the last bin includes its upper edge. `n` is the
        number of measured galaxies, `n_nonpositive` the number of those whose flux is not positive,
        so that they have no magnitude. The other columns are statistics of recovered minus isolated
        magnitude: `p5`, `p25`, `median` (the bias), `p75`, `p95`; `sigma_mag` (the scatter: the
        population standard deviation, as in Fig. 5, since the paper does not name another),
        `nmad_mag`, `half_68_mag` and `tails_percent`, of
        `deblend.boucaud2020.metrics.photometry_statistics`; with `_low` and `_high` after the name
        of the median and of these: their 68 % intervals, in bins of `MIN_IN_BIN` galaxies
        or more. The row with `bin` "all" combines all bins.
        `n_beyond` is the number of galaxies outside all bins, which are in no row.
    """
    rows: list[dict[str, Any]] = []
    for group_values in groups:
        group = points[(points[list(columns)] == list(group_values)).all(axis=1)]
        binned = group[by].to_numpy(float)
        beyond = ~((binned >= edges[0]) & (binned <= edges[-1]))
        # The last bin includes its upper edge.
        bin_number = np.searchsorted(edges, binned, side="right") - 1
        bin_number = np.clip(bin_number, 0, len(edges) - 2)
        measured = np.isfinite(group["flux_ratio"].to_numpy(float))
        dmag = (group["mag_blended"] - group["mag_isolated"]).to_numpy(float)
        for bin_ in ("all", *range(len(edges) - 1)):
            in_bin = measured & ~beyond & (True if bin_ == "all" else bin_number == bin_)
            low, high = (0, -1) if bin_ == "all" else (bin_, bin_ + 1)
            errors = dmag[in_bin & np.isfinite(dmag)]
            row: dict[str, Any] = dict(zip(columns, group_values, strict=True))
            row |= {"bin": bin_, f"{by}_low": edges[low], f"{by}_high": edges[high]}
            row |= {"n": int(in_bin.sum()), "n_nonpositive": int(in_bin.sum() - len(errors))}
            percentiles = (
                np.percentile(errors, [5, 25, 50, 75, 95]) if len(errors) else np.full(5, np.nan)
            )
            row |= dict(zip(("p5", "p25", "median", "p75", "p95"), percentiles, strict=True))
            row |= _spread(*group.loc[in_bin, ["flux_ratio", "mag_isolated"]].to_numpy(float).T)
            if n_resamples:
                enough = len(errors) >= MIN_IN_BIN
                row |= _intervals(group[in_bin], n_resamples if enough else 0, seed)
            row["n_beyond"] = int((beyond & measured).sum())
            rows.append(row)
    return pd.DataFrame(rows)


def _spread(flux_ratio: np.ndarray, true_mag: np.ndarray) -> dict[str, float]:
    """`SPREAD` of galaxies that have a flux."""
    statistics = photometry_statistics(flux_ratio, true_mag)
    return {name: statistics[name] for name in SPREAD}


def _intervals(points: pd.DataFrame, n_resamples: int, seed: int) -> dict[str, float]:
    """68 % intervals of the bias and the spread in a bin."""

    def statistics(flux_ratio: np.ndarray, true_mag: np.ndarray) -> dict[str, float]:
        positive = flux_ratio[flux_ratio > 0]
        median = np.median(-2.5 * np.log10(positive)) if len(positive) else np.nan
        return {"median": float(median)} | _spread(flux_ratio, true_mag)

    names = ("median", *SPREAD)
    interval = bootstrap_by_galaxy(
        statistics,
        list(points[["flux_ratio", "mag_isolated"]].to_numpy(float).T),
        points[["galaxy_id", "partner_id"]].to_numpy(),
        n_resamples=n_resamples,
        seed=seed,
    ).reindex(names)
    return {f"{n}_{end}": interval.loc[n, end] for n in names for end in ("low", "high")}


def published_curves(
    tables: Iterable[pd.DataFrame], about: dict[str, Any]
) -> dict[int | str, pd.DataFrame]:
    """Statistics of the authors' catalogue for the figures of a catalogue, by the figure's number.

    Parameters
    ----------
    tables : iterable of DataFrame
        Statistics of Figures 7 to 9 from the authors' catalogue, or nothing.
    about : dict
        Description of the catalogue. With an `architecture` it is that of its `network`, and the
        name of one of the paper's networks: the curves of that one are drawn under this network's.

    Returns
    -------
    dict
        Empty without `tables`.
    """
    curves: dict[int | str, pd.DataFrame] = dict(zip((7, 8, 9), tables, strict=False))
    if not about.get("architecture"):
        return curves
    kept = {about["architecture"]: about["network"], "SExtractor": "SExtractor"}
    return {
        n: table[table["method"].isin(kept)].assign(method=table["method"].map(kept))
        for n, table in curves.items()
    }


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
        `figure`; `network` (blend2flux, blend2mask2flux or another network, sextractor); `galaxy`
        (central or companion; in Fig. 6 pair_detected or pair_missed); `n` measured galaxies;
        `mean` and `sigma` (population standard deviation) of recovered minus isolated magnitude,
        mag; `outliers_percent`; `mape_mag_percent`; `mape_flux_percent`; `nmad`, `half_68` (half
        the 68 % interval), mag; `tails_percent`
        (`deblend.boucaud2020.metrics.photometry_statistics`); then `_low` and `_high` of each
        statistic, if there are intervals.
    """
    both = pd.concat(
        [
            fig5.assign(figure="fig5"),
            fig6.rename(columns={"pair": "galaxy"}).assign(figure="fig6"),
        ]
    )
    both["network"] = both["method"].str.lower()
    names = {"mean_dmag": "mean", "sigma_mag": "sigma", "nmad_mag": "nmad"}
    names["half_68_mag"] = "half_68"
    statistics = {name: names.get(name, name) for name in (*STATISTICS, *ROBUST_STATISTICS)}
    ends = [f"{name}_{end}" for name in statistics for end in ("low", "high")]
    columns = {name: name for name in ("figure", "network", "galaxy", "n")} | statistics
    for end in [end for end in ends if end in both]:
        name, _, side = end.rpartition("_")
        columns[end] = f"{statistics[name]}_{side}"
    return both[list(columns)].rename(columns=columns).reset_index(drop=True)
