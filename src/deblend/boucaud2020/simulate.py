"""Simulated parent stamps: GalSim galaxies like those of CANDELS in F160W.

Galaxies of the four classes of Boucaud et al. 2020 (Sect. 2.1), with neighbours to mask, a PSF
and noise like those of WFC3 F160W mosaics at 0.06"/px. Each galaxy has its own generator, seeded
from the configuration's seed, the data set's name and the galaxy's index: a galaxy does not depend
on its chunk, and no two data sets share a galaxy.
"""

from typing import Any, NamedTuple

import galsim
import numpy as np
import pandas as pd
from deblend.boucaud2020.config import SimulatorConfig
from deblend.data.noise import noise_images
from deblend.data.priors import MORPHOLOGIES, PIXEL_SCALE, cumulative_counts
from deblend.data.profiles import (
    AXIS_RATIO_RANGE,
    RADIUS_RANGE_PX,
    SERSIC_RANGE,
    SERSIC_STEP,
    galaxy_profile,
    moffat_psf,
)
from deblend.data.stamps import Stamps, band_table
from deblend.errors import DeblendError
from deblend.seeds import generator
from deblend.space import need_memory
from deblend.units import flux_from_mag

REDSHIFT_RANGE = (0.02, 1.5)


#: Side of the image of a neighbour, in half-light radii: an exponential profile has almost no light
#: beyond eight.
NEIGHBOUR_SIZE_RADII = 16


class Neighbour(NamedTuple):
    """A galaxy that happens to be in the stamp of another one.

    Attributes
    ----------
    x_px, y_px : float
        From the middle of the stamp.
    mag : float
    half_light_radius_px : float
        Of a circle of the same area as the half-light ellipse; those of galaxies are along the
        major axis.
    axis_ratio : float
    angle : float
        Of the major axis, radians.
    """

    x_px: float
    y_px: float
    mag: float
    half_light_radius_px: float
    axis_ratio: float
    angle: float


def draw_properties(
    rng: np.random.Generator, priors: dict[str, Any], config: SimulatorConfig
) -> dict[str, Any]:
    """Draw one galaxy's catalogue entry from the priors.

    Parameters
    ----------
    rng : Generator
    priors : dict
        See `deblend.data.priors.fit`.
    config : SimulatorConfig

    Returns
    -------
    dict
        Columns of `deblend.data.stamps.GALAXY_COLUMNS` except id and origin.
    """
    shares = np.array([priors["classes"][m]["share"] for m in MORPHOLOGIES])
    morphology = MORPHOLOGIES[rng.choice(len(MORPHOLOGIES), p=shares / shares.sum())]
    catalogue = priors["classes"][morphology]["catalogue"]
    selection = priors["classes"][morphology]["selection"]

    magnitudes, share_brighter = cumulative_counts(
        **selection["counts"], bright=config.mag_min, faint=config.mag_max
    )
    mag = np.interp(rng.uniform(), share_brighter, magnitudes)

    size = catalogue["size"]
    log_r = rng.normal(
        size["intercept"]
        + selection["size_shift_dex"]
        + size["slope"] * (mag - priors["pivot_mag"]),
        size["scatter"] * selection["size_scatter_ratio"],
    )
    sersic_n = np.clip(10 ** rng.normal(*catalogue["log10_sersic_n"]), *SERSIC_RANGE)
    p_own = {m: 1 - 0.35 * rng.beta(1, 4) for m in ("sph", "disk", "irr")}
    p_other = {m: rng.uniform(0, 0.3) for m in ("sph", "disk", "irr")}
    own = {"sph": {"sph"}, "disk": {"disk"}, "sphd": {"sph", "disk"}, "irr": {"irr"}}[morphology]
    return {
        "ra": np.nan,
        "dec": np.nan,
        "mag": float(mag),
        "half_light_radius_px": float(np.clip(10**log_r, *RADIUS_RANGE_PX)) * _prior_px(config),
        "sersic_n": round(float(sersic_n) / SERSIC_STEP) * SERSIC_STEP,
        "axis_ratio": float(np.clip(rng.normal(*catalogue["axis_ratio"]), *AXIS_RATIO_RANGE)),
        "redshift": float(
            np.clip(10 ** rng.normal(*catalogue["log10_1_plus_z"]) - 1, *REDSHIFT_RANGE)
        ),
        "morphology": morphology,
        **{f"p_{m}": float(p_own[m] if m in own else p_other[m]) for m in ("sph", "disk", "irr")},
    }


