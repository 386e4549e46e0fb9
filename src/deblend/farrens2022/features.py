"""Features of VGG-16 from noisy stamps."""

from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
from deblend.errors import DeblendError
from deblend.farrens2022.stamps import noisy_batches, read_sample_table
from deblend.files import atomic
from deblend.seeds import generator
from deblend.training.vgg import BLOCKS
from scipy.ndimage import affine_transform


def to_eight_bits(images: np.ndarray) -> np.ndarray:
    """Convert stamps to 8-bit images, as in the authors' PNG files.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)

    Returns
    -------
    ndarray of uint8, shape (n, y, x)
        |x| x 255 / max |x| of each stamp, decimals truncated (Sect. 3.2.1).

    Raises
    ------
    DeblendError
        A stamp has only zeros, or is not finite.
    """
    size = np.abs(images)
    peak = size.max(axis=(1, 2), keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(peak) & (peak > 0)))
    if len(bad):
        raise DeblendError(
            f"{len(bad)} stamps have no signal or are not finite (the first is number {bad[0]} of "
            f"{len(images)}): leave them out"
        )
    return (size * (255 / peak)).astype(np.uint8)


def augment(images: np.ndarray, rng: np.random.Generator, strength: float = 0.2) -> np.ndarray:
    """Shear, zoom and, at random, flip each image once (Sect. 3.2.1).

    This follows Keras with shear_range and zoom_range of 0.2: the angle of the shear is uniform
    within 0.2 degrees, each axis has a zoom of its own, and borders are filled with the nearest
    pixel.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, y, x)
    rng : Generator
    strength : float
        Largest angle of the shear, degrees, and largest change of the zoom from 1.

    Returns
    -------
    ndarray of uint8, shape (n, y, x)
    """
    out = np.empty_like(images)
    centre = (np.array(images.shape[1:]) - 1) / 2
    for i, image in enumerate(images):
        shear = np.deg2rad(rng.uniform(-strength, strength))
        zoom_y, zoom_x = rng.uniform(1 - strength, 1 + strength, 2)
        flip = rng.choice([-1.0, 1.0])
        matrix = np.array([[zoom_y * np.cos(shear), 0], [-zoom_y * np.sin(shear), flip * zoom_x]])
        affine_transform(
            image, matrix, centre - matrix @ centre, output=out[i], order=1, mode="nearest"
        )
    return out


def extract_features(
    extractor: keras.Model,
    sample: str | Path,
    *,
    noise_sigma: float,
    padding: int,
    seed: int,
    item: tuple,
    augmented: bool,
) -> Iterator[np.ndarray]:
    """Features of a sample's stamps, a batch at a time.

    Parameters
    ----------
    extractor : keras.Model
        From `deblend.training.vgg_keras.feature_extractor`.
    sample : path
        Noiseless stamps.
    noise_sigma, padding, seed, item
        See `deblend.farrens2022.stamps.noisy_batches`.
    augmented : bool
        Whether to apply `augment`; for training stamps only.

    Yields
    ------
    ndarray, shape (n, n_features), float32
    """
    batches = noisy_batches(sample, noise_sigma, padding, seed, item)
    for number, images in enumerate(batches):
        grey = to_eight_bits(images)
        if augmented:
            grey = augment(grey, generator(seed, "augment", *item, number))
        maps = extractor.predict((grey / np.float32(255))[..., None], batch_size=64, verbose=0)
        yield np.asarray(maps).reshape(len(maps), -1)


def feature_examples(
    extractor: keras.Model,
    sample: str | Path,
    noise_sigma: float,
    padding: int,
    seed: int,
    n_maps: int = 3,
) -> dict[str, np.ndarray]:
    """The first blend of a sample and its strongest feature maps of each block (Fig. 2).

    Returns
    -------
    dict of ndarray
        `stamp` (y, x), and `block1` ... `block5`: (n_maps, y, x), those with the largest sums, in
        descending order.
    """
    row = int(np.argmax(read_sample_table(sample)["is_blend"] == 1))
    images = next(noisy_batches(sample, noise_sigma, padding, seed, ("example",)))
    stamp = to_eight_bits(images[row : row + 1]) / np.float32(255)
    last_layers = [f"block{b}_conv{len(block)}" for b, block in enumerate(BLOCKS, start=1)]
    model = keras.Model(extractor.input, [extractor.get_layer(name).output for name in last_layers])
    examples = {"stamp": stamp[0]}
    for number, maps in enumerate(model.predict(stamp[..., None], verbose=0), start=1):
        order = np.argsort(-maps[0].sum(axis=(0, 1)), kind="stable")[:n_maps]
        examples[f"block{number}"] = np.moveaxis(maps[0], -1, 0)[order]
    return examples


def write_features(path: str | Path, examples: dict[str, np.ndarray]) -> None:
    """Write a stamp and its feature maps, from `feature_examples`, as HDF5."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, values in examples.items():
            file[name] = values
