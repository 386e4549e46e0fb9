"""COSMOS-like galaxies as a ground-based survey sees them: stamps of BlendHunter.

Farrens et al. 2022, Sects 2.1 to 2.5: isolated galaxies and pairs on 51 x 51 pixels of 0.187",
through a CFIS-like PSF, without noise; noise is drawn when the stamps are used. Galaxies are
simulated, or those of any catalogue in GalSim's RealGalaxy format.
"""

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

#: Zero point (AB) of COSMOS F814W images in GalSim's catalogues, counts/s of HST.
COSMOS_ZERO_POINT = 25.94


#: Hubble's mirror (m) and the share of its diameter that is obscured: those catalogues' units.
HST_DIAMETER_M, HST_OBSCURATION = 2.4, 0.33


#: Simulated galaxies: fits to 100 COSMOS galaxies, GalSim's example catalogue, F814W < 22.5.
#: log10 of the half-light semi-major axis (arcsec) at magnitude 22.5, its slope and scatter; log10
#: of the Sersic index and its scatter; axis ratio and its scatter. Counts in F814W rise by about
#: 0.3 dex a magnitude.
SIZE = {"intercept": -0.355, "slope": -0.129, "scatter": 0.195}


LOG_SERSIC_N = (0.217, 0.337)


AXIS_RATIO = (0.586, 0.213)


COUNTS_SLOPE_DEX = 0.3


#: Share of each class among simulated galaxies of the realistic set: those of Boucaud's sample, any
#: set with clumps and bulges will do.
REALISTIC_SHARES = (0.2, 0.2, 0.32, 0.28)


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


#: Less exact than GalSim's defaults, by less than a thousandth of the flux, and twice as fast.
GSPARAMS = galsim.GSParams(folding_threshold=0.01, maxk_threshold=2e-3, kvalue_accuracy=1e-4)


def flux_scale(exposure_s: float, diameter_m: float, obscuration: float) -> float:
    """Counts of an exposure for one count/s of HST: exposure time times ratio of mirror areas."""
    area = diameter_m**2 * (1 - obscuration**2)
    return exposure_s * area / (HST_DIAMETER_M**2 * (1 - HST_OBSCURATION**2))


def close_share(stamp_size: int) -> float:
    """Share of blends closer than `CLOSE_PX` for a uniform second position: 12.1 % of 51 x 51."""
    return float(np.pi * CLOSE_PX**2 / stamp_size**2)


def draw_psf(rng: np.random.Generator, config: SampleConfig) -> galsim.GSObject:
    """A CFIS-like PSF: an optical Moffat and an atmospheric Kolmogorov profile (Sect. 2.3)."""
    optics = galsim.Moffat(beta=config.moffat_beta, fwhm=config.moffat_fwhm_arcsec)
    atmosphere = galsim.Kolmogorov(fwhm=config.kolmogorov_fwhm_arcsec)
    shears = []
    for sigma in (config.moffat_ellipticity_sigma, config.kolmogorov_ellipticity_sigma):
        g1, g2 = np.clip(rng.normal(0, sigma, 2), -0.5, 0.5)
        shears.append(galsim.Shear(g1=g1, g2=g2))
    return galsim.Convolve(optics.shear(shears[0]), atmosphere.shear(shears[1]))


