"""Detection and photometry with SEP, the library version of SExtractor.

The cold and hot modes, and the treatment of one, two or more detections, are those of Boucaud et
al. 2020, Sect. 3.3 and Table 3.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import sep
from deblend.errors import DeblendError
from deblend.photometry.config import BACKGROUND_BOX_PX, Detection

#: Kron parameters of SExtractor's MAG_AUTO: PHOT_AUTOPARAMS = 2.5, 3.5.
KRON_FACTOR = 2.5


MIN_RADIUS_PX = 3.5


# SEP's default of 1024 is too small for the sub-objects of bright galaxies at low thresholds.
sep.set_sub_object_limit(4096)


#: Flag of a blend for which SEP failed; SEP's own flags are below 512.
FLAG_FAILED = 1024


#: Region in which the Kron radius is measured, in isophotal radii; as in SExtractor.
KRON_SEARCH = 6.0


class SepError(DeblendError):
    """SEP failed on an image."""


def background_rms(image: np.ndarray, box_px: int = BACKGROUND_BOX_PX) -> float:
    """Global rms of the background, as SEP estimates it in boxes of a given side (counts/s)."""
    box = {"bw": box_px, "bh": box_px, "fw": 1, "fh": 1}
    return float(sep.Background(np.ascontiguousarray(image, dtype=np.float32), **box).globalrms)


def extract(
    image: np.ndarray, threshold: float, *, err: float, **options: Any
) -> np.ndarray | tuple[np.ndarray, np.ndarray]:
    """`sep.extract` with an error of its own.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    threshold : float
        In units of `err`.
    err : float
        Noise of the background.
    **options
        Of `sep.extract`.

    Raises
    ------
    SepError
        SEP failed: too many pixels or overlapping objects. An unsuitable argument is no such
        failure and has an error of its own.
    """
    try:
        return sep.extract(image, threshold, err=err, **options)
    except Exception as error:
        # What SEP's C code reports is an exception of no particular kind; all others are ours.
        if type(error) is not Exception:
            raise
        raise SepError(
            f"SEP could not extract objects (threshold {threshold} x {err:.3g}): {error}"
        ) from error


def detect(
    image: np.ndarray, settings: Detection, rms: float, mask: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Detect objects.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
        Background subtracted.
    settings : Detection
    rms : float
        Noise of the background.
    mask : ndarray of bool, shape (y, x), optional
        Pixels without data.

    Returns
    -------
    objects : structured ndarray
        SEP's catalogue.
    segmap : ndarray, shape (y, x), int32
        0 background, k + 1 the pixels of object k.

    Raises
    ------
    SepError
        See `extract`.
    """
    objects, segmap = extract(
        image,
        settings.threshold,
        err=rms,
        minarea=settings.min_area,
        deblend_nthresh=settings.n_thresholds,
        deblend_cont=settings.contrast,
        segmentation_map=True,
        mask=mask,
    )
    return objects, segmap


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
        Pixels of other objects are replaced by the mean of the aperture, as by SExtractor's
        masking.

    Returns
    -------
    flux : ndarray, shape (n,)
    flag : ndarray of int, shape (n,)
        SEP's aperture flags.
    """
    x, y = objects["x"], objects["y"]
    a, b = np.maximum(objects["a"], 1e-3), np.maximum(objects["b"], 1e-3)
    # Because of rounding, the angle can be slightly outside the range that SEP accepts.
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
    """SEP photometry of one blend. Index 0 is the central galaxy, index 1 the companion.

    Attributes
    ----------
    detection : int
        Code of the detections: 0 only the central galaxy, 1 only the companion, 2 both, 3 more than
        two objects, -1 none.
    mode : str
        ``cold`` or ``hot``: the mode of the measurement; ``failed`` if SEP failed.
    flux_iso, flux_auto : ndarray, shape (2,)
        Isophotal flux and Kron flux; NaN if the galaxy was not detected.
    flags : ndarray of int, shape (2,)
    positions : ndarray, shape (2, 2)
        Centroids, y and x in pixels from the stamp's corner pixel; NaN if not detected.
    """

    detection: int
    mode: str
    flux_iso: np.ndarray
    flux_auto: np.ndarray
    flags: np.ndarray
    positions: np.ndarray


def associate(
    x: np.ndarray, y: np.ndarray, flux: np.ndarray, centre: float, central_radius_px: float
) -> tuple[int, np.ndarray]:
    """Assign detections to the two galaxies (Boucaud et al. 2020, Sect. 3.3).

    Two detections: the one closest to the centre of the stamp is the central galaxy, the other one
    the companion. One detection: it is the central galaxy if its distance from the centre is at
    most half the effective radius of that galaxy, else the companion. More than two detections: the
    two brightest are treated like two detections.

    Parameters
    ----------
    x, y : ndarray, shape (n,)
        Centroids, in pixels from the stamp's corner pixel.
    flux : ndarray, shape (n,)
        Isophotal fluxes.
    centre : float
        Pixel, in x and y, at which the central galaxy was placed.
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
    """Detect and measure both galaxies of a blend.

    The hot mode is used if the cold mode finds fewer than two objects.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    central_radius_px : float
    cold, hot : Detection

    Returns
    -------
    BlendMeasurement
    """
    mode = "cold"
    try:
        objects, segmap = detect(image, cold, background_rms(image, cold.background_box_px))
        if len(objects) < 2:
            mode = "hot"
            objects, segmap = detect(image, hot, background_rms(image, hot.background_box_px))
    except SepError:
        missing = np.full((2, 2), np.nan)
        return BlendMeasurement(
            -1, "failed", missing[0], missing[0], np.full(2, FLAG_FAILED), missing
        )
    detection, rows = associate(
        objects["x"], objects["y"], objects["flux"], image.shape[-1] // 2, central_radius_px
    )
    flux_iso, flux_auto = np.full(2, np.nan), np.full(2, np.nan)
    flags, positions = np.zeros(2, int), np.full((2, 2), np.nan)
    detected = rows >= 0
    if detected.any():
        auto, flag = auto_flux(image, objects, segmap)
        flux_iso[detected] = objects["flux"][rows[detected]]
        flux_auto[detected] = auto[rows[detected]]
        flags[detected] = (flag | objects["flag"])[rows[detected]]
        positions[detected] = np.column_stack([objects["y"], objects["x"]])[rows[detected]]
    return BlendMeasurement(detection, mode, flux_iso, flux_auto, flags, positions)


