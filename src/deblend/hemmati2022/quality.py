"""Whether the images of the GANs look like galaxies, in numbers: beside Figures 2 to 4."""

import numpy as np
import pandas as pd
import torch
from deblend.hemmati2022.degrade import fwhm_from_area
from deblend.hemmati2022.predict import Network, generate_images, latent_vectors
from deblend.training.torch_gan import diversity
from scipy.ndimage import gaussian_filter
from skimage.feature import peak_local_max

#: Largest number of images that are compared.
N_IMAGES = 1024


#: Smoothing before peaks of a stack are counted (standard deviation, pixels), the least distance
#: of two peaks (pixels), and the least height of a peak, as a share of the highest.
STACK_SMOOTHING_PX, PEAK_DISTANCE_PX, PEAK_SHARE = 3.0, 4, 0.5


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


def fluxes(images: np.ndarray) -> np.ndarray:
    """Flux of each image (n, y, x): the sum above its sky, which is its median."""
    return (images - np.median(images, axis=(1, 2), keepdims=True)).sum(axis=(1, 2))


def median_flux(images: np.ndarray) -> float:
    """Median flux of images (n, y, x): the sum above the sky, which is each image's median.

    The sky of a GAN is not exactly zero, and there are thousands of pixels of it.
    """
    return float(np.median(fluxes(images)))


def band_changes(images: np.ndarray, band: int) -> np.ndarray:
    """What images (n, band, y, x) show in the other bands, minus what they show in one."""
    return np.delete(images, band, axis=1) - images[:, [band]]


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
        `flux_error_...`, |flux over the true flux - 1|, both in the detection band; for one with
        several bands, `morphology_...`: the correlation of the differences of its bands from the
        detection band with the true differences, the median over bands of the mean over images
        (Fig. 8). For the vanilla
        GAN, against as many single galaxies: `diversity_ratio` (0 if all images are equal),
        `stack_peaks`, `stack_fwhm_ratio`, `median_flux_ratio`.
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
        scale = network.maker.scale_high
        made, true = (fluxes(scale.unscaled(x)[:, network.band]) for x in (images, high))
        rows.append((f"flux_error_{name}", float(np.median(np.abs(made / true - 1))), n))
        if len(network.maker.bands) > 1:
            made, true = (band_changes(x, network.band) for x in (images, high))
            means = [correlation(made[:, k], true[:, k]).mean() for k in range(made.shape[1])]
            rows.append((f"morphology_{name}", float(np.median(means)), n))
    vanilla, maker = networks["vanilla"], networks["vanilla"].maker
    n = len(singles)
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