class SimulatedGalaxies:
    """Galaxies drawn from `SIZE` and its companions; never the same twice."""

    def __init__(self, config: SampleConfig, sample: str, seed: int) -> None:
        self.config, self.sample, self.seed = config, sample, seed

    def __call__(
        self, rng: np.random.Generator, stamp: int, which: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        config = self.config
        slope = COUNTS_SLOPE_DEX * np.log(10)
        span = config.mag_max - config.mag_min
        mag = config.mag_min + np.log1p(rng.uniform() * np.expm1(slope * span)) / slope
        log_r = rng.normal(SIZE["intercept"] + SIZE["slope"] * (mag - 22.5), SIZE["scatter"])
        galaxy = {
            "mag": float(mag),
            "half_light_radius_px": 10**log_r,  # arcsec: a scale of 1 below
            "sersic_n": round(float(np.clip(10 ** rng.normal(*LOG_SERSIC_N), 0.5, 6)), 1),
            "axis_ratio": float(np.clip(rng.normal(*AXIS_RATIO), 0.15, 1)),
            "morphology": "disk",
        }
        if config.kind == "real":
            galaxy["morphology"] = MORPHOLOGIES[rng.choice(4, p=REALISTIC_SHARES)]
        profile = galaxy_profile(rng, galaxy, 1.0, COSMOS_ZERO_POINT)
        return profile, f"{self.sample}-{stamp:06d}-{which}", galaxy["mag"]


class CatalogGalaxies:
    """Galaxies of a catalogue in GalSim's RealGalaxy format, each in one split only.

    Parameters
    ----------
    config : SampleConfig
        `catalog`, and `kind`: parametric fits or the images themselves.
    split : str
    fractions : dict
        Share of the galaxies for each split.
    seed : int

    Raises
    ------
    DeblendError
        The catalogue cannot be read, has no fits for parametric galaxies, names images that are
        not there, or has too few galaxies.
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
                f"{path.stem}_fits.fits, beside it, and an exclusion_level other than none "
                f"{path.stem}_selection.fits"
            ) from error
        if real:
            catalog = self.catalog.real_cat
            named = {*catalog.gal_file_name, *catalog.psf_file_name, *catalog.noise_file_name}
            missing = sorted(name for name in named if not Path(name).exists())
            if missing:
                raise DeblendError(
                    f"{path} names files that are not there: {', '.join(missing)}; put them beside "
                    "it, or take kind: parametric"
                )
        # By identity and not by row: a galaxy is in the same split in every catalogue that has it.
        self.names = fits.getdata(path)["IDENT"][self.catalog.orig_index].astype(str)
        places = np.array([uniform(seed, "split", name) for name in self.names])
        high = np.cumsum(list(fractions.values()))[list(fractions).index(split)]
        self.rows = np.flatnonzero((places >= high - fractions[split]) & (places < high))
        if len(self.rows) < 2:
            raise DeblendError(
                f"{path} leaves {len(self.rows)} galaxies for the {split} split: pairs need two"
            )

    def __call__(
        self, rng: np.random.Generator, stamp: int, which: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of one of a stamp's two galaxies."""
        row = int(rng.choice(self.rows))
        number = galsim.BaseDeviate(int(rng.integers(1, 2**31)))
        profile = self.catalog.makeGalaxy(row, gal_type=self.kind, rng=number)
        mag = COSMOS_ZERO_POINT - 2.5 * np.log10(max(profile.flux, 1e-9))
        turned = profile.rotate(rng.uniform(0, 2 * np.pi) * galsim.radians)
        return turned, str(self.names[row]), float(mag)


def draw_offset(
    rng: np.random.Generator, stamp_size: int, close_fraction: float | None
) -> tuple[float, float, float]:
    """Position of the second galaxy, uniform over the stamp, and the blend's weight.

    Returns
    -------
    dx, dy : float
        Pixels from the first.
    weight : float
        Natural over drawn frequency of such a distance.
    """
    half = stamp_size / 2
    natural = close_share(stamp_size)
    if close_fraction is None:
        dx, dy = rng.uniform(-half, half, 2)
        return float(dx), float(dy), 1.0
    close = rng.uniform() < close_fraction
    while True:
        dx, dy = rng.uniform(-half, half, 2)
        if (np.hypot(dx, dy) < CLOSE_PX) == close:
            break
    share, drawn = (natural, close_fraction) if close else (1 - natural, 1 - close_fraction)
    return float(dx), float(dy), share / drawn


def draw_stamp(
    config: SampleConfig,
    galaxies: SimulatedGalaxies | CatalogGalaxies,
    sample: str,
    stamp: int,
    seed: int,
) -> tuple[np.ndarray, dict[str, Any]]:
    """One noiseless stamp; even ones are isolated galaxies, odd ones blends.

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
        Counts in the exposure. Pair and single are drawn in one go: light adds up.
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
    """Stamps start to stop - 1 of a sample.

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
    """Draw a sample's stamps of a split to a file, shared out among processes.

    Parameters
    ----------
    path : path
        HDF5; see `write_sample`.
    config : SampleConfig
        With a catalogue, or of simulated galaxies.
    sample, split : str
    n_stamps : int
    fractions : dict
        Shares of a catalogue's galaxies for each split.
    seed : int
    chunk_size : int
        Stamps that a process draws at a time.
    n_workers : int
        What is drawn depends neither on the chunks nor on the workers.

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
    ends = [(i, min(i + chunk_size, n_stamps)) for i in range(0, n_stamps, chunk_size)]
    parts = in_order(_draw_range, ends, n_workers, _use, (config, galaxies, name, seed))
    write_sample(path, parts, n_stamps)


#: What a worker process draws from: configuration, galaxies, the sample's name and the seed.
_drawn_from: list[Any] = []


def _use(*drawn_from: Any) -> None:
    _drawn_from[:] = drawn_from


def _draw_range(ends: tuple[int, int]) -> tuple[np.ndarray, pd.DataFrame]:
    config, galaxies, name, seed = _drawn_from
    return draw_chunk(config, galaxies, name, *ends, seed)


def check_stamps(images: np.ndarray, table: pd.DataFrame, source: str) -> np.ndarray:
    """Stamps that can be used: finite, with signal, their second galaxy within the frame.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
    table : DataFrame
        `TABLE_COLUMNS`.
    source : str
        For the message.

    Returns
    -------
    ndarray
        `images`.

    Raises
    ------
    DeblendError
        Names the first stamp that cannot be used, and its galaxies.
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
                "out of the catalogue, or make the stamps anew"
            )
    return images


