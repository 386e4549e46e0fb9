"""Fluxes of the sources of scenes by a simultaneous fit at their positions.

The two galaxies of a pair are fitted together with up to `MAX_OTHERS` more sources in the window
around them, and a sky level. Each has an elliptical shape, convolved with the PSF, and its centre
is fixed (`deblend.photometry.shared_shapes`). Galaxies are exponential; those that are not faint
are exponential or de Vaucouleurs galaxies, whichever fits better. Noise is in place of the pixels
of further sources.
"""

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_BOUND,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    FLAG_ROUND,
    FLAG_SINGULAR,
)
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.psf_series import fit_series
from deblend.photometry.sep import SepError
from deblend.photometry.shared_shapes import SharedShapeFit, fit_shared_shapes
from deblend.scenes.flags import flagged
from deblend.scenes.scenes import Scenes, concatenated, measured_table
from deblend.scenes.sources import detected, find_sources, label_at, pair_sources
from deblend.scenes.stamps import window_of
from deblend.seeds import generator
from deblend.workers import in_order
from scipy.ndimage import binary_dilation

log = logging.getLogger(__name__)

#: Name of the method.
METHOD = "forced_fit"

#: Side of the window that is fitted, px, and further sources within it that are fitted too.
WINDOW_PX, MAX_OTHERS = 64, 2

#: Pixels around a source that have to have data. Noise stands for others without.
NEEDED_PX = 5

#: Windows that a process fits at a time.
CHUNK = 16

#: Rows and columns: the first, and the one after the last.
Bounds = tuple[tuple[int, int], tuple[int, int]]

#: Pixels around those of sources that are not fitted, which noise replaces too.
GROWTH_PX = 3

#: Ratio of flux and error of a galaxy from which its window is also fitted with de Vaucouleurs
#: galaxies: fainter ones cannot tell which they are.
BRIGHT_SN = 10.0

#: Largest relative error of the flux of a star, by the model of the PSF.
MAX_PSF_ERROR = 0.1

BAD_FIT = FLAG_NOT_CONVERGED | FLAG_SINGULAR | FLAG_BOUND | FLAG_ROUND


def psf_model(scenes: Scenes, band: int) -> tuple[PsfMixture, float]:
    """The PSF of a band as a mixture of Gaussians, and the relative error of fluxes with it.

    The error is that of the flux of a star, fitted without noise.

    Raises
    ------
    DeblendError
        The PSF of the band is unknown, or Gaussians do not describe it.
    """
    name, image = scenes.bands[band], scenes.psf_of(band)
    if image is None:
        raise DeblendError(
            f"the PSF of {name} is unknown, which the fit of galaxies needs: give psf or "
            "psf_fwhm_arcsec"
        )
    psf = fit_series(image)
    # On as many pixels as galaxies are fitted on.
    half, middle = WINDOW_PX // 2 - 1, len(image) // 2
    star = np.pad(image, half)[middle : middle + 2 * half + 1, middle : middle + 2 * half + 1]
    fit = fit_shared_shapes(
        star[None],
        np.full((1, 1, 2), float(half)),
        psf,
        noise_sigma=1.0,
        profiles=("exp",),
        fit_sky=True,
    )
    error = float(abs(fit.flux[0, 0] - 1))
    if not error < MAX_PSF_ERROR:
        raise DeblendError(
            f"Gaussians do not describe the PSF image of {name} (the flux of a star is wrong by "
            f"{error:.0%}): give an image of one star on the pixels of the scenes, without sky"
        )
    return psf, error


def measure(
    scenes: Scenes,
    positions: tuple[np.ndarray, ...] | None = None,
    seed: int = 0,
    *,
    n_workers: int = 1,
    profiles: tuple[str, ...] | None = None,
) -> pd.DataFrame:
    """Fluxes of all sources in all bands whose PSF is known, with errors.

    Parameters
    ----------
    scenes : Scenes
    positions : tuple of ndarray, optional
        See `deblend.scenes.sources.find_sources`.
    seed : int
        Not used.
    n_workers : int
        Number of processes, which does not change the results.
    profiles : tuple of {"gauss", "exp", "dev"}, optional
        Each galaxy is a sum of these profiles of one shape; by default see above.

    Returns
    -------
    DataFrame
        `deblend.scenes.scenes.MEASURED`. Errors are of the noise and of the PSF's model.

    Raises
    ------
    DeblendError
        The PSF of no band is known, or see `psf_model`.
    """
    sources = find_sources(scenes, positions)
    pairs = pair_sources(sources, WINDOW_PX / 2)
    known = [band for band in range(len(scenes.bands)) if scenes.psf_of(band) is not None]
    if not known:
        psf_model(scenes, scenes.detection_band)
    segmaps = _segmaps(scenes, sources)
    parts = []
    for band in known:
        name = scenes.bands[band]
        flux, error, flags, role = _fit_band(
            scenes, band, sources, pairs, segmaps, n_workers, profiles
        )
        rows = sources[["scene", "source", "x_px", "y_px"]].assign(
            band=name, role=role, flux=flux, flux_error=error, flags=flags
        )
        parts.append(measured_table(rows, METHOD))
    return concatenated(parts)


