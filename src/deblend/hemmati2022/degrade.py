"""Hubble's stamps as a ground-based camera would see them, and back to a common scale.

High-resolution stamps (0.06"/px, FWHM 0.08") are convolved with the kernel that turns their PSF
into the low-resolution one (FWHM 0.6"), summed into pixels of 0.18", and get that image's noise.

Pixel x of a stamp is pixel (x - 1) / 3 of the degraded one (`low_position`), so that the galaxy's
pixel 33 of 66 lies a third of a pixel before pixel 11 of 22.

Source: Hemmati et al. 2022, Sect. 2. 64 px do not divide by three: degrade 66, and crop.
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


#: Shape of a seeing-limited PSF's wings. Ours: the paper gives the FWHM only.
HSC_MOFFAT_BETA = 3.0


#: Share of the frequencies, up to Nyquist's, that the matching kernel's window tapers. Ours: at
#: 0.06"/px what is left alone holds all of a 0.6" PSF.
WINDOW_TAPER = 0.4


#: Stamps transformed at once: as many as fit a processor's cache.
BATCH = 16


def psf_image(
    fwhm_arcsec: float, beta: float, pixel_scale_arcsec: float, size: int = 65
) -> np.ndarray:
    """Image of a Moffat PSF, pixel included, as the simulator uses it.

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
    """Full width at half maximum: the diameter of a disc as large as the area above it.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        Background zero; the object in the middle.
    search_px : int
        Its peak is looked for up to this far from the central pixel (size // 2).

    Returns
    -------
    ndarray, shape (n,)
        In pixels, as seen: PSF included. Only pixels that hang together with the peak count, so
        that neighbours do not. NaN where the peak is not positive.
    """
    n, ny, nx = images.shape
    y0, x0 = max(ny // 2 - search_px, 0), max(nx // 2 - search_px, 0)
    middle = images[:, y0 : ny // 2 + search_px + 1, x0 : nx // 2 + search_px + 1]
    where = middle.reshape(n, -1).argmax(1)
    dy, dx = np.unravel_index(where, middle.shape[1:])
    y, x, row = y0 + dy, x0 + dx, np.arange(n)
    peak = images[row, y, x]
    # Labels run on from image to image; none spans two.
    connected = np.zeros((3, 3, 3), bool)
    connected[1] = [[0, 1, 0], [1, 1, 1], [0, 1, 0]]
    labels, _ = label(images >= (peak / 2)[:, None, None], connected)
    area = np.count_nonzero(labels == labels[row, y, x][:, None, None], axis=(1, 2))
    return np.where(peak > 0, 2 * np.sqrt(area / np.pi), np.nan)


def low_psf(psf: np.ndarray, factor: int = FACTOR) -> np.ndarray:
    """A PSF as the degraded images have it: summed in blocks, of which one is about its peak.

    Parameters
    ----------
    psf : ndarray, shape (k, k)
        At the high resolution's pixel scale; k odd.
    factor : int
        Odd.

    Returns
    -------
    ndarray, shape (m, m), float64
        m odd.
    """
    half = psf.shape[0] // 2
    blocks = 2 * -(-(half - factor // 2) // factor) + 1
    wide = np.pad(psf, (blocks * factor - psf.shape[0]) // 2)
    return wide.reshape(blocks, factor, blocks, factor).sum((1, 3))


def matching_kernel(source_psf: np.ndarray, target_psf: np.ndarray) -> np.ndarray:
    """Kernel that turns one PSF into a wider one (Hemmati et al. 2022, Sect. 2).

    Parameters
    ----------
    source_psf, target_psf : ndarray, shape (k, k)
        At the same pixel scale, peak on the central pixel, k odd.

    Returns
    -------
    ndarray, shape (k, k), float64
        Sums to 1. The ratio of the Fourier transforms, tapered towards the Nyquist frequency.

    Raises
    ------
    DeblendError
        The images are not alike, or the source's PSF is the wider one.
    """
    source, target = np.asarray(source_psf, float), np.asarray(target_psf, float)
    if source.shape != target.shape or source.ndim != 2 or not all(s % 2 for s in source.shape):
        raise DeblendError(
            f"PSF images of {source.shape} and {target.shape} px cannot be matched: give two of "
            "the same odd size and pixel scale"
        )
    wide_source, wide_target = fwhm_from_area(np.stack([source, target]))
    if wide_source > wide_target:
        raise DeblendError(
            f"the source's PSF (FWHM {wide_source:.2f} px) is wider than the target's "
            f"({wide_target:.2f} px): images can be degraded, not sharpened; check which is which, "
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
        Side of the blocks; the stamps' sides are multiples of it. Sums keep the flux.
    workers : int
        Threads, from the configuration. Results do not depend on it.

    Returns
    -------
    ndarray, shape (n, band, y / factor, x / factor) or without band, float32

    Raises
    ------
    DeblendError
        The sides do not divide, or the kernel's are even.
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
    # What the frame loses at one edge must not come back at the other: half a kernel of zeros.
    my = scipy.fft.next_fast_len(max(ny + ky // 2, ky), real=True)
    mx = scipy.fft.next_fast_len(max(nx + kx // 2, kx), real=True)
    wide = np.zeros((*kernel.shape[:-2], my, mx))
    wide[..., :ky, :kx] = kernel
    wide = np.roll(wide, (-(ky // 2), -(kx // 2)), axis=(-2, -1))
    # Summing the block that begins at a pixel is a convolution too, so one transform does both.
    shifts = [(-i, -j) for i in range(factor) for j in range(factor)]
    summed = np.sum([np.roll(wide, shift, axis=(-2, -1)) for shift in shifts], axis=0)
    transfer = scipy.fft.rfft2(summed).astype(np.complex64)
    out = np.empty((*images.shape[:-2], ny // factor, nx // factor), np.float32)
    for start in range(0, len(images), BATCH):
        part = np.asarray(images[start : start + BATCH], np.float32)
        # Axis by axis, the rows of zeros and those that no block begins at are left out.
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
        High-resolution stamps; what they hold of noise is convolved with them.
    kernel : ndarray, shape (k, k) or (band, k, k)
        From `matching_kernel`.
    factor, workers : int
        See `convolve`.

    Returns
    -------
    ndarray, shape (n, band, y / factor, x / factor) or without band, float32
        Flux per (larger) pixel. Light that the PSF carries beyond the edge is lost.
    """
    return convolve(images, kernel, factor=factor, workers=workers)


def add_noise(
    images: np.ndarray, noise_sigma: ArrayLike, seed: int, item: tuple, indices: np.ndarray
) -> np.ndarray:
    """Stamps with white noise, each from its own generator.

    Parameters
    ----------
    images : ndarray, shape (n, band, y, x) or (n, y, x)
    noise_sigma : float or array_like, shape (band,)
        Of a pixel, in the images' unit.
    seed : int
    item : tuple
        What the noise is for, such as the data set's name and the split.
    indices : ndarray of int, shape (n,)
        Which blend each stamp is of: the noise is the same whatever else is drawn.

    Returns
    -------
    ndarray, float32, of the images' shape
    """
    sigma = np.asarray(noise_sigma, np.float32)
    if sigma.ndim:
        sigma = sigma[:, None, None]
    out = np.empty(images.shape, np.float32)
    for row, index in enumerate(indices):
        rng = generator(seed, "noise", *item, int(index))
        rng.standard_normal(dtype=np.float32, out=out[row])
        out[row] *= sigma
    out += images
    return out


def low_position(position: ArrayLike, factor: int = FACTOR) -> np.ndarray:
    """Where a pixel position (0 is the first pixel's centre) lies in the degraded stamp."""
    return (np.asarray(position, float) - (factor - 1) / 2) / factor


def high_position(position: ArrayLike, factor: int = FACTOR) -> np.ndarray:
    """Where a pixel position of a degraded stamp lies in the high-resolution one."""
    return np.asarray(position, float) * factor + (factor - 1) / 2


def resample(
    images: np.ndarray,
    scale_in_arcsec: float,
    scale_out_arcsec: float,
    size: int,
    centre: tuple[float, float] | None = None,
) -> np.ndarray:
    """Images at another pixel scale, such as HSC's 0.168"/px at 0.18"/px.

    Parameters
    ----------
    images : ndarray, shape (..., y, x)
    scale_in_arcsec, scale_out_arcsec : float
    size : int
        Side of the result.
    centre : tuple of float, optional
        y, x, in pixels of `images`, of the point that becomes the middle of the result's frame,
        (size - 1) / 2. The middle of the images' frame by default.

    Returns
    -------
    ndarray, shape (..., size, size), float32
        The surface brightness, interpolated by cubic splines, times the pixels' new area: the flux
        is kept where the input samples its PSF well. Scales that differ by a factor of 1.5 or more
        towards coarser pixels are refused: sum blocks first (`convolve`).

    Raises
    ------
    DeblendError
        The result would reach beyond the images, or its pixels are much coarser.
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
    """Inverse hyperbolic sine of fluxes, in a network's range (Hemmati et al. 2022, Sect. 2).

    Parameters
    ----------
    x : array_like
        Fluxes, in any unit.
    softening : float or array_like
        Flux below which the scale is linear (Lupton et al. 1999); broadcasts, such as (band, 1, 1).
        Ours, as the limit is: the paper gives neither.
    limit : float or array_like
        Flux that becomes 1; above the softening.

    Returns
    -------
    scaled : ndarray
        Within -1 and 1, of the precision of x.
    n_clipped : int
        How many values lay beyond the limits and were cut to them: these alone
        `asinh_unscale` does not give back.
    """
    x = np.asarray(x)
    reach = _like(x, _reach(softening, limit))
    scaled = np.arcsinh(x / _like(x, softening)) / reach
    n_clipped = int(np.count_nonzero(np.abs(scaled) > 1))
    return np.clip(scaled, -1, 1), n_clipped


def asinh_unscale(scaled: ArrayLike, softening: ArrayLike, limit: ArrayLike) -> np.ndarray:
    """Fluxes of scaled values: the exact inverse of `asinh_scale` where nothing was clipped."""
    y = np.asarray(scaled)
    return _like(y, softening) * np.sinh(y * _like(y, _reach(softening, limit)))


def _reach(softening: ArrayLike, limit: ArrayLike) -> np.ndarray:
    softening, limit = np.asarray(softening, float), np.asarray(limit, float)
    if not (np.all(softening > 0) and np.all(limit > 0)):
        raise DeblendError(f"softening is {softening} and limit {limit}: both are positive fluxes")
    return np.arcsinh(limit / softening)


def _like(x: np.ndarray, value: ArrayLike) -> np.ndarray:
    """A value in the precision of x, so that float32 images stay so."""
    return np.asarray(value, x.dtype if np.issubdtype(x.dtype, np.floating) else float)
