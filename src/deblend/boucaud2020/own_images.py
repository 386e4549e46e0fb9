"""Fluxes and masks of the galaxies in the user's own images of blends, from a trained network."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.boucaud2020 import networks
from deblend.boucaud2020.masks import THRESHOLD
from deblend.boucaud2020.predictions import GALAXIES
from deblend.data.image_files import read_pixels
from deblend.data.image_units import counts_factor
from deblend.errors import DeblendError, UnsuitedError
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)


#: Bits of the flags, which are added.
FLAGS = {
    "not_positive": 1,  # the flux is not positive: it has no magnitude
    "sky": 2,  # the sky level is not 0
    "no_galaxy": 4,  # there is no light at the central pixel
    "magnitude": 8,  # the magnitude is outside the range of the training galaxies
    "noise": 16,  # the noise is not like that of the training's blends
}


#: Largest relative difference between the pixel scales of the images and of the training.
PIXEL_SCALE_TOLERANCE = 0.01


#: Largest relative difference between the widths of the PSF.
PSF_TOLERANCE = 0.15


#: Factor by which the noise of an image may be lower than that of a stamp of the training, or
#: higher than that of the sum of two.
NOISE_TOLERANCE = 2.0


#: Sky level, in units of the noise of a pixel, from which an image is flagged. Wings of bright
#: galaxies exceed it in about 0.4 % of simulated blends of 64 px, and in none of 128 px.
SKY_LIMIT = 1.0


#: Signal-to-noise ratio in the central square of `CENTRE_PX` that an image needs. Simulated
#: galaxies down to 23 mag have more than 30.
CENTRE_LIMIT = 5.0
CENTRE_PX = 5


@dataclass(frozen=True)
class Deblended:
    """What a network says about images.

    Attributes
    ----------
    table : DataFrame
        Two rows for each image: `image` (its number, from 0), `galaxy` (central or companion),
        `flux` (counts/s at `zero_point`), `mag` (NaN if the flux is not positive), `zero_point`
        (that of the images), `flags` (sum of `FLAGS`). Flux and magnitude are NaN if the network
        makes masks only.
    probabilities : ndarray of float32, shape (n, side, side, 2), or None
        Probability that a pixel belongs to the central galaxy, and to the companion. None if the
        network makes no masks.
    masks : ndarray of bool, shape (n, side, side, 2), or None
        Pixels whose probability is at least `deblend.boucaud2020.masks.THRESHOLD`.
    origin : (int, int)
        Pixel (y, x) of the images where the masks begin; (0, 0) if the images were not cut.
    """

    table: pd.DataFrame
    probabilities: np.ndarray | None
    masks: np.ndarray | None
    origin: tuple[int, int]


def deblend_images(
    model: keras.Model,
    record: dict[str, Any],
    images: np.ndarray | str | Path,
    *,
    pixel_scale_arcsec: float,
    zero_point: float,
    images_key: str | None = None,
    unit: str | None = None,
    mag_range: tuple[float, float] | None = None,
    psf_fwhm_arcsec: float | None = None,
    batch_size: int = 256,
) -> Deblended:
    """Fluxes, magnitudes and masks of both galaxies of each image of a blend.

    The network expects images like those of its training: the same band, PSF and noise, the sky
    subtracted, two galaxies, and one of them at the centre. Only what the parameters and the
    pixels tell is checked, against what the record says about the training. Images of another zero
    point are converted: a wrong one shows as noise that is not like that of the training.

    Parameters
    ----------
    model, record
        From `deblend.boucaud2020.predict.load_network`.
    images : ndarray of float, shape (n, y, x) or (y, x), or path
        In counts/s, with the central galaxy at pixel (y // 2, x // 2). Larger images than those of
        the training are cut around that pixel. A path is that of a .npy, .npz, .h5 or .fits file;
        images whose header has another unit (BUNIT) are converted, see
        `deblend.data.image_units.counts_factor`.
    pixel_scale_arcsec : float
        Pixel scale of the images, arcsec per pixel.
    zero_point : float
        AB magnitude of one count per second in the images; the training's is `zero_point` of the
        record.
    images_key : str, optional
        Name of the array in the file, see `deblend.data.image_files.read_pixels`.
    unit : str, optional
        Unit of the images, such as nJy, instead of that of the header.
    mag_range : (float, float), optional
        AB magnitudes of the brightest and the faintest training galaxy; by default `mag_range` of
        the record. Without both, no magnitude is flagged.
    psf_fwhm_arcsec : float, optional
        Full width at half maximum of the images' PSF, arcsec; without it the PSF is not compared
        with `psf_fwhm_arcsec` of the record.
    batch_size : int
        Images that the network takes at a time.

    Returns
    -------
    Deblended

    Raises
    ------
    DeblendError
        The images have no two spatial axes, are not of real floating-point numbers, are smaller
        than those of the training, have NaN or infinite pixels, or show no galaxy at the centre
        that they are to be cut around; the pixel scale or the width of the PSF differs from that of
        the training by more than `PIXEL_SCALE_TOLERANCE` or `PSF_TOLERANCE`; or an option is out of
        range.

    References
    ----------
    Boucaud et al. 2020, Sects 3.1 and 3.2.

    Examples
    --------
    Set up Keras before its first import::

        from deblend.training import keras_backend
        keras_backend.configure("tensorflow", threads=2, seed=0)

        from deblend.boucaud2020.own_images import deblend_images
        from deblend.boucaud2020.predict import load_network
        network = load_network("network.weights.h5", "network.json")
        result = deblend_images(*network, "blends.fits", pixel_scale_arcsec=0.06, zero_point=25.94)
        result.table.to_csv("fluxes.csv", index=False)
    """
    mag_range = record.get("mag_range") if mag_range is None else mag_range
    _check_options(record, pixel_scale_arcsec, zero_point, mag_range)
    _check_psf(record.get("psf_fwhm_arcsec"), psf_fwhm_arcsec)
    array, name = _read(images, images_key, unit, pixel_scale_arcsec, zero_point)
    stamps, origin, flags, noise = _prepare(array, name, record["stamp_size"])
    # The network's fluxes are at the zero point of its training, and so must its images be.
    scale = 10 ** (0.4 * (float(record["zero_point"]) - zero_point))
    if record.get("noise_sigma"):
        in_stamps = noise * scale / record["noise_sigma"]
        is_usual = (in_stamps > 1 / NOISE_TOLERANCE) & (in_stamps < np.sqrt(2) * NOISE_TOLERANCE)
        flags += FLAGS["noise"] * ~is_usual
    if record.get("blending", {}).get("companion_edge") == "zero":
        # The noise of real images has no edge, and fluxes of the centre are too faint without it.
        log.warning(
            "the network was trained on blends with an edge in the noise, where the companion's "
            "stamp ends: its fluxes of other images are biased; train it with companion_edge: noise"
        )
    predicted = model.predict(
        (stamps * np.float32(scale))[..., None], batch_size=batch_size, verbose=0
    )
    if not isinstance(predicted, dict):
        (name,) = networks.TARGETS[record["architecture"]]
        predicted = {name: predicted}
    flux = np.full((len(stamps), 2), np.nan)
    flags = np.repeat(flags[:, None], 2, axis=1)
    if "fluxes" in predicted:
        flux = np.asarray(predicted["fluxes"], float) / scale
        flags += FLAGS["not_positive"] * ~(flux > 0)
    mag = mag_from_flux(flux, zero_point)
    if mag_range is None:
        log.warning("magnitudes are not compared with those of the training: give mag_range")
    else:
        flags += FLAGS["magnitude"] * ((mag < mag_range[0]) | (mag > mag_range[1]))
    table = pd.DataFrame(
        {
            "image": np.repeat(np.arange(len(stamps)), 2),
            "galaxy": np.tile(GALAXIES, len(stamps)),
            "flux": flux.ravel(),
            "mag": mag.ravel(),
            "zero_point": float(zero_point),
            "flags": flags.ravel(),
        }
    )
    if "masks" not in predicted:
        return Deblended(table, None, None, origin)
    # A third mask, of the pixels of both galaxies, is left out.
    probabilities = np.asarray(predicted["masks"])[..., :2]
    return Deblended(table, probabilities, probabilities >= THRESHOLD, origin)


def _check_options(
    record: dict[str, Any],
    pixel_scale_arcsec: float,
    zero_point: float,
    mag_range: tuple[float, float] | None,
) -> None:
    """Check what is said about the images."""
    trained = record["pixel_scale_arcsec"]
    if not abs(pixel_scale_arcsec / trained - 1) <= PIXEL_SCALE_TOLERANCE:
        raise UnsuitedError(
            f"pixel_scale_arcsec is {pixel_scale_arcsec}, the network was trained at {trained} "
            f"(they may differ by {PIXEL_SCALE_TOLERANCE:.0%}): resample the images to {trained} "
            "arcsec per pixel"
        )
    if not np.isfinite(zero_point):
        raise DeblendError(
            f"zero_point is {zero_point}: give the AB magnitude of one count per second"
        )
    if mag_range is not None and not (len(mag_range) == 2 and mag_range[0] < mag_range[1]):
        raise DeblendError(
            f"mag_range is {mag_range}: give the magnitudes of the brightest and the faintest "
            "training galaxy, the smaller number first"
        )


def _check_psf(trained: float | None, given: float | None) -> None:
    """Check the width of the PSF, arcsec, if it is known and given."""
    if given is None:
        return
    if not (np.isfinite(given) and given > 0):
        raise DeblendError(f"psf_fwhm_arcsec is {given}: give the width of the PSF in arcsec")
    if trained is None:
        log.warning("psf_fwhm_arcsec is not compared: the network's record has none")
    elif abs(given / trained - 1) > PSF_TOLERANCE:
        remedy = (
            f"smooth the images to {trained:.3g} arcsec"
            if given < trained
            else "train a network on galaxies with the PSF of the images"
        )
        raise UnsuitedError(
            f"psf_fwhm_arcsec is {given}, the network was trained at {trained:.3g} (they may "
            f"differ by {PSF_TOLERANCE:.0%}): {remedy}"
        )


def _read(
    images: np.ndarray | str | Path,
    key: str | None,
    unit: str | None,
    pixel_scale_arcsec: float,
    zero_point: float,
) -> tuple[np.ndarray, str]:
    """Images in counts/s, by the unit that is given or else that of the header, and their name."""
    if isinstance(images, str | Path):
        pixels, name = read_pixels(images, key), str(images)
        array, header = pixels.values, pixels.header
    else:
        array, header, name = np.asarray(images), {}, "images"
    factor = counts_factor(
        header,
        unit,
        zero_point=zero_point,
        pixel_scale_arcsec=pixel_scale_arcsec,
        source=name,
    )
    return array if factor == 1 else array * factor, name


def _prepare(
    array: np.ndarray, name: str, size: int
) -> tuple[np.ndarray, tuple[int, int], np.ndarray, np.ndarray]:
    """Check images and cut them to the network's size.

    Returns
    -------
    stamps : ndarray of float32, shape (n, size, size)
    origin : (int, int)
        Pixel (y, x) of the images where the stamps begin.
    flags : ndarray of int, shape (n,)
    noise : ndarray, shape (n,)
        Standard deviation in a pixel, in the images' unit.
    """
    if array.ndim == 2:
        array = array[None]
    if array.ndim != 3 or not len(array):
        raise DeblendError(
            f"{name} has shape {array.shape}: give at least one image of one band, (image, y, x)"
        )
    if array.dtype.kind != "f":
        raise DeblendError(
            f"{name} has pixels of type {array.dtype}: give floating-point numbers in counts/s"
        )
    ny, nx = array.shape[1:]
    if min(ny, nx) < size:
        raise UnsuitedError(
            f"{name} has images of {nx} x {ny} px, the network takes {size} x {size} px: cut "
            "larger images"
        )
    y0, x0 = ny // 2 - size // 2, nx // 2 - size // 2
    with np.errstate(over="ignore"):  # numbers too large for float32 become infinite
        stamps = array[:, y0 : y0 + size, x0 : x0 + size].astype(np.float32)
    n_bad = (~np.isfinite(stamps)).sum(axis=(1, 2))
    if n_bad.any():
        first = int(np.flatnonzero(n_bad)[0])
        raise DeblendError(
            f"{name} has NaN or infinite pixels in {np.count_nonzero(n_bad)} of {len(array)} "
            f"images (the first: image {first}, {n_bad[first]} pixels): replace these pixels by "
            "noise, or leave the images out"
        )
    sky, noise = _background(stamps)
    flags = FLAGS["sky"] * (np.abs(sky) > SKY_LIMIT * noise)
    low, high = size // 2 - CENTRE_PX // 2, size // 2 + CENTRE_PX // 2 + 1
    centre = (stamps[:, low:high, low:high] - sky[:, None, None]).sum(axis=(1, 2))
    empty = ~(centre > CENTRE_LIMIT * noise * CENTRE_PX)
    if empty.any() and (ny, nx) != (size, size):
        raise DeblendError(
            f"{name} has no galaxy at the central pixel ({ny // 2}, {nx // 2}) in {empty.sum()} of "
            f"{len(array)} images (the first: image {np.flatnonzero(empty)[0]}), which are to be "
            f"cut to {size} x {size} px around it: cut these images around a galaxy, or leave them "
            "out"
        )
    return stamps, (y0, x0), flags + FLAGS["no_galaxy"] * empty, noise


def _background(stamps: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sky level and noise of stamps, from their corners.

    The corner whose median is nearest to 0 decides, since the companion can lie in another. The
    median of a whole stamp would be raised by the wings of bright galaxies.

    Returns
    -------
    sky, noise : ndarray, shape (n,)
        The stamps' unit.
    """
    side = max(4, stamps.shape[-1] // 8)
    ends = slice(None, side), slice(-side, None)
    corners = np.stack([stamps[:, y, x].reshape(len(stamps), -1) for y in ends for x in ends], 1)
    medians = np.median(corners, axis=2)
    noise = 1.4826 * np.median(np.abs(corners - medians[..., None]), axis=(1, 2))
    return medians[np.arange(len(stamps)), np.abs(medians).argmin(axis=1)], noise
