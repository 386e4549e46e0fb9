"""Fluxes and masks of blends from a trained network, and the network's files."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.boucaud2020 import networks
from deblend.boucaud2020.masks import mask_table, select_examples, true_masks
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.render import galaxies_of, render
from deblend.data.stamps import Stamps, galaxy_keys
from deblend.errors import DeblendError
from deblend.files import write_json
from deblend.hdf5 import new_file, write_array
from deblend.training.description import read_description
from deblend.training.keras_checkpoint import build_network, write_weights


def save_network(
    weights: str | Path, description: str | Path, model: keras.Model, record: dict[str, Any]
) -> None:
    """Write a network's weights (Keras' HDF5) and its description (JSON)."""
    write_json(description, record)
    write_weights(weights, model)


def load_network(
    weights: str | Path, description: str | Path
) -> tuple[keras.Model, dict[str, Any]]:
    """Build a network from its description and load its weights.

    Raises
    ------
    DeblendError
        The description is broken, or the weights are not those of the described network.
    """
    record = read_description(description)

    def build() -> keras.Model:
        return networks.build(record["architecture"], record["stamp_size"], record["options"])

    return build_network(build, weights, description), record


def refuse_training_galaxies(
    name: str, trained_on: pd.DataFrame, galaxies: pd.DataFrame, blends: pd.DataFrame
) -> None:
    """Make sure that no galaxy of the test blends took part in a network's training.

    Parameters
    ----------
    name : str
        Name of the network.
    trained_on : DataFrame
        Galaxies of the data set that it was trained on: `origin`, `id`, `split`.
    galaxies : DataFrame
        Galaxies of the data set of the blends.
    blends : DataFrame

    Raises
    ------
    DeblendError
        Some galaxies are in the training or validation split of that data set.
    """
    training_galaxies = trained_on[trained_on["split"].isin(["train", "validation"])]
    test_galaxies = galaxies.iloc[np.unique(blends[["central", "companion"]])]
    shared = np.intersect1d(galaxy_keys(training_galaxies), galaxy_keys(test_galaxies))
    if len(shared):
        raise DeblendError(
            f"{len(shared)} of the {len(test_galaxies)} galaxies in these test blends (the first: "
            f"{shared[0]}) took part in the training of {name}: give both data sets the same split"
        )


def _check_stamps(name: str, record: dict[str, Any], stamps: Stamps) -> None:
    """Check that stamps have the size and the pixel scale of the network's training."""
    size = stamps.images.shape[-1]
    if size != record["stamp_size"]:
        raise DeblendError(
            f"the network {name} takes stamps of {record['stamp_size']} px, the data set has "
            f"{size} px: set the data set's stamp_size to {record['stamp_size']}"
        )
    pixel_scale = float(stamps.bands["pixel_scale_arcsec"][0])
    if abs(pixel_scale / record["pixel_scale_arcsec"] - 1) > 0.01:
        raise DeblendError(
            f"the network {name} was trained at {record['pixel_scale_arcsec']} arcsec a pixel, "
            f"the data set has {pixel_scale}: resample the data set's stamps"
        )


def _predict_batches(
    model: keras.Model,
    record: dict[str, Any],
    stamps: Stamps,
    blends: pd.DataFrame,
    companion_edge: str,
    batch_size: int,
) -> Iterator[tuple[pd.DataFrame, np.ndarray, dict[str, np.ndarray]]]:
    """Yield batches of blends, with their images and the network's outputs by name."""
    band = stamps.bands.iloc[0]
    scale = np.float32(10 ** (0.4 * (float(record["zero_point"]) - band.zero_point)))
    sigma, correlation = stamps.noise()
    for start in range(0, len(blends), batch_size):
        batch = blends.iloc[start : start + batch_size]
        images, numbered = galaxies_of(stamps, batch)
        rendered = render(
            images * scale,
            numbered,
            companion_edge=companion_edge,
            noise_sigma=sigma * float(scale),
            noise_correlation=correlation,
        )
        predicted = model.predict(rendered[..., None], batch_size=batch_size, verbose=0)
        if not isinstance(predicted, dict):
            (name,) = networks.TARGETS[record["architecture"]]
            predicted = {name: predicted}
        yield batch, rendered, {k: np.asarray(v) for k, v in predicted.items()}


