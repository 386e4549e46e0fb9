"""Simulated cut-outs in one to seven bands: GalSim galaxies with colours (Hemmati et al. 2022).

Only smooth galaxies are simulated: spheroids, disks, and disks with a bulge. The clumps of
irregular galaxies would be peaks, which would wrongly count as false positives. Sizes, Sersic
indices and axis ratios follow the priors of `deblend.data.priors`, which are for F160W.

Colours follow from two model spectra, an old one for bulges and spheroids and a young one for
disks, given as f_nu against the rest-frame wavelength:

- redwards of 4000 A, f_nu is a power of the wavelength, to which each galaxy adds a random tilt;
  bluewards it is another power, fainter by a break in magnitudes (`SPECTRA`);
- bluewards of Lyman alpha, the Lyman-alpha forest dims the light by exp(-0.0036 (1 + z_a)^3.46),
  where z_a is the redshift of the absorption (Madau 1995); below 912 A there is no light;
- the flux in a band is the mean of f_nu over its width.

The breaks thus move through the bands with redshift: galaxies become redder, and from z = 4 they
drop out of F435W. The numbers in the spectra are round, and our choice. The noise is white; that of
the sky is uniform, and the light of the galaxies can have Poisson noise. Cut-outs can have other
galaxies, which are listed with the galaxy (`deblend.hemmati2022.blends.with_neighbours`).

Each galaxy has its own random generator, so it does not depend on how the set is divided into
chunks.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import galsim
import numpy as np
import pandas as pd
from deblend.data.priors import PIXEL_SCALE
from deblend.data.profiles import (
    AXIS_RATIO_RANGE,
    RADIUS_RANGE_PX,
    SERSIC_RANGE,
    SERSIC_STEP,
    bulge_disk_scale,
    moffat_psf,
)
from deblend.data.stamps import Stamps
from deblend.hemmati2022.blends import with_neighbours
from deblend.hemmati2022.cutout_config import CutoutSimulatorConfig
from deblend.hemmati2022.ingest import band_psfs, bands_with_psfs
from deblend.seeds import generator
from deblend.space import need_memory
from deblend.units import flux_from_mag
from numpy.typing import ArrayLike
from scipy.special import expit, ndtr, ndtri

#: Pivot wavelength and width of the bands in Angstrom, rounded from the instrument handbooks.
BANDS = {
    "f435w": (4320.0, 850.0),
    "f606w": (5920.0, 2000.0),
    "f775w": (7690.0, 1400.0),
    "f814w": (8060.0, 2000.0),
    "f850lp": (9040.0, 1250.0),
    "f125w": (12490.0, 2850.0),
    "f160w": (15370.0, 2750.0),
}


#: Powers of f_nu redwards and bluewards of 4000 A, and the break there (mag). Our choice.
SPECTRA = {"old": (1.0, 2.0, 1.0), "young": (0.7, 0.3, 0.3)}


BREAK_A, LYMAN_ALPHA_A, LYMAN_LIMIT_A = 4000.0, 1216.0, 912.0


#: Scatter of the tilt, which is added to the power. Our choice.
TILT_SIGMA = 0.2


#: Number of wavelengths over which a band is averaged.
N_WAVELENGTHS = 15


#: Smooth classes of `deblend.data.priors`.
CLASSES = ("sph", "disk", "sphd")


#: log10(1 + z) is normally distributed about a linear function of the F775W magnitude: value at
#: 20 mag, slope and scatter. Our choice: the median z is 0.35 at 20 mag and 1.1 at 25.5 mag.
LOG_1_PLUS_Z = (0.13, 0.035, 0.14)


REDSHIFT_RANGE = (0.1, 5.0)


#: CLASS_STAR falls from 1 to 0 with the half-light radius: radius at 0.5 (px), width of the fall
#: (px), and scatter. Our choice.
CLASS_STAR = (1.6, 0.2, 0.03)


#: Approximate field of GOODS South, degrees.
RA_RANGE, DEC_RANGE = (53.0, 53.25), (-27.95, -27.65)


#: Radius of the aperture for which Guo et al. 2013 give depths.
APERTURE_ARCSEC = 0.17


#: Less accurate than the defaults of GalSim: up to 1 % of the light can be aliased.
GSPARAMS = galsim.GSParams(folding_threshold=0.01, maxk_threshold=3e-3, maximum_fft_size=16384)


def simulator_config(options: dict[str, Any], psfs: Sequence[str] = ()) -> CutoutSimulatorConfig:
    """Options of the simulator, with the files of the measured PSFs; see `bands_with_psfs`."""
    return CutoutSimulatorConfig(**{**options, "bands": bands_with_psfs(options["bands"], psfs)})


def noise_sigma(
    depth_mag: float,
    zero_point: float,
    psf_fwhm_arcsec: float,
    psf_moffat_beta: float,
    pixel_scale_arcsec: float,
) -> float:
    """Noise of a pixel from the magnitude of a point source seen at 5 sigma.

    The aperture has a radius of r = 0.17" (Guo et al. 2013, for GOODS South). It contains
    N = pi (r / scale)^2 pixels, with a total noise of sqrt(N) sigma, and the share
    s = 1 - (1 + (r / r_d)^2)^(1 - beta) of the light of a Moffat PSF, where
    r_d = FWHM / (2 sqrt(2^(1 / beta) - 1)). At the limiting flux F, s F = 5 sqrt(N) sigma, so that

        sigma = s 10^(0.4 (zero_point - depth_mag)) / (5 sqrt(N)).

    Example: 28.5 mag in F775W (zero point 25.69, FWHM 0.08", beta 2.5, 0.06"/px) gives N = 25.2,
    s = 0.943, F = 0.0752 counts/s and sigma = 0.00282 counts/s.

    Returns
    -------
    float
        In counts/s.
    """
    n_pixels = np.pi * (APERTURE_ARCSEC / pixel_scale_arcsec) ** 2
    core = psf_fwhm_arcsec / (2 * np.sqrt(2 ** (1 / psf_moffat_beta) - 1))
    share = 1 - (1 + (APERTURE_ARCSEC / core) ** 2) ** (1 - psf_moffat_beta)
    return float(share * flux_from_mag(depth_mag, zero_point) / (5 * np.sqrt(n_pixels)))


def spectrum(wavelength_a: ArrayLike, redshift: float, kind: str, tilt: float = 0.0) -> np.ndarray:
    """f_nu of a model spectrum, up to a constant.

    Parameters
    ----------
    wavelength_a : array_like
        Observed wavelength in Angstrom.
    redshift : float
    kind : {"old", "young"}
    tilt : float
        Added to the power of the wavelength.

    Returns
    -------
    ndarray
    """
    observed = np.asarray(wavelength_a, float)
    rest = observed / (1 + redshift)
    red, blue, break_mag = SPECTRA[kind]
    relative = rest / BREAK_A
    flux = (
        np.where(relative >= 1, relative**red, relative**blue * 10 ** (-0.4 * break_mag))
        * relative**tilt
    )
    forest = np.exp(-0.0036 * (observed / LYMAN_ALPHA_A) ** 3.46)
    flux = np.where(rest < LYMAN_ALPHA_A, flux * forest, flux)
    return np.where(rest < LYMAN_LIMIT_A, 0.0, flux)


def colours(redshift: float, kind: str, tilt: float, detection_band: str) -> dict[str, float]:
    """Flux (f_nu) in each band of `BANDS`, divided by that in the detection band."""
    flux = {}
    for name, (pivot, width) in BANDS.items():
        steps = (np.arange(N_WAVELENGTHS) + 0.5) / N_WAVELENGTHS - 0.5
        flux[name] = spectrum(pivot + width * steps, redshift, kind, tilt).mean()
    return {name: float(value / flux[detection_band]) for name, value in flux.items()}


def draw_galaxy(
    rng: np.random.Generator, priors: dict[str, Any], config: CutoutSimulatorConfig
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Draw the catalogue entry of a galaxy, and the parameters of its image.

    Parameters
    ----------
    rng : Generator
    priors : dict
        See `deblend.data.priors.fit`.
    config : CutoutSimulatorConfig

    Returns
    -------
    galaxy : dict
        Catalogue entry: columns of `deblend.data.stamps.GALAXY_COLUMNS` except id and origin;
        class_star; and the magnitude in each of `BANDS`, for example mag_f160w (infinite if there
        is no light).
    shape : dict
        components: for each one the kind of spectrum, the share of the light in the detection band,
        the Sersic index and the circularised half-light radius (arcsec); colours, from `colours`
        for each kind of spectrum; angle_rad.
    """
    shares = np.array([priors["classes"][c]["share"] for c in CLASSES])
    morphology = CLASSES[rng.choice(len(CLASSES), p=shares / shares.sum())]
    catalogue = priors["classes"][morphology]["catalogue"]
    selection = priors["classes"][morphology]["selection"]

    slope = config.counts_slope * np.log(10)
    span = config.mag_max - config.mag_min
    mag = float(config.mag_min + np.log1p(rng.uniform() * np.expm1(slope * span)) / slope)
    at_20_mag, slope_per_mag, scatter = LOG_1_PLUS_Z
    mean = at_20_mag + slope_per_mag * (mag - 20)
    ends = ndtr((np.log10(1 + np.array(REDSHIFT_RANGE)) - mean) / scatter)
    redshift = float(10 ** (mean + scatter * ndtri(rng.uniform(*ends))) - 1)

    tilt = rng.normal(0, TILT_SIGMA)
    bulge = rng.uniform(0.2, 0.7)
    bulge_to_disk_radius = rng.uniform(0.3, 0.8)
    share = {"sph": {"old": 1.0}, "disk": {"young": 1.0}}.get(
        morphology, {"old": bulge, "young": 1 - bulge}
    )
    colours_of = {kind: colours(redshift, kind, tilt, config.detection_band) for kind in share}
    total_flux = {band: sum(share[k] * colours_of[k][band] for k in share) for band in BANDS}
    with np.errstate(divide="ignore"):
        mags = {f"mag_{band}": float(mag - 2.5 * np.log10(total_flux[band])) for band in BANDS}

    size = catalogue["size"]
    log_r = rng.normal(
        size["intercept"]
        + selection["size_shift_dex"]
        + size["slope"] * (mags["mag_f160w"] - priors["pivot_mag"]),
        size["scatter"] * selection["size_scatter_ratio"],
    )
    # In pixels of the priors.
    radius_px = float(np.clip(10**log_r, *RADIUS_RANGE_PX))
    sersic_n = float(np.clip(10 ** rng.normal(*catalogue["log10_sersic_n"]), *SERSIC_RANGE))
    sersic_n = round(sersic_n / SERSIC_STEP) * SERSIC_STEP
    q = float(np.clip(rng.normal(*catalogue["axis_ratio"]), *AXIS_RATIO_RANGE))
    middle_px, width_px, star_scatter = CLASS_STAR
    class_star = expit((middle_px - radius_px) / width_px) + rng.normal(0, star_scatter)
    galaxy = {
        "ra": float(rng.uniform(*RA_RANGE)),
        "dec": float(rng.uniform(*DEC_RANGE)),
        "mag": mag,
        "half_light_radius_px": radius_px * (PIXEL_SCALE / config.pixel_scale_arcsec),
        "sersic_n": sersic_n,
        "axis_ratio": q,
        "redshift": redshift,
        "morphology": morphology,
        **dict.fromkeys(("p_sph", "p_disk", "p_irr"), np.nan),
        "class_star": float(np.clip(class_star, 0, 1)),
        **mags,
    }
    # The catalogue has the semi-major axis, but the shear needs the radius of the circle of the
    # same area.
    circular = radius_px * np.sqrt(q) * PIXEL_SCALE
    if morphology == "sphd":
        disk = circular / bulge_disk_scale(bulge, bulge_to_disk_radius)
        shapes = {"old": (4.0, bulge_to_disk_radius * disk), "young": (1.0, disk)}
    else:
        shapes = dict.fromkeys(share, (sersic_n, circular))
    shape = {
        "components": [(kind, share[kind], *shapes[kind]) for kind in share],
        "colours": colours_of,
        "angle_rad": float(rng.uniform(0, np.pi)),
    }
    return galaxy, shape


