"""Fluxes of both galaxies of a blend from a simultaneous fit at given positions.

A classical method that, unlike the isophotes of Boucaud et al. 2020, Sect. 3.3, shares the light of
overlapping galaxies between them. It is no part of the paper. Each galaxy has an elliptical shape
and a free radial profile (`deblend.photometry.shared_shapes`), convolved with the data set's PSF.
Centres are fixed at the true positions, as a deeper image in another band would give them, or at
those that SEP measures on the blend, where it finds both galaxies.

Simulated galaxies are mostly Sersic profiles, and their PSF is known, so that the fit comes close
to what can be had from their images. Real galaxies are less smooth. The weights of all pixels are
equal, and errors are of the noise alone: most of a bright galaxy's error is that of the model.
"""

import logging
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.render import galaxies_of, render
from deblend.boucaud2020.sep import POSITIONS
from deblend.data.stamps import Stamps, open_stamps
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import FLAG_NEGATIVE_FLUX, fit_psf
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.shared_shapes import fit_shared_shapes
from deblend.tables import read_ecsv
from deblend.workers import in_order

log = logging.getLogger(__name__)

#: Methods: where the centres of the fit are.
TRUE_POSITIONS, SEP_POSITIONS = "forced_true", "forced_sep"


#: Flag of a galaxy that is not fitted, since a position is missing. The flags of the fit itself are
#: lower bits.
FLAG_NO_FIT = 256


#: Side of the part of a larger stamp that is fitted, with both galaxies in its middle, px.
WINDOW_PX = 80


