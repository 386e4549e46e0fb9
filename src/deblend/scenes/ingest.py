"""Read the user's images of blends, and measure what is not given: noise, sky, its correlation."""

import logging
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from deblend.data.image_files import Pixels, read_pixels, unobserved
from deblend.data.image_units import counts_factor
from deblend.data.listing import is_pattern, matching_files, stamp_files
from deblend.data.noise import MIN_PIXELS, background_pixels, measure_correlation
from deblend.data.profiles import moffat_psf
from deblend.data.psfs import read_centred_psf
from deblend.data.table_files import open_table
from deblend.errors import DeblendError
from deblend.photometry.sep import background_rms
from deblend.scenes.config import SceneBand, SceneSet
from deblend.scenes.scenes import Scenes
from PIL import Image, UnidentifiedImageError

log = logging.getLogger(__name__)

#: Images that Pillow reads, whose pixels are bytes in a stretch that is not known.
PICTURE_SUFFIXES = (".jpg", ".jpeg", ".png")

#: Largest relative difference between the pixel scale given and that of an image's header.
SCALE_TOLERANCE = 0.01

#: Widths of the PSF from the centre to the edge of the image that is made of a Moffat profile.
PSF_HALF_WIDTHS = 6

#: Correlations that differ from white noise by less than this many errors are none.
CORRELATION_ERRORS = 3.0


@dataclass(frozen=True)
class _Frame:
    """An image of a scene: (band, y, x), its name, and the header of its coordinates."""

    pixels: np.ndarray
    name: str
    header: fits.Header


def read_scene_set(entry: dict[str, Any] | SceneSet) -> Scenes:
    """Read the images, PSFs and positions of an entry of the configuration.

    Parameters
    ----------
    entry : dict or SceneSet
        Entry under `scenes`.

    Returns
    -------
    Scenes
        Sky subtracted; noise, and its correlation if there is enough background, are measured where
        they are not given.

    Raises
    ------
    DeblendError
        A file cannot be read or has another shape than the bands, the pixel scale of a header is
        another one than that given, or positions are not within the images.
    """
    config = entry if isinstance(entry, SceneSet) else SceneSet(**entry)
    frames, stretched = _read_frames(config)
    _check_scales(frames, config.pixel_scale_arcsec)
    images = _stacked(frames)
    sky, noise = _background(images)
    if config.subtract_sky:
        images = images - sky[..., None, None].astype(np.float32)
        log.info("sky levels of up to %.3g counts/s are subtracted", np.abs(sky).max())
    given = [band.noise_sigma for band in config.bands]
    for number, sigma in enumerate(given):
        if sigma is not None:
            noise[:, number] = sigma
    names = tuple(frame.name for frame in frames)
    scenes = Scenes(
        images,
        tuple(band.name for band in config.bands),
        pixel_scale_arcsec=float(config.pixel_scale_arcsec),
        zero_points=np.array([band.zero_point for band in config.bands], float),
        noise_sigma=noise,
        psf=_psfs(config.bands, float(config.pixel_scale_arcsec)),
        names=names,
        detection_band=(
            0
            if config.detection_band is None
            else [band.name for band in config.bands].index(config.detection_band)
        ),
        detection=config.detection,
        noise_correlation=_correlations(images),
        wcs=_coordinates(frames),
        stretched=stretched,
    )
    if config.positions is None:
        return scenes
    return scenes.with_positions(
        _read_positions(config.positions, config.columns, config.first_pixel, scenes)
    )


def _read_frames(config: SceneSet) -> tuple[list[_Frame], bool]:
    """Images of all scenes, and whether they are pictures."""
    if config.images is not None:
        return _frames_of(config.images, config.bands, config)
    of_bands = [
        _frames_of(band.images, (band,), config) for band in config.bands if band.images is not None
    ]
    counts = {band.name: len(f) for band, (f, _) in zip(config.bands, of_bands, strict=True)}
    if len(set(counts.values())) > 1:
        raise DeblendError(f"bands have different numbers of images: {counts}")
    frames = []
    for parts in zip(*(frames for frames, _ in of_bands), strict=True):
        shapes = {part.pixels.shape[1:] for part in parts}
        if len(shapes) > 1:
            raise DeblendError(
                f"the images {', '.join(part.name for part in parts)} of one scene have the shapes "
                f"{sorted(shapes)}: give the same pixels in all bands"
            )
        pixels = np.concatenate([part.pixels for part in parts])
        frames.append(_Frame(pixels, parts[0].name, parts[0].header))
    return frames, any(stretched for _, stretched in of_bands)


