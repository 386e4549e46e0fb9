"""How near deblended images come to the true ones: PSNR and SSIM (Reiman & Goehre 2019, Sect. 3).

The paper leaves open on which scale of pixels, and with which range of the data, its numbers were
computed, so each reading that we can tell has a column of its own:

`psnr_db`
    With the range of the data: 1 on [0, 1], which gives the same as 2 on [-1, 1].
`psnr_eq6_db`
    Eq. 6: the brightest pixel of the true image, on [0, 1], in place of the range.
`ssim`
    On [0, 1] with a range of 1.
`ssim_as_published`
    On [-1, 1], as the networks' images are, with a range of 2. That is what scikit-image took in
    2018 for floating-point images when nobody told it a range.
`ssim_authors_code`
    On [0, 1] with the same range of 2: the authors' code rescales before it calls scikit-image and
    tells it no range. Twice the range means constants four times too large, and a higher score.
`crossed_psnr_db`
    As `psnr_db`, but against the other galaxy's true image: whether the two branches of the
    generator do different things.

SSIM has windows of 7 x 7 pixels and the paper's c1 and c2, which are scikit-image's K1 and K2. All
scores take the three colours together.
"""

from pathlib import Path

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from skimage.metrics import structural_similarity

GALAXIES = ("central", "companion")


#: Ways to answer: the GAN, the same generator trained on the mean squared error alone, and the
#: blend itself given as both galaxies.
METHODS = ("gan", "mse", "blend")


QUANTITIES = ("psnr_db", "psnr_eq6_db", "ssim", "ssim_as_published", "ssim_authors_code")


COLUMNS = ("blend", "galaxy", *QUANTITIES, "crossed_psnr_db")


STATISTICS = ("mean", "error of mean", "median", "max", "min", "variance")


#: Smallest side of an image: SSIM's window.
WINDOW_PX = 7


def scores(predicted: np.ndarray, true: np.ndarray) -> pd.DataFrame:
    """Score deblended images.

    Parameters
    ----------
    predicted, true : ndarray, shape (n, 2, y, x, 3)
        Of n blends the central galaxy and the companion, RGB in [0, 1].

    Returns
    -------
    DataFrame
        A row an image: `COLUMNS`, see above. The PSNR of a perfect image is infinite and stays so
        here; `summary` says what becomes of it. A black true image has no maximum to compare with:
        its `psnr_eq6_db` is NaN.

    Raises
    ------
    DeblendError
        The arrays are not of that shape, or hold something outside [0, 1].
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
    # Blend by blend: the differences of thousands of blends at once would fill the memory.
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
            "make it anew"
        )
    absent = [method for method in METHODS if method not in set(table["method"])]
    if absent:
        raise DeblendError(f"{path} has no scores of {', '.join(absent)}: make it anew")
    return table


def summary(scores: pd.DataFrame) -> pd.DataFrame:
    """Statistics of each method's scores.

    Parameters
    ----------
    scores : DataFrame
        From `scores`, with `method` and `frame`, the galaxy that an image is of.

    Returns
    -------
    DataFrame
        `method`, `galaxy` (both, central, companion), `quantity` (of `QUANTITIES`), `STATISTICS`
        (the variance is the population's; for the mean's error see `error_by_frame`), `n`,
        `n_infinite`. Infinite PSNRs, of perfect images,
        are counted in `n_infinite` and left out of everything else, since one of them would make
        every mean infinite.
    """
    rows = []
    for method, mine in scores.groupby("method", sort=False):
        for galaxy in ("both", *GALAXIES):
            part = mine if galaxy == "both" else mine[mine["galaxy"] == galaxy]
            for quantity in QUANTITIES:
                finite = part[np.isfinite(part[quantity])]
                row = {"method": method, "galaxy": galaxy, "quantity": quantity}
                row |= _statistics(finite[quantity].to_numpy(float), finite["frame"])
                rows.append(row | {"n_infinite": int(np.isinf(part[quantity]).sum())})
    columns = ["method", "galaxy", "quantity", *STATISTICS, "n", "n_infinite"]
    return pd.DataFrame(rows, columns=columns)


def error_by_frame(values: np.ndarray, frames: np.ndarray | pd.Series) -> float:
    """Standard error of a mean over images that share galaxies.

    A galaxy's images, in one blend after another, are no independent measurements: their deviations
    from the mean are summed by galaxy first (the sandwich estimator for clusters).

    Parameters
    ----------
    values : ndarray, shape (n,)
    frames : ndarray, shape (n,)
        The galaxy that each image is of.

    Returns
    -------
    float
        NaN of fewer than two galaxies.
    """
    _, galaxy = np.unique(frames, return_inverse=True)
    n = galaxy.max(initial=-1) + 1
    if n < 2:
        return np.nan
    sums = np.bincount(galaxy, values - np.mean(values))
    return float(np.sqrt(n / (n - 1) * np.sum(sums**2)) / len(values))


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
    """Choose the blends to show in Figures 3 and 6, by a rule and not by hand.

    Blends are ranked by the lower PSNR of their two galaxies in the GAN's answer.

    Parameters
    ----------
    scores : DataFrame
        From `scores`, with `method`; only the rows of "gan" count.
    n_success : int
        So many, evenly spaced in rank over the best quarter, from the very best to its last.
    n_failure : int
        The so many lowest.

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
    mine = scores[scores["method"] == "gan"]
    wide = mine.pivot(index="blend", columns="galaxy", values="psnr_db").sort_index()
    # A stable sort: equal scores stay in the order of the blends.
    ranked = wide.loc[wide.min(axis=1).sort_values(ascending=False, kind="stable").index]
    quarter = -(-len(ranked) // 4)
    if n_success > quarter or n_failure > len(ranked) - quarter:
        raise DeblendError(
            f"{n_success} successes and {n_failure} failures cannot be chosen of {len(ranked)} "
            f"test blends, whose best quarter has {quarter}: show fewer, or test more blends"
        )
    places = np.round(np.linspace(0, quarter - 1, n_success)).astype(int)
    chosen = pd.concat(
        [
            ranked.iloc[places].assign(kind="success"),
            ranked.iloc[len(ranked) - n_failure :].iloc[::-1].assign(kind="failure"),
        ]
    ).reset_index()
    chosen = chosen.rename(columns={galaxy: f"psnr_{galaxy}_db" for galaxy in GALAXIES})
    columns = ["blend", "kind", "psnr_central_db", "psnr_companion_db"]
    return pd.DataFrame({column: chosen[column] for column in columns})
