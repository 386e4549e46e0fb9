"""The built-in fitter: galaxies that GalSim drew, flags and errors."""

import galsim
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_BOUND,
    FLAG_NEGATIVE_FLUX,
    FLAG_NO_SHAPE,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    FLAG_PSF,
    FLAG_ROUND,
    FLAG_SINGULAR,
    fit_mixtures,
    fit_psf,
    minimise,
    quality,
)
from deblend.photometry.mixtures import PsfMixture, covariance_from_shape, profile_mixture, render

SIZE = 48
CENTRE = SIZE / 2 - 0.5
#: The PSF of the tests, in pixels: two Gaussians, slightly elliptical.
PSF_SIGMAS, PSF_SHARES, PSF_G = (1.4, 2.6), (0.75, 0.25), (0.02, -0.03)
FAILED = FLAG_NOT_CONVERGED | FLAG_BOUND | FLAG_NOT_FINITE


def galsim_psf():
    parts = [galsim.Gaussian(sigma=s, flux=f) for s, f in zip(PSF_SIGMAS, PSF_SHARES, strict=True)]
    return galsim.Add(parts).shear(g1=PSF_G[0], g2=PSF_G[1])


def exact_psf():
    g_squared = PSF_G[0] ** 2 + PSF_G[1] ** 2
    sizes = 2 * np.array(PSF_SIGMAS) ** 2 * (1 + g_squared) / (1 - g_squared)
    return PsfMixture(np.array([PSF_SHARES]), covariance_from_shape(*PSF_G, sizes)[None])


def draw(galaxy, psf=None, size=SIZE):
    """Image of a galaxy from GalSim, with a pixel scale of 1; the PSF includes the pixel."""
    galaxy = galaxy if psf is None else galsim.Convolve(galaxy, psf)
    return galaxy.drawImage(nx=size, ny=size, scale=1.0, method="no_pixel", dtype=float).array


def galaxies(name, n, seed):
    """Profiles of known flux, shape and centre (y, x, from the stamp's centre)."""
    rng = np.random.default_rng(seed)
    radii = rng.uniform(1.5, 3, n) if name == "dev" else rng.uniform(1.5, 4, n)
    g = rng.uniform(-0.4, 0.4, (n, 2))
    shift, flux = rng.uniform(-1, 1, (n, 2)), rng.uniform(50, 500, n)
    made = []
    for i in range(n):
        if name == "exp":
            one = galsim.Exponential(half_light_radius=radii[i], flux=flux[i])
        else:
            # The mixture ends at eight half-light radii; the profile does not end.
            one = galsim.Sersic(
                n=4, half_light_radius=radii[i], trunc=8 * radii[i], flux_untruncated=True,
                flux=flux[i],
            )  # fmt: skip
            flux[i] = one.flux
        made.append(one.shear(g1=g[i, 0], g2=g[i, 1]).shift(shift[i, 1], shift[i, 0]))
    return made, flux, g, shift


@pytest.mark.parametrize(("name", "side"), [("exp", 48), ("dev", 96)])
def test_fluxes_and_shapes_of_galsim_galaxies(name, side):
    made, flux, g, shift = galaxies(name, 12, 3)
    images = np.stack([draw(galaxy, galsim_psf(), side) for galaxy in made])
    centre = side / 2 - 0.5
    fit = fit_mixtures(
        images, np.full((12, 1, 2), centre), exact_psf(), noise_sigma=1.0, profiles=(name,)
    )
    assert (fit.flags == 0).all()
    np.testing.assert_allclose(fit.flux[:, 0], flux, rtol=0.005)
    np.testing.assert_allclose(np.column_stack([fit.g1, fit.g2]), g, atol=0.01)
    np.testing.assert_allclose(np.column_stack([fit.y, fit.x]) - centre, shift, atol=0.01)


