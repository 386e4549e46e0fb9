"""Photometry of one or two galaxies per stamp at given positions, with or without NGMIX.

Hemmati et al. 2022, Sect. 4.1, measured the fluxes of the galaxies at detected peaks, with mixtures
of Gaussians for galaxies and PSFs. This module is an interface to two fitters: NGMIX (Sheldon
2015), if it is installed, and `deblend.photometry.mixture_fit`, which maximises the same likelihood
of the same models. The table of results says which fitter was used.
"""

import importlib
from collections.abc import Iterator, Sequence
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_NEGATIVE_FLUX,
    FLAG_NO_SHAPE,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    FLAG_PSF,
    FLAG_SINGULAR,
    MixtureFit,
    empty_fit,
    fit_mixtures,
    fit_psf,
    starting_values,
)
from deblend.photometry.mixtures import (
    COL,
    FLUX,
    XX,
    YY,
    PsfMixture,
    covariance_from_shape,
    shape_from_covariance,
)
from deblend.workers import in_order
from scipy.optimize import leastsq

ENGINES = ("auto", "ngmix", "builtin")


#: Version of the built-in fitter, to be increased when its numbers change.
BUILTIN_VERSION = "1"


COLUMNS = (
    "stamp",
    "galaxy",
    "flux",
    "flux_err",
    "g1",
    "g2",
    "T_arcsec2",
    "y_px",
    "x_px",
    "s2n",
    "chi2_per_dof",
    "flags",
    "n_iterations",
    "engine",
    "engine_version",
)


#: Number of stamps that a process fits at a time, by default.
CHUNK = 1024


#: MINPACK's tolerances and limit of evaluations for NGMIX's models of two galaxies.
LEASTSQ_OPTIONS = {"ftol": 1e-8, "xtol": 1e-8, "maxfev": 4000}


def choose_engine(engine: str) -> tuple[str, str]:
    """Name and version of the fitter that will be used.

    Raises
    ------
    DeblendError
        There is no such engine, or NGMIX is requested and cannot be imported.
    """
    if engine not in ENGINES:
        raise DeblendError(f"engine is {engine!r}: it must be one of {', '.join(ENGINES)}")
    if engine != "builtin":
        try:
            return "ngmix", str(importlib.import_module("ngmix").__version__)
        except ImportError as error:
            if engine == "ngmix":
                raise DeblendError(
                    f"engine is 'ngmix', which cannot be imported ({error}): install it from "
                    "conda-forge, or take 'builtin'"
                ) from error
    return "builtin", BUILTIN_VERSION


def fit_photometry(
    images: np.ndarray,
    psfs: np.ndarray | PsfMixture,
    positions: np.ndarray | Sequence[np.ndarray],
    *,
    pixel_scale_arcsec: float,
    noise_sigma: float | np.ndarray,
    profile: str | Sequence[str] = "exp",
    engine: str = "auto",
    n_psf_gaussians: int = 3,
    fixed_positions: bool = False,
    max_shift_px: float | None = None,
    n_workers: int = 1,
    chunk_size: int = CHUNK,
) -> pd.DataFrame:
    """Fluxes and shapes of galaxies at given positions; two galaxies are fitted together.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background subtracted.
    psfs : ndarray, shape (n, y, x) or (y, x), or PsfMixture
        PSFs including the pixel: one per stamp, or one for all stamps.
    positions : sequence of ndarray, shape (1 or 2, 2)
        For every stamp: y and x of the galaxies, px from the centre of the corner pixel. It can
        also be one array of shape (n, galaxy, 2), with NaN where there is no second galaxy.
    pixel_scale_arcsec : float
    noise_sigma : float or ndarray, shape (n,)
        Noise per pixel, in the units of the images.
    profile : {"exp", "dev", "gauss"} or two of them
        Profile of all galaxies, or of the first and the second.
    engine : {"auto", "ngmix", "builtin"}
        auto: NGMIX if it can be imported, else the built-in fitter.
    n_psf_gaussians : {1, 2, 3}
        Number of Gaussians that are fitted to a PSF image.
    fixed_positions : bool
        Do not fit the centres.
    max_shift_px : float, optional
        Largest distance of a centre from its position, for the built-in fitter only; by default
        only the stamp limits it.
    n_workers : int
        Number of processes, which does not change the results.
    chunk_size : int
        Number of stamps that a process fits at a time, which does not change the results.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per position, in the order of the positions. `flux_err` is for the given
        noise; NGMIX's scaling by chi2 per degree of freedom is undone. For NGMIX, `n_iterations` is
        the number of evaluations. For the flags, see `deblend.photometry.mixture_fit`.

    Raises
    ------
    DeblendError
        Arguments do not match each other, or a PSF image has no flux; see also `choose_engine`.
    """
    images = np.asarray(images)
    n = len(images)
    if images.ndim != 3:
        raise DeblendError(f"images have the shape {images.shape}: it must be (n, y, x)")
    if pixel_scale_arcsec <= 0:
        raise DeblendError(f"pixel_scale_arcsec is {pixel_scale_arcsec}: it must be positive")
    name, version = choose_engine(engine)
    if name == "ngmix" and max_shift_px is not None:
        raise DeblendError(
            f"max_shift_px is {max_shift_px}, which NGMIX does not support: leave it out"
        )
    profiles = (profile, profile) if isinstance(profile, str) else tuple(profile)
    padded = _pad_positions(positions, n)
    sigma = np.broadcast_to(np.asarray(noise_sigma, float), (n,))
    if not isinstance(psfs, PsfMixture):
        psfs = np.asarray(psfs, float)
        psfs = psfs[None] if psfs.ndim == 2 else psfs
    if len(psfs) not in (1, n):
        raise DeblendError(
            f"there are {len(psfs)} PSFs for {n} stamps: give one for all, or one per stamp"
        )
    options = {
        "engine": name,
        "profiles": profiles,
        "n_psf_gaussians": n_psf_gaussians,
        "fixed_positions": fixed_positions,
        "max_shift_px": max_shift_px,
    }
    jobs = list(_jobs(images, psfs, padded, sigma, options, chunk_size))
    tables = list(in_order(_fit_job, jobs, n_workers))
    table = pd.concat([_empty_table(), *tables]) if tables else _empty_table()
    table = table.sort_values(["stamp", "galaxy"], ignore_index=True)
    table["T_arcsec2"] *= pixel_scale_arcsec**2
    table["engine"], table["engine_version"] = name, version
    return table[list(COLUMNS)]


