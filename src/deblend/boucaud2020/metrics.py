"""Statistics of recovered photometry."""

from collections.abc import Callable

import numpy as np
import pandas as pd

#: |Delta mag| beyond which a galaxy is an outlier (Boucaud et al. 2020, Sect. 4.1).
OUTLIER_MAG = 0.75


STATISTICS = ("mean_dmag", "sigma_mag", "outliers_percent", "mape_mag_percent", "mape_flux_percent")


#: Statistics that a few large errors hardly change, or that count them; not in the paper.
ROBUST_STATISTICS = ("nmad_mag", "half_68_mag", "tails_percent")


#: The NMAD of normal errors is their standard deviation: 1 / (75th percentile of a normal one).
NMAD_FACTOR = 1.482602218505602


#: Distance from the median beyond which an error is in the tails, in NMAD.
TAILS_NMAD = 3.0


def photometry_statistics(flux_ratio: np.ndarray, true_mag: np.ndarray) -> dict[str, float]:
    """The statistics of Boucaud et al. 2020 in the panels of Figs 5 and 6 and in Table 2.

    The standard deviation mixes the width of the errors' core with their tails; the robust
    statistics tell these apart.

    Parameters
    ----------
    flux_ratio : ndarray, shape (n,)
        Recovered over true flux; NaN where the galaxy was not found.
    true_mag : ndarray, shape (n,)
        Isolated magnitudes.

    Returns
    -------
    dict
        `n`, `n_missing`: numbers of galaxies that were found and not found. `n_nonpositive`: number
        of the found ones whose flux is not positive, so that they have no magnitude; they count as
        outliers, in the tails and in the error of the flux; the other statistics exclude them.
        `mean_dmag`, `sigma_mag`: mean and population standard deviation of recovered minus true
        magnitude. `outliers_percent`: where that difference is larger than 0.75.
        `mape_mag_percent`: mean absolute percentage error of the magnitude (Figs 5, 6).
        `mape_flux_percent`: that of the flux (Table 2). `nmad_mag`: normalised median absolute
        deviation of the magnitude difference from its median. `half_68_mag`: half its 16 to 84
        percentile range. `tails_percent`: share of galaxies more than 3 NMAD from the median; those
        without a magnitude are in the tails. A statistic of no galaxies is NaN.
    """
    flux_ratio, true_mag = np.asarray(flux_ratio, float), np.asarray(true_mag, float)
    measured = np.isfinite(flux_ratio) & np.isfinite(true_mag)
    ratio, true = flux_ratio[measured], true_mag[measured]
    positive = ratio > 0
    result: dict[str, float] = {
        "n": int(measured.sum()),
        "n_missing": int((~measured).sum()),
        "n_nonpositive": int((~positive).sum()),
        **dict.fromkeys((*STATISTICS, *ROBUST_STATISTICS), np.nan),
    }
    if not measured.any():
        return result
    dmag = np.where(positive, -2.5 * np.log10(np.where(positive, ratio, 1)), np.inf)
    result["outliers_percent"] = float(100 * np.mean(np.abs(dmag) > OUTLIER_MAG))
    result["mape_flux_percent"] = float(100 * np.mean(np.abs(ratio - 1)))
    result["tails_percent"] = 100.0
    if positive.any():
        low, median, high = np.percentile(dmag[positive], [16, 50, 84])
        nmad = NMAD_FACTOR * np.median(np.abs(dmag[positive] - median))
        result["nmad_mag"], result["half_68_mag"] = float(nmad), float((high - low) / 2)
        result["tails_percent"] = float(100 * np.mean(np.abs(dmag - median) > TAILS_NMAD * nmad))
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
    """Confidence intervals by resampling galaxies, each with all its measurements.

    Resampling blends would take them as independent, though they share galaxies.

    Parameters
    ----------
    statistics : callable
        Function of the two arrays that returns named numbers, as `photometry_statistics`.
    flux_ratio, true_mag : ndarray, shape (n,)
    galaxy_id : ndarray, shape (n,)
        Galaxy of each measurement.
    n_resamples, seed : int
    level : float
        Confidence level of the interval.

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
    rows_of_galaxies = np.split(order, np.cumsum(np.bincount(group))[:-1])
    draws = []
    for _ in range(n_resamples):
        chosen = rng.integers(0, len(rows_of_galaxies), len(rows_of_galaxies))
        rows = np.concatenate([rows_of_galaxies[c] for c in chosen])
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
        The statistics, and for each its `_low` and `_high` where `n_resamples` is not 0; first all
        of the paper's, then the robust ones.
    """
    result = photometry_statistics(flux_ratio, true_mag)
    robust = {name: result.pop(name) for name in ROBUST_STATISTICS}
    measured = np.isfinite(flux_ratio) & np.isfinite(true_mag)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        flux_ratio[measured],
        true_mag[measured],
        galaxy_id[measured],
        n_resamples=n_resamples,
        seed=seed,
    )
    for names in (STATISTICS, ROBUST_STATISTICS):
        result |= {name: robust[name] for name in names if name in robust}
        for name in [n for n in names if n in interval.index]:
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
    """Statistics of every method on the same blends, including SEP's AUTO fluxes.

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
        `method`, `galaxy`, `selection` (all: all blends; found: those in which SEP found that
        galaxy, as in Fig. 5; both: those in which it found exactly the two), and the statistics.
    """
    found_by_sep = {
        "central": detection.isin([0, 2]),
        "companion": detection.isin([1, 2]),
    }
    rows = []
    for (method, galaxy), group in predictions.groupby(["method", "galaxy"], sort=False):
        predicted = group.set_index("blend").loc[truth.index]
        true_mag = truth[f"mag_{galaxy}"].to_numpy()
        flux_ratio = predicted["flux"].to_numpy() * 10 ** (
            0.4 * (true_mag - predicted["zero_point"].to_numpy())
        )
        selections = {"all": np.ones(len(truth), bool)} | {
            name: selected.loc[truth.index].to_numpy()
            for name, selected in (("found", found_by_sep[galaxy]), ("both", detection == 2))
        }
        for name, selected in selections.items():
            statistics = statistics_with_intervals(
                flux_ratio[selected],
                true_mag[selected],
                truth[f"id_{galaxy}"].to_numpy()[selected],
                n_resamples=n_resamples,
                seed=seed,
            )
            rows.append({"method": method, "galaxy": galaxy, "selection": name, **statistics})
    return pd.DataFrame(rows)
