"""SEP as a method of the benchmark: with its defaults, and in the cold and hot modes."""

import logging
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import Catalogue
from deblend.photometry.config import Detection
from deblend.photometry.sep import SepError, auto_flux, background_rms, detect
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import image_of, kron_area

log = logging.getLogger(__name__)

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
) -> Catalogue:
    """SEP in the cold mode, or in the hot one where that finds less than two sources.

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

    Returns
    -------
    Catalogue
        See `measure_default`.

    References
    ----------
    Boucaud et al. 2020, Sect. 3.3.
    """
    shift = 0.0
    if zero_points is not None:
        method = {"isophotal": "sep_iso", "auto": "sep_auto"}[flux]
        row = pd.read_csv(zero_points).set_index("method").loc[method]
        # What apertures miss of isolated galaxies, which does not depend on the zero point.
        shift = float(row["zero_point"] - row["images_zero_point"])
    return _measure(scenes, (Detection(**cold), Detection(**hot)), flux, shift)


def _measure(
    scenes: Scenes, modes: tuple[Detection, ...], flux: str, shift_mag: float
) -> Catalogue:
    """Sources of the first mode that finds two, or of the last."""
    band = scenes.detection_band
    shape = scenes.images.shape[2:]
    tables, masks, images = [], [np.zeros((0, *shape), bool)], [np.zeros((0, *shape))]
    factor = 10 ** (-0.4 * shift_mag)
    for scene in range(len(scenes)):
        image = image_of(scenes, scene, band)
        objects, segmap = _objects(image, modes, scenes.names[scene])
        auto, flags = auto_flux(image, objects, segmap) if len(objects) else (np.zeros(0),) * 2
        own = segmap == np.arange(1, len(objects) + 1)[:, None, None]
        values, area = objects["flux"], own.sum(axis=(1, 2)).astype(float)
        if flux == "auto" and len(objects):
            values = auto
            area, _ = kron_area(image, objects, segmap, np.zeros(image.shape, bool))
        sigma = float(scenes.noise_sigma[scene, band]) * factor
        tables.append(
            pd.DataFrame(
                {
                    "scene": scene,
                    "source": np.arange(len(objects)),
                    "x_px": objects["x"].astype(float),
                    "y_px": objects["y"].astype(float),
                    "flux": values.astype(float) * factor,
                    # As SExtractor has it: from the area, as if the noise was white.
                    "flux_error": sigma * np.sqrt(area),
                    "band": scenes.bands[band],
                }
            )
        )
        masks.append(own)
        images.append(own * image)
    return Catalogue(
        pd.concat(tables, ignore_index=True), np.concatenate(masks), np.concatenate(images)
    )


def _objects(
    image: np.ndarray, modes: tuple[Detection, ...], name: str
) -> tuple[np.ndarray, np.ndarray]:
    """Sources and their pixels; none where SEP fails."""
    nothing = np.zeros(0, [(name, float) for name in ("x", "y", "flux")])
    for mode in modes:
        try:
            objects, segmap = detect(image, mode, background_rms(image, mode.background_box_px))
        except SepError as error:
            log.warning("%s has no sources: %s", name, error)
            return nothing, np.zeros(image.shape, int)
        if len(objects) >= 2:
            break
    return objects, segmap
