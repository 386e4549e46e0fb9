"""Fluxes of both galaxies of a blend from a simultaneous fit at given positions.

A classical method that, unlike the isophotes of Boucaud et al. 2020, Sect. 3.3, shares the light of
overlapping galaxies between them. It is no part of the paper. The galaxies are mixtures of
Gaussians convolved with the data set's PSF, with centres fixed at the true positions, or at those
that SEP measures on the blend (`deblend.photometry.mixture_fit`).
"""

import logging
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.render import render
from deblend.data.stamps import Stamps, read_stamps
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import FLAG_NEGATIVE_FLUX, fit_mixtures, fit_psf
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.sep import Detection, SepError, associate, background_rms, detect
from deblend.tables import read_ecsv
from deblend.workers import in_order

log = logging.getLogger(__name__)

#: Methods: where the centres of the fit are.
TRUE_POSITIONS, SEP_POSITIONS = "fit_true_positions", "fit_sep_positions"


#: Models of a galaxy, by the profiles of its components: an exponential disk, a bulge, both. On
#: simulated galaxies of Sersic indices 0.4 to 6, the first two alone double the scatter.
SIMPLE_MODELS = (("exp",), ("dev",))


BULGE_AND_DISK = ("exp", "dev")


#: Flag of a galaxy without a flux: a position is missing, or no model fits with positive fluxes.
#: The flags of the fit itself are lower bits.
FLAG_NO_FIT = 256


def fit_pairs(
    images: np.ndarray, positions: np.ndarray, psf: PsfMixture, noise_sigma: float
) -> tuple[np.ndarray, np.ndarray]:
    """Fit two galaxies per stamp, each with the model that describes the stamp best.

    First each galaxy is an exponential or a de Vaucouleurs profile. Then either galaxy, or both,
    may become a disk with a bulge. The fit with the smallest reduced chi2 is kept; a fit with a
    component of negative flux is not considered.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background subtracted.
    positions : ndarray, shape (n, 2, 2)
        y and x of the galaxies, px from the centre of the corner pixel. Where one is NaN or
        outside its stamp, the stamp is not fitted.
    psf : PsfMixture
        One for all stamps.
    noise_sigma : float
        Noise per pixel, in the images' unit.

    Returns
    -------
    flux : ndarray, shape (n, 2)
        Total flux of each galaxy, in the images' unit; NaN without a fit.
    flags : ndarray of int, shape (n, 2)
        Bits of `deblend.photometry.mixture_fit`, of any component, or `FLAG_NO_FIT`.
    """
    n, edge = len(images), np.array(images.shape[1:]) - 0.5
    chi2 = np.full(n, np.inf)
    flux, flags = np.full((n, 2), np.nan), np.full((n, 2), FLAG_NO_FIT)

    def fit(rows: np.ndarray, models: tuple[tuple[str, ...], ...]) -> np.ndarray:
        """Fit some stamps, keep what is better than before, and return the rows of those."""
        if not len(rows):
            return rows
        sizes = [len(model) for model in models]
        result = fit_mixtures(
            images[rows],
            np.repeat(positions[rows], sizes, axis=1),
            psf,
            noise_sigma=noise_sigma,
            profiles=[name for model in models for name in model],
            fixed_positions=True,
        )
        allowed = ((result.flags & FLAG_NEGATIVE_FLUX) == 0).all(axis=1)
        better = allowed & (result.chi2_per_dof[:, 0] < chi2[rows])
        improved = rows[better]
        chi2[improved] = result.chi2_per_dof[better, 0]
        first = np.cumsum([0, *sizes[:-1]])
        flux[improved] = np.add.reduceat(result.flux[better], first, axis=1)
        flags[improved] = np.bitwise_or.reduceat(result.flags[better], first, axis=1)
        return improved

    # A comparison with NaN is false.
    inside = ((positions >= -0.5) & (positions <= edge)).all(axis=(1, 2))
    pairs = list(product(SIMPLE_MODELS, repeat=2))
    chosen = np.where(inside, 0, -1)
    for number, models in enumerate(pairs):
        chosen[fit(np.flatnonzero(inside), models)] = number
    for number, (central, companion) in enumerate(pairs):
        rows = np.flatnonzero(chosen == number)
        fit(rows, (BULGE_AND_DISK, companion))
        fit(rows, (central, BULGE_AND_DISK))
        fit(rows, (BULGE_AND_DISK, BULGE_AND_DISK))
    return flux, flags