def _frames_of(
    images: str | Sequence[str], bands: Sequence[SceneBand], config: SceneSet
) -> tuple[list[_Frame], bool]:
    """Images of some bands."""
    if isinstance(images, str) and is_pattern(images):
        folder = Path(images)
        while is_pattern(folder):
            folder = folder.parent
        files: list[Path] | None = [folder / name for name in matching_files(images)]
    else:
        files = stamp_files(images)
    if files is not None and not files:
        raise DeblendError(f"images is {images}: no file is there")
    paths = [Path(str(images))] if files is None else files
    found, stretched = [], False
    for path in paths:
        if path.suffix.lower() in PICTURE_SUFFIXES:
            pixels, stretched = Pixels(_read_picture(path, len(bands))), True
        else:
            pixels = _in_counts(read_pixels(path, config.images_key), bands, config, path)
        arrays = _with_axes(pixels.values, len(bands), path, alone=files is not None)
        stem = path.name.split(".")[0]
        for number, array in enumerate(arrays):
            name = stem if len(arrays) == 1 else str(number)
            found.append(_Frame(array, name, pixels.header))
    if stretched:
        log.warning(
            "%s: pixels of pictures are not proportional to the light, and so are their fluxes",
            paths[0],
        )
    return found, stretched


def _read_picture(path: Path, n_bands: int) -> np.ndarray:
    """A picture in [0, 1]: its colours (3, y, x) for three bands, or grey (1, y, x)."""
    try:
        with Image.open(path) as image:
            values = np.asarray(image.convert("RGB" if n_bands == 3 else "L"), np.float32) / 255
    except (OSError, UnidentifiedImageError) as error:
        raise DeblendError(f"cannot read {path} as a picture ({error}): fetch it again") from error
    # FITS images have their first row at the bottom.
    return np.moveaxis(np.atleast_3d(values), -1, 0)[:, ::-1].copy()


def _in_counts(pixels: Pixels, bands: Sequence[SceneBand], config: SceneSet, path: Path) -> Pixels:
    """Pixels in counts/s at the zero points of the bands."""
    factors = [
        counts_factor(
            pixels.header,
            config.unit,
            zero_point=float(band.zero_point),
            pixel_scale_arcsec=float(config.pixel_scale_arcsec),
            source=path,
        )
        for band in bands
    ]
    if all(factor == 1 for factor in factors):
        return pixels
    if len(set(factors)) == 1:
        return Pixels(pixels.values * factors[0], pixels.header)
    if pixels.values.ndim < 3 or pixels.values.shape[-3] != len(bands):
        raise DeblendError(
            f"{path} has the shape {pixels.values.shape}: there are {len(bands)} bands"
        )
    return Pixels(pixels.values * np.array(factors)[:, None, None], pixels.header)


def _with_axes(array: np.ndarray, n_bands: int, path: Path, *, alone: bool) -> np.ndarray:
    """Images (scene, band, y, x); with `alone` the file has one scene."""
    while array.ndim > 4 and array.shape[0] == 1:
        array = array[0]
    if array.ndim == 2 and n_bands == 1:
        array = array[None, None]
    elif array.ndim == 3 and array.shape[0] == n_bands:
        # Of one band, this is one image too.
        array = array[None]
    elif array.ndim == 3 and n_bands == 1 and not alone:
        array = array[:, None]
    if (
        array.ndim != 4
        or array.shape[1] != n_bands
        or not array.size
        or array.dtype.kind not in "fiu"
    ):
        raise DeblendError(
            f"{path} has the shape {array.shape} and type {array.dtype}, and there are {n_bands} "
            "bands: give numbers (y, x), (band, y, x), (scene, y, x) or (scene, band, y, x)"
        )
    with np.errstate(over="ignore"):
        values = array.astype(np.float32)
    for image in values.reshape(-1, *values.shape[2:]):
        image[unobserved(image) | ~np.isfinite(image)] = np.nan
    return values


