"""Images of point spread functions (PSFs) from files: checked, and mended where it is harmless."""

import logging
from pathlib import Path

import numpy as np
from deblend.data.coordinates import check_scale
from deblend.data.image_files import read_pixels
from deblend.errors import DeblendError
from scipy.ndimage import median_filter

log = logging.getLogger(__name__)


#: Largest share of a PSF's light that may be mended: in pixels without data, or lost when the image
#: is cut around its peak. Fluxes change by no more than that.
MENDED_MAX = 0.02


#: A hot pixel is brighter than this share of the peak and than this many sigmas of the noise, and
#: ten times as bright as the median of its neighbours; those of a star's peak have a tenth of its
#: light if it is as sharp as 1.3 px (FWHM).
HOT_SHARE, HOT_SIGMA, HOT_CONTRAST = 0.02, 8.0, 10.0


#: More hot pixels than this are no defect, but noise, or other stars.
HOT_MAX = 3


#: A level at the border of the image is a pedestal, not the wings of the PSF, if the two rings
#: between these shares of the way to the border, and beyond, have the same level up to this share
#: of it. Wings as steep as distance to the power -2.5 fall by a quarter there.
FLAT_RADII, FLAT_TOLERANCE = (0.8, 0.9), 0.1


#: Pedestals with less than this share of the PSF's light, or that are less than this share of its
#: peak, are left, as noise is: those of measured PSFs of Hubble have 1e-5 of the peak.
PEDESTAL_MIN, PEDESTAL_OF_PEAK = 2e-3, 3e-5


#: Share of the light that a level at the border has, if all pixels have it, from which a warning is
#: logged if it is not known to be a pedestal.
BORDER_DOUBTFUL = 0.05


def read_psf(path: str | Path | None, pixel_scale_arcsec: float) -> np.ndarray | None:
    """Read the image of a PSF for a data set of one band.

    Parameters
    ----------
    path : path, optional
        FITS file whose first image is the PSF at the stamps' pixel scale, of any flux.
    pixel_scale_arcsec : float
        That of the stamps.

    Returns
    -------
    ndarray, shape (1, y, x), float32
        With the sum 1; None without a path. An image that is brightest within a pixel of its middle
        keeps its size, others are cut around their peak.

    Raises
    ------
    DeblendError
        See `read_centred_psf`.
    """
    if not path:
        return None
    psf = read_centred_psf(path, None, f"the PSF {path}", pixel_scale_arcsec)
    return psf[None].astype(np.float32)


def read_centred_psf(
    path: str | Path,
    key: str | None,
    name: str,
    pixel_scale_arcsec: float,
    *,
    on_pixel: bool = False,
) -> np.ndarray:
    """Read the image of a PSF, and mend it.

    Parameters
    ----------
    path : path
    key : str, optional
        See `deblend.data.image_files.read_pixels`.
    name : str
        The PSF, for messages.
    pixel_scale_arcsec : float
        Of the PSF, with which that of its header is compared.
    on_pixel : bool
        The brightest pixel has to be the central one, of an odd number: the image is cut to that.
        Else either of the two pixels in the middle may be the brightest.

    Returns
    -------
    ndarray, shape (y, x), float64
        With the sum 1.

    Raises
    ------
    DeblendError
        The image cannot be read, is not two-dimensional, or see `mended`, `centred` and
        `deblend.data.coordinates.check_scale`.
    """
    pixels = read_pixels(path, key, prefer=("PSF",))
    check_scale(pixels.header, pixel_scale_arcsec, name)
    image = pixels.values
    while image.ndim > 2 and image.shape[0] == 1:
        image = image[0]
    if image.ndim != 2:
        raise DeblendError(f"{name} has the shape {image.shape}: give an image (y, x)")
    image = centred(mended(image.astype(float), name), name, on_pixel=on_pixel)
    return image / image.sum()


