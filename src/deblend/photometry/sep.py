"""Detection and photometry with SEP, as SExtractor does it.

The cold and hot modes, and what to do with one, two or more detections, are those of Boucaud et
al. 2020, Sect. 3.3 and Table 3.
"""

from dataclasses import dataclass

import numpy as np
import sep
from deblend.errors import DeblendError
from deblend.photometry.config import Detection

#: Kron parameters of SExtractor's MAG_AUTO: PHOT_AUTOPARAMS = 2.5, 3.5.
KRON_FACTOR = 2.5


MIN_RADIUS_PX = 3.5


#: Side of the boxes whose median rms is the background's. SExtractor's usual 64 px are a whole
#: small stamp, full of galaxies, and would raise the threshold; of boxes of 8 px most are empty.
BACKGROUND_BOX_PX = 8


# SEP's default, 1024, is too few for the sub-objects of bright galaxies in deep noise.
sep.set_sub_object_limit(4096)


#: Flag of a blend on which SEP gave up; SEP's own flags are below 512.
FLAG_FAILED = 1024


#: SExtractor looks for the Kron radius within six isophotal radii.
KRON_SEARCH = 6.0


class SepError(DeblendError):
    """SEP gave up on an image."""


def background_rms(image: np.ndarray) -> float:
    """Global rms of the background, as SEP estimates it (counts/s)."""
    box = {"bw": BACKGROUND_BOX_PX, "bh": BACKGROUND_BOX_PX, "fw": 1, "fh": 1}
    return float(sep.Background(np.ascontiguousarray(image, dtype=np.float32), **box).globalrms)


def detect(image: np.ndarray, settings: Detection, rms: float) -> tuple[np.ndarray, np.ndarray]:
    """Detect objects.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
        Background zero.
    settings : Detection
    rms : float
        Noise of the background.

    Returns
    -------
    objects : structured ndarray
        SEP's catalogue.
    segmap : ndarray, shape (y, x), int32
        0 background, k + 1 the pixels of object k.

    Raises
    ------
    SepError
        SEP gave up: too many pixels or overlapping objects.
    """
    try:
        return sep.extract(
            image,
            settings.threshold,
            err=rms,
            minarea=settings.min_area,
            deblend_nthresh=settings.n_thresholds,
            deblend_cont=settings.contrast,
            segmentation_map=True,
        )
    except Exception as error:  # SEP raises bare exceptions from C
        raise SepError(
            f"SEP could not extract objects (threshold {settings.threshold} x {rms:.3g}): {error}"
        ) from error


def auto_flux(
    image: np.ndarray, objects: np.ndarray, segmap: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """FLUX_AUTO of detected objects: the flux in an elliptical Kron aperture.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    objects : structured ndarray
        From `detect`.
    segmap : ndarray, shape (y, x), int32
        Pixels of other objects are left out and replaced by the aperture's mean, as SExtractor's
        masking does.

    Returns
    -------
    flux : ndarray, shape (n,)
    flag : ndarray of int, shape (n,)
        SEP's aperture flags.
    """
    x, y = objects["x"], objects["y"]
    a, b = np.maximum(objects["a"], 1e-3), np.maximum(objects["b"], 1e-3)
    # Rounding can put the angle a little beyond the range that SEP takes.
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)
    ids = np.arange(1, len(objects) + 1, dtype=np.int32)
    kron, flag_kron = sep.kron_radius(
        image, x, y, a, b, theta, KRON_SEARCH, segmap=segmap, seg_id=ids
    )
    kron = np.nan_to_num(kron)
    flux, _, flag = sep.sum_ellipse(
        image, x, y, a, b, theta, KRON_FACTOR * kron, segmap=segmap, seg_id=ids, subpix=1
    )
    small = KRON_FACTOR * kron * np.sqrt(a * b) < MIN_RADIUS_PX
    if small.any():
        flux_small, _, flag_small = sep.sum_circle(
            image, x[small], y[small], MIN_RADIUS_PX, segmap=segmap, seg_id=ids[small], subpix=1
        )
        flux[small], flag[small] = flux_small, flag_small
    return flux, flag | flag_kron


@dataclass(frozen=True)
class BlendMeasurement:
    """What SEP makes of one blend; indices are 0 for the central galaxy, 1 for the companion.

    Attributes
    ----------
    detection : int
        0 only the central, 1 only the companion, 2 both, 3 more than two, -1 nothing found.
    mode : str
        ``cold`` or ``hot``: which run these are from; ``failed`` where SEP gave up.
    flux_iso, flux_auto : ndarray, shape (2,)
        NaN where the galaxy was not found.
    flags : ndarray of int, shape (2,)
    """

    detection: int
    mode: str
    flux_iso: np.ndarray
    flux_auto: np.ndarray
    flags: np.ndarray