def _pad_positions(positions: np.ndarray | Sequence[np.ndarray], n: int) -> np.ndarray:
    """Positions as an array of shape (n, 2, 2), NaN where there is no galaxy."""
    if len(positions) != n:
        raise DeblendError(f"there are positions of {len(positions)} stamps, and {n} images")
    padded = np.full((n, 2, 2), np.nan)
    for i, centres in enumerate(positions):
        centres = np.asarray(centres, float).reshape(-1, 2)
        centres = centres[~np.isnan(centres).any(axis=1)]
        if not 1 <= len(centres) <= 2:
            raise DeblendError(
                f"stamp {i} has {len(centres)} positions: one or two are fitted; choose the "
                "brightest, or leave the stamp out"
            )
        padded[i, : len(centres)] = centres
    return padded


def _empty_table() -> pd.DataFrame:
    integers = ("stamp", "galaxy", "flags", "n_iterations")
    columns = [c for c in COLUMNS if not c.startswith("engine")]
    return pd.DataFrame({c: np.zeros(0, int if c in integers else float) for c in columns})


def _jobs(
    images: np.ndarray,
    psfs: np.ndarray | PsfMixture,
    positions: np.ndarray,
    sigma: np.ndarray,
    options: dict[str, Any],
    chunk_size: int,
) -> Iterator[dict[str, Any]]:
    """Chunks of stamps, each with the same number of galaxies per stamp."""
    n_galaxies = np.isfinite(positions).all(axis=2).sum(axis=1)
    for k in (1, 2):
        stamps = np.flatnonzero(n_galaxies == k)
        for i in range(0, len(stamps), chunk_size):
            rows = stamps[i : i + chunk_size]
            psf_rows = np.zeros(1, int) if len(psfs) == 1 else rows
            yield {
                "rows": rows,
                "images": images[rows],
                "psfs": psfs.take(psf_rows) if isinstance(psfs, PsfMixture) else psfs[psf_rows],
                "positions": positions[rows, :k],
                "noise_sigma": sigma[rows],
                **options,
                "profiles": options["profiles"][:k],
            }


