"""How deblended images fail (Reiman & Goehre 2019, Sect. 4 and Fig. 6): four kinds, measured.

The caption of Figure 6 names them; each has a measure of an image and a limit here:

incomplete
    Light of the other galaxy is left: where the other one is visibly brighter, visible light that
    is more than `LEAK_LIMIT` of its excess (at least 1 for the blend itself).
cut_off
    A part of the galaxy is missing, visibly: more than `MISSING_LIMIT` of its visible light.
wrong_neighbour
    A neighbour of the galaxy, visible in the blend, is in the image of the other galaxy.
odd_colour
    A patch whose colour is neither that of the true image nor that of the blend.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.reiman2019.bins import images_in_bins
from deblend.reiman2019.blends import (
    PerturbConfig,
    draw_blends,
    galaxy_positions,
    render_batches,
    rows_of_split,
)
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.metrics import GALAXIES, error_of_mean, images_interval
from deblend.reiman2019.predict import read_predictions, to_unit
from scipy.ndimage import gaussian_filter, label, uniform_filter

KINDS = ("incomplete", "cut_off", "wrong_neighbour", "odd_colour")


#: Light above the sky, or above the other galaxy, that is visible: 13 of 255.
VISIBLE = 0.05


#: Smaller differences of a colour are those of noise and of JPEG: 5 of 255.
HIDDEN = 0.02


LEAK_LIMIT = 0.25


MISSING_LIMIT = 0.25


#: Share of a neighbour's light below which it is lost, and above which it is in the other image.
NEIGHBOUR_LIMIT = 0.5


#: Difference of a colour from the mean of the colours, of 3 x 3 pixels, that is odd: 20 of 255.
ODD_COLOUR = 0.08


#: Smallest patches and neighbours that count, as a share of the image's pixels: 6 of 80 x 80.
MIN_AREA = 0.001


#: Columns of the bins.
BINNED_BY = ("separation_px", "brightness_ratio")


def leak(predicted: np.ndarray, true: np.ndarray, other: np.ndarray) -> float:
    """Share of the other galaxy's visible light that is left in an image, and is visible there.

    Parameters
    ----------
    predicted, true, other : ndarray, shape (y, x)
        Light: the mean of the colours, in [0, 1].

    Returns
    -------
    float
        0 where the other galaxy is nowhere brighter.
    """
    theirs = other - true > VISIBLE
    excess = (other - true)[theirs].sum()
    left = (predicted - true)[theirs]
    return float(left[left > VISIBLE].sum() / excess) if excess else 0.0


def missing(predicted: np.ndarray, true: np.ndarray, sky: float) -> float:
    """Share of a galaxy's visible light (y, x) that an image visibly lacks.

    It is 0 if nothing is visible.
    """
    galaxy = true - sky > VISIBLE
    light = (true - sky)[galaxy].sum()
    lost = (true - predicted)[galaxy]
    return float(lost[lost > VISIBLE].sum() / light) if light else 0.0


def sky_level(light: np.ndarray) -> float:
    """Sky of an image (y, x): the median of the darker half of its pixels."""
    return float(np.quantile(light, 0.25))


def neighbours(
    predicted: np.ndarray, true: np.ndarray, which: int, position: tuple[float, float]
) -> tuple[int, int]:
    """Number of a galaxy's neighbours, and of those that are in the other galaxy's image.

    Parameters
    ----------
    predicted, true : ndarray, shape (2, y, x)
        Light of both galaxies' images.
    which : int
        The galaxy: 0 or 1.
    position : (float, float)
        Its row and column: the nearest visible patch of its true image is the galaxy, others that
        are visible in the blend are its neighbours.
    """
    mine, other = true[which], true[1 - which]
    sky = sky_level(mine)
    # Smoothed, since noise tears faint outskirts into patches.
    patches, n = label(uniform_filter(mine, 3) - sky > VISIBLE)
    if n < 2:
        return 0, 0
    rows, columns = np.nonzero(patches)
    nearest = np.argmin(np.hypot(rows - position[0], columns - position[1]))
    galaxy = patches[rows[nearest], columns[nearest]]
    n_neighbours = n_wrong = 0
    large = np.flatnonzero(np.bincount(patches.ravel()) >= _min_area(mine))
    for number in large[(large > 0) & (large != galaxy)]:
        patch = patches == number
        excess = (mine - other)[patch].mean()
        if excess < VISIBLE:
            continue
        n_neighbours += 1
        kept = (predicted[which][patch].mean() - sky) / (mine[patch].mean() - sky)
        moved = (predicted[1 - which] - other)[patch].mean() / excess
        n_wrong += bool(kept < NEIGHBOUR_LIMIT < moved)
    return n_neighbours, n_wrong


def _min_area(image: np.ndarray) -> float:
    return MIN_AREA * image.shape[0] * image.shape[1]


def odd_area(predicted: np.ndarray, true: np.ndarray, blend: np.ndarray) -> int:
    """Pixels of the largest patch of an odd colour in an image (y, x, 3); 0 if it is too small."""

    def chroma(image: np.ndarray) -> np.ndarray:
        return uniform_filter(image - image.mean(axis=-1, keepdims=True), (3, 3, 0))

    mine = chroma(predicted)
    odd = np.minimum(*(np.abs(mine - chroma(x)).max(axis=-1) for x in (true, blend))) > ODD_COLOUR
    patches, n = label(odd)
    area = int(np.bincount(patches.ravel())[1:].max()) if n else 0
    return area if area >= _min_area(odd) else 0


def copied_and_hidden(
    predicted: np.ndarray, true: np.ndarray, other: np.ndarray
) -> tuple[float, float, float]:
    """Errors of what a galaxy's image could copy from the blend, and of what it has to infill.

    Parameters
    ----------
    predicted, true, other : ndarray, shape (y, x, 3)
        In [0, 1].

    Returns
    -------
    hidden : float
        Share of the values where the other galaxy is brighter by more than `HIDDEN`.
    mse_copied, mse_hidden : float
        Mean squared errors of the other values and of these; NaN where there are none.
    """
    is_hidden = other - true > HIDDEN
    errors = np.square(predicted - true, dtype=float)
    parts = (errors[~is_hidden], errors[is_hidden])
    copied, hidden = (float(part.mean()) if part.size else np.nan for part in parts)
    return float(is_hidden.mean()), copied, hidden


def colour_offsets(image: np.ndarray) -> tuple[float, float, float, float]:
    """Offsets of red and of blue from green in an image (y, x, 3), pixels: rows and columns.

    To first order a shifted image is the image minus the shift times its gradient: each colour is
    fitted with green, its gradient and a constant, all smoothed with a Gaussian of sigma 1 pixel,
    since noise of the gradient would make the offsets smaller. NaN if the colours have nothing in
    common.
    """
    smooth = gaussian_filter(image.astype(float), (1, 1, 0))
    green = smooth[..., 1]
    gradients = np.gradient(green)
    terms = np.stack([green, *gradients, np.ones_like(green)], axis=-1).reshape(-1, 4)
    found: list[float] = []
    for colour in (0, 2):
        fit = np.linalg.lstsq(terms, smooth[..., colour].ravel(), rcond=None)[0]
        found += [float(-fit[i] / fit[0]) if abs(fit[0]) > 0.1 else np.nan for i in (1, 2)]
    return found[0], found[1], found[2], found[3]


#: Columns of `colour_offsets`, in pixels of the network's images.
OFFSETS = ("red_y_px", "red_x_px", "blue_y_px", "blue_x_px")


def failures_table(
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predictions: Mapping[str, Any],
) -> pd.DataFrame:
    """Measures of every image, and how it fails.

    Parameters
    ----------
    frames, pairs, config, predictions
        See `deblend.reiman2019.scores.score_methods`.

    Returns
    -------
    DataFrame
        `method` (of the predictions, and "blend", the blend itself), `blend`, `galaxy`; `frame` and
        `other_frame` (as in the scores); `separation_px` of the galaxies, pixels of the network's
        images; `brightness_ratio` of companion and central galaxy, light above the sky; `leak`,
        `missing`, `n_neighbours`,
        `n_wrong_neighbours`, `odd_px`, and for each of `KINDS` whether it fails so; `hidden`,
        `mse_copied` and `mse_hidden` (see `copied_and_hidden`); for central galaxies, whose
        orientation is the sky's, `OFFSETS` of the image and, with the prefix `true_`, of the true
        one.
    """
    places = galaxy_positions(pairs, config)
    separation = np.hypot(*(places[:, 1] - places[:, 0]).T)
    frame_rows = pairs[["central", "companion"]].to_numpy()
    rows = []
    for batch, blends, truth in render_batches(frames, pairs, config):
        true, mixed = to_unit(truth), to_unit(2 * blends - 1)
        images = {name: to_unit(made[batch]) for name, made in predictions.items()}
        images["blend"] = np.broadcast_to(mixed[:, None], true.shape)
        light = true.mean(axis=-1)
        for i, number in enumerate(range(batch.start, batch.start + len(true))):
            skies = [sky_level(image) for image in light[i]]
            sums = [np.maximum(x - s, 0).sum() for x, s in zip(light[i], skies, strict=True)]
            of_blend = {
                "blend": number,
                "separation_px": separation[number],
                "brightness_ratio": sums[1] / sums[0] if sums[0] else np.nan,
            }
            true_offsets = colour_offsets(true[i, 0])
            for method, made in images.items():
                predicted_light = made[i].mean(axis=-1)
                for k, galaxy in enumerate(GALAXIES):
                    n, n_wrong = neighbours(predicted_light, light[i], k, tuple(places[number, k]))
                    row = {"method": method, **of_blend, "galaxy": galaxy}
                    row |= {
                        "frame": frame_rows[number, k],
                        "other_frame": frame_rows[number, 1 - k],
                        "leak": leak(predicted_light[k], light[i, k], light[i, 1 - k]),
                        "missing": missing(predicted_light[k], light[i, k], skies[k]),
                        "n_neighbours": n,
                        "n_wrong_neighbours": n_wrong,
                        "odd_px": odd_area(made[i, k], true[i, k], mixed[i]),
                    }
                    errors = copied_and_hidden(made[i, k], true[i, k], true[i, 1 - k])
                    row |= dict(zip(("hidden", "mse_copied", "mse_hidden"), errors, strict=True))
                    if k == 0 and method != "blend":
                        row |= dict(zip(OFFSETS, colour_offsets(made[i, 0]), strict=True))
                        row |= {f"true_{c}": v for c, v in zip(OFFSETS, true_offsets, strict=True)}
                    rows.append(row)
    table = pd.DataFrame(rows)
    table["incomplete"] = table["leak"] > LEAK_LIMIT
    table["cut_off"] = table["missing"] > MISSING_LIMIT
    table["wrong_neighbour"] = table["n_wrong_neighbours"] > 0
    table["odd_colour"] = table["odd_px"] > 0
    return table


def failure_rates(table: pd.DataFrame) -> pd.DataFrame:
    """Shares of images that fail, of all and in bins of separation and of brightness ratio.

    Parameters
    ----------
    table : DataFrame
        From `failures_table`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `by` (all, separation_px, brightness_ratio), `from`, `to` (the bin),
        `kind` (of `KINDS`, or any), `n` images, `n_failed`, `percent` with the 68 % interval `low`,
        `high`, where blends that share a galaxy are not independent (`images_interval`). A wrong
        neighbour needs one: its `n` are the images that have neighbours.
    """
    table = table.assign(any=table[list(KINDS)].any(axis=1))
    rows = []
    for key, which, images in images_in_bins(table, ("method", "galaxy"), BINNED_BY):
        for kind in (*KINDS, "any"):
            counted = images
            if kind == "wrong_neighbour":
                counted = images[images["n_neighbours"] > 0]
            failed = counted[kind].to_numpy(bool)
            percent = 100 * failed.mean() if len(failed) else np.nan
            interval = images_interval(failed, counted["frame"], counted["other_frame"])
            ends = (100 * end for end in interval)
            rows.append((*key, *which, kind, len(failed), failed.sum(), percent, *ends))
    columns = ["method", "galaxy", "by", "from", "to", "kind", "n", "n_failed", "percent"]
    return pd.DataFrame(rows, columns=[*columns, "low", "high"])


def infill_table(table: pd.DataFrame) -> pd.DataFrame:
    """Error of what could be copied from the blend, and of what was hidden, by method.

    Parameters
    ----------
    table : DataFrame
        From `failures_table`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `n`, `hidden_percent` of the values, `psnr_copied_db`,
        `psnr_hidden_db` (of the mean squared error of all images), `copied_error_percent`: share of
        the squared error that are values that could be copied.
    """
    rows = []
    for (method, galaxy), part in table.groupby(["method", "galaxy"], sort=False):
        hidden = part["hidden"].sum()
        of_copied = ((1 - part["hidden"]) * part["mse_copied"]).sum()
        of_hidden = (part["hidden"] * part["mse_hidden"]).sum()
        with np.errstate(divide="ignore", invalid="ignore"):
            copied, infilled = (
                float(-10 * np.log10(np.float64(error) / n))
                for error, n in ((of_copied, len(part) - hidden), (of_hidden, hidden))
            )
            share = float(100 * np.float64(of_copied) / (of_copied + of_hidden))
        share_hidden = 100 * hidden / len(part)
        rows.append((method, galaxy, len(part), share_hidden, copied, infilled, share))
    columns = ["method", "galaxy", "n", "hidden_percent", "psnr_copied_db", "psnr_hidden_db"]
    return pd.DataFrame(rows, columns=[*columns, "copied_error_percent"])


def misalignment_table(table: pd.DataFrame, reduce_by: int) -> pd.DataFrame:
    """Offsets of red and blue from green in true and in deblended central galaxies.

    Parameters
    ----------
    table : DataFrame
        From `failures_table`.
    reduce_by : int
        Pixels of the original images along a pixel of the network's.

    Returns
    -------
    DataFrame
        `method`, `offset` (such as red_x), `true_mean_px` and `mean_px` with `true_error_px` and
        `error_px` (see `error_of_mean`), in pixels of the original images; `correlation` of the
        offsets of both; `n`. A network that reproduces the misalignment has the true mean.
    """
    rows = []
    for method, part in table.dropna(subset=list(OFFSETS)).groupby("method", sort=False):
        for column in OFFSETS:
            true, made = (reduce_by * part[name] for name in (f"true_{column}", column))
            correlation = true.corr(made) if true.std() > 0 and made.std() > 0 else np.nan
            # The true image depends on one galaxy of the blend, the deblended one on both.
            true_error = error_of_mean(true, part["frame"], part["frame"])
            error = error_of_mean(made, part["frame"], part["other_frame"])
            rows.append(
                (
                    *(method, column.removesuffix("_px"), true.mean(), true_error),
                    *(made.mean(), error, correlation, len(part)),
                )
            )
    columns = ["method", "offset", "true_mean_px", "true_error_px", "mean_px", "error_px"]
    return pd.DataFrame(rows, columns=[*columns, "correlation", "n"])


def failures_of_test_blends(
    frames: str | Path,
    index: str | Path,
    predictions: Mapping[str, str | Path],
    perturbation: Mapping[str, Any],
    *,
    images: str,
    n_blends: int,
    n_shown: int,
    seed: int,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Measure the failures of all test images, and read the first blends to show them.

    Parameters
    ----------
    frames, index, perturbation, images, n_blends, seed
        See `deblend.reiman2019.scores.predict_and_score`.
    predictions : dict of path
        Images of each method.
    n_shown : int
        Number of blends to show.

    Returns
    -------
    table : DataFrame
        See `failures_table`.
    shown : dict of ndarray
        `blend` (k, y, x, 3), `true` and `predicted` (by the GAN; k, 2, y, x, 3), 0 to 255.
    """
    config, opened = PerturbConfig(**perturbation), open_frames(frames)
    rows = rows_of_split(pd.read_csv(index), "test")
    pairs = draw_blends(seed, images, "test", rows, n_blends, config)
    made = {method: read_predictions(path, n_blends) for method, path in predictions.items()}
    table = failures_table(opened, pairs, config, made)
    parts = [
        (to_unit(2 * blends - 1), to_unit(truth))
        for _, blends, truth in render_batches(opened, pairs.iloc[:n_shown], config)
    ]
    blend, true = (
        np.round(255 * np.concatenate(p)).astype(np.uint8) for p in zip(*parts, strict=True)
    )
    return table, {"blend": blend, "true": true, "predicted": made["gan"][:n_shown]}
