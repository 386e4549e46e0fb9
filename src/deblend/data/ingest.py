"""Parent stamps from the user's stamps and catalogue, an archive, or a RealGalaxy catalogue."""

import logging
import zipfile
from pathlib import Path

import galsim
import h5py
import numpy as np
import pandas as pd
from astropy import units as u
from astropy.io import fits
from astropy.table import Table
from deblend.data.config import FilesConfig, RealGalaxyConfig
from deblend.data.listing import files_by_id, stamp_files
from deblend.data.profiles import moffat_psf
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, Stamps, band_table
from deblend.errors import DeblendError
from deblend.seeds import generator

log = logging.getLogger(__name__)


#: Catalogue columns that every data set needs.
REQUIRED = ("id", "mag", "half_light_radius")


#: Units that catalogue columns are converted to. The radius is converted to pixels separately.
UNITS = {"mag": u.mag, "ra": u.deg, "dec": u.deg}


def read_array(path: str | Path, key: str | None) -> np.ndarray:
    """Read an array from .npy, .npz, .h5 or .fits.

    Parameters
    ----------
    path : path
    key : str, optional
        Name of the array in an npz or HDF5 file, or number or name of a FITS extension. Not needed
        for npz and HDF5 files with a single array; the first extension of a FITS file is the
        default.

    Returns
    -------
    ndarray

    Raises
    ------
    DeblendError
        The file is missing, broken or of an unknown format, does not have the key, or contains
        pickled objects, which are never read.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    try:
        if suffix == ".npy":
            return np.load(path, allow_pickle=False)
        if suffix == ".npz":
            with open(path, "rb") as raw, np.load(raw, allow_pickle=False) as file:
                return file[_choose_array(key, file.files, path)]
        if suffix in (".h5", ".hdf5"):
            with h5py.File(path, "r") as file:
                names = [n for n in file if isinstance(file[n], h5py.Dataset)]
                return file[_choose_array(key, names, path)][:]
        if suffix in (".fits", ".fit"):
            with fits.open(path) as file:
                extension = 0 if key is None else int(key) if key.isdigit() else key
                return np.asarray(file[extension].data)
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile) as error:
        raise DeblendError(f"cannot read an array from {path} ({error})") from error
    raise DeblendError(f"{path} is not .npy, .npz, .h5 or .fits")


def _choose_array(key: str | None, names: list[str], path: Path) -> str:
    """Name of the array to read: the key, or the only array of the file."""
    if key is None and len(names) == 1:
        return names[0]
    if key is None or key not in names:
        raise DeblendError(
            f"{path} has the arrays {', '.join(names)}: name one of them as images_key or "
            f"segmaps_key (it is {key!r})"
        )
    return key


def read_table(path: str | Path, columns: dict[str, str]) -> Table:
    """Read a user's catalogue in any format that astropy reads.

    Parameters
    ----------
    path : path
    columns : dict
        Name of the table's column for each of the workflow's.

    Raises
    ------
    DeblendError
        The catalogue cannot be read, or lacks a column.
    """
    try:
        table = Table.read(path)
    except Exception as error:  # astropy raises many types
        raise DeblendError(f"cannot read the catalogue {path}: {error}") from error
    missing = [name for name in columns.values() if name not in table.colnames]
    if missing:
        raise DeblendError(
            f"the catalogue {path} lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(table.colnames)}"
        )
    return table


def read_catalog(
    path: str | Path, columns: dict[str, str], pixel_scale_arcsec: float, radius_unit: str
) -> pd.DataFrame:
    """Read a catalogue (ECSV, CSV, FITS table ...) into `GALAXY_COLUMNS`.

    Parameters
    ----------
    path : path
    columns : dict
        Name of the catalogue's column for each of `GALAXY_COLUMNS`. `id`, `mag` and
        `half_light_radius` are required.
    pixel_scale_arcsec : float
    radius_unit : {"pix", "arcsec"}
        Unit of the radius column if the catalogue does not state it.

    Returns
    -------
    DataFrame
        `GALAXY_COLUMNS`. The morphology is "unknown" if the catalogue has neither classes nor their
        probabilities.

    Raises
    ------
    DeblendError
        A column is missing or unknown, has a unit that cannot be converted, or an id is not unique.
    """
    allowed = [*(c for c in GALAXY_COLUMNS if c not in ("half_light_radius_px", "origin"))]
    allowed.append("half_light_radius")
    unknown = sorted(set(columns) - set(allowed))
    if unknown:
        raise DeblendError(
            f"columns names {', '.join(unknown)}, which a data set does not have; it can be "
            f"{', '.join(allowed)}"
        )
    lacking = [c for c in REQUIRED if c not in columns]
    if lacking:
        raise DeblendError(f"columns does not say which column of {path} is {', '.join(lacking)}")
    table = read_table(path, columns)
    result = pd.DataFrame(index=range(len(table)))
    for name in GALAXY_COLUMNS:
        result[name] = "" if name in TEXT_COLUMNS else np.nan
    for name, catalog_name in columns.items():
        column = table[catalog_name]
        values = np.ma.filled(column, "" if name in TEXT_COLUMNS else np.nan)
        if name in TEXT_COLUMNS:
            result[name] = np.asarray(values).astype(str)
            continue
        target = u.Unit(radius_unit) if name == "half_light_radius" else UNITS.get(name)
        values = _convert(np.asarray(values, float), column.unit, target, catalog_name, path)
        if name == "half_light_radius":
            in_px = values / pixel_scale_arcsec if radius_unit == "arcsec" else values
            result["half_light_radius_px"] = in_px
        else:
            result[name] = values
    if not {"morphology", "p_sph", "p_disk", "p_irr"} & set(columns):
        result["morphology"] = "unknown"
    repeated = result["id"][result["id"].duplicated()].unique()
    if len(repeated):
        raise DeblendError(
            f"the catalogue {path} has {len(repeated)} ids more than once (the first: "
            f"{repeated[0]}): ids have to be unique"
        )
    return result


def _convert(
    values: np.ndarray, unit: u.UnitBase | None, target: u.UnitBase | None, name: str, path: object
) -> np.ndarray:
    if unit is None or target is None or unit == target:
        return values
    try:
        return (values * unit).to_value(target)
    except u.UnitConversionError as error:
        raise DeblendError(
            f"column {name} of {path} is in {unit}, which cannot be converted to {target}"
        ) from error


def centre_on_light(image: np.ndarray, size: int) -> np.ndarray:
    """Cut a stamp whose central pixel contains the centroid of the light; NaN outside the image.

    Parameters
    ----------
    image : ndarray, shape (y, x)
        Sky subtracted.
    size : int

    Returns
    -------
    ndarray, shape (size, size)
    """
    weights = np.maximum(np.nan_to_num(image), 0)
    if not weights.any():
        return cut(image, image.shape[0] // 2, image.shape[1] // 2, size)
    y, x = np.indices(image.shape)
    return cut(
        image,
        round(float(np.average(y, weights=weights))),
        round(float(np.average(x, weights=weights))),
        size,
    )


def cut(image: np.ndarray, y: int, x: int, size: int, fill: float = np.nan) -> np.ndarray:
    """Cut a square with pixel (y, x) at its centre; `fill` outside the image."""
    out = np.full((size, size), fill, image.dtype)
    y0, x0 = y - size // 2, x - size // 2
    rows = slice(max(y0, 0), min(y0 + size, image.shape[0]))
    columns = slice(max(x0, 0), min(x0 + size, image.shape[1]))
    if rows.start < rows.stop and columns.start < columns.stop:
        out[rows.start - y0 : rows.stop - y0, columns.start - x0 : columns.stop - x0] = image[
            rows, columns
        ]
    return out


def read_psf(path: str | Path | None) -> np.ndarray | None:
    """Read the image of a PSF for a data set of one band.

    Parameters
    ----------
    path : path, optional
        FITS file whose first image is the PSF at the stamps' pixel scale, of any flux.

    Returns
    -------
    ndarray, shape (1, y, x), float32
        With the sum 1; None without a path.

    Raises
    ------
    DeblendError
        The image cannot be read, is not two-dimensional, has pixels that are not finite or no
        light, or its brightest pixel is not within a pixel of the centre.
    """
    if not path:
        return None
    image = read_array(path, None)
    if image.ndim != 2:
        raise DeblendError(f"the PSF {path} has the shape {image.shape}: give an image (y, x)")
    image = image.astype(float)
    if not np.isfinite(image).all() or image.sum() <= 0:
        raise DeblendError(
            f"the PSF {path} has pixels that are not finite or no light: give an image of a star"
        )
    peak = np.array(np.unravel_index(np.argmax(image), image.shape))
    # Of an even number of pixels, either of the two in the middle.
    if (np.abs(peak - (np.array(image.shape) - 1) / 2) > 1).any():
        raise DeblendError(
            f"the PSF {path} of {image.shape[1]} x {image.shape[0]} px is brightest in pixel "
            f"x = {peak[1]}, y = {peak[0]}: cut it so that the star is in its centre"
        )
    return (image / image.sum())[None].astype(np.float32)


def _centre(image: np.ndarray) -> tuple[int, int]:
    """Central pixel (y, x) of an image."""
    return image.shape[0] // 2, image.shape[1] // 2


def _read_stamps(config: FilesConfig, ids: pd.Series) -> list[np.ndarray]:
    """The image (y, x) of each galaxy, from one array or from a file each.

    Raises
    ------
    DeblendError
        See `ingest_files`.
    """
    files = stamp_files(config.images)
    if files is not None:
        paths = files_by_id(config.images, files, ids)
        arrays = [read_array(path, config.images_key) for path in paths]
        images = [
            _one_band(array, config.plane, path) for array, path in zip(arrays, paths, strict=True)
        ]
    else:
        paths = [Path(str(config.images))] * len(ids)
        array = read_array(paths[0], config.images_key)
        if array.ndim not in (3, 4) or len(array) != len(ids):
            raise DeblendError(
                f"{config.images} has shape {array.shape}, the catalogue {len(ids)} galaxies: "
                "give one stamp a galaxy, (galaxy, y, x) or (galaxy, band, y, x)"
            )
        images = [_one_band(stamp, config.plane, paths[0]) for stamp in array]
    size = config.stamp_size
    small = [i for i, image in enumerate(images) if min(image.shape) < size]
    if small:
        (height, width), path = images[small[0]].shape, paths[small[0]]
        raise DeblendError(
            f"{len(small)} of {len(images)} stamps are smaller than stamp_size {size}; the first "
            f"is that of galaxy {ids[small[0]]} in {path}, {width} x {height} px: give larger "
            "ones, a smaller stamp_size, or a catalogue without these galaxies"
        )
    return images


def _one_band(array: np.ndarray, plane: int | None, path: Path) -> np.ndarray:
    """Image (y, x) of one band from that of one galaxy, (y, x) or (band, y, x)."""
    if array.ndim == 3:
        if plane is None or not 0 <= plane < len(array):
            raise DeblendError(
                f"{path} has {len(array)} bands and plane is {plane}: give the band's number, 0 to "
                f"{len(array) - 1}"
            )
        array = array[plane]
    if array.ndim != 2:
        raise DeblendError(
            f"{path} has shape {array.shape}: give the stamp of one galaxy, (y, x) or (band, y, x)"
        )
    return array


def ingest_files(config: FilesConfig, seed: int) -> Stamps:
    """Parent stamps from the user's arrays and catalogue.

    Parameters
    ----------
    config : FilesConfig
    seed : int
        Seed of the added noise; each galaxy has its own generator, by its id.

    Returns
    -------
    Stamps

    Raises
    ------
    DeblendError
        Shapes do not match each other or the stamp size, or see `read_psf` and
        `deblend.data.listing.files_by_id`.
    """
    galaxies = read_catalog(
        config.catalog, config.columns, config.pixel_scale_arcsec, config.radius_unit
    )
    galaxies["origin"] = Path(config.catalog).name
    images = _read_stamps(config, galaxies["id"])
    size = config.stamp_size
    out = np.empty((len(images), 1, size, size), np.float32)
    for i, image in enumerate(images):
        stamp = image.astype(np.float32)
        if config.recentre:
            out[i, 0] = centre_on_light(stamp, size)
        else:
            out[i, 0] = cut(stamp, *_centre(stamp), size)
        if config.add_noise:
            rng = generator(seed, "noise", config.band, galaxies["id"][i])
            out[i, 0] += rng.normal(0, config.noise_sigma, (size, size)).astype(np.float32)
    segmaps = np.zeros((len(images), size, size), np.int16)
    if config.segmaps:
        given_segmaps = read_array(config.segmaps, config.segmaps_key)
        shapes = sorted({image.shape for image in images})
        if [given_segmaps.shape] != [(len(images), *shape) for shape in shapes]:
            raise DeblendError(
                f"{config.segmaps} has shape {given_segmaps.shape}, the {len(images)} stamps "
                f"{' and '.join(map(str, shapes))}: give one map of the same size a stamp"
            )
        if config.recentre:
            raise DeblendError("segmaps cannot be given together with recentre: true")
        for i, segmap in enumerate(given_segmaps):
            _, labels = np.unique(segmap, return_inverse=True)
            labels = labels.reshape(segmap.shape) + (segmap.min() != 0)
            segmaps[i] = cut(labels.astype(np.int16), *_centre(segmap), size, fill=0)
    bands = band_table(
        config.band, config.pixel_scale_arcsec, config.zero_point, config.noise_sigma
    )
    return Stamps(out, segmaps, galaxies, bands, read_psf(config.psf))


def ingest_real_galaxies(config: RealGalaxyConfig, seed: int) -> Stamps:
    """Parent stamps from a GalSim RealGalaxyCatalog, with another PSF, pixel scale and noise.

    Each galaxy is deconvolved from its own PSF, convolved with the target PSF and resampled. Its
    noise is whitened, and more noise is added to reach `noise_sigma`. Stamps with more noise than
    that are kept; the log says how many there are.

    Parameters
    ----------
    config : RealGalaxyConfig
    seed : int

    Returns
    -------
    Stamps

    Raises
    ------
    DeblendError
        The catalogue cannot be read, or has no radii.
    """
    path = Path(config.catalog)
    try:
        catalog = galsim.RealGalaxyCatalog(path.name, dir=str(path.parent))
        table = fits.getdata(path)
        extra = fits.getdata(config.fits_catalog) if config.fits_catalog else None
    except OSError as error:
        raise DeblendError(f"cannot read the RealGalaxy catalogue {path}: {error}") from error
    if extra is None or "flux_radius" not in extra.names:
        raise DeblendError(
            f"{path} has no sizes: give fits_catalog, its companion with a column flux_radius (px)"
        )
    size, scale = config.stamp_size, config.pixel_scale_arcsec
    target = moffat_psf(config.psf_fwhm_arcsec, config.psf_moffat_beta)
    images, rows, n_noisier = [], [], 0
    for i in range(catalog.nobjects):
        galsim_seed = generator(seed, "noise", config.band, table["IDENT"][i]).integers(1, 2**31)
        rng = galsim.BaseDeviate(int(galsim_seed))
        galaxy = galsim.Convolve(galsim.RealGalaxy(catalog, index=i, rng=rng), target)
        image = galsim.ImageF(size, size, scale=scale)
        centre = galsim.PositionD(size // 2 + 1, size // 2 + 1)
        galaxy.drawImage(image, center=centre, method="no_pixel")
        variance = galaxy.noise.whitenImage(image)
        missing_variance = config.noise_sigma**2 - variance
        if missing_variance > 0:
            image.addNoise(galsim.GaussianNoise(rng, sigma=missing_variance**0.5))
        else:
            n_noisier += 1
        images.append(image.array.copy())
        rows.append(
            {
                "id": str(table["IDENT"][i]),
                "ra": float(table["RA"][i]),
                "dec": float(table["DEC"][i]),
                "mag": float(table["MAG"][i]),
                "half_light_radius_px": float(
                    extra["flux_radius"][i] * table["PIXEL_SCALE"][i] / scale
                ),
                "sersic_n": np.nan,
                "axis_ratio": np.nan,
                "redshift": float(extra["ZPHOT"][i]) if "ZPHOT" in extra.names else np.nan,
                "morphology": "unknown",
                "p_sph": np.nan,
                "p_disk": np.nan,
                "p_irr": np.nan,
                "origin": path.name,
            }
        )
    log.info(
        "%d of %d stamps are noisier than noise_sigma %g",
        n_noisier,
        len(images),
        config.noise_sigma,
    )
    psf = target.drawImage(nx=31, ny=31, scale=scale, method="no_pixel").array
    return Stamps(
        np.stack(images)[:, None],
        np.zeros((len(images), size, size), np.int16),
        pd.DataFrame(rows),
        band_table(config.band, scale, config.zero_point, config.noise_sigma),
        psf[None],
    )
