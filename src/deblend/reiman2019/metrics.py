"""PSNR and SSIM of deblended images against the true ones (Reiman & Goehre 2019, Sect. 3).

The paper does not say on which scale of pixel values, and with which data range, its numbers were
computed. There is a column for each plausible reading:

`psnr_db`
    With the data range in the numerator: 1 for pixels in [0, 1], or equivalently 2 in [-1, 1].
`psnr_eq6_db`
    Eq. 6: the brightest pixel of the true image, in [0, 1], instead of the data range.
`ssim`
    Pixels in [0, 1], data range 1.
`ssim_as_published`
    Pixels in [-1, 1], as the networks make them, data range 2. This was the default of scikit-image
    in 2018 for floating-point images.
`ssim_authors_code`
    Pixels in [0, 1], but data range 2: the authors' code rescales the pixels and then calls
    scikit-image with its default range. With twice the range the constants c1 and c2 are four times
    too large, and the score is higher.
`crossed_psnr_db`
    As `psnr_db`, but against the true image of the other galaxy: it shows whether the two branches
    of the generator make different galaxies.

SSIM has windows of 7 x 7 pixels and the paper's c1 and c2, which are scikit-image's K1 and K2. All
scores are over the three colours together.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from skimage.metrics import structural_similarity

GALAXIES = ("central", "companion")


#: Methods: the GAN, the same generator trained on the mean squared error alone, and the blend
#: itself taken as the image of both galaxies.
METHODS = ("gan", "mse", "blend")


QUANTITIES = ("psnr_db", "psnr_eq6_db", "ssim", "ssim_as_published", "ssim_authors_code")


COLUMNS = ("blend", "galaxy", *QUANTITIES, "crossed_psnr_db")


STATISTICS = ("mean", "error of mean", "median", "max", "min", "variance")


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
            "psnr_eq6_db": eq6.ravel(),
            "ssim": [_ssim(p, t, 1) for p, t in pairs],
            "ssim_as_published": [_ssim(2 * p - 1, 2 * t - 1, 2) for p, t in pairs],
            "ssim_authors_code": [_ssim(p, t, 2) for p, t in pairs],
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


def read_scores(path: str | Path) -> pd.DataFrame:
    """Read the scores of all methods.

    Raises
    ------
    DeblendError
        A column or a method is missing.
    """
    table = pd.read_csv(path)
    missing = [column for column in ("method", "frame", *COLUMNS) if column not in table]
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
        From `score_images`, with the columns `method` and `frame`, the galaxy in the image.

    Returns
    -------
    DataFrame
        `method`, `galaxy` (both, central, companion), `quantity` (of `QUANTITIES`), `STATISTICS`
        (the variance is that of the population; for the error of the mean see `error_by_frame`),
        `n`, `n_infinite`. The infinite PSNRs of perfect images are counted in `n_infinite` and left
        out of everything else, since a single one would make the mean infinite.
    """
    rows = []
    for method, method_scores in scores.groupby("method", sort=False):
        for galaxy in ("both", *GALAXIES):
            galaxy_scores = (
                method_scores
                if galaxy == "both"
                else method_scores[method_scores["galaxy"] == galaxy]
            )
            for quantity in QUANTITIES:
                finite = galaxy_scores[np.isfinite(galaxy_scores[quantity])]
                row = {"method": method, "galaxy": galaxy, "quantity": quantity}
                row |= _statistics(finite[quantity].to_numpy(float), finite["frame"])
                rows.append(row | {"n_infinite": int(np.isinf(galaxy_scores[quantity]).sum())})
    columns = ["method", "galaxy", "quantity", *STATISTICS, "n", "n_infinite"]
    return pd.DataFrame(rows, columns=columns)


def error_by_frame(values: np.ndarray, frames: np.ndarray | pd.Series) -> float:
    """Standard error of a mean over images, several of which can show the same galaxy.

    Images of one galaxy in different blends are not independent measurements: their deviations from
    the mean are first summed for each galaxy (the sandwich estimator for clusters).

    Parameters
    ----------
    values : ndarray, shape (n,)
    frames : ndarray, shape (n,)
        The galaxy in each image.

    Returns
    -------
    float
        NaN if there are fewer than two galaxies.
    """
    _, galaxy = np.unique(frames, return_inverse=True)
    n_galaxies = galaxy.max(initial=-1) + 1
    if n_galaxies < 2:
        return np.nan
    sums = np.bincount(galaxy, values - np.mean(values))
    return float(np.sqrt(n_galaxies / (n_galaxies - 1) * np.sum(sums**2)) / len(values))


def _statistics(values: np.ndarray, frames: pd.Series) -> dict[str, float]:
    if not len(values):
        return dict.fromkeys(STATISTICS, np.nan) | {"n": 0}
    return {
        "mean": float(values.mean()),
        "error of mean": error_by_frame(values, frames),
        "median": float(np.median(values)),
        "max": float(values.max()),
        "min": float(values.min()),
        "variance": float(values.var()),
        "n": len(values),
    }


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
