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
