"""Maximum-likelihood fits of Gaussian mixtures to many stamps at once.

What NGMIX does for one object (Sheldon 2015), for one or two galaxies a stamp and without priors:
Levenberg-Marquardt with the step control of MINPACK and Nielsen 1999, analytic derivatives, the
stamps of a batch side by side in arrays. A stamp's numbers do not depend on the others'.

The fit moves a galaxy's covariance itself, not (g1, g2, T): the model is smooth in it even where a
galaxy is a point and has no shape, and a noisy one may be a little sharper than the PSF, as in
NGMIX, which keeps fluxes of faint galaxies unbiased.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, fields

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
    convolve,
    normalise,
    profile_mixture,
    shape_from_covariance,
    smallest_variance,
)

#: Flags, bits of a galaxy's `flags`; 0 is a good fit.
FLAG_NOT_CONVERGED = 1


FLAG_SINGULAR = 2  #: the parameters' covariance is singular: no errors


FLAG_BOUND = 4  #: a bound stopped the fit


FLAG_NOT_FINITE = 8  #: the stamp has pixels that are not finite: not fitted


FLAG_NEGATIVE_FLUX = 16  #: the flux is not positive


FLAG_NO_SHAPE = 32  #: the covariance is no ellipse's: g1 and g2 are NaN, the flux holds


FLAG_PSF = 64  #: the fit of the PSF failed


FLAG_ROUND = 128  #: with free shapes the fit failed: these are of round galaxies


#: Stamps that are fitted side by side, which bounds the memory, and pixels that stay in the cache.
CHUNK, BLOCK_PIXELS = 512, 8192


#: MINPACK's tests: relative reduction of chi2, relative step.
TOLERANCE = 1e-8


MAX_ITERATIONS = 100


#: Where the best quadratic step would still lower chi2 by more than this share, the fit is stuck.
STUCK = 1e-6


#: Share of the squared pixels that is as good as no chi2: rounding errors; a PSF that is known.
ROUNDING, PSF_EXACT = 1e-18, 1e-11


#: Smallest eigenvalue of the parameters' correlation matrix that counts as regular.
SINGULAR = 1e-11


#: First sizes T to try, over the PSF's.
START_SIZES = (0.5, 5.0, 50.0)


#: A convolved Gaussian stays wider than this share of the PSF's variance.
SHARPEST = 0.1


#: Smallest variance of a PSF's Gaussian, px^2: point-sampled, a sharper one falls between pixels.
PSF_VARIANCE = 0.05


#: Share of the squared pixels beyond which the residual means that this is no PSF.
PSF_RESIDUAL = 0.1


#: First guess of a PSF's Gaussians: share of the flux, T over that of a Gaussian of the same peak.
PSF_START = {
    1: ((1.0, 1.0),),
    2: ((0.7, 0.7), (0.3, 2.2)),
    3: ((0.5, 0.5), (0.35, 1.2), (0.15, 4.0)),
}


@dataclass(frozen=True)
class MixtureFit:
    """Fitted galaxies: arrays of shape (n, galaxy), NaN where a stamp was not fitted.

    Attributes
    ----------
    flux, flux_err : ndarray
        Units of the images; the error from the inverse of the normal matrix, for the noise given.
    g1, g2 : ndarray
        Reduced shear.
    size : ndarray
        T, px^2.
    y, x : ndarray
        Centre, px from the corner pixel's centre.
    s2n : ndarray
        NGMIX's: sum of model times data over the root of the sum of the model's squares, over the
        noise; the other galaxy subtracted.
    chi2_per_dof : ndarray
        Of the stamp.
    flags : ndarray of int
        Bits, see `FLAG_NOT_CONVERGED` and those below it.
    n_iterations : ndarray of int
        Of the stamp.
    covariance : ndarray, shape (n, galaxy, 3)
        (yy, yx, xx) before the PSF, px^2.
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
        """As `deblend.photometry.mixtures.render` takes them, shape (n, galaxy, 6)."""
        head = np.stack([self.y, self.x], axis=-1)
        return np.concatenate([head, self.covariance, self.flux[..., None]], axis=-1)


