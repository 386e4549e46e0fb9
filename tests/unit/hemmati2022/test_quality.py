"""Quality of the GANs' images: analytic galaxies, and networks whose images are known."""

import numpy as np
import pytest
import torch
from deblend.hemmati2022.pairs import single_galaxies
from deblend.hemmati2022.predict import Network
from deblend.hemmati2022.quality import (
    band_changes,
    correlation,
    flux_errors,
    image_quality,
    median_flux,
    stack_shape,
    white_noise,
)
from scipy.signal import fftconvolve

from tests.unit.hemmati2022.conftest import BLENDING, CPU, LOW, SPLITS, maker_of

N = 40
#: Sigma of the smoothing of a stack, pixels.
SMOOTHING_PX = 3.0


def gaussian(sigma, x=31.0, y=31.0, side=64):
    """A round Gaussian with a peak of 1."""
    yy, xx = np.mgrid[:side, :side]
    return np.exp(-((xx - x) ** 2 + (yy - y) ** 2) / (2 * sigma**2))


def test_the_correlation_is_pearsons():
    rng = np.random.default_rng(1)
    truth = rng.normal(2, 1, (6, 8, 9))
    images = truth * np.array([1, 3, -1, 0.1, 0, 2])[:, None, None] + rng.normal(5, 1, truth.shape)
    expected = [np.corrcoef(a.ravel(), b.ravel())[0, 1] for a, b in zip(images, truth, strict=True)]
    np.testing.assert_allclose(correlation(images, truth), expected, atol=1e-12)
    np.testing.assert_allclose(correlation(7 * truth - 3, truth), 1)
    np.testing.assert_allclose(correlation(-truth.astype(np.float32), truth), -1, rtol=1e-6)


def test_an_image_without_contrast_has_no_correlation():
    truth = np.stack([gaussian(3.0)] * 2)
    assert correlation(np.ones_like(truth), truth).tolist() == [0, 0]
    assert correlation(truth, np.zeros_like(truth)).tolist() == [0, 0]
    one_flat = np.stack([np.zeros((64, 64)), gaussian(3.0)])
    np.testing.assert_allclose(correlation(one_flat, truth), [0, 1])


@pytest.mark.parametrize("sigma", [2.0, 4.0, 7.0])
def test_the_width_of_a_stack_is_that_of_a_smoothed_gaussian(sigma):
    """The images of a stack differ in brightness only."""
    images = np.array([0.5, 1, 3])[:, None, None] * gaussian(sigma)
    peaks, fwhm = stack_shape(images.astype(np.float32))
    assert peaks == 1
    # The area is counted in whole pixels: that is 0.4 px of the diameter of a small disc.
    expected = 2 * np.sqrt(2 * np.log(2)) * np.hypot(sigma, SMOOTHING_PX)
    assert fwhm == pytest.approx(expected, abs=0.4)


def test_displacements_widen_a_stack():
    """Gaussian displacements add to the width in quadrature."""
    rng = np.random.default_rng(2)
    places = rng.normal(31, 5, (800, 2))
    peaks, fwhm = stack_shape(np.stack([gaussian(3.0, *place) for place in places]))
    assert peaks == 1
    assert fwhm == pytest.approx(2.355 * np.sqrt(3**2 + SMOOTHING_PX**2 + 5**2), rel=0.1)


@pytest.mark.parametrize(("share", "peaks"), [(1.0, 2), (0.7, 2), (0.3, 1)])
def test_a_second_peak_counts_from_half_the_height_on(share, peaks):
    first, second = gaussian(2.5, 22, 31), share * gaussian(2.5, 42, 31)
    assert stack_shape(np.stack([first + second] * 2))[0] == peaks
    # It need not be in the same images.
    assert stack_shape(np.stack([first, second]))[0] == peaks


def test_near_peaks_are_one():
    assert stack_shape((gaussian(3.0, 29) + gaussian(3.0, 33))[None])[0] == 1


class Known(torch.nn.Module):
    """A network that returns given images, one for each input."""

    n_latent = 5

    def __init__(self, images):
        super().__init__()
        self.images = torch.from_numpy(np.asarray(images, np.float32))

    def forward(self, given):
        assert len(given) == len(self.images)
        return self.images


@pytest.fixture(scope="module")
def blends(maker):
    return maker.draw(SPLITS["test"], 0, N, "test", BLENDING)


@pytest.fixture(scope="module")
def high(maker, blends):
    """The true images of the blends."""
    return maker.scaled(blends, "test")[0]


