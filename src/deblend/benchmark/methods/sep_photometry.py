"""SEP as a method of the benchmark: with its defaults, and in the cold and hot modes."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.photometry.config import Detection
from deblend.photometry.sep import SepError, background_rms, detect
from deblend.scenes.networks import PSF_TOLERANCE
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import image_of, measure_objects, psf_fwhm
from deblend.scenes.stamps import SAME_SCALE

log = logging.getLogger(__name__)

#: Radii of the isophote of the source in the middle within which the cold mode has to find another
#: one. Companions are not further away than four half-light radii of the smaller galaxy, and an
#: isophote of the cold mode is about two half-light radii large.
REACH = 2.0

#: Defaults of SExtractor: DETECT_THRESH, DETECT_MINAREA, DEBLEND_MINCONT, DEBLEND_NTHRESH and
#: BACK_SIZE.
DEFAULTS: dict[str, Any] = {
    "threshold": 1.5,
    "min_area": 5,
    "contrast": 0.005,
    "n_thresholds": 32,
    "background_box_px": 64,
}


def measure_default(
    scenes: Scenes, positions: tuple[np.ndarray, ...] | None = None, seed: int = 0
) -> Catalogue:
    """SEP with the defaults of SExtractor and AUTO fluxes.

    Parameters
    ----------
    scenes : Scenes
    positions, seed
        Not used.

    Returns
    -------
    Catalogue
        Masks are the pixels of each source, and images those of the scene within them.
    """
    return _measure(scenes, (Detection(**DEFAULTS),), "auto", 0.0)


def measure_cold_hot(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    flux: str,
    cold: Mapping[str, Any],
    hot: Mapping[str, Any],
    zero_points: str | None = None,
    pixel_scale_arcsec: float | None = None,
    psf_fwhm_arcsec: float | None = None,
) -> Catalogue:
    """SEP in the cold mode, or in the hot one where that finds no second source near the first.

    Sources further than `REACH` from that in the middle do not count: they are neighbours.

    Parameters
    ----------
    scenes : Scenes
    positions, seed
        Not used.
    flux : {"isophotal", "auto"}
    cold, hot : dict
        `deblend.photometry.config.Detection`.
    zero_points : path, optional
        Zero points of both kinds of fluxes, which were fitted on isolated galaxies
        (`deblend.boucaud2020.sep.fit_zero_points`); by default that of the scenes.
    pixel_scale_arcsec, psf_fwhm_arcsec : float, optional
        Of these galaxies: where those of the scenes differ by more than `PSF_TOLERANCE`, the zero
        points are not used, and the catalogue's note says so.

    Returns
    -------
    Catalogue
        See `measure_default`.

    References
    ----------
    Boucaud et al. 2020, Sect. 3.3.
    """
    shift, note = 0.0, _other_resolution(scenes, pixel_scale_arcsec, psf_fwhm_arcsec)
    if zero_points is not None and not note:
        method = {"isophotal": "sep_iso", "auto": "sep_auto"}[flux]
        row = pd.read_csv(zero_points).set_index("method").loc[method]
        # What apertures miss of isolated galaxies, which does not depend on the zero point.
        shift = float(row["zero_point"] - row["images_zero_point"])
    modes = Detection(**cold), Detection(**hot)
    return _measure(scenes, modes, flux, shift, note if zero_points is not None else "")


def _other_resolution(scenes: Scenes, pixel_scale: float | None, fwhm: float | None) -> str:
    """Why zero points of galaxies of another resolution are not used; empty if they are."""
    found = psf_fwhm(scenes, scenes.detection_band)
    if pixel_scale and abs(scenes.pixel_scale_arcsec / pixel_scale - 1) > SAME_SCALE:
        what, own, other = "pixels", scenes.pixel_scale_arcsec, pixel_scale
    elif fwhm and found is not None and abs(found / fwhm - 1) > PSF_TOLERANCE:
        what, own, other = "a PSF", found, fwhm
    else:
        return ""
    return f'without zero points, which are of galaxies with {what} of {other:.3g}", not {own:.3g}"'


def _measure(
    scenes: Scenes, modes: tuple[Detection, ...], flux: str, shift_mag: float, note: str = ""
) -> Catalogue:
    """Sources of the first mode that finds two in the middle, or of the last."""
    band = scenes.detection_band
    shape = scenes.images.shape[2:]
    tables, masks, images = [], [np.zeros((0, *shape), bool)], [np.zeros((0, *shape))]
    factor = 10 ** (-0.4 * shift_mag)
    kind = {"isophotal": "iso", "auto": "auto"}[flux]
    for scene in range(len(scenes)):
        image = image_of(scenes, scene, band)
        objects, segmap = _objects(image, modes, scenes.names[scene])
        if not len(objects):
            continue
        own = segmap == np.arange(1, len(objects) + 1)[:, None, None]
        found = measure_objects(scenes, scene, objects, segmap)
        tables.append(
            pd.DataFrame(
                {
                    "scene": scene,
                    "source": np.arange(len(objects)),
                    "x_px": objects["x"].astype(float),
                    "y_px": objects["y"].astype(float),
                    "flux": found[f"flux_{kind}_{band}"] * factor,
                    "flux_error": found[f"error_{kind}_{band}"] * factor,
                    "band": scenes.bands[band],
                }
            )
        )
        masks.append(own)
        images.append(own * image)
    empty = pd.DataFrame({"scene": np.zeros(0, int), "flux": np.zeros(0)})
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return Catalogue(table, np.concatenate(masks), np.concatenate(images), note)


def _objects(
    image: np.ndarray, modes: tuple[Detection, ...], name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Sources and their pixels; none where SEP fails."""
    for mode in modes:
        try:
            objects, segmap = detect(image, mode, background_rms(image, mode.background_box_px))
        except SepError as error:
            log.warning("%s has no sources: %s", name, error)
            return np.zeros(0), np.zeros(image.shape, int)
        if has_pair(objects, segmap):
            break
    return objects, segmap


def has_pair(objects: np.ndarray, segmap: np.ndarray) -> bool:
    """Whether a second source is within `REACH` of the one in the middle of the image.

    Parameters
    ----------
    objects, segmap : ndarray
        From `deblend.photometry.sep.detect`.
    """
    if len(objects) < 2:
        return False
    yx = np.column_stack([objects["y"], objects["x"]])
    middle = int(np.hypot(*(yx - np.array(segmap.shape) // 2).T).argmin())
    radius = np.sqrt(np.count_nonzero(segmap == middle + 1) / np.pi)
    distance = np.hypot(*(yx - yx[middle]).T)
    return bool(np.count_nonzero(distance <= REACH * radius) >= 2)