def _prior_px(config: SimulatorConfig) -> float:
    """A pixel of the priors, 0.06", in pixels of the data set."""
    return PIXEL_SCALE / config.pixel_scale_arcsec


def draw_neighbours(
    rng: np.random.Generator, galaxy: dict[str, Any], config: SimulatorConfig
) -> list[Neighbour]:
    """Draw the foreground and background galaxies of a stamp, none of them near its galaxy.

    Parameters
    ----------
    rng : Generator
    galaxy : dict
        Catalogue entry of the galaxy.
    config : SimulatorConfig
    """
    half = config.stamp_size / 2
    # Parent galaxies are isolated: a neighbour overlaps only the outskirts of the central galaxy,
    # most of whose light lies within two half-light radii.
    nearest = max(2.5 * galaxy["half_light_radius_px"], 10.0 * _prior_px(config))
    neighbours = []
    for _ in range(rng.poisson(config.n_neighbours_mean * (config.stamp_size / 128) ** 2)):
        x, y = rng.uniform(-half, half, 2)
        span = config.neighbour_mag_max - config.neighbour_mag_min
        # Counts of faint galaxies in the near infrared rise by about 0.25 dex a magnitude.
        slope = 0.25 * np.log(10)
        mag = config.neighbour_mag_min + np.log1p(rng.uniform() * np.expm1(slope * span)) / slope
        radius = 10 ** rng.normal(0.7 - 0.1 * (mag - 22.5), 0.15) * _prior_px(config)
        axis_ratio = rng.uniform(0.3, 1.0)
        angle = rng.uniform(0, np.pi)
        if np.hypot(x, y) >= nearest:
            neighbours.append(Neighbour(x, y, mag, radius, axis_ratio, angle))
    return neighbours


def _add_neighbours(
    image: galsim.Image,
    psf: galsim.GSObject,
    neighbours: list[Neighbour],
    config: SimulatorConfig,
) -> None:
    """Add the light of neighbours to a stamp."""
    scale = config.pixel_scale_arcsec
    for x, y, mag, radius, axis_ratio, angle in neighbours:
        neighbour = galsim.Exponential(
            half_light_radius=radius * scale, flux=float(flux_from_mag(mag, config.zero_point))
        )
        turned = neighbour.shear(q=axis_ratio, beta=angle * galsim.radians)
        neighbour = galsim.Convolve(turned, psf)
        centre = image.true_center + galsim.PositionD(x, y)
        side = 16 + int(NEIGHBOUR_SIZE_RADII * radius)
        stamp = neighbour.drawImage(nx=side, ny=side, scale=scale, center=centre, method="no_pixel")
        overlap = stamp.bounds & image.bounds
        if overlap.isDefined():
            image[overlap] += stamp[overlap]