def associate(
    x: np.ndarray, y: np.ndarray, flux: np.ndarray, centre: float, central_radius_px: float
) -> tuple[int, np.ndarray]:
    """Say which detection is which galaxy (Boucaud et al. 2020, Sect. 3.3).

    Two detections: the one closest to the stamp's centre is the central galaxy, the other the
    companion. One: the central galaxy if it lies within half its effective radius of the centre,
    else the companion. More than two: the two brightest count, as in the case of two.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centroids, in pixels from the stamp's corner pixel.
    flux : ndarray, shape (n,)
        Isophotal fluxes.
    centre : float
        Pixel, in x and y, where the central galaxy was put.
    central_radius_px : float
        Effective radius of the central galaxy.

    Returns
    -------
    detection : int
        See `BlendMeasurement`.
    rows : ndarray of int, shape (2,)
        Detection of the central galaxy and of the companion; -1 for none.
    """
    n = len(x)
    if n == 0:
        return -1, np.array([-1, -1])
    distance = np.hypot(x - centre, y - centre)
    if n == 1:
        if distance[0] <= 0.5 * central_radius_px:
            return 0, np.array([0, -1])
        return 1, np.array([-1, 0])
    brightest = np.sort(np.argsort(-flux, kind="stable")[:2])
    central, companion = brightest[np.argsort(distance[brightest], kind="stable")]
    return (2 if n == 2 else 3), np.array([central, companion])


def measure_blend(
    image: np.ndarray, central_radius_px: float, cold: Detection, hot: Detection
) -> BlendMeasurement:
    """Detect and measure both galaxies of a blend: cold first, hot where that finds fewer than two.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    central_radius_px : float
    cold, hot : Detection

    Returns
    -------
    BlendMeasurement
    """
    rms = background_rms(image)
    mode = "cold"
    try:
        objects, segmap = detect(image, cold, rms)
        if len(objects) < 2:
            mode = "hot"
            objects, segmap = detect(image, hot, rms)
    except SepError:
        nothing = np.full(2, np.nan)
        return BlendMeasurement(-1, "failed", nothing, nothing, np.full(2, FLAG_FAILED))
    detection, rows = associate(
        objects["x"], objects["y"], objects["flux"], image.shape[-1] // 2, central_radius_px
    )
    flux_iso, flux_auto = np.full(2, np.nan), np.full(2, np.nan)
    flags = np.zeros(2, int)
    found = rows >= 0
    if found.any():
        auto, flag = auto_flux(image, objects, segmap)
        flux_iso[found] = objects["flux"][rows[found]]
        flux_auto[found] = auto[rows[found]]
        flags[found] = (flag | objects["flag"])[rows[found]]
    return BlendMeasurement(detection, mode, flux_iso, flux_auto, flags)


def measure_isolated(
    image: np.ndarray, cold: Detection, hot: Detection
) -> tuple[float, float, np.ndarray]:
    """Photometry of the galaxy at the centre of a stamp without neighbours.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    cold, hot : Detection
        The hot mode is used where the cold one finds nothing at the centre.

    Returns
    -------
    flux_iso, flux_auto : float
        NaN where nothing was found at the centre.
    segmap : ndarray of bool, shape (y, x)
    """
    rms = background_rms(image)
    for settings in (cold, hot):
        # One galaxy is all there is: deblending could only shred it.
        objects, segmap = detect(image, settings.model_copy(update={"contrast": 1.0}), rms)
        label = central_label(segmap, objects)
        if label:
            auto, _ = auto_flux(image, objects, segmap)
            return float(objects["flux"][label - 1]), float(auto[label - 1]), segmap == label
    return np.nan, np.nan, np.zeros(image.shape, bool)


def central_label(segmap: np.ndarray, objects: np.ndarray, tolerance_px: float = 3.0) -> int:
    """Label of the object at the stamp's centre, 0 if there is none.

    The object that covers the central pixel, else the closest whose centroid is within
    `tolerance_px`.
    """
    centre = segmap.shape[-1] // 2
    label = int(segmap[centre, centre])
    if label or not len(objects):
        return label
    distance = np.hypot(objects["x"] - centre, objects["y"] - centre)
    nearest = int(np.argmin(distance))
    return nearest + 1 if distance[nearest] <= tolerance_px else 0
