"""Fits of galaxies at known positions: galaxies that GalSim drew, errors, flags."""

import galsim
import numpy as np
import pytest
from deblend.data.noise import noise_images, read_correlation
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import (
    FLAG_NEGATIVE_FLUX,
    FLAG_NOT_CONVERGED,
    FLAG_NOT_FINITE,
    fit_mixtures,
)
from deblend.photometry.mixtures import PsfMixture
from deblend.photometry.shared_shapes import fit_shared_shapes

from tests.conftest import ROOT

SIZE, FLUX = 48, (300.0, 200.0)
CENTRES = np.array([[24.0, 24.0], [20.0, 33.0]])
PSF = galsim.Gaussian(sigma=1.4) * 0.75 + galsim.Gaussian(sigma=2.6) * 0.25
MIXTURE = PsfMixture(
    np.array([[0.75, 0.25]]), np.array([[[s * s, 0.0, s * s] for s in (1.4, 2.6)]])
)
DISK = galsim.Exponential(half_light_radius=4.0).shear(q=0.6, beta=0.7 * galsim.radians)
# Truncated, as the mixture that stands for it.
BULGE = galsim.DeVaucouleurs(half_light_radius=3.0, trunc=24.0).shear(g1=0.2)


def sersic(n):
    return galsim.Sersic(n=n, half_light_radius=3.5, trunc=20.0).shear(g2=0.3)


def pair(*profiles):
    """Image of two galaxies at `CENTRES` with the fluxes `FLUX`; the PSF includes the pixel."""
    image = np.zeros((SIZE, SIZE))
    for profile, flux, (y, x) in zip(profiles, FLUX, CENTRES, strict=True):
        one = galsim.ImageD(SIZE, SIZE, scale=1.0)
        centre = galsim.PositionD(x + 1, y + 1)  # GalSim's pixels begin at 1
        galaxy = galsim.Convolve(profile.withFlux(flux), PSF)
        image += galaxy.drawImage(one, center=centre, method="no_pixel").array
    return image


def fit(images, sigma=0.01, **options):
    positions = np.tile(CENTRES, (len(images), 1, 1))
    return fit_shared_shapes(images, positions, MIXTURE, noise_sigma=sigma, **options)


@pytest.mark.parametrize(
    "profiles",
    [(DISK, DISK), (DISK, BULGE), (BULGE, DISK), (sersic(0.6), sersic(2)), (sersic(2.5), DISK)],
)
def test_overlapping_galaxies_of_any_profile_get_their_own_light(profiles):
    result = fit(pair(*profiles)[None])
    np.testing.assert_allclose(result.flux[0], FLUX, rtol=0.015)
    assert (result.flags == 0).all()


def test_one_profile_is_the_same_as_the_fit_of_mixtures():
    images = pair(DISK, BULGE)[None] + np.random.default_rng(1).normal(0, 0.2, (3, SIZE, SIZE))
    ours = fit(images, 0.2, profiles=["exp"])
    theirs = fit_mixtures(
        images,
        np.tile(CENTRES, (3, 1, 1)),
        MIXTURE,
        noise_sigma=0.2,
        profiles=("exp", "exp"),
        fixed_positions=True,
    )
    np.testing.assert_allclose(ours.flux, theirs.flux, rtol=1e-4)
    np.testing.assert_allclose(ours.flux_err, theirs.flux_err, rtol=1e-3)
    np.testing.assert_allclose(ours.chi2_per_dof, theirs.chi2_per_dof[:, 0], rtol=1e-6)


