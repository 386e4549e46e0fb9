"""Scores of deblended images against the true ones (Reiman & Goehre 2019, Sect. 3).

Two columns are those of the authors' code (davidreiman/deblender), and are compared with the
paper's numbers:

`psnr_db`
    With the data range in the numerator: 1 for pixels in [0, 1], or equivalently 2 in [-1, 1].
`ssim_authors_code`
    Pixels in [0, 1], but data range 2: their code rescales the pixels and then calls scikit-image
    with its default range for floats. With twice the range the constants c1 and c2 are four times
    too large, and the score is higher: of images with a perfect galaxy on a flat sky 0.92 instead
    of 0.85.

The others are other readings of the text, and other measures:

`psnr_eq6_db`
    Eq. 6 as it is written: the brightest pixel of the true image instead of the data range.
`ssim`
    Pixels in [0, 1], data range 1.
`ssim_signed`
    Pixels in [-1, 1], as the networks make them, data range 2.
`spectrum_dex`
    A perceptual score, 0 for a perfect image: the root mean square, over spatial frequencies, of
    the log10 ratio of the power spectra of both images. Smooth images, which have the best PSNR,
    lack the power at high frequencies; an adversary restores it. See `spectrum_distance`.
`crossed_psnr_db`
    As `psnr_db`, but against the true image of the other galaxy: it shows whether the two branches
    of the generator make different galaxies.

SSIM has windows of 7 x 7 pixels and the paper's c1 and c2, which are scikit-image's K1 and K2.
PSNR and SSIM are over the three colours together.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.intervals import sharing_errors, wilson_interval
from numpy.typing import ArrayLike
from skimage.metrics import structural_similarity

GALAXIES = ("central", "companion")


#: Methods: the GAN, the same generator trained on the mean squared error alone, and answers that
#: need no network, for both galaxies: the blend itself, a black image, and the blend's sky (its
#: median colour) everywhere.
METHODS = ("gan", "mse", "blend", "black", "sky")


#: Columns in dB, which are infinite for perfect images.
IN_DB = ("psnr_db", "psnr_eq6_db", "crossed_psnr_db")


#: Scores, and whether higher ones are better.
QUANTITIES = {
    "psnr_db": True,
    "ssim_authors_code": True,
    "psnr_eq6_db": True,
    "ssim": True,
    "ssim_signed": True,
    "spectrum_dex": False,
}


COLUMNS = ("blend", "galaxy", *QUANTITIES, "crossed_psnr_db")


#: Columns that `deblend.reiman2019.scores.score_methods` adds: the method, and the rows of the
#: galaxy in the image and of the other galaxy of the blend.
ADDED = ("method", "frame", "other_frame")


STATISTICS = ("mean", "median", "max", "min", "variance")


#: Statistics whose 68 % interval is known.
WITH_INTERVAL = ("mean", "median", "variance")


#: Smallest side of an image: SSIM's window.
WINDOW_PX = 7


def score_images(predicted: np.ndarray, true: np.ndarray) -> pd.DataFrame:
    """Score deblended images.

    Parameters
    ----------
    predicted, true : ndarray, shape (n, 2, y, x, 3)
        Central galaxy and companion of n blends, RGB in [0, 1].

    Returns
    -------
    DataFrame
        One row per image, with `COLUMNS` (see the module's docstring). The PSNR of a perfect image
        is infinite here; see `summary` for how that is treated. `psnr_eq6_db` is NaN if the true
        image is black, since its brightest pixel is 0.

    Raises
    ------
    DeblendError
        The arrays do not have that shape, or have values outside [0, 1].
    """
    for name, images in (("predicted", predicted), ("true", true)):
        _check(name, images)
    if predicted.shape != true.shape:
        raise DeblendError(
            f"predicted has the shape {predicted.shape} and true {true.shape}: give the images of "
            "the same blends"
        )
    n = len(true)
    mse = _mean_squared_error(predicted, true)
    brightest = true.max(axis=(2, 3, 4)).astype(float)
    with np.errstate(divide="ignore", invalid="ignore"):
        psnr = -10 * np.log10(mse)
        crossed = -10 * np.log10(_mean_squared_error(predicted, true[:, ::-1]))
        eq6 = np.where(brightest > 0, 20 * np.log10(brightest) + psnr, np.nan)
    shape = true.shape[2:]
    pairs = list(zip(predicted.reshape(-1, *shape), true.reshape(-1, *shape), strict=True))
    return pd.DataFrame(
        {
            "blend": np.repeat(np.arange(n), 2),
            "galaxy": np.tile(GALAXIES, n),
            "psnr_db": psnr.ravel(),
            "ssim_authors_code": [_ssim(p, t, 2) for p, t in pairs],
            "psnr_eq6_db": eq6.ravel(),
            "ssim": [_ssim(p, t, 1) for p, t in pairs],
            "ssim_signed": [_ssim(2 * p - 1, 2 * t - 1, 2) for p, t in pairs],
            "spectrum_dex": [spectrum_distance(p, t) for p, t in pairs],
            "crossed_psnr_db": crossed.ravel(),
        }
    )


def _check(name: str, images: np.ndarray) -> None:
    if images.ndim != 5 or images.shape[1] != 2 or images.shape[4] != 3:
        raise DeblendError(f"{name} has the shape {images.shape}; it has to be (n, 2, y, x, 3)")
    if min(images.shape[2:4]) < WINDOW_PX:
        raise DeblendError(
            f"{name} has images of {images.shape[2]} x {images.shape[3]} pixels; SSIM needs "
            f"{WINDOW_PX} x {WINDOW_PX} at least"
        )
    low, high = (images.min(), images.max()) if images.size else (0.0, 1.0)
    if not (low >= 0 and high <= 1):
        raise DeblendError(
            f"{name} has pixels from {low:g} to {high:g}; scale them to [0, 1] and clip them"
        )


def _mean_squared_error(predicted: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Mean squared error of each image, shape (n, 2)."""
    # Blend by blend, since the differences of thousands of blends at once would fill the memory.
    pairs = zip(predicted, true, strict=True)
    error = [np.mean(np.square(p - t, dtype=float), axis=(1, 2, 3)) for p, t in pairs]
    return np.array(error).reshape(-1, 2)


def _ssim(predicted: np.ndarray, true: np.ndarray, data_range: float) -> float:
    return float(structural_similarity(true, predicted, data_range=data_range, channel_axis=-1))


def power_spectrum(image: np.ndarray) -> np.ndarray:
    """Mean power of an image in rings of spatial frequency.

    Parameters
    ----------
    image : ndarray, shape (y, x, 3)
        In [0, 1]. Its colours are averaged first.

    Returns
    -------
    ndarray, shape (min(y, x) // 2,)
        Mean squared amplitude per pixel of the modes with 1, 2, ... cycles over the image's side,
        each to half a cycle.
    """
    light = image.mean(axis=-1, dtype=float)
    height, width = light.shape
    side = min(height, width)
    power = np.abs(np.fft.fft2(light)) ** 2 / light.size
    cycles = side * np.hypot(np.fft.fftfreq(height)[:, None], np.fft.fftfreq(width)[None])
    ring = np.rint(cycles).astype(int)
    n_rings = side // 2 + 1
    inside = ring < n_rings
    sums = np.bincount(ring[inside], power[inside], n_rings)
    return (sums / np.bincount(ring[inside], minlength=n_rings))[1:]


#: Power of the rounding to 8 bits, per pixel. Less power than that is no structure.
ROUNDING_POWER = 1 / (12 * 255**2)


def spectrum_distance(predicted: np.ndarray, true: np.ndarray) -> float:
    """Distance of the power spectra of two images (y, x, 3) in [0, 1], dex; 0 if they are equal.

    The root mean square, over the rings of `power_spectrum`, of the log10 ratio of the power; the
    noise of rounding is added to both.
    """
    ratio = (power_spectrum(predicted) + ROUNDING_POWER) / (power_spectrum(true) + ROUNDING_POWER)
    return float(np.sqrt(np.mean(np.log10(ratio) ** 2)))


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read the scores of all methods.

    Raises
    ------
    DeblendError
        A column or a method is missing.
    """
    table = pd.read_csv(path)
    missing = [column for column in (*ADDED, *COLUMNS) if column not in table]
    if missing:
        raise DeblendError(
            f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table)}: "
            "delete it and run again"
        )
    absent = [method for method in METHODS if method not in set(table["method"])]
    if absent:
        raise DeblendError(f"{path} has no scores of {', '.join(absent)}: delete it and run again")
    return table


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Statistics of each method's scores.

    Parameters
    ----------
    scores : DataFrame
        From `score_images`, with the columns `ADDED`.

    Returns
    -------
    DataFrame
        `method`, `galaxy` (both, central, companion), `quantity` (of `QUANTITIES`), `STATISTICS`
        (the variance is that of the population), each of `WITH_INTERVAL` with its `_low` and
        `_high`, `error of mean`, `nearer_percent` (share of the images with a better score than the
        blend itself), `n`, `n_infinite`. The infinite PSNRs of perfect images are counted in
        `n_infinite` and left out of everything else but the share, since a single one would make
        the mean infinite. Intervals and errors allow for blends that share galaxies: see
        `error_of_mean`.
    """
    rows = []
    index = ["blend", "galaxy"]
    of_blend = scores[scores["method"] == "blend"].set_index(index)
    for method, of_method in scores.groupby("method", sort=False):
        for galaxy in ("both", *GALAXIES):
            part = of_method if galaxy == "both" else of_method[of_method["galaxy"] == galaxy]
            for quantity, is_higher_better in QUANTITIES.items():
                finite = part[np.isfinite(part[quantity])]
                row = {"method": method, "galaxy": galaxy, "quantity": quantity}
                row |= _statistics(
                    finite[quantity].to_numpy(float), finite["frame"], finite["other_frame"]
                )
                row["nearer_percent"] = np.nan
                if len(of_blend):
                    theirs = of_blend[quantity].reindex(pd.MultiIndex.from_frame(part[index]))
                    sign = 1 if is_higher_better else -1
                    better = sign * part[quantity].to_numpy() > sign * theirs.to_numpy()
                    row["nearer_percent"] = 100 * float(np.mean(better))
                row["n_infinite"] = int(np.isinf(part[quantity]).sum())
                rows.append(row)
    return pd.DataFrame(rows)


def error_of_mean(values: ArrayLike, frames: ArrayLike, other_frames: ArrayLike) -> float:
    """Standard error of a mean over images of blends that share galaxies.

    An image depends on both galaxies of its blend: on that which it shows, and on that which hides
    it. So images are not independent if their blends have a galaxy in common, in either role.

    Parameters
    ----------
    values : array_like, shape (n,)
    frames, other_frames : array_like, shape (n,)
        The galaxy in each image, and the other one of its blend.

    Returns
    -------
    float
        See `deblend.intervals.sharing_errors`. NaN if there are fewer than two galaxies.
    """
    values = np.asarray(values, float)
    if not len(values):
        return np.nan
    return _error_of_sum((values - values.mean()) / len(values), frames, other_frames)


def median_interval(
    values: ArrayLike, frames: ArrayLike, other_frames: ArrayLike
) -> tuple[float, float]:
    """68 % (1 sigma) interval of a median over images of blends that share galaxies.

    Parameters
    ----------
    values, frames, other_frames
        See `error_of_mean`.

    Returns
    -------
    low, high : float
        The quantiles at one error of the share of values below the median (Woodruff 1952, J. Am.
        Stat. Assoc. 47, 635). NaN if there are fewer than two galaxies.
    """
    values = np.asarray(values, float)
    if not len(values):
        return np.nan, np.nan
    below = values < np.median(values)
    of_share = _error_of_sum((below - 0.5) / len(values), frames, other_frames)
    if not np.isfinite(of_share):
        return np.nan, np.nan
    low, high = np.quantile(values, np.clip([0.5 - of_share, 0.5 + of_share], 0, 1))
    return float(low), float(high)


def share_interval(
    has: ArrayLike, frames: ArrayLike, other_frames: ArrayLike
) -> tuple[float, float]:
    """68 % (1 sigma) interval of a share of images of blends that share galaxies.

    Parameters
    ----------
    has : array_like of bool, shape (n,)
        The images that are counted.
    frames, other_frames
        See `error_of_mean`.

    Returns
    -------
    low, high : float
        Wilson's interval, not empty for shares of 0 and 1, with as many images as independent ones
        would have the error of the share (`error_of_mean`), or with as many as there are galaxies
        if all images are alike. NaN without images.
    """
    has = np.asarray(has, float)
    if not len(has):
        return np.nan, np.nan
    share = has.mean()
    error = error_of_mean(has, frames, other_frames)
    effective = len(np.union1d(np.asarray(frames, str), np.asarray(other_frames, str)))
    if error > 0:
        effective = share * (1 - share) / error**2
    effective = min(effective, len(has))
    low, high = wilson_interval(share * effective, effective)
    return float(np.clip(low, 0, 1)), float(np.clip(high, 0, 1))


def _error_of_sum(terms: np.ndarray, frames: ArrayLike, other_frames: ArrayLike) -> float:
    return float(sharing_errors(terms[:, None], frames, other_frames)[0])


def _statistics(values: np.ndarray, frames: pd.Series, others: pd.Series) -> dict[str, float]:
    """Statistics of finite values, with their intervals."""
    intervals = [f"{name}_{end}" for name in WITH_INTERVAL for end in ("low", "high")]
    names = (*STATISTICS, "error of mean", *intervals)
    n = len(values)
    if not n:
        return dict.fromkeys(names, np.nan) | {"n": 0}
    mean, median, variance = values.mean(), np.median(values), values.var()
    result = {
        "mean": mean,
        "median": median,
        "max": values.max(),
        "min": values.min(),
        "variance": variance,
    }
    error = result["error of mean"] = error_of_mean(values, frames, others)
    result |= {"mean_low": mean - error, "mean_high": mean + error}
    result["median_low"], result["median_high"] = median_interval(values, frames, others)
    of_variance = _error_of_sum(((values - mean) ** 2 - variance) / n, frames, others)
    result |= {
        "variance_low": max(variance - of_variance, 0.0),
        "variance_high": variance + of_variance,
    }
    return {name: float(result.get(name, np.nan)) for name in names} | {"n": n}


def select_examples(scores: pd.DataFrame, n_success: int, n_failure: int) -> pd.DataFrame:
    """Choose the blends to show in Figures 3 and 6, by a rule instead of by hand.

    Blends are ranked by the GAN's PSNR, the lower one of their two galaxies.

    Parameters
    ----------
    scores : DataFrame
        From `score_images`, with the column `method`; only the rows of "gan" are used.
    n_success : int
        Number of successes. They are evenly spaced in rank over the best quarter of the blends,
        its first and last included.
    n_failure : int
        Number of failures: the blends of the lowest rank.

    Returns
    -------
    DataFrame
        `blend`, `kind` (success, best first, then failure, worst first), `psnr_central_db`,
        `psnr_companion_db`.

    Raises
    ------
    DeblendError
        There are too few blends.
    """
    gan_scores = scores[scores["method"] == "gan"]
    psnr = gan_scores.pivot(index="blend", columns="galaxy", values="psnr_db").sort_index()
    # A stable sort keeps blends with equal scores in their order.
    ranked = psnr.loc[psnr.min(axis=1).sort_values(ascending=False, kind="stable").index]
    quarter = -(-len(ranked) // 4)
    if n_success > quarter or n_failure > len(ranked) - quarter:
        raise DeblendError(
            f"{n_success} successes and {n_failure} failures cannot be chosen from {len(ranked)} "
            f"test blends, whose best quarter has {quarter}: show fewer (n_examples), or test more "
            "blends (n_blends)"
        )
    ranks = np.round(np.linspace(0, quarter - 1, n_success)).astype(int)
    chosen = pd.concat(
        [
            ranked.iloc[ranks].assign(kind="success"),
            ranked.iloc[len(ranked) - n_failure :].iloc[::-1].assign(kind="failure"),
        ]
    ).reset_index()
    chosen = chosen.rename(columns={galaxy: f"psnr_{galaxy}_db" for galaxy in GALAXIES})
    columns = ["blend", "kind", "psnr_central_db", "psnr_companion_db"]
    return pd.DataFrame({column: chosen[column] for column in columns})
