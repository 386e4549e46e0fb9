"""Gaussian process regression of magnitude errors, by scikit-learn.

The scatter of the points about their running median is fitted with a exp(b x) + c at two levels,
one that half of the points stay under and one that 68 % do; the process, a constant times a radial
basis function, takes the second as the variance of each point's noise.

Source: Hemmati et al. 2022, Sect. 4.1 and Fig. 7 (Rasmussen & Williams 2006, Sect. 2.2).
"""

import logging
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.hemmati2022.metrics import flux_errors
from deblend.seeds import generator
from scipy.optimize import curve_fit
from sklearn.exceptions import ConvergenceWarning  # type: ignore[import-untyped]
from sklearn.gaussian_process import GaussianProcessRegressor  # type: ignore[import-untyped]
from sklearn.gaussian_process.kernels import (  # type: ignore[import-untyped]
    RBF,
    ConstantKernel,
)

log = logging.getLogger(__name__)


#: The fit takes the cube of the number of points: 1,000 take seconds. More are drawn from.
MAX_POINTS = 1000


#: Points of a bin that the scatter is measured in, and fewest bins: three numbers are fitted.
BIN_POINTS = 50


MIN_BINS = 5


#: Shares of the points under the two levels of noise (Fig. 7: "the median" and "68%").
LEVELS = {"median": 0.5, "68": 0.68}


