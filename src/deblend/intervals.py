"""Confidence intervals that papers share."""

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike


def wilson_interval(k: ArrayLike, n: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 68 % (1 sigma) interval of a share k / n; not empty for shares of 0 and 1.

    Parameters
    ----------
    k, n : array_like
        Numbers of successes and of all trials; not whole numbers if they are the effective numbers
        of weighted trials.

    Returns
    -------
    low, high : ndarray
        In [0, 1]; NaN where `n` is 0.

    References
    ----------
    Wilson 1927, J. Am. Stat. Assoc. 22, 209.
    """
    k, n = np.broadcast_arrays(np.asarray(k, float), np.asarray(n, float))
    n = np.where(n > 0, n, np.nan)
    share = k / n
    middle = (share + 1 / (2 * n)) / (1 + 1 / n)
    half = np.sqrt(share * (1 - share) / n + 1 / (4 * n**2)) / (1 + 1 / n)
    # Rounding must not put the share outside its interval.
    return np.minimum(middle - half, share), np.maximum(middle + half, share)


def mean_interval(values: ArrayLike, groups: ArrayLike) -> tuple[float, float]:
    """68 % (1 sigma) interval of a mean whose values are independent between groups only.

    Parameters
    ----------
    values : array_like, shape (n,)
    groups : array_like, shape (n,)
        Such as the galaxy that each value is about.

    Returns
    -------
    low, high : float
        The mean minus and plus its cluster-robust standard error; NaN for fewer than two groups.
    """
    values, groups = np.asarray(values, float), np.asarray(groups)
    if len(np.unique(groups)) < 2:
        return np.nan, np.nan
    mean = float(np.mean(values))
    sums = pd.Series(values - mean).groupby(groups).sum()
    error = float(np.sqrt((sums**2).sum())) / len(values)
    return mean - error, mean + error


def sharing_errors(terms: ArrayLike, first: ArrayLike, second: ArrayLike) -> np.ndarray:
    """Standard errors of sums of terms that are not independent if they share an object.

    Parameters
    ----------
    terms : array_like, shape (n, k)
        Influence of each measurement on each of k statistics, such as weight times the residual
        from a weighted mean, divided by the sum of the weights.
    first, second : array_like of str, shape (n,)
        The objects that each measurement is of, such as both galaxies of a blend. Their order does
        not matter; `second` is "" for a single one.

    Returns
    -------
    ndarray, shape (k,)
        The dyadic cluster-robust error: products of the terms of all pairs of measurements that
        share an object, each pair counted once. It is at least that of independent measurements,
        since sharing objects does not make a statistic more certain. NaN for fewer than two
        objects.

    References
    ----------
    Aronow et al. 2015, Polit. Anal. 23, 564.
    """
    terms = np.asarray(terms, float)
    first, second = np.asarray(first, str), np.asarray(second, str)
    two = (second != "") & (second != first)
    objects = np.concatenate([first, second[two]])
    n_objects = len(np.unique(objects))
    if n_objects < 2:
        return np.full(terms.shape[1], np.nan)
    variance = _squares_of_sums(np.concatenate([terms, terms[two]]), objects)
    # Measurements that share both objects were counted for each of them.
    ends = np.sort(np.column_stack([first[two], second[two]]), axis=1)
    pairs = pd.MultiIndex.from_arrays(list(ends.T)).factorize()[0]
    variance = variance - _squares_of_sums(terms[two], pairs)
    variance = variance * n_objects / (n_objects - 1)
    return np.sqrt(np.maximum(variance, (terms**2).sum(axis=0)))


def _squares_of_sums(terms: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sum over groups of the squared sum of a group's terms, for each column."""
    return (pd.DataFrame(terms).groupby(groups).sum() ** 2).sum().to_numpy()