@lru_cache(maxsize=1)
def _psfs(config: CutoutSimulatorConfig) -> tuple[galsim.GSObject, ...]:
    """PSF of each band, pixel included; the same object for bands with the same PSF."""
    images = band_psfs(config)
    keys = [(band.psf, band.psf_key, band.psf_fwhm_arcsec) for band in config.bands]
    found: dict[tuple, galsim.GSObject] = {}
    for key, image in zip(keys, images, strict=True):
        path, _, fwhm_arcsec = key
        if path is None:
            found.setdefault(key, moffat_psf(fwhm_arcsec, config.psf_moffat_beta))
        else:
            measured = galsim.Image(image, scale=config.pixel_scale_arcsec)
            # The image hardly samples the PSF: the default interpolant lowers its peak by 5 %.
            found.setdefault(
                key,
                galsim.InterpolatedImage(measured, x_interpolant="lanczos7", gsparams=GSPARAMS),
            )
    return tuple(found[key] for key in keys)


def draw_planes(
    galaxy: dict[str, Any],
    shape: dict[str, Any],
    config: CutoutSimulatorConfig,
    offset_px: tuple[float, float] = (0.0, 0.0),
) -> np.ndarray:
    """Image of a galaxy in each band, without noise.

    Parameters
    ----------
    galaxy, shape : dict
        From `draw_galaxy`.
    config : CutoutSimulatorConfig
    offset_px : (float, float)
        dx and dy of the galaxy from pixel parent_px // 2.

    Returns
    -------
    ndarray, shape (band, parent_px, parent_px), float32
        In counts/s, with the zero point of each band.
    """
    size, scale = config.parent_px, config.pixel_scale_arcsec
    planes = np.zeros((len(config.bands), size, size), np.float32)
    dx, dy = offset_px
    centre = galsim.PositionD(size // 2 + 1 + dx, size // 2 + 1 + dy)
    angle = shape["angle_rad"] * galsim.radians
    psfs = _psfs(config)
    zero_points = np.array([band.zero_point for band in config.bands])
    for kind, share, n, radius in shape["components"]:
        profile = galsim.Sersic(n=n, half_light_radius=radius, gsparams=GSPARAMS)
        profile = profile.shear(q=galaxy["axis_ratio"], beta=angle)
        colour = np.array([shape["colours"][kind][band.name] for band in config.bands])
        fluxes = share * colour * flux_from_mag(galaxy["mag"], zero_points)  # type: ignore[arg-type]
        # The images in bands with the same PSF differ only by a factor.
        for psf in dict.fromkeys(psfs):
            image = galsim.ImageF(size, size, scale=scale)
            galsim.Convolve(profile, psf, gsparams=GSPARAMS).drawImage(
                image, center=centre, method="no_pixel"
            )
            same_psf = np.array([other is psf for other in psfs])
            planes[same_psf] += fluxes[same_psf, None, None].astype(np.float32) * image.array
    return planes


def draw_neighbours(
    seed: int, name: str, index: int, priors: dict[str, Any], config: CutoutSimulatorConfig
) -> tuple[np.ndarray, np.ndarray]:
    """Other galaxies in the cut-out of one, at random positions.

    Parameters
    ----------
    seed : int
    name : str
    index : int
        Number of the galaxy in the catalogue.
    priors : dict
    config : CutoutSimulatorConfig

    Returns
    -------
    planes : ndarray, shape (band, parent_px, parent_px), float32
        Their light.
    neighbours : ndarray, shape (k, 3)
        dx and dy (px from the galaxy) and magnitude of each.
    """
    size = config.parent_px
    area_arcmin2 = (size * config.pixel_scale_arcsec / 60) ** 2
    rng = generator(seed, "hemmati2022 neighbours", name, index)
    n = rng.poisson(config.neighbours_per_arcmin2 * area_arcmin2)
    planes = np.zeros((len(config.bands), size, size), np.float32)
    found = np.zeros((n, 3))
    for row in found:
        dx, dy = rng.uniform(-size / 2, size / 2, 2)
        galaxy, shape = draw_galaxy(rng, priors, config)
        planes += draw_planes(galaxy, shape, config, (dx, dy))
        row[:] = dx, dy, galaxy["mag"]
    return planes, found


def simulated_catalogue(
    seed: int, name: str, n_galaxies: int, priors: dict[str, Any], config: CutoutSimulatorConfig
) -> pd.DataFrame:
    """Catalogue of a set of simulated galaxies.

    Parameters
    ----------
    seed : int
    name : str
        Name of the set of cut-outs: part of the seed and of the galaxies' ids.
    n_galaxies : int
    priors : dict
    config : CutoutSimulatorConfig

    Returns
    -------
    DataFrame
        Columns of `draw_galaxy`, and id and origin.
    """
    rows = [
        {
            "id": f"{name}-{index:06d}",
            **draw_galaxy(generator(seed, "hemmati2022", name, index), priors, config)[0],
            "origin": f"simulated:{name}",
        }
        for index in range(n_galaxies)
    ]
    return pd.DataFrame(rows)


def simulate_cutouts(
    seed: int,
    name: str,
    catalogue: pd.DataFrame,
    indices: np.ndarray,
    priors: dict[str, Any],
    config: CutoutSimulatorConfig,
) -> Stamps:
    """Simulate the cut-outs of some galaxies of a set.

    Parameters
    ----------
    seed : int
    name : str
        See `simulated_catalogue`.
    catalogue : DataFrame
        From `simulated_catalogue`.
    indices : ndarray of int
        Rows of the catalogue.
    priors : dict
    config : CutoutSimulatorConfig

    Returns
    -------
    Stamps
    """
    bands = band_rows(config)
    sigma = bands["noise_sigma"].to_numpy(np.float32)[:, None, None]
    size = config.parent_px
    # The images in all bands, and segmentation maps.
    need_memory(
        f"a chunk of {len(indices)} galaxies of {name}",
        len(indices) * (4 * len(bands) + 2) * size**2,
        "a smaller chunk_size",
    )
    images = np.empty((len(indices), len(bands), size, size), np.float32)
    # Poisson noise of the light, whose variance is the light over the time.
    times = [np.inf if band.exposure_s is None else band.exposure_s for band in config.bands]
    per_light = (1 / np.array(times, np.float32))[:, None, None]
    neighbours = []
    for image, index in zip(images, indices, strict=True):
        rng = generator(seed, "hemmati2022", name, int(index))
        galaxy, shape = draw_galaxy(rng, priors, config)
        others, around = draw_neighbours(seed, name, int(index), priors, config)
        neighbours.append(around)
        image[:] = draw_planes(galaxy, shape, config) + others
        noise = np.sqrt(sigma**2 + per_light * np.maximum(image, 0))
        image += noise * rng.standard_normal(image.shape, np.float32)
    return Stamps(
        images,
        np.zeros((len(indices), size, size), np.int16),
        with_neighbours(
            catalogue.iloc[indices].drop(columns=["split", "reason"], errors="ignore"), neighbours
        ),
        bands,
        band_psfs(config),
    )


def band_rows(config: CutoutSimulatorConfig) -> pd.DataFrame:
    """Band table of the simulator (`deblend.data.stamps.BAND_COLUMNS`)."""
    scale, beta = config.pixel_scale_arcsec, config.psf_moffat_beta
    return pd.DataFrame(
        {
            "name": band.name,
            "pixel_scale_arcsec": scale,
            "zero_point": float(band.zero_point),
            "noise_sigma": noise_sigma(
                band.depth_mag, band.zero_point, band.psf_fwhm_arcsec, beta, scale
            ),
        }
        for band in config.bands
    )
