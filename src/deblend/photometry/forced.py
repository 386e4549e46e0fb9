"""Photometry of one or two galaxies per stamp at given positions, with or without NGMIX.

Hemmati et al. 2022, Sect. 4.1, measured the fluxes of the galaxies at detected peaks, with mixtures
of Gaussians for galaxies and PSFs. This module is an interface to two fitters: NGMIX (Sheldon
2015), if it is installed (`deblend.photometry.ngmix_fit`), and `deblend.photometry.mixture_fit`,
which maximises the same likelihood of the same models. They share PSFs, bounds and flags. The table
of results says which fitter was used.
"""

import importlib
from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_NO_SHAPE,
    MixtureFit,
    MixtureProblem,
    fit_mixtures,
    fit_psf,
)
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.ngmix_fit import NgmixProblem
from deblend.workers import in_order

ENGINES = ("auto", "ngmix", "builtin")


#: Version of the built-in fitter, to be increased when its numbers change.
BUILTIN_VERSION = "2"


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
    "profile",
    "engine",
    "engine_version",
)


#: A stamp's profile that means the better of two fits: all galaxies exponential, or all of them de
#: Vaucouleurs.
EXP_OR_DEV = "exp_or_dev"


#: Number of stamps that a process fits at a time, by default.
CHUNK = 1024


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
    profile: str | Sequence[str] = EXP_OR_DEV,
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
    noise_sigma : float or ndarray, shape (n,) or (n, y, x)
        Noise per pixel, in the units of the images.
    profile : {"exp_or_dev", "exp", "dev", "gauss"}, or two of the last three
        Profile of all galaxies, or of the first and the second. exp_or_dev: each stamp is fitted
        with exponential and with de Vaucouleurs profiles, and the good fit with the smaller chi2
        is kept.
    engine : {"auto", "ngmix", "builtin"}
        auto: NGMIX if it can be imported, else the built-in fitter.
    n_psf_gaussians : {1, 2, 3}
        Number of Gaussians that are fitted to a PSF image.
    fixed_positions : bool
        Do not fit the centres.
    max_shift_px : float, optional
        Largest distance of a centre from its position; by default only the stamp limits it.
    n_workers : int
        Number of processes, which does not change the results.
    chunk_size : int
        Number of stamps that a process fits at a time, which does not change the results.

    Returns
    -------
    DataFrame
        `COLUMNS`, one row per position, in the order of the positions. `flux_err` is for the given
        noise. For the flags, see `deblend.photometry.mixture_fit`.

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
    if profile == EXP_OR_DEV:
        alternatives: list[tuple[str, ...]] = [("exp", "exp"), ("dev", "dev")]
    else:
        alternatives = [(profile, profile) if isinstance(profile, str) else tuple(profile)]
    padded = _pad_positions(positions, n)
    sigma = np.asarray(noise_sigma, float)
    sigma = np.broadcast_to(sigma, images.shape if sigma.ndim == 3 else (n,))
    if not isinstance(psfs, PsfMixture):
        psfs = np.asarray(psfs, float)
        psfs = psfs[None] if psfs.ndim == 2 else psfs
    if len(psfs) not in (1, n):
        raise DeblendError(
            f"there are {len(psfs)} PSFs for {n} stamps: give one for all, or one per stamp"
        )
    options = {
        "engine": name,
        "alternatives": alternatives,
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
    types = dict.fromkeys(("stamp", "galaxy", "flags", "n_iterations"), int) | {"profile": object}
    columns = [c for c in COLUMNS if not c.startswith("engine")]
    return pd.DataFrame({c: np.zeros(0, types.get(c, float)) for c in columns})


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
                "alternatives": [profiles[:k] for profiles in options["alternatives"]],
            }


def _fit_job(job: dict[str, Any]) -> pd.DataFrame:
    """Fit one chunk of stamps; T is in px^2."""
    rows, images, psf = job["rows"], job["images"], job["psfs"]
    flags = np.zeros(len(psf), int)
    if not isinstance(psf, PsfMixture):
        # NGMIX gets the same mixture: a fit of its own would be of concentric Gaussians of one
        # shape, and would differ.
        psf, flags = fit_psf(psf, job["n_psf_gaussians"])
    models = NgmixProblem if job["engine"] == "ngmix" else MixtureProblem
    options = {k: job[k] for k in ("noise_sigma", "fixed_positions", "max_shift_px")}
    fits = [
        fit_mixtures(
            images, job["positions"], psf, profiles=profiles, models=models,
            round_if_failed=len(job["alternatives"]) == 1, **options,
        )
        for profiles in job["alternatives"]
    ]  # fmt: skip
    fit, chosen = _better_fit(fits)
    fit.flags[:] |= np.broadcast_to(flags, len(images))[:, None]
    names = np.array(job["alternatives"], object)[chosen]
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
            "profile": names.ravel(),
        }
    )


def _better_fit(fits: Sequence[MixtureFit]) -> tuple[MixtureFit, np.ndarray]:
    """The fit of each stamp with the smaller chi2, of good ones if there are any.

    Returns
    -------
    fit : MixtureFit
    chosen : ndarray of int, shape (n,)
        Which of the fits was chosen.
    """
    bad = np.array([((fit.flags & ~FLAG_NO_SHAPE) != 0).any(axis=1) for fit in fits])
    chi2 = np.array([np.nan_to_num(fit.chi2_per_dof[:, 0], nan=np.inf) for fit in fits])
    # The first of equal ones, so that the choice does not depend on rounding where all failed.
    chosen = np.lexsort((chi2, bad), axis=0)[0]
    rows = np.arange(len(chosen))
    parts = {
        f.name: np.stack([getattr(fit, f.name) for fit in fits])[chosen, rows]
        for f in fields(MixtureFit)
    }
    return MixtureFit(**parts), chosen