@dataclass(frozen=True)
class Scatter:
    """Variance of the points' noise as a exp(b (x - x0)) + c.

    Attributes
    ----------
    a, b, c : float
        a and c are not negative, in units of y squared; b in 1 / x.
    x0 : float
        Smallest x of the data, so that a is the variance's rise there.
    """

    a: float
    b: float
    c: float
    x0: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Variance at x, shape of x."""
        return _exponential(np.asarray(x, float) - self.x0, self.a, self.b, self.c)


@dataclass(frozen=True)
class Regression:
    """A fitted process.

    Attributes
    ----------
    grid : DataFrame
        x; mean; sigma, of the mean without noise; noise_median and noise_68, the two levels of the
        points' noise as standard deviations; total_median and total_68, each with sigma in
        quadrature; low_1, high_1 to low_3, high_3, the mean plus and minus 1 to 3 total_68. In
        units of y. Fig. 7's three regions are the mean plus and minus sigma, total_median and
        total_68.
    bins : DataFrame
        x, n, median_squared and level_68: the median and the 68th percentile of the squared
        deviations in each bin (Fig. 7's insets).
    scatter : dict
        `Scatter` of each of `LEVELS`.
    kernel : str
        With its fitted numbers, in units of y and x.
    n_used, n_points : int
        Points that the process was fitted to, and points given.
    """

    grid: pd.DataFrame
    bins: pd.DataFrame
    scatter: dict[str, Scatter]
    kernel: str
    n_used: int
    n_points: int


def fit_gpr(x: np.ndarray, y: np.ndarray, grid: np.ndarray, *, seed: int) -> Regression:
    """Fit the mean of y against x, with bands.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Input magnitudes (Fig. 7).
    y : ndarray, shape (n,)
        Differences of magnitudes, input less measured or the reverse.
    grid : ndarray, shape (m,)
        Where the mean and its bands are wanted.
    seed : int
        Draws `MAX_POINTS` of the points where there are more; the scatter is of all.

    Returns
    -------
    Regression

    Raises
    ------
    DeblendError
        Values are not finite, or there are too few to measure the scatter in bins.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    bad = int((~np.isfinite(x) | ~np.isfinite(y)).sum())
    if bad:
        raise DeblendError(f"{bad} of {len(x)} points are not finite: leave them out")
    bins, scatter = fit_scatter(x, y)
    used = np.arange(len(x))
    if len(x) > MAX_POINTS:
        rng = generator(seed, "gaussian process", len(x))
        used = np.sort(rng.choice(len(x), MAX_POINTS, replace=False))
    noise = scatter["68"](x[used])
    # The prior's mean is 0: take the points' own off.
    middle = float(np.average(y[used], weights=1 / noise))
    span = float(np.ptp(x))
    # An amplitude of nothing would say that the mean is known, whatever the points' noise.
    least = 1e-2 * float(np.median(noise))
    amplitude = max(float(np.var(bins["median"])), least)
    kernel = ConstantKernel(amplitude, (least, 1e4 * amplitude)) * RBF(
        span / 3, (span / 50, 10 * span)
    )
    process = GaussianProcessRegressor(kernel, alpha=noise)
    with warnings.catch_warnings():
        # A flat mean lies at the kernel's bounds: no failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x[used, None], y[used] - middle)
    log.info("Gaussian process on %d of %d points: %s", len(used), len(x), process.kernel_)
    mean, sigma = process.predict(np.asarray(grid, float)[:, None], return_std=True)
    table = pd.DataFrame({"x": np.asarray(grid, float), "mean": mean + middle, "sigma": sigma})
    for name, level in scatter.items():
        table[f"noise_{name}"] = np.sqrt(level(grid))
        table[f"total_{name}"] = np.hypot(sigma, table[f"noise_{name}"])
    for n in (1, 2, 3):
        table[f"low_{n}"] = table["mean"] - n * table["total_68"]
        table[f"high_{n}"] = table["mean"] + n * table["total_68"]
    return Regression(table, bins, scatter, str(process.kernel_), len(used), len(x))


def fit_scatter(x: np.ndarray, y: np.ndarray) -> tuple[pd.DataFrame, dict[str, Scatter]]:
    """Fit the scatter of y about its running median at both levels.

    Parameters
    ----------
    x, y : ndarray, shape (n,)

    Returns
    -------
    bins : DataFrame
        x, n, median (of y), median_squared, level_68; equal numbers of points in each bin.
    scatter : dict
        `Scatter` of each of `LEVELS`.

    Raises
    ------
    DeblendError
        There are fewer than five points for each of five bins.
    """
    least = 5 * MIN_BINS
    if len(x) < least:
        raise DeblendError(
            f"{len(x)} points are too few for the scatter's fit: give at least {least}"
        )
    order = np.argsort(x, kind="stable")
    n_bins = max(MIN_BINS, len(x) // BIN_POINTS)
    parts = np.array_split(order, n_bins)
    centre = np.array([x[p].mean() for p in parts])
    median = np.array([np.median(y[p]) for p in parts])
    # Between bins the median runs on, else a slope within a bin would count as scatter.
    squared = (y - np.interp(x, centre, median)) ** 2
    bins = pd.DataFrame({"x": centre, "n": [len(p) for p in parts], "median": median})
    scatter = {}
    for name, column in (("median", "median_squared"), ("68", "level_68")):
        bins[column] = [np.quantile(squared[p], LEVELS[name]) for p in parts]
        scatter[name] = _fit_exponential(bins["x"].to_numpy(), bins[column].to_numpy())
    return bins, scatter


def _exponential(x: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return a * np.exp(b * x) + c


def _fit_exponential(x: np.ndarray, variance: np.ndarray) -> Scatter:
    """A variance that is positive everywhere, by least squares of its logarithm."""
    x0, span = float(x.min()), float(max(np.ptp(x), 1e-9))
    # A bin without scatter would have no logarithm, and a point without noise all the weight.
    typical = float(np.mean(variance))
    if not typical > 0:
        raise DeblendError("the points have no scatter at all: there is no noise to fit")
    floor = 1e-6 * typical
    data = np.log(np.maximum(variance, floor))

    def model(x: np.ndarray, log_a: float, b: float, log_c: float) -> np.ndarray:
        return np.logaddexp(log_a + b * x, log_c)

    low, high = np.log(floor) - 5, data.max() + 5
    start = np.clip([data[0] - 1, 1 / span, data.min()], low + 0.1, high - 0.1)
    start[1] = 1 / span
    bounds = ([low, -10 / span, low], [high, 10 / span, high])
    fitted, _ = curve_fit(model, x - x0, data, start, bounds=bounds, max_nfev=5000)
    log_a, b, log_c = fitted
    return Scatter(float(np.exp(log_a)), float(b), float(np.exp(log_c)), x0)


POSITIONS = ("low", "gan")


COLUMNS = {
    "curves": ("position", "mag", "mean", "sigma", "total_median", "total_68"),
    "scatter": ("position", "kind", "a", "b", "c", "x0"),
    "bins": ("position", "mag", "median", "p68"),
}


N_GRID = 60


def regressions(table: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Mean and bands of measured less input magnitude, with the low's and the GAN's positions.

    Parameters
    ----------
    table : DataFrame
        From `deblend.hemmati2022.photometry.measure`.
    seed : int

    Returns
    -------
    dict
        "curves": `COLUMNS`, magnitudes and standard deviations; "scatter": variance as
        a exp(b (mag - x0)) + c, of the `kind` median and 68; "bins": what that was fitted to.
        No rows for positions with too few points, which is said.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    # The same blends as the figure shows: failed fits are left out of both.
    table = flux_errors(table)
    for position in POSITIONS:
        if len(table) < BIN_POINTS * MIN_BINS:
            log.warning(
                "%d magnitudes with the %s positions are too few for a regression (%d)",
                len(table),
                position,
                BIN_POINTS * MIN_BINS,
            )
            continue
        x = table["mag_input"].to_numpy(float)
        y = table[f"mag_{position}"].to_numpy(float) - x
        first, last = np.quantile(x, [0.01, 0.99])
        found = fit_gpr(x, y, np.linspace(first, last, N_GRID), seed=seed)
        parts["curves"].append(found.grid.rename(columns={"x": "mag"}).assign(position=position))
        levels = [
            {"kind": kind, "a": level.a, "b": level.b, "c": level.c, "x0": level.x0}
            for kind, level in found.scatter.items()
        ]
        parts["scatter"].append(pd.DataFrame(levels).assign(position=position))
        bins = found.bins.drop(columns="median", errors="ignore")
        names = {"x": "mag", "median_squared": "median", "level_68": "p68"}
        parts["bins"].append(bins.rename(columns=names).assign(position=position))
    return {
        name: pd.concat([pd.DataFrame({c: [] for c in COLUMNS[name]}), *found], ignore_index=True)[
            list(COLUMNS[name])
        ]
        for name, found in parts.items()
    }
