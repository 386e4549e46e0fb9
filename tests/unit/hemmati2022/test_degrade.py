"""Stamps from Hubble at the resolution of HSC, compared with convolutions by GalSim."""

import galsim
import numpy as np
import pytest
from astropy.io import fits
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import (
    add_noise,
    asinh_scale,
    asinh_unscale,
    convolve,
    degrade,
    fwhm_from_area,
    high_position,
    low_position,
    low_psf,
    matching_kernel,
    psf_image,
    resample,
)
from scipy.signal import fftconvolve

HST = galsim.Moffat(beta=2.5, fwhm=0.08)
HSC = galsim.Moffat(beta=3.0, fwhm=0.6)
GALAXY = galsim.Sersic(n=1.5, half_light_radius=0.3, flux=50).shear(
    q=0.5, beta=0.5 * galsim.radians
)


def draw(profile, size, scale, method="no_pixel", offset=(0, 0)):
    image = galsim.ImageD(size, size, scale=scale)
    return profile.drawImage(image, method=method, offset=offset).array


@pytest.fixture(scope="module")
def kernel():
    return matching_kernel(psf_image(0.08, 2.5, 0.06), psf_image(0.6, 3.0, 0.06))


def test_a_degraded_image_is_one_convolved_with_the_wide_psf(kernel):
    stamp = draw(galsim.Convolve(GALAXY, HST), 66, 0.06)
    # GalSim integrates the light over pixels of 0.18 arcsec; ours are sums of nine.
    truth = draw(galsim.Convolve(GALAXY, HSC), 22, 0.18, method="auto")
    low = degrade(stamp[None], kernel)[0]
    assert low.shape == (22, 22)
    assert np.abs(low - truth).max() < 0.01 * truth.max()
    # Without the kernel the images differ.
    blocks = stamp.reshape(22, 3, 22, 3).sum((1, 3))
    assert np.abs(blocks - truth).max() > 0.5 * truth.max()


def test_flux_is_kept(kernel):
    stamp = draw(galsim.Convolve(GALAXY, HST), 198, 0.06)
    assert degrade(stamp[None], kernel).sum() == pytest.approx(stamp.sum(), rel=1e-3)
    assert kernel.sum() == pytest.approx(1)


def test_bands_have_their_own_kernels_and_edges_do_not_wrap(kernel):
    images = np.random.default_rng(0).normal(size=(20, 2, 30, 36)).astype(np.float32)
    kernels = np.stack([kernel, np.rot90(kernel)[::-1] ** 2])
    low = convolve(images, kernels, factor=3)
    for stamp in (0, 19):
        for band in (0, 1):
            full = fftconvolve(images[stamp, band].astype(float), kernels[band])[32:-32, 32:-32]
            blocks = full.reshape(10, 3, 12, 3).sum((1, 3))
            np.testing.assert_allclose(low[stamp, band], blocks, atol=1e-6)
    np.testing.assert_allclose(convolve(images[:3], kernels, factor=3), low[:3], atol=1e-7)
    assert low.dtype == np.float32


def test_invalid_images_and_kernels_are_refused(kernel):
    narrow, wide = psf_image(0.08, 2.5, 0.06), psf_image(0.6, 3.0, 0.06)
    with pytest.raises(DeblendError, match=r"source's PSF \(FWHM 10.* px\) is wider"):
        matching_kernel(wide, narrow)
    with pytest.raises(DeblendError, match="cannot be matched"):
        matching_kernel(narrow[1:-1, 1:-1], wide)
    with pytest.raises(DeblendError, match="64 x 64 px do not divide into blocks of 3.* 63 x 63"):
        degrade(np.zeros((1, 64, 64)), kernel)
    with pytest.raises(DeblendError, match="no central pixel"):
        psf_image(0.6, 3.0, 0.06, size=64)
    with pytest.raises(DeblendError, match="kernels for 2 bands and stamps of 3"):
        convolve(np.zeros((1, 3, 66, 66)), np.stack([kernel] * 2))


def test_noise_depends_on_the_number_of_the_stamp():
    clean = np.ones((40, 2, 22, 22), np.float32)
    noisy = add_noise(clean, [0.1, 0.3], 1, ("low", "test"), np.arange(40))
    some = add_noise(clean[:2], [0.1, 0.3], 1, ("low", "test"), np.array([7, 3]))
    np.testing.assert_array_equal(some, noisy[[7, 3]])
    np.testing.assert_allclose(noisy.std(axis=(0, 2, 3)), [0.1, 0.3], rtol=0.02)
    assert noisy.mean() == pytest.approx(1, abs=0.01)
    other = add_noise(clean, [0.1, 0.3], 1, ("low", "train"), np.arange(40))
    assert not np.array_equal(other, noisy)


