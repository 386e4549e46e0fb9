"""The sets of blends of the benchmark.

Galaxies are simulated for the benchmark alone, and each is in one blend: their names and seeds hold
that of the set, so that no training has seen one. Noise is that of the training's stamps, and
neighbours are left in, as the configuration of the data set says; in `isolated` there are none.
Blends are rendered as those of Boucaud et al. 2020.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.benchmark.planned_sets import BATCH, Batches, PlannedSet, no_pixels
from deblend.benchmark.truth import (
    Truth,
    masks_of,
    signal_to_noise,
    with_neighbour_quantities,
)
from deblend.boucaud2020.blends import draw_shifts, within_reach
from deblend.boucaud2020.config import BlendConfig, SimulatorConfig
from deblend.boucaud2020.render import render, render_components, turned_position
from deblend.boucaud2020.simulate import draw_properties, neighbours_of, simulate_galaxy
from deblend.data.noise import noise_images
from deblend.data.profiles import moffat_psf
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import (
    FACTOR,
    add_noise,
    degrade,
    low_position,
    low_psf,
    matching_kernel,
    psf_image,
)
from deblend.hemmati2022.pairs import point_source_sigma
from deblend.photometry.config import Detection
from deblend.scenes.scenes import Scenes
from deblend.seeds import generator
from deblend.units import flux_from_mag

log = logging.getLogger(__name__)

#: Blends are of this many galaxies in each set; two in all others.
N_GALAXIES = {"one": 1, "three": 3}

#: The blends of this set are those of another one.
SAME_BLENDS = {"isolated": "simulated", "hsc": "simulated"}

#: Side of the parent stamps of blends that are degraded, at least: 34 px of 0.18".
DEGRADED_SIDE_PX = 102

#: Galaxies of `close` are nearer to each other than this, in units of the larger radius.
CLOSE_RADII = 0.5

#: Magnitudes by which the galaxies of `faint` are fainter, and the width of the PSF of `wide_psf`.
FAINTER_MAG, WIDER = 1.5, 1.5

#: Side of the image of a PSF, px.
PSF_PX = 41

#: Exposure and noise of images without noise.
NOISELESS = {"n_neighbours_mean": 0.0, "exposure_time_s": 1e12, "noise_sigma": 1e-9}

#: Prefix of the names of galaxies and of their seeds: no data set of the configuration can have a
#: name with this dash.
PREFIX = "benchmark-test-"

#: The same of the scenes on which methods are calibrated.
CALIBRATION_PREFIX = "benchmark-calibration-"


@dataclass(frozen=True)
class SetOptions:
    """What all sets share.

    Attributes
    ----------
    simulator : SimulatorConfig
    blending : BlendConfig
    companion_edge : {"zero", "noise"}
        See `deblend.boucaud2020.render.render`.
    modes : tuple of Detection
        SEP's cold and hot modes, which define the pixels of a galaxy as those of the masks of the
        training are defined (`deblend.benchmark.truth.mask_of`).
    extra_noise : bool
        Whether each stamp gets its noise once more, as those of the training when they are cleaned
        (`deblend.boucaud2020.clean`).
    priors : dict
    correlation : ndarray or None
        Of the noise.
    low : dict
        `psf_fwhm_arcsec`, `psf_beta`, `depth_mag` and `band` of `hsc`.
    seed : int
    prefix : str
        Of the names of galaxies: another one gives other galaxies.
    """

    simulator: SimulatorConfig
    blending: BlendConfig
    companion_edge: str
    modes: tuple[Detection, ...]
    extra_noise: bool
    priors: Mapping[str, Any]
    correlation: np.ndarray | None
    low: Mapping[str, Any]
    seed: int
    prefix: str = PREFIX

    @property
    def noise_correlation(self) -> np.ndarray | None:
        """Correlation of the noise; None if it is white."""
        return None if self.simulator.noise == "white" else self.correlation

    def stamp_sigma(self, name: str) -> float:
        """Noise of a stamp of a set: as in the training, see `deblend.boucaud2020.clean.clean`."""
        twice = self.extra_noise and name != "hsc"
        return self.simulator.noise_sigma * (np.sqrt(2) if twice else 1.0)


def counts_as_galaxy(
    mag: np.ndarray | float,
    radius: np.ndarray | float,
    shift: tuple[np.ndarray | float, np.ndarray | float],
    central: tuple[float, float],
    *,
    mag_range: tuple[float, float],
    stamp_size: int,
    delta_mag_max: float,
    shift_rule: str,
) -> np.ndarray:
    """Whether neighbours count as galaxies of a scene: those that could be the companion.

    Nearer ones than any companion count too.

    Parameters
    ----------
    mag, radius : float or ndarray
        Magnitude and half-light radius along the major axis, px, of each neighbour.
    shift : tuple of float or ndarray
        x and y from the central galaxy, px.
    central : tuple of float
        Magnitude and half-light radius of the central galaxy.
    mag_range : tuple of float
        Of the galaxies of the set.
    stamp_size : int
        Side of the stamps, px.
    delta_mag_max, shift_rule
        Of `boucaud2020 > blending`.
    """
    bright, faint = mag_range
    alike = (mag >= bright) & (mag <= faint) & (np.abs(mag - central[0]) < delta_mag_max)
    return alike & within_reach(*shift, central[1], radius, stamp_size, shift_rule)


def simulator_of(name: str, options: SetOptions) -> SimulatorConfig:
    """Configuration of the simulator of a set."""
    config = options.simulator
    if name == "faint":
        limits = {"mag_min": config.mag_max, "mag_max": config.mag_max + FAINTER_MAG}
        return config.model_copy(update=limits)
    if name == "isolated":
        return config.model_copy(update={"n_neighbours_mean": 0.0})
    if name == "wide_psf":
        return config.model_copy(update={"psf_fwhm_arcsec": WIDER * config.psf_fwhm_arcsec})
    if name == "hsc":
        side = max(config.stamp_size, DEGRADED_SIDE_PX)
        return config.model_copy(update={"stamp_size": side - side % FACTOR})
    return config


def draw_groups(
    rng: np.random.Generator, mag: np.ndarray, size: int, delta_mag_max: float
) -> np.ndarray:
    """Groups of galaxies that are blended; each galaxy is in one group at most.

    Parameters
    ----------
    rng : Generator
    mag : ndarray, shape (n,)
    size : int
        Galaxies of a group: the central one first.
    delta_mag_max : float
        Largest difference from the magnitude of the central galaxy.

    Returns
    -------
    ndarray of int, shape (m, size)
    """
    free, groups = np.ones(len(mag), bool), []
    for central in rng.permutation(len(mag)):
        if not free[central]:
            continue
        free[central] = False
        partners = np.flatnonzero(free & (np.abs(mag - mag[central]) < delta_mag_max))
        if len(partners) < size - 1:
            continue
        chosen = rng.choice(partners, size - 1, replace=False)
        free[chosen] = False
        groups.append([central, *chosen])
    return np.array(groups, int).reshape(-1, size)


def draw_close_shifts(
    rng: np.random.Generator, r1: np.ndarray, r2: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Shifts by whole pixels of less than `CLOSE_RADII` of the larger radius.

    Returns
    -------
    shift : ndarray of int, shape (n, 2)
        dx, dy in pixels.
    accepted : ndarray of bool, shape (n,)
        Whether there is such a shift.
    """
    shifts, accepted = np.zeros((len(r1), 2), int), np.zeros(len(r1), bool)
    for k, radius in enumerate(CLOSE_RADII * np.maximum(r1, r2)):
        reach = int(radius)
        dy, dx = (v.ravel() for v in np.indices((2 * reach + 1,) * 2) - reach)
        distance = np.hypot(dx, dy)
        inside = np.flatnonzero((distance > 0) & (distance < radius))
        if len(inside):
            chosen = rng.choice(inside)
            shifts[k], accepted[k] = (dx[chosen], dy[chosen]), True
    return shifts, accepted


