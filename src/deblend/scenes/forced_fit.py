"""Fluxes of the sources of scenes by a simultaneous fit at their positions.

The two galaxies of a pair are fitted together with up to `MAX_OTHERS` more sources in the window
around them. Each has an elliptical shape and a free radial profile, convolved with the PSF, and its
centre is fixed (`deblend.photometry.shared_shapes`).
"""

import logging
from collections import defaultdict

import numpy as np
import pandas as pd
from deblend.data.noise import noise_images
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_BOUND,
    FLAG_NEGATIVE_FLUX,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    FLAG_ROUND,
    FLAG_SINGULAR,
    fit_psf,
)
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.shared_shapes import SharedShapeFit, fit_shared_shapes
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes, concatenated, measured_table
from deblend.scenes.sources import find_sources, pair_sources
from deblend.seeds import generator
from deblend.workers import in_order

log = logging.getLogger(__name__)

#: Name of the method.
METHOD = "forced_fit"

#: Side of the window that is fitted, px, and further sources within it that are fitted too.
WINDOW_PX, MAX_OTHERS = 64, 2

#: Pixels around a source that have to have data. Noise stands for others without.
NEEDED_PX = 5

#: Windows that a process fits at a time.
CHUNK = 16

BAD_FIT = FLAG_NOT_CONVERGED | FLAG_SINGULAR | FLAG_BOUND | FLAG_ROUND


def psf_mixture(scenes: Scenes, band: int) -> PsfMixture:
    """The PSF of a band as a mixture of Gaussians.

    Raises
    ------
    DeblendError
        The scenes have no PSF, or Gaussians do not describe it.
    """
    name = scenes.bands[band]
    if scenes.psf is None:
        raise DeblendError(
            f"the PSF of {name} is unknown, which the fit of galaxies needs: give psf or "
            "psf_fwhm_arcsec"
        )
    psf, flags = fit_psf(scenes.psf[band][None])
    if flags.any():
        raise DeblendError(
            f"Gaussians do not describe the PSF image of {name}: give an image of one star on the "
            "pixels of the scenes, without sky"
        )
    return psf


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    n_workers: int = 1,
) -> pd.DataFrame:
    """Fluxes of all sources in all bands, with errors.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`.
    seed : int
        Not used.
    n_workers : int
        Number of processes, which does not change the results.

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`.

    Raises
    ------
    DeblendError
        See `psf_mixture`.
    """
    sources = find_sources(scenes, positions)
    pairs = pair_sources(sources, WINDOW_PX / 2)
    parts = []
    for band, name in enumerate(scenes.bands):
        psf = psf_mixture(scenes, band)
        flux, error, flags, role = _fit_band(scenes, band, psf, sources, pairs, n_workers)
        rows = sources[["scene", "source", "x_px", "y_px"]].assign(
            band=name, role=role, flux=flux, flux_error=error, flags=flags
        )
        parts.append(measured_table(rows, METHOD))
    return concatenated(parts)