def _fit_job(job: dict[str, Any]) -> pd.DataFrame:
    """Fit one chunk of stamps; T is in px^2."""
    rows, images, psf = job["rows"], job["images"], job["psfs"]
    flags = np.zeros(len(psf), int)
    psf_images = None
    if not isinstance(psf, PsfMixture):
        psf_images = psf
        psf, flags = fit_psf(psf_images, job["n_psf_gaussians"])
    arguments = {k: job[k] for k in ("noise_sigma", "profiles", "fixed_positions")}
    if job["engine"] == "ngmix":
        fit = _fit_ngmix(images, job["positions"], psf, psf_images, **arguments)
    else:
        shift = job["max_shift_px"]
        fit = fit_mixtures(images, job["positions"], psf, **arguments, max_shift_px=shift)
        fit.flags[:] |= np.broadcast_to(flags, len(images))[:, None]
    n_galaxies = fit.flux.shape[1]
    return pd.DataFrame(
        {
            "stamp": np.repeat(rows, n_galaxies),
            "galaxy": np.tile(np.arange(n_galaxies), len(rows)),
            "flux": fit.flux.ravel(),
            "flux_err": fit.flux_err.ravel(),
            "g1": fit.g1.ravel(),
            "g2": fit.g2.ravel(),
            "T_arcsec2": fit.size.ravel(),
            "y_px": fit.y.ravel(),
            "x_px": fit.x.ravel(),
            "s2n": fit.s2n.ravel(),
            "chi2_per_dof": fit.chi2_per_dof.ravel(),
            "flags": fit.flags.ravel(),
            "n_iterations": fit.n_iterations.ravel(),
        }
    )


def _fit_ngmix(
    images: np.ndarray,
    positions: np.ndarray,
    psf: PsfMixture,
    psf_images: np.ndarray | None,
    *,
    noise_sigma: np.ndarray,
    profiles: Sequence[str],
    fixed_positions: bool,
) -> MixtureFit:
    """Fit with NGMIX, in units of pixels, from the first guess of the built-in fitter.

    NGMIX's `Fitter` fits a single galaxy with a free centre. NGMIX has no fitter for two galaxies
    or for fixed centres: its models (`GMixModel`, convolved and rendered by NGMIX) are then fitted
    with MINPACK, as `Fitter` does. PSF images are fitted by NGMIX's `CoellipFitter`.
    """
    ngmix = importlib.import_module("ngmix")
    n, n_galaxies = positions.shape[:2]
    fit = empty_fit(n, n_galaxies)
    finite = np.isfinite(images).all(axis=(1, 2))
    fit.flags[~finite] = FLAG_NOT_FINITE
    good = np.flatnonzero(finite)
    psf_per_stamp = psf if len(psf) == n else psf.take(np.zeros(n, int))
    guesses = starting_values(
        images[good], positions[good], psf_per_stamp.take(good), profiles=profiles
    )
    psf_mixtures = [_ngmix_psf(ngmix, psf, i, psf_images) for i in range(len(psf))]
    for i, first in zip(good.tolist(), guesses, strict=True):
        psf_gmix, psf_flag = psf_mixtures[i if len(psf_mixtures) > 1 else 0]
        sigma = float(noise_sigma[i])
        image = np.ascontiguousarray(images[i], float)
        jacobian = ngmix.DiagonalJacobian(row=positions[i, 0, 0], col=positions[i, 0, 1], scale=1.0)
        guess = np.zeros((n_galaxies, 6))
        guess[:, : COL + 1] = positions[i] - positions[i, 0]
        guess[:, 4] = first[:, YY] + first[:, XX]
        guess[:, 5] = first[:, FLUX]
        if n_galaxies == 1 and not fixed_positions:
            psf_observation = ngmix.Observation(np.ones((1, 1)), gmix=psf_gmix)
            weight = np.full(image.shape, sigma**-2)
            observation = ngmix.Observation(
                image, weight=weight, jacobian=jacobian, psf=psf_observation
            )
            result = ngmix.fitting.Fitter(model=profiles[0]).go(observation, guess[0])
            failed, p = result["flags"] != 0, result["pars"][None]
            covariance, n_calls = result["pars_cov0"], result["nfev"]
        else:
            p, covariance, n_calls, failed = _fit_jointly(
                ngmix, image / sigma, jacobian, psf_gmix, guess / [1, 1, 1, 1, 1, sigma], profiles,
                fixed_positions,
            )  # fmt: skip
            p = p * [1, 1, 1, 1, 1, sigma]
            covariance = None if covariance is None else covariance * sigma**2
        fit.flags[i] = psf_flag
        fit.n_iterations[i] = n_calls
        if failed:
            fit.flags[i] |= FLAG_NOT_CONVERGED
            continue
        _store(
            ngmix,
            fit,
            i,
            p,
            covariance,
            image,
            sigma,
            jacobian,
            psf_gmix,
            profiles,
            positions[i, 0],
        )
    return fit


