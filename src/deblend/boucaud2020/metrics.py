"""Statistics of recovered photometry."""

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

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
        percentile range. `tails_percent`: share of galaxies more than 3 NMAD from the median
        (0.27 % for normal errors); those without a magnitude are in the tails. A statistic of no
        galaxies is NaN.
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
    result["mape_flux_percent"] = 100 * _mean(np.abs(ratio - 1))
    dmag, true = -2.5 * np.log10(ratio[positive]), true[positive]
    # Galaxies without a magnitude are outliers and in the tails.
    n, n_nonpositive = len(ratio), len(ratio) - len(dmag)
    n_outliers = np.count_nonzero(np.abs(dmag) > OUTLIER_MAG) + n_nonpositive
    result["outliers_percent"] = 100 * n_outliers / n
    result["tails_percent"] = 100.0
    if len(dmag):
        result["mean_dmag"] = mean = _mean(dmag)
        result["sigma_mag"] = math.sqrt(_mean((dmag - mean) ** 2))
        result["mape_mag_percent"] = 100 * _mean(np.abs(dmag / true))
        low, median, high = _quantiles(dmag, (0.16, 0.5, 0.84))
        distance = np.abs(dmag - median)
        result["nmad_mag"] = nmad = NMAD_FACTOR * _quantiles(distance, (0.5,))[0]
        result["half_68_mag"] = (high - low) / 2
        n_tails = np.count_nonzero(distance > TAILS_NMAD * nmad) + n_nonpositive
        result["tails_percent"] = 100 * n_tails / n
    return result


# Thousands of resamples call these: each is a fraction of NumPy's own time on a short array.
def _mean(values: np.ndarray) -> float:
    return float(values.sum()) / len(values)


def _quantiles(values: np.ndarray, shares: Sequence[float]) -> list[float]:
    """Quantiles by linear interpolation, as those of `numpy.quantile`."""
    last = len(values) - 1
    places = [share * last for share in shares]
    floors = [int(place) for place in places]
    ceilings = [min(i + 1, last) for i in floors]
    ordered = np.partition(values, floors + ceilings)
    pairs = [(float(ordered[i]), float(ordered[j])) for i, j in zip(floors, ceilings, strict=True)]
    return [a + (b - a) * (p - i) for (a, b), p, i in zip(pairs, places, floors, strict=True)]


def bootstrap_by_galaxy(
    statistic: Callable[..., Mapping[str, float] | ArrayLike],
    arrays: Sequence[np.ndarray],
    galaxy_ids: np.ndarray,
    *,
    n_resamples: int,
    seed: int,
    level: float = 0.68,
) -> pd.DataFrame:
    """Confidence intervals by resampling galaxies, each with all its measurements.

    Resampling blends would take them as independent, though they share galaxies. A resample draws
    as many galaxies as there are, with replacement. A measurement is in it as often as its galaxy
    was drawn; a blend as often as the product of the numbers of its two galaxies, which are drawn
    once for both roles.

    The product allows for errors that come from a galaxy in either role, but what is the blend's
    own counts three times in the variance (Owen 2007, Ann. Appl. Stat. 1, 386). So the distances of
    both ends from the estimate are multiplied by sqrt((V - 2 P) / V), with the variance V of the
    resampled statistic and its variance P if pairs of galaxies are resampled, each with all its
    blends. To first order V - 2 P is the dyadic cluster-robust variance: the sum over all blends
    that share a galaxy, each pair of blends counted once (Aronow et al. 2015, Polit. Anal. 23,
    564). It is at least P, since sharing galaxies does not make a statistic more certain.

    Parameters
    ----------
    statistic : callable
        Function of as many arrays as given. It returns named numbers or a 1D array.
    arrays : sequence of ndarray, shape (n, ...)
        Measurements.
    galaxy_ids : ndarray, shape (n,) or (n, 2)
        Galaxy of each measurement, or both galaxies of its blend.
    n_resamples, seed : int
    level : float
        Confidence level of the interval.

    Returns
    -------
    DataFrame
        Index: names (or numbers) of the statistics; columns `low`, `high`. Resamples in which a
        statistic is NaN are left out. Empty without measurements or resamples.
    """
    ids = np.asarray(galaxy_ids).astype(str)
    if not len(ids) or not n_resamples:
        return pd.DataFrame(columns=["low", "high"])
    galaxy = np.unique(ids, return_inverse=True)[1].reshape(len(ids), -1)
    rng = np.random.default_rng(seed)
    draws = _resampled(statistic, arrays, galaxy, n_resamples, rng)
    tail = (1 - level) / 2
    interval = pd.DataFrame({"low": draws.quantile(tail), "high": draws.quantile(1 - tail)})
    if galaxy.shape[1] == 1:
        return interval
    pair = np.unique(np.sort(galaxy, axis=1), axis=0, return_inverse=True)[1].reshape(-1, 1)
    by_pair = _resampled(statistic, arrays, pair, n_resamples, rng).var(ddof=0)
    by_galaxy = draws.var(ddof=0)
    share = np.maximum(by_galaxy - 2 * by_pair, by_pair) / by_galaxy
    # Where nothing varies the interval has no width.
    scale = np.sqrt(share.where(by_galaxy > 0, 1.0))
    estimate = pd.DataFrame([statistic(*arrays)]).iloc[0]
    return interval.sub(estimate, axis=0).mul(scale, axis=0).add(estimate, axis=0)