def write_sample(
    path: str | Path, parts: Iterable[tuple[np.ndarray, pd.DataFrame]], n_stamps: int
) -> None:
    """Write stamps and their table as one HDF5 file, a part in memory at a time.

    Parameters
    ----------
    path : path
        `images` (n_stamps, y, x), and `table/` with `TABLE_COLUMNS`.
    parts : iterable of (images, table)
        In order.
    n_stamps : int
        Of all parts together.
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
        whole = pd.concat(tables, ignore_index=True)
        for column in whole:
            values = whole[column].to_numpy()
            if column.startswith("galaxy"):
                text = h5py.string_dtype("utf-8")
                file.create_dataset(f"table/{column}", data=values.astype(object), dtype=text)
            else:
                file.create_dataset(f"table/{column}", data=values)


def read_sample_table(path: str | Path) -> pd.DataFrame:
    """The table of a sample, without its images.

    Raises
    ------
    DeblendError
        The file is missing or not whole.
    """
    try:
        with h5py.File(path, "r") as file:
            group = file["table"]
            return pd.DataFrame(
                {
                    c: group[c].asstr()[:] if c.startswith("galaxy") else group[c][:]
                    for c in TABLE_COLUMNS
                }
            )
    except (OSError, KeyError) as error:
        raise DeblendError(
            f"{path} is not a whole sample of stamps ({error}): delete it and run again"
        ) from error


def noisy_batches(
    path: str | Path, noise_sigma: float, padding: int, seed: int, item: tuple, batch: int = 1000
) -> Iterator[np.ndarray]:
    """Stamps padded with zeros, with noise, a batch at a time: memory does not grow with them.

    Parameters
    ----------
    path : path
        From `write_sample`.
    noise_sigma : float
        Counts.
    padding : int
        Pixels of zeros on each side, before the noise (Sect. 2.4).
    seed : int
    item : tuple
        What the noise is for, such as sample and realisation.
    batch : int

    Yields
    ------
    ndarray, shape (n, y + 2 padding, x + 2 padding), float32
    """
    with h5py.File(path, "r") as file:
        images = file["images"]
        for number, start in enumerate(range(0, len(images), batch)):
            clean = images[start : start + batch]
            wide = np.pad(clean, [(0, 0), (padding, padding), (padding, padding)])
            rng = generator(seed, "noise", *item, number)
            yield wide + rng.normal(0, noise_sigma, wide.shape).astype(np.float32)