def simulate_galaxy(
    seed: int,
    dataset: str,
    index: int,
    priors: dict[str, Any],
    config: SimulatorConfig,
    correlation: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Simulate one parent stamp.

    Parameters
    ----------
    seed : int
    dataset : str
        Name of the data set: part of the seed and of the galaxy's id.
    index : int
        The galaxy's number in the data set.
    priors : dict
    config : SimulatorConfig
    correlation : ndarray, shape (2 L + 1, 2 L + 1), optional
        Of the noise, see `deblend.data.noise.read_correlation`; needed for correlated noise only.

    Returns
    -------
    image : ndarray, shape (stamp_size, stamp_size), float32
        In counts/s, background zero.
    galaxy : dict
        Its catalogue entry.

    Raises
    ------
    DeblendError
        The noise is to be correlated, and its correlation is not given.
    """
    correlation = _used_correlation(config, correlation)
    rng, galaxy, own = _galaxy(seed, dataset, index, priors, config)
    psf = moffat_psf(config.psf_fwhm_arcsec, config.psf_moffat_beta)
    profile = galsim.Convolve(own, psf)
    size = config.stamp_size
    image = galsim.ImageF(size, size, scale=config.pixel_scale_arcsec)
    # The central pixel is that at (size // 2, size // 2), as in stamps cut from a mosaic.
    centre = galsim.PositionD(size // 2 + 1, size // 2 + 1)
    profile.drawImage(image, center=centre, method="no_pixel")
    _add_neighbours(image, psf, draw_neighbours(rng, galaxy, config), config)
    # Drizzling also correlates the photon noise of galaxies. The noise of a sum over many pixels
    # remains that of its photons, so that each pixel has less.
    ratio = 1.0 if correlation is None else float(correlation.sum())
    photon_variance = np.maximum(image.array, 0) / (config.exposure_time_s * ratio)
    variance = config.noise_sigma**2 + photon_variance
    pixels = image.array + noise_images(
        rng, (size, size), np.sqrt(variance), correlation, dtype=np.float64
    )
    entry = {"id": f"{dataset}-{index:06d}", **galaxy, "origin": f"simulated:{dataset}"}
    return pixels.astype(np.float32), entry


def _galaxy(
    seed: int, dataset: str, index: int, priors: dict[str, Any], config: SimulatorConfig
) -> tuple[np.random.Generator, dict[str, Any], galsim.GSObject]:
    """Generator of a galaxy after its profile was drawn, its catalogue entry, and the profile."""
    rng = generator(seed, "simulate", dataset, index)
    galaxy = draw_properties(rng, priors, config)
    profile = galaxy_profile(rng, galaxy, config.pixel_scale_arcsec, config.zero_point)
    return rng, galaxy, profile


def neighbours_of(
    seed: int, dataset: str, index: int, priors: dict[str, Any], config: SimulatorConfig
) -> list[Neighbour]:
    """The neighbours in the stamp of a galaxy of `simulate_galaxy`: see `draw_neighbours`."""
    rng, galaxy, _ = _galaxy(seed, dataset, index, priors, config)
    return draw_neighbours(rng, galaxy, config)


def _used_correlation(config: SimulatorConfig, correlation: np.ndarray | None) -> np.ndarray | None:
    """Correlation of the noise of a data set; None if the noise is white."""
    if config.noise == "white":
        return None
    if correlation is None:
        raise DeblendError(f"noise is {config.noise}, but there is no correlation: give it")
    return correlation


def simulate_chunk(
    seed: int,
    dataset: str,
    start: int,
    stop: int,
    priors: dict[str, Any],
    config: SimulatorConfig,
    correlation: np.ndarray | None = None,
) -> Stamps:
    """Simulate the galaxies start to stop - 1 of a data set: see `simulate_galaxy`.

    Raises
    ------
    DeblendError
        The range is empty, the correlation of the noise is not given, or there is too little
        memory.
    """
    if not 0 <= start < stop:
        raise DeblendError(f"a chunk from {start} to {stop} has no galaxies: give start < stop")
    # Each image, and all of them joined.
    need_memory(
        f"a chunk of {stop - start} galaxies of {dataset}",
        2 * 4 * (stop - start) * config.stamp_size**2,
        "a smaller chunk_size",
    )
    images, galaxies = zip(
        *(
            simulate_galaxy(seed, dataset, i, priors, config, correlation)
            for i in range(start, stop)
        ),
        strict=True,
    )
    size, scale = config.stamp_size, config.pixel_scale_arcsec
    used = _used_correlation(config, correlation)
    psf = (
        moffat_psf(config.psf_fwhm_arcsec, config.psf_moffat_beta)
        .drawImage(nx=31, ny=31, scale=scale, method="no_pixel")
        .array
    )
    return Stamps(
        np.stack(images)[:, None],
        np.zeros((stop - start, size, size), np.int16),
        pd.DataFrame(list(galaxies)),
        band_table(config.band, scale, config.zero_point, config.noise_sigma),
        psf[None],
        noise_correlation=None if used is None else used[None],
    )
