"""The detection and the watershed deblending of photutils as a method of the benchmark."""

import warnings

import numpy as np
import pandas as pd
from astropy.convolution import convolve
from deblend.benchmark.catalogue import Catalogue
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import image_of
from photutils.segmentation import (  # type: ignore[import-untyped]
    SourceCatalog,
    deblend_sources,
    detect_sources,
    make_2dgaussian_kernel,
)
from scipy.signal import correlate2d


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    threshold: float = 1.5,
    min_area: int = 10,
    contrast: float = 0.001,
    n_levels: int = 32,
    kernel_fwhm_px: float = 3.0,
) -> Catalogue:
    """Kron fluxes of the sources that photutils finds and deblends.

    Parameters
    ----------
    scenes : Scenes
    positions, seed
        Not used.
    threshold : float
        In units of the noise, on the smoothed image.
    min_area : int
        Pixels of a source.
    contrast, n_levels : float, int
        Defaults of `photutils.segmentation.deblend_sources`.
    kernel_fwhm_px : float
        Of the Gaussian that images are smoothed with before the detection.

    Returns
    -------
    Catalogue
        Masks are the pixels of each source, and images those of the scene within them. Errors are
        those of photutils, for white noise.
    """
    kernel = make_2dgaussian_kernel(kernel_fwhm_px, size=2 * int(kernel_fwhm_px) + 1)
    band, shape = scenes.detection_band, scenes.images.shape[2:]
    correlation = None if scenes.noise_correlation is None else scenes.noise_correlation[band]
    smoothing = smoothed_noise(kernel.array, correlation)
    tables = []
    masks, images = [np.zeros((0, *shape), bool)], [np.zeros((0, *shape))]
    for scene in range(len(scenes)):
        image = image_of(scenes, scene, band).astype(float)
        sigma = float(scenes.noise_sigma[scene, band])
        smooth = convolve(image, kernel)
        with warnings.catch_warnings():
            # An image without sources is a result, not a problem.
            warnings.simplefilter("ignore")
            segments = detect_sources(smooth, threshold * sigma * smoothing, min_area)
            if segments is None:
                continue
            segments = deblend_sources(
                smooth,
                segments,
                min_area,
                n_levels=n_levels,
                contrast=contrast,
                progress_bar=False,
            )
            found = SourceCatalog(
                image, segments, convolved_data=smooth, error=np.full(shape, sigma)
            )
            flux = np.asarray(found.kron_flux, float)
            error = np.asarray(found.kron_flux_err, float)
            centres = np.asarray(found.centroid, float).reshape(-1, 2)
        own = segments.data == np.asarray(segments.labels)[:, None, None]
        tables.append(
            pd.DataFrame(
                {
                    "scene": scene,
                    "source": np.arange(len(flux)),
                    "x_px": centres[:, 0],
                    "y_px": centres[:, 1],
                    "flux": flux,
                    "flux_error": error,
                    "band": scenes.bands[band],
                }
            )
        )
        masks.append(own)
        images.append(own * image)
    empty = pd.DataFrame({"scene": np.zeros(0, int), "flux": np.zeros(0)})
    table = pd.concat(tables, ignore_index=True) if tables else empty
    return Catalogue(table, np.concatenate(masks), np.concatenate(images))


def smoothed_noise(kernel: np.ndarray, correlation: np.ndarray | None) -> float:
    """Noise of a smoothed image in units of that of the image.

    Parameters
    ----------
    kernel : ndarray, shape (m, m)
    correlation : ndarray, shape (2 L + 1, 2 L + 1), or None
        Of the noise; None: it is white.
    """
    overlap = correlate2d(kernel, kernel)
    middle = len(overlap) // 2
    if correlation is None:
        return float(np.sqrt(overlap[middle, middle]))
    reach = min(middle, len(correlation) // 2)
    near, far = (
        slice(len(array) // 2 - reach, len(array) // 2 + reach + 1)
        for array in (overlap, correlation)
    )
    return float(np.sqrt((overlap[near, near] * correlation[far, far]).sum()))