@pytest.fixture(scope="module")
def singles(maker):
    """Single training galaxies, which a vanilla GAN should imitate; there are fewer than blends."""
    return single_galaxies(maker.draw(SPLITS["train"], 0, N - 10, "train", BLENDING))


@pytest.fixture(scope="module")
def single(maker, singles):
    """Their images."""
    return maker.scaled(singles, "train")[0]


@pytest.fixture(scope="module")
def quality_of(maker, blends, singles):
    """Function that returns the quality of the images of some networks."""

    def quality(gan, vanilla, **others):
        images = {"vanilla": vanilla, "gan": gan, **others}
        networks = {name: Network(Known(made), maker, 0) for name, made in images.items()}
        table = image_quality(networks, blends, singles, 1, CPU)
        is_vanilla = table["quantity"].str.startswith("vanilla")
        n = np.where(is_vanilla, len(singles), len(blends))
        # The width is that of one point source.
        assert (table["n"] == np.where(table["quantity"] == "low_fwhm_arcsec", 1, n)).all()
        return table.set_index("quantity")["value"].to_dict()

    return quality


def scaled(maker, image):
    """As many equal images as a vanilla GAN has to make."""
    stack = np.broadcast_to(image, (N - 10, 1, *image.shape)).astype(np.float32)
    return maker.scale_high.scaled(stack)


def test_perfect_images(maker, quality_of, high, single):
    found = quality_of(high, single, gan_content=-high)
    peaks = found.pop("vanilla_stack_peaks")
    del found["low_fwhm_arcsec"], found["low_depth_mag"]
    assert found == pytest.approx(
        {
            "correlation_gan": 1,
            "correlation_gan_content": -1,
            "flux_error_gan": 0,
            "flux_error_gan_content": 2,
            "vanilla_diversity_ratio": 1,
            "vanilla_stack_fwhm_ratio": 1,
            "vanilla_median_flux_ratio": 1,
        },
        abs=1e-5,
    )
    assert peaks == stack_shape(maker.scale_high.unscaled(single)[:, 0])[0] >= 1


def test_changes_with_wavelength(stamps, blends, singles, single, maker):
    """A network that shows the same in both bands, and one whose fluxes are half the true ones."""
    both = maker_of(stamps, ("f775w", "f606w"))
    high = both.scaled(blends, "test")[0]
    half = both.scale_high.scaled(both.scale_high.unscaled(high) / 2)
    networks = {
        name: Network(Known(images), both, 0)
        for name, images in {
            "gan_multi": high,
            "gan_multi_content": np.stack([high[:, 0]] * 2, axis=1),
            "gan_multi_l1": half,
        }.items()
    }
    networks["vanilla"] = Network(Known(single), maker, 0)
    table = image_quality(networks, blends, singles, 1, CPU)
    found = table.set_index("quantity")["value"]
    assert found["morphology_gan_multi"] == pytest.approx(1, abs=1e-5)
    # The asinh scales of the bands are not the same.
    assert abs(found["morphology_gan_multi_content"]) < 0.1
    assert found["morphology_gan_multi_l1"] == pytest.approx(1, abs=0.05)
    assert found["flux_error_gan_multi"] == pytest.approx(0, abs=1e-6)
    assert found["flux_error_gan_multi_l1"] == pytest.approx(0.5, abs=0.01)


def moffat(fwhm, side=257, beta=3.0):
    """A Moffat profile with a sum of 1; the FWHM is in pixels."""
    y, x = np.mgrid[:side, :side] - side // 2
    radius = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    profile = (1 + (x**2 + y**2) / radius**2) ** -beta
    return profile / profile.sum()


def test_degraded_images_are_as_sharp_and_as_deep_as_they_should_be(quality_of, high, single):
    found = quality_of(high, single)
    # 0.02" pixels: the seeing, seen through pixels of 0.18".
    seen = fftconvolve(moffat(LOW.psf_fwhm_arcsec / 0.02), np.ones((9, 9)), mode="same")
    fwhm = 0.02 * 2 * np.sqrt((seen > seen.max() / 2).sum() / np.pi)
    assert LOW.psf_fwhm_arcsec < fwhm < 1.1 * LOW.psf_fwhm_arcsec
    assert found["low_fwhm_arcsec"] == pytest.approx(fwhm, abs=0.01)
    assert found["low_depth_mag"] == pytest.approx(LOW.depth_mag, abs=0.05)


