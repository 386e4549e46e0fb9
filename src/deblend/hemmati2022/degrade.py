"""Degrade stamps from Hubble to the resolution of a ground-based camera; scale and resample images.

High-resolution stamps (0.06"/px, FWHM 0.08") are convolved with the kernel that turns their PSF
into the low-resolution one (FWHM 0.6"), and summed into pixels of 0.18". Then the noise of the low
resolution is added.

Position x in a stamp is position (x - 1) / 3 in the degraded stamp (`low_position`): a galaxy at
pixel 33 of 66 is at 10.67 of 22.

Source: Hemmati et al. 2022, Sect. 2. Since 64 px cannot be divided by three, 66 px are degraded and
then cropped.
"""

import numpy as np
import scipy.fft
from deblend.data.profiles import moffat_psf
from deblend.errors import DeblendError
from deblend.seeds import generator
from numpy.typing import ArrayLike
from photutils.psf_matching import TukeyWindow, make_kernel  # type: ignore[import-untyped]
from scipy.ndimage import label, map_coordinates

#: 0.18" over 0.06" (Sect. 2).
FACTOR = 3


#: Share of the frequencies up to the Nyquist frequency that the window of the matching kernel
#: tapers. Our choice: at 0.06"/px a 0.6" PSF has no power at the tapered frequencies.
WINDOW_TAPER = 0.4


#: Stamps transformed at once: as many as fit into the cache of a processor.
BATCH = 16


def psf_image(
    fwhm_arcsec: float, beta: float, pixel_scale_arcsec: float, size: int = 65
) -> np.ndarray:
    """Image of a Moffat PSF as the simulator uses it; the profile includes the pixel.

    Parameters
    ----------
    fwhm_arcsec : float
        0.08 for HST and 0.6 for HSC (Hemmati et al. 2022, Sect. 2).
    beta : float
    pixel_scale_arcsec : float
    size : int
        Odd side, in pixels.

    Returns
    -------
    ndarray, shape (size, size), float64
        Sums to 1; its peak is the central pixel.

    Raises
    ------
    DeblendError
        The side is even.
    """
    if size % 2 == 0:
        raise DeblendError(f"a PSF image of {size} px has no central pixel: give an odd size")
    image = (
        moffat_psf(fwhm_arcsec, beta)
        .drawImage(nx=size, ny=size, scale=pixel_scale_arcsec, method="no_pixel", dtype=float)
        .array
    )
    return image / image.sum()