def test_a_mixture_is_recovered_exactly():
    p = np.array([[22.1, 24.3, *covariance_from_shape(0.3, -0.2, 20.0), 150.0]])
    image = render(p[None], [profile_mixture("exp")], exact_psf(), (SIZE, SIZE))
    fit = fit_mixtures(image, np.full((1, 1, 2), CENTRE), exact_psf(), noise_sigma=1e-3)
    assert fit.flags[0, 0] == 0
    np.testing.assert_allclose(fit.parameters[0], p, rtol=1e-7)
    assert fit.g1[0, 0] == pytest.approx(0.3)
    assert fit.size[0, 0] == pytest.approx(20)


def noisy(n, seed, galaxies_per_stamp=1, low=20, high=100, side=40):
    """Exponential galaxies, drawn as mixtures, of known signal-to-noise ratio; the noise is 1."""
    rng = np.random.default_rng(seed)
    p = np.zeros((n, galaxies_per_stamp, 6))
    p[..., :2] = side / 2 + rng.uniform(-0.5, 0.5, (n, galaxies_per_stamp, 2))
    g = rng.uniform(-0.4, 0.4, (2, n, galaxies_per_stamp))
    p[..., 2:5] = covariance_from_shape(*g, rng.uniform(5, 40, (n, galaxies_per_stamp)))
    if galaxies_per_stamp == 2:
        angle, distance = rng.uniform(0, 2 * np.pi, n), rng.uniform(5, 9, n)
        p[:, 1, 0] += distance * np.sin(angle)
        p[:, 1, 1] += distance * np.cos(angle)
    psf, profile = exact_psf().take(np.zeros(n, int)), profile_mixture("exp")
    for galaxy in range(galaxies_per_stamp):
        p[:, galaxy, 5] = 1
        alone = render(p[:, [galaxy]], [profile], psf, (side, side))
        s2n = rng.uniform(low, high, n)
        p[:, galaxy, 5] = s2n / np.sqrt((alone**2).sum(axis=(1, 2)))
    images = render(p, [profile] * galaxies_per_stamp, psf, (side, side))
    return images + rng.normal(0, 1, images.shape), p


def test_errors_of_the_flux_are_right():
    images, p = noisy(400, 5)
    fit = fit_mixtures(images, np.full((400, 1, 2), 19.5), exact_psf(), noise_sigma=1.0)
    assert ((fit.flags & ~FLAG_NO_SHAPE) == 0).all()
    pull = ((fit.flux - p[..., 5]) / fit.flux_err)[:, 0]
    assert abs(pull.mean()) < 0.15
    assert 0.9 < pull.std() < 1.1
    assert fit.chi2_per_dof.mean() == pytest.approx(1, abs=0.01)
    # Fluxes have larger errors than amplitudes, since sizes are fitted too.
    assert (fit.s2n > fit.flux / fit.flux_err).all()
    assert fit.s2n.min() > 15
    assert fit.s2n.max() < 105


def test_fluxes_of_blended_galaxies():
    images, p = noisy(200, 6, galaxies_per_stamp=2)
    starts = p[..., :2] + np.random.default_rng(1).uniform(-0.7, 0.7, (200, 2, 2))
    fit = fit_mixtures(images, starts, exact_psf(), noise_sigma=1.0, profiles=("exp", "exp"))
    good = (fit.flags & ~FLAG_NO_SHAPE) == 0
    assert good.mean() > 0.97
    pull = ((fit.flux - p[..., 5]) / fit.flux_err)[good]
    assert abs(np.median(pull)) < 0.15
    assert 0.85 < (np.percentile(pull, 84) - np.percentile(pull, 16)) / 2 < 1.15


