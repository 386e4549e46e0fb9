"""Draw stamps for BlendHunter: COSMOS-like galaxies as a ground-based survey observes them.

Farrens et al. 2022, Sects 2.1 to 2.5: isolated galaxies and pairs on 51 x 51 pixels of 0.187",
with a CFIS-like PSF, without noise; noise is added when the stamps are used. Galaxies are simulated
or come from a catalogue in GalSim's RealGalaxy format.
"""

import logging
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import galsim
import h5py
import numpy as np
import pandas as pd
from astropy.io import fits
from deblend.data.priors import MORPHOLOGIES
from deblend.data.profiles import galaxy_profile
from deblend.errors import DeblendError
from deblend.farrens2022.config import CLOSE_PX, SampleConfig
from deblend.files import atomic
from deblend.seeds import generator, uniform
from deblend.workers import in_order

log = logging.getLogger(__name__)

#: Zero point (AB) of COSMOS F814W images in GalSim's catalogues, counts/s of HST.
COSMOS_ZERO_POINT = 25.94


#: Diameter of Hubble's mirror (m) and the share of it that is obscured, for counts/s of HST.
HST_DIAMETER_M, HST_OBSCURATION = 2.4, 0.33


# Distributions of simulated galaxies, fitted to 100 COSMOS galaxies of GalSim's example catalogue,
# F814W < 22.5.
#: log10 of the half-light semi-major axis (arcsec): value at magnitude 22.5, slope and scatter.
SIZE = {"intercept": -0.355, "slope": -0.129, "scatter": 0.195}


#: Mean and scatter of log10 of the Sersic index.
LOG_SERSIC_N = (0.217, 0.337)


#: Mean and scatter of the axis ratio.
AXIS_RATIO = (0.586, 0.213)


#: Rise of galaxy counts in F814W per magnitude, dex.
COUNTS_SLOPE_DEX = 0.3


#: Share of each of `MORPHOLOGIES` among simulated galaxies of kind real, as in the sample of
#: Boucaud et al. 2020. The exact shares do not matter: some galaxies need bulges and clumps.
REALISTIC_SHARES = (0.2, 0.2, 0.32, 0.28)


#: Smallest and largest number of clumps of a simulated galaxy.
N_CLUMPS = (3, 8)


#: Smallest and largest half-light radius of a clump, in units of the galaxy's.
CLUMP_SIZES = (0.05, 0.2)


#: Distances of clumps from the nucleus, in units of those of the disk's light. With 1, SEP labels
#: more isolated galaxies rightly than in the paper, however much of their light is in clumps.
CLUMP_REACH = 1.25


TABLE_COLUMNS = (
    "stamp",
    "is_blend",
    "dx_px",
    "dy_px",
    "distance_px",
    "galaxy_1",
    "galaxy_2",
    "mag_1",
    "mag_2",
    "weight",
)


#: Faster than GalSim's defaults by a factor of two; fluxes differ by less than a thousandth.
GSPARAMS = galsim.GSParams(folding_threshold=0.01, maxk_threshold=2e-3, kvalue_accuracy=1e-4)


def flux_scale(exposure_s: float, diameter_m: float, obscuration: float) -> float:
    """Counts in an exposure per count/s of HST: exposure time times ratio of mirror areas."""
    area = diameter_m**2 * (1 - obscuration**2)
    return exposure_s * area / (HST_DIAMETER_M**2 * (1 - HST_OBSCURATION**2))


def expected_close_share(stamp_size: int) -> float:
    """Share of blends closer than `CLOSE_PX` for uniform positions: 12.1 % with 51 x 51 pixels."""
    return float(np.pi * CLOSE_PX**2 / stamp_size**2)


def draw_psf(rng: np.random.Generator, config: SampleConfig) -> galsim.GSObject:
    """Draw a CFIS-like PSF: an optical Moffat and an atmospheric Kolmogorov profile (Sect. 2.3)."""
    optics = galsim.Moffat(beta=config.moffat_beta, fwhm=config.moffat_fwhm_arcsec)
    atmosphere = galsim.Kolmogorov(fwhm=config.kolmogorov_fwhm_arcsec)
    shears = []
    for sigma in (config.moffat_ellipticity_sigma, config.kolmogorov_ellipticity_sigma):
        g1, g2 = np.clip(rng.normal(0, sigma, 2), -0.5, 0.5)
        shears.append(galsim.Shear(g1=g1, g2=g2))
    return galsim.Convolve(optics.shear(shears[0]), atmosphere.shear(shears[1]))


