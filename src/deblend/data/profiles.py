"""GalSim profiles of galaxies and of the PSF."""

from typing import Any

import galsim
import numpy as np
from deblend.units import flux_from_mag
from scipy.optimize import brentq
from scipy.special import gammainc, gammaincinv

#: Sersic indices are drawn in steps, since GalSim computes a new table for each index.
SERSIC_STEP = 0.1


#: Range of Sersic indices, within what GalSim accepts.
SERSIC_RANGE = (0.4, 6.0)


#: Limits at which the tails of the prior of radii are cut: one pixel, and the largest radius of the
#: published sample.
RADIUS_RANGE_PX = (1.0, 24.0)


AXIS_RATIO_RANGE = (0.15, 1.0)


def moffat_psf(fwhm_arcsec: float, beta: float) -> galsim.GSObject:
    """Moffat profile of the PSF, which includes the pixel."""
    return galsim.Moffat(beta=beta, fwhm=fwhm_arcsec)


def psf_fwhm_px(image: np.ndarray) -> float:
    """Full width at half maximum of an image of a PSF, pixels.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        With the star at the centre. Between pixels it is interpolated.
    """
    drawn = galsim.InterpolatedImage(galsim.Image(np.asarray(image, float)), scale=1.0)
    return float(drawn.calculateFWHM())


def _enclosed_share(radius: float, sersic_n: float, half_light_radius: float) -> float:
    """Share of a Sersic profile's light within a radius."""
    b = gammaincinv(2 * sersic_n, 0.5)
    return float(gammainc(2 * sersic_n, b * (radius / half_light_radius) ** (1 / sersic_n)))


def bulge_disk_scale(bulge_fraction: float, bulge_to_disk_radius: float) -> float:
    """Half-light radius of a bulge (n=4) plus a disk (n=1), in units of the disk's.

    Parameters
    ----------
    bulge_fraction : float
        Share of the bulge in the total flux, 0 to 1.
    bulge_to_disk_radius : float
        Half-light radius of the bulge divided by that of the disk.
    """

    def excess(radius: float) -> float:
        bulge = _enclosed_share(radius, 4.0, bulge_to_disk_radius)
        return (
            bulge_fraction * bulge + (1 - bulge_fraction) * _enclosed_share(radius, 1.0, 1.0) - 0.5
        )

    low, high = sorted((1.0, bulge_to_disk_radius))
    return 1.0 if low == high else float(brentq(excess, 0.9 * low, 1.1 * high))


def galaxy_profile(
    rng: np.random.Generator,
    galaxy: dict[str, Any],
    pixel_scale_arcsec: float,
    zero_point: float,
) -> galsim.GSObject:
    """Light profile of one galaxy before the PSF, with the centroid of its light at the origin.

    Parameters
    ----------
    rng : Generator
        Draws the position angle and, depending on the class, the bulge fraction or the clumps.
    galaxy : dict
        Properties of the galaxy: `mag`, `morphology`, `sersic_n`, `axis_ratio` and
        `half_light_radius_px` along the semi-major axis.
    pixel_scale_arcsec, zero_point : float

    Returns
    -------
    galsim.GSObject
        Its flux is the total flux of `galaxy["mag"]`, in counts/s.
    """
    radius = galaxy["half_light_radius_px"] * pixel_scale_arcsec
    q = galaxy["axis_ratio"]
    angle = rng.uniform(0, np.pi) * galsim.radians
    flux = float(flux_from_mag(galaxy["mag"], zero_point))
    # GalSim's shear preserves the area: with this radius the semi-major axis is the given one.
    circular = radius * np.sqrt(q)
    if galaxy["morphology"] == "sphd":
        bulge_fraction = rng.uniform(0.2, 0.7)
        ratio = rng.uniform(0.3, 0.8)
        disk_radius = circular / bulge_disk_scale(bulge_fraction, ratio)
        profile = bulge_fraction * galsim.DeVaucouleurs(half_light_radius=ratio * disk_radius) + (
            1 - bulge_fraction
        ) * galsim.Exponential(half_light_radius=disk_radius)
    elif galaxy["morphology"] == "irr":
        # A smooth component of low Sersic index, with a few clumps of young stars.
        clumpiness = rng.uniform(0.15, 0.45)
        n_clumps = int(rng.integers(3, 9))
        weights = rng.dirichlet(np.ones(n_clumps)) * clumpiness
        positions = rng.normal(0, 0.7 * circular, (n_clumps, 2))
        sizes = rng.uniform(0.1, 0.35, n_clumps) * circular
        profile = (1 - clumpiness) * galsim.Sersic(n=galaxy["sersic_n"], half_light_radius=circular)
        for weight, (x, y), size in zip(weights, positions, sizes, strict=True):
            profile += weight * galsim.Gaussian(half_light_radius=size).shift(x, y)
        centroid = weights @ positions
        profile = profile.shift(-centroid[0], -centroid[1])
    else:
        profile = galsim.Sersic(n=galaxy["sersic_n"], half_light_radius=circular)
    return profile.shear(q=q, beta=angle).withFlux(flux)
