"""Features of VGG-16 from noisy stamps."""

from collections.abc import Iterator
from pathlib import Path

import keras
import numpy as np
from deblend.errors import DeblendError
from deblend.farrens2022.stamps import noisy_batches, read_sample_table
from deblend.hdf5 import new_file, write_array
from deblend.training.vgg import BLOCKS

#: Type in which features are kept and used. It takes half the memory and disk of float32; values
#: are rounded by less than 0.05 %, and have to be below 65,504 (VGG-16's are below 20).
FEATURE_TYPE = np.float16


#: What asinh of counts in units of the noise is divided by: that of 1,500, so that most pixels are
#: below 1, as VGG-16 expects them.
ASINH_RANGE = 8.0


def to_eight_bits(images: np.ndarray, first: int = 0) -> np.ndarray:
    """Convert stamps to 8-bit images, as in the authors' PNG files.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
    first : int
        Number of the first stamp, for messages.

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
            f"{len(bad)} stamps have no signal or are not finite, the first is number "
            f"{first + bad[0]}: leave them out"
        )
    return (size * (255 / peak)).astype(np.uint8)


def scaled(
    images: np.ndarray, scaling: str, noise_sigma: np.ndarray | None, first: int = 0
) -> np.ndarray:
    """Scale noisy stamps for a network.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Counts.
    scaling : {"paper", "asinh"}
        paper: absolute values in 8 bits, from 0 to 1 for each stamp's maximum (Sect. 3.2.1). asinh:
        asinh(counts / noise) / `ASINH_RANGE`, which keeps the ratio of signal to noise.
    noise_sigma : ndarray, shape (n,), or None
        Standard deviation of the noise, counts; only for asinh.
    first : int
        Number of the first stamp, for messages.

    Returns
    -------
    ndarray, shape (n, y, x), float32
    """
    if scaling == "paper":
        return to_eight_bits(images, first) / np.float32(255)
    assert noise_sigma is not None
    units = np.arcsinh(images / noise_sigma[:, None, None]) / ASINH_RANGE
    return units.astype(np.float32)


def extract_features(
    extractor: keras.Model,
    sample: str | Path,
    *,
    noise_sigma: float,
    padding: int,
    seed: int,
    item: tuple,
    augmented: bool = False,
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
        Whether the same stamps follow a second time, flipped and turned by quarters of a circle
        before they get noise of their own; for training stamps only. The paper (Sect. 3.2.1)
        shears and zooms stamps with their noise, which smooths the noise of training stamps alone.

    Yields
    ------
    ndarray, shape (n, n_features), float16

    Raises
    ------
    DeblendError
        See `features_of`.
    """
    passes = [(item, False), ((*item, "turned"), True)] if augmented else [(item, False)]
    for name, turn in passes:
        for images in noisy_batches(sample, noise_sigma, padding, seed, name, turn=turn):
            yield features_of(extractor, images)


def features_of(extractor: keras.Model, images: np.ndarray) -> np.ndarray:
    """Features of padded and noisy stamps.

    Parameters
    ----------
    extractor : keras.Model
    images : ndarray, shape (n, y, x)

    Returns
    -------
    ndarray, shape (n, n_features), float16
        See `FEATURE_TYPE`.

    Raises
    ------
    DeblendError
        A stamp has no signal, or a feature is too large for `FEATURE_TYPE`.
    """
    return network_features(extractor, to_eight_bits(images) / np.float32(255))


def network_features(extractor: keras.Model, grey: np.ndarray) -> np.ndarray:
    """Features of stamps that are scaled already, from 0 to 1 (see `features_of`)."""
    maps = np.asarray(extractor.predict(grey[..., None], batch_size=64, verbose=0))
    largest, limit = float(np.abs(maps).max()), float(np.finfo(FEATURE_TYPE).max)
    if not largest < limit:
        raise DeblendError(
            f"a feature of VGG-16 is {largest:g}, but {FEATURE_TYPE.__name__}, in which features "
            f"are kept, ends at {limit:g}: use other weights (vgg_weights)"
        )
    return maps.reshape(len(maps), -1).astype(FEATURE_TYPE)


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
        `stamp` (y, x), and `block1` ... `block5`: (n_maps, y, x), less those of an empty stamp,
        which hide what a faint stamp adds. Those with the largest sums of absolute values, in
        descending order.
    """
    row = int(np.argmax(read_sample_table(sample)["is_blend"] == 1))
    images = next(noisy_batches(sample, noise_sigma, padding, seed, ("example",)))
    stamp = to_eight_bits(images[row : row + 1]) / np.float32(255)
    last_layers = [f"block{b}_conv{len(block)}" for b, block in enumerate(BLOCKS, start=1)]
    model = keras.Model(extractor.input, [extractor.get_layer(name).output for name in last_layers])
    examples = {"stamp": stamp[0]}
    both = np.concatenate([stamp, np.zeros_like(stamp)])[..., None]
    for number, (full, empty) in enumerate(model.predict(both, verbose=0), start=1):
        maps = full - empty
        order = np.argsort(-np.abs(maps).sum(axis=(0, 1)), kind="stable")[:n_maps]
        examples[f"block{number}"] = np.moveaxis(maps, -1, 0)[order]
    return examples


def write_features(path: str | Path, examples: dict[str, np.ndarray]) -> None:
    """Write a stamp and its feature maps, from `feature_examples`, as HDF5."""
    with new_file(path) as file:
        for name, values in examples.items():
            write_array(file, name, values)