def clump_share(rng: np.random.Generator, clumpiness: float) -> float:
    """Share of a galaxy's light that is in clumps: most galaxies are smooth, and few are clumpy.

    Its distribution falls exponentially from 0 to 1, by a factor of e per `clumpiness`, which is
    above zero. The mean share is nearly `clumpiness` where that is small, and below 0.5 always.
    """
    return float(-clumpiness * np.log1p(rng.uniform() * np.expm1(-1 / clumpiness)))


def clumpy_profile(
    rng: np.random.Generator, galaxy: dict[str, Any], clumpiness: float
) -> galsim.GSObject:
    """Light profile of a simulated galaxy whose disk has clumps, as star-forming galaxies have.

    Seen from the ground, a strong clump is a peak of its own, which SEP takes for a second galaxy.
    Spheroids have none.

    Parameters
    ----------
    rng : Generator
    galaxy : dict
        As for `deblend.data.profiles.galaxy_profile`, with `half_light_radius_px` in arcsec.
    clumpiness : float
        See `clump_share`; 0: no clumps.

    Returns
    -------
    galsim.GSObject
        Flux in HST counts/s. The nucleus is at the origin, not the centroid of the light.
    """
    # The galaxy is drawn face-on, and inclined together with its clumps.
    q = galaxy["axis_ratio"]
    radius = galaxy["half_light_radius_px"] * np.sqrt(q)
    face_on = galaxy | {"half_light_radius_px": radius, "axis_ratio": 1.0}
    profile = galaxy_profile(rng, face_on, 1.0, COSMOS_ZERO_POINT)
    flux = profile.flux
    if clumpiness > 0 and galaxy["morphology"] != "sph":
        share = clump_share(rng, clumpiness)
        n_clumps = int(rng.integers(N_CLUMPS[0], N_CLUMPS[1], endpoint=True))
        weights = rng.dirichlet(np.ones(n_clumps)) * share
        # In an exponential disk the radius of the light, in scale lengths, has a gamma
        # distribution; the half-light radius is 1.678 scale lengths.
        distances = CLUMP_REACH * rng.gamma(2, radius / 1.678, n_clumps)
        angles = rng.uniform(0, 2 * np.pi, n_clumps)
        positions = distances[:, None] * np.stack([np.cos(angles), np.sin(angles)], axis=1)
        sizes = rng.uniform(*CLUMP_SIZES, n_clumps) * radius
        profile = (1 - share) * profile
        for weight, (x, y), size in zip(weights, positions, sizes, strict=True):
            profile += galsim.Gaussian(flux=weight * flux, half_light_radius=size).shift(x, y)
    return profile.shear(q=q, beta=rng.uniform(0, np.pi) * galsim.radians)