def fit_pairs(
    images: np.ndarray,
    positions: np.ndarray,
    psf: PsfMixture,
    noise_sigma: float,
    noise_correlation: np.ndarray | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Fit the two galaxies of each stamp.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background subtracted, square.
    positions : ndarray, shape (n, 2, 2)
        y and x of the galaxies, px from the centre of the corner pixel. Where one is NaN or
        outside its stamp, the stamp is not fitted.
    psf : PsfMixture
        One for all stamps.
    noise_sigma, noise_correlation
        See `deblend.photometry.shared_shapes.fit_shared_shapes`.

    Returns
    -------
    flux, flux_err : ndarray, shape (n, 2)
        Total flux of each galaxy, in the images' unit, and its error from the noise alone; NaN
        without a fit.
    flags : ndarray of int, shape (n, 2)
        Bits of `deblend.photometry.mixture_fit`, or `FLAG_NO_FIT`.
    """
    flux, flux_err = np.full((2, len(images), 2), np.nan)
    flags = np.full((len(images), 2), FLAG_NO_FIT)
    edge = np.array(images.shape[1:]) - 0.5
    # A comparison with NaN is false.
    rows = np.flatnonzero(((positions >= -0.5) & (positions <= edge)).all(axis=(1, 2)))
    if len(rows):
        fit = fit_shared_shapes(
            *crop(images[rows], positions[rows], WINDOW_PX),
            psf,
            noise_sigma=noise_sigma,
            noise_correlation=noise_correlation,
        )
        flux[rows], flux_err[rows], flags[rows] = fit.flux, fit.flux_err, fit.flags
    return flux, flux_err, flags


def crop(images: np.ndarray, positions: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    """The part of each stamp that is around its galaxies, if the stamp is larger.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
    positions : ndarray, shape (n, galaxy, 2)
        y and x, px from the centre of the corner pixel.
    size : int
        Side of the result, px.

    Returns
    -------
    images : ndarray, shape (n, y, x)
        With the middle between the galaxies as close to the middle as the stamp's edges allow.
    positions : ndarray, shape (n, galaxy, 2)
    """
    shape = np.array(images.shape[1:])
    part = np.minimum(shape, size)
    middle = (positions.min(axis=1) + positions.max(axis=1)) / 2
    corner = np.clip(np.round(middle).astype(int) - part // 2, 0, shape - part)
    y, x = (corner[:, axis, None] + np.arange(part[axis]) for axis in (0, 1))
    cut = images[np.arange(len(images))[:, None, None], y[:, :, None], x[:, None, :]]
    return cut, positions - corner[:, None]


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
            f"the data set has no PSF image of {name}, which the fit of its galaxies needs: give "
            "its entry under datasets the key psf, a FITS image of a star at its pixel scale, or "
            "take a simulated data set or one from a RealGalaxy catalogue"
        )
    psf, flags = fit_psf(stamps.psf[:1])
    if flags.any():
        raise DeblendError(
            f"Gaussians do not describe the PSF image of {name}: check the key psf of the data "
            "set; it must be an image of one star on the pixels of the stamps, without sky"
        )
    return psf


def fit_blends(
    stamps: Stamps, blends: pd.DataFrame, detections: pd.DataFrame, companion_edge: str
) -> pd.DataFrame:
    """Fit both galaxies of each blend, at the true positions and at SEP's.

    Parameters
    ----------
    stamps : Stamps
    blends : DataFrame
    detections : DataFrame
        SEP's `deblend.boucaud2020.sep.POSITIONS` on at least these `blend`. If SEP found more than
        two objects, they are of the two brightest.
    companion_edge : str
        See `deblend.boucaud2020.render.render`.

    Returns
    -------
    DataFrame
        Predictions in long form (`deblend.boucaud2020.predictions`) of `TRUE_POSITIONS` and
        `SEP_POSITIONS`, and `flux_err`; the zero point is that of the images. Fluxes that are not
        positive are flagged.

    Raises
    ------
    DeblendError
        See `psf_of`.
    """
    psf = psf_of(stamps)
    sigma, correlation = stamps.noise()
    images = render(
        *galaxies_of(stamps, blends),
        companion_edge=companion_edge,
        noise_sigma=sigma,
        noise_correlation=correlation,
    )
    blend = blends["blend"].to_numpy()
    found = detections.set_index("blend").loc[blend, list(POSITIONS)].to_numpy(float)
    positions = {
        TRUE_POSITIONS: true_positions(blends, images.shape[-1]),
        SEP_POSITIONS: found.reshape(-1, 2, 2),
    }
    zero_point = np.full((1, 2), float(stamps.bands.zero_point[0]))
    parts = []
    for method, centres in positions.items():
        # A blend has the noise of two stamps.
        flux, error, flags = fit_pairs(images, centres, psf, np.sqrt(2) * sigma, correlation)
        table = prediction_table(blend, flux, method, zero_point, flags)
        parts.append(table.assign(flux_err=error.reshape(-1)))
    return pd.concat(parts, ignore_index=True)


def fit_file(
    stamps: str | Path,
    blends: str | Path,
    detections: pd.DataFrame,
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
    detections, companion_edge
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
    settings = (detections, companion_edge)
    parts = []
    for part in in_order(_fit_chunk, chunks, n_workers, _load_shared, (str(stamps), settings)):
        parts.append(part)
        done = sum(map(len, parts)) // 4  # two galaxies, two methods
        log.info("%d of %d blends are fitted", done, len(table))
    fitted = pd.concat(parts, ignore_index=True)
    negative = int(((fitted["flags"] & FLAG_NEGATIVE_FLUX) > 0).sum())
    if negative:
        log.warning("%d of %d fitted fluxes are not positive", negative, len(fitted))
    return fitted.sort_values("method", ascending=False, kind="stable", ignore_index=True)


#: What a worker process has loaded: the data set and the settings.
_shared: dict[str, Any] = {}


def _load_shared(stamps: str, settings: tuple[pd.DataFrame, str]) -> None:
    _shared.update(stamps=open_stamps(stamps, segmaps=False), settings=settings)


def _fit_chunk(blends: pd.DataFrame) -> pd.DataFrame:
    return fit_blends(_shared["stamps"], blends, *_shared["settings"])
