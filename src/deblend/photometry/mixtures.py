"""Galaxies and PSFs as mixtures of Gaussians, whose convolution is analytic.

The mixtures are those of Hogg & Lang 2013, in the parameters of NGMIX (Sheldon 2015), which Hemmati
et al. 2022, Sect. 4.1, used. As in NGMIX, a model is evaluated at the centre of each pixel, and the
PSF includes the pixel.

A covariance is three numbers, (yy, yx, xx) in square pixels. The size of a profile is T = yy + xx.
Its shape is the reduced shear (g1, g2), with g1 > 0 along x. With e = 2 g / (1 + g^2), the
covariance of the profile is T / 2 (1 - e1, e2, 1 + e1), and that of its Gaussian k is this times
the Gaussian's share of T.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from deblend.errors import DeblendError

#: Table of the mixtures of all profiles.
PROFILE_TABLE = Path(__file__).with_name("gaussian_mixtures.csv")


#: Gaussians with a smaller share of the profile's T are merged when galaxies are fitted: 0.3 % of
#: the light of a de Vaucouleurs profile. With 2e-4, four of them, fluxes in HST's images would
#: change by up to 0.4 standard deviations; with three, by less than 0.02.
SHARP = 1e-4


#: Parameters of one galaxy, in this order: centre (px), covariance (px^2), flux.
N_PARAMETERS = 6


ROW, COL, YY, YX, XX, FLUX = range(N_PARAMETERS)


@dataclass(frozen=True)
class Profile:
    """A galaxy profile as a mixture of Gaussians.

    Attributes
    ----------
    share : ndarray, shape (k,)
        Share of each Gaussian in the flux; the shares add up to 1.
    size : ndarray, shape (k,)
        T of each Gaussian, in units of the profile's T.
    """

    share: np.ndarray
    size: np.ndarray


@dataclass(frozen=True)
class PsfMixture:
    """PSFs as mixtures of concentric Gaussians, one mixture per stamp.

    Attributes
    ----------
    share : ndarray, shape (n, j)
        Share of each Gaussian in the flux.
    covariance : ndarray, shape (n, j, 3)
        (yy, yx, xx), px^2, of the PSF including the pixel.
    """

    share: np.ndarray
    covariance: np.ndarray

    def __len__(self) -> int:
        return len(self.share)

    def take(self, rows: np.ndarray) -> "PsfMixture":
        """The mixtures of some of the stamps."""
        return PsfMixture(self.share[rows], self.covariance[rows])

    @property
    def size(self) -> np.ndarray:
        """T of each mixture, px^2, shape (n,)."""
        trace = self.covariance[..., 0] + self.covariance[..., 2]
        return (self.share * trace).sum(axis=1) / self.share.sum(axis=1)


@cache
def profile_mixture(name: str) -> Profile:
    """Read a profile of `PROFILE_TABLE`: exp, dev or gauss.

    Raises
    ------
    DeblendError
        The table has no profile of that name.
    """
    table = pd.read_csv(PROFILE_TABLE, comment="#")
    rows = table[table["profile"] == name]
    if rows.empty:
        known = ", ".join(sorted(table["profile"].unique()))
        raise DeblendError(f"there is no Gaussian mixture for the profile {name!r}: take {known}")
    share = rows["fraction_of_flux"].to_numpy(float)
    return Profile(share / share.sum(), rows["fraction_of_T"].to_numpy(float))


def compact(profile: Profile) -> Profile:
    """Merge the sharpest Gaussians of a profile, which no PSF resolves, into one of their mean T.

    Of the ten Gaussians of the de Vaucouleurs profile eight remain, which are faster to fit.
    """
    sharp = profile.size < SHARP
    if sharp.sum() < 2:
        return profile
    share = profile.share[sharp].sum()
    size = (profile.share * profile.size)[sharp].sum() / share
    return Profile(np.append(share, profile.share[~sharp]), np.append(size, profile.size[~sharp]))


def smallest_variance(covariance: np.ndarray) -> np.ndarray:
    """Smaller eigenvalue of covariances (yy, yx, xx): the variance along the minor axis."""
    yy, yx, xx = np.moveaxis(covariance, -1, 0)
    return (yy + xx) / 2 - np.hypot((yy - xx) / 2, yx)


def covariance_from_shape(g1: np.ndarray, g2: np.ndarray, size: np.ndarray) -> np.ndarray:
    """Covariance (yy, yx, xx) of reduced shear g1, g2 and size T.

    Raises
    ------
    DeblendError
        |g| is not below 1.
    """
    g1, g2, size = np.broadcast_arrays(*(np.asarray(v, float) for v in (g1, g2, size)))
    g_squared = g1**2 + g2**2
    if not (g_squared < 1).all():
        raise DeblendError(
            f"a reduced shear of |g| = {np.sqrt(g_squared.max()):.3g} is no ellipse: |g| must be "
            "below 1"
        )
    e1, e2 = (2 * g / (1 + g_squared) for g in (g1, g2))
    return np.stack([1 - e1, e2, 1 + e1], axis=-1) * (size / 2)[..., None]


def shape_from_covariance(
    covariance: np.ndarray,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduced shear g1, g2 and size T; g is NaN where the covariance is not positive definite."""
    yy, yx, xx = np.moveaxis(covariance, -1, 0)
    size = yy + xx
    with np.errstate(divide="ignore", invalid="ignore"):
        e1, e2 = (xx - yy) / size, 2 * yx / size
        factor = 1 / (1 + np.sqrt(1 - e1**2 - e2**2))
    ellipse = (size > 0) & (np.hypot(e1, e2) < 1)
    return np.where(ellipse, e1 * factor, np.nan), np.where(ellipse, e2 * factor, np.nan), size