def test_positions_are_converted_as_the_pixels(kernel):
    # The middle of the frames is pixel 32.5 of 66 and pixel 10.5 of 22.
    image = draw(galsim.Convolve(GALAXY, HST), 66, 0.06, offset=(4.5, -6.5))
    x, y = low_position([37, 26])
    truth = draw(galsim.Convolve(GALAXY, HSC), 22, 0.18, "auto", offset=(x - 10.5, y - 10.5))
    assert np.abs(degrade(image[None], kernel)[0] - truth).max() < 0.01 * truth.max()
    np.testing.assert_allclose(high_position([x, y]), [37, 26])


def test_the_low_psf_is_that_of_a_degraded_star(kernel):
    star = psf_image(0.08, 2.5, 0.06, size=63)[None]
    psf = low_psf(psf_image(0.6, 3.0, 0.06))
    assert psf.shape == (23, 23)
    assert np.unravel_index(psf.argmax(), psf.shape) == (11, 11)
    np.testing.assert_allclose(degrade(star, kernel)[0], psf[1:-1, 1:-1], atol=0.01 * psf.max())


def test_fwhm_of_known_profiles():
    profiles = [galsim.Gaussian(fwhm=f * 0.06) for f in (4, 8, 15)]
    images = np.stack([draw(p, 65, 0.06) for p in profiles])
    np.testing.assert_allclose(fwhm_from_area(images), [4, 8, 15], rtol=0.08)
    # A distant, brighter neighbour does not matter; a stamp without light has no width.
    images[1] += draw(galsim.Gaussian(fwhm=0.3, flux=9), 65, 0.06, offset=(-22, 20))
    images[2] = 0
    np.testing.assert_allclose(fwhm_from_area(images), [4, 8, np.nan], rtol=0.08)


def test_another_pixel_scale_keeps_flux_and_positions():
    image = draw(galsim.Convolve(GALAXY, HSC), 54, 0.168)
    truth = draw(galsim.Convolve(GALAXY, HSC), 22, 0.18)
    ours = resample(image, 0.168, 0.18, 22)
    assert np.abs(ours - truth).max() < 0.01 * truth.max()
    assert resample(image, 0.168, 0.18, 49).sum() == pytest.approx(image.sum(), rel=5e-3)
    moved = resample(image[None], 0.168, 0.18, 22, centre=(26.5 + 0.18 / 0.168, 26.5))
    np.testing.assert_allclose(moved[0, :-1], ours[1:], atol=1e-4)
    with pytest.raises(DeblendError, match="reach beyond an image of 54 x 54"):
        resample(image, 0.168, 0.18, 60)
    with pytest.raises(DeblendError, match="would skip pixels"):
        resample(image, 0.06, 0.18, 10)


def test_degraded_hubble_images_resemble_hsc(real_data):
    """The same field from the ground and, degraded, from space."""
    folder, field = real_data / "hst_hsc_pairs", "150.23115"

    def read(name):
        return fits.getdata(folder / f"{name}_{field}.fits").astype(float)

    hst = read("hst")[1:265, 1:265].reshape(132, 2, 132, 2).sum((1, 3))
    wide = resample(read("psf_hsc")[2], 0.168, 0.06, 65)
    low = degrade(hst[None], matching_kernel(psf_image(0.1, 2.5, 0.06), wide))[0]
    ground = resample(read("hsc")[2], 0.168, 0.18, 44)
    blocks = hst.reshape(44, 3, 44, 3).sum((1, 3))
    correlation = [
        np.corrcoef(a[5:-5, 5:-5].ravel(), ground[5:-5, 5:-5].ravel())[0, 1] for a in (low, blocks)
    ]
    assert correlation[0] > 0.98 > 0.93 > correlation[1]


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-6)])
def test_asinh_scale_can_be_inverted(dtype, tolerance):
    x = np.concatenate([np.linspace(-1, 1, 1001), np.geomspace(1, 99, 500)]).astype(dtype)
    scaled, n_clipped = asinh_scale(x, 0.01, 100)
    assert scaled.dtype == dtype
    assert n_clipped == 0
    assert np.abs(scaled).max() < 1
    back = asinh_unscale(scaled, 0.01, 100)
    np.testing.assert_allclose(back, x, rtol=tolerance, atol=tolerance * 0.01)
    assert back.dtype == dtype


def test_values_beyond_the_limit_are_clipped_and_counted():
    scaled, n_clipped = asinh_scale([-300.0, 0, 50, 200], 0.01, 100)
    assert n_clipped == 2
    assert scaled[[0, 3]].tolist() == [-1, 1]
    np.testing.assert_allclose(asinh_unscale(scaled, 0.01, 100), [-100, 0, 50, 100])
    images = np.ones((3, 2, 4, 4), np.float32)
    scaled, _ = asinh_scale(images, [[[1]], [[2]]], 10)
    assert scaled[0, 0, 0, 0] != scaled[0, 1, 0, 0]
    with pytest.raises(DeblendError, match="both have to be positive"):
        asinh_scale(images, 0, 10)
