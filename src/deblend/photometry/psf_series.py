"""PSFs as series of many Gaussians of fixed widths, whose wings are right too.

Three Gaussians (`deblend.photometry.mixture_fit.fit_psf`) describe the core of a PSF. The wings of
the Hubble Space Telescope's reach further, and what is wrong in them becomes light of galaxies that
are fitted. Here the widths are those of a geometric series, all Gaussians have the shape of one
that is fitted to the image, and the shares, none of them negative, follow from linear least squares
(Cappellari 2002, MNRAS 333, 400: multi-Gaussian expansion).
"""

import numpy as np
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import MIN_PSF_VARIANCE, fit_psf
from deblend.photometry.mixtures import PsfMixture, amplitudes_and_precisions
from scipy.optimize import nnls

#: Number of Gaussians, of which those with less light than the second number are left out.
N_GAUSSIANS, MIN_SHARE = 8, 1e-4

#: T of the narrowest one in units of that of a single Gaussian with the same peak; that of the
#: widest is the square of half the image's side.
NARROWEST = 0.15

#: Residuals are divided by this power of the mean brightness at their radius, so that the wings
#: count, but not below the second number, in units of the peak: there may be noise.
WEIGHT_POWER, WEIGHT_FLOOR = 0.5, 1e-5


def fit_series(image: np.ndarray) -> PsfMixture:
    """A PSF image as a series of Gaussians.

    Parameters
    ----------
    image : ndarray, shape (k, k)
        Of any flux, k odd, with the PSF in the middle and the pixel included.

    Returns
    -------
    PsfMixture
        One, whose shares add up to 1.

    Raises
    ------
    DeblendError
        There is no light in the image.
    """
    image = np.asarray(image, float) / np.sum(image)
    single, _ = fit_psf(image[None], 1)
    # The covariance of a Gaussian with T = 1.
    unit = single.covariance[0, 0] / (single.covariance[0, 0, 0] + single.covariance[0, 0, 2])
    sharpest = 2 * MIN_PSF_VARIANCE
    sizes = np.geomspace(
        max(NARROWEST / (np.pi * image.max()), sharpest), (len(image) / 2) ** 2, N_GAUSSIANS
    )
    covariance = sizes[:, None] * unit
    amplitude, precision = amplitudes_and_precisions(np.ones((1, N_GAUSSIANS)), covariance[None])
    y, x = (
        v.ravel() - (side - 1) / 2
        for v, side in zip(np.indices(image.shape), image.shape, strict=True)
    )
    exponent = -precision[0] * [0.5, 1, 0.5] @ np.stack([y * y, y * x, x * x])
    radius = np.hypot(y, x).astype(int)
    mean = (np.bincount(radius, image.ravel()) / np.bincount(radius))[radius]
    weight = np.maximum(mean, WEIGHT_FLOOR * image.max()) ** -WEIGHT_POWER
    share, _ = nnls(((amplitude[0, :, None] * np.exp(exponent)) * weight).T, image.ravel() * weight)
    if not share.sum() > 0:
        raise DeblendError("Gaussians do not describe the PSF: give an image of one star")
    share /= share.sum()
    kept = share > MIN_SHARE
    return PsfMixture(share[kept][None] / share[kept].sum(), covariance[kept][None])
