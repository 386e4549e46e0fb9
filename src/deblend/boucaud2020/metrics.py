"""Statistics of recovered photometry, each named for what it is."""

from collections.abc import Callable

import numpy as np
import pandas as pd

#: |Delta mag| beyond which a galaxy is an outlier (Boucaud et al. 2020, Sect. 4.1).
OUTLIER_MAG = 0.75


STATISTICS = ("mean_dmag", "sigma_mag", "outliers_percent", "mape_mag_percent", "mape_flux_percent")


def photometry_statistics(flux_ratio: np.ndarray, true_mag: np.ndarray) -> dict[str, float]:
    """The statistics in the panels of Boucaud et al. 2020, Figs 5 and 6, and Table 2's.

    Parameters
    ----------
    flux_ratio : ndarray, shape (n,)
        Recovered over true flux; NaN where the galaxy was not found.
    true_mag : ndarray, shape (n,)
        Isolated magnitudes.

    Returns
    -------
    dict
        `n` and `n_missing` (not found) galaxies; `n_nonpositive`, those of the n whose flux is not
        positive and has no magnitude: they count as outliers and in the flux's error, and only the
        other three statistics are without them. `mean_dmag` (mag) and `sigma_mag` (population
        standard deviation) of recovered minus true magnitude; `outliers_percent` where that is
        beyond 0.75; `mape_mag_percent`, the mean absolute percentage error of the magnitude (Figs
        5, 6); `mape_flux_percent`, that of the flux (Table 2). NaN where there is nothing to
        measure.
    """
    flux_ratio, true_mag = np.asarray(flux_ratio, float), np.asarray(true_mag, float)
    found = np.isfinite(flux_ratio) & np.isfinite(true_mag)
    ratio, true = flux_ratio[found], true_mag[found]
    positive = ratio > 0
    result: dict[str, float] = {
        "n": int(found.sum()),
        "n_missing": int((~found).sum()),
        "n_nonpositive": int((~positive).sum()),
        **dict.fromkeys(STATISTICS, np.nan),
    }
    if not found.any():
        return result
    dmag = np.where(positive, -2.5 * np.log10(np.where(positive, ratio, 1)), np.inf)
    result["outliers_percent"] = float(100 * np.mean(np.abs(dmag) > OUTLIER_MAG))
    result["mape_flux_percent"] = float(100 * np.mean(np.abs(ratio - 1)))
    if positive.any():
        dmag, true = dmag[positive], true[positive]
        result["mean_dmag"] = float(np.mean(dmag))
        result["sigma_mag"] = float(np.std(dmag))
        result["mape_mag_percent"] = float(100 * np.mean(np.abs(dmag / true)))
    return result


def bootstrap_by_galaxy(
    statistics: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    flux_ratio: np.ndarray,
    true_mag: np.ndarray,
    galaxy_id: np.ndarray,
    *,
    n_resamples: int,
    seed: int,
    level: float = 0.68,
) -> pd.DataFrame:
    """Confidence intervals that allow for blends' sharing galaxies.

    Galaxies are resampled, each with all its measurements.

    Parameters
    ----------
    statistics : callable
        From two arrays, as `photometry_statistics`, to named numbers.
    flux_ratio, true_mag : ndarray, shape (n,)
    galaxy_id : ndarray, shape (n,)
        The galaxy that each measurement is of.
    n_resamples, seed : int
    level : float
        Of the interval.

    Returns
    -------
    DataFrame
        Index: the statistics; columns `low`, `high`. Empty without measurements or resamples.
    """
    if not len(flux_ratio) or not n_resamples:
        return pd.DataFrame(columns=["low", "high"])
    rng = np.random.default_rng(seed)
    _, group = np.unique(galaxy_id.astype(str), return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    draws = []
    for _ in range(n_resamples):
        chosen = rng.integers(0, len(members), len(members))
        rows = np.concatenate([members[c] for c in chosen])
        draws.append(statistics(flux_ratio[rows], true_mag[rows]))
    table = pd.DataFrame(draws)
    tail = (1 - level) / 2
    return pd.DataFrame({"low": table.quantile(tail), "high": table.quantile(1 - tail)})


def statistics_with_intervals(
    flux_ratio: np.ndarray,
    true_mag: np.ndarray,
    galaxy_id: np.ndarray,
    *,
    n_resamples: int,
    seed: int,
) -> dict[str, float]:
    """`photometry_statistics`, each with the 68 % interval of `bootstrap_by_galaxy`.

    Returns
    -------
    dict
        The statistics, and for each its `_low` and `_high` where `n_resamples` is not 0.
    """
    result = photometry_statistics(flux_ratio, true_mag)
    found = np.isfinite(flux_ratio) & np.isfinite(true_mag)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        flux_ratio[found],
        true_mag[found],
        galaxy_id[found],
        n_resamples=n_resamples,
        seed=seed,
    )
    for name in [n for n in STATISTICS if n in interval.index]:
        result[f"{name}_low"], result[f"{name}_high"] = interval.loc[name]
    return result


def photometry_table(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    detection: pd.Series,
    *,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Statistics of every method on the same blends, SEP's AUTO fluxes among them.

    Parameters
    ----------
    predictions : DataFrame
        Long form, of one or more methods (`deblend.boucaud2020.predictions`).
    truth : DataFrame
        See `deblend.boucaud2020.predictions.truth`.
    detection : Series
        SEP's detection code, index blend.
    n_resamples, seed : int

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `selection` (all blends; found: those in which SEP found that galaxy,
        as in Fig. 5; both: those in which it found exactly the two), and the statistics.
    """
    found = {
        "central": detection.isin([0, 2]),
        "companion": detection.isin([1, 2]),
    }
    rows = []
    for (method, galaxy), group in predictions.groupby(["method", "galaxy"], sort=False):
        mine = group.set_index("blend").loc[truth.index]
        true_mag = truth[f"mag_{galaxy}"].to_numpy()
        ratio = mine["flux"].to_numpy() * 10 ** (0.4 * (true_mag - mine["zero_point"].to_numpy()))
        selections = {"all": np.ones(len(truth), bool)} | {
            name: chosen.loc[truth.index].to_numpy()
            for name, chosen in (("found", found[galaxy]), ("both", detection == 2))
        }
        for name, chosen in selections.items():
            numbers = statistics_with_intervals(
                ratio[chosen],
                true_mag[chosen],
                truth[f"id_{galaxy}"].to_numpy()[chosen],
                n_resamples=n_resamples,
                seed=seed,
            )
            rows.append({"method": method, "galaxy": galaxy, "selection": name, **numbers})
    return pd.DataFrame(rows)
