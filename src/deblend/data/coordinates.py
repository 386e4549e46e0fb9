"""Where a catalogue's galaxies are on a mosaic: celestial coordinates, and whether they fit."""

import logging
import re
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import sep
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from deblend.data.image_files import OpenImage
from deblend.errors import DeblendError

log = logging.getLogger(__name__)


#: Largest relative difference between the mosaic's pixel scale and the configured one.
SCALE_TOLERANCE = 0.01


#: Coefficients of SIP distortions in a header.
SIP_KEYWORD = re.compile(r"^(A|B|AP|BP)_(ORDER|DMAX|\d+_\d+)$")


#: Positions a side at which two systems of coordinates are compared.
GRID = 11


#: Largest error of a position that counts as converged, and where positions are put that do not.
CONVERGED_PX, FAR_PX = 0.01, -1e9


#: A source nearer than this to the position of a galaxy, pixels, is taken for the galaxy.
NEAR_PX = 2.0


#: Detection threshold of such sources, in units of the noise, and their least number of pixels.
SOURCE_SIGMA, SOURCE_MIN_PX = 5.0, 3


#: Side of the boxes in which the noise is measured, pixels: most have no source.
BOX_PX = 8


#: A catalogue is refused if the share of its bright galaxies with a source there is below the
#: first number, and a warning says so if it is below the second one. In fields of which catalogue
#: and image fit it is above 0.9; where they do not, it is below 0.1 as a rule.
REFUSED_SHARE, DOUBTFUL_SHARE = 0.5, 0.8


#: Galaxies on which this is checked: the brightest quarter of a catalogue, since few of its
#: faintest galaxies may show in the image, but no fewer and no more than these. Fewer than the last
#: number are too few to judge.
CHECKED_MIN, CHECKED_MAX, TOO_FEW = 20, 200, 5


def celestial_wcs(
    image: OpenImage, *, subject: str, pixel_scale_arcsec: float, apply_sip: bool = False
) -> WCS:
    """Celestial coordinates of a mosaic.

    The header of a drizzled mosaic may still have the SIP coefficients of the exposures, though the
    mosaic has no distortion. astropy applies them. The type of the axes decides: only RA---TAN-SIP
    and the like have SIP distortions (Shupe et al. 2005, ASPC 347, 491).

    Parameters
    ----------
    image : OpenImage
        Two-dimensional.
    subject : str
        The field or band, for messages.
    pixel_scale_arcsec : float
    apply_sip : bool
        Apply SIP coefficients although the type of the axes does not name them.

    Returns
    -------
    WCS
        A warning is logged if there are such coefficients.

    Raises
    ------
    DeblendError
        The mosaic lacks celestial coordinates or has another pixel scale.
    """
    header, left_over = without_left_over_sip(image.header)
    wcs = _read_wcs(header, image, subject)
    check_wcs(wcs, subject, image.path, image.label, pixel_scale_arcsec)
    if not left_over:
        return wcs
    distorted, types = image.header.copy(), axis_types(image.header)
    for axis, name in enumerate(types, start=1):
        distorted[f"CTYPE{axis}"] = name.removesuffix("-SIP") + "-SIP"
    with_sip = _read_wcs(distorted, image, subject)
    log.warning(
        "%s: the header of %s has SIP distortion terms (A_..., B_...), but its axes are %s, "
        "without -SIP: as in drizzled mosaics, which have no distortion, the terms are those of "
        "the exposures. They would move positions by up to %.1f px, and are %s (apply_sip: %s)",
        *(subject, image.path, " and ".join(types), largest_offset(wcs, with_sip, image.shape)),
        *(("applied", "true") if apply_sip else ("not applied", "false")),
    )
    return with_sip if apply_sip else wcs


def axis_types(header: fits.Header) -> list[str]:
    """Types of the celestial axes of a header."""
    return [str(header.get(f"CTYPE{axis}", "")) for axis in (1, 2)]


def without_left_over_sip(header: fits.Header) -> tuple[fits.Header, bool]:
    """A header without SIP coefficients that the type of its axes does not name.

    Returns
    -------
    header : fits.Header
        A copy.
    left_over : bool
        Whether there were such coefficients.
    """
    coefficients = [name for name in header if SIP_KEYWORD.match(name)]
    left_over = bool(coefficients) and not all(n.endswith("-SIP") for n in axis_types(header))
    kept = header.copy()
    for name in coefficients if left_over else ():
        del kept[name]
    return kept, left_over


