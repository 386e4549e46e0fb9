"""Adapters both ways to the deblenders of BTK, the Blending ToolKit (`blending-toolkit` on PyPI).

`as_deblender` makes a deblender of BTK of a method of the benchmark, so that BTK's blends and
metrics can be used; `as_method` makes a method of a deblender of BTK, so that it can be compared
with the others here. BTK is imported when it is needed.

Source: BTK 1.0.9, `btk.deblend` and `btk.blend_batch`.
"""

import importlib
from types import SimpleNamespace
from typing import Any

import galsim
import numpy as np
import pandas as pd
from astropy import units
from astropy.table import Table
from astropy.wcs import WCS
from deblend.benchmark.catalogue import Catalogue, Method, as_catalogue
from deblend.errors import DeblendError
from deblend.photometry.sep import background_rms
from deblend.scenes.scenes import Scenes

#: Side of the image of a PSF, px.
PSF_PX = 41

ARCSEC_PER_DEG = 3600.0


def _btk(name: str) -> Any:
    try:
        return importlib.import_module("btk.deblend" if name == "deblend" else "btk.blend_batch")
    except ImportError as error:
        raise DeblendError(
            f"BTK cannot be imported ({error}): pip install blending-toolkit"
        ) from error


def scenes_of(
    batch: Any, *, detection_band: int = 0, zero_points: Any = None, scene: int | None = None
) -> Scenes:
    """The blends of a batch of BTK as scenes.

    Parameters
    ----------
    batch : btk.blend_batch.BlendBatch
    detection_band : int
        Number of the band in which sources are detected, and whose fluxes deblenders return.
    zero_points : array_like, shape (band,), optional
        AB magnitude of one count; by default 0, which leaves fluxes in counts.
    scene : int, optional
        Number of the only blend that is taken; by default all are.

    Returns
    -------
    Scenes
        The noise is that which SEP measures in each image.
    """
    chosen = slice(None) if scene is None else slice(scene, scene + 1)
    images = np.asarray(batch.blend_images[chosen], np.float32)
    bands = tuple(str(name) for name in batch.survey.available_filters)
    scale = float(batch.survey.pixel_scale.to_value("arcsec"))
    psfs = [_psf_image(psf, scale) for psf in batch.psf]
    noise = [[background_rms(band) for band in image] for image in images]
    return Scenes(
        images,
        bands,
        pixel_scale_arcsec=scale,
        zero_points=np.zeros(len(bands)) if zero_points is None else np.asarray(zero_points, float),
        noise_sigma=np.asarray(noise).reshape(len(images), len(bands)),
        psf=np.stack(psfs) if psfs else None,
        detection_band=detection_band,
    )


def _psf_image(psf: Any, scale: float) -> np.ndarray:
    """A PSF as an image with the sum 1; batches that BTK has read from a file hold images."""
    if isinstance(psf, galsim.Image):
        array = np.asarray(psf.array, float)
    else:
        array = psf.drawImage(nx=PSF_PX, ny=PSF_PX, scale=scale, dtype=float).array
    return array / array.sum()


def as_deblender(
    measure: Method, max_n_sources: int, *, name: str = "deblend", detection_band: int = 0
) -> Any:
    """A deblender of BTK that measures with a method of the benchmark.

    Parameters
    ----------
    measure : callable
        Which finds positions: BTK has no use for others.
    max_n_sources : int
        Of BTK's deblenders; further sources, the faintest ones, are left out.
    name : str
        Name of the method, for messages.
    detection_band : int

    Returns
    -------
    btk.deblend.Deblender
        Its catalogues have `ra`, `dec` (arcsec), `x_peak`, `y_peak` (px) and `flux`; segmentation
        and images of one band where the method has masks and images. Use it with njobs=1.

    Raises
    ------
    DeblendError
        BTK is not installed; on use: the method finds no positions.
    """
    base, example = _btk("deblend").Deblender, _btk("blend_batch").DeblendExample

    class MethodDeblender(base):  # type: ignore[misc, valid-type]
        def deblend(self, ii: int, blend_batch: Any) -> Any:
            one = scenes_of(blend_batch, detection_band=detection_band, scene=ii)
            catalogue = as_catalogue(measure(one, positions=None, seed=ii), one, name)
            return example(**example_of(catalogue, blend_batch, self.max_n_sources, name))

    return MethodDeblender(max_n_sources)