def convolve(
    profile: Profile, covariance: np.ndarray, psf: PsfMixture
) -> tuple[np.ndarray, np.ndarray]:
    """Convolve a profile of unit flux with the PSF: covariances are added, shares multiplied.

    Parameters
    ----------
    profile : Profile
        With k Gaussians.
    covariance : ndarray, shape (n, 3)
        Covariance of the profile, px^2.
    psf : PsfMixture
        With j Gaussians.

    Returns
    -------
    share : ndarray, shape (n, k j)
    covariance : ndarray, shape (n, k j, 3)
    """
    n, n_gaussians = len(psf), profile.share.size * psf.share.shape[1]
    share = profile.share[:, None] * psf.share[:, None]
    profile_covariance = profile.size[:, None, None] * covariance[:, None, None]
    convolved = profile_covariance + psf.covariance[:, None]
    return share.reshape(n, n_gaussians), convolved.reshape(n, n_gaussians, 3)


def render(
    parameters: np.ndarray, profiles: Sequence[Profile], psf: PsfMixture, shape: tuple[int, int]
) -> np.ndarray:
    """Images of mixtures.

    Parameters
    ----------
    parameters : ndarray, shape (n, galaxy, 6)
        Centre y, x (px, from the corner pixel's centre), covariance yy, yx, xx (px^2), flux.
    profiles : sequence of Profile
        One per galaxy.
    psf : PsfMixture
    shape : tuple of int
        (y, x).

    Returns
    -------
    ndarray, shape (n, y, x)
        Flux per pixel.
    """
    y, x = (v.reshape(-1).astype(float) for v in np.indices(shape))
    images = np.zeros((len(parameters), y.size))
    for galaxy, profile in enumerate(profiles):
        p = parameters[:, galaxy]
        share, covariance = convolve(profile, p[:, YY : XX + 1], psf)
        amplitude, precision = amplitudes_and_precisions(share, covariance)
        dy, dx = y - p[:, [ROW]], x - p[:, [COL]]
        exponent = -precision * [0.5, 1, 0.5] @ np.stack([dy * dy, dy * dx, dx * dx], axis=1)
        images += p[:, [FLUX]] * (amplitude[:, None] @ np.exp(exponent))[:, 0]
    return images.reshape(-1, *shape)


def amplitudes_and_precisions(
    share: np.ndarray, covariance: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Values of Gaussians at their centres, and inverse covariances (yy, yx, xx)."""
    yy, yx, xx = np.moveaxis(covariance, -1, 0)
    determinant = yy * xx - yx * yx
    precision = np.stack([xx, -yx, yy], axis=-1) / determinant[..., None]
    return share / (2 * np.pi * np.sqrt(determinant)), precision
