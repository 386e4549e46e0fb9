"""Sources of scenes: detected by SEP or at given positions, with SEP's fluxes and sizes, and pairs.

Networks are trained on blends of two galaxies with one of them in the middle. So the sources of a
scene are taken in pairs, the brightest first: it is the central galaxy of a stamp, and the nearest
other source within the stamp is its companion. A scene with two positions is thus one blend, around
the brighter galaxy.
"""

import logging
from itertools import pairwise

import numpy as np
import pandas as pd
import sep
from deblend.data.profiles import psf_fwhm_px
from deblend.photometry.sep import (
    FLAG_FAILED,
    KRON_FACTOR,
    KRON_SEARCH,
    MIN_RADIUS_PX,
    SepError,
    auto_flux,
    detect,
)
from deblend.scenes.scenes import Scenes
from scipy.optimize import linear_sum_assignment

log = logging.getLogger(__name__)

#: Columns of `find_sources`, and those that each band has, with its number.
SOURCE_COLUMNS = (
    "scene",
    "source",
    "x_px",
    "y_px",
    "found",
    "on_object",
    "radius_px",
    "brightness",
    "sep_flags",
)
BAND_COLUMNS = ("flux_iso", "error_iso", "flux_auto", "error_auto", "no_data")

#: An object of SEP's belongs to a given position if it is this near, px or widths of the PSF.
MATCH_PX, MATCH_FWHM = 2.5, 1.0


def image_of(scenes: Scenes, scene: int, band: int) -> np.ndarray:
    """An image without its pixels without data, which are 0, as SEP takes it."""
    return np.ascontiguousarray(np.nan_to_num(scenes.images[scene, band], nan=0.0), np.float32)


def psf_fwhm(scenes: Scenes, band: int) -> float | None:
    """Full width at half maximum of the PSF of a band, arcsec; None without a PSF."""
    psf = scenes.psf_of(band)
    return None if psf is None else psf_fwhm_px(psf) * scenes.pixel_scale_arcsec


def psf_half_light_radius_px(scenes: Scenes, band: int) -> float:
    """Radius of the circle with half of the light of a band's PSF, px; 0 without a PSF."""
    known = scenes.psf_of(band)
    if known is None:
        return 0.0
    psf = np.ascontiguousarray(known, np.float32)
    middle = (len(psf) - 1) / 2
    # As SEP's half-light radii of sources are measured.
    radius, _ = sep.flux_radius(
        psf, [middle], [middle], [middle], 0.5, normflux=[float(psf.sum())], subpix=5
    )
    return float(radius[0])


def match_radius_px(scenes: Scenes) -> float:
    """Largest distance of an object of SEP's from the position that it belongs to, px."""
    fwhm = psf_fwhm(scenes, scenes.detection_band)
    return max(MATCH_PX, 0 if fwhm is None else MATCH_FWHM * fwhm / scenes.pixel_scale_arcsec)


def find_sources(scenes: Scenes, positions: tuple[np.ndarray, ...] | None = None) -> pd.DataFrame:
    """Sources of all scenes, with what SEP measures of each.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, shape (k, 2), optional
        y and x of the sources of each scene; by default those of the scenes, else they are detected
        in the detection band.

    Returns
    -------
    DataFrame
        `SOURCE_COLUMNS`, and `BAND_COLUMNS` with the number of the band (`flux_auto_0`), counts/s:
        isophotal flux and that of a Kron aperture, with errors from the noise of the image alone.
        `radius_px`: half-light radius with the PSF; `brightness`: AUTO flux in the detection band,
        or, where SEP finds nothing, that in a circle of `MIN_RADIUS_PX`. `found`: whether an object
        belongs to the source; `on_object`: whether its pixel is one of any object. `no_data`:
        whether the Kron aperture has pixels without data or beyond the edge.

    Raises
    ------
    DeblendError
        SEP fails on an image in which sources have to be detected. With given positions a warning
        is logged, and nothing is found in that image (`FLAG_FAILED` of `sep_flags`).
    """
    positions = scenes.positions if positions is None else positions
    radius = match_radius_px(scenes)
    parts = [
        _sources_of(scenes, i, None if positions is None else positions[i], radius)
        for i in range(len(scenes))
    ]
    columns = [
        *SOURCE_COLUMNS,
        *(f"{c}_{b}" for b in range(len(scenes.bands)) for c in BAND_COLUMNS),
    ]
    table = pd.DataFrame([row for part in parts for row in part], columns=columns)
    types = {"scene": int, "source": int, "found": bool, "on_object": bool, "sep_flags": int}
    return table.astype(types)