class SimulatedGalaxies:
    """Galaxies drawn from the distributions above, a new one for each position of each stamp."""

    def __init__(self, config: SampleConfig, sample: str, seed: int) -> None:
        self.config, self.sample, self.seed = config, sample, seed

    def __call__(
        self, rng: np.random.Generator, stamp: int, position: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        config = self.config
        slope = COUNTS_SLOPE_DEX * np.log(10)
        span = config.mag_max - config.mag_min
        mag = config.mag_min + np.log1p(rng.uniform() * np.expm1(slope * span)) / slope
        log_r = rng.normal(SIZE["intercept"] + SIZE["slope"] * (mag - 22.5), SIZE["scatter"])
        galaxy = {
            "mag": float(mag),
            "half_light_radius_px": 10**log_r,  # in arcsec, since the scale given below is 1
            "sersic_n": round(float(np.clip(10 ** rng.normal(*LOG_SERSIC_N), 0.5, 6)), 1),
            "axis_ratio": float(np.clip(rng.normal(*AXIS_RATIO), 0.15, 1)),
            "morphology": "disk",
        }
        if config.kind == "real":
            galaxy["morphology"] = MORPHOLOGIES[rng.choice(4, p=REALISTIC_SHARES)]
            profile = clumpy_profile(rng, galaxy, config.clumpiness)
        else:
            profile = galaxy_profile(rng, galaxy, 1.0, COSMOS_ZERO_POINT)
        return profile, f"{self.sample}-{stamp:06d}-{position}", galaxy["mag"]


class CatalogGalaxies:
    """Galaxies of a catalogue in GalSim's RealGalaxy format, each in one split only.

    Galaxies have the magnitudes of the catalogue's column MAG, or those of their images or fits if
    it has no such column.

    Parameters
    ----------
    config : SampleConfig
        Has `catalog`, and `kind`: parametric fits or real images. Galaxies beyond `catalog_mag_min`
        and `catalog_mag_max` are left out.
    split : str
    fractions : dict
        Share of the galaxies in each split.
    seed : int

    Raises
    ------
    DeblendError
        The catalogue cannot be read, has no fits for parametric galaxies, names images that do not
        exist, has no magnitudes though there is a limit, or has too few galaxies.
    """

    def __init__(
        self, config: SampleConfig, split: str, fractions: dict[str, float], seed: int
    ) -> None:
        path = Path(str(config.catalog))
        self.kind = config.kind
        real = config.kind == "real"
        try:
            self.catalog = galsim.COSMOSCatalog(
                path.name,
                dir=str(path.parent),
                use_real=real,
                exclusion_level=config.exclusion_level,
            )
        except (OSError, KeyError, ValueError) as error:
            raise DeblendError(
                f"cannot read {path} as a RealGalaxy catalogue for {config.kind} galaxies "
                f"({error}): parametric ones need its companion with fits, "
                f"{path.stem}_fits.fits, in the same folder, and an exclusion_level other than "
                f"none needs {path.stem}_selection.fits there"
            ) from error
        if real:
            catalog = self.catalog.real_cat
            named = {*catalog.gal_file_name, *catalog.psf_file_name, *catalog.noise_file_name}
            missing = sorted(name for name in named if not Path(name).exists())
            if missing:
                raise DeblendError(
                    f"{path} names files that do not exist: {', '.join(missing)}; put them into "
                    "its folder, or set kind to parametric"
                )
        # The identity decides the split, not the row: a galaxy is in the same split of every
        # catalogue that has it.
        listed = fits.getdata(path)[self.catalog.orig_index]
        self.names = listed["IDENT"].astype(str)
        self.mags = catalog_magnitudes(listed)
        kept = within_limits(self.mags, config.catalog_mag_min, config.catalog_mag_max, path)
        hashes = np.array([uniform(seed, "split", name) for name in self.names])
        upper = np.cumsum(list(fractions.values()))[list(fractions).index(split)]
        of_split = (hashes >= upper - fractions[split]) & (hashes < upper)
        self.rows = np.flatnonzero(of_split & kept)
        if len(self.rows) < 2:
            left_out = int((of_split & ~kept).sum())
            limits = f" ({left_out} are beyond mag_min or mag_max)" if left_out else ""
            raise DeblendError(
                f"{path} leaves {len(self.rows)} galaxies for the {split} split{limits}: pairs "
                "need two"
            )

    def __call__(
        self, rng: np.random.Generator, stamp: int, position: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        row = int(rng.choice(self.rows))
        deviate = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        profile = self.catalog.makeGalaxy(row, gal_type=self.kind, rng=deviate)
        mag = self.mags[row]
        if not np.isfinite(mag):
            mag = COSMOS_ZERO_POINT - 2.5 * np.log10(max(profile.flux, 1e-9))
        turned = profile.rotate(rng.uniform(0, 2 * np.pi) * galsim.radians)
        return turned, str(self.names[row]), float(mag)


def catalog_magnitudes(listed: np.ndarray) -> np.ndarray:
    """Magnitudes of a RealGalaxy catalogue's rows: its column MAG, NaN where it has none."""
    if "MAG" not in (listed.dtype.names or ()):
        return np.full(len(listed), np.nan)
    return np.asarray(listed["MAG"], float)


def within_limits(
    mags: np.ndarray, mag_min: float | None, mag_max: float | None, source: str | Path
) -> np.ndarray:
    """Which galaxies are within limits of magnitude; the log has the numbers of the others.

    Parameters
    ----------
    mags : ndarray, shape (n,)
        NaN where unknown; such galaxies are left out if there is a limit.
    mag_min, mag_max : float or None
        Brightest and faintest magnitude; None: no limit.
    source : path
        The catalogue, for messages.

    Returns
    -------
    ndarray of bool, shape (n,)

    Raises
    ------
    DeblendError
        There is a limit, and no galaxy has a magnitude.
    """
    if mag_min is None and mag_max is None:
        return np.ones(len(mags), bool)
    known = np.isfinite(mags)
    if not known.any():
        raise DeblendError(
            f"{source} has no magnitudes (column MAG), which mag_min and mag_max need: add them, "
            "or set both to null"
        )
    bright = known & (mags < (-np.inf if mag_min is None else mag_min))
    faint = known & (mags > (np.inf if mag_max is None else mag_max))
    for left_out, reason in (
        (faint, f"fainter than {mag_max} mag"),
        (bright, f"brighter than {mag_min} mag"),
        (~known, "without a magnitude"),
    ):
        if left_out.any():
            log.info(
                "%s: left out %d of %d galaxies, %s", source, left_out.sum(), len(mags), reason
            )
    return known & ~bright & ~faint


def draw_offset(
    rng: np.random.Generator, stamp_size: int, close_fraction: float | None
) -> tuple[float, float, float]:
    """Draw the position of the second galaxy, uniform over the stamp, and the blend's weight.

    Returns
    -------
    dx, dy : float
        Offset from the first galaxy, pixels.
    weight : float
        Ratio of the natural to the drawn frequency of such a distance (close or distant).
    """
    half = stamp_size / 2
    expected = expected_close_share(stamp_size)
    if close_fraction is None:
        dx, dy = rng.uniform(-half, half, 2)
        return float(dx), float(dy), 1.0
    close = rng.uniform() < close_fraction
    while True:
        dx, dy = rng.uniform(-half, half, 2)
        if (np.hypot(dx, dy) < CLOSE_PX) == close:
            break
    share, drawn = (expected, close_fraction) if close else (1 - expected, 1 - close_fraction)
    return float(dx), float(dy), share / drawn


def draw_stamp(
    config: SampleConfig,
    galaxies: SimulatedGalaxies | CatalogGalaxies,
    sample: str,
    stamp: int,
    seed: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """Draw one stamp without noise: even ones are isolated galaxies, odd ones blends.

    Parameters
    ----------
    config : SampleConfig
    galaxies : callable
    sample : str
        Name of the sample and its split, part of the seed.
    stamp : int
    seed : int

    Returns
    -------
    image : ndarray, shape (stamp_size, stamp_size), float32
        Counts in the exposure.
    row : dict
        `TABLE_COLUMNS`.
    """
    rng = generator(seed, "cosmos", sample, stamp)
    is_blend = stamp % 2 == 1
    psf = draw_psf(rng, config)
    first, name_1, mag_1 = galaxies(rng, stamp, 1)
    row: dict[str, Any] = {
        "stamp": stamp,
        "is_blend": int(is_blend),
        "dx_px": np.nan,
        "dy_px": np.nan,
        "distance_px": np.nan,
        "galaxy_1": name_1,
        "galaxy_2": "",
        "mag_1": mag_1,
        "mag_2": np.nan,
        "weight": 1.0,
    }
    scene = first
    if is_blend:
        second, row["galaxy_2"], row["mag_2"] = galaxies(rng, stamp, 2)
        dx, dy, row["weight"] = draw_offset(rng, config.stamp_size, config.close_fraction)
        row |= {"dx_px": dx, "dy_px": dy, "distance_px": float(np.hypot(dx, dy))}
        scale = config.pixel_scale_arcsec
        scene = first + second.shift(dx * scale, dy * scale)
    telescope = (config.exposure_s, config.telescope_diameter_m, config.telescope_obscuration)
    size = config.stamp_size
    image = galsim.Convolve(scene, psf, gsparams=GSPARAMS).drawImage(
        nx=size, ny=size, scale=config.pixel_scale_arcsec
    )
    return (image.array * flux_scale(*telescope)).astype(np.float32), row


def draw_chunk(
    config: SampleConfig,
    galaxies: SimulatedGalaxies | CatalogGalaxies,
    sample: str,
    start: int,
    stop: int,
    seed: int,
) -> tuple[np.ndarray, pd.DataFrame]:
    """Draw the stamps start to stop - 1 of a sample.

    Returns
    -------
    images : ndarray, shape (n, y, x), float32
    table : DataFrame
        `TABLE_COLUMNS`.

    Raises
    ------
    DeblendError
        See `check_stamps`.
    """
    drawn = [draw_stamp(config, galaxies, sample, i, seed) for i in range(start, stop)]
    images, rows = zip(*drawn, strict=True)
    table = pd.DataFrame(list(rows), columns=list(TABLE_COLUMNS))
    return check_stamps(np.stack(images), table, sample), table


def draw_sample(
    path: str | Path,
    config: SampleConfig,
    sample: str,
    split: str,
    n_stamps: int,
    *,
    fractions: dict[str, float],
    seed: int,
    chunk_size: int,
    n_workers: int = 1,
) -> None:
    """Draw a sample's stamps of one split to a file, in several processes.

    Parameters
    ----------
    path : path
        HDF5; see `write_sample`.
    config : SampleConfig
        With `catalog`, or without one for simulated galaxies.
    sample, split : str
    n_stamps : int
    fractions : dict
        Share of a catalogue's galaxies in each split.
    seed : int
    chunk_size : int
        Stamps that a process draws at a time.
    n_workers : int
        The stamps depend neither on it nor on `chunk_size`.

    Raises
    ------
    DeblendError
        See `check_stamps`.
    """
    name = f"{sample}/{split}"
    galaxies = (
        CatalogGalaxies(config, split, fractions, seed)
        if config.catalog
        else SimulatedGalaxies(config, name, seed)
    )
    ranges = [(i, min(i + chunk_size, n_stamps)) for i in range(0, n_stamps, chunk_size)]
    parts = in_order(
        _draw_range, ranges, n_workers, _set_drawn_from, (config, galaxies, name, seed)
    )
    write_sample(path, parts, n_stamps)


#: What a worker process draws from: configuration, galaxies, name of the sample, and seed.
_drawn_from: list[Any] = []


def _set_drawn_from(*drawn_from: Any) -> None:
    _drawn_from[:] = drawn_from


def _draw_range(start_and_stop: tuple[int, int]) -> tuple[np.ndarray, pd.DataFrame]:
    config, galaxies, name, seed = _drawn_from
    return draw_chunk(config, galaxies, name, *start_and_stop, seed)


def check_stamps(images: np.ndarray, table: pd.DataFrame, source: str) -> np.ndarray:
    """Check that stamps are finite and have signal, and second galaxies lie within the frame.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
    table : DataFrame
        `TABLE_COLUMNS`.
    source : str
        Where the stamps are from, for the message.

    Returns
    -------
    ndarray
        `images`.

    Raises
    ------
    DeblendError
        Names the first stamp that does not pass, and its galaxies.
    """
    peak = np.abs(images).max(axis=(1, 2))
    half = images.shape[-1] / 2
    outside = table[["dx_px", "dy_px"]].abs().gt(half).any(axis=1) & (table["is_blend"] == 1)
    for bad, problem in (
        (~np.isfinite(peak), "has pixels that are not finite"),
        (peak == 0, "has no signal at all"),
        (outside.to_numpy(), f"has its second galaxy outside the frame, over {half:g} px away"),
    ):
        if bad.any():
            row = table.iloc[int(np.argmax(bad))]
            names = " and ".join(filter(None, (row["galaxy_1"], row["galaxy_2"])))
            raise DeblendError(
                f"{source}: stamp {row['stamp']} (galaxies {names}) {problem}: leave the galaxy "
                "out of the catalogue, or make the stamps again"
            )
    return images


def write_sample(
    path: str | Path, parts: Iterable[tuple[np.ndarray, pd.DataFrame]], n_stamps: int
) -> None:
    """Write stamps and their table to one HDF5 file, with one part in memory at a time.

    Parameters
    ----------
    path : path
        `images` (n_stamps, y, x), and `table/` with `TABLE_COLUMNS`.
    parts : iterable of (images, table)
        In the order of the stamps.
    n_stamps : int
        Number of stamps of all parts together.
    """
    tables = []
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        start = 0
        for part, table in parts:
            size = part.shape[1:]
            images = file.require_dataset(
                "images", (n_stamps, *size), np.float32, chunks=(1, *size)
            )
            images[start : start + len(part)] = part
            start += len(part)
            tables.append(table)
        full_table = pd.concat(tables, ignore_index=True)
        for column in full_table:
            values = full_table[column].to_numpy()
            if column.startswith("galaxy"):
                text = h5py.string_dtype("utf-8")
                file.create_dataset(f"table/{column}", data=values.astype(object), dtype=text)
            else:
                file.create_dataset(f"table/{column}", data=values)


def read_sample_table(path: str | Path) -> pd.DataFrame:
    """Read the table of a sample, without its images.

    Raises
    ------
    DeblendError
        The file is missing or not complete.
    """
    try:
        with h5py.File(path, "r") as file:
            group = file["table"]
            return pd.DataFrame(
                {
                    column: group[column].asstr()[:]
                    if column.startswith("galaxy")
                    else group[column][:]
                    for column in TABLE_COLUMNS
                }
            )
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} is not a complete sample of stamps ({error}): delete it and run again"
        ) from error


def turned(images: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Flip and turn each stamp by quarters of a circle, at random: one of eight orientations each.

    Parameters
    ----------
    images : ndarray, shape (n, side, side)
    rng : Generator

    Returns
    -------
    ndarray, shape (n, side, side)
    """
    quarters, flips = rng.integers(0, 4, len(images)), rng.integers(0, 2, len(images))
    return np.stack(
        [
            np.rot90(image[:, ::-1] if flip else image, quarter)
            for image, quarter, flip in zip(images, quarters, flips, strict=True)
        ]
    )


def noisy(
    clean: np.ndarray, noise_sigma: float | np.ndarray, padding: int, rng: np.random.Generator
) -> np.ndarray:
    """Stamps that are padded with zeros and then get noise.

    Parameters
    ----------
    clean : ndarray, shape (n, y, x), float32
    noise_sigma : float or ndarray, shape (n,)
        Standard deviation of the noise, counts, of all stamps or of each.
    padding : int
        Pixels of zeros on each side, before the noise (Sect. 2.4).
    rng : Generator

    Returns
    -------
    ndarray, shape (n, y + 2 padding, x + 2 padding), float32
    """
    padded = np.pad(clean, [(0, 0), (padding, padding), (padding, padding)])
    sigma = np.asarray(noise_sigma).reshape(-1, 1, 1)
    return padded + rng.normal(0, sigma, padded.shape).astype(np.float32)


def noisy_batches(
    path: str | Path,
    noise_sigma: float | np.ndarray,
    padding: int,
    seed: int,
    item: tuple,
    batch: int = 1000,
    *,
    turn: bool = False,
) -> Iterator[np.ndarray]:
    """Yield batches of stamps that are padded with zeros and then get noise.

    Parameters
    ----------
    path : path
        From `write_sample`.
    noise_sigma : float or ndarray, shape (n_stamps,)
        See `noisy`.
    padding : int
        See `noisy`.
    seed : int
    item : tuple
        Part of the seed: what the noise is for, such as sample and realisation.
    batch : int
        Number of stamps in a batch.
    turn : bool
        Whether each stamp is `turned` before it gets noise.

    Yields
    ------
    ndarray, shape (n, y + 2 padding, x + 2 padding), float32
    """
    with h5py.File(path, "r") as file:
        images = file["images"]
        for number, start in enumerate(range(0, len(images), batch)):
            clean = images[start : start + batch]
            if turn:
                clean = turned(clean, generator(seed, "turn", *item, number))
            rng = generator(seed, "noise", *item, number)
            sigma = noise_sigma
            if isinstance(noise_sigma, np.ndarray):
                sigma = noise_sigma[start : start + batch]
            yield noisy(clean, sigma, padding, rng)
