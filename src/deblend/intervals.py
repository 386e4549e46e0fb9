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


def share_interval(
    share: ArrayLike, error: ArrayLike, n: ArrayLike, n_groups: ArrayLike
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's 68 % (1 sigma) interval of a share of things that are not independent.

    Parameters
    ----------
    share, error : array_like
        The share, and its error that knows which things belong together (`sharing_errors`).
    n : array_like
        Number of things.
    n_groups : array_like
        Number of independent things if none, or all, are counted, whose error is 0: that of
        galaxies.

    Returns
    -------
    low, high : ndarray
        In [0, 1], with as many things as independent ones would have this error, at most `n`; NaN
        where `n` is 0.
    """
    arrays = np.broadcast_arrays(*(np.asarray(x, float) for x in (share, error, n, n_groups)))
    share, error, n, n_groups = arrays
    with np.errstate(divide="ignore", invalid="ignore"):
        effective = np.where(error > 0, share * (1 - share) / error**2, n_groups)
    effective = np.minimum(effective, n)
    low, high = wilson_interval(share * effective, effective)
    return np.clip(low, 0, 1), np.clip(high, 0, 1)


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


class Sharing:
    """Which measurements share an object, for errors of many statistics of them.

    Parameters
    ----------
    first, second : ndarray of int, shape (n,)
        Numbers of the objects that each measurement is of, such as both galaxies of a blend. Their
        order does not matter; `second` is -1 for a single one.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray) -> None:
        self._two = (second >= 0) & (second != first)
        ends = np.sort(np.column_stack([first, second])[self._two], axis=1)
        self._objects = pd.factorize(np.concatenate([first, second[self._two]]))[0]
        # Numbers of pairs of objects.
        width = int(max(first.max(initial=0), second.max(initial=0))) + 1
        self._pairs = pd.factorize(ends[:, 0].astype(np.int64) * width + ends[:, 1])[0]

    def errors(self, terms: np.ndarray) -> np.ndarray:
        """Standard errors of sums of terms (n, k), see `sharing_errors`; shape (k,)."""
        n_objects = int(self._objects.max(initial=-1)) + 1
        if n_objects < 2:
            return np.full(terms.shape[1], np.nan)
        of_two, independent = terms[self._two], (terms**2).sum(axis=0)
        variance = independent
        if n_objects < len(self._objects):
            variance = _squares_of_sums(np.concatenate([terms, of_two]), self._objects)
            # Measurements that share both objects were counted for each of them.
            variance = variance - _squares_of_sums(of_two, self._pairs)
        return np.sqrt(np.maximum(variance * n_objects / (n_objects - 1), independent))


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
    return Sharing(*numbers_of(first, second)).errors(np.asarray(terms, float))


def numbers_of(first: ArrayLike, second: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of objects, for `Sharing`, from their names: that of "" in `second` is -1."""
    first, second = np.asarray(first, str), np.asarray(second, str)
    numbers = pd.factorize(np.concatenate([first, second]))[0]
    return numbers[: len(first)], np.where(second == "", -1, numbers[len(first) :])


def _squares_of_sums(terms: np.ndarray, groups: np.ndarray) -> np.ndarray:
    """Sum over groups, numbered from 0, of the squared sum of a group's terms, by column."""
    return np.array([(np.bincount(groups, column) ** 2).sum() for column in terms.T])