@pytest.mark.parametrize("kind", ["white", "correlated"])
def test_errors_are_the_scatter_of_fluxes(kind):
    """Also where the noise is correlated, for which the same errors would be too small."""
    rng, n, sigma = np.random.default_rng(2), 150, 0.1
    correlation = read_correlation(ROOT / "config" / "noise.yaml") if kind == "correlated" else None
    noise = noise_images(rng, (n, SIZE, SIZE), sigma, correlation)
    result = fit(pair(DISK, DISK) + noise, sigma, noise_correlation=correlation, profiles=["exp"])
    scatter = 1.4826 * np.median(np.abs(result.flux - np.median(result.flux, axis=0)), axis=0)
    np.testing.assert_allclose(np.median(result.flux_err, axis=0) / scatter, 1, atol=0.25)
    if kind == "correlated":
        white = fit(pair(DISK, DISK) + noise, sigma, profiles=["exp"])
        assert (white.flux_err < 0.7 * scatter).all()
        assert np.array_equal(white.flux, result.flux)


def test_a_stamp_does_not_change_another():
    images = pair(DISK, BULGE) + np.random.default_rng(3).normal(0, 0.1, (3, SIZE, SIZE))
    whole = fit(images)
    images[1, 3, 4] = np.nan
    parts = fit(images)
    assert np.array_equal(parts.flux[[0, 2]], whole.flux[[0, 2]])
    assert np.isnan(parts.flux[1]).all()
    assert (parts.flags[1] == FLAG_NOT_FINITE).all()
    assert np.array_equal(fit(images[2:]).flux, whole.flux[2:])


def test_what_is_not_a_good_fit_has_a_flag():
    below = fit(-pair(DISK, DISK)[None])
    assert ((below.flags & FLAG_NEGATIVE_FLUX) > 0).all()
    assert (below.flux < 0).all()
    stopped = fit(pair(DISK, BULGE)[None], max_iterations=2)
    assert ((stopped.flags & FLAG_NOT_CONVERGED) > 0).all()


def test_wrong_arguments_are_named():
    image = np.zeros((1, 16, 16))
    with pytest.raises(DeblendError, match="one PSF"):
        fit_shared_shapes(image, np.zeros((2, 2, 2)), MIXTURE, noise_sigma=1.0)
    with pytest.raises(DeblendError, match="noise_sigma is 0"):
        fit_shared_shapes(image, np.zeros((1, 2, 2)), MIXTURE, noise_sigma=0.0)
    with pytest.raises(DeblendError, match="too small to fit 2 galaxies"):
        fit_shared_shapes(image[:, :3, :3], np.zeros((1, 2, 2)), MIXTURE, noise_sigma=1.0)


def test_a_sky_level_is_fitted_with_the_galaxies():
    image = pair(DISK, DISK)[None]
    centres = CENTRES[None]
    options = {"profiles": ("exp",), "noise_sigma": 0.1}
    plain = fit_shared_shapes(image, centres, MIXTURE, **options)
    wrong = fit_shared_shapes(image + 0.05, centres, MIXTURE, **options)
    with_sky = fit_shared_shapes(image + 0.05, centres, MIXTURE, fit_sky=True, **options)
    assert (wrong.flux[0] > plain.flux[0] + 10).any()
    np.testing.assert_allclose(with_sky.flux[0], FLUX, rtol=0.02)
    # What the sky may be makes fluxes less certain.
    assert (with_sky.flux_err > plain.flux_err).all()


def test_errors_with_a_sky_level_are_those_of_the_scatter():
    rng, sigma = np.random.default_rng(5), 0.3
    images = pair(DISK, DISK) + rng.normal(0, sigma, (150, SIZE, SIZE))
    images += rng.normal(0, 0.1, (150, 1, 1))
    centres = np.repeat(CENTRES[None], 150, axis=0)
    options = {"noise_sigma": sigma, "profiles": ("exp",), "fit_sky": True}
    fit = fit_shared_shapes(images, centres, MIXTURE, **options)
    good = (fit.flags == 0).all(axis=1)
    assert good.mean() > 0.9
    pull = (fit.flux - FLUX)[good] / fit.flux_err[good]
    assert np.std(pull, axis=0).min() > 0.8 and np.std(pull, axis=0).max() < 1.2
