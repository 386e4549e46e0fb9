"""Draw stamps for BlendHunter: COSMOS-like galaxies as a ground-based survey observes them.

Farrens et al. 2022, Sects 2.1 to 2.5: isolated galaxies and pairs on 51 x 51 pixels of 0.187",
with a CFIS-like PSF, without noise; noise is added when the stamps are used. Galaxies are simulated
or come from a catalogue in GalSim's RealGalaxy format.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd
from deblend.data.image_noise import MAX_MEASURED, checked_noise
from deblend.errors import DeblendError
from deblend.farrens2022.config import CLOSE_PX, SampleConfig
from deblend.farrens2022.galaxies import CatalogGalaxies, SimulatedGalaxies
from deblend.hdf5 import new_file, open_file, write_array
from deblend.seeds import generator
from deblend.space import need_memory
from deblend.workers import in_order

#: Diameter of Hubble's mirror (m) and the share of it that is obscured, for counts/s of HST.
HST_DIAMETER_M, HST_OBSCURATION = 2.4, 0.33


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
        See `check_stamps`; or there is too little memory.
    """
    # Each image, and all of them joined.
    need_memory(
        f"a chunk of {stop - start} stamps of {sample}",
        2 * 4 * (stop - start) * config.stamp_size**2,
        "a smaller chunk_size",
    )
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
    noise_sigma: float,
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
    noise_sigma : float
        The least noise that is going to be added to the stamps, counts. A warning says if images of
        real galaxies have so much noise of their own that it shows beside.
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
    if config.catalog and config.kind == "real":
        with open_file(path) as file:
            images = file["images"][:MAX_MEASURED]
        checked_noise(
            images,
            noise_sigma,
            subject=f"stamps {name} of {config.catalog}",
            remedy="give galaxies with less noise, or raise noise_sigma or realistic_noise_sigma",
            is_added=True,
        )


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
    with new_file(path) as file:
        start = 0
        for part, table in parts:
            size = part.shape[1:]
            if not start:
                shape, chunks = (n_stamps, *size), (1, *size)
                images = write_array(file, "images", shape=shape, dtype=np.float32, chunks=chunks)
            images[start : start + len(part)] = part
            start += len(part)
            tables.append(table)
        full_table = pd.concat(tables, ignore_index=True)
        for column in full_table:
            values = full_table[column].to_numpy()
            if column.startswith("galaxy"):
                values = values.astype(object)
            write_array(file, f"table/{column}", values)


def read_sample_table(path: str | Path) -> pd.DataFrame:
    """Read the table of a sample, without its images.

    Raises
    ------
    DeblendError
        The file is missing or not complete.
    """
    with open_file(path, "a complete sample of stamps") as file:
        group = file["table"]
        return pd.DataFrame(
            {
                column: group[column].asstr()[:]
                if column.startswith("galaxy")
                else group[column][:]
                for column in TABLE_COLUMNS
            }
        )


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
    with open_file(path) as file:
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
