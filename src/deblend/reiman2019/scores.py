"""Score deblended images in batches: the true images are rendered again instead of stored."""

import logging
from collections.abc import Collection
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
from deblend.hdf5 import new_file, write_array
from deblend.reiman2019.blends import PerturbConfig, draw_blends, render_batches, rows_of_split
from deblend.reiman2019.images import check_test_galaxies, open_frames, read_index
from deblend.reiman2019.metrics import (
    COLUMNS,
    GALAXIES,
    score_images,
    select_examples,
)
from deblend.reiman2019.predict import load_generator, predict_blends, read_predictions, to_unit

log = logging.getLogger(__name__)

#: What is measured of each image.
MEASURED = tuple(name for name in COLUMNS if name not in ("blend", "galaxy"))


def score_methods(
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predictions: dict[str, h5py.Dataset],
) -> pd.DataFrame:
    """Scores of every method's images, and of answers that need no network.

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
        `method` (of the predictions, and of `answers_without_network`); `frame` and `other_frame`,
        the rows of the galaxy in the image and of the other one of the blend; and the columns of
        `deblend.reiman2019.metrics.score_images`.
    """
    scores: dict[str, np.ndarray] = {}  # of each method: (blend, galaxy, quantity)
    for rows, blends, truth in render_batches(frames, pairs, config):
        true_images = to_unit(truth)
        blend_images = to_unit(2 * blends - 1)[:, None]
        images = {name: to_unit(method_images[rows]) for name, method_images in predictions.items()}
        images |= {
            name: np.broadcast_to(answer, true_images.shape)
            for name, answer in answers_without_network(blend_images).items()
        }
        for method, method_images in images.items():
            table = score_images(method_images, true_images)[list(MEASURED)]
            # One array: thousands of small tables take far more memory than their numbers.
            of_method = scores.setdefault(method, np.empty((len(pairs), 2, len(MEASURED))))
            of_method[rows] = table.to_numpy().reshape(-1, 2, len(MEASURED))
    methods, n = sorted(scores), len(pairs)
    galaxies = pairs[["central", "companion"]].to_numpy()
    values = np.concatenate([scores.pop(method).reshape(2 * n, -1) for method in methods])
    given = {
        "method": np.repeat(np.array(methods, object), 2 * n),
        "blend": np.tile(np.repeat(np.arange(n), 2), len(methods)),
        "galaxy": np.tile(np.array(GALAXIES, object), n * len(methods)),
        "frame": np.tile(galaxies.ravel(), len(methods)),
        "other_frame": np.tile(galaxies[:, ::-1].ravel(), len(methods)),
    }
    return pd.DataFrame(given).join(pd.DataFrame(values, columns=list(MEASURED)))


def answers_without_network(blends: np.ndarray) -> dict[str, np.ndarray]:
    """Answers for both galaxies that anyone could give: see `deblend.reiman2019.metrics.METHODS`.

    Parameters
    ----------
    blends : ndarray, shape (n, 1, y, x, 3)
        In [0, 1].

    Returns
    -------
    dict of ndarray
        Arrays that can be broadcast to the shape (n, 2, y, x, 3).
    """
    sky = np.median(blends, axis=(2, 3), keepdims=True)
    return {"blend": blends, "black": np.zeros_like(sky), "sky": sky}


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
    with new_file(path) as file:
        for name, parts in (("blend", blends), ("true", truths)):
            write_array(file, name, np.round(255 * np.concatenate(parts)).astype(np.uint8))
        shown_predictions = np.stack([predicted[number] for number in chosen["blend"]])
        write_array(file, "predicted", shown_predictions)
        write_array(file, "number", chosen["blend"].to_numpy())
        write_array(file, "kind", chosen["kind"].to_numpy(object))


def predict_and_score(
    frames: str | Path,
    index: str | Path,
    networks: dict[str, tuple[str | Path, str | Path, str | Path]],
    perturbation: dict[str, Any],
    *,
    images: str,
    n_blends: int,
    n_examples: dict[str, int],
    seed: int,
    device: torch.device,
    attributes: dict[str, Any],
    examples: str | Path,
    batch_statistics: Collection[str] = (),
    orientations: int = 1,
    min_test_galaxies: int = 1,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Deblend the test blends with trained generators, score the images, and write examples.

    Parameters
    ----------
    frames, index : path
        See `deblend.reiman2019.images.build_frames`.
    networks : dict
        For each method ("gan" and others): the weights and the description of its generator, which
        are read, and its predictions, which are written.
    perturbation : dict
        Options of `PerturbConfig`.
    images : str
        Name of the set of images: part of the seed of the blends.
    n_blends : int
    n_examples : dict
        Number of examples of "success" and "failure".
    seed : int
    device : torch.device
    attributes : dict
        Attributes of the files of predictions, such as versions of the software.
    examples : path
        See `write_examples`.
    batch_statistics : collection of str
        Methods whose batch norms use statistics of the test blends: see `predict_blends`.
    orientations : int
        See `deblend.reiman2019.predict.predict`.
    min_test_galaxies : int
        See `deblend.reiman2019.images.check_test_galaxies`.

    Returns
    -------
    scores : DataFrame
        See `score_methods`.
    speed : DataFrame
        For each network `method`, `blends`, `seconds` that the generator took,
        `blends_per_second`, `device`, `threads`, `orientations`.

    Raises
    ------
    DeblendError
        The test has too few galaxies.
    """
    config, opened, table = PerturbConfig(**perturbation), open_frames(frames), read_index(index)
    check_test_galaxies(table, min_test_galaxies, index)
    rows = rows_of_split(table, "test")
    pairs = draw_blends(seed, images, "test", rows, n_blends, config)
    speed = []
    for method, (weights, description, path) in networks.items():
        generator, precision = load_generator(weights, description)
        seconds = predict_blends(
            generator,
            opened,
            pairs,
            config,
            path,
            device=device,
            precision=precision,
            attributes=attributes,
            batch_statistics=method in batch_statistics,
            orientations=orientations,
        )
        rate = n_blends / seconds
        where = (device.type, torch.get_num_threads(), orientations)
        speed.append((method, n_blends, seconds, rate, *where))
        log.info("%s: %.3g blends a second", method, rate)
    predictions = {
        method: read_predictions(path, n_blends) for method, (_, _, path) in networks.items()
    }
    table = score_methods(opened, pairs, config, predictions)
    means = table.groupby(["method", "galaxy"])[["psnr_db", "ssim_authors_code"]].mean()
    log.info("means:\n%s", means.to_string())
    chosen = select_examples(table, n_examples["success"], n_examples["failure"])
    write_examples(examples, chosen, opened, pairs, config, predictions["gan"])
    columns = ["method", "blends", "seconds", "blends_per_second", "device", "threads"]
    return table, pd.DataFrame(speed, columns=[*columns, "orientations"])
