"""Intervals and densities of fluxes, and how well they are calibrated."""

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.truth import Truth
from scipy.stats import kstest

#: Half-widths of intervals of 68 and 95 %, in standard errors.
SIGMAS = {"68": 1.0, "95": 1.96}

#: Percentiles between which these intervals are, of draws.
PERCENTILES = {"68": (16.0, 84.0), "95": (2.5, 97.5)}

#: Columns of `intervals`.
COLUMNS = ("low_68", "high_68", "low_95", "high_95", "pit", "uncertain")


def share_below(draws: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Share (n,) of the draws (n, m) that are below the truth (n,), between its steps (PIT)."""
    below = (draws < truth[:, None]).sum(1)
    return (below + 0.5) / (draws.shape[1] + 1)


def intervals(truth: Truth, found: Catalogue, rows: np.ndarray) -> dict[str, np.ndarray]:
    """What a method says about the accuracy of each flux.

    Parameters
    ----------
    truth, found
    rows : ndarray of int, shape (n,)
        Row of the catalogue for each galaxy, -1 for none, from `deblend.benchmark.matching.match`.

    Returns
    -------
    dict of ndarray, shape (n,)
        `low_68` to `high_95` (counts/s): intervals by the draws of the method, or by its error.
        `pit`: share of its draws below the true flux. `uncertain`: 1 where the method warns, 0
        where it does not. NaN for galaxies that are not found and for what the method lacks.
    """
    columns = {name: np.full(len(rows), np.nan) for name in COLUMNS}
    real = np.flatnonzero(rows >= 0)
    if not len(real):
        return columns
    chosen = rows[real]
    if found.uncertain is not None:
        columns["uncertain"][real] = found.uncertain[chosen]
    flux, error = (found.table[c].to_numpy(float)[chosen] for c in ("flux", "flux_error"))
    for name, sigmas in SIGMAS.items():
        low, high = flux - sigmas * error, flux + sigmas * error
        if found.draws is not None:
            low, high = np.percentile(found.draws[chosen], PERCENTILES[name], axis=1)
        columns[f"low_{name}"][real], columns[f"high_{name}"][real] = low, high
    if found.draws is not None:
        true = truth.galaxies["flux"].to_numpy(float)[real]
        columns["pit"][real] = share_below(np.sort(found.draws[chosen], axis=1), true)
    return columns


def density_scores(table: pd.DataFrame, outlier: np.ndarray) -> dict[str, float]:
    """Calibration of a method's intervals, and how well its warnings tell outliers.

    Parameters
    ----------
    table : DataFrame
        `COLUMNS`, `true_flux`, `n_further`.
    outlier : ndarray of bool, shape (n,)

    Returns
    -------
    dict
        `coverage_68` and `coverage_95`; `pit_ks`: Kolmogorov-Smirnov distance of the PIT from a
        uniform distribution; `uncertain_percent` of all fluxes; `uncertain_uncrowded_percent` of
        those in scenes of which no neighbour counts as a galaxy; `outliers_known_percent`: share of
        the outliers that have a warning. NaN for what the method lacks.
    """
    scores = dict.fromkeys(DENSITY, np.nan)
    true = table["true_flux"].to_numpy(float)
    for name in SIGMAS:
        low, high = (table[f"{end}_{name}"].to_numpy(float) for end in ("low", "high"))
        known = np.isfinite(low)
        if known.any():
            within = (true >= low) & (true <= high)
            scores[f"coverage_{name}"] = float(within[known].mean())
    pit = table["pit"].dropna().to_numpy(float)
    if len(pit):
        scores["pit_ks"] = float(kstest(pit, "uniform").statistic)
    warned = table["uncertain"].to_numpy(float)
    known = np.isfinite(warned)
    if known.any():
        scores["uncertain_percent"] = 100 * float(warned[known].mean())
        uncrowded = known & (table["n_further"].to_numpy() == 0)
        if uncrowded.any():
            scores["uncertain_uncrowded_percent"] = 100 * float(warned[uncrowded].mean())
        if (known & outlier).any():
            scores["outliers_known_percent"] = 100 * float(warned[known & outlier].mean())
    return scores


#: Names of `density_scores`.
DENSITY = (
    *("coverage_68", "coverage_95", "pit_ks"),
    *("uncertain_percent", "uncertain_uncrowded_percent", "outliers_known_percent"),
)
