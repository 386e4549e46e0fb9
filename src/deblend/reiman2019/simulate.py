"""Simulated Galaxy Zoo images: GalSim galaxies as colour composites of SDSS g, r and i.

As in Galaxy Zoo (Lintott et al. 2011), an image has 424 x 424 pixels of 0.024 Petrosian radii each,
so that all galaxies fill a similar share of their images. As there, images are drawn with the SDSS
pixels of 0.396" and then resampled. The constants below are round numbers. They were chosen so that
the distributions of brightness, extent and colour match those of 400 Galaxy Zoo images. Each image
has its own random generator, so it does not depend on how the set is divided into chunks.
"""

import shutil
from pathlib import Path

import galsim
import numpy as np
from astropy.visualization import make_lupton_rgb
from deblend.errors import DeblendError
from deblend.files import atomic
from deblend.reiman2019.images import RADII_PER_PX
from deblend.seeds import generator
from PIL import Image
from scipy.special import gammainc, gammaincinv

FRAME_PX = 424


SDSS_PIXEL_ARCSEC = 0.396


#: AB magnitude of one nanomaggie, the unit of flux here.
ZERO_POINT = 22.5


#: Kinds of galaxies and their shares: disks with spiral arms, bulges with a disk, and irregular
#: galaxies of clumps in a diffuse body.
KINDS = {"disk": 0.4, "bulge_disk": 0.48, "irregular": 0.12}


#: Petrosian radii: median, scatter of the natural logarithm, and limits.
PETROSIAN_ARCSEC, PETROSIAN_SCATTER, PETROSIAN_RANGE = 5.5, 0.5, (3.0, 25.0)


#: Surface brightness in r within the half-light radius (mag/arcsec^2): mean and scatter of each
#: kind.
SURFACE_BRIGHTNESS = {"disk": (20.3, 0.5), "bulge_disk": (19.4, 0.6), "irregular": (20.7, 0.5)}


#: Seeing: mean and scatter of the FWHM, and beta of the Moffat profile.
SEEING_ARCSEC, SEEING_SCATTER, SEEING_BETA = 1.3, 0.12, 3.0


#: Noise of the sky in i, r and g, nanomaggies per pixel of 0.396".
SKY_SIGMA = np.array([0.032, 0.022, 0.016])


#: Electrons per nanomaggie, which set the Poisson noise.
NANOMAGGIE_ELECTRONS = 1000.0


#: Densities of the surrounding stars and galaxies, and their range of r magnitudes.
STARS_PER_ARCMIN2, GALAXIES_PER_ARCMIN2, SURROUNDINGS_MAG = 1.8, 1.8, (16.5, 21.5)


#: Weights of i, r and g, and Q and stretch of the colour composite (Lupton et al. 2004).
WEIGHTS, LUPTON_Q, LUPTON_STRETCH = np.array([0.87, 1.0, 1.35]), 8.0, 0.55


#: The JPEGs of Galaxy Zoo have the quantisation tables of this quality, and colours at half the
#: resolution (4:2:0).
JPEG_QUALITY = 75


#: Less accurate than the defaults of GalSim, but enough for images of eight bits.
GSPARAMS = galsim.GSParams(folding_threshold=2e-2, maxk_threshold=1e-2, maximum_fft_size=8192)


def petrosian_radius(bulge_fraction: float, bulge_to_disk_radius: float) -> float:
    """Petrosian radius of a bulge (n = 4) and a disk (n = 1), in half-light radii of the disk.

    Parameters
    ----------
    bulge_fraction : float
        Bulge-to-total ratio.
    bulge_to_disk_radius : float
        Ratio of the half-light radii.

    Returns
    -------
    float
        Radius at which the surface brightness is 0.2 of its mean within it, as SDSS defines it.
    """
    radius = np.geomspace(0.05, 10, 400)
    light = np.zeros_like(radius)
    for share, sersic_n, half in (
        (bulge_fraction, 4.0, bulge_to_disk_radius),
        (1 - bulge_fraction, 1.0, 1.0),
    ):
        b = gammaincinv(2 * sersic_n, 0.5)
        light += share * gammainc(2 * sersic_n, b * (radius / half) ** (1 / sersic_n))
    # d ln L / d ln r is twice the ratio of the local to the mean surface brightness.
    ratio = np.gradient(np.log(light), np.log(radius)) / 2
    below = int(np.argmax(ratio < 0.2))
    return float(np.interp(0.2, ratio[below : below - 2 : -1], radius[below : below - 2 : -1]))


def _fluxes_in_bands(r_flux: float, g_r: float, r_i: float) -> np.ndarray:
    """Fluxes in i, r and g."""
    return r_flux * 10 ** (0.4 * np.array([r_i, 0.0, -g_r]))


def _draw_r_i(rng: np.random.Generator, g_r: float) -> float:
    # Galaxies lie close to a line in the plane of these two colours.
    return 0.5 * g_r + rng.normal(0.0, 0.03)