def _resampled(
    statistic: Callable[..., Mapping[str, float] | ArrayLike],
    arrays: Sequence[np.ndarray],
    units: np.ndarray,
    n_resamples: int,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Statistics of resamples, a row each, of units whose numbers are the rows of `units`."""
    n_units, rows = int(units.max()) + 1, np.arange(len(units))
    draws = []
    for _ in range(n_resamples):
        drawn = np.bincount(rng.integers(0, n_units, n_units), minlength=n_units)
        drawn_rows = np.repeat(rows, drawn[units].prod(axis=1))
        if len(drawn_rows):
            draws.append(statistic(*(array[drawn_rows] for array in arrays)))
    return pd.DataFrame(draws)


def statistics_with_intervals(
    flux_ratio: np.ndarray,
    true_mag: np.ndarray,
    galaxy_ids: np.ndarray,
    *,
    n_resamples: int,
    seed: int,
) -> dict[str, float]:
    """`photometry_statistics`, each with the 68 % interval of `bootstrap_by_galaxy`.

    Parameters
    ----------
    flux_ratio, true_mag : ndarray, shape (n,)
        See `photometry_statistics`.
    galaxy_ids : ndarray, shape (n,) or (n, 2)
        The galaxy, or the galaxy and its partner in the blend.
    n_resamples, seed : int

    Returns
    -------
    dict
        The statistics, and for each its `_low` and `_high` where `n_resamples` is not 0; first all
        of the paper's, then the robust ones.
    """
    flux_ratio, true_mag = np.asarray(flux_ratio, float), np.asarray(true_mag, float)
    result = photometry_statistics(flux_ratio, true_mag)
    robust = {name: result.pop(name) for name in ROBUST_STATISTICS}
    measured = np.isfinite(flux_ratio) & np.isfinite(true_mag)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        (flux_ratio[measured], true_mag[measured]),
        np.asarray(galaxy_ids)[measured],
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
        partner = "companion" if galaxy == "central" else "central"
        ids = truth[[f"id_{galaxy}", f"id_{partner}"]].to_numpy()
        selections = {"all": np.ones(len(truth), bool)} | {
            name: selected.loc[truth.index].to_numpy()
            for name, selected in (("found", found_by_sep[galaxy]), ("both", detection == 2))
        }
        for name, selected in selections.items():
            statistics = statistics_with_intervals(
                flux_ratio[selected],
                true_mag[selected],
                ids[selected],
                n_resamples=n_resamples,
                seed=seed,
            )
            rows.append({"method": method, "galaxy": galaxy, "selection": name, **statistics})
    return pd.DataFrame(rows)
