"""Maximum-likelihood fits of Gaussian mixtures to many stamps at once.

The fit does what NGMIX (Sheldon 2015) does for one object, but for one or two galaxies per stamp
and without priors. The algorithm is Levenberg-Marquardt with the step control of MINPACK and
Nielsen 1999, with analytic derivatives. The stamps of a batch are computed together in arrays, but
the results of a stamp do not depend on other stamps.

The parameters of a galaxy's shape are the covariance, not (g1, g2, T). The model is a smooth
function of the covariance, even for a point source, which has no shape. A noisy galaxy may become
slightly sharper than the PSF, as in NGMIX, which keeps the fluxes of faint galaxies unbiased.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from typing import Protocol

import numpy as np
from deblend.errors import DeblendError
from deblend.photometry.mixtures import (
    COL,
    FLUX,
    N_PARAMETERS,
    ROW,
    XX,
    YX,
    YY,
    Profile,
    PsfMixture,
    amplitudes_and_precisions,
    compact,
    convolve,
    profile_mixture,
    render,
    shape_from_covariance,
    smallest_variance,
)
from threadpoolctl import threadpool_limits

#: Bits of a galaxy's `flags`; 0 means a good fit.
FLAG_NOT_CONVERGED = 1


FLAG_SINGULAR = 2  #: the covariance of the parameters is singular: no errors


FLAG_BOUND = 4  #: the fit was stopped by a bound


FLAG_NOT_FINITE = 8  #: the stamp has pixels that are not finite: it is not fitted


FLAG_NEGATIVE_FLUX = 16  #: the flux is not positive


FLAG_NO_SHAPE = 32  #: the covariance is not that of an ellipse: g1 and g2 are NaN


FLAG_PSF = 64  #: the fit of the PSF failed


FLAG_ROUND = 128  #: the fit with free shapes failed: results are for round galaxies


#: Number of stamps that are fitted together, which limits the memory, and number of pixels that are
#: processed together, so that they stay in the cache.
CHUNK, BLOCK_PIXELS = 512, 8192


#: Decorator of fits. Their matrices are small: threads of BLAS would wait for each other, and take
#: ten times as long as one where other processes are running.
one_blas_thread = threadpool_limits.wrap(limits=1, user_api="blas")


#: Tolerance of MINPACK's convergence tests: relative reduction of chi2, and relative step.
TOLERANCE = 1e-8


MAX_ITERATIONS = 100


#: A fit is stuck if the best quadratic step would still lower chi2 by more than this share.
STUCK = 1e-6


#: A chi2 below this share of the sum of the squared pixels counts as zero: for galaxies, where it
#: is a rounding error, and for PSFs.
CHI2_FLOOR, PSF_CHI2_FLOOR = 1e-18, 1e-11


#: Smallest eigenvalue of the parameters' correlation matrix that counts as regular.
SINGULAR = 1e-11


#: Sizes T to try for the first guess, in units of the PSF's T.
START_SIZES = (0.5, 5.0, 50.0)


#: Smallest variance of a convolved Gaussian, in units of the PSF's variance.
MIN_VARIANCE_RATIO = 0.1


#: Smallest variance of a PSF's Gaussian, px^2. Models are evaluated at the pixels' centres only, so
#: that a sharper Gaussian could be lost between them.
MIN_PSF_VARIANCE = 0.05


#: The fit of a PSF has failed if chi2 is above this share of the sum of the squared pixels.
MAX_PSF_RESIDUAL = 0.1


#: First guess of a PSF's Gaussians: share of the flux, and T in units of that of a single Gaussian
#: with the same peak.
PSF_START = {
    1: ((1.0, 1.0),),
    2: ((0.7, 0.7), (0.3, 2.2)),
    3: ((0.5, 0.5), (0.35, 1.2), (0.15, 4.0)),
}


@dataclass(frozen=True)
class MixtureFit:
    """Results of a fit: arrays of shape (n, galaxy), NaN for stamps that were not fitted.

    Attributes
    ----------
    flux, flux_err : ndarray
        In the units of the images. The error is from the inverse of the normal matrix, for the
        given noise.
    g1, g2 : ndarray
        Reduced shear.
    size : ndarray
        T, px^2.
    y, x : ndarray
        Centre, px from the corner pixel's centre.
    s2n : ndarray
        Signal-to-noise ratio as defined by NGMIX: the sum of model times data, divided by the root
        of the sum of the squared model and by the noise. The other galaxy is subtracted first.
    chi2_per_dof : ndarray
        Reduced chi2 of the stamp.
    flags : ndarray of int
        See `FLAG_NOT_CONVERGED` and the other flags.
    n_iterations : ndarray of int
        Number of iterations for the stamp.
    covariance : ndarray, shape (n, galaxy, 3)
        (yy, yx, xx) of the galaxy before the convolution, px^2.
    """

    flux: np.ndarray
    flux_err: np.ndarray
    g1: np.ndarray
    g2: np.ndarray
    size: np.ndarray
    y: np.ndarray
    x: np.ndarray
    s2n: np.ndarray
    chi2_per_dof: np.ndarray
    flags: np.ndarray
    n_iterations: np.ndarray
    covariance: np.ndarray

    @property
    def parameters(self) -> np.ndarray:
        """Parameters for `deblend.photometry.mixtures.render`, shape (n, galaxy, 6)."""
        centre = np.stack([self.y, self.x], axis=-1)
        return np.concatenate([centre, self.covariance, self.flux[..., None]], axis=-1)


@dataclass
class MixtureProblem:
    """Stamps to fit, and the bounds on their parameters, which have the shape (n, galaxy, 6)."""

    images: np.ndarray  #: (n, y, x), finite
    psf: PsfMixture
    profiles: Sequence[str]  #: name of each galaxy's profile
    basis: np.ndarray  #: (parameter, free parameter)
    max_shift: float
    min_variance: float = 0.0  #: of a convolved Gaussian, px^2
    chi2_floor_share: float = (
        CHI2_FLOOR  #: share of the squared pixels below which chi2 counts as zero
    )
    noise: np.ndarray | None = None  #: (n, y, x), noise of the pixels in units of their mean
    start: np.ndarray = field(init=False)  #: first guess of the centres, (n, galaxy, 2)

    def __post_init__(self) -> None:
        self.shape = self.images.shape[1:]
        self.mixtures = [compact(profile_mixture(name)) for name in self.profiles]
        self.images = np.ascontiguousarray(self.images, float).reshape(len(self.images), -1)
        # Images and models are divided by the noise of the pixels.
        self.inverse = np.ones((len(self.images), 1))
        if self.noise is not None:
            self.inverse = 1 / self.noise.reshape(len(self.images), -1)
            self.images = self.images * self.inverse
        self.sum_of_squares = (self.images[:, None] @ self.images[..., None])[:, 0, 0]
        self.chi2_floor = self.chi2_floor_share * self.sum_of_squares
        self.y, self.x = (v.reshape(-1).astype(float) for v in np.indices(self.shape))

    def within_bounds(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Whether parameters are within the bounds."""
        centre, high = p[..., : COL + 1], np.array(self.shape) - 0.5
        good = ((centre >= -0.5) & (centre <= high)).all(axis=(1, 2))
        shift = centre - self.start[rows]
        good &= (np.hypot(shift[..., 0], shift[..., 1]) <= self.max_shift).all(axis=1)
        covariance = p[..., YY : XX + 1]
        # A galaxy wider than the stamp would only fit a gradient of the background.
        good &= (covariance[..., 0] + covariance[..., 2] <= np.prod(self.shape)).all(axis=1)
        for galaxy, mixture in enumerate(self.mixtures):
            widest = mixture.size.max() * covariance[:, galaxy, None]
            convolved = widest + (1 - MIN_VARIANCE_RATIO) * self.psf.covariance[rows]
            good &= (smallest_variance(convolved) >= self.min_variance).all(axis=1)
        return good

    def normal_matrices(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Normal matrices of the free parameters; the last row and column are of the residual."""
        n_all, n_free = self.basis.shape
        full = np.empty((len(p), n_all + 1, n_all + 1))
        psf = self.psf.take(rows)
        sums = [_weights(p[:, g], mixture, psf) for g, mixture in enumerate(self.mixtures)]
        block = max(1, BLOCK_PIXELS // len(self.y))
        for i in range(0, len(p), block):
            part = slice(i, i + block)
            images = self.images[rows[part]]
            jacobian = np.empty((len(images), n_all + 1, images.shape[1]))
            jacobian[:, -1] = images
            for galaxy, (precision, weights) in enumerate(sums):
                first = galaxy * N_PARAMETERS
                out = jacobian[:, first : first + N_PARAMETERS]
                parameters = p[part, galaxy]
                _derivatives(parameters, precision[part], weights[part], self.y, self.x, out)
                if self.noise is not None:
                    out *= self.inverse[rows[part], None]
                jacobian[:, -1] -= parameters[:, [FLUX]] * out[:, FLUX]
            # With a copy, since BLAS is slower for a small matrix times its own transpose.
            np.matmul(jacobian, jacobian.copy().transpose(0, 2, 1), out=full[part])
        projection = np.zeros((n_all + 1, n_free + 1))
        projection[:-1, :-1], projection[-1, -1] = self.basis, 1
        return projection.T @ full @ projection

    def solve(self, first: np.ndarray, max_iterations: int) -> "Solution":
        """Fit all stamps from a first guess."""
        return minimise(self, first, max_iterations)


def _weights(p: np.ndarray, profile: Profile, psf: PsfMixture) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients that `_derivatives` needs, from the Gaussians of one galaxy.

    Returns
    -------
    precision : ndarray, shape (n, gaussian, 3)
        Coefficients of dy dy, dy dx and dx dx in the exponents, from the inverse covariances.
    weights : ndarray, shape (n, 17, gaussian)
        Weights of the sums over the Gaussians: 1 for the flux; 2 x 2 for the centre, which are
        multiplied by dy and dx; 3 x 4 for the covariance, which are multiplied by dy dy, dy dx, dx
        dx and 1.
    """
    size = np.repeat(profile.size, psf.share.shape[1])
    share, covariance = convolve(profile, p[:, YY : XX + 1], psf)
    amplitude, precision = amplitudes_and_precisions(share, covariance)
    byy, byx, bxx = np.moveaxis(precision, -1, 0)
    centre = [byy, byx, byx, bxx]
    shape = [
        *(byy * byy / 2, byy * byx, byx * byx / 2, -byy / 2),
        *(byy * byx, byy * bxx + byx * byx, byx * bxx, -byx),
        *(byx * byx / 2, byx * bxx, bxx * bxx / 2, -bxx / 2),
    ]
    weights = np.stack([np.ones_like(byy), *centre, *shape], axis=1)
    weights[:, 1:] *= p[:, FLUX, None, None]
    weights[:, 5:] *= size
    return precision * [-0.5, -1, -0.5], weights * amplitude[:, None]


def _derivatives(
    p: np.ndarray,
    precision: np.ndarray,
    weights: np.ndarray,
    y: np.ndarray,
    x: np.ndarray,
    out: np.ndarray,
) -> None:
    """Derivatives of one galaxy's model with respect to its parameters.

    For a Gaussian N with the inverse covariance B, at the distance d from its centre, the
    derivatives with respect to centre and covariance are B d N and (B d d' B - B) N / 2. So every
    pixel only needs weighted sums over the Gaussians, multiplied by d and d d'.

    Parameters
    ----------
    p : ndarray, shape (n, 6)
    precision, weights : ndarray
        Coefficients from `_weights`.
    y, x : ndarray, shape (pixel,)
    out : ndarray, shape (n, 6, pixel)
        The derivatives are written to this array.
    """
    n, n_pixels = len(p), len(y)
    d = np.stack([y - p[:, [ROW]], x - p[:, [COL]]], axis=1)
    dd = np.ones((n, 4, n_pixels))
    np.multiply(d[:, :1], d, out=dd[:, :2])
    np.multiply(d[:, 1], d[:, 1], out=dd[:, 2])
    gaussians = precision @ dd[:, :3]
    np.exp(gaussians, out=gaussians)
    sums = weights @ gaussians
    out[:, FLUX] = sums[:, 0]
    centre, shape = sums[:, 1:5].reshape(n, 2, 2, -1), sums[:, 5:].reshape(n, 3, 4, -1)
    np.einsum("nmp,nkmp->nkp", d, centre, out=out[:, :YY])
    np.einsum("nmp,nkmp->nkp", dd, shape, out=out[:, YY:FLUX])


class Problem(Protocol):
    """What `minimise` needs to know about a batch of stamps and a model of them."""

    basis: np.ndarray  #: (parameter, free parameter)
    chi2_floor: np.ndarray  #: (n,), a chi2 below counts as zero

    def within_bounds(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Whether parameters of some stamps, (row, galaxy, parameter), are within the bounds."""

    def normal_matrices(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Normal matrices of the free parameters; the last row and column are of the residual."""


@dataclass
class Solution:
    """Parameters at the end of a minimisation, and how it ended."""

    p: np.ndarray  #: (n, galaxy, parameter)
    normal: np.ndarray  #: (n, free + 1, free + 1)
    converged: np.ndarray
    hit_bound: np.ndarray  #: a step was refused because of a bound
    n_iterations: np.ndarray


def minimise(problem: Problem, p: np.ndarray, max_iterations: int) -> Solution:
    """Levenberg-Marquardt minimisation, independent for every stamp.

    Parameters
    ----------
    problem : Problem
    p : ndarray, shape (n, galaxy, parameter)
        First guess, within the bounds.
    max_iterations : int

    Returns
    -------
    Solution
    """
    n, basis = len(p), problem.basis
    n_free = basis.shape[1]
    p = p.copy()
    normal = problem.normal_matrices(p, np.arange(n))
    damping, growth = np.full(n, 1e-3), np.full(n, 2.0)
    scale = np.zeros((n, n_free))
    converged, hit_bound = np.zeros(n, bool), np.zeros(n, bool)
    n_iterations = np.zeros(n, int)
    for _ in range(max_iterations):
        rows = np.flatnonzero(~converged)
        if not len(rows):
            break
        n_iterations[rows] += 1
        current = normal[rows]
        hessian, gradient = current[:, :-1, :-1], current[:, :-1, -1]
        chi2 = current[:, -1, -1]
        # MINPACK's scaling: the largest effect that each parameter has had on the model so far.
        scale[rows] = np.maximum(scale[rows], np.diagonal(hessian, axis1=1, axis2=2))
        d = np.where(scale[rows] > 0, scale[rows], 1.0)
        damped = hessian.copy()
        i = np.arange(n_free)
        # The small constant keeps singular matrices solvable for any damping.
        damped[:, i, i] += (damping[rows, None] + 1e-14) * d
        step = np.linalg.solve(damped, gradient[..., None])
        trial = p[rows] + (basis @ step).reshape(p[rows].shape)
        step = step[..., 0]
        good = problem.within_bounds(trial, rows)
        hit_bound[rows[~good]] = True
        new = current.copy()
        new[~good, -1, -1] = np.inf
        new[good] = problem.normal_matrices(trial[good], rows[good])

        weighted = (d * step * step).sum(axis=1)
        predicted = (step * gradient).sum(axis=1) + damping[rows] * weighted
        actual = chi2 - new[:, -1, -1]
        ratio = actual / np.where(predicted > 0, predicted, np.inf)
        better = good & (actual > 0) & (ratio > 1e-4)
        improved = rows[better]
        p[improved], normal[improved] = trial[better], new[better]
        factor = np.where(better, np.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3), growth[rows])
        damping[rows] = np.clip(damping[rows] * factor, 1e-15, 1e15)
        growth[rows] = np.where(better, 2.0, 2 * growth[rows])

        small = (np.abs(actual) <= TOLERANCE * chi2) & (predicted <= TOLERANCE * chi2)
        free = (p[rows].reshape(len(rows), -1, 1) * (basis != 0)).sum(axis=1)
        small |= weighted <= TOLERANCE**2 * (d * free * free).sum(axis=1)
        converged[rows] = small | (normal[rows, -1, -1] <= problem.chi2_floor[rows])
    return Solution(p, normal, converged, hit_bound, n_iterations)


def _start(problem: MixtureProblem, positions: np.ndarray) -> np.ndarray:
    """First guess: round galaxies of the best of a few sizes, and fluxes by linear least squares.

    Parameters
    ----------
    problem : MixtureProblem
    positions : ndarray, shape (n, galaxy, 2)

    Returns
    -------
    ndarray, shape (n, galaxy, 6)
    """
    n, n_galaxies = positions.shape[:2]
    best = np.full(n, -np.inf)
    p = np.zeros((n, n_galaxies, N_PARAMETERS))
    p[..., : COL + 1] = positions
    p[..., FLUX] = 1.0
    result = p.copy()
    for size in START_SIZES:
        # T is at most a quarter of the stamp's area.
        half = np.minimum(size * problem.psf.size, np.prod(problem.shape) / 8) / 2
        p[..., YY] = p[..., XX] = half[:, None]
        matrix, vector = _linear_equations(problem, p)
        i = np.arange(n_galaxies)
        matrix[:, i, i] *= 1 + 1e-6  # regular even if two galaxies start at the same position
        flux = np.linalg.solve(matrix, vector[..., None])[..., 0]
        gain = (flux * vector).sum(axis=1)
        better = gain > best
        best[better] = gain[better]
        result[better] = p[better]
        result[better, :, FLUX] = flux[better]
    return result


def _linear_equations(problem: MixtureProblem, p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Normal equations of the fluxes of galaxies of given shapes.

    Returns
    -------
    matrix : ndarray, shape (n, galaxy, galaxy)
    vector : ndarray, shape (n, galaxy)
    """
    n, n_galaxies = p.shape[:2]
    matrix, vector = np.empty((n, n_galaxies, n_galaxies)), np.empty((n, n_galaxies))
    block = max(1, BLOCK_PIXELS // len(problem.y))
    for i in range(0, n, block):
        rows = np.arange(i, min(i + block, n))
        psf = problem.psf.take(rows)
        models = [
            render(p[rows, g, None], [mixture], psf, problem.shape).reshape(len(rows), -1)
            for g, mixture in enumerate(problem.mixtures)
        ]
        galaxies = np.stack(models, axis=1) * problem.inverse[rows, None]
        matrix[rows] = galaxies @ galaxies.transpose(0, 2, 1)
        vector[rows] = (galaxies @ problem.images[rows, :, None])[..., 0]
    return matrix, vector


@one_blas_thread
def fit_mixtures(
    images: np.ndarray,
    positions: np.ndarray,
    psf: PsfMixture,
    *,
    noise_sigma: float | np.ndarray,
    profiles: Sequence[str] = ("exp",),
    fixed_positions: bool = False,
    max_shift_px: float | None = None,
    max_iterations: int = MAX_ITERATIONS,
    round_if_failed: bool = True,
    models: type[MixtureProblem] = MixtureProblem,
) -> MixtureFit:
    """Fit one or two galaxies per stamp.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background subtracted.
    positions : ndarray, shape (n, galaxy, 2)
        First guess of the centres: y and x, px from the centre of the corner pixel.
    psf : PsfMixture
        For n stamps, or one for all stamps.
    noise_sigma : float or ndarray, shape (n,) or (n, y, x)
        Noise per pixel, in the units of the images.
    profiles : sequence of {"exp", "dev", "gauss"}
        One per galaxy.
    fixed_positions : bool
        Do not fit the centres.
    max_shift_px : float, optional
        Largest distance of a centre from its first guess; by default only the stamp limits it.
    max_iterations : int
    round_if_failed : bool
        Fit round galaxies where the fit of free shapes fails. Their fluxes are estimates only, and
        flagged (`FLAG_ROUND`).
    models : type of MixtureProblem
        What renders the models: this module, or NGMIX (`deblend.photometry.ngmix_fit`). Bounds,
        flags and errors are the same.

    Returns
    -------
    MixtureFit

    Raises
    ------
    DeblendError
        Shapes do not match, the noise is not positive, a position is outside its stamp, or a stamp
        does not have more pixels than parameters.
    """
    images, positions = np.asarray(images), np.asarray(positions, float)
    n, n_galaxies = len(images), len(profiles)
    if images.ndim != 3 or positions.shape != (n, n_galaxies, 2):
        raise DeblendError(
            f"images have the shape {images.shape} and positions {positions.shape}: for profiles "
            f"{list(profiles)} they must be (n, y, x) and (n, {n_galaxies}, 2)"
        )
    if len(psf) not in (1, n):
        raise DeblendError(
            f"there are {len(psf)} PSFs for {n} stamps: give one for all, or one per stamp"
        )
    sigma = np.asarray(noise_sigma, float)
    if not (sigma > 0).all():
        raise DeblendError(f"noise_sigma is {sigma.min():g}: it must be positive")
    noise = None
    if sigma.ndim == 3:
        pixels = np.broadcast_to(sigma, images.shape)
        sigma = pixels.mean(axis=(1, 2))
        noise = pixels / sigma[:, None, None]
    sigma = np.broadcast_to(sigma, (n,))
    high = np.array(images.shape[1:]) - 0.5
    outside = ~((positions >= -0.5) & (positions <= high)).all(axis=(1, 2))
    if outside.any():
        bad = int(np.argmax(outside))
        raise DeblendError(
            f"stamp {bad}: its positions (y, x) {positions[bad].tolist()} are not all within its "
            f"{images.shape[1]} x {images.shape[2]} pixels: leave it out, or correct them"
        )
    basis = np.eye(n_galaxies * N_PARAMETERS)
    if fixed_positions:
        basis = basis[:, np.arange(len(basis)) % N_PARAMETERS > COL]
    if np.prod(images.shape[1:]) <= basis.shape[1]:
        raise DeblendError(f"stamps of {images.shape[1:]} pixels are too small to fit {profiles}")
    for name in profiles:
        profile_mixture(name)  # refuses unknown names
    psf = psf.take(np.zeros(n, int)) if len(psf) < n else psf
    shift = np.inf if max_shift_px is None else max_shift_px

    fit = empty_fit(n, n_galaxies)
    finite = np.isfinite(images).all(axis=(1, 2))
    fit.flags[~finite] = FLAG_NOT_FINITE
    good = np.flatnonzero(finite)
    for i in range(0, len(good), CHUNK):
        rows = good[i : i + CHUNK]
        for columns, flag in ((basis, 0), (_round_galaxies(basis), FLAG_ROUND)):
            own_noise = None if noise is None else noise[rows]
            problem = models(
                images[rows], psf.take(rows), profiles, columns, shift, noise=own_noise
            )
            problem.start = positions[rows]
            first = _start(problem, positions[rows])
            solution = problem.solve(first, max_iterations)
            _summarise(fit, rows, solution, sigma[rows], problem, flag)
            # Noise can drive the shape of a faint galaxy to its bounds: fit a round galaxy instead.
            rows = rows[(fit.flags[rows, 0] & (FLAG_NOT_CONVERGED | FLAG_BOUND)) > 0]
            if not (len(rows) and round_if_failed):
                break
    return fit


def _parameter_indices(basis: np.ndarray) -> np.ndarray:
    """Index of each free parameter among a galaxy's parameters (the first of those tied to it)."""
    return np.argmax(basis != 0, axis=0) % N_PARAMETERS


def _round_galaxies(basis: np.ndarray) -> np.ndarray:
    """Basis of the free parameters of round galaxies: one size instead of a covariance."""
    which = np.arange(len(basis)) % N_PARAMETERS
    tied = basis.copy()
    tied[which == XX] += tied[which == YY]
    return tied[:, ~np.isin(_parameter_indices(basis), (YX, XX))]


def empty_fit(n: int, n_galaxies: int) -> MixtureFit:
    """Arrays of results, with the values of stamps that were not fitted."""
    arrays = {f.name: np.full((n, n_galaxies), np.nan) for f in fields(MixtureFit)}
    for name in ("flags", "n_iterations"):
        arrays[name] = np.zeros((n, n_galaxies), int)
    arrays["covariance"] = np.full((n, n_galaxies, 3), np.nan)
    return MixtureFit(**arrays)


def quality(
    solution: Solution, chi2_floor: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """How well a minimisation has determined its free parameters.

    Parameters
    ----------
    solution : Solution
    chi2_floor : ndarray, shape (n,)
        See `Problem`.

    Returns
    -------
    variance : ndarray, shape (n, free)
        Variances of the free parameters for a noise of 1.
    singular : ndarray of bool, shape (n,)
    flags : ndarray of int, shape (n,)
        `FLAG_NOT_CONVERGED`, `FLAG_BOUND` and `FLAG_SINGULAR`.
    """
    hessian, gradient = solution.normal[:, :-1, :-1], solution.normal[:, :-1, -1]
    root = np.sqrt(np.diagonal(hessian, axis1=1, axis2=2))
    singular = (root == 0).any(axis=1)
    root = np.where(root > 0, root, 1.0)
    values, vectors = np.linalg.eigh(hessian / (root[:, :, None] * root[:, None]))
    singular |= values[:, 0] < SINGULAR
    values = np.maximum(values, SINGULAR)
    variance = (vectors**2 / values[:, None]).sum(axis=2) / root**2
    along = (vectors.transpose(0, 2, 1) @ (gradient / root)[..., None])[..., 0]
    reduction = (along**2 / values).sum(axis=1)  # of chi2, by the best quadratic step
    stuck = ~solution.converged | (reduction > STUCK * solution.normal[:, -1, -1] + chi2_floor)
    stuck &= ~(singular & solution.converged)  # a degenerate direction has no minimum
    flags = np.where(stuck, np.where(solution.hit_bound, FLAG_BOUND, FLAG_NOT_CONVERGED), 0)
    return variance, singular, flags | np.where(singular, FLAG_SINGULAR, 0)


def _summarise(
    fit: MixtureFit,
    rows: np.ndarray,
    solution: Solution,
    sigma: np.ndarray,
    problem: MixtureProblem,
    flag: int,
) -> None:
    """Write the results of a chunk of stamps to `fit`."""
    variance, singular, flags = quality(solution, problem.chi2_floor)
    p = solution.p
    fit.y[rows], fit.x[rows], fit.flux[rows] = p[..., ROW], p[..., COL], p[..., FLUX]
    fit.covariance[rows] = p[..., YY : XX + 1]
    fit.g1[rows], fit.g2[rows], fit.size[rows] = shape_from_covariance(p[..., YY : XX + 1])
    free = _parameter_indices(problem.basis) == FLUX
    error = np.sqrt(variance[:, free]) * sigma[:, None]
    fit.flux_err[rows] = np.where(singular[:, None], np.nan, error)
    # The normal matrix contains the products of model and residual and the squared models.
    columns = np.flatnonzero(free)
    squared = solution.normal[:, columns, columns]
    data = solution.normal[:, columns, -1] + fit.flux[rows] * squared
    root = np.sqrt(np.where(squared > 0, squared, np.inf)) * sigma[:, None]
    fit.s2n[rows] = np.sign(fit.flux[rows]) * data / root
    dof = problem.images.shape[1] - problem.basis.shape[1]
    fit.chi2_per_dof[rows] = (solution.normal[:, -1, -1] / sigma**2 / dof)[:, None]
    fit.n_iterations[rows] = solution.n_iterations[:, None]
    fit.flags[rows] = (
        (flags | flag)[:, None]
        | np.where(fit.flux[rows] > 0, 0, FLAG_NEGATIVE_FLUX)
        | np.where(np.isfinite(fit.g1[rows]), 0, FLAG_NO_SHAPE)
    )


def fit_psf(images: np.ndarray, n_gaussians: int = 3) -> tuple[PsfMixture, np.ndarray]:
    """Fit concentric Gaussians, each with its own shape, to PSF images.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Of any flux. The PSF includes the pixel; its centre is near the brightest pixel.
    n_gaussians : {1, 2, 3}

    Returns
    -------
    psf : PsfMixture
        Shares add up to 1.
    flags : ndarray of int, shape (n,)
        `FLAG_PSF` if Gaussians do not describe the image, whose mixture is then the first guess;
        else 0.

    Raises
    ------
    DeblendError
        An image has no flux or pixels that are not finite, or `n_gaussians` is not 1, 2 or 3.
    """
    if n_gaussians not in PSF_START:
        raise DeblendError(f"a PSF of {n_gaussians} Gaussians is not supported: take 1, 2 or 3")
    images = np.asarray(images, float)
    if images.ndim != 3:
        raise DeblendError(f"PSF images have the shape {images.shape}: it must be (n, y, x)")
    peak = images.max(axis=(1, 2))
    bad = ~(np.isfinite(images).all(axis=(1, 2)) & (peak > 0) & (images.sum(axis=(1, 2)) > 0))
    if bad.any():
        raise DeblendError(
            f"PSF image {int(np.argmax(bad))} has no light or pixels that are not finite: give an "
            "image of a star, or leave the stamp out"
        )
    n, shape = len(images), images.shape[1:]
    images = images / images.sum(axis=(1, 2), keepdims=True)
    # All Gaussians have the centre of the first one.
    basis = np.eye(n_gaussians * N_PARAMETERS)
    for k in range(1, n_gaussians):
        basis[k * N_PARAMETERS + ROW, ROW] = basis[k * N_PARAMETERS + COL, COL] = 1
    keep = (np.arange(len(basis)) < N_PARAMETERS) | (np.arange(len(basis)) % N_PARAMETERS > COL)
    basis = basis[:, keep]
    share = np.empty((n, n_gaussians))
    covariance = np.empty((n, n_gaussians, 3))
    flags = np.zeros(n, int)
    for i in range(0, n, CHUNK):
        part = slice(i, i + CHUNK)
        chunk = images[part]
        no_psf = PsfMixture(np.ones((len(chunk), 1)), np.zeros((len(chunk), 1, 3)))
        problem = MixtureProblem(
            chunk, no_psf, ["gauss"] * n_gaussians, basis, np.inf, MIN_PSF_VARIANCE, PSF_CHI2_FLOOR
        )
        flat = chunk.reshape(len(chunk), -1)
        brightest = np.argmax(flat, axis=1)
        # T of a Gaussian with this peak and flux 1.
        size = np.maximum(1 / (np.pi * flat.max(axis=1)), 5 * MIN_PSF_VARIANCE)
        p = np.zeros((len(chunk), n_gaussians, N_PARAMETERS))
        p[..., : COL + 1] = np.stack(np.unravel_index(brightest, shape), axis=-1)[:, None]
        for k, (flux, factor) in enumerate(PSF_START[n_gaussians]):
            p[:, k, YY] = p[:, k, XX] = factor * size / 2
            p[:, k, FLUX] = flux
        problem.start = p[..., : COL + 1].copy()
        solution = minimise(problem, p, MAX_ITERATIONS)
        # Only the residual counts: many mixtures describe the same PSF, so convergence is not
        # needed.
        failed = solution.normal[:, -1, -1] > MAX_PSF_RESIDUAL * problem.sum_of_squares
        failed |= solution.p[..., FLUX].sum(axis=1) <= 0
        best = np.where(failed[:, None, None], p, solution.p)
        share[part], covariance[part] = best[..., FLUX], best[..., YY : XX + 1]
        flags[part] = np.where(failed, FLAG_PSF, 0)
    share /= share.sum(axis=1, keepdims=True)
    return PsfMixture(share, covariance), flags