@dataclass(frozen=True)
class _Window:
    """A window to fit: its image, its sources, and the flags of those that are measured."""

    image: np.ndarray
    centres: np.ndarray  #: (source, 2), those to be measured first
    rows: list[int]  #: rows of the sources that are measured
    dropped: list[bool]  #: which of them have no data
    flags: int
    scene: int
    sigma: float


def _fit_band(
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    pairs: pd.DataFrame,
    segmaps: dict[int, np.ndarray],
    n_workers: int,
    profiles: tuple[str, ...] | None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Flux, error, flags and role of all sources in a band."""
    psf, psf_error = psf_model(scenes, band)
    n = len(sources)
    flux, error = np.full((2, n), np.nan)
    flags, role = np.full(n, int(flagged("not_found", True))), np.full(n, "", object)
    jobs: dict[tuple[int, ...], list[_Window]] = defaultdict(list)
    bounds = {scene: _bounds(scenes.images[scene, band]) for scene in pairs["scene"].unique()}
    for pair in pairs.itertuples(index=False):
        own = [k for k in (pair.central, pair.companion) if k >= 0]
        for k, what in zip(own, ("central", "companion"), strict=False):
            role[k] = what
        window, bound = None, bounds[pair.scene]
        if bound is not None:
            window = _window(scenes, band, sources, own, bound, segmaps.get(pair.scene))
        if window is None:
            flags[own] |= int(flagged("no_data", True))
        else:
            jobs[(*window.image.shape, len(window.centres))].append(window)
            flags[sorted(set(own) - set(window.rows))] |= int(flagged("no_data", True))
    correlation = None if scenes.noise_correlation is None else scenes.noise_correlation[band]
    chunks = [job[i : i + CHUNK] for job in jobs.values() for i in range(0, len(job), CHUNK)]
    fits = in_order(_fit, [(chunk, psf, correlation, profiles) for chunk in chunks], n_workers)
    for chunk, fit in zip(chunks, fits, strict=True):
        for i, window in enumerate(chunk):
            own, k = window.rows, len(window.rows)
            dropped, of_fit = np.array(window.dropped), fit.flags[i, :k]
            flux[own] = np.where(dropped, np.nan, fit.flux[i, :k])
            of_noise = fit.flux_err[i, :k] * window.sigma
            error[own] = np.hypot(of_noise, psf_error * flux[own])
            flags[own] = (
                window.flags
                | flagged("no_data", ((of_fit & FLAG_NOT_FINITE) > 0) | dropped)
                | flagged("not_found", ~np.isfinite(flux[own]))
                | flagged("fit", (of_fit & BAD_FIT) > 0)
                | flagged("not_positive", flux[own] <= 0)
            )
    flags |= flagged("sky", scenes.lacks_sky(sources["scene"].to_numpy(int), band))
    return flux, error, flags, role


def _window(
    scenes: Scenes,
    band: int,
    sources: pd.DataFrame,
    own: list[int],
    bounds: Bounds,
    segmap: np.ndarray | None,
) -> _Window | None:
    """The window around a pair; None if it has no room for a fit of its sources."""
    scene = int(sources["scene"].iloc[own[0]])
    yx = sources[["y_px", "x_px"]].to_numpy(float)
    limits = _window_of(yx[own].mean(axis=0), bounds)
    first, last = np.array(limits).T
    others = _others(sources, own, WINDOW_PX / 2)
    inside = [k for k in own if _inside(yx[k], limits)]
    fitted = inside + [k for k in others[:MAX_OTHERS] if _inside(yx[k], limits)]
    shape = (int(last[0] - first[0]), int(last[1] - first[1]))
    if not inside or np.prod(shape) <= 6 * len(fitted) + 1:
        return None
    unfitted = None
    if segmap is not None:
        members = np.flatnonzero(sources["scene"].to_numpy() == scene).tolist()
        unfitted = _pixels_of_others(segmap, yx, sorted({*members} - {*fitted}), fitted)
    rng = generator(0, "no data in a fit", scene, band, *first.tolist())
    image, lacks = window_of(scenes, scene, band, first, shape, rng, unfitted)
    centres = yx[fitted] - first
    # Sources at the edge of the window, and windows at that of the image, lack pixels.
    margin = min(*centres[: len(inside)].min(axis=0), *(last - 1 - first - centres.max(axis=0)))
    cut = min(shape) < WINDOW_PX or margin < NEEDED_PX
    return _Window(
        image,
        centres,
        inside,
        [_lacks_data(lacks, place) for place in centres[: len(inside)]],
        int(
            flagged("crowded", len(others) > 0) | flagged("no_data", bool(lacks.any()) or bool(cut))
        ),
        scene,
        float(scenes.noise_sigma[scene, band]),
    )


def _pixels_of_others(
    segmap: np.ndarray, yx: np.ndarray, others: list[int], fitted: list[int]
) -> np.ndarray:
    """Pixels of the sources that are not fitted, and what is near them, but no fitted ones."""
    labels = {label_at(segmap, yx[k, 1], yx[k, 0]) for k in others}
    labels -= {0, *(label_at(segmap, yx[k, 1], yx[k, 0]) for k in fitted)}
    theirs = np.isin(segmap, sorted(labels))
    return binary_dilation(theirs, iterations=GROWTH_PX) & ((segmap == 0) | theirs)


def _fit(
    job: tuple[list[_Window], PsfMixture, np.ndarray | None, tuple[str, ...] | None],
) -> SharedShapeFit:
    """Fit windows of one size with one number of galaxies.

    With profiles that are given, galaxies are sums of these. Else all galaxies are exponential at
    first; where one is bright enough to tell, all are fitted as de Vaucouleurs galaxies too, and
    the fit with the smaller chi2 is taken.
    """
    chunk, psf, correlation, profiles = job
    images = np.stack([window.image for window in chunk]).astype(float)
    centres = np.stack([window.centres for window in chunk])
    sigma = np.array([window.sigma for window in chunk])
    # The noise of scenes differs; it changes errors alone, which are proportional to it.
    options: dict[str, Any] = {
        "noise_sigma": 1.0,
        "noise_correlation": correlation,
        "fit_sky": True,
    }
    if profiles is not None:
        return fit_shared_shapes(images, centres, psf, profiles=profiles, **options)
    found = fit_shared_shapes(images, centres, psf, profiles=("exp",), **options)
    with np.errstate(invalid="ignore"):
        bright = found.flux > BRIGHT_SN * found.flux_err * sigma[:, None]
    rows = np.flatnonzero(bright.any(axis=1))
    if not len(rows):
        return found
    other = fit_shared_shapes(images[rows], centres[rows], psf, profiles=("dev",), **options)
    good = ((other.flags & BAD_FIT) == 0).all(axis=1)
    better = good & (other.chi2_per_dof < found.chi2_per_dof[rows])
    for name in ("flux", "flux_err", "chi2_per_dof", "flags", "covariance"):
        vars(found)[name][rows[better]] = vars(other)[name][better]
    return found


def _segmaps(scenes: Scenes, sources: pd.DataFrame) -> dict[int, np.ndarray]:
    """SEP's segmentation maps of the scenes with more sources than a pair."""
    counts = sources["scene"].value_counts()
    found = {}
    for scene in sorted(counts[counts > 2].index.tolist()):
        try:
            found[scene] = detected(scenes, scene)[1]
        except SepError as error:
            log.warning("%s; light of sources that are not fitted stays in the fit", error)
    return found


def _others(sources: pd.DataFrame, own: list[int], reach: float) -> list[int]:
    """Further sources of the scene within the window, the nearest first."""
    scene = sources["scene"].to_numpy()
    yx = sources[["y_px", "x_px"]].to_numpy(float)
    members = np.flatnonzero(scene == scene[own[0]])
    distance = np.abs(yx[members] - yx[own].mean(axis=0)).max(axis=1)
    order = np.argsort(distance, kind="stable")
    return [int(members[i]) for i in order if distance[i] <= reach and int(members[i]) not in own]


def _bounds(image: np.ndarray) -> Bounds | None:
    """Rows and columns between which an image has data; None without any."""
    data = ~np.isnan(image)
    if not data.any():
        return None
    found = []
    for axis in (1, 0):
        where = np.flatnonzero(data.any(axis=axis))
        found.append((int(where[0]), int(where[-1]) + 1))
    return found[0], found[1]


def _window_of(middle: np.ndarray, bounds: Bounds) -> Bounds:
    """Rows and columns of the window around a pair, within the data."""
    found = []
    for centre, (low, high) in zip(middle, bounds, strict=True):
        side = min(WINDOW_PX, high - low)
        start = int(np.clip(round(centre) - side // 2, low, high - side))
        found.append((start, start + side))
    return found[0], found[1]


def _lacks_data(lacks: np.ndarray, yx: np.ndarray) -> bool:
    """Whether pixels within `NEEDED_PX` of a source have no data."""
    y, x = np.indices(lacks.shape)
    return bool(lacks[np.hypot(y - yx[0], x - yx[1]) <= NEEDED_PX].any())


def _inside(yx: np.ndarray, window: Bounds) -> bool:
    return all(low - 0.5 <= v <= high - 0.5 for v, (low, high) in zip(yx, window, strict=True))
