"""Score images of blends, streaming: truths are rendered again, nothing is stacked."""

from pathlib import Path

import h5py
import numpy as np
import pandas as pd
from deblend.files import atomic
from deblend.reiman2019.blends import PerturbConfig, rendered
from deblend.reiman2019.metrics import scores
from deblend.reiman2019.predict import to_unit


def score_methods(
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predictions: dict[str, h5py.Dataset],
) -> pd.DataFrame:
    """PSNR and SSIM of every method's images, and of the blend taken as the answer for both.

    Parameters
    ----------
    frames : ndarray of uint8
    pairs : DataFrame
        See `deblend.reiman2019.blends.draw_pairs`.
    config : PerturbConfig
    predictions : dict
        Method to images (blend, galaxy, y, x, 3), 0 to 255.

    Returns
    -------
    DataFrame
        `method` ("blend" for the blend itself); `frame`, the row of the galaxy that an image is of;
        and what `deblend.reiman2019.metrics.scores` returns.
    """
    galaxies = pairs[["central", "companion"]].to_numpy()
    parts = []
    for rows, blends, truth in rendered(frames, pairs, config):
        true = to_unit(truth)
        same = to_unit(2 * blends - 1)[:, None]
        images = {name: to_unit(found[rows]) for name, found in predictions.items()}
        images["blend"] = np.broadcast_to(same, true.shape)
        for method, found in images.items():
            table = scores(found, true)
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
    """Write the blends that figures show, with their truths and predictions.

    Parameters
    ----------
    path : path
        HDF5: `blend` (n, y, x, 3), `true` and `predicted` (n, 2, y, x, 3), 0 to 255; `number` of
        the blend; `kind`.
    chosen : DataFrame
        From `deblend.reiman2019.metrics.select_examples`.
    frames, pairs, config
        See `score_methods`.
    predicted : Dataset
    """
    shown = pairs.iloc[chosen["blend"]]
    blends, truths = [], []
    for _, mixed, truth in rendered(frames, shown, config):
        blends.append(to_unit(2 * mixed - 1))
        truths.append(to_unit(truth))
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, parts in (("blend", blends), ("true", truths)):
            file[name] = np.round(255 * np.concatenate(parts)).astype(np.uint8)
        file["predicted"] = np.stack([predicted[number] for number in chosen["blend"]])
        file["number"] = chosen["blend"].to_numpy()
        file["kind"] = chosen["kind"].to_numpy().astype("S")