def test_different_profiles_and_fixed_positions():
    p = np.array(
        [
            [18.0, 17.0, *covariance_from_shape(0.1, 0.2, 12.0), 90.0],
            [24.0, 27.0, *covariance_from_shape(-0.1, 0.0, 30.0), 60.0],
        ]
    )
    mixtures = [profile_mixture("exp"), profile_mixture("dev")]
    image = render(p[None], mixtures, exact_psf(), (SIZE, SIZE))
    options = {"noise_sigma": 1.0, "profiles": ("exp", "dev")}
    free = fit_mixtures(image, p[None, :, :2] + 0.4, exact_psf(), **options)
    np.testing.assert_allclose(free.flux[0], [90, 60], rtol=1e-6)
    held = fit_mixtures(image, p[None, :, :2], exact_psf(), **options, fixed_positions=True)
    np.testing.assert_allclose(held.flux[0], [90, 60], rtol=1e-6)
    np.testing.assert_array_equal(np.stack([held.y, held.x], axis=-1)[0], p[:, :2])
    assert (held.flux_err < free.flux_err).all()


@pytest.mark.parametrize(("low", "high"), [(5, 6), (10, 12), (950, 1000)])
def test_fits_converge_at_any_signal_to_noise(low, high):
    images, p = noisy(150, 7, low=low, high=high)
    fit = fit_mixtures(images, np.full((150, 1, 2), 19.5), exact_psf(), noise_sigma=1.0)
    assert ((fit.flags & FAILED) == 0).mean() > 0.95
    if low > 5:
        assert ((fit.flags & FLAG_ROUND) == 0).mean() > 0.95
    fine = (fit.flags & FAILED) == 0
    assert abs(np.median((fit.flux / p[..., 5])[fine]) - 1) < 0.15


def test_a_stamp_does_not_depend_on_the_others():
    images, _ = noisy(30, 8, low=5, high=50)
    order = np.random.default_rng(2).permutation(30)
    start = np.full((30, 1, 2), 19.5)
    whole = fit_mixtures(images, start, exact_psf(), noise_sigma=1.0)
    mixed = fit_mixtures(images[order], start, exact_psf(), noise_sigma=1.0)
    for name in ("flux", "flux_err", "g1", "y", "flags"):
        np.testing.assert_array_equal(getattr(whole, name)[order], getattr(mixed, name))
    for i in (0, 17):
        alone = fit_mixtures(images[[i]], start[:1], exact_psf(), noise_sigma=1.0)
        assert alone.flux[0] == whole.flux[i]
        assert alone.flux_err[0] == whole.flux_err[i]


def test_noisier_pixels_count_less():
    """Half of each stamp has four times the noise; the errors are right only if that is known."""
    images, p = noisy(400, 5)
    noise = np.ones_like(images)
    noise[:, :, 20:] = 4.0
    images = images + np.random.default_rng(6).normal(0, np.sqrt(noise**2 - 1))
    start = np.full((400, 1, 2), 19.5)
    known = fit_mixtures(images, start, exact_psf(), noise_sigma=noise)
    mean = fit_mixtures(images, start, exact_psf(), noise_sigma=2.5)
    fine = ((known.flags | mean.flags) & ~FLAG_NO_SHAPE) == 0
    assert fine.mean() > 0.9
    pull = ((known.flux - p[..., 5]) / known.flux_err)[fine]
    assert abs(np.median(pull)) < 0.15
    assert 0.85 < (np.percentile(pull, 84) - np.percentile(pull, 16)) / 2 < 1.15
    assert known.chi2_per_dof[fine].mean() == pytest.approx(1, abs=0.01)
    error = {name: np.median(np.abs(f.flux - p[..., 5])[fine]) for name, f in
             (("known", known), ("mean", mean))}  # fmt: skip
    assert error["known"] < 0.8 * error["mean"]
    same = fit_mixtures(images[:5], start[:5], exact_psf(), noise_sigma=np.full_like(images[:5], 2))
    one = fit_mixtures(images[:5], start[:5], exact_psf(), noise_sigma=2.0)
    np.testing.assert_allclose(same.flux, one.flux, rtol=1e-6)
    np.testing.assert_allclose(same.flux_err, one.flux_err, rtol=1e-6)