def fwhm_from_area(images: np.ndarray, search_px: int = 5) -> np.ndarray:
    """Full width at half maximum: the diameter of a disc with the area above half the maximum.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        With a background of zero and the object in the middle.
    search_px : int
        Largest distance of the object's peak from the central pixel (size // 2) along each axis.

    Returns
    -------
    ndarray, shape (n,)
        In pixels, as observed, that is with the PSF. Only pixels connected with the peak count, so
        that neighbours do not. NaN if the peak is not positive.
    """
    n, ny, nx = images.shape
    y0, x0 = max(ny // 2 - search_px, 0), max(nx // 2 - search_px, 0)
    middle = images[:, y0 : ny // 2 + search_px + 1, x0 : nx // 2 + search_px + 1]
    flat_index = middle.reshape(n, -1).argmax(1)
    dy, dx = np.unravel_index(flat_index, middle.shape[1:])
    y, x, row = y0 + dy, x0 + dx, np.arange(n)
    peak = images[row, y, x]
    # All images are labelled at once; no label spans two of them.
    connected = np.zeros((3, 3, 3), bool)
    connected[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    labels, _ = label(images >= (peak / 2)[:, None, None], connected)
    area = np.count_nonzero(labels == labels[row, y, x][:, None, None], axis=(1, 2))
    return np.where(peak > 0, 2 * np.sqrt(area / np.pi), np.nan)


def low_psf(psf: np.ndarray, factor: int = FACTOR) -> np.ndarray:
    """A PSF with the pixels of the degraded images: summed in blocks, one centred on the peak.

    Parameters
    ----------
    psf : ndarray, shape (k, k)
        At the pixel scale of the high resolution; k is odd.
    factor : int
        Side of the blocks, odd.

    Returns
    -------
    ndarray, shape (m, m), float64
        m is odd.
    """
    half = psf.shape[0] // 2
    blocks = 2 * -(-(half - factor // 2) // factor) + 1
    padded = np.pad(psf, (blocks * factor - psf.shape[0]) // 2)
    return padded.reshape(blocks, factor, blocks, factor).sum((1, 3))


def matching_kernel(source_psf: np.ndarray, target_psf: np.ndarray) -> np.ndarray:
    """Kernel that turns one PSF into a wider one (Hemmati et al. 2022, Sect. 2).

    Parameters
    ----------
    source_psf, target_psf : ndarray, shape (k, k)
        At the same pixel scale, with the peak on the central pixel; k is odd.

    Returns
    -------
    ndarray, shape (k, k), float64
        Sums to 1. The ratio of the Fourier transforms, tapered towards the Nyquist frequency.

    Raises
    ------
    DeblendError
        The images differ in shape or have even sides, or the source PSF is wider than the target.
    """
    source, target = np.asarray(source_psf, float), np.asarray(target_psf, float)
    if source.shape != target.shape or source.ndim != 2 or not all(s % 2 for s in source.shape):
        raise DeblendError(
            f"PSF images of {source.shape} and {target.shape} px cannot be matched: give two of "
            "the same odd size and pixel scale"
        )
    source_fwhm, target_fwhm = fwhm_from_area(np.stack([source, target]))
    if source_fwhm > target_fwhm:
        raise DeblendError(
            f"the source's PSF (FWHM {source_fwhm:.2f} px) is wider than the target's "
            f"({target_fwhm:.2f} px): images can be degraded, not sharpened; check which is which, "
            "and their pixel scales"
        )
    return make_kernel(
        source / source.sum(), target / target.sum(), window=TukeyWindow(WINDOW_TAPER)
    )


def convolve(
    images: np.ndarray, kernel: np.ndarray, *, factor: int = 1, workers: int = 1
) -> np.ndarray:
    """Convolve stamps with a kernel, with zeros beyond their edges, and sum blocks of pixels.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x) or (n, y, x)
    kernel : ndarray, shape (k, k) or (band, k, k)
        Odd sides.
    factor : int
        Side of the blocks, a divisor of the sides of the stamps. Sums keep the flux.
    workers : int
        Number of threads. Results do not depend on it.

    Returns
    -------
    ndarray, shape (n, band, y / factor, x / factor) or without band, float32

    Raises
    ------
    DeblendError
        The sides of the stamps cannot be divided by the factor, those of the kernel are even, or
        there are kernels for another number of bands.
    """
    ny, nx = images.shape[-2:]
    ky, kx = kernel.shape[-2:]
    if ny % factor or nx % factor:
        raise DeblendError(
            f"stamps of {ny} x {nx} px do not divide into blocks of {factor}: cut them to "
            f"{ny - ny % factor} x {nx - nx % factor}"
        )
    if not (ky % 2 and kx % 2):
        raise DeblendError(f"a kernel of {ky} x {kx} px has no central pixel: give odd sides")
    if kernel.ndim == 3 and kernel.shape[0] != images.shape[1]:
        raise DeblendError(
            f"there are kernels for {kernel.shape[0]} bands and stamps of {images.shape[1]}"
        )
    # Pad with half a kernel of zeros: light lost at one edge must not come back at the other.
    my = scipy.fft.next_fast_len(max(ny + ky // 2, ky), real=True)
    mx = scipy.fft.next_fast_len(max(nx + kx // 2, kx), real=True)
    padded = np.zeros((*kernel.shape[:-2], my, mx))
    padded[..., :ky, :kx] = kernel
    padded = np.roll(padded, (-(ky // 2), -(kx // 2)), axis=(-2, -1))
    # Summing blocks is also a convolution, so one transform does both.
    shifts = [(-i, -j) for i in range(factor) for j in range(factor)]
    summed = np.sum([np.roll(padded, shift, axis=(-2, -1)) for shift in shifts], axis=0)
    transfer = scipy.fft.rfft2(summed).astype(np.complex64)
    out = np.empty((*images.shape[:-2], ny // factor, nx // factor), np.float32)
    for start in range(0, len(images), BATCH):
        part = np.asarray(images[start : start + BATCH], np.float32)
        # Transforming axis by axis skips the rows of zeros and the rows at which no block begins.
        rows = scipy.fft.rfft(part, mx, axis=-1, workers=workers)
        spectrum = scipy.fft.fft(rows, my, axis=-2, workers=workers)
        spectrum *= transfer
        columns = scipy.fft.ifft(spectrum, axis=-2, overwrite_x=True, workers=workers)
        blocks = scipy.fft.irfft(columns[..., :ny:factor, :], mx, axis=-1, workers=workers)
        out[start : start + BATCH] = blocks[..., :nx:factor]
    return out


def degrade(
    images: np.ndarray, kernel: np.ndarray, *, factor: int = FACTOR, workers: int = 1
) -> np.ndarray:
    """Low-resolution stamps without their noise (Hemmati et al. 2022, Sect. 2).

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x) or (n, y, x)
        High-resolution stamps; their noise is convolved too.
    kernel : ndarray, shape (k, k) or (band, k, k)
        From `matching_kernel`.
    factor, workers : int
        See `convolve`.

    Returns
    -------
    ndarray, shape (n, band, y / factor, x / factor) or without band, float32
        Flux per (larger) pixel. Light that the PSF spreads beyond the edge is lost.
    """
    return convolve(images, kernel, factor=factor, workers=workers)


def add_noise(
    images: np.ndarray,
    noise_sigma: ArrayLike,
    seed: int,
    item: tuple,
    indices: np.ndarray,
) -> np.ndarray:
    """Add white noise to stamps, each with its own random generator.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x) or (n, y, x)
    noise_sigma : float or array_like, shape (band,) or that of the images
        Noise of a pixel, in the unit of the images.
    seed : int
    item : tuple
        Part of the seed, such as the name of the data set and the split.
    indices : ndarray of int, shape (n,)
        Number of the blend in each stamp. The noise depends on it, not on the other stamps.

    Returns
    -------
    ndarray, float32, of the images' shape
    """
    sigma = np.asarray(noise_sigma, np.float32)
    if sigma.ndim == 1:
        sigma = sigma[:, None, None]
    sigma = np.broadcast_to(sigma, images.shape)
    out = np.empty(images.shape, np.float32)
    for row, index in enumerate(indices):
        rng = generator(seed, "noise", *item, int(index))
        rng.standard_normal(dtype=np.float32, out=out[row])
        out[row] *= sigma[row]
    out += images
    return out


def low_position(position: ArrayLike, factor: int = FACTOR) -> np.ndarray:
    """Convert a pixel position to the degraded stamp; 0 is the centre of the first pixel."""
    return (np.asarray(position, float) - (factor - 1) / 2) / factor


def high_position(position: ArrayLike, factor: int = FACTOR) -> np.ndarray:
    """Convert a pixel position of a degraded stamp to the high-resolution one."""
    return np.asarray(position, float) * factor + (factor - 1) / 2


def resample(
    images: np.ndarray,
    scale_in_arcsec: float,
    scale_out_arcsec: float,
    size: int,
    centre: tuple[float, float] | None = None,
) -> np.ndarray:
    """Resample images to another pixel scale, for example HSC images of 0.168"/px to 0.18"/px.

    Parameters
    ----------
    images : ndarray, shape (..., y, x)
    scale_in_arcsec, scale_out_arcsec : float
    size : int
        Side of the result.
    centre : tuple of float, optional
        y, x, in pixels of `images`, of the point that becomes the middle, (size - 1) / 2, of the
        result. By default it is the middle of the images.

    Returns
    -------
    ndarray, shape (..., size, size), float32
        The surface brightness, interpolated by cubic splines, times the new area of the pixels: the
        flux is kept if the input samples its PSF well.

    Raises
    ------
    DeblendError
        The result would reach beyond the images, or its pixels are 1.5 times coarser or more; sum
        blocks of pixels first in that case (`convolve`).
    """
    ny, nx = images.shape[-2:]
    ratio = scale_out_arcsec / scale_in_arcsec
    if ratio >= 1.5:
        raise DeblendError(
            f'interpolating {scale_in_arcsec}"/px at {scale_out_arcsec}"/px would skip pixels: sum '
            "blocks of them first"
        )
    cy, cx = ((ny - 1) / 2, (nx - 1) / 2) if centre is None else centre
    offset = (np.arange(size) - (size - 1) / 2) * ratio
    y, x = cy + offset, cx + offset
    if min(y[0], x[0]) < -0.5 or y[-1] > ny - 0.5 or x[-1] > nx - 0.5:
        raise DeblendError(
            f'{size} px of {scale_out_arcsec}" around pixel ({cy:.1f}, {cx:.1f}) reach beyond an '
            f'image of {ny} x {nx} px of {scale_in_arcsec}": give a smaller size'
        )
    grid = np.meshgrid(y, x, indexing="ij")
    flat = images.reshape(-1, ny, nx)
    out = np.stack([map_coordinates(i.astype(float), grid, order=3, mode="nearest") for i in flat])
    return (out * ratio**2).astype(np.float32).reshape(*images.shape[:-2], size, size)


def asinh_scale(x: ArrayLike, softening: ArrayLike, limit: ArrayLike) -> tuple[np.ndarray, int]:
    """Scale fluxes by the inverse hyperbolic sine to [-1, 1] (Hemmati et al. 2022, Sect. 2).

    Parameters
    ----------
    x : array_like
        Fluxes, in any unit.
    softening : float or array_like
        Flux below which the scale is about linear (Lupton et al. 1999). It is broadcast, for
        example from (band, 1, 1). Our choice, like the limit: the paper gives neither.
    limit : float or array_like
        Flux that becomes 1; above the softening.

    Returns
    -------
    scaled : ndarray
        From -1 to 1, with the precision of x.
    n_clipped : int
        Number of values that were outside the limits and were clipped. `asinh_unscale` recovers all
        values but these.
    """
    scaled = asinh_unclipped(x, softening, limit)
    n_clipped = int(np.count_nonzero(np.abs(scaled) > 1))
    return np.clip(scaled, -1, 1), n_clipped


def asinh_unclipped(x: ArrayLike, softening: ArrayLike, limit: ArrayLike) -> np.ndarray:
    """The values of `asinh_scale` without limits: fluxes above the limit are above 1."""
    x = np.asarray(x)
    asinh_limit = _in_precision_of(x, _asinh_of_limit(softening, limit))
    return np.arcsinh(x / _in_precision_of(x, softening)) / asinh_limit


def asinh_unscale(scaled: ArrayLike, softening: ArrayLike, limit: ArrayLike) -> np.ndarray:
    """Fluxes of scaled values: the inverse of `asinh_scale`, except for clipped values."""
    y = np.asarray(scaled)
    return _in_precision_of(y, softening) * np.sinh(
        y * _in_precision_of(y, _asinh_of_limit(softening, limit))
    )


def _asinh_of_limit(softening: ArrayLike, limit: ArrayLike) -> np.ndarray:
    softening, limit = np.asarray(softening, float), np.asarray(limit, float)
    if not (np.all(softening > 0) and np.all(limit > 0)):
        raise DeblendError(
            f"softening is {softening} and limit {limit}: both have to be positive fluxes"
        )
    return np.arcsinh(limit / softening)


def _in_precision_of(x: np.ndarray, value: ArrayLike) -> np.ndarray:
    """Convert a value to the precision of x, so that float32 images remain float32."""
    return np.asarray(value, x.dtype if np.issubdtype(x.dtype, np.floating) else float)