def detected(scenes: Scenes, scene: int) -> tuple[np.ndarray, np.ndarray]:
    """SEP's objects of a scene in the detection band, and its segmentation map.

    Raises
    ------
    DeblendError
        SEP fails.
    """
    band = scenes.detection_band
    image = image_of(scenes, scene, band)
    usual = sep.get_extract_pixstack()
    sigma = float(scenes.noise_sigma[scene, band])
    lacks = np.isnan(scenes.images[scene, band])
    try:
        # SEP's buffer then is never too small for the pixels above the threshold.
        sep.set_extract_pixstack(max(usual, 2 * image.size))
        return detect(image, scenes.detection, sigma, lacks)
    except SepError as error:
        raise SepError(
            f"sources of the scene {scenes.names[scene]}: {error}: give a higher detection > "
            f"threshold than {scenes.detection.threshold:g}, a lower detection > n_thresholds, or "
            "the noise (noise_sigma) if that is too low"
        ) from error
    finally:
        sep.set_extract_pixstack(usual)


def _sources_of(
    scenes: Scenes, scene: int, given: np.ndarray | None, radius: float
) -> list[dict[str, object]]:
    """Rows of the sources of one scene."""
    image = image_of(scenes, scene, scenes.detection_band)
    failed = 0
    try:
        objects, segmap = detected(scenes, scene)
    except SepError as error:
        if given is None:
            raise
        log.warning("%s; of its sources SEP measures nothing", error)
        objects, segmap = np.zeros(0, [("x", float), ("y", float)]), np.zeros(image.shape, int)
        failed = FLAG_FAILED
    centroids = np.column_stack([objects["y"], objects["x"]])
    places = centroids if given is None else np.asarray(given, float).reshape(-1, 2)
    of_place = matched(places, centroids, radius if given is not None else np.inf)
    measured = measure_objects(scenes, scene, objects, segmap) if len(objects) else {}
    rows = []
    for source, (y, x) in enumerate(places):
        k = of_place[source]
        row: dict[str, object] = {
            **{"scene": scene, "source": source, "x_px": x, "y_px": y, "found": k >= 0},
            **{"sep_flags": failed, "on_object": label_at(segmap, x, y) > 0},
        }
        row |= {name: values[k] if k >= 0 else np.nan for name, values in measured.items()}
        if k >= 0:
            row["sep_flags"] = int(measured["sep_flags"][k])
            row["brightness"] = measured[f"flux_auto_{scenes.detection_band}"][k]
        else:
            row["sep_flags"] = failed
            row["brightness"] = _circle(image, x, y)
        rows.append(row)
    return rows


def label_at(segmap: np.ndarray, x: float, y: float) -> int:
    """Label of the object that has the pixel of a position; 0 without one, or outside."""
    row, column = round(y), round(x)
    inside = 0 <= row < segmap.shape[0] and 0 <= column < segmap.shape[1]
    return int(segmap[row, column]) if inside else 0


def _circle(image: np.ndarray, x: float, y: float) -> float:
    ny, nx = image.shape
    if not (-0.5 <= x <= nx - 0.5 and -0.5 <= y <= ny - 0.5):
        return np.nan
    return float(sep.sum_circle(image, [x], [y], MIN_RADIUS_PX)[0][0])


def matched(places: np.ndarray, centroids: np.ndarray, radius: float) -> np.ndarray:
    """Number of the object of each place, each object used once; -1 without one."""
    found = np.full(len(places), -1)
    if not (len(places) and len(centroids)):
        return found
    distance = np.hypot(*(places[:, None] - centroids[None]).transpose(2, 0, 1))
    # Objects that are too far away cost the same as none.
    rows, columns = linear_sum_assignment(
        np.minimum(distance, 1e3 if radius == np.inf else 2 * radius)
    )
    near = distance[rows, columns] <= radius
    found[rows[near]] = columns[near]
    return found