def true_positions(blends: pd.DataFrame, stamp_size: int) -> np.ndarray:
    """Positions at which the two galaxies of each blend were placed.

    Parameters
    ----------
    blends : DataFrame
        With `dx`, `dy`.
    stamp_size : int
        Side of the stamps, px.

    Returns
    -------
    ndarray, shape (n, 2, 2)
        y and x of central and companion, px from the centre of the corner pixel.
    """
    positions = np.full((len(blends), 2, 2), stamp_size // 2, float)
    positions[:, 1] += blends[["dy", "dx"]].to_numpy()
    return positions


def sep_positions(
    image: np.ndarray, central_radius_px: float, cold: Detection, hot: Detection
) -> np.ndarray:
    """Centroids of both galaxies as `deblend.photometry.sep.measure_blend` detects them.

    Parameters
    ----------
    image : ndarray, shape (y, x), float32
    central_radius_px : float
        Effective radius of the central galaxy.
    cold, hot : Detection
        The hot mode is used if the cold mode finds fewer than two objects.

    Returns
    -------
    ndarray, shape (2, 2)
        y and x of central and companion; NaN if SEP did not find both. If it found more than two
        objects, they are the two brightest.
    """
    rms = background_rms(image)
    try:
        objects, _ = detect(image, cold, rms)
        if len(objects) < 2:
            objects, _ = detect(image, hot, rms)
    except SepError:
        return np.full((2, 2), np.nan)
    centre = image.shape[-1] // 2
    _, rows = associate(objects["x"], objects["y"], objects["flux"], centre, central_radius_px)
    if (rows < 0).any():
        return np.full((2, 2), np.nan)
    return np.column_stack([objects["y"][rows], objects["x"][rows]])


def psf_of(stamps: Stamps) -> PsfMixture:
    """The PSF of a data set's first band as a mixture of Gaussians.

    Raises
    ------
    DeblendError
        The data set has no PSF image, or Gaussians do not describe it.
    """
    name = stamps.bands["name"][0]
    if stamps.psf is None:
        raise DeblendError(
            f"the data set has no PSF image of {name}, which the fit of its galaxies needs: take a "
            "simulated data set or one from a RealGalaxy catalogue, or write an image of a star "
            "to bands/psf (band, y, x) of its stamps file"
        )
    psf, flags = fit_psf(stamps.psf[:1])
    if flags.any():
        raise DeblendError(
            f"Gaussians do not describe the PSF image of {name}: check bands/psf of the stamps "
            "file; it must be an image of one star on the pixels of the stamps"
        )
    return psf


def fit_blends(
    stamps: Stamps, blends: pd.DataFrame, cold: Detection, hot: Detection, companion_edge: str
) -> pd.DataFrame:
    """Fit both galaxies of each blend, at the true positions and at SEP's.

    Parameters
    ----------
    stamps : Stamps
    blends : DataFrame
    cold, hot : Detection
        Table 3.
    companion_edge : str
        See `deblend.boucaud2020.render.render`.

    Returns
    -------
    DataFrame
        Predictions in long form (`deblend.boucaud2020.predictions`) of `TRUE_POSITIONS` and
        `SEP_POSITIONS`; the zero point is that of the images.

    Raises
    ------
    DeblendError
        See `psf_of`.
    """
    psf = psf_of(stamps)
    noise = float(stamps.bands.noise_sigma[0])
    images = render(
        np.ascontiguousarray(stamps.images[:, 0]),
        blends,
        companion_edge=companion_edge,
        noise_sigma=noise,
    )
    radius = stamps.galaxies["half_light_radius_px"].to_numpy(float)[blends["central"]]
    measured = [sep_positions(*item, cold, hot) for item in zip(images, radius, strict=True)]
    positions = {
        TRUE_POSITIONS: true_positions(blends, images.shape[-1]),
        SEP_POSITIONS: np.reshape(measured, (-1, 2, 2)),
    }
    zero_point = np.full((1, 2), float(stamps.bands.zero_point[0]))
    parts = []
    for method, centres in positions.items():
        # A blend has the noise of two stamps.
        flux, flags = fit_pairs(images, centres, psf, np.sqrt(2) * noise)
        parts.append(prediction_table(blends["blend"].to_numpy(), flux, method, zero_point, flags))
    return pd.concat(parts, ignore_index=True)


def fit_file(
    stamps: str | Path,
    blends: str | Path,
    cold: Detection,
    hot: Detection,
    companion_edge: str,
    *,
    chunk_size: int,
    n_workers: int = 1,
) -> pd.DataFrame:
    """Fit the blends of a file, in several processes.

    Parameters
    ----------
    stamps, blends : path
        A data set and its blends.
    cold, hot, companion_edge
        See `fit_blends`.
    chunk_size : int
        Blends that a process fits at a time.
    n_workers : int

    Returns
    -------
    DataFrame
        See `fit_blends`; all rows of a method together. It depends neither on `chunk_size` nor on
        `n_workers`.
    """
    table = read_ecsv(blends)
    chunks = [table.iloc[i : i + chunk_size] for i in range(0, len(table), chunk_size)]
    settings = (cold, hot, companion_edge)
    parts = []
    for part in in_order(_fit_chunk, chunks, n_workers, _load_shared, (str(stamps), settings)):
        parts.append(part)
        done = sum(map(len, parts)) // 4  # two galaxies, two methods
        log.info("%d of %d blends are fitted", done, len(table))
    fitted = pd.concat(parts, ignore_index=True)
    return fitted.sort_values("method", ascending=False, kind="stable", ignore_index=True)


#: What a worker process has loaded: the data set and the settings.
_shared: dict[str, Any] = {}


def _load_shared(stamps: str, settings: tuple[Detection, Detection, str]) -> None:
    _shared.update(stamps=read_stamps(stamps), settings=settings)


def _fit_chunk(blends: pd.DataFrame) -> pd.DataFrame:
    return fit_blends(_shared["stamps"], blends, *_shared["settings"])