def predict_fluxes(
    model: keras.Model,
    record: dict[str, Any],
    stamps: Stamps,
    blends: pd.DataFrame,
    *,
    method: str,
    companion_edge: str,
    batch_size: int = 256,
) -> pd.DataFrame:
    """Fluxes of both galaxies of each blend.

    Parameters
    ----------
    model, record
        From `load_network`. The record's `zero_point` is that of the network's training: images of
        a data set with another zero point are scaled to it first.
    stamps : Stamps
        The data set that the blends are of.
    blends : DataFrame
    method : str
        Name to record.
    companion_edge : str
        See `deblend.boucaud2020.render.render`.
    batch_size : int
        Blends rendered at a time, to limit the memory.

    Returns
    -------
    DataFrame
        `deblend.boucaud2020.predictions.COLUMNS`, two rows a blend; flux in counts/s at
        `zero_point`. Flag 1: the flux is not positive.

    Raises
    ------
    DeblendError
        The network has no fluxes, or the stamps are of another size or pixel scale than its own.
    """
    _check_stamps(method, record, stamps)
    if "fluxes" not in networks.TARGETS[record["architecture"]]:
        raise DeblendError(f"the network {method} is a {record['architecture']}: it has no fluxes")
    batches = _predict_batches(model, record, stamps, blends, companion_edge, batch_size)
    fluxes = [predicted["fluxes"].astype(float) for _, _, predicted in batches]
    zero_point = float(record["zero_point"])
    return prediction_table(
        blends["blend"].to_numpy(), np.concatenate(fluxes), method, np.full((1, 2), zero_point)
    )


def predict_masks(
    model: keras.Model,
    record: dict[str, Any],
    stamps: Stamps,
    blends: pd.DataFrame,
    *,
    method: str,
    companion_edge: str,
    batch_size: int = 256,
) -> tuple[pd.DataFrame, dict[str, np.ndarray]]:
    """Compare predicted with true masks of both galaxies of each blend, and keep some examples.

    Parameters
    ----------
    model, record, stamps, blends, method, companion_edge, batch_size
        As for `predict_fluxes`.

    Returns
    -------
    table : DataFrame
        See `deblend.boucaud2020.masks.mask_table`.
    examples : dict of ndarray
        Of the blends of `deblend.boucaud2020.masks.select_examples`: `blend` (n,), `image` (n, y,
        x) in counts/s at the network's zero point, `true` (n, y, x, 2), `predicted` (n, y, x, 2)
        probabilities.

    Raises
    ------
    DeblendError
        The network makes no masks, or does not fit the stamps.
    """
    _check_stamps(method, record, stamps)
    if "masks" not in networks.TARGETS[record["architecture"]]:
        raise DeblendError(f"the network {method} is a {record['architecture']}: it has no masks")
    example_blends = blends["blend"].to_numpy()[select_examples(blends)].tolist()
    parts, example_of = [], {}
    batches = _predict_batches(model, record, stamps, blends, companion_edge, batch_size)
    for batch, images, predicted in batches:
        true = true_masks(stamps.segmaps, batch)
        blend_numbers = batch["blend"].to_numpy()
        parts.append(mask_table(blend_numbers, predicted["masks"], true, method))
        for i in np.flatnonzero(np.isin(blend_numbers, example_blends)):
            masks = predicted["masks"][i, ..., :2]
            example_of[blend_numbers[i]] = (blend_numbers[i], images[i], true[i], masks)
    columns = [
        np.stack(column) for column in zip(*(example_of[n] for n in example_blends), strict=True)
    ]
    examples = dict(zip(("blend", "image", "true", "predicted"), columns, strict=True))
    return pd.concat(parts, ignore_index=True), examples


def write_masks(path: str | Path, examples: dict[str, np.ndarray]) -> None:
    """Write the masks of a few blends, from `predict_masks`, as HDF5."""
    with new_file(path) as file:
        for name, values in examples.items():
            write_array(file, name, values)
