"""Errors of shares of blends by a bootstrap of their galaxies.

Thousands of blends are made of hundreds of galaxies. Blends that share a galaxy are not
independent: the errors of a binomial distribution, which take them to be, are too small.
"""

import numpy as np
from deblend.intervals import wilson_interval
from deblend.scratch import new_array
from deblend.seeds import generator

#: Percentiles of the resampled values: a 68 % interval.
PERCENTILES = (16.0, 84.0)


#: Resamples and seed of intervals in tables and figures, unless others are given.
N_RESAMPLES, SEED = 200, 1


def resampled_counts(galaxies: np.ndarray, n: int, *item: object, seed: int = SEED) -> np.ndarray:
    """How often each stamp is in each of n bootstrap samples of galaxies.

    Parameters
    ----------
    galaxies : ndarray of int, shape (m, k)
        Numbers of the galaxies of each stamp; -1 for none.
    n : int
    *item
        Part of the seed.
    seed : int

    Returns
    -------
    ndarray, shape (n, m), float32
        The product of the numbers of its galaxies in the sample.

    References
    ----------
    Owen 2007, Ann. Appl. Stat. 1, 386.
    """
    known, index = np.unique(galaxies, return_inverse=True)
    index = index.reshape(galaxies.shape)
    there = known >= 0
    rng = generator(seed, "hemmati2022 bootstrap", *item)
    total = int(there.sum())
    counts = np.ones((n, len(known)), np.float32)
    if total:
        counts[:, there] = rng.multinomial(total, np.full(total, 1 / total), n)
    out = new_array((n, len(index)), np.float32)
    for of_stamps, of_galaxies in zip(out, counts, strict=True):
        of_stamps[:] = of_galaxies[index].prod(axis=1)
    return out


def interval(values: np.ndarray) -> tuple[float, float]:
    """Percentiles `PERCENTILES` of resampled values; NaN if there are none."""
    values = values[np.isfinite(values)]
    if not len(values):
        return np.nan, np.nan
    low, high = np.percentile(values, PERCENTILES)
    return float(low), float(high)


def interval_of_share(
    values: np.ndarray, counts: np.ndarray, among: np.ndarray | None = None
) -> tuple[float, float]:
    """68 % interval of a share of stamps.

    Parameters
    ----------
    values : ndarray of bool, shape (m,)
        Stamps that count.
    counts : ndarray, shape (n, m)
        From `resampled_counts`.
    among : ndarray of bool, shape (m,), optional
        Stamps of which the share is; all by default.

    Returns
    -------
    low, high : float
        Of the bootstrap, or of independent stamps (Wilson) if that interval is wider, as for shares
        of 0; NaN if there are no stamps.
    """
    among = np.ones(len(values), bool) if among is None else np.asarray(among, bool)
    values = np.asarray(values, bool) & among
    if not among.any():
        return np.nan, np.nan
    total = counts @ among.astype(np.float32)
    found = counts @ values.astype(np.float32)
    low, high = interval(found[total > 0] / total[total > 0])
    bounds = [float(x) for x in wilson_interval(values.sum(), among.sum())]
    return float(np.nanmin([low, bounds[0]])), float(np.nanmax([high, bounds[1]]))
