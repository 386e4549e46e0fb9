"""Statistics of recovered photometry, each named for what it is."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from .units import mag_from_flux

#: |Delta mag| beyond which a galaxy is an outlier (Boucaud et al. 2020, Sect. 4.1).
OUTLIER_MAG = 0.75
STATISTICS = ("mean_dmag", "sigma_mag", "outliers_percent", "mape_mag_percent", "mape_flux_percent")


def photometry_statistics(mag: np.ndarray, true_mag: np.ndarray) -> dict[str, float]:
    """The statistics in the panels of Boucaud et al. 2020, Figs 5 and 6, and Table 2's.

    Parameters
    ----------
    mag, true_mag : ndarray, shape (n,)
        Recovered and isolated magnitudes. Pairs with a NaN are left out and counted.

    Returns
    -------
    dict
        `n`, `n_missing`; `mean_dmag` (mag) and `sigma_mag` (population standard deviation) of
        mag - true_mag; `outliers_percent` with |mag - true_mag| > 0.75; `mape_mag_percent`, the
        mean absolute percentage error of the magnitude (Figs 5, 6); `mape_flux_percent`, that of
        the flux (Table 2). NaN where there is nothing to measure.
    """
    mag, true_mag = np.asarray(mag, float), np.asarray(true_mag, float)
    good = np.isfinite(mag) & np.isfinite(true_mag)
    result: dict[str, float] = {"n": int(good.sum()), "n_missing": int((~good).sum())}
    if not good.any():
        return result | dict.fromkeys(STATISTICS, np.nan)
    dmag = mag[good] - true_mag[good]
    result["mean_dmag"] = float(np.mean(dmag))
    result["sigma_mag"] = float(np.std(dmag))
    result["outliers_percent"] = float(100 * np.mean(np.abs(dmag) > OUTLIER_MAG))
    result["mape_mag_percent"] = float(100 * np.mean(np.abs(dmag / true_mag[good])))
    result["mape_flux_percent"] = float(100 * np.mean(np.abs(10 ** (-0.4 * dmag) - 1)))
    return result


def bootstrap_by_galaxy(
    statistics: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    mag: np.ndarray,
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
        From two arrays of magnitudes to named numbers.
    mag, true_mag : ndarray, shape (n,)
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
    if not len(mag) or not n_resamples:
        return pd.DataFrame(columns=["low", "high"])
    rng = np.random.default_rng(seed)
    _, group = np.unique(galaxy_id.astype(str), return_inverse=True)
    order = np.argsort(group, kind="stable")
    members = np.split(order, np.cumsum(np.bincount(group))[:-1])
    draws = []
    for _ in range(n_resamples):
        chosen = rng.integers(0, len(members), len(members))
        rows = np.concatenate([members[c] for c in chosen])
        draws.append(statistics(mag[rows], true_mag[rows]))
    table = pd.DataFrame(draws)
    tail = (1 - level) / 2
    return pd.DataFrame({"low": table.quantile(tail), "high": table.quantile(1 - tail)})


def statistics_with_intervals(
    mag: np.ndarray, true_mag: np.ndarray, galaxy_id: np.ndarray, *, n_resamples: int, seed: int
) -> dict[str, float]:
    """`photometry_statistics`, each with the 68 % interval of `bootstrap_by_galaxy`.

    Returns
    -------
    dict
        The statistics, and for each its `_low` and `_high` where `n_resamples` is not 0.
    """
    result = photometry_statistics(mag, true_mag)
    good = np.isfinite(mag) & np.isfinite(true_mag)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        mag[good],
        true_mag[good],
        galaxy_id[good],
        n_resamples=n_resamples,
        seed=seed,
    )
    for name in [n for n in STATISTICS if n in interval.index]:
        result[f"{name}_low"], result[f"{name}_high"] = interval.loc[name]
    return result


def photometry_table(
    predictions: pd.DataFrame,
    truth: pd.DataFrame,
    galaxy_ids: pd.DataFrame,
    detection: pd.Series,
    *,
    n_resamples: int,
    seed: int,
) -> pd.DataFrame:
    """Statistics of every method on the same blends, SEP's AUTO fluxes among them.

    Parameters
    ----------
    predictions : DataFrame
        Long form, of one or more methods (`deblend.predictions`).
    truth : DataFrame
        Index blend; `mag_central`, `mag_companion`.
    galaxy_ids : DataFrame
        Index blend; `central`, `companion`.
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
        mag = mag_from_flux(mine["flux"], 0.0) + mine["zero_point"].to_numpy()
        selections = {"all": np.ones(len(truth), bool)} | {
            name: chosen.loc[truth.index].to_numpy()
            for name, chosen in (("found", found[galaxy]), ("both", detection == 2))
        }
        for name, chosen in selections.items():
            numbers = statistics_with_intervals(
                mag[chosen],
                truth[f"mag_{galaxy}"].to_numpy()[chosen],
                galaxy_ids[galaxy].to_numpy()[chosen],
                n_resamples=n_resamples,
                seed=seed,
            )
            rows.append({"method": method, "galaxy": galaxy, "selection": name, **numbers})
    return pd.DataFrame(rows)