def _check_scales(frames: Sequence[_Frame], given: float) -> None:
    """Compare the pixel scale with those of the headers."""
    for frame in frames:
        wcs = _celestial(frame.header)
        if wcs is None:
            continue
        found = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)[:2]))) * 3600
        if abs(found / given - 1) > SCALE_TOLERANCE:
            raise DeblendError(
                f"pixel_scale_arcsec is {given:g}, and the header of {frame.name} has pixels of "
                f"{found:.5g} arcsec: correct it"
            )


def _celestial(header: fits.Header) -> WCS | None:
    """The celestial coordinates of a header, if it has any."""
    if "CTYPE1" not in header:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(header).celestial
        except Exception:
            log.warning("the celestial coordinates of a header cannot be read: they are left out")
            return None
    return wcs if wcs.has_celestial else None


def _coordinates(frames: Sequence[_Frame]) -> tuple[str, ...]:
    """Headers of celestial coordinates, if all images have them and a file has one image."""
    found = []
    for frame in frames:
        wcs = _celestial(frame.header)
        if wcs is None:
            return ()
        found.append(wcs.to_header_string())
    same_file = len(frames) > 1 and len({id(frame.header) for frame in frames}) < len(frames)
    return () if same_file else tuple(found)


def _stacked(frames: Sequence[_Frame]) -> np.ndarray:
    """All images in one array; smaller ones have NaN above and to the right."""
    shape = np.max([frame.pixels.shape for frame in frames], axis=0)
    images = np.full((len(frames), *shape), np.nan, np.float32)
    for i, frame in enumerate(frames):
        _, ny, nx = frame.pixels.shape
        images[i, :, :ny, :nx] = frame.pixels
    lacking = np.isnan(images).all(axis=(1, 2, 3))
    if lacking.any():
        raise DeblendError(
            f"the image {frames[int(np.argmax(lacking))].name} has no pixels with data: leave it "
            "out"
        )
    return images