def mended(image: np.ndarray, name: str) -> np.ndarray:
    """A PSF without pixels that are not finite, hot pixels and a pedestal.

    Each is taken away if the PSF is known well without it, and a warning says so: pixels without
    data get the values of those opposite of the peak, if they have little of the light
    (`MENDED_MAX`); a hot pixel the median of its neighbours; a constant level, of either sign, is
    subtracted.

    Parameters
    ----------
    image : ndarray, shape (y, x), float
    name : str
        The PSF, for messages.

    Returns
    -------
    ndarray, shape (y, x)

    Raises
    ------
    DeblendError
        There is no light, the sum is not positive, there are too many hot pixels, or the pixels
        without data have much of the light.
    """
    finite = np.isfinite(image)
    if not finite.any() or np.ptp(image[finite]) == 0 or image[finite].max() <= 0:
        raise DeblendError(
            f"{name} has pixels that are not finite or no light: give an image of a star"
        )
    image = np.where(finite, image, np.nan)
    image = _without_hot_pixels(image, name)
    image = _without_pedestal(image, name)
    image = _filled(image, name)
    if image.sum() <= 0:
        raise DeblendError(
            f"{name} has the sum {image.sum():.3g}, not a positive one: give an image of a star "
            "with the sky subtracted"
        )
    return image


def _neighbours(image: np.ndarray) -> np.ndarray:
    """Median of the eight neighbours of each pixel."""
    ring = np.ones((3, 3), bool)
    ring[1, 1] = False
    return median_filter(image, footprint=ring, mode="nearest")


def _without_hot_pixels(image: np.ndarray, name: str) -> np.ndarray:
    """The image with the median of its neighbours in place of each hot pixel."""
    level = float(np.nanmedian(image))
    values = np.nan_to_num(image - level)
    around = _neighbours(values)
    # The peak of what is left if each pixel is no brighter than its second brightest neighbour.
    peak = _second_neighbour(values).max()
    noise = 1.4826 * float(np.median(np.abs(values)))
    hot = (values > max(HOT_SHARE * peak, HOT_SIGMA * noise)) & (
        values > HOT_CONTRAST * np.maximum(around, 0)
    )
    if not hot.any():
        return image
    y, x = np.nonzero(hot)
    places = ", ".join(f"x = {i}, y = {j}" for i, j in zip(x[:HOT_MAX], y[:HOT_MAX], strict=True))
    if len(x) > HOT_MAX or peak <= 0 or np.where(hot, around, values).max() <= 0:
        raise DeblendError(
            f"{name} has {len(x)} pixels that are far brighter than those around them ({places}): "
            "give an image of a star, with more than a pixel of width, without noise or other stars"
        )
    share = values[hot].sum() / max(values.sum(), 1e-300)
    log.warning(
        "%s has %d hot pixels (%s, counted from 0) with %.1f %% of its light: they are replaced by "
        "the median of their neighbours",
        *(name, len(x), places, 100 * share),
    )
    return np.where(hot, around + level, image)


def _second_neighbour(values: np.ndarray) -> np.ndarray:
    """The smaller of a pixel and the second brightest of its neighbours."""
    padded = np.pad(values, 1, mode="edge")
    ny, nx = values.shape
    shifted = [
        padded[j : j + ny, i : i + nx] for j in range(3) for i in range(3) if (j, i) != (1, 1)
    ]
    return np.minimum(values, np.sort(shifted, axis=0)[-2])


def _without_pedestal(image: np.ndarray, name: str) -> np.ndarray:
    """The image without a constant level that it has up to its border."""
    ny, nx = image.shape
    y, x = np.indices(image.shape)
    # Distance from the middle, 1 at the border.
    distance = np.maximum(
        np.abs(y - (ny - 1) / 2) / max((ny - 1) / 2, 0.5),
        np.abs(x - (nx - 1) / 2) / max((nx - 1) / 2, 0.5),
    )
    inner = image[(distance > FLAT_RADII[0]) & (distance <= FLAT_RADII[1])]
    outer = image[distance > FLAT_RADII[1]]
    inner, outer = inner[np.isfinite(inner)], outer[np.isfinite(outer)]
    if len(inner) < 8 or len(outer) < 8:
        return image
    level, nearer = float(np.median(outer)), float(np.median(inner))
    light = float(np.nansum(image - level))
    share = level * image.size / light if light > 0 else np.inf
    scatter = 1.4826 * float(np.median(np.abs(outer - level))) / np.sqrt(len(outer))
    is_flat = abs(nearer - level) <= max(FLAT_TOLERANCE * abs(level), 3 * scatter)
    too_low = max(PEDESTAL_OF_PEAK * float(np.nanmax(image - level)), 3 * scatter)
    if abs(share) < PEDESTAL_MIN or abs(level) < too_low:
        return image
    # Wings are not negative.
    if level > 0 and not is_flat:
        if share > BORDER_DOUBTFUL:
            log.warning(
                "%s has a level of %.3g at its border, which falls outwards: it is cut too near to "
                "the star, or has sky; fluxes fitted with it are uncertain by up to %.0f %%",
                *(name, level, 100 * share),
            )
        return image
    log.warning(
        "%s has a pedestal of %.3g, %.1f %% of its light: it is subtracted",
        *(name, level, 100 * share),
    )
    return image - level