def _read_wcs(header: fits.Header, image: OpenImage, subject: str) -> WCS:
    try:
        return WCS(header, image.file, naxis=2)
    except Exception as error:  # wcslib's errors have many types
        raise DeblendError(
            f"{subject}: cannot read the coordinates in extension {image.label} of {image.path} "
            f"({' '.join(str(error).split())})"
        ) from error


def largest_offset(one: WCS, other: WCS, shape: Sequence[int]) -> float:
    """Largest distance on an image between where two systems put the same position, pixels.

    Parameters
    ----------
    one, other : WCS
    shape : (int, int)
        Of the image (y, x).
    """
    y, x = (np.linspace(0, n - 1, GRID) for n in shape)
    pixels = np.stack(np.meshgrid(x, y)).reshape(2, -1)
    # From pixels to the sky, since the inverse of a distortion that is far off may not converge.
    moved = one.world_to_pixel_values(*other.pixel_to_world_values(*pixels))
    return float(np.nanmax(np.hypot(*(np.array(moved) - pixels))))


def to_pixels(wcs: WCS, ra: np.ndarray, dec: np.ndarray) -> np.ndarray:
    """Pixels of positions on the sky.

    Parameters
    ----------
    wcs : WCS
    ra, dec : ndarray, shape (n,)
        Degrees.

    Returns
    -------
    ndarray, shape (n, 2)
        x and y from the centre of the first pixel. `FAR_PX` for positions so far outside that the
        inverse of a distortion does not converge there: a catalogue may cover other fields too.
    """
    if wcs.sip is None:
        return np.column_stack(wcs.world_to_pixel_values(ra, dec))
    with np.errstate(all="ignore"):
        xy = wcs.all_world2pix(np.column_stack([ra, dec]), 0, quiet=True)
        back = wcs.all_pix2world(xy, 0)
        without = wcs.wcs_world2pix(np.column_stack([ra, dec]), 0)
        error = np.hypot(*(wcs.wcs_world2pix(back, 0) - without).T)
    return np.where((error < CONVERGED_PX)[:, None], xy, FAR_PX)


def check_wcs(
    wcs: WCS, subject: str, mosaic: str | Path, extension: int | str, pixel_scale_arcsec: float
) -> None:
    """Check that a mosaic has coordinates of right ascension and the configured pixel scale.

    Parameters
    ----------
    wcs : WCS
    subject : str
        The field or band, for the message.
    mosaic : path
    extension : int or str
    pixel_scale_arcsec : float

    Raises
    ------
    DeblendError
        The mosaic lacks celestial coordinates or has another pixel scale.
    """
    if not wcs.has_celestial:
        raise DeblendError(
            f"{subject}: extension {extension} of {mosaic} has no celestial coordinates"
        )
    if (wcs.wcs.lngtyp, wcs.wcs.lattyp) != ("RA", "DEC"):
        raise DeblendError(
            f"{subject}: the axes of extension {extension} of {mosaic} are {wcs.wcs.lngtyp} and "
            f"{wcs.wcs.lattyp}, and positions are RA and DEC: reproject the mosaic to these"
        )
    scales = proj_plane_pixel_scales(wcs) * 3600
    if np.abs(scales / pixel_scale_arcsec - 1).max() > SCALE_TOLERANCE:
        raise DeblendError(
            f"{subject}: the pixels of {mosaic} are {scales[0]:.4g} x {scales[1]:.4g} arcsec, "
            f"pixel_scale_arcsec is {pixel_scale_arcsec}"
        )


def check_scale(header: Any, pixel_scale_arcsec: float, name: str | Path) -> None:
    """Check that a stamp or PSF has the pixel scale of the configuration, if its header has one.

    Parameters
    ----------
    header : fits.Header
        The scale is that of celestial coordinates, or else PIXELSCL or PIXSCALE (arcsec).
    pixel_scale_arcsec : float
    name : path
        The image, for the message.

    Raises
    ------
    DeblendError
        The two differ by more than `SCALE_TOLERANCE`.
    """
    scales = _scales_of(header)
    if len(scales) and np.abs(scales / pixel_scale_arcsec - 1).max() > SCALE_TOLERANCE:
        raise DeblendError(
            f"{name}: the pixels are {' x '.join(f'{scale:.4g}' for scale in scales)} arcsec by "
            f"its header, and {pixel_scale_arcsec:g} arcsec by the configuration: correct the "
            "pixel scale there, or resample the image"
        )


