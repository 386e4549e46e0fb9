"""Separate the two galaxies of any RGB image by a trained generator."""

import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from deblend.data.pictures import open_picture
from deblend.errors import DeblendError
from deblend.reiman2019.config import PerturbConfig
from deblend.reiman2019.images import RADII_PER_PX
from deblend.reiman2019.predict import ORIENTATIONS, load_generator, predict, to_unit
from deblend.training.description import building, read_description
from deblend.training.torch_backend import move_to_device
from PIL import Image

log = logging.getLogger(__name__)

#: Petrosian radius of the central galaxy of a Galaxy Zoo image as it is published, pixels.
GALAXY_ZOO_RADIUS_PX = 1 / RADII_PER_PX

#: The network's pixels can be smaller than those of the images by this factor at most: sharper
#: images than theirs cannot be made by resampling.
ENLARGE_MAX = 1.25

#: Orders of the colours.
COLOUR_ORDERS = ("rgb", "bgr")

#: Side of the central part, in units of the network's images, whose colours are compared.
CENTRE = 0.25


@dataclass(frozen=True)
class Separated:
    """Images of both galaxies of each blend.

    Attributes
    ----------
    galaxies : ndarray of float32, shape (n, 2, side, side, 3)
        Central galaxy and companion, in [0, 1], with the images' order of colours.
    blends : ndarray of float32, shape (n, side, side, 3)
        What the network has seen: the images, cut and resampled.
    pixels : float
        Pixels of the images, along each side, that became one pixel.
    blending : {"max", "sum"}
        How the training blended two images.
    """

    galaxies: np.ndarray
    blends: np.ndarray
    pixels: float
    blending: str

    def residuals(self) -> np.ndarray:
        """What the two galaxies, blended as in the training, lack of the blends.

        Returns
        -------
        ndarray of float32, shape (n, side, side, 3)
            In [-1, 1]; positive where light of the blend is in neither galaxy.
        """
        if self.blending == "max":
            return self.blends - self.galaxies.max(axis=1)
        return self.blends - self.galaxies.sum(axis=1).clip(max=1)


def separate_images(
    images: np.ndarray | str | Path,
    *,
    weights: str | Path,
    description: str | Path,
    petrosian_radius_px: float,
    colour_order: str = "rgb",
    device: torch.device | None = None,
    orientations: int = ORIENTATIONS,
) -> Separated:
    """Separate the two galaxies of each image of a blend.

    The network expects images like those of its training: composites of g, r and i with the same
    stretch and a dark sky, two galaxies, and one of them at the centre. Size, scale, order of
    colours and range of values are checked as far as the parameters and the pixels tell. The images
    are cut around their centre and get the scale of the training, in which the Petrosian radius of
    each central galaxy is `GALAXY_ZOO_RADIUS_PX` before images are reduced.

    Parameters
    ----------
    images : ndarray, shape (n, y, x, 3) or (y, x, 3), or path
        Bytes from 0 to 255, or floating-point numbers in [0, 1]. A path is that of a file that
        Pillow reads, such as JPEG or PNG.
    weights, description : path
        `network.h5` and `network.json` of a trained generator.
    petrosian_radius_px : float
        Petrosian radius of the central galaxies, in pixels of the images: `GALAXY_ZOO_RADIUS_PX`
        for images of Galaxy Zoo as they are published.
    colour_order : {"rgb", "bgr"}
        Order of the colours in the last axis; those of a file are red, green and blue.
    device : torch.device, optional
        By default the CPU.
    orientations : int
        The mean of the images that are made of each blend in all eight orientations, or, with 1,
        that of the blend as it is, as in the paper: an eighth of the time, a larger error and
        sharper images. See `deblend.reiman2019.predict.predict`.

    Returns
    -------
    Separated

    Raises
    ------
    DeblendError
        The images do not have three colours in the last axis, are too small for the network or too
        coarse for it, or have values that are out of range, not finite or all black; or an option
        is unknown.

    References
    ----------
    Reiman & Goehre 2019, Sects 2.3 and 5. Scale of Galaxy Zoo: Lintott et al. 2011.

    Examples
    --------
    ::

        from deblend.reiman2019.own_images import GALAXY_ZOO_RADIUS_PX, separate_images
        folder = "results/small/networks/deblender_gan"
        result = separate_images(
            "blend.jpg",
            weights=f"{folder}/network.h5",
            description=f"{folder}/network.json",
            petrosian_radius_px=GALAXY_ZOO_RADIUS_PX,
        )
        central, companion = result.galaxies[0]
    """
    record = read_description(description)
    if record.get("problem"):
        log.warning("%s has not learnt: %s", weights, record["problem"])
    if colour_order not in COLOUR_ORDERS:
        raise DeblendError(
            f"colour_order is {colour_order!r}; it can be {' or '.join(COLOUR_ORDERS)}"
        )
    name = str(images) if isinstance(images, str | Path) else "images"
    array = read_image(images) if isinstance(images, str | Path) else np.asarray(images)
    values = _in_unit(_with_colours(array, name), name)
    is_bgr = colour_order == "bgr"
    if is_bgr:
        values = values[..., ::-1]
    with building(description):
        config = PerturbConfig(**record["perturbation"])
    pixels = _pixels_per_pixel(petrosian_radius_px, config)
    blends = _resampled(values, pixels, config.side, name)
    _check_colours(blends, name, colour_order)
    generator, precision = load_generator(weights, description)
    device = torch.device("cpu") if device is None else device
    move_to_device(generator, device)
    tensor = torch.from_numpy(blends).movedim(-1, 1)
    separated = predict(generator, tensor, device, precision, orientations=orientations)
    # The output of copy_gate is linear, so that it can leave the range.
    galaxies = to_unit(separated.clamp(-1, 1))
    if is_bgr:
        galaxies, blends = galaxies[..., ::-1], blends[..., ::-1]
    return Separated(galaxies, blends, pixels, config.blending)