def test_noise_scales_errors_only():
    images, _ = noisy(5, 9)
    start = np.full((5, 1, 2), 19.5)
    one = fit_mixtures(images, start, exact_psf(), noise_sigma=1.0)
    two = fit_mixtures(images, start, exact_psf(), noise_sigma=np.full(5, 2.0))
    np.testing.assert_array_equal(one.flux, two.flux)
    np.testing.assert_allclose(2 * one.flux_err, two.flux_err)
    np.testing.assert_allclose(one.chi2_per_dof, 4 * two.chi2_per_dof)


def test_flags():
    images, _ = noisy(6, 10, low=80)
    start = np.full((6, 1, 2), 19.5)
    images[1] *= -1
    images[2, 3, 4] = np.nan
    images[3] = 0
    images[4] = np.indices((40, 40))[0] - 19.5  # a gradient is not a galaxy
    fit = fit_mixtures(images, start, exact_psf(), noise_sigma=1.0)
    flags = fit.flags[:, 0]
    assert flags[0] == 0
    assert flags[1] & FLAG_NEGATIVE_FLUX
    assert fit.flux[1, 0] < 0
    assert flags[2] == FLAG_NOT_FINITE
    assert np.isnan([fit.flux[2, 0], fit.flux_err[2, 0], fit.g1[2, 0]]).all()
    assert flags[3] & FLAG_SINGULAR
    assert flags[3] & FLAG_NEGATIVE_FLUX
    assert np.isnan(fit.flux_err[3, 0])
    assert flags[4] & (FLAG_BOUND | FLAG_NOT_CONVERGED)
    assert flags[5] == 0


def test_bounds_may_refuse_every_step():
    """Faint galaxies at almost the same position, one stamp at a time."""
    images, p = noisy(40, 13, galaxies_per_stamp=2, low=1, high=3)
    for i in range(40):
        start = np.array([[[19.0, 19.0], [19.5, 19.0]]])
        fit = fit_mixtures(
            images[[i]], start, exact_psf(), noise_sigma=1.0, profiles=("dev", "dev"),
            max_shift_px=0.5,
        )  # fmt: skip
        assert np.isfinite(fit.flux).all()
        assert (np.hypot(fit.y - start[..., 0], fit.x - start[..., 1]) <= 0.5).all()
    nothing = fit_mixtures(images[:0], np.zeros((0, 1, 2)), exact_psf(), noise_sigma=1.0)
    assert nothing.flux.shape == (0, 1)


def test_too_few_iterations_are_flagged():
    images, _ = noisy(3, 11)
    start = np.full((3, 1, 2), 19.5)
    fit = fit_mixtures(images, start, exact_psf(), noise_sigma=1.0, max_iterations=1)
    assert (fit.flags & FLAG_NOT_CONVERGED).all()
    assert (fit.n_iterations == 1).all()