def plan(name: str, n_galaxies: int, options: SetOptions) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Draw the galaxies of a set and their blends.

    Parameters
    ----------
    name : str
        One of `deblend.benchmark.config.SET_NAMES`.
    n_galaxies : int
    options : SetOptions

    Returns
    -------
    galaxies : DataFrame
        `mag`, `half_light_radius_px` and the other properties, by the galaxy's number.
    blends : DataFrame
        For each blend and k = 0, 1, ...: `galaxy_k`, `dx_k`, `dy_k`, `orientation_k`; and `seed`.

    Raises
    ------
    DeblendError
        No blend is possible.
    """
    source = SAME_BLENDS.get(name, name)
    config, blending = simulator_of(source, options), options.blending
    rows = [
        draw_properties(
            generator(options.seed, "simulate", f"{options.prefix}{source}", i),
            dict(options.priors),
            config,
        )
        for i in range(n_galaxies)
    ]
    galaxies = pd.DataFrame(rows)
    rng = generator(options.seed, "benchmark blends", f"{options.prefix}{source}")
    size = N_GALAXIES.get(source, 2)
    groups = draw_groups(rng, galaxies["mag"].to_numpy(float), size, blending.delta_mag_max)
    radius = galaxies["half_light_radius_px"].to_numpy(float)
    shifts = np.zeros((len(groups), size, 2), int)
    accepted = np.ones(len(groups), bool)
    for k in range(1, size):
        radii = radius[groups[:, 0]], radius[groups[:, k]]
        if source == "close":
            shifts[:, k], fits = draw_close_shifts(rng, *radii)
        else:
            shifts[:, k], fits = draw_shifts(rng, *radii, config.stamp_size, blending.shift_rule)
        accepted &= fits
    turns = rng.integers(0, 8, groups.shape) * bool(blending.orientations)
    seeds = rng.integers(0, 2**31, len(groups))
    if not accepted.any():
        raise DeblendError(
            f"{n_galaxies} galaxies make no blend of the set {name}: raise n_galaxies, n_outside "
            "or, for a calibration, n_calibration under benchmark"
        )
    log.info("%s: %d blends of %d galaxies", name, accepted.sum(), n_galaxies)
    columns: dict[str, np.ndarray] = {"seed": seeds}
    for k in range(size):
        columns |= {
            f"galaxy_{k}": groups[:, k],
            f"dx_{k}": shifts[:, k, 0],
            f"dy_{k}": shifts[:, k, 1],
            f"orientation_{k}": turns[:, k],
        }
    blends = pd.DataFrame({key: values[accepted] for key, values in columns.items()})
    return galaxies, blends.reset_index(drop=True)


def simulated_set(
    name: str, n_galaxies: int, options: SetOptions, batch: int = BATCH
) -> PlannedSet:
    """Plan a set, which is simulated while its batches are taken.

    Parameters
    ----------
    name, n_galaxies, options
        See `plan`.
    batch : int
        Scenes that are simulated at a time. Results do not depend on it.
    """
    galaxies, blends = plan(name, n_galaxies, options)
    config = simulator_of(name, options)
    further = n_further(name, galaxies, blends, options)
    source = f"{options.prefix}{SAME_BLENDS.get(name, name)}"
    table = _truth_table(source, galaxies, blends, config)
    table["n_further"] = further[table["scene"].to_numpy()]
    side = config.stamp_size
    scenes = _scenes(no_pixels(len(blends), side), config, options, name)
    # Masks of a training are measured before noise is added.
    measured_at, kernel = config.noise_sigma, None
    if name == "hsc":
        scenes, kernel, table = _degraded(scenes, table, config, options)
        measured_at = float(scenes.noise_sigma[0, 0])

    def batches() -> Batches:
        for start in range(0, len(blends), batch):
            part = blends.iloc[start : start + batch]
            rendered, components = _render(name, part, config, options)
            images = rendered[:, None].astype(np.float32)
            alone = components.reshape(-1, side, side)
            if kernel is not None:
                images, alone = degrade(images, kernel), degrade(alone, kernel)
                numbers = np.arange(start, start + len(part))
                images = add_noise(images, measured_at, options.seed, ("benchmark",), numbers)
            size = len(alone) // len(part)
            rows = slice(start * size, start * size + len(alone))
            positions = table[["y_px", "x_px"]].to_numpy(float)[rows]
            masks = masks_of(alone, positions, measured_at, options.modes)
            snr = signal_to_noise(alone, float(scenes.noise_sigma[0, 0]))
            yield images, alone.astype(np.float32, copy=False), masks, snr

    return PlannedSet(scenes, with_neighbour_quantities(table), batches())


def neighbours_in(
    name: str, blend: Mapping[str, int], options: SetOptions, n_galaxies: int
) -> np.ndarray:
    """The neighbours in a scene, wherever they are.

    Parameters
    ----------
    name : str
    blend : dict
        A row of the blends of `plan`.
    options : SetOptions
    n_galaxies : int
        Of the blend. Of two both have neighbours, of one or three the central galaxy alone.

    Returns
    -------
    ndarray, shape (n, 4)
        x and y from the central pixel, px, magnitude, and half-light radius along the major axis,
        px.
    """
    config, source = simulator_of(name, options), SAME_BLENDS.get(name, name)
    # The central pixel from the middle of a stamp.
    off = config.stamp_size // 2 - (config.stamp_size - 1) / 2
    found = [np.zeros((0, 4))]
    for k in range(2 if n_galaxies == 2 else 1):
        number, turn = blend[f"galaxy_{k}"], blend[f"orientation_{k}"]
        for neighbour in neighbours_of(
            options.seed, f"{options.prefix}{source}", number, dict(options.priors), config
        ):
            x, y = turned_position(neighbour.x_px - off, neighbour.y_px - off, turn)
            radius = neighbour.half_light_radius_px / np.sqrt(neighbour.axis_ratio)
            place = (x + blend[f"dx_{k}"], y + blend[f"dy_{k}"])
            found.append(np.array([[*place, neighbour.mag, radius]]))
    return np.concatenate(found)


def n_further(
    name: str, galaxies: pd.DataFrame, blends: pd.DataFrame, options: SetOptions
) -> np.ndarray:
    """Number of the neighbours in each scene that count as its galaxies: see `counts_as_galaxy`.

    Parameters
    ----------
    name : str
    galaxies, blends : DataFrame
        From `plan`.
    options : SetOptions

    Returns
    -------
    ndarray of int, shape (n,)
    """
    config, source = simulator_of(name, options), SAME_BLENDS.get(name, name)
    mag, radius = (galaxies[c].to_numpy(float) for c in ("mag", "half_light_radius_px"))
    counts = np.zeros(len(blends), int)
    for i, blend in enumerate(blends.to_dict("records")):
        x, y, of_mag, of_radius = neighbours_in(name, blend, options, _n_of(blends)).T
        central = blend["galaxy_0"]
        counts[i] = counts_as_galaxy(
            of_mag,
            of_radius,
            (x, y),
            (mag[central], radius[central]),
            mag_range=(config.mag_min, config.mag_max),
            # The shifts are those of the set whose blends these are.
            stamp_size=simulator_of(source, options).stamp_size,
            delta_mag_max=options.blending.delta_mag_max,
            shift_rule=options.blending.shift_rule,
        ).sum()
    return counts


def make_set(name: str, n_galaxies: int, options: SetOptions) -> tuple[Scenes, Truth]:
    """Simulate a set in memory: see `plan` for the parameters."""
    return simulated_set(name, n_galaxies, options).in_memory()


def _n_of(blends: pd.DataFrame) -> int:
    """Number of galaxies of each blend."""
    return sum(str(name).startswith("galaxy_") for name in blends)


def _pairs(blends: pd.DataFrame, first: np.ndarray, k: int) -> pd.DataFrame:
    """The central galaxy and galaxy k of each blend as the renderer takes them."""
    return pd.DataFrame(
        {
            "central": first,
            "companion": first + k,
            "dx": blends[f"dx_{k}"].to_numpy(),
            "dy": blends[f"dy_{k}"].to_numpy(),
            "central_orientation": blends["orientation_0"].to_numpy(),
            "companion_orientation": blends[f"orientation_{k}"].to_numpy(),
            "seed": blends["seed"].to_numpy(),
        }
    )


def _render(
    name: str, blends: pd.DataFrame, config: SimulatorConfig, options: SetOptions
) -> tuple[np.ndarray, np.ndarray]:
    """Images of blends, and of each galaxy alone, shape (n, galaxy, y, x), without noise."""
    dataset = f"{options.prefix}{SAME_BLENDS.get(name, name)}"
    numbers = blends[[f"galaxy_{k}" for k in range(_n_of(blends))]].to_numpy()
    clean = config.model_copy(update=NOISELESS)

    correlation, sigma = options.noise_correlation, options.stamp_sigma(name)

    def stamps(used: SimulatorConfig) -> np.ndarray:
        drawn = [
            simulate_galaxy(options.seed, dataset, i, dict(options.priors), used, correlation)[0]
            for i in numbers.ravel()
        ]
        return np.stack(drawn)

    noisy, noiseless = stamps(config), stamps(clean)
    if sigma > config.noise_sigma:
        for image, i in zip(noisy, numbers.ravel(), strict=True):
            rng = generator(options.seed, "benchmark extra noise", dataset, i)
            image += noise_images(rng, image.shape, config.noise_sigma, correlation)
    size = numbers.shape[1]
    first = np.arange(len(blends)) * size
    pairs = [_pairs(blends, first, k) for k in range(size)]
    alone = np.concatenate(
        [render_components(noiseless, pair)[:, [min(k, 1)]] for k, pair in enumerate(pairs)],
        axis=1,
    )
    if size == 2:
        images = render(
            noisy,
            pairs[1],
            companion_edge=options.companion_edge,
            noise_sigma=sigma,
            noise_correlation=correlation,
        )
        return images, alone
    # All companions alike, and as deep as the blends, which have the noise of two stamps.
    images = render_components(noisy, pairs[0])[:, 0] + alone[:, 1:].sum(axis=1)
    for image, seed in zip(images, blends["seed"], strict=True):
        rng = np.random.default_rng(seed)
        image += noise_images(rng, image.shape, sigma, correlation)
    return images, alone


def _truth_table(
    source: str, galaxies: pd.DataFrame, blends: pd.DataFrame, config: SimulatorConfig
) -> pd.DataFrame:
    """Galaxies of all blends, without what is measured in their images."""
    size, half = _n_of(blends), config.stamp_size // 2
    parts = []
    for k in range(size):
        number = blends[f"galaxy_{k}"].to_numpy()
        mag = galaxies["mag"].to_numpy(float)[number]
        parts.append(
            pd.DataFrame(
                {
                    "scene": np.arange(len(blends)),
                    "galaxy": k,
                    "id": [f"{source}-{i:06d}" for i in number],
                    "x_px": half + blends[f"dx_{k}"].to_numpy(float),
                    "y_px": half + blends[f"dy_{k}"].to_numpy(float),
                    "flux": flux_from_mag(mag, config.zero_point),
                    "mag": mag,
                    "half_light_radius_px": galaxies["half_light_radius_px"].to_numpy()[number],
                }
            )
        )
    return pd.concat(parts).sort_values(["scene", "galaxy"], ignore_index=True)


def _scenes(images: np.ndarray, config: SimulatorConfig, options: SetOptions, name: str) -> Scenes:
    """Scenes of the images, with the noise of two stamps."""
    psf = moffat_psf(config.psf_fwhm_arcsec, config.psf_moffat_beta).drawImage(
        nx=PSF_PX, ny=PSF_PX, scale=config.pixel_scale_arcsec, method="no_pixel", dtype=float
    )
    correlation = options.noise_correlation
    return Scenes(
        images[:, None],
        (config.band,),
        pixel_scale_arcsec=config.pixel_scale_arcsec,
        zero_points=np.array([config.zero_point]),
        noise_sigma=np.full((len(images), 1), np.sqrt(2) * options.stamp_sigma(name)),
        psf=(psf.array / psf.array.sum())[None],
        noise_correlation=None if correlation is None else correlation[None],
        names=tuple(f"{name}-{i:06d}" for i in range(len(images))),
    )


def _degraded(
    scenes: Scenes, table: pd.DataFrame, config: SimulatorConfig, options: SetOptions
) -> tuple[Scenes, np.ndarray, pd.DataFrame]:
    """Scenes without pixels at the resolution of HSC, the kernel for it, and their galaxies."""
    low, scale = options.low, config.pixel_scale_arcsec
    high = psf_image(config.psf_fwhm_arcsec, config.psf_moffat_beta, scale)
    target = psf_image(low["psf_fwhm_arcsec"], low["psf_beta"], scale)
    kernel, psf = matching_kernel(high, target), low_psf(target)
    sigma = point_source_sigma(psf, low["depth_mag"], config.zero_point)
    images = no_pixels(len(scenes), scenes.images.shape[-1] // FACTOR)
    degraded = Scenes(
        images[:, None],
        (str(low["band"]),),
        pixel_scale_arcsec=FACTOR * scale,
        zero_points=scenes.zero_points,
        noise_sigma=np.full((len(images), 1), sigma),
        psf=(psf / psf.sum())[None],
        names=scenes.names,
    )
    moved = {name: low_position(table[name]) for name in ("x_px", "y_px")}
    radius = table["half_light_radius_px"] / FACTOR
    table = table.assign(**moved, half_light_radius_px=radius)
    return degraded, kernel, table


def blend_rules(blending: Mapping[str, Any]) -> BlendConfig:
    """How galaxies are paired, turned and shifted, from `boucaud2020 > blending`."""
    rules = {key: blending[key] for key in ("delta_mag_max", "shift_rule")}
    return BlendConfig(**rules, orientations=True)


def options_of(
    simulator: Mapping[str, Any],
    blending: Mapping[str, Any],
    modes: Mapping[str, Mapping[str, Any]],
    low: Mapping[str, Any],
    *,
    extra_noise: bool,
    priors: Mapping[str, Any],
    correlation: np.ndarray,
    seed: int,
    calibration: bool = False,
) -> SetOptions:
    """Options of the sets from sections of the configuration.

    Parameters
    ----------
    simulator : dict
        Keys of `SimulatorConfig`.
    blending : dict
        `boucaud2020 > blending`.
    modes : dict
        `cold` and `hot` of `boucaud2020 > sep`.
    low : dict
        `hemmati2022 > low`, and `band`.
    extra_noise, priors, correlation, seed
        See `SetOptions`.
    calibration : bool
        Whether the galaxies are those of the calibration.
    """
    return SetOptions(
        SimulatorConfig(**simulator),
        blend_rules(blending),
        blending["companion_edge"],
        tuple(Detection(**modes[name]) for name in ("cold", "hot")),
        extra_noise,
        priors,
        correlation,
        low,
        seed,
        CALIBRATION_PREFIX if calibration else PREFIX,
    )


def write_set(
    name: str, n_galaxies: int, options: SetOptions, *, scenes: str | Path, truth: str | Path
) -> None:
    """Simulate a set and write its scenes and their truth, with a batch of them in memory."""
    simulated_set(name, n_galaxies, options).write(scenes=scenes, truth=truth)