def measure_objects(
    scenes: Scenes, scene: int, objects: np.ndarray, segmap: np.ndarray
) -> dict[str, np.ndarray]:
    """SEP's numbers of all objects of a scene: `BAND_COLUMNS`, `radius_px` and `sep_flags`.

    Parameters
    ----------
    scenes : Scenes
    scene : int
    objects, segmap : ndarray
        From `deblend.photometry.sep.detect`.

    Returns
    -------
    dict of ndarray, shape (n,)
        Errors of fluxes allow for the correlation of the noise.
    """
    labels = np.arange(1, len(objects) + 1)
    n_pixels = np.bincount(segmap.ravel(), minlength=len(objects) + 1)[1:]
    found: dict[str, np.ndarray] = {}
    flags = objects["flag"].astype(int)
    for band in range(len(scenes.bands)):
        image = image_of(scenes, scene, band)
        sigma = float(scenes.noise_sigma[scene, band])
        lacks = np.isnan(scenes.images[scene, band])
        # Without a mask, with which SEP would scale fluxes up for the pixels of neighbours too:
        # pixels without data count as 0, and are flagged.
        flux, flag = auto_flux(image, objects, segmap)
        area, touches = kron_area(image, objects, segmap, lacks)
        iso = np.bincount(segmap.ravel(), image.ravel().astype(float), len(objects) + 1)[1:]
        # The noise of a sum over many pixels of correlated noise is higher than of white noise.
        factor = 1.0
        if scenes.noise_correlation is not None:
            factor = float(np.sqrt(max(scenes.noise_correlation[band].sum(), 1.0)))
        found |= {
            f"flux_iso_{band}": iso,
            f"error_iso_{band}": sigma * factor * np.sqrt(n_pixels),
            f"flux_auto_{band}": flux,
            f"error_auto_{band}": sigma * factor * np.sqrt(area),
            f"no_data_{band}": touches,
        }
        if band == scenes.detection_band:
            flags = flags | flag
            found["radius_px"] = _half_light_radius(image, objects, flux, segmap, labels)
    return {**found, "sep_flags": flags}


def kron_area(
    image: np.ndarray, objects: np.ndarray, segmap: np.ndarray, lacks: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Area of the apertures of `deblend.photometry.sep.auto_flux`, px^2.

    Also whether they have pixels without data, or beyond the edge.
    """
    a, b = np.maximum(objects["a"], 1e-3), np.maximum(objects["b"], 1e-3)
    theta = np.clip(objects["theta"], -np.pi / 2, np.pi / 2)
    ids = np.arange(1, len(objects) + 1, dtype=np.int32)
    x, y = objects["x"], objects["y"]
    kron, _ = sep.kron_radius(image, x, y, a, b, theta, KRON_SEARCH, segmap=segmap, seg_id=ids)
    # No smaller than a circle of the smallest radius.
    scale = np.maximum(KRON_FACTOR * np.nan_to_num(kron), MIN_RADIUS_PX / np.sqrt(a * b))
    without, _, flag = sep.sum_ellipse(lacks.astype(np.float32), x, y, a, b, theta, scale, subpix=1)
    return np.pi * a * b * scale**2, (without > 0) | ((flag & sep.APER_TRUNC) > 0)


def _half_light_radius(
    image: np.ndarray, objects: np.ndarray, flux: np.ndarray, segmap: np.ndarray, labels: np.ndarray
) -> np.ndarray:
    """Radius of the circle with half of the AUTO flux, px; NaN where the flux is not positive."""
    good = flux > 0
    radius = np.full(len(objects), np.nan)
    if good.any():
        largest = 6 * np.maximum(objects["a"], 1.0)[good]
        radius[good], _ = sep.flux_radius(
            image,
            *(objects["x"][good], objects["y"][good], largest, 0.5),
            normflux=flux[good],
            subpix=5,
            segmap=segmap,
            seg_id=labels[good].astype(np.int32),
        )
    return np.where(radius > 0, radius, np.nan)


def pair_sources(sources: pd.DataFrame, reach_px: float) -> pd.DataFrame:
    """Take the sources of each scene in pairs.

    Parameters
    ----------
    sources : DataFrame
        From `find_sources`.
    reach_px : float
        Largest distance of a companion along x and y: half the side of a stamp.

    Returns
    -------
    DataFrame
        `scene`, `central` and `companion` (rows of `sources`; companion is -1 for a source that is
        alone), `n_others`: further sources that are as near to the central one.
    """
    scene = sources["scene"].to_numpy()
    yx = sources[["y_px", "x_px"]].to_numpy(float)
    brightness = np.nan_to_num(sources["brightness"].to_numpy(float), nan=-np.inf)
    rows = []
    # Where scenes begin: their sources stand together.
    starts = [i for i in range(len(scene)) if i == 0 or scene[i] != scene[i - 1]]
    for start, stop in pairwise([*starts, len(scene)]):
        members = np.arange(start, stop)
        left = set(members.tolist())
        for central in members[np.argsort(-brightness[members], kind="stable")].tolist():
            if central not in left:
                continue
            left.remove(central)
            away = np.abs(yx[members] - yx[central]).max(axis=1)
            near = members[(away <= reach_px) & (members != central)]
            free = [k for k in near.tolist() if k in left]
            companion = -1
            if free:
                distance = [float(np.hypot(*(yx[k] - yx[central]))) for k in free]
                companion = free[int(np.argmin(distance))]
                left.remove(companion)
            rows.append((scene[central], central, companion, len(near) - (companion >= 0)))
    return pd.DataFrame(rows, columns=["scene", "central", "companion", "n_others"]).astype(int)