def _background(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sky level and noise of each image and band, shape (n, band).

    From pixels without sources where there are enough of them, else from SEP's background; the
    noise then is the median of that of the other images, if those have enough.
    """
    n, n_bands = images.shape[:2]
    sky, noise = np.zeros((n, n_bands)), np.full((n, n_bands), np.nan)
    for i in range(n):
        for b in range(n_bands):
            image = images[i, b].astype(float)
            pixels = image[background_pixels(image)]
            if len(pixels) >= MIN_PIXELS:
                sky[i, b] = np.median(pixels)
                noise[i, b] = 1.4826 * np.median(np.abs(pixels - sky[i, b]))
    for b in range(n_bands):
        crowded = np.flatnonzero(~(noise[:, b] > 0))
        typical = np.nanmedian(noise[:, b]) if len(crowded) < n else np.nan
        for i in crowded.tolist():
            noise[i, b] = typical if typical > 0 else _rms(images[i, b])
        if len(crowded):
            log.warning(
                "%d of %d images have fewer than %d pixels without sources (the first: %d): their "
                "sky is not subtracted, and their noise is %s",
                *(len(crowded), n, MIN_PIXELS, crowded[0]),
                "that of the others" if typical > 0 else "from SEP's background",
            )
    wrong = np.argwhere(~(noise > 0))
    if len(wrong):
        raise DeblendError(
            f"image {wrong[0][0]} has no noise: give noise_sigma, or images with noise"
        )
    return sky, noise


def _rms(image: np.ndarray) -> float:
    filled = np.where(np.isfinite(image), image, np.nanmedian(image))
    return background_rms(filled.astype(np.float32))


def _correlations(images: np.ndarray) -> np.ndarray | None:
    """Correlation of the noise of each band, if two images at least have enough background."""
    found = []
    for band in range(images.shape[1]):
        try:
            measured = measure_correlation(list(images[:, band]))
        except DeblendError:
            return None
        half, error = np.array(measured["correlation"]), np.array(measured["error"])
        # What is not significant is not kept, so that white noise stays white.
        neighbour = half[0, half.shape[1] // 2 + 1], error[0, half.shape[1] // 2 + 1]
        if abs(neighbour[0]) < CORRELATION_ERRORS * max(neighbour[1], 0.01):
            half = np.where(half == 1, 1.0, 0.0)
        found.append(np.concatenate([half[:0:-1, ::-1], half]))
    table = np.stack(found)
    # The row of dy = 0 has both directions, which measurements make equal up to rounding.
    table = (table + table[:, ::-1, ::-1]) / 2
    middle = table.shape[1] // 2
    table[:, middle, middle] = 1.0
    return table if (np.abs(table).sum(axis=(1, 2)) > 1).any() else None


def _psfs(bands: Sequence[SceneBand], pixel_scale_arcsec: float) -> np.ndarray | None:
    """PSFs of all bands, with odd sides; None if one is unknown."""
    found = []
    for band in bands:
        if band.psf is not None:
            name = f"the PSF of {band.name}, {band.psf},"
            found.append(read_centred_psf(band.psf, None, name, pixel_scale_arcsec, on_pixel=True))
        elif band.psf_fwhm_arcsec is not None:
            profile = moffat_psf(band.psf_fwhm_arcsec, band.psf_moffat_beta)
            half = int(np.ceil(PSF_HALF_WIDTHS * band.psf_fwhm_arcsec / pixel_scale_arcsec))
            side = 2 * half + 1
            image = profile.drawImage(
                nx=side, ny=side, scale=pixel_scale_arcsec, method="no_pixel"
            ).array.astype(float)
            found.append(image / image.sum())
        else:
            log.warning("the PSF of %s is unknown: no galaxies are fitted", band.name)
            return None
    side = max(max(image.shape) for image in found)
    psfs = np.zeros((len(found), side, side))
    for number, image in enumerate(found):
        y, x = ((side - n) // 2 for n in image.shape)
        psfs[number, y : y + image.shape[0], x : x + image.shape[1]] = image
    return psfs


def _read_positions(
    path: str, columns: dict[Any, str], first_pixel: int, scenes: Scenes
) -> list[np.ndarray]:
    """Y and x of the galaxies of each scene."""
    table = open_table(path)
    names = {"scene": "scene", "x": "x", "y": "y"} | columns
    missing = [names[k] for k in ("x", "y") if names[k] not in table.colnames]
    if names["scene"] not in table.colnames and len(scenes) > 1:
        missing.append(names["scene"])
    if missing:
        raise DeblendError(
            f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table.colnames)}: "
            "name them under columns"
        )
    try:
        yx = np.column_stack([np.asarray(table[names[k]], float) for k in ("y", "x")]) - first_pixel
    except ValueError as error:
        raise DeblendError(f"{path} has positions that are no numbers ({error})") from error
    number = {name: i for i, name in enumerate(scenes.names)}
    number |= {str(i): i for i in range(len(scenes)) if str(i) not in number}
    labels = (
        [str(value) for value in table[names["scene"]]]
        if names["scene"] in table.colnames
        else ["0"] * len(table)
    )
    labels = [scenes.names[0]] * len(table) if len(scenes) == 1 else labels
    unknown = [label for label in labels if label not in number]
    if unknown:
        raise DeblendError(
            f"{path} has positions of the scene {unknown[0]!r}; scenes are "
            f"{', '.join(scenes.names[:5])}{' ...' if len(scenes) > 5 else ''}"
        )
    scene = np.array([number[label] for label in labels], int)
    _check_inside(path, scene, yx, scenes)
    return [yx[scene == i] for i in range(len(scenes))]


def _check_inside(path: str, scene: np.ndarray, yx: np.ndarray, scenes: Scenes) -> None:
    sides = np.array(scenes.images.shape[2:])
    outside = ~((yx > -0.5) & (yx < sides - 0.5)).all(axis=1)
    if outside.any():
        k = int(np.argmax(outside))
        raise DeblendError(
            f"{path} has a position outside its image: scene {scenes.names[scene[k]]}, x = "
            f"{yx[k, 1]:g}, y = {yx[k, 0]:g} in {sides[1]} x {sides[0]} px (from 0): correct it, "
            "or first_pixel"
        )