def _ngmix_psf(
    ngmix: ModuleType, psf: PsfMixture, i: int, images: np.ndarray | None
) -> tuple[Any, int]:
    """PSF as a mixture of NGMIX with unit flux, and a flag; fitted by NGMIX if it is an image."""
    share, covariance = psf.share[i], psf.covariance[i]
    parameters = np.column_stack([share, np.zeros((len(share), 2)), covariance])
    mixture = ngmix.GMix(pars=parameters.ravel())
    if images is None:
        return mixture, 0
    image = images[i] / images[i].sum()
    g1, g2, _ = shape_from_covariance((share[:, None] * covariance).sum(axis=0))
    row, col = np.unravel_index(np.argmax(image), image.shape)
    sizes = covariance[:, 0] + covariance[:, 2]
    guess = np.concatenate([[0, 0], np.nan_to_num([g1, g2]), sizes, share])
    jacobian = ngmix.DiagonalJacobian(row=row, col=col, scale=1.0)
    # An arbitrary small noise, since a PSF image has almost none.
    weight = np.full(image.shape, (1e-3 * image.max()) ** -2)
    observation = ngmix.Observation(image, weight=weight, jacobian=jacobian)
    result = ngmix.fitting.CoellipFitter(ngauss=len(share)).go(observation, guess)
    if result["flags"] != 0:
        return mixture, FLAG_PSF
    mixture = result.get_gmix()
    mixture.set_flux(1.0)
    return mixture, 0


def _model(
    ngmix: ModuleType, p: np.ndarray, name: str, psf: Any, shape: tuple[int, ...], jacobian: Any
) -> np.ndarray:
    """Image of one galaxy with the parameters p of NGMIX: centre, g1, g2, T, flux."""
    return ngmix.GMixModel(p, name).convolve(psf).make_image(shape, jacobian=jacobian)


def _fit_jointly(
    ngmix: ModuleType,
    image: np.ndarray,
    jacobian: Any,
    psf: Any,
    guess: np.ndarray,
    profiles: Sequence[str],
    fixed_positions: bool,
) -> tuple[np.ndarray, np.ndarray | None, int, bool]:
    """Fit NGMIX's models of all galaxies of a stamp together, for an image with a noise of 1.

    Returns
    -------
    p : ndarray, shape (galaxy, 6)
    covariance : ndarray, shape (6 galaxies, 6 galaxies), or None if singular
    n_calls : int
    failed : bool
    """
    free = np.arange(guess.size) % 6 > (COL if fixed_positions else -1)

    def parameters(values: np.ndarray) -> np.ndarray:
        p = guess.ravel().copy()
        p[free] = values
        return p.reshape(guess.shape)

    def residuals(values: np.ndarray) -> np.ndarray:
        p = parameters(values)
        try:
            models = [
                _model(ngmix, q, name, psf, image.shape, jacobian)
                for q, name in zip(p, profiles, strict=True)
            ]
        except ngmix.gexceptions.GMixRangeError:
            # Not an ellipse: return a very large residual, as NGMIX's own fitters do.
            return np.full(image.size, 1e10)
        return (np.sum(models, axis=0) - image).ravel()

    values, inverse, info, _, status = leastsq(
        residuals, guess.ravel()[free], full_output=True, **LEASTSQ_OPTIONS
    )
    covariance = None
    if inverse is not None:
        covariance = np.zeros((guess.size, guess.size))
        covariance[np.ix_(free, free)] = inverse
    return parameters(values), covariance, int(info["nfev"]), status not in (1, 2, 3, 4)


def _store(
    ngmix: ModuleType,
    fit: MixtureFit,
    i: int,
    p: np.ndarray,
    covariance: np.ndarray | None,
    image: np.ndarray,
    sigma: float,
    jacobian: Any,
    psf: Any,
    profiles: Sequence[str],
    origin: np.ndarray,
) -> None:
    """Write the results of one stamp to `fit`, as the built-in fitter does."""
    fit.y[i], fit.x[i] = origin[0] + p[:, 0], origin[1] + p[:, 1]
    fit.g1[i], fit.g2[i], fit.size[i], fit.flux[i] = p[:, 2:].T
    fit.covariance[i] = covariance_from_shape(fit.g1[i], fit.g2[i], fit.size[i])
    if covariance is None:
        fit.flags[i] |= FLAG_SINGULAR
    else:
        fit.flux_err[i] = np.sqrt(np.diagonal(covariance)[FLUX::6])
    models = np.stack(
        [
            _model(ngmix, q, name, psf, image.shape, jacobian)
            for q, name in zip(p, profiles, strict=True)
        ]
    )
    residual = image - models.sum(axis=0)
    for galaxy, model in enumerate(models):
        power = np.sqrt((model**2).sum()) * sigma
        fit.s2n[i, galaxy] = (model * (residual + model)).sum() / power if power > 0 else 0.0
    fit.chi2_per_dof[i] = (residual**2).sum() / sigma**2 / (image.size - p.size)
    fit.flags[i] |= np.where(fit.flux[i] > 0, 0, FLAG_NEGATIVE_FLUX)
    fit.flags[i] |= np.where(fit.size[i] > 0, 0, FLAG_NO_SHAPE)