def _filled(image: np.ndarray, name: str) -> np.ndarray:
    """The image with values of the opposite pixels, or 0, where there are no data."""
    missing = np.isnan(image)
    if not missing.any():
        return image
    values = np.nan_to_num(image)
    peak = np.unravel_index(values.argmax(), values.shape)
    y, x = np.indices(image.shape)
    opposite_y, opposite_x = 2 * peak[0] - y, 2 * peak[1] - x
    inside = (opposite_y >= 0) & (opposite_y < image.shape[0])
    inside &= (opposite_x >= 0) & (opposite_x < image.shape[1])
    known = missing & inside
    filled = values.copy()
    filled[known] = values[opposite_y[known], opposite_x[known]]
    unknown = missing & (
        ~inside
        | (
            inside
            & np.isnan(
                image[
                    opposite_y.clip(0, image.shape[0] - 1), opposite_x.clip(0, image.shape[1] - 1)
                ]
            )
        )
    )
    share = abs(filled[missing].sum()) / max(filled.sum(), 1e-300)
    # A pixel next to the peak may be as bright as the peak itself.
    near = np.hypot(y - peak[0], x - peak[1]) <= 2
    if filled.sum() <= 0 or share > MENDED_MAX or (missing & near).any():
        raise DeblendError(
            f"{name} has {missing.sum()} pixels that are not finite, which have {share:.1%} of its "
            "light by the pixels opposite, or are next to its peak: give an image of a star that "
            "is whole there"
        )
    log.warning(
        "%s has %d pixels that are not finite, with %.2f %% of its light: they get the values of "
        "the pixels opposite of the peak (%d of them 0)",
        *(name, missing.sum(), 100 * share, unknown.sum()),
    )
    return filled


def centred(image: np.ndarray, name: str, *, on_pixel: bool = False) -> np.ndarray:
    """A PSF whose peak is in the middle.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        All pixels are finite.
    name : str
        The PSF, for messages.
    on_pixel : bool
        See `read_centred_psf`.

    Returns
    -------
    ndarray
        The image, or the largest square around its peak; a warning says so if it was not in the
        middle.

    Raises
    ------
    DeblendError
        The square would lack more than `MENDED_MAX` of the light.
    """
    peak = np.array(np.unravel_index(np.argmax(image), image.shape))
    middle = (np.array(image.shape) - 1) / 2
    # Of an even number of pixels, either of the two in the middle.
    is_central = (np.abs(peak - middle) <= 1).all()
    if is_central and not on_pixel:
        return image
    y, x = peak
    half = min(y, x, image.shape[0] - 1 - y, image.shape[1] - 1 - x)
    part = image[y - half : y + half + 1, x - half : x + half + 1]
    lost = 1 - part.sum() / image.sum()
    if half < 1 or (not is_central and lost > MENDED_MAX):
        raise DeblendError(
            f"{name} of {image.shape[1]} x {image.shape[0]} px is brightest in pixel x = {x}, "
            f"y = {y}: cut it so that the star is in its centre"
        )
    if not is_central:
        log.warning(
            "%s of %d x %d px is brightest in pixel x = %d, y = %d: it is cut to %d px around it",
            *(name, image.shape[1], image.shape[0], x, y, 2 * half + 1),
        )
    return part