def test_noise_is_measured_beside_and_on_smooth_light():
    rng = np.random.default_rng(5)
    sigma = np.repeat([0.1, 0.5, 3.0], 100)
    images = rng.normal(0, 1, (300, 22, 22)) * sigma[:, None, None] + 4 * gaussian(3.0, 9, 11, 22)
    found = white_noise(images).reshape(3, 100).mean(axis=1)
    np.testing.assert_allclose(found[1:], [0.5, 3.0], rtol=0.05)
    assert found[0] == pytest.approx(0.1, rel=0.4)  # the galaxy is 40 times brighter


def test_flux_errors_are_those_of_the_bright_pixels():
    truth = np.array([10.0, 20, 30, 0.1])[:, None, None] * gaussian(4.0)
    made = truth * np.array([1, 1.5, 0.2, 1])[:, None, None]
    # Light where the galaxy is not changes nothing.
    made[0, :5] += 3
    found = flux_errors(made, truth, np.full(4, 0.1))
    np.testing.assert_allclose(found, [0, 0.5, -0.8, np.nan], atol=1e-12)
    noisy = truth + np.random.default_rng(4).normal(0, 0.1, truth.shape)
    assert np.abs(flux_errors(truth, noisy, np.full(4, 0.1))[:3]).max() < 0.04


def test_neither_colours_nor_psfs_are_changes_of_shape():
    """One galaxy seen through two PSFs in two colours, and one with a red bulge."""
    psfs = [moffat(fwhm, 33) for fwhm in (2.0, 3.2)]
    bulge, disk = gaussian(1.0, 30, 33), gaussian(5.0, 30, 33)

    def seen(*bands):
        planes = [fftconvolve(x, psf, mode="same") for x, psf in zip(bands, psfs, strict=True)]
        return np.stack(planes).astype(np.float32)

    alike, gradient = seen(disk, 7 * disk), seen(disk + bulge, disk + 20 * bulge)
    changes = band_changes(np.stack([alike, gradient]), psfs, 0)[:, 0]
    assert changes.shape == (2, 64, 64)
    assert np.abs(changes[0]).max() < 0.01 * alike[1].max()
    # What is beyond the colour of the whole is the bulge.
    assert np.unravel_index(changes[1].argmax(), (64, 64)) == (33, 30)
    assert changes[1].max() > 0.1 * gradient[1].max()
    other = band_changes(np.stack([gradient[::-1]]), psfs[::-1], 1)
    np.testing.assert_allclose(other[0, 0], changes[1], atol=1e-4)


def test_collapsed_images(maker, quality_of, high, single):
    """A vanilla GAN that makes one galaxy, and a network that ignores its input."""
    found = quality_of(np.zeros_like(high), scaled(maker, 4 * gaussian(2.0)))
    assert found["correlation_gan"] == 0
    assert found["vanilla_diversity_ratio"] == pytest.approx(0, abs=1e-6)
    assert found["vanilla_stack_peaks"] == 1
    # One galaxy that does not move is sharper than the stack of real ones.
    assert found["vanilla_stack_fwhm_ratio"] < 0.95
    half = quality_of(high, single / 2)
    assert half["vanilla_diversity_ratio"] == pytest.approx(0.5, abs=0.01)


def test_fainter_images(maker, quality_of, high, single):
    """Fluxes are compared, not values of the asinh scale."""
    found = quality_of(high, maker.scale_high.scaled(maker.scale_high.unscaled(single) / 2))
    assert found["vanilla_median_flux_ratio"] == pytest.approx(0.5, rel=1e-3)
    assert found["vanilla_stack_fwhm_ratio"] == pytest.approx(1, rel=1e-3)
    assert 0.5 < found["vanilla_diversity_ratio"] < 1


def test_a_vanilla_gan_of_pairs_has_two_peaks(maker, quality_of, high):
    pair = scaled(maker, gaussian(2.0, 20) + gaussian(2.0, 44))
    assert quality_of(high, pair)["vanilla_stack_peaks"] == 2


def test_the_flux_is_that_above_the_sky():
    """Each image has a sky of its own; the galaxies' fluxes are those of their Gaussians."""
    amplitude = np.array([1.0, 2, 3, 8, 20])
    sky = np.array([0.0, 0.5, -0.3, 7, 0.1])
    images = amplitude[:, None, None] * gaussian(3.0) + sky[:, None, None]
    assert median_flux(images) == pytest.approx(3 * 2 * np.pi * 3**2, rel=1e-3)
    assert median_flux(images - images) == 0
