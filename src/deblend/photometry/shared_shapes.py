"""Fits of galaxies at known positions, each with one shape and a free radial profile.

A galaxy is a sum of the Gaussian, exponential and de Vaucouleurs profiles of Hogg & Lang 2013,
whose Sersic indices are 0.5, 1 and 4, with one covariance for all three and a free amplitude for
each. The sum interpolates between the profiles, and goes beyond them where an amplitude is
negative, so that one fit serves galaxies of any Sersic index, and no model has to be selected. Only
the covariance of a galaxy, three numbers, enters the model non-linearly.

The minimisation is that of `deblend.photometry.mixture_fit`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    BLOCK_PIXELS,
    CHI2_FLOOR,
    CHUNK,
    FLAG_BOUND,
    FLAG_NEGATIVE_FLUX,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    FLAG_ROUND,
    MAX_ITERATIONS,
    MIN_VARIANCE_RATIO,
    minimise,
    one_blas_thread,
    quality,
)
from deblend.photometry.mixtures import (
    Profile,
    PsfMixture,
    amplitudes_and_precisions,
    convolve,
    profile_mixture,
    smallest_variance,
)
from scipy import fft

#: Profiles of a galaxy, of Sersic indices 0.5, 1 and 4.
PROFILES = ("gauss", "exp", "dev")


#: Parameters of a galaxy: its covariance (yy, yx, xx), px^2, then the flux of each profile.
N_SHAPE = 3


#: Size T of the first guess, in units of the PSF's T.
START_SIZE = 2.0


#: Makes the linear fit of the first guess regular where two galaxies are at the same position.
RIDGE = 1e-6


@dataclass(frozen=True)
class SharedShapeFit:
    """Results of a fit; NaN for stamps that were not fitted.

    Attributes
    ----------
    flux, flux_err : ndarray, shape (n, galaxy)
        Total flux, in the images' unit, and its error from the noise of the image alone.
    chi2_per_dof : ndarray, shape (n,)
    flags : ndarray of int, shape (n, galaxy)
        Bits of `deblend.photometry.mixture_fit`; 0 means a good fit.
    covariance : ndarray, shape (n, galaxy, 3)
        (yy, yx, xx) of each galaxy before the convolution, px^2.
    """

    flux: np.ndarray
    flux_err: np.ndarray
    chi2_per_dof: np.ndarray
    flags: np.ndarray
    covariance: np.ndarray


class _Problem:
    """Stamps to fit, as `minimise` wants them; parameters have the shape (n, galaxy, 6)."""

    def __init__(
        self,
        images: np.ndarray,
        positions: np.ndarray,
        psf: PsfMixture,
        mixtures: Sequence[Profile],
        basis: np.ndarray | None = None,
        *,
        fit_sky: bool = False,
    ) -> None:
        self.shape: tuple[int, int] = images.shape[1:]
        self.images = np.ascontiguousarray(images, float).reshape(len(images), -1)
        self.positions, self.psf, self.mixtures = positions, psf, mixtures
        self.fit_sky = fit_sky
        n_parameters = positions.shape[1] * (N_SHAPE + len(mixtures))
        self.basis = np.eye(n_parameters) if basis is None else basis
        self.chi2_floor = CHI2_FLOOR * (self.images**2).sum(axis=1)
        self.y, self.x = (v.reshape(-1).astype(float) for v in np.indices(self.shape))

    def with_profiles(self, mixtures: Sequence[Profile]) -> "_Problem":
        """The same stamps with other profiles, all of whose parameters are free."""
        images = self.images.reshape(-1, *self.shape)
        return _Problem(images, self.positions, self.psf, mixtures, fit_sky=self.fit_sky)

    def within_bounds(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Whether galaxies are no wider than the stamp, and no Gaussian is sharper than allowed."""
        covariance = p[..., :N_SHAPE]
        good = (covariance[..., 0] + covariance[..., 2] <= np.prod(self.shape)).all(axis=1)
        psf = (1 - MIN_VARIANCE_RATIO) * self.psf.covariance[rows][:, None]
        for mixture in self.mixtures:
            convolved = mixture.size.max() * covariance[:, :, None] + psf
            good &= (smallest_variance(convolved) >= 0).all(axis=(1, 2))
        return good

    def normal_matrices(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Normal matrices of the free parameters; the last row and column are of the residual."""
        n, n_free = len(p), self.basis.shape[1]
        normal = np.empty((n, n_free + 1, n_free + 1))
        for part, jacobian in self.jacobians(p, rows):
            # With a copy, since BLAS is slower for a small matrix times its own transpose.
            np.matmul(jacobian, jacobian.copy().transpose(0, 2, 1), out=normal[part])
        return normal

    def jacobians(self, p: np.ndarray, rows: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
        """Derivatives with respect to the free parameters, and the residual.

        Yields
        ------
        part : slice
            Some of the rows.
        jacobian : ndarray, shape (n, free + 1, pixel)
        """
        n_all, n_free = self.basis.shape
        galaxies = [self._weights(p[:, g], rows) for g in range(p.shape[1])]
        free = np.array_equal(self.basis, np.eye(n_all))
        block = max(1, BLOCK_PIXELS // len(self.y))
        for i in range(0, len(p), block):
            part = slice(i, i + block)
            images = self.images[rows[part]]
            jacobian = np.empty((len(images), n_all + 1, images.shape[1]))
            jacobian[:, -1] = images
            for g, (precision, weights) in enumerate(galaxies):
                out = jacobian[:, g * p.shape[2] : (g + 1) * p.shape[2]]
                centre = self.positions[rows[part], g]
                _derivatives(centre, precision[part], weights[part], self.y, self.x, out)
                flux = p[part, g, None, N_SHAPE:]
                jacobian[:, -1] -= (flux @ out[:, N_SHAPE:])[:, 0]
            if not free:
                tied = self.basis.T @ jacobian[:, :-1]
                jacobian = np.concatenate([tied, jacobian[:, -1:]], axis=1)
            if self.fit_sky:
                # What is left is orthogonal to a constant, whose best value is thus included.
                jacobian -= jacobian.mean(axis=2, keepdims=True)
            yield part, jacobian

    def _weights(self, p: np.ndarray, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Coefficients that `_derivatives` needs, from the Gaussians of one galaxy.

        Returns
        -------
        precision : ndarray, shape (n, gaussian, 3)
            Coefficients of dy dy, dy dx and dx dx in the exponents.
        weights : ndarray, shape (n, profile + 12, gaussian)
            Weights of the sums over the Gaussians: for the flux of each profile; 3 x 4 for the
            covariance, which are multiplied by dy dy, dy dx, dx dx and 1.
        """
        psf = self.psf.take(rows)
        parts = [convolve(mixture, p[:, :N_SHAPE], psf) for mixture in self.mixtures]
        counts = [share.shape[1] for share, _ in parts]
        share, covariance = (np.concatenate(a, axis=1) for a in zip(*parts, strict=True))
        amplitude, precision = amplitudes_and_precisions(share, covariance)
        byy, byx, bxx = np.moveaxis(precision, -1, 0)
        shape = [
            *(byy * byy / 2, byy * byx, byx * byx / 2, -byy / 2),
            *(byy * byx, byy * bxx + byx * byx, byx * bxx, -byx),
            *(byx * byx / 2, byx * bxx, bxx * bxx / 2, -bxx / 2),
        ]
        n_psf = psf.share.shape[1]
        size = np.concatenate([np.repeat(mixture.size, n_psf) for mixture in self.mixtures])
        flux = np.repeat(p[:, N_SHAPE:], counts, axis=1)
        profile = np.repeat(np.eye(len(counts)), counts, axis=1)
        weights = np.empty((len(p), len(counts) + len(shape), share.shape[1]))
        weights[:, : len(counts)] = profile
        weights[:, len(counts) :] = np.stack(shape, axis=1) * (flux * size)[:, None]
        return precision * [-0.5, -1, -0.5], weights * amplitude[:, None]


def _derivatives(
    centre: np.ndarray,
    precision: np.ndarray,
    weights: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    out: np.ndarray,
) -> None:
    """Derivatives of one galaxy's model with respect to its parameters.

    As `deblend.photometry.mixture_fit`'s, without those with respect to the centre.

    Parameters
    ----------
    centre : ndarray, shape (n, 2)
    precision, weights : ndarray
        Coefficients from `_Problem._weights`.
    y, x : ndarray, shape (pixel,)
    out : ndarray, shape (n, 3 + profile, pixel)
        The derivatives are written to this array.
    """
    dy, dx = y - centre[:, :1], x - centre[:, 1:]
    dd = np.stack([dy * dy, dy * dx, dx * dx, np.ones_like(dy)], axis=1)
    gaussians = precision @ dd[:, :3]
    np.exp(gaussians, out=gaussians)
    sums = weights @ gaussians
    n_profiles = out.shape[1] - N_SHAPE
    out[:, N_SHAPE:] = sums[:, :n_profiles]
    shape = sums[:, n_profiles:].reshape(len(centre), N_SHAPE, 4, -1)
    np.einsum("nmp,nkmp->nkp", dd, shape, out=out[:, :N_SHAPE])


def _start(problem: _Problem) -> np.ndarray:
    """First guess: round exponential galaxies, their fluxes from linear least squares.

    The fluxes are divided equally between the profiles: from the best linear fit of all profiles,
    or from larger galaxies, more fits would end in a local minimum of wide profiles that cancel.

    Returns
    -------
    ndarray, shape (n, galaxy, 3 + profile)
    """
    n, n_galaxies, n_profiles = *problem.positions.shape[:2], len(problem.mixtures)
    exponential = problem.with_profiles([profile_mixture("exp")])
    p = np.zeros((n, n_galaxies, N_SHAPE + 1))
    # T is at most a quarter of the stamp's area.
    half = np.minimum(START_SIZE * problem.psf.size, np.prod(problem.shape) / 4) / 2
    p[..., 0] = p[..., 2] = half[:, None]
    flux_rows = np.arange(n_galaxies) * (N_SHAPE + 1) + N_SHAPE
    normal = exponential.normal_matrices(p, np.arange(n))[:, flux_rows]
    matrix, vector = normal[:, :, flux_rows], normal[:, :, -1]
    i = np.arange(n_galaxies)
    matrix[:, i, i] *= 1 + RIDGE
    flux = np.linalg.solve(matrix, vector[..., None])
    shape = p[..., :N_SHAPE]
    return np.concatenate([shape, np.repeat(flux / n_profiles, n_profiles, axis=2)], axis=2)


@one_blas_thread
def fit_shared_shapes(
    images: np.ndarray,
    positions: np.ndarray,
    psf: PsfMixture,
    *,
    noise_sigma: float,
    noise_correlation: np.ndarray | None = None,
    profiles: Sequence[str] = PROFILES,
    fit_sky: bool = False,
    max_iterations: int = MAX_ITERATIONS,
) -> SharedShapeFit:
    """Fit all galaxies of a stamp together, with fixed centres.

    All pixels have the same weight, also where the noise is correlated. The errors of the fluxes
    allow for the correlation.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background subtracted.
    positions : ndarray, shape (n, galaxy, 2)
        Centres: y and x, px from the centre of the corner pixel.
    psf : PsfMixture
        One for all stamps.
    noise_sigma : float
        Noise per pixel, in the unit of the images.
    noise_correlation : ndarray, shape (2 L + 1, 2 L + 1), optional
        See `deblend.data.noise.noise_images`; without it the noise is white.
    profiles : sequence of {"gauss", "exp", "dev"}
        Of each galaxy.
    fit_sky : bool
        Fit a constant sky level to each stamp together with the galaxies.
    max_iterations : int

    Returns
    -------
    SharedShapeFit

    Raises
    ------
    DeblendError
        Shapes do not match, the noise is not positive, or a stamp does not have more pixels than
        parameters.
    """
    images, positions = np.asarray(images), np.asarray(positions, float)
    n, n_parameters = len(images), N_SHAPE + len(profiles)
    if images.ndim != 3 or positions.ndim != 3 or positions.shape[::2] != (n, 2) or len(psf) != 1:
        raise DeblendError(
            f"images have the shape {images.shape}, positions {positions.shape}, and there are "
            f"{len(psf)} PSFs: they must be (n, y, x), (n, galaxy, 2) and one PSF"
        )
    if not noise_sigma > 0:
        raise DeblendError(f"noise_sigma is {noise_sigma:g}: it must be positive")
    n_galaxies = positions.shape[1]
    if np.prod(images.shape[1:]) <= n_galaxies * n_parameters:
        raise DeblendError(
            f"stamps of {images.shape[1:]} pixels are too small to fit {n_galaxies} galaxies"
        )
    fit = SharedShapeFit(
        np.full((n, n_galaxies), np.nan),
        np.full((n, n_galaxies), np.nan),
        np.full(n, np.nan),
        np.zeros((n, n_galaxies), int),
        np.full((n, n_galaxies, N_SHAPE), np.nan),
    )
    finite = np.isfinite(images).all(axis=(1, 2)) & np.isfinite(positions).all(axis=(1, 2))
    fit.flags[~finite] = FLAG_NOT_FINITE
    good = np.flatnonzero(finite)
    mixtures = [profile_mixture(name) for name in profiles]
    for i in range(0, len(good), CHUNK):
        rows = good[i : i + CHUNK]
        for tie, flag in ((False, 0), (True, FLAG_ROUND)):
            basis = _basis(n_galaxies, n_parameters, round_galaxies=tie)
            mixture = psf.take(np.zeros(len(rows), int))
            problem = _Problem(
                images[rows], positions[rows], mixture, mixtures, basis, fit_sky=fit_sky
            )
            solution = minimise(problem, _start(problem), max_iterations)
            _, singular, flags = quality(solution, problem.chi2_floor)
            p = solution.p
            fit.flux[rows] = p[..., N_SHAPE:].sum(axis=-1)
            fit.covariance[rows] = p[..., :N_SHAPE]
            variance = _flux_variance(problem, p, solution.normal, noise_correlation)
            error = np.sqrt(variance) * noise_sigma
            fit.flux_err[rows] = np.where(singular[:, None], np.nan, error)
            dof = problem.images.shape[1] - basis.shape[1] - fit_sky
            fit.chi2_per_dof[rows] = solution.normal[:, -1, -1] / noise_sigma**2 / dof
            negative = np.where(fit.flux[rows] > 0, 0, FLAG_NEGATIVE_FLUX)
            fit.flags[rows] = (flags | flag)[:, None] | negative
            # Noise can drive the shape of a faint galaxy to its bounds: fit a round galaxy instead.
            rows = rows[(flags & (FLAG_NOT_CONVERGED | FLAG_BOUND)) > 0]
            if not len(rows):
                break
    return fit


def _basis(n_galaxies: int, n_parameters: int, *, round_galaxies: bool) -> np.ndarray:
    """Free parameters: all, or for round galaxies one variance instead of a covariance."""
    basis = np.eye(n_galaxies * n_parameters)
    if round_galaxies:
        which = np.arange(len(basis)) % n_parameters
        basis[which == 2] += basis[which == 0]
        basis = basis[:, (which == 0) | (which >= N_SHAPE)]
    return basis


def _flux_variance(
    problem: _Problem, p: np.ndarray, normal: np.ndarray, correlation: np.ndarray | None
) -> np.ndarray:
    """Variance of the galaxies' fluxes for a noise of 1 per pixel, shape (n, galaxy).

    With the derivatives J of the model and the noise's correlation C, that of the parameters is
    (J'J)^-1 J'CJ (J'J)^-1.
    """
    n_galaxies, n_parameters = p.shape[1:]
    # A galaxy's flux is the sum of some of its parameters.
    of_galaxy = np.repeat(np.eye(n_galaxies), n_parameters, axis=1)
    is_flux = np.arange(of_galaxy.shape[1]) % n_parameters >= N_SHAPE
    total = (of_galaxy * is_flux) @ problem.basis
    hessian = normal[:, :-1, :-1]
    root = np.sqrt(np.diagonal(hessian, axis1=1, axis2=2))
    root = np.where(root > 0, root, 1.0)
    scaled = hessian / (root[:, :, None] * root[:, None])
    inverse = np.linalg.pinv(scaled, hermitian=True)
    influence = (total / root[:, None]) @ inverse / root[:, None]
    if correlation is None:
        return np.einsum("nga,nab,ngb->ng", influence, hessian, influence)
    variance = np.empty((len(p), n_galaxies))
    lags = np.arange(-(len(correlation) // 2), len(correlation) // 2 + 1)
    # Zeros as wide as the largest lag: opposite edges of the stamp are no neighbours.
    grid = [fft.next_fast_len(side + lags[-1], real=True) for side in problem.shape]
    for part, jacobian in problem.jacobians(p, np.arange(len(p))):
        # What a unit of noise in a pixel adds to each flux, and the products of pixels by distance.
        response = influence[part] @ jacobian[:, :-1]
        response = response.reshape(*response.shape[:2], *problem.shape)
        products = fft.irfft2(np.abs(fft.rfft2(response, grid)) ** 2, grid)
        variance[part] = (products[..., lags[:, None], lags] * correlation).sum(axis=(2, 3))
    return variance
