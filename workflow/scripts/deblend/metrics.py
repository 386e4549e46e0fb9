"""Statistics of recovered photometry, each named for what it is."""

from collections.abc import Callable

import numpy as np
import pandas as pd

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
        mag - true_mag; `outliers_percent` with |mag - true_mag| > 0.75; `mape_mag_percent`, the mean
        absolute percentage error of the magnitude (Figs 5, 6); `mape_flux_percent`, that of the
        flux (Table 2). NaN where there is nothing to measure.
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