def example_of(catalogue: Catalogue, batch: Any, max_n_sources: int, name: str) -> dict[str, Any]:
    """Arguments of BTK's `DeblendExample` from the catalogue of one scene.

    Raises
    ------
    DeblendError
        The method has found no positions.
    """
    order = np.argsort(-np.nan_to_num(catalogue.table["flux"].to_numpy(float)), kind="stable")
    order = np.sort(order[:max_n_sources])
    table = catalogue.table.iloc[order]
    x, y = table["x_px"].to_numpy(float), table["y_px"].to_numpy(float)
    if not np.isfinite([x, y]).all():
        raise DeblendError(f"{name} has no positions, which the catalogues of BTK need")
    ra, dec = batch.wcs.pixel_to_world_values(x, y)
    found: dict[str, Any] = {
        "max_n_sources": max_n_sources,
        "catalog": Table(
            {
                "ra": np.asarray(ra) * ARCSEC_PER_DEG,
                "dec": np.asarray(dec) * ARCSEC_PER_DEG,
                "x_peak": x,
                "y_peak": y,
                "flux": table["flux"].to_numpy(float),
            }
        ),
        "n_bands": 1,
        "image_size": batch.image_size,
    }
    shape = (max_n_sources, batch.image_size, batch.image_size)
    if catalogue.masks is not None:
        found["segmentation"] = np.zeros(shape, bool)
        found["segmentation"][: len(order)] = catalogue.masks[order] >= 0.5
    if catalogue.images is not None:
        found["deblended_images"] = np.zeros((max_n_sources, 1, *shape[1:]))
        found["deblended_images"][: len(order), 0] = catalogue.images[order]
    return found


def as_method(deblender: Any) -> Method:
    """A method of the benchmark that uses a deblender of BTK.

    Parameters
    ----------
    deblender : btk.deblend.Deblender
        Which works with single scenes (`deblend`). It sees the images, the PSF, the coordinates and
        of the survey the pixel scale and the names of the filters; not what BTK knows of a survey
        besides.

    Returns
    -------
    callable
        A flux is the sum of the image of a source, or the column `flux` of the catalogue without
        images, or NaN.
    """

    def measure(
        scenes: Scenes, positions: tuple[np.ndarray, ...] | None = None, seed: int = 0
    ) -> Catalogue:
        batch = batch_of(scenes, int(deblender.max_n_sources))
        tables, masks, images = [], [], []
        for scene in range(len(scenes)):
            found = deblender.deblend(scene, batch)
            n = len(found.catalog)
            tables.append(_rows(found, batch, scenes, scene))
            masks.append(None if found.segmentation is None else found.segmentation[:n])
            images.append(_images(found, scenes, n))
        table = pd.concat(tables, ignore_index=True)
        return Catalogue(table, _stacked(masks), _stacked(images))

    return measure


def batch_of(scenes: Scenes, max_n_sources: int) -> SimpleNamespace:
    """Scenes with the attributes of a batch of BTK that deblenders use."""
    side = scenes.images.shape[-1]
    scale = scenes.pixel_scale_arcsec
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.cdelt = [-scale / ARCSEC_PER_DEG, scale / ARCSEC_PER_DEG]
    wcs.wcs.crpix = [(side + 1) / 2] * 2
    wcs.wcs.crval = [0.0, 0.0]
    psfs: list[np.ndarray] = [] if scenes.psf is None else list(scenes.psf)
    return SimpleNamespace(
        batch_size=len(scenes),
        max_n_sources=max_n_sources,
        stamp_size=side * scale,
        image_size=side,
        blend_images=np.nan_to_num(scenes.images, nan=0.0),
        wcs=wcs,
        psf=[galsim.InterpolatedImage(galsim.Image(np.array(p)), scale=scale) for p in psfs],
        survey=SimpleNamespace(
            name="scenes", pixel_scale=scale * units.arcsec, available_filters=list(scenes.bands)
        ),
    )


def _rows(found: Any, batch: SimpleNamespace, scenes: Scenes, scene: int) -> pd.DataFrame:
    """Rows of the sources of a scene."""
    catalog, n = found.catalog, len(found.catalog)
    if {"x_peak", "y_peak"} <= set(catalog.colnames):
        x, y = (np.asarray(catalog[name], float) for name in ("x_peak", "y_peak"))
    else:
        sky = [np.asarray(catalog[name], float) / ARCSEC_PER_DEG for name in ("ra", "dec")]
        x, y = (np.asarray(v, float) for v in batch.wcs.world_to_pixel_values(*sky))
    flux = np.full(n, np.nan)
    if found.deblended_images is not None:
        flux = _images(found, scenes, n).sum(axis=(1, 2))
    elif "flux" in catalog.colnames:
        flux = np.asarray(catalog["flux"], float)
    band = scenes.bands[scenes.detection_band]
    return pd.DataFrame({"scene": scene, "x_px": x, "y_px": y, "flux": flux, "band": band})


def _images(found: Any, scenes: Scenes, n: int) -> Any:
    """Images of the sources of a scene in the detection band, or in the only one; None without."""
    if found.deblended_images is None:
        return None
    images = np.asarray(found.deblended_images[:n], float)
    return images[:, scenes.detection_band if images.shape[1] > 1 else 0]


def _stacked(parts: list[Any]) -> np.ndarray | None:
    return None if any(part is None for part in parts) or not parts else np.concatenate(parts)