def _draw_clumps(rng: np.random.Generator, kind: str, radius: float) -> galsim.GSObject:
    """Clumps of young stars: along two arms of a disk, or anywhere."""
    n = int(rng.integers(8, 18) if kind == "disk" else rng.integers(3, 9))
    weights = rng.dirichlet(np.full(n, 2.0))
    if kind == "disk":
        distance = rng.uniform(0.4, 1.8, n) * radius
        pitch, side = np.tan(rng.uniform(0.25, 0.6)), rng.integers(0, 2, n) * np.pi
        angle = np.log(distance / radius) / pitch + side + rng.normal(0, 0.15, n)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        sizes = rng.uniform(0.12, 0.3, n) * radius
    else:
        x, y = rng.normal(0, 0.6 * radius, (2, n))
        sizes = rng.uniform(0.1, 0.3, n) * radius
    return galsim.Sum(
        [
            galsim.Gaussian(half_light_radius=size, flux=weight).shift(dx, dy)
            for size, weight, dx, dy in zip(sizes, weights, x, y, strict=True)
        ]
    )


def draw_galaxy(
    rng: np.random.Generator, petrosian_arcsec: float
) -> list[tuple[galsim.GSObject, np.ndarray]]:
    """Components of one galaxy: profiles of unit flux, and their fluxes in i, r and g.

    Parameters
    ----------
    rng : Generator
    petrosian_arcsec : float
        Petrosian radius of the galaxy.
    """
    kind = list(KINDS)[rng.choice(len(KINDS), p=list(KINDS.values()))]
    bulge_fraction = {
        "disk": rng.uniform(0.0, 0.15),
        "bulge_disk": rng.uniform(0.25, 0.9),
        "irregular": 0.0,
    }[kind]
    ratio = rng.uniform(0.2, 0.4) if kind == "disk" else rng.uniform(0.5, 1.0)
    disk_radius = petrosian_arcsec / petrosian_radius(bulge_fraction, ratio)
    # The half-light radius is between a half and a third of the Petrosian radius.
    mu = rng.normal(*SURFACE_BRIGHTNESS[kind])
    area = 2 * np.pi * (petrosian_arcsec / 2.1) ** 2
    r_flux = area * 10 ** (-0.4 * (mu - ZERO_POINT))

    bulge_g_r = rng.normal(0.85, 0.08)
    disk_g_r = bulge_g_r - (
        rng.uniform(0.0, 0.25) if kind == "bulge_disk" else rng.uniform(0.15, 0.5)
    )
    clump_g_r = disk_g_r - rng.uniform(0.1, 0.35)
    clumpiness = {
        "disk": rng.uniform(0.05, 0.3),
        "bulge_disk": 0.0,
        "irregular": rng.uniform(0.2, 0.45),
    }[kind]
    thickness, tilt = rng.uniform(0.15, 0.3), rng.uniform()
    q = np.sqrt(thickness**2 + (1 - thickness**2) * tilt**2)
    if kind == "bulge_disk":  # these include ellipticals, which are rounder than disks
        q = max(q, rng.uniform(0.3, 0.9))
    angle = rng.uniform(0, np.pi) * galsim.radians
    shape = galsim.Shear(q=q, beta=angle)
    bulge_shape = galsim.Shear(q=max(q, rng.uniform(0.5, 1.0)), beta=angle)

    smooth = (1 - bulge_fraction) * (1 - clumpiness)
    disk = galsim.Exponential(half_light_radius=disk_radius).shear(shape)
    parts = [(disk, _fluxes_in_bands(r_flux * smooth, disk_g_r, _draw_r_i(rng, disk_g_r)))]
    if bulge_fraction:
        half = ratio * disk_radius
        bulge = galsim.DeVaucouleurs(half_light_radius=half, trunc=8 * half).shear(bulge_shape)
        parts.append(
            (bulge, _fluxes_in_bands(r_flux * bulge_fraction, bulge_g_r, _draw_r_i(rng, bulge_g_r)))
        )
    if clumpiness:
        share = (1 - bulge_fraction) * clumpiness
        clumps = _draw_clumps(rng, kind, disk_radius).shear(shape)
        parts.append(
            (clumps, _fluxes_in_bands(r_flux * share, clump_g_r, _draw_r_i(rng, clump_g_r)))
        )
    return parts


