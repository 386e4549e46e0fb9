"""Whether the images of the GANs look like galaxies, in numbers: beside Figures 2 to 4."""

import numpy as np
import pandas as pd
import torch
from astropy.stats import mad_std
from deblend.hemmati2022.degrade import FACTOR, convolve, degrade, fwhm_from_area, resample
from deblend.hemmati2022.pairs import PairMaker, single_galaxies
from deblend.hemmati2022.predict import Network, generate_images, latent_vectors
from deblend.training.torch_gan import diversity
from deblend.units import mag_from_flux
from scipy.ndimage import gaussian_filter
from skimage.feature import peak_local_max

#: Largest number of images that are compared.
N_IMAGES = 1024


#: Smoothing before peaks of a stack are counted (standard deviation, pixels), the least distance
#: of two peaks (pixels), and the least height of a peak, as a share of the highest.
STACK_SMOOTHING_PX, PEAK_DISTANCE_PX, PEAK_SHARE = 3.0, 4, 0.5


#: The flux of a galaxy is that of the pixels that are this many sigmas above the noise in the true
#: image, if there are at least so many: the noise then changes it by 4 % at most.
FLUX_SIGMA, MIN_FLUX_PX = 5.0, 25


#: What one band shows beyond another counts if it is at least this share of what it shows:
#: convolutions leave rounding errors.
LEAST_CHANGE = 1e-4


#: Side of the image of a point source that is degraded (pixels), a multiple of `FACTOR`, and how
#: finely it is resampled for its width.
POINT_PX, FINER = 33 * FACTOR, 10


COLUMNS = ("quantity", "value", "n")


