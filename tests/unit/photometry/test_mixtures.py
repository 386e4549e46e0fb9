"""Mixtures of Gaussians, compared with GalSim and analytic results."""

import galsim
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.photometry.mixtures import (
    PsfMixture,
    compact,
    convolve,
    covariance_from_shape,
    profile_mixture,
    render,
    shape_from_covariance,
    smallest_variance,
)


@pytest.mark.parametrize(("name", "n"), [("exp", 6), ("dev", 10), ("gauss", 1)])
def test_shares_add_up_and_sizes_are_the_profiles(name, n):
    profile = profile_mixture(name)
    assert len(profile.share) == n
    assert profile.share.sum() == pytest.approx(1)
    assert (profile.share * profile.size).sum() == pytest.approx(1, abs=1e-6)


def test_the_exponential_has_its_half_light_radius():
    # T of an exponential is 6 times the squared scale length; the half-light radius is 1.678 scale
    # lengths. The mixture is truncated, so that its T is slightly smaller.
    profile = profile_mixture("exp")
    variance = profile.size * 6 / 2
    within = (profile.share * (1 - np.exp(-(1.67835**2) / 2 / variance))).sum()
    assert within == pytest.approx(0.5, abs=0.006)


def test_merged_gaussians_have_the_same_image():
    """Seen through a PSF as sharp as HST's on pixels of 0.06", up to large galaxies."""
    full = profile_mixture("dev")
    merged = compact(full)
    assert len(merged.share) == 8
    assert merged.share.sum() == pytest.approx(1)
    assert (merged.share * merged.size).sum() == pytest.approx((full.share * full.size).sum())
    psf = PsfMixture(np.ones((1, 1)), np.array([[[0.6, 0, 0.6]]]))
    for size in (10.0, 100.0, 1000.0, 4000.0):
        p = np.array([[[32.3, 32.1, 0.3 * size, 0.1 * size, 0.7 * size, 1.0]]])
        images = [render(p, [profile], psf, (65, 65)) for profile in (full, merged)]
        assert abs(images[1] - images[0]).max() < 1e-6
    assert compact(profile_mixture("exp")) is profile_mixture("exp")


def test_unknown_profiles_are_refused():
    with pytest.raises(
        DeblendError, match="no Gaussian mixture for the profile 'sersic'.*dev, exp"
    ):
        profile_mixture("sersic")


def test_shapes_are_converted_and_back():
    rng = np.random.default_rng(1)
    g = rng.uniform(-0.7, 0.7, (50, 2))
    size = rng.uniform(0.1, 100, 50)
    back = shape_from_covariance(covariance_from_shape(g[:, 0], g[:, 1], size))
    np.testing.assert_allclose(back, [g[:, 0], g[:, 1], size], rtol=1e-10)


def test_a_shear_of_one_is_no_ellipse():
    with pytest.raises(DeblendError, match=r"\|g\| = 1"):
        covariance_from_shape(0.0, 1.0, 2.0)
    g1, g2, size = shape_from_covariance(np.array([[1.0, 2.0, 1.0], [-1.0, 0.0, -1.0]]))
    assert np.isnan([g1, g2]).all()
    np.testing.assert_array_equal(size, [2, -2])


def test_g1_is_along_x_and_pixels_are_points():
    """A sheared Gaussian, convolved with another one, compared with GalSim pixel by pixel."""
    size_px2, g1, g2 = 8.0, 0.2, -0.1
    # GalSim's shear preserves the area, not T.
    sigma = np.sqrt(size_px2 / 2 * (1 - g1**2 - g2**2) / (1 + g1**2 + g2**2))
    galaxy = galsim.Gaussian(sigma=sigma, flux=3.0).shear(g1=g1, g2=g2).shift(0.3, -0.7)
    image = galsim.Convolve(galaxy, galsim.Gaussian(sigma=1.5)).drawImage(
        nx=31, ny=31, scale=1.0, method="no_pixel"
    )
    psf = PsfMixture(np.array([[1.0]]), np.array([[[2.25, 0, 2.25]]]))
    p = np.array([[14.3, 15.3, *covariance_from_shape(g1, g2, size_px2), 3.0]])
    mine = render(p[None], [profile_mixture("gauss")], psf, (31, 31))
    np.testing.assert_allclose(mine[0], image.array, atol=2e-6)


def test_convolution_adds_sizes():
    psf = PsfMixture(np.array([[0.75, 0.25]]), np.array([[[1, 0.1, 1], [4, 0, 5]]]))
    share, covariance = convolve(profile_mixture("exp"), np.array([[2.0, 0.5, 3.0]]), psf)
    assert share.shape == (1, 12)
    mean = (share[..., None] * covariance).sum(axis=1)[0]
    np.testing.assert_allclose(mean, [2 + 1.75, 0.5 + 0.075, 3 + 2], atol=1e-5)


def test_smallest_variance_is_the_minor_axis():
    matrix = np.array([[2.0, 0.7], [0.7, 1.0]])
    assert smallest_variance(np.array([2.0, 0.7, 1.0])) == pytest.approx(
        np.linalg.eigvalsh(matrix)[0]
    )