def measure_isolated(
    image: np.ndarray, cold: Detection, hot: Detection
) -> tuple[float, float, np.ndarray]:
    """Photometry of the galaxy at the centre of a stamp without neighbours.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    cold, hot : Detection
        The hot mode is used if the cold mode finds nothing at the centre.

    Returns
    -------
    flux_iso, flux_auto : float
        NaN if nothing was detected at the centre.
    segmap : ndarray of bool, shape (y, x)
    """
    for settings in (cold, hot):
        rms = background_rms(image, settings.background_box_px)
        # There is only one galaxy: deblending could only split it.
        objects, segmap = detect(image, settings.model_copy(update={"contrast": 1.0}), rms)
        label = central_label(segmap, objects)
        if label:
            auto, _ = auto_flux(image, objects, segmap)
            return float(objects["flux"][label - 1]), float(auto[label - 1]), segmap == label
    return np.nan, np.nan, np.zeros(image.shape, bool)


def central_label(segmap: np.ndarray, objects: np.ndarray, tolerance_px: float = 3.0) -> int:
    """Label of the object at the centre of the stamp, 0 if there is none.

    It is the object that covers the central pixel, else the closest object whose centroid is within
    `tolerance_px` of the centre.
    """
    centre = segmap.shape[-1] // 2
    label = int(segmap[centre, centre])
    if label or not len(objects):
        return label
    distance = np.hypot(objects["x"] - centre, objects["y"] - centre)
    nearest = int(np.argmin(distance))
    return nearest + 1 if distance[nearest] <= tolerance_px else 0