def correlation(images: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Pearson's correlation of the pixels of each image with those of the true image.

    Parameters
    ----------
    images, truth : ndarray, shape (n, y, x)

    Returns
    -------
    ndarray, shape (n,)
        0 for an image without contrast.
    """
    a, b = (x.reshape(len(x), -1).astype(float) for x in (images, truth))
    a, b = (x - x.mean(axis=1, keepdims=True) for x in (a, b))
    norm = np.sqrt((a**2).sum(axis=1) * (b**2).sum(axis=1))
    return np.divide((a * b).sum(axis=1), norm, out=np.zeros(len(a)), where=norm > 0)


def stack_shape(images: np.ndarray) -> tuple[int, float]:
    """Number of peaks, and FWHM in pixels, of the mean of images (n, y, x) in flux."""
    stack = gaussian_filter(images.mean(axis=0, dtype=float), STACK_SMOOTHING_PX)
    peaks = peak_local_max(stack, min_distance=PEAK_DISTANCE_PX, threshold_rel=PEAK_SHARE)
    fwhm = fwhm_from_area(stack[None], search_px=stack.shape[0] // 2)[0]
    return len(peaks), float(fwhm)


def flux_errors(images: np.ndarray, truth: np.ndarray, noise: np.ndarray) -> np.ndarray:
    """Relative errors of the flux of images, in the pixels in which the true images are bright.

    Parameters
    ----------
    images, truth : ndarray, shape (n, y, x)
        In flux, with a sky of zero.
    noise : ndarray, shape (n,)
        Sigma of a pixel of the true images.

    Returns
    -------
    ndarray, shape (n,)
        Flux over the true flux, minus 1; NaN for true images with fewer than `MIN_FLUX_PX` pixels
        above `FLUX_SIGMA` sigmas.
    """
    bright = truth > FLUX_SIGMA * np.asarray(noise)[:, None, None]
    made, true = (np.where(bright, x, 0).sum(axis=(1, 2), dtype=float) for x in (images, truth))
    enough = bright.sum(axis=(1, 2)) >= MIN_FLUX_PX
    return np.where(enough, made / np.where(true > 0, true, 1) - 1, np.nan)


def median_flux(images: np.ndarray) -> float:
    """Median flux of images (n, y, x): the sum above the sky, which is each image's median.

    The sky of a GAN is not exactly zero, and there are thousands of pixels of it.
    """
    sky = np.median(images, axis=(1, 2), keepdims=True)
    return float(np.median((images - sky).sum(axis=(1, 2))))


def band_changes(images: np.ndarray, psfs: list[np.ndarray], band: int) -> np.ndarray:
    """What images show in the other bands beyond one band in another colour.

    Both bands get the same PSF: each is convolved with that of the other. The colour is the factor
    with which one band is nearest to the other (least squares).

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x)
        In flux.
    psfs : list of ndarray, shape (k, k)
        PSF of each band.
    band : int
        The band that the others are compared with.

    Returns
    -------
    ndarray, shape (n, band - 1, y, x)
        Zero for galaxies that look alike in both bands, whatever their colour and the PSFs.
    """
    images = images - np.median(images, axis=(2, 3), keepdims=True)
    changes = []
    for other in (k for k in range(images.shape[1]) if k != band):
        shown = convolve(images[:, other], psfs[band]).astype(float)
        reference = convolve(images[:, band], psfs[other]).astype(float)
        square = (reference**2).sum(axis=(1, 2))
        product = (shown * reference).sum(axis=(1, 2))
        colour = np.divide(product, square, out=np.zeros(len(square)), where=square > 0)
        change = shown - colour[:, None, None] * reference
        size, least = (np.sqrt((x**2).mean(axis=(1, 2))) for x in (change, shown))
        changes.append(
            np.where((size > LEAST_CHANGE * least)[:, None, None], change, 0).astype(np.float32)
        )
    return np.stack(changes, axis=1)


def white_noise(images: np.ndarray) -> np.ndarray:
    """Sigma of the noise of each image (n, y, x), whose light is smooth but in a small part.

    From second differences in both directions, which the wings of galaxies hardly change.

    References
    ----------
    Immerkaer 1996, Comput. Vis. Image Underst. 64, 300.
    """
    second = np.diff(np.diff(images.astype(float), n=2, axis=1), n=2, axis=2)
    # The squares of the nine weights sum to 36.
    return mad_std(second, axis=(1, 2)) / 6


def degraded_images(maker: PairMaker, band: int, blends: pd.DataFrame) -> tuple[float, float]:
    """FWHM and depth of the low-resolution images, as they are (Sect. 2).

    Parameters
    ----------
    maker : PairMaker
    band : int
    blends : DataFrame
        Test blends, whose first galaxies are rendered alone.

    Returns
    -------
    fwhm_arcsec : float
        Of a point source, in the band's PSF, that is degraded as galaxies are; with the pixel.
    depth_mag : float
        Magnitude of a point source whose optimal measurement has an error of a fifth, for the
        median noise of the images.
    """
    psf = maker.psf_high[band]
    point = np.zeros((1, POINT_PX, POINT_PX), np.float32)
    # The peak is on the central pixel, which is the middle of a block.
    first = POINT_PX // 2 - psf.shape[0] // 2
    point[0, first : first + psf.shape[0], first : first + psf.shape[1]] = psf
    low = degrade(point, maker.kernel[band], factor=maker.factor)
    pixel = maker.factor * maker.pixel_scale_arcsec
    fine = resample(low, pixel, pixel / FINER, (low.shape[-1] - 2) * FINER)
    fwhm = float(fwhm_from_area(fine, search_px=2 * FINER)[0]) * pixel / FINER
    images = maker.pairs(single_galaxies(blends), "test")[1][:, band]
    weight = np.sqrt(((low[0] / low[0].sum(dtype=float)) ** 2).sum())
    flux = 5 * float(np.median(white_noise(images))) / float(weight)
    return fwhm, float(mag_from_flux(flux, maker.zero_point[band]))


def image_quality(
    networks: dict[str, Network],
    blends: pd.DataFrame,
    singles: pd.DataFrame,
    seed: int,
    device: torch.device,
) -> pd.DataFrame:
    """Compare the images of the GANs with high-resolution ones.

    Parameters
    ----------
    networks : dict
        "vanilla", "gan" and other networks.
    blends : DataFrame
        Test blends, of which the first `N_IMAGES` are used.
    singles : DataFrame
        Single training galaxies, with which the vanilla GAN is compared.
    seed : int
        Seed of the vanilla GAN's noise.
    device : torch.device

    Returns
    -------
    DataFrame
        `quantity`, `value`, `n` (images). For each network but the vanilla GAN, the mean
        `correlation_...` of its images with high resolution, in the asinh scale, and the median
        `flux_error_...`, |flux over the true flux - 1| (`flux_errors`), both in the detection
        band; for one with several bands, `morphology_...`: the correlation of what its bands show
        beyond the detection band (`band_changes`) with what they should, the median over bands of
        the mean over images (Fig. 8). `low_fwhm_arcsec` and `low_depth_mag` of the low-resolution
        images (`degraded_images`). For the vanilla GAN, against as many single galaxies:
        `diversity_ratio` (0 if all images are equal), `stack_peaks`, `stack_fwhm_ratio`,
        `median_flux_ratio`.
    """
    blends = blends.iloc[:N_IMAGES]
    n = len(blends)
    rows: list[tuple[str, float, int]] = []
    for name, network in networks.items():
        if name == "vanilla":
            continue
        high, low = network.maker.scaled(blends, "test")
        images = generate_images(network.generator, low, device)
        mean = float(correlation(images[:, network.band], high[:, network.band]).mean())
        rows.append((f"correlation_{name}", mean, n))
        maker, band = network.maker, network.band
        made, true = (maker.scale_high.unscaled(x) for x in (images, high))
        # A blend has the noise of the stamps of all its galaxies.
        noise = maker.noise_high[band] * np.sqrt(blends["n_galaxies"].to_numpy(float))
        errors = np.abs(flux_errors(made[:, band], true[:, band], noise))
        known = errors[np.isfinite(errors)]
        value = float(np.median(known)) if len(known) else np.nan
        rows.append((f"flux_error_{name}", value, len(known)))
        if len(maker.bands) > 1:
            made, true = (band_changes(x, maker.psf_high, band) for x in (made, true))
            means = [correlation(made[:, k], true[:, k]).mean() for k in range(made.shape[1])]
            rows.append((f"morphology_{name}", float(np.median(means)), n))
    vanilla = networks["vanilla"]
    fwhm, depth = degraded_images(vanilla.maker, vanilla.band, blends)
    rows += [("low_fwhm_arcsec", fwhm, 1), ("low_depth_mag", depth, n)]
    maker, n = vanilla.maker, len(singles)
    real = maker.scaled(singles, "train")[0]
    noise = latent_vectors(seed, n, vanilla.n_latent, "quality")
    made = generate_images(vanilla.generator, noise, device)
    rows.append(("vanilla_diversity_ratio", diversity(made, real), n))
    real, made = (maker.scale_high.unscaled(x)[:, vanilla.band] for x in (real, made))
    (_, real_fwhm), (made_peaks, made_fwhm) = (stack_shape(x) for x in (real, made))
    rows.append(("vanilla_stack_peaks", float(made_peaks), n))
    rows.append(("vanilla_stack_fwhm_ratio", made_fwhm / real_fwhm, n))
    rows.append(("vanilla_median_flux_ratio", median_flux(made) / median_flux(real), n))
    return pd.DataFrame(rows, columns=list(COLUMNS))
