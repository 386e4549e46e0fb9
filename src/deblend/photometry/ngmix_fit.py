"""NGMIX (Sheldon 2015) as the program that fits galaxies, with the bounds of the built-in fitter.

Hemmati et al. 2022, Sect. 4.1, fitted with NGMIX, which is at conda-forge and on GitHub but not on
PyPI. A single galaxy with a free centre is fitted by NGMIX's `Fitter`. NGMIX has no fitter for two
galaxies, nor for fixed centres or for bounds: its models (profiles, convolution, images) are then
fitted by `deblend.photometry.mixture_fit.minimise`. That also finishes the fits of `Fitter`, which
uses an approximate exponential function, so that all results are tested in the same way.
"""

import importlib
from types import ModuleType
from typing import Any

import numpy as np
from deblend.photometry.mixture_fit import MixtureProblem, Solution, minimise
from deblend.photometry.mixtures import (
    COL,
    FLUX,
    N_PARAMETERS,
    XX,
    YY,
    covariance_from_shape,
)

#: Options of NGMIX's `Fitter`. With its own tolerances of 1e-5 a fit of 4,000 pixels could stop
#: 0.2 standard deviations from the minimum.
FIT_PARS = {"maxfev": 4000, "ftol": 1e-8, "xtol": 1e-8}


#: Step of the numerical derivatives of NGMIX's models, in units of the PSF's standard deviation
#: (centres) and variance (covariances).
STEP = 1e-4


class NgmixProblem(MixtureProblem):
    """Stamps to fit with the models of NGMIX."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.ngmix: ModuleType = importlib.import_module("ngmix")
        # Pixel positions are those of the images: 0 is the centre of the first pixel.
        self.jacobian = self.ngmix.DiagonalJacobian(row=0.0, col=0.0, scale=1.0)
        # Share of the flux and of T of each Gaussian, from a round galaxy with both equal to 1.
        self.gaussians = []
        for name in self.profiles:
            unit = self.ngmix.GMixModel([0.0, 0.0, 0.0, 0.0, 1.0, 1.0], name)
            share, _, _, irr, _, icc = unit.get_full_pars().reshape(-1, 6).T
            self.gaussians.append((share, irr + icc))
        self.psf_mixtures = [
            self.ngmix.GMix(pars=_full_parameters(share, np.zeros(2), covariance))
            for share, covariance in zip(self.psf.share, self.psf.covariance, strict=True)
        ]

    def normal_matrices(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Normal matrices of the free parameters; the last row and column are of the residual."""
        n_free = self.basis.shape[1]
        normal = np.empty((len(p), n_free + 1, n_free + 1))
        for i, row in enumerate(rows.tolist()):
            parts = [self._derivatives(q, galaxy, row) for galaxy, q in enumerate(p[i])]
            derivatives = np.concatenate(parts) * self.inverse[row]
            model = p[i, :, FLUX] @ derivatives[FLUX::N_PARAMETERS]
            jacobian = np.vstack([self.basis.T @ derivatives, self.images[row] - model])
            normal[i] = jacobian @ jacobian.T
        return normal

    def _derivatives(self, p: np.ndarray, galaxy: int, row: int) -> np.ndarray:
        """Derivatives of one galaxy's image with respect to its parameters, (6, pixel)."""
        variance = self.psf.size[row] / 2
        steps = STEP * np.where(np.arange(FLUX) <= COL, np.sqrt(variance), variance)
        first = galaxy * N_PARAMETERS
        free = (self.basis[first : first + N_PARAMETERS] != 0).any(axis=1)
        derivatives = np.zeros((N_PARAMETERS, self.images.shape[1]))
        unit = np.append(p[:FLUX], 1.0)
        derivatives[FLUX] = self._image(unit, galaxy, row)
        for k in np.flatnonzero(free[:FLUX]).tolist():
            step = np.zeros(N_PARAMETERS)
            step[k] = steps[k]
            change = self._image(unit + step, galaxy, row) - self._image(unit - step, galaxy, row)
            derivatives[k] = p[FLUX] * change / (2 * steps[k])
        return derivatives

    def _image(self, p: np.ndarray, galaxy: int, row: int) -> np.ndarray:
        """Image of a galaxy, convolved with the PSF and rendered by NGMIX; shape (pixel,)."""
        share, size = self.gaussians[galaxy]
        covariance = size[:, None] * p[YY : XX + 1]
        mixture = self.ngmix.GMix(pars=_full_parameters(share * p[FLUX], p[: COL + 1], covariance))
        convolved = mixture.convolve(self.psf_mixtures[row])
        return convolved.make_image(self.shape, jacobian=self.jacobian).ravel()

    def solve(self, first: np.ndarray, max_iterations: int) -> Solution:
        """Fit all stamps from a first guess, with NGMIX's `Fitter` where it can fit them."""
        start = first.copy()
        if np.array_equal(self.basis, np.eye(N_PARAMETERS)):
            for i in range(len(first)):
                fitted = self._fitter(first[i, 0], i)
                if fitted is not None and self.within_bounds(fitted[None, None], np.array([i]))[0]:
                    start[i, 0] = fitted
        return minimise(self, start, max_iterations)

    def _fitter(self, first: np.ndarray, row: int) -> np.ndarray | None:
        """Parameters from NGMIX's `Fitter` for a single round first guess; None if it failed."""
        ngmix: Any = self.ngmix
        # Its centres are relative to the first guess.
        jacobian = ngmix.DiagonalJacobian(row=first[0], col=first[1], scale=1.0)
        psf = ngmix.Observation(np.ones((1, 1)), gmix=self.psf_mixtures[row])
        inverse = np.broadcast_to(self.inverse[row], len(self.y)).reshape(self.shape)
        image = self.images[row].reshape(self.shape) / inverse
        observation = ngmix.Observation(image, weight=inverse**2, jacobian=jacobian, psf=psf)
        guess = np.array([0.0, 0.0, 0.0, 0.0, first[YY] + first[XX], first[FLUX]])
        fitter = ngmix.fitting.Fitter(model=self.profiles[0], fit_pars=FIT_PARS)
        try:
            # Trials that are no ellipse have infinite residuals.
            with np.errstate(all="ignore"):
                result = fitter.go(observation, guess)
        except (ngmix.gexceptions.GMixRangeError, np.linalg.LinAlgError, AttributeError):
            # Until 2.4.0 it names an exception that NumPy 2.4 no longer has, where the covariance
            # of a failed fit is not finite.
            return None
        p = np.asarray(result["pars"], float)
        if result["flags"] != 0 or not np.isfinite(p).all() or np.hypot(p[2], p[3]) >= 1:
            return None
        return np.concatenate([first[: COL + 1] + p[:2], covariance_from_shape(*p[2:5]), p[5:]])


def _full_parameters(share: np.ndarray, centre: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Parameters of NGMIX's `GMix`: for each Gaussian its flux, row, column, irr, irc, icc."""
    centres = np.broadcast_to(centre, (len(share), 2))
    return np.column_stack([share, centres, covariance]).ravel()