def test_two_galaxies_at_one_place_share_its_light():
    images, p = noisy(20, 12)
    fit = fit_mixtures(
        images, np.full((20, 2, 2), 19.5), exact_psf(), noise_sigma=1.0, profiles=("exp", "exp")
    )
    assert np.median(fit.flux.sum(axis=1) / p[:, 0, 5]) == pytest.approx(1, abs=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"noise_sigma": 0.0}, "noise_sigma is 0: it must be positive"),
        ({"positions": np.full((2, 1, 2), 60.0)}, r"stamp 0: its positions .*60.0, 60.0"),
        ({"positions": np.full((2, 1, 2), np.nan)}, "stamp 0: its positions"),
        ({"positions": np.zeros((2, 2, 2))}, r"must be \(n, y, x\) and \(n, 1, 2\)"),
        ({"psf": exact_psf().take(np.zeros(3, int))}, "3 PSFs for 2 stamps"),
        ({"images": np.zeros((2, 2, 2)), "positions": np.zeros((2, 1, 2))}, "too small"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {
        "images": np.ones((2, 40, 40)),
        "positions": np.full((2, 1, 2), 19.5),
        "psf": exact_psf(),
        "noise_sigma": 1.0,
    }
    with pytest.raises(DeblendError, match=message):
        fit_mixtures(**(arguments | change))


def test_a_psf_of_gaussians_is_found():
    image = draw(galsim_psf().shift(0.3, -0.2), size=31)
    psf, flags = fit_psf(image[None] * 7, 2)
    assert flags[0] == 0
    order = np.argsort(psf.covariance[0, :, 0])
    np.testing.assert_allclose(psf.share[0, order], PSF_SHARES, atol=1e-3)
    np.testing.assert_allclose(psf.covariance[0, order], exact_psf().covariance[0], atol=0.01)


@pytest.mark.parametrize("fwhm_px", [1.5, 3.3])
def test_a_moffat_psf_is_well_described(fwhm_px):
    image = draw(galsim.Moffat(beta=2.5, fwhm=fwhm_px), size=41)
    psf, flags = fit_psf(image[None], 3)
    assert flags[0] == 0
    made = render(np.array([[[20.0, 20.0, 0, 0, 0, 1]]]), [profile_mixture("gauss")], psf, (41, 41))
    # Gaussians do not describe the outer wings of a Moffat profile, whose light they include.
    assert np.abs(made[0] - image / image.sum()).max() < 0.02 * image.max()


@pytest.mark.parametrize("change", ["zero", "nan", "negative"])
def test_psf_images_without_light_are_refused(change):
    images = np.stack([draw(galsim_psf(), size=21)] * 2)
    images[1] = {"zero": 0.0, "nan": np.nan, "negative": -images[1]}[change]
    with pytest.raises(DeblendError, match="PSF image 1 has no light"):
        fit_psf(images)


def test_a_psf_of_noise_is_flagged_or_harmless():
    images = np.abs(np.random.default_rng(3).normal(0, 1, (5, 21, 21)))
    psf, flags = fit_psf(images, 3)
    assert np.isfinite(psf.covariance).all()
    np.testing.assert_allclose(psf.share.sum(axis=1), 1)
    assert (flags == FLAG_PSF).any()


def test_how_many_gaussians():
    with pytest.raises(DeblendError, match="PSF of 4 Gaussians"):
        fit_psf(np.ones((1, 9, 9)), 4)


class StraightLines:
    """Lines through points: a problem whose solution is that of linear least squares."""

    def __init__(self, x, y):
        self.x, self.y, self.basis, self.chi2_floor = x, y, np.eye(2), np.zeros(len(y))

    def within_bounds(self, p, rows):
        return np.ones(len(p), bool)

    def normal_matrices(self, p, rows):
        model = np.stack([np.ones_like(self.x), self.x])
        residual = self.y[rows] - (p[:, 0] @ model)
        jacobian = np.concatenate([np.tile(model, (len(p), 1, 1)), residual[:, None]], axis=1)
        return jacobian @ jacobian.transpose(0, 2, 1)


def test_the_minimum_of_a_linear_problem_is_that_of_least_squares():
    rng = np.random.default_rng(12)
    x = np.linspace(0, 5, 30)
    y = rng.normal(1, 2, (4, 1)) + rng.normal(0, 1, (4, 1)) * x + rng.normal(0, 0.1, (4, 30))
    solution = minimise(StraightLines(x, y), np.zeros((4, 1, 2)), 50)
    assert solution.converged.all()
    variance, singular, flags = quality(solution, np.zeros(4))
    assert not singular.any()
    assert not flags.any()
    for i in range(4):
        expected, covariance = np.polyfit(x, y[i], 1, cov="unscaled")
        np.testing.assert_allclose(solution.p[i, 0, ::-1], expected, rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(variance[i, ::-1], np.diagonal(covariance), rtol=1e-6)
    early = minimise(StraightLines(x, y), np.zeros((4, 1, 2)), 1)
    assert (quality(early, np.zeros(4))[2] == FLAG_NOT_CONVERGED).all()