def _fit_band(
    scenes: Scenes,
    band: int,
    psf: PsfMixture,
    sources: pd.DataFrame,
    pairs: pd.DataFrame,
    n_workers: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flux, error, flags and role of all sources in a band."""
    n = len(sources)
    flux, error = np.full((2, n), np.nan)
    flags, role = np.full(n, int(flagged("not_found", True))), np.full(n, "", object)
    yx = sources[["y_px", "x_px"]].to_numpy(float)
    jobs: dict[tuple[int, ...], list[tuple]] = defaultdict(list)
    bounds = {scene: _bounds(scenes.images[scene, band]) for scene in pairs["scene"].unique()}
    for pair in pairs.itertuples(index=False):
        own = [k for k in (pair.central, pair.companion) if k >= 0]
        for k, what in zip(own, ("central", "companion"), strict=False):
            role[k] = what
        others = _others(sources, own, WINDOW_PX / 2)
        bound = bounds[pair.scene]
        if bound is None:
            continue
        window = _window_of(yx[own].mean(axis=0), bound)
        (y0, y1), (x0, x1) = window
        image, lacks = _with_noise(scenes, pair.scene, band, window)
        fitted = [k for k in own + others[:MAX_OTHERS] if _inside(yx[k], window)]
        if not set(own) <= set(fitted) or image.size <= 6 * len(fitted):
            flags[own] |= int(flagged("no_data", True))
            continue
        if any(_lacks_data(lacks, yx[k] - np.array([y0, x0])) for k in own):
            image = np.full_like(image, np.nan)
        centres = yx[fitted] - np.array([y0, x0])
        crowd = int(flagged("crowded", len(others) > 0) | flagged("no_data", bool(lacks.any())))
        jobs[(*image.shape, len(fitted))].append((image, centres, own, crowd, pair.scene))
    correlation = None if scenes.noise_correlation is None else scenes.noise_correlation[band]
    chunks = [job[i : i + CHUNK] for job in jobs.values() for i in range(0, len(job), CHUNK)]
    fits = in_order(_fit, [(chunk, psf, correlation) for chunk in chunks], n_workers)
    for chunk, fit in zip(chunks, fits, strict=True):
        for i, (_, _, own, crowd, scene) in enumerate(chunk):
            k = len(own)
            of_fit = fit.flags[i, :k]
            flux[own] = fit.flux[i, :k]
            error[own] = fit.flux_err[i, :k] * scenes.noise_sigma[scene, band]
            flags[own] = (
                crowd
                | flagged("no_data", (of_fit & FLAG_NOT_FINITE) > 0)
                | flagged("not_found", ~np.isfinite(fit.flux[i, :k]))
                | flagged("fit", (of_fit & BAD_FIT) > 0)
                | flagged("not_positive", (of_fit & FLAG_NEGATIVE_FLUX) > 0)
            )
    return flux, error, flags, role


def _fit(
    job: tuple[list[tuple], PsfMixture, np.ndarray | None],
) -> SharedShapeFit:
    """Fit windows of one size with one number of galaxies."""
    chunk, psf, correlation = job
    # The noise of scenes differs; it changes errors alone, which are proportional to it.
    return fit_shared_shapes(
        np.stack([item[0] for item in chunk]).astype(float),
        np.stack([item[1] for item in chunk]),
        psf,
        noise_sigma=1.0,
        noise_correlation=correlation,
    )


def _others(sources: pd.DataFrame, own: list[int], reach: float) -> list[int]:
    """Further sources of the scene within the window, the nearest first."""
    scene = sources["scene"].to_numpy()
    yx = sources[["y_px", "x_px"]].to_numpy(float)
    members = np.flatnonzero(scene == scene[own[0]])
    distance = np.abs(yx[members] - yx[own].mean(axis=0)).max(axis=1)
    order = np.argsort(distance, kind="stable")
    return [int(members[i]) for i in order if distance[i] <= reach and int(members[i]) not in own]


def _bounds(image: np.ndarray) -> tuple[tuple[int, int], tuple[int, int]] | None:
    """Rows and columns between which an image has data; None without any."""
    data = ~np.isnan(image)
    if not data.any():
        return None
    found = []
    for axis in (1, 0):
        where = np.flatnonzero(data.any(axis=axis))
        found.append((int(where[0]), int(where[-1]) + 1))
    return found[0], found[1]


def _window_of(
    middle: np.ndarray, bounds: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[tuple[int, int], tuple[int, int]]:
    """Rows and columns of the window around a pair, within the data."""
    found = []
    for centre, (low, high) in zip(middle, bounds, strict=True):
        side = min(WINDOW_PX, high - low)
        start = int(np.clip(round(centre) - side // 2, low, high - side))
        found.append((start, start + side))
    return found[0], found[1]


def _with_noise(
    scenes: Scenes, scene: int, band: int, window: tuple[tuple[int, int], tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """A window of an image, with noise where there are no data, and where that is."""
    (y0, y1), (x0, x1) = window
    image = scenes.images[scene, band, y0:y1, x0:x1]
    lacks = np.isnan(image)
    if lacks.any():
        correlation = scenes.noise_correlation
        noise = noise_images(
            generator(0, "no data in a fit", scene, band, y0, x0),
            image.shape,
            float(scenes.noise_sigma[scene, band]),
            None if correlation is None else correlation[band],
        )
        image = np.where(lacks, noise, image)
    return image, lacks


def _lacks_data(lacks: np.ndarray, yx: np.ndarray) -> bool:
    """Whether pixels within `NEEDED_PX` of a source have no data."""
    y, x = np.indices(lacks.shape)
    return bool(lacks[np.hypot(y - yx[0], x - yx[1]) <= NEEDED_PX].any())


def _inside(yx: np.ndarray, window: tuple[tuple[int, int], tuple[int, int]]) -> bool:
    return all(low - 0.5 <= v <= high - 0.5 for v, (low, high) in zip(yx, window, strict=True))
