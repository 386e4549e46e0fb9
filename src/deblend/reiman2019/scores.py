"""Score deblended images in batches: the true images are rendered again instead of stored."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.files import atomic
from deblend.reiman2019.blends import PerturbConfig, render_batches
from deblend.reiman2019.metrics import score_images
from deblend.reiman2019.predict import to_unit


def score_methods(
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predictions: dict[str, h5py.Dataset],
) -> pd.DataFrame:
    """PSNR and SSIM of every method's images, and of the blend taken as the image of both galaxies.

    Parameters
    ----------
    frames : ndarray of uint8
    pairs : DataFrame
        See `deblend.reiman2019.blends.draw_pairs`.
    config : PerturbConfig
    predictions : dict
        Images of each method, (blend, galaxy, y, x, 3), 0 to 255.

    Returns
    -------
    DataFrame
        `method` ("blend" for the blend itself); `frame`, the row of the galaxy in the image; and
        the columns of `deblend.reiman2019.metrics.score_images`.
    """
    galaxies = pairs[["central", "companion"]].to_numpy()
    parts = []
    for rows, blends, truth in render_batches(frames, pairs, config):
        true_images = to_unit(truth)
        blend_images = to_unit(2 * blends - 1)[:, None]
        images = {name: to_unit(method_images[rows]) for name, method_images in predictions.items()}
        images["blend"] = np.broadcast_to(blend_images, true_images.shape)
        for method, method_images in images.items():
            table = score_images(method_images, true_images)
            table["blend"] += rows.start
            table.insert(0, "method", method)
            table.insert(3, "frame", galaxies[rows].ravel())
            parts.append(table)
    return pd.concat(parts, ignore_index=True).sort_values(
        ["method", "blend", "galaxy"], ignore_index=True
    )


def write_examples(
    path: str | Path,
    chosen: pd.DataFrame,
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predicted: h5py.Dataset,
) -> None:
    """Write the blends that the figures show, with their true images and predictions.

    Parameters
    ----------
    path : path
        HDF5 file with `blend` (n, y, x, 3), `true` and `predicted` (n, 2, y, x, 3), 0 to 255;
        `number` of the blend; `kind`.
    chosen : DataFrame
        From `deblend.reiman2019.metrics.select_examples`.
    frames, pairs, config
        See `score_methods`.
    predicted : Dataset
        Images of all blends.
    """
    shown = pairs.iloc[chosen["blend"]]
    blends, truths = [], []
    for _, mixed, truth in render_batches(frames, shown, config):
        blends.append(to_unit(2 * mixed - 1))
        truths.append(to_unit(truth))
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, parts in (("blend", blends), ("true", truths)):
            file[name] = np.round(255 * np.concatenate(parts)).astype(np.uint8)
        file["predicted"] = np.stack([predicted[number] for number in chosen["blend"]])
        file["number"] = chosen["blend"].to_numpy()
        file["kind"] = chosen["kind"].to_numpy().astype("S")