def read_image(path: str | Path) -> np.ndarray:
    """Pixels of an image file, shape (y, x, 3 or 4).

    Raises
    ------
    DeblendError
        It is no JPEG or PNG in red, green and blue.
    """
    with open_picture(path) as image:
        if image.mode not in ("RGB", "RGBA"):
            raise DeblendError(f"{path} has the mode {image.mode}: save it in colours (RGB)")
        return np.asarray(image)


def _with_colours(array: np.ndarray, name: str) -> np.ndarray:
    """Images (n, y, x, 3), checked for their axes."""
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or array.shape[-1] != 3 or not len(array):
        hint = "give at least one image of three colours, (image, y, x, colour)"
        if array.ndim == 4 and array.shape[-1] == 4:
            hint = "the last axis has four channels: leave out the last one, which is transparency"
        elif array.ndim == 4 and array.shape[1] == 3:
            hint = "the colours have to be the last axis: use np.moveaxis(images, -3, -1)"
        raise DeblendError(f"{name} has shape {array.shape}: {hint}")
    return array


def _in_unit(array: np.ndarray, name: str) -> np.ndarray:
    """Images as float32 in [0, 1], checked for their values."""
    if array.dtype != np.uint8 and array.dtype.kind != "f":
        raise DeblendError(
            f"{name} has pixels of type {array.dtype}: give bytes (uint8) from 0 to 255, or "
            "floating-point numbers from 0 to 1"
        )
    n_bad = np.count_nonzero(~np.isfinite(array))
    if n_bad:
        raise DeblendError(f"{name} has {n_bad} NaN or infinite values: replace them")
    low, high = float(array.min()), float(array.max())
    if array.dtype == np.uint8:
        if high == 1:
            raise DeblendError(
                f"{name} has bytes up to 1: bytes go from 0 to 255; images in [0, 1] have to be "
                "floating-point numbers"
            )
        array = array / np.float32(255)
    elif low < 0 or high > 1:
        remedy = "divide them by 255" if low >= 0 and 2 < high <= 255 else "scale them"
        if -1 <= low < 0 and high <= 1:
            remedy = "if they are in [-1, 1], use (images + 1) / 2"
        raise DeblendError(
            f"{name} has values from {low:g} to {high:g}: the network takes [0, 1]: {remedy}"
        )
    black = ~array.any(axis=(1, 2, 3))
    if black.any():
        raise DeblendError(f"image {np.flatnonzero(black)[0]} of {name} is black: leave it out")
    return array.astype(np.float32)


def _pixels_per_pixel(petrosian_radius_px: float, config: PerturbConfig) -> float:
    """Pixels of the images along each side that become one pixel of the network's."""
    if not (np.isfinite(petrosian_radius_px) and petrosian_radius_px > 0):
        raise DeblendError(
            f"petrosian_radius_px is {petrosian_radius_px}: give the Petrosian radius of the "
            "central galaxy in pixels of the image"
        )
    trained = GALAXY_ZOO_RADIUS_PX / config.reduce_by
    pixels = petrosian_radius_px / trained
    if pixels * ENLARGE_MAX < 1:
        raise DeblendError(
            f"petrosian_radius_px is {petrosian_radius_px:g}, and the network was trained on "
            f"galaxies of {trained:.3g} px: the images have {1 / pixels:.3g} times larger pixels "
            f"than those of the training (at most {ENLARGE_MAX:g}): give sharper images"
        )
    return pixels


def _resampled(images: np.ndarray, pixels: float, side: int, name: str) -> np.ndarray:
    """Images of side x side pixels around the centre, each an average over `pixels` pixels.

    As `deblend.reiman2019.images.reduce`, with floating-point numbers.
    """
    height, width = images.shape[1:3]
    needed = side * pixels
    if min(height, width) < needed - 1e-6:
        raise DeblendError(
            f"{name} has images of {width} x {height} px: at their scale the network takes "
            f"{needed:.4g} x {needed:.4g} px ({side} x {side} px of {pixels:.3g}): cut larger "
            "images around the galaxy, or check petrosian_radius_px"
        )
    left, top = (max(0.0, (n - needed) / 2) for n in (width, height))
    box = (left, top, min(width, left + needed), min(height, top + needed))

    def resize(colour: np.ndarray) -> np.ndarray:
        image = Image.fromarray(np.ascontiguousarray(colour))
        return np.asarray(image.resize((side, side), Image.Resampling.BICUBIC, box=box))

    resized = [[resize(image[..., i]) for i in range(3)] for image in images]
    return np.moveaxis(np.array(resized, np.float32), 1, -1).clip(0, 1)


def _check_colours(blends: np.ndarray, name: str, colour_order: str) -> None:
    """Warn if most galaxies are bluer than 90 % of those of Galaxy Zoo are."""
    half = max(1, round(CENTRE * blends.shape[1] / 2))
    middle = blends.shape[1] // 2
    centre = blends[:, middle - half : middle + half, middle - half : middle + half]
    red, _, blue = np.moveaxis(centre.mean(axis=(1, 2)), -1, 0)
    n_blue = np.count_nonzero(blue > red)
    if 2 * n_blue > len(blends):
        log.warning(
            "in %d of %d images of %s the centre is brighter in blue than in red, as in one of ten "
            "Galaxy Zoo images: is colour_order %s right?",
            n_blue,
            len(blends),
            name,
            colour_order,
        )