def _scales_of(header: Any) -> np.ndarray:
    """Sides of the pixels by a header, arcsec; empty if it does not say."""
    if "CTYPE1" in header:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # such as of dates, which do not matter here
            try:
                wcs = WCS(header).celestial
            except Exception as error:  # wcslib's errors have many types
                log.info("cannot read the coordinates of a header (%s)", error)
            else:
                if wcs.has_celestial:
                    return proj_plane_pixel_scales(wcs) * 3600
    for keyword in ("PIXELSCL", "PIXSCALE"):
        value = header.get(keyword)
        if isinstance(value, int | float) and value > 0:
            return np.array([float(value)])
    return np.array([])


def nearest_sources(images: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """Where the nearest source to a position in each image is.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Without pixels that are not finite.
    centres : ndarray, shape (n, 2)
        The positions, x and y in pixels.

    Returns
    -------
    ndarray, shape (n, 2)
        dx and dy from the position to the source's centroid, or to a peak if only that is within
        `NEAR_PX`; NaN if there is no source.
    """
    found = np.full((len(images), 2), np.nan)
    for i, (image, centre) in enumerate(zip(images, centres, strict=True)):
        pixels = np.ascontiguousarray(image - np.median(image), np.float32)
        # An image without noise has any number of sigmas.
        background = sep.Background(pixels, bw=BOX_PX, bh=BOX_PX, fw=1, fh=1)
        noise = max(float(background.globalrms), 1e-3 * float(np.ptp(pixels)))
        if noise <= 0:
            continue
        try:
            catalog = sep.extract(pixels, SOURCE_SIGMA, err=noise, minarea=SOURCE_MIN_PX)
        except Exception as error:
            # What SEP's C code reports, such as too many sources, is of no particular kind.
            if type(error) is not Exception:
                raise
            continue
        if not len(catalog):
            continue
        for x, y in (("x", "y"), ("xpeak", "ypeak")):
            offsets = np.column_stack([catalog[x], catalog[y]]) - centre
            nearest = offsets[np.hypot(*offsets.T).argmin()]
            if x == "x" or np.hypot(*nearest) <= NEAR_PX < np.hypot(*found[i]):
                found[i] = nearest
    return found


def check_positions(
    images: np.ndarray,
    centres: np.ndarray,
    mags: np.ndarray,
    *,
    subject: str,
    catalog: str | Path,
    remedy: str,
) -> None:
    """Check that a catalogue's galaxies are where its positions say.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Cut-outs, all of whose pixels have data.
    centres : ndarray, shape (n, 2)
        The catalogue's positions in them, x and y in pixels.
    mags : ndarray, shape (n,)
        NaN if unknown.
    subject : str
        The field or band, for messages.
    catalog : path
    remedy : str
        What to do, for the message.

    Raises
    ------
    DeblendError
        Too few of the brightest galaxies have a source within `NEAR_PX`: `REFUSED_SHARE`.
    """
    n = int(np.clip(len(images) // 4, CHECKED_MIN, CHECKED_MAX))
    brightest = np.sort(np.argsort(mags, kind="stable")[:n])
    if len(brightest) < TOO_FEW:
        log.info("%s: %d galaxies are too few to check positions", subject, len(brightest))
        return
    offsets = nearest_sources(images[brightest], centres[brightest])
    n_near = int((np.hypot(*offsets.T) <= NEAR_PX).sum())
    share = n_near / len(brightest)
    dx, dy = np.nan, np.nan
    if np.isfinite(offsets).any():
        dx, dy = np.round(np.nanmedian(offsets, axis=0), 1) + 0.0  # no negative zeros
    where = (
        f"the nearest sources are {dx:+.1f} px in x and {dy:+.1f} px in y away (median)"
        if np.isfinite(dx)
        else "none has a source in its cut-out at all"
    )
    text = (
        f"{subject}: only {n_near} of the {len(brightest)} brightest galaxies of {catalog} have a "
        f"source within {NEAR_PX:g} px of their position; {where}"
    )
    if share < REFUSED_SHARE:
        raise DeblendError(f"{text}: {remedy}")
    if share < DOUBTFUL_SHARE:
        log.warning("%s", text)
    else:
        log.info(
            "%s: %d of the %d brightest galaxies have a source within %g px of their position, "
            "%+.1f px in x and %+.1f px in y away (median)",
            *(subject, n_near, len(brightest), NEAR_PX, dx, dy),
        )