@dataclass
class _Problem:
    """Stamps to fit, and the bounds on their parameters (p: n, galaxy, 6)."""

    images: np.ndarray  #: (n, y, x), finite
    psf: PsfMixture
    profiles: Sequence[Profile]
    basis: np.ndarray  #: (parameter, free parameter)
    max_shift: float
    smallest: float = 0.0  #: variance, px^2
    exact: float = ROUNDING  #: share of the squared pixels that is as good as no chi2
    start: np.ndarray = field(init=False)  #: centres, (n, galaxy, 2)

    def __post_init__(self) -> None:
        self.shape = self.images.shape[1:]
        self.images = np.ascontiguousarray(self.images, float).reshape(len(self.images), -1)
        self.power = (self.images[:, None] @ self.images[..., None])[:, 0, 0]
        self.none = self.exact * self.power
        self.y, self.x = (v.reshape(-1).astype(float) for v in np.indices(self.shape))

    def inside(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Whether parameters are within the bounds."""
        centre, high = p[..., : COL + 1], np.array(self.shape) - 0.5
        good = ((centre >= -0.5) & (centre <= high)).all(axis=(1, 2))
        shift = centre - self.start[rows]
        good &= (np.hypot(shift[..., 0], shift[..., 1]) <= self.max_shift).all(axis=1)
        covariance = p[..., YY : XX + 1]
        # Wider than the stamp's side it would be a slope of the background.
        good &= (covariance[..., 0] + covariance[..., 2] <= np.prod(self.shape)).all(axis=1)
        for galaxy, profile in enumerate(self.profiles):
            widest = profile.size.max() * covariance[:, galaxy, None]
            left = widest + (1 - SHARPEST) * self.psf.covariance[rows]
            good &= (smallest_variance(left) >= self.smallest).all(axis=1)
        return good

    def normal(self, p: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """Normal matrices in the free parameters, the residual the last row and column."""
        n_all, n_free = self.basis.shape
        full = np.empty((len(p), n_all + 1, n_all + 1))
        psf = self.psf.take(rows)
        sums = [_weights(p[:, g], profile, psf) for g, profile in enumerate(self.profiles)]
        block = max(1, BLOCK_PIXELS // len(self.y))
        for i in range(0, len(p), block):
            part = slice(i, i + block)
            images = self.images[rows[part]]
            jacobian = np.empty((len(images), n_all + 1, images.shape[1]))
            jacobian[:, -1] = images
            for galaxy, (precision, weights) in enumerate(sums):
                first = galaxy * N_PARAMETERS
                out = jacobian[:, first : first + N_PARAMETERS]
                mine = p[part, galaxy]
                _derivatives(mine, precision[part], weights[part], self.y, self.x, out)
                jacobian[:, -1] -= mine[:, [FLUX]] * out[:, FLUX]
            # A copy: BLAS is slower for a small matrix times its own transpose.
            np.matmul(jacobian, jacobian.copy().transpose(0, 2, 1), out=full[part])
        wide = np.zeros((n_all + 1, n_free + 1))
        wide[:-1, :-1], wide[-1, -1] = self.basis, 1
        return wide.T @ full @ wide


def _weights(p: np.ndarray, profile: Profile, psf: PsfMixture) -> tuple[np.ndarray, np.ndarray]:
    """What `_derivatives` needs of the Gaussians.

    Returns
    -------
    precision : ndarray, shape (n, gaussian, 3)
        Of the exponents: minus half the inverse covariance's yy, both yx, xx.
    weights : ndarray, shape (n, 17, gaussian)
        Of the sums over Gaussians: for the flux; for the centre, 2 by dy, dx; for the covariance, 3
        by dy dy, dy dx, dx dx, 1.
    """
    size = np.repeat(profile.size, psf.share.shape[1])
    share, covariance = convolve(profile, p[:, YY : XX + 1], psf)
    amplitude, precision = normalise(share, covariance)
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
    """Derivatives of one galaxy's model by its parameters.

    With B the inverse covariance of a Gaussian N and d the distance to its centre, those by centre
    and covariance are B d N and (B d d' B - B) N / 2. So all that pixels need are weighted sums
    over the Gaussians, times d and d d'.

    Parameters
    ----------
    p : ndarray, shape (n, 6)
    precision, weights : ndarray
        From `_weights`.
    y, x : ndarray, shape (pixel,)
    out : ndarray, shape (n, 6, pixel)
        Written to.
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


@dataclass
class _Solution:
    p: np.ndarray  #: (n, galaxy, 6)
    normal: np.ndarray  #: (n, free + 1, free + 1)
    converged: np.ndarray
    walled: np.ndarray  #: a bound refused a step
    n_iterations: np.ndarray


def _minimise(problem: _Problem, p: np.ndarray, max_iterations: int) -> _Solution:
    """Levenberg-Marquardt from parameters within the bounds, every stamp on its own."""
    n, basis = len(p), problem.basis
    n_free = basis.shape[1]
    p = p.copy()
    normal = problem.normal(p, np.arange(n))
    damping, growth = np.full(n, 1e-3), np.full(n, 2.0)
    scale = np.zeros((n, n_free))
    converged, walled = np.zeros(n, bool), np.zeros(n, bool)
    n_iterations = np.zeros(n, int)
    for _ in range(max_iterations):
        rows = np.flatnonzero(~converged)
        if not len(rows):
            break
        n_iterations[rows] += 1
        now = normal[rows]
        hessian, gradient, chi2 = now[:, :-1, :-1], now[:, :-1, -1], now[:, -1, -1]
        # MINPACK's scaling: what a parameter has ever done to the model.
        scale[rows] = np.maximum(scale[rows], np.diagonal(hessian, axis1=1, axis2=2))
        d = np.where(scale[rows] > 0, scale[rows], 1.0)
        damped = hessian.copy()
        i = np.arange(n_free)
        # The tiny term keeps singular matrices solvable whatever the damping.
        damped[:, i, i] += (damping[rows, None] + 1e-14) * d
        step = np.linalg.solve(damped, gradient[..., None])
        trial = p[rows] + (basis @ step).reshape(p[rows].shape)
        step = step[..., 0]
        good = problem.inside(trial, rows)
        walled[rows[~good]] = True
        new = now.copy()
        new[~good, -1, -1] = np.inf
        new[good] = problem.normal(trial[good], rows[good])

        weighted = (d * step * step).sum(axis=1)
        predicted = (step * gradient).sum(axis=1) + damping[rows] * weighted
        actual = chi2 - new[:, -1, -1]
        ratio = actual / np.where(predicted > 0, predicted, np.inf)
        better = good & (actual > 0) & (ratio > 1e-4)
        take = rows[better]
        p[take], normal[take] = trial[better], new[better]
        factor = np.where(better, np.maximum(1 / 3, 1 - (2 * ratio - 1) ** 3), growth[rows])
        damping[rows] = np.clip(damping[rows] * factor, 1e-15, 1e15)
        growth[rows] = np.where(better, 2.0, 2 * growth[rows])

        small = (np.abs(actual) <= TOLERANCE * chi2) & (predicted <= TOLERANCE * chi2)
        free = (p[rows].reshape(len(rows), -1, 1) * (basis != 0)).sum(axis=1)
        small |= weighted <= TOLERANCE**2 * (d * free * free).sum(axis=1)
        converged[rows] = small | (normal[rows, -1, -1] <= problem.none[rows])
    return _Solution(p, normal, converged, walled, n_iterations)


def _start(problem: _Problem, positions: np.ndarray) -> np.ndarray:
    """First parameters: the best of a few round sizes, fluxes by linear least squares.

    Parameters
    ----------
    problem : _Problem
    positions : ndarray, shape (n, galaxy, 2)

    Returns
    -------
    ndarray, shape (n, galaxy, 6)
    """
    n, n_galaxies = positions.shape[:2]
    best = np.full(n, -np.inf)
    p = np.zeros((n, n_galaxies, N_PARAMETERS))
    p[..., : COL + 1] = positions
    flux_rows = np.arange(n_galaxies) * N_PARAMETERS + FLUX
    whole = _Problem(
        problem.images.reshape(n, *problem.shape),
        problem.psf,
        problem.profiles,
        np.eye(n_galaxies * N_PARAMETERS)[:, flux_rows],
        np.inf,
    )
    result = p.copy()
    for size in START_SIZES:
        # No wider than a quarter of the stamp.
        half = np.minimum(size * problem.psf.size, np.prod(problem.shape) / 8) / 2
        p[..., YY] = p[..., XX] = half[:, None]
        normal = whole.normal(p, np.arange(n))
        matrix, vector = normal[:, :-1, :-1], normal[:, :-1, -1]
        i = np.arange(n_galaxies)
        matrix[:, i, i] *= 1 + 1e-6  # galaxies may start at one place
        flux = np.linalg.solve(matrix, vector[..., None])[..., 0]
        gain = (flux * vector).sum(axis=1)
        better = gain > best
        best[better] = gain[better]
        result[better] = p[better]
        result[better, :, FLUX] = flux[better]
    return result


def starting_values(
    images: np.ndarray,
    positions: np.ndarray,
    psf: PsfMixture,
    *,
    profiles: Sequence[str] = ("exp",),
) -> np.ndarray:
    """First guess of a fit: round galaxies, fluxes by linear least squares.

    Parameters
    ----------
    images, positions, psf, profiles
        See `fit_mixtures`; a PSF a stamp, all pixels finite.

    Returns
    -------
    ndarray, shape (n, galaxy, 6)
        As `deblend.photometry.mixtures.render` takes them.
    """
    mixtures = [profile_mixture(name) for name in profiles]
    basis = np.eye(len(profiles) * N_PARAMETERS)
    return _start(_Problem(images, psf, mixtures, basis, np.inf), positions)


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
) -> MixtureFit:
    """Fit one or two galaxies a stamp.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background zero.
    positions : ndarray, shape (n, galaxy, 2)
        First guess of the centres, y and x, px from the corner pixel's centre.
    psf : PsfMixture
        Of n stamps, or of one for all.
    noise_sigma : float or ndarray, shape (n,)
        Noise of a pixel, in the images' units.
    profiles : sequence of {"exp", "dev", "gauss"}
        One a galaxy.
    fixed_positions : bool
        Hold the centres where they are.
    max_shift_px : float, optional
        Largest distance of a centre from its first guess; default: anywhere in the stamp.
    max_iterations : int

    Returns
    -------
    MixtureFit

    Raises
    ------
    DeblendError
        Shapes do not fit, the noise is not positive, a position is outside its stamp, or a stamp
        has fewer pixels than parameters.
    """
    images, positions = np.asarray(images), np.asarray(positions, float)
    n, n_galaxies = len(images), len(profiles)
    if images.ndim != 3 or positions.shape != (n, n_galaxies, 2):
        raise DeblendError(
            f"images have the shape {images.shape} and positions {positions.shape}: for profiles "
            f"{list(profiles)} they must be (n, y, x) and (n, {n_galaxies}, 2)"
        )
    if len(psf) not in (1, n):
        raise DeblendError(f"there are {len(psf)} PSFs for {n} stamps: give one, or one a stamp")
    sigma = np.broadcast_to(np.asarray(noise_sigma, float), (n,))
    if not (sigma > 0).all():
        raise DeblendError(f"noise_sigma is {sigma.min():g}: it must be positive")
    high = np.array(images.shape[1:]) - 0.5
    outside = ~((positions >= -0.5) & (positions <= high)).all(axis=(1, 2))
    if outside.any():
        bad = int(np.argmax(outside))
        raise DeblendError(
            f"stamp {bad}: its positions (y, x) {positions[bad].tolist()} are not all within its "
            f"{images.shape[1]} x {images.shape[2]} pixels: leave it out, or mend them"
        )
    basis = np.eye(n_galaxies * N_PARAMETERS)
    if fixed_positions:
        basis = basis[:, np.arange(len(basis)) % N_PARAMETERS > COL]
    if np.prod(images.shape[1:]) <= basis.shape[1]:
        raise DeblendError(f"stamps of {images.shape[1:]} pixels are too small to fit {profiles}")
    mixtures = [profile_mixture(name) for name in profiles]
    psf = psf.take(np.zeros(n, int)) if len(psf) < n else psf
    shift = np.inf if max_shift_px is None else max_shift_px

    fit = empty_fit(n, n_galaxies)
    finite = np.isfinite(images).all(axis=(1, 2))
    fit.flags[~finite] = FLAG_NOT_FINITE
    good = np.flatnonzero(finite)
    for i in range(0, len(good), CHUNK):
        rows = good[i : i + CHUNK]
        for columns, flag in ((basis, 0), (_round(basis), FLAG_ROUND)):
            problem = _Problem(images[rows], psf.take(rows), mixtures, columns, shift)
            problem.start = positions[rows]
            first = _start(problem, positions[rows])
            solution = _minimise(problem, first, max_iterations)
            _summarise(fit, rows, solution, sigma[rows], problem, flag)
            # Noise can drive a faint galaxy's shape to its bounds; fewer parameters hold it.
            rows = rows[(fit.flags[rows, 0] & (FLAG_NOT_CONVERGED | FLAG_BOUND)) > 0]
            if not len(rows):
                break
    return fit


def _names(basis: np.ndarray) -> np.ndarray:
    """Which of a galaxy's parameters each free parameter is (the first of those tied to it)."""
    return np.argmax(basis != 0, axis=0) % N_PARAMETERS


def _round(basis: np.ndarray) -> np.ndarray:
    """Free parameters of round galaxies: one size in place of a covariance."""
    which = np.arange(len(basis)) % N_PARAMETERS
    tied = basis.copy()
    tied[which == XX] += tied[which == YY]
    return tied[:, ~np.isin(_names(basis), (YX, XX))]


def empty_fit(n: int, n_galaxies: int) -> MixtureFit:
    """Results of stamps that were not fitted, to be written to."""
    arrays = {f.name: np.full((n, n_galaxies), np.nan) for f in fields(MixtureFit)}
    for name in ("flags", "n_iterations"):
        arrays[name] = np.zeros((n, n_galaxies), int)
    arrays["covariance"] = np.full((n, n_galaxies, 3), np.nan)
    return MixtureFit(**arrays)


def _quality(solution: _Solution, none: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Variances of the free parameters for a noise of 1, whether singular, flags of the fit."""
    hessian, gradient = solution.normal[:, :-1, :-1], solution.normal[:, :-1, -1]
    root = np.sqrt(np.diagonal(hessian, axis1=1, axis2=2))
    singular = (root == 0).any(axis=1)
    root = np.where(root > 0, root, 1.0)
    values, vectors = np.linalg.eigh(hessian / (root[:, :, None] * root[:, None]))
    singular |= values[:, 0] < SINGULAR
    values = np.maximum(values, SINGULAR)
    variance = (vectors**2 / values[:, None]).sum(axis=2) / root**2
    along = (vectors.transpose(0, 2, 1) @ (gradient / root)[..., None])[..., 0]
    left = (along**2 / values).sum(axis=1)
    stuck = ~solution.converged | (left > STUCK * solution.normal[:, -1, -1] + none)
    stuck &= ~(singular & solution.converged)  # along what changes nothing there is no minimum
    flags = np.where(stuck, np.where(solution.walled, FLAG_BOUND, FLAG_NOT_CONVERGED), 0)
    return variance, singular, flags | np.where(singular, FLAG_SINGULAR, 0)


def _summarise(
    fit: MixtureFit,
    rows: np.ndarray,
    solution: _Solution,
    sigma: np.ndarray,
    problem: _Problem,
    flag: int,
) -> None:
    """Write a chunk's galaxies."""
    variance, singular, flags = _quality(solution, problem.none)
    p = solution.p
    fit.y[rows], fit.x[rows], fit.flux[rows] = p[..., ROW], p[..., COL], p[..., FLUX]
    fit.covariance[rows] = p[..., YY : XX + 1]
    fit.g1[rows], fit.g2[rows], fit.size[rows] = shape_from_covariance(p[..., YY : XX + 1])
    free = _names(problem.basis) == FLUX
    error = np.sqrt(variance[:, free]) * sigma[:, None]
    fit.flux_err[rows] = np.where(singular[:, None], np.nan, error)
    # Model times residual, and model squared, are in the normal matrix.
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
    """Fit concentric Gaussians, each with its own ellipticity, to PSF images.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Any scale; the pixel included, the centre anywhere near the brightest pixel.
    n_gaussians : {1, 2, 3}

    Returns
    -------
    psf : PsfMixture
        Shares add up to 1.
    flags : ndarray of int, shape (n,)
        0, or `FLAG_PSF` where Gaussians do not describe the image: the mixture is the first guess.

    Raises
    ------
    DeblendError
        An image has no light, pixels that are not finite, or n_gaussians is none of those.
    """
    if n_gaussians not in PSF_START:
        raise DeblendError(f"a PSF of {n_gaussians} Gaussians is not offered: take 1, 2 or 3")
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
    gauss = profile_mixture("gauss")
    # All share the first one's centre.
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
        mine = images[part]
        none = PsfMixture(np.ones((len(mine), 1)), np.zeros((len(mine), 1, 3)))
        problem = _Problem(
            mine, none, [gauss] * n_gaussians, basis, np.inf, PSF_VARIANCE, PSF_EXACT
        )
        flat = mine.reshape(len(mine), -1)
        brightest = np.argmax(flat, axis=1)
        # T of a Gaussian of this peak; the flux is 1.
        size = np.maximum(1 / (np.pi * flat.max(axis=1)), 5 * PSF_VARIANCE)
        p = np.zeros((len(mine), n_gaussians, N_PARAMETERS))
        p[..., : COL + 1] = np.stack(np.unravel_index(brightest, shape), axis=-1)[:, None]
        for k, (flux, factor) in enumerate(PSF_START[n_gaussians]):
            p[:, k, YY] = p[:, k, XX] = factor * size / 2
            p[:, k, FLUX] = flux
        problem.start = p[..., : COL + 1].copy()
        solution = _minimise(problem, p, MAX_ITERATIONS)
        # What counts is the description, not which of many mixtures that give it.
        failed = solution.normal[:, -1, -1] > PSF_RESIDUAL * problem.power
        failed |= solution.p[..., FLUX].sum(axis=1) <= 0
        best = np.where(failed[:, None, None], p, solution.p)
        share[part], covariance[part] = best[..., FLUX], best[..., YY : XX + 1]
        flags[part] = np.where(failed, FLAG_PSF, 0)
    share /= share.sum(axis=1, keepdims=True)
    return PsfMixture(share, covariance), flags