def _add_surroundings(
    rng: np.random.Generator, planes: np.ndarray, psf: galsim.GSObject, scale: float
) -> None:
    """Add stars and galaxies anywhere in the frame, even on the central galaxy."""
    side = planes.shape[1]
    arcmin2 = (side * scale / 60) ** 2
    n_stars, n_galaxies = rng.poisson([STARS_PER_ARCMIN2 * arcmin2, GALAXIES_PER_ARCMIN2 * arcmin2])
    for number in range(n_stars + n_galaxies):
        x, y = rng.uniform(-0.5, side - 0.5, 2)
        # Number counts rise by about 0.25 dex per magnitude.
        bright, faint = SURROUNDINGS_MAG
        slope = 0.25 * np.log(10)
        mag = bright + np.log1p(rng.uniform() * np.expm1(slope * (faint - bright))) / slope
        radius, q, beta = rng.uniform(0.6, 2.0), rng.uniform(0.3, 1.0), rng.uniform(0, np.pi)
        if number < n_stars:
            # From blue stars to M stars, for which r - i grows while g - r no longer does.
            g_r, profile = rng.uniform(0.2, 1.4), psf
            r_i = 0.4 * g_r if g_r < 1.2 else rng.uniform(0.5, 1.4)
        else:
            g_r = rng.normal(0.8, 0.25)
            r_i = _draw_r_i(rng, g_r)
            galaxy = galsim.Exponential(half_light_radius=radius)
            galaxy = galaxy.shear(q=q, beta=beta * galsim.radians)
            profile = galsim.Convolve(galaxy, psf, gsparams=GSPARAMS)
        cut = 2 * int(np.ceil(8.0 / scale)) + 1
        column, row = int(round(x)), int(round(y))
        stamp = profile.drawImage(
            nx=cut, ny=cut, scale=scale, offset=(x - column, y - row), method="no_pixel"
        ).array
        low, left = row - cut // 2, column - cut // 2
        rows = slice(max(low, 0), min(low + cut, side))
        columns = slice(max(left, 0), min(left + cut, side))
        part = stamp[rows.start - low : rows.stop - low, columns.start - left : columns.stop - left]
        fluxes = _fluxes_in_bands(10 ** (-0.4 * (mag - ZERO_POINT)), g_r, r_i)
        planes[:, rows, columns] += fluxes[:, None, None] * part


def simulate_image(seed: int, images: str, index: int) -> Image.Image:
    """Simulate one image.

    Parameters
    ----------
    seed : int
    images : str
        Name of the set of images: part of the seed.
    index : int
        Number of the image in the set.

    Returns
    -------
    PIL.Image
        RGB, 424 x 424.
    """
    rng = generator(seed, "galaxyzoo", images, index)
    petrosian = float(
        np.clip(np.exp(rng.normal(np.log(PETROSIAN_ARCSEC), PETROSIAN_SCATTER)), *PETROSIAN_RANGE)
    )
    width = FRAME_PX * RADII_PER_PX * petrosian
    # If the pixels of the image are coarser than those of SDSS, they are drawn directly.
    side = min(round(width / SDSS_PIXEL_ARCSEC), FRAME_PX)
    scale = width / side
    seeing = max(rng.normal(SEEING_ARCSEC, SEEING_SCATTER), 0.8)
    psf = galsim.Moffat(beta=SEEING_BETA, fwhm=seeing, gsparams=GSPARAMS)
    planes = np.zeros((3, side, side), np.float32)
    for profile, fluxes in draw_galaxy(rng, petrosian):
        drawn = galsim.Convolve(profile, psf, gsparams=GSPARAMS).drawImage(
            nx=side, ny=side, scale=scale, method="no_pixel"
        )
        planes += fluxes[:, None, None].astype(np.float32) * drawn.array
    _add_surroundings(rng, planes, psf, scale)
    # Coarser pixels have more noise from the sky.
    sky = (SKY_SIGMA * scale / SDSS_PIXEL_ARCSEC)[:, None, None]
    noise = rng.standard_normal(planes.shape, np.float32)
    planes += np.sqrt(sky**2 + np.maximum(planes, 0) / NANOMAGGIE_ELECTRONS) * noise
    # Flux per SDSS pixel, so that the brightness does not depend on the size of the pixels.
    planes *= WEIGHTS[:, None, None] * (SDSS_PIXEL_ARCSEC / scale) ** 2
    rgb = make_lupton_rgb(*planes, stretch=LUPTON_STRETCH, Q=LUPTON_Q)
    return Image.fromarray(rgb).resize((FRAME_PX, FRAME_PX), Image.Resampling.BICUBIC)


def simulate_chunk(seed: int, images: str, start: int, stop: int, folder: str | Path) -> None:
    """Write the images start to stop - 1 of a set as JPEGs, `{images}-{index:06d}.jpg`.

    Parameters
    ----------
    seed : int
    images : str
    start, stop : int
    folder : path
        Created when all images are written.

    Raises
    ------
    DeblendError
        The range is empty.
    """
    if not 0 <= start < stop:
        raise DeblendError(f"a chunk from {start} to {stop} has no images: give start < stop")
    with atomic(folder) as temporary:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        try:
            for index in range(start, stop):
                image = simulate_image(seed, images, index)
                name = temporary / f"{images}-{index:06d}.jpg"
                image.save(name, "JPEG", quality=JPEG_QUALITY, subsampling="4:2:0")
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
