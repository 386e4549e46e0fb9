"""Gaussian process regression of magnitude errors, with scikit-learn.

The squared deviations of the points from their running median are described at two levels, the
median and the 68th percentile. Each level is fitted with a exp(b x) + c. The process, whose kernel
is a constant times a radial basis function, takes the second level as the variance of the noise.

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


#: Largest number of points for the fit, which are drawn at random from more: its time grows with
#: their number cubed, and 1,000 points take seconds.
MAX_POINTS = 1000


#: Points that deviate from the running median by more standard deviations (68 % level) than this
#: are left out of the process, though not of the scatter's fit.
OUTLIER_SIGMA = 5.0


#: Number of points in a bin in which the scatter is measured.
BIN_POINTS = 50


#: Smallest number of bins, since three parameters are fitted.
MIN_BINS = 5


#: Shares of the points below the two levels of noise (Fig. 7: "the median" and "68%").
LEVELS = {"median": 0.5, "68": 0.68}


@dataclass(frozen=True)
class Scatter:
    """Variance of the points' noise, a exp(b (x - x0)) + c.

    Attributes
    ----------
    a, b, c : float
        a and c are not negative and in units of y squared; b is in units of 1 / x.
    x0 : float
        Smallest x of the data.
    """

    a: float
    b: float
    c: float
    x0: float

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """Variance at x, with the shape of x."""
        return _exponential(np.asarray(x, float) - self.x0, self.a, self.b, self.c)


@dataclass(frozen=True)
class Regression:
    """A fitted process.

    Attributes
    ----------
    grid : DataFrame
        x; mean; sigma of the mean, without noise; noise_median and noise_68, the two levels of the
        points' noise as standard deviations; total_median and total_68, their sums with sigma in
        quadrature; low_1, high_1 to low_3, high_3, the mean minus and plus 1 to 3 times total_68.
        All but x are in units of y. The three regions of Fig. 7 are the mean plus and minus sigma,
        total_median and total_68.
    bins : DataFrame
        x, n, median, and median_squared and level_68, the median and the 68th percentile of the
        squared deviations in each bin (insets of Fig. 7).
    scatter : dict
        `Scatter` of each of `LEVELS`.
    kernel : str
        Kernel with its fitted parameters, in units of y and x.
    n_used, n_left_out, n_points : int
        Number of points to which the process was fitted, number of those left out since they
        deviate by more than `OUTLIER_SIGMA`, and number of given points.
    """

    grid: pd.DataFrame
    bins: pd.DataFrame
    scatter: dict[str, Scatter]
    kernel: str
    n_used: int
    n_left_out: int
    n_points: int


def fit_gpr(
    x: np.ndarray,
    y: np.ndarray,
    grid: np.ndarray,
    *,
    seed: int,
    max_points: int = MAX_POINTS,
) -> Regression:
    """Fit the mean of y as a function of x, and its uncertainty.

    Parameters
    ----------
    x : ndarray, shape (n,)
        Input magnitudes (Fig. 7).
    y : ndarray, shape (n,)
        Differences of measured and input magnitudes.
    grid : ndarray, shape (m,)
        Values of x at which the mean and its uncertainty are evaluated.
    seed : int
        Seed for drawing `max_points` points if there are more.
    max_points : int
        Largest number of points to which the process is fitted. The scatter is fitted to all.

    Returns
    -------
    Regression

    Raises
    ------
    DeblendError
        Values are not finite, or there are too few points to measure the scatter in bins.
    """
    x, y = np.asarray(x, float), np.asarray(y, float)
    n_bad = int((~np.isfinite(x) | ~np.isfinite(y)).sum())
    if n_bad:
        raise DeblendError(f"{n_bad} of {len(x)} points are not finite: leave them out")
    bins, scatter = fit_scatter(x, y)
    # The process takes the noise as normally distributed: it would bend to each failed fit.
    deviation = y - np.interp(x, bins["x"], bins["median"])
    # Beyond the first and last bin, the exponentials are not measured and may explode.
    ends = bins["x"].min(), bins["x"].max()
    used = np.flatnonzero(deviation**2 < OUTLIER_SIGMA**2 * scatter["68"](np.clip(x, *ends)))
    n_left_out = len(x) - len(used)
    if n_left_out:
        log.info("%d of %d points are outliers and left out", n_left_out, len(x))
    if len(used) > max_points:
        rng = generator(seed, "gaussian process", len(x))
        used = np.sort(rng.choice(used, max_points, replace=False))
    noise = scatter["68"](np.clip(x[used], *ends))
    # The mean of the prior is 0, so the mean of the points is subtracted.
    offset = float(np.average(y[used], weights=1 / noise))
    span = float(np.ptp(x))
    # With an amplitude near 0, the process would claim to know the mean despite the noise.
    min_amplitude = 1e-2 * float(np.median(noise))
    amplitude = max(float(np.var(bins["median"])), min_amplitude)
    kernel = ConstantKernel(amplitude, (min_amplitude, 1e4 * amplitude)) * RBF(
        span / 3, (span / 10, 10 * span)
    )
    process = GaussianProcessRegressor(kernel, alpha=noise)
    with warnings.catch_warnings():
        # For a flat mean the parameters end at their bounds, which is not a failure.
        warnings.simplefilter("ignore", ConvergenceWarning)
        process.fit(x[used, None], y[used] - offset)
    log.info("Gaussian process on %d of %d points: %s", len(used), len(x), process.kernel_)
    mean, sigma = process.predict(np.asarray(grid, float)[:, None], return_std=True)
    table = pd.DataFrame({"x": np.asarray(grid, float), "mean": mean + offset, "sigma": sigma})
    for name, level in scatter.items():
        table[f"noise_{name}"] = np.sqrt(level(np.clip(grid, *ends)))
        table[f"total_{name}"] = np.hypot(sigma, table[f"noise_{name}"])
    for n in (1, 2, 3):
        table[f"low_{n}"] = table["mean"] - n * table["total_68"]
        table[f"high_{n}"] = table["mean"] + n * table["total_68"]
    kernel_text = str(process.kernel_)
    return Regression(table, bins, scatter, kernel_text, len(used), n_left_out, len(x))


def fit_scatter(x: np.ndarray, y: np.ndarray) -> tuple[pd.DataFrame, dict[str, Scatter]]:
    """Fit both levels of the scatter of y about its running median.

    Parameters
    ----------
    x, y : ndarray, shape (n,)

    Returns
    -------
    bins : DataFrame
        x, n, median (of y), median_squared, level_68; the bins have equal numbers of points.
    scatter : dict
        `Scatter` of each of `LEVELS`.

    Raises
    ------
    DeblendError
        There are fewer than five points for each of five bins.
    """
    min_points = 5 * MIN_BINS
    if len(x) < min_points:
        raise DeblendError(
            f"{len(x)} points are too few for the scatter's fit: give at least {min_points}"
        )
    order = np.argsort(x, kind="stable")
    n_bins = max(MIN_BINS, len(x) // BIN_POINTS)
    parts = np.array_split(order, n_bins)
    centre = np.array([x[part].mean() for part in parts])
    median = np.array([np.median(y[part]) for part in parts])
    # Interpolate the median between bins, since a slope within a bin would count as scatter.
    squared = (y - np.interp(x, centre, median)) ** 2
    bins = pd.DataFrame({"x": centre, "n": [len(part) for part in parts], "median": median})
    scatter = {}
    for name, column in (("median", "median_squared"), ("68", "level_68")):
        bins[column] = [np.quantile(squared[part], LEVELS[name]) for part in parts]
        scatter[name] = _fit_exponential(bins["x"].to_numpy(), bins[column].to_numpy())
    return bins, scatter


def _exponential(x: np.ndarray, a: float, b: float, c: float) -> np.ndarray:
    return a * np.exp(b * x) + c


def _fit_exponential(x: np.ndarray, variance: np.ndarray) -> Scatter:
    """Fit the logarithm of the variance by least squares, so that the result is always positive."""
    x0, span = float(x.min()), float(max(np.ptp(x), 1e-9))
    # A bin without scatter would have no logarithm, and its points would get all the weight.
    typical = float(np.mean(variance))
    if not typical > 0:
        raise DeblendError("the points have no scatter at all: there is no noise to fit")
    floor = 1e-6 * typical
    log_variance = np.log(np.maximum(variance, floor))

    def model(x: np.ndarray, log_a: float, b: float, log_c: float) -> np.ndarray:
        return np.logaddexp(log_a + b * x, log_c)

    low, high = np.log(floor) - 5, log_variance.max() + 5
    start = np.clip([log_variance[0] - 1, 1 / span, log_variance.min()], low + 0.1, high - 0.1)
    start[1] = 1 / span
    bounds = ([low, -10 / span, low], [high, 10 / span, high])
    fitted, _ = curve_fit(model, x - x0, log_variance, start, bounds=bounds, max_nfev=5000)
    log_a, b, log_c = fitted
    return Scatter(float(np.exp(log_a)), float(b), float(np.exp(log_c)), x0)


POSITIONS = ("low", "gan")


COLUMNS = {
    "curves": ("position", "mag", "mean", "sigma", "total_median", "total_68"),
    "scatter": ("position", "kind", "a", "b", "c", "x0", "n_left_out"),
    "bins": ("position", "mag", "median", "p68"),
}


N_GRID = 60


def regressions(table: pd.DataFrame, seed: int) -> dict[str, pd.DataFrame]:
    """Fit measured minus input magnitudes, for the positions from low resolution and from the GAN.

    Parameters
    ----------
    table : DataFrame
        From `deblend.hemmati2022.photometry.measure_photometry`.
    seed : int

    Returns
    -------
    dict
        Tables with `COLUMNS`. "curves": mean and standard deviations, in magnitudes; "scatter":
        parameters of the variance a exp(b (mag - x0)) + c, for the `kind` median and 68, and
        the number of points that are left out of the curves, `n_left_out`; "bins": the values to
        which these were fitted. Positions with too few points have no rows, and a
        warning is logged.
    """
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in COLUMNS}
    # Failed fits are left out here as in the figure, so that both show the same blends.
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
        regression = fit_gpr(x, y, np.linspace(first, last, N_GRID), seed=seed)
        parts["curves"].append(
            regression.grid.rename(columns={"x": "mag"}).assign(position=position)
        )
        parameters = [
            {"kind": kind, "a": level.a, "b": level.b, "c": level.c, "x0": level.x0}
            for kind, level in regression.scatter.items()
        ]
        parts["scatter"].append(
            pd.DataFrame(parameters).assign(position=position, n_left_out=regression.n_left_out)
        )
        bins = regression.bins.drop(columns="median", errors="ignore")
        names = {"x": "mag", "median_squared": "median", "level_68": "p68"}
        parts["bins"].append(bins.rename(columns=names).assign(position=position))
    return {
        # An empty table among others would turn numbers of points into floats.
        name: pd.concat(
            tables or [pd.DataFrame({c: [] for c in COLUMNS[name]})], ignore_index=True
        )[list(COLUMNS[name])]
        for name, tables in parts.items()
    }
