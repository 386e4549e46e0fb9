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
from deblend.data.coordinates import largest_offset, without_left_over_sip
from deblend.data.image_files import Pixels, read_pixels, unobserved
from deblend.data.image_noise import checked_noise
from deblend.data.image_units import counts_factor
from deblend.data.listing import PICTURE_SUFFIXES, file_ids, stamp_files
from deblend.data.pictures import open_picture
from deblend.data.profiles import moffat_psf
from deblend.data.psfs import read_centred_psf
from deblend.errors import DeblendError
from deblend.scenes.background import measure_background, measure_correlations
from deblend.scenes.config import SceneBand, SceneSet
from deblend.scenes.positions import check_positions, name_of_file, read_positions
from deblend.scenes.scenes import Scenes

log = logging.getLogger(__name__)

#: Largest relative difference between the pixel scale given and that of an image's header.
SCALE_TOLERANCE = 0.01

#: Largest distance between the coordinates of two bands of a scene, px.
SAME_PLACE_PX = 0.1

#: Widths of the PSF from the centre to the edge of the image that is made of a Moffat profile.
PSF_HALF_WIDTHS = 6


@dataclass(frozen=True)
class _Frame:
    """An image of a scene: (band, y, x), its name, and the header of each band's coordinates."""

    pixels: np.ndarray
    name: str
    headers: tuple[fits.Header, ...]


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
        another one than that given, bands are not of the same scenes, an image is also a PSF, or
        positions are not within the images or have no galaxies.
    """
    config = entry if isinstance(entry, SceneSet) else SceneSet(**entry)
    frames, stretched = _read_frames(config)
    _check_coordinates(frames, float(config.pixel_scale_arcsec))
    bands = tuple(band.name for band in config.bands)
    images = _stacked(frames)
    background = measure_background(images)
    if config.subtract_sky:
        images = images - background.sky[..., None, None].astype(np.float32)
        log.info("sky levels of up to %.3g counts/s are subtracted", np.abs(background.sky).max())
    for number, band in enumerate(config.bands):
        if band.noise_sigma is not None:
            given = float(band.noise_sigma)
            checked_noise(images[:, number], given, subject=f"scenes, band {band.name}")
            background.noise[:, number] = given
    correlation, notes = measure_correlations(images, bands)
    scenes = Scenes(
        images,
        bands,
        pixel_scale_arcsec=float(config.pixel_scale_arcsec),
        zero_points=np.array([band.zero_point for band in config.bands], float),
        noise_sigma=background.noise,
        psf=_psfs(config.bands, float(config.pixel_scale_arcsec)),
        names=tuple(frame.name for frame in frames),
        detection_band=0 if config.detection_band is None else bands.index(config.detection_band),
        detection=config.detection,
        noise_correlation=correlation,
        noise_notes=notes,
        wcs=_coordinates(frames),
        stretched=stretched,
        sky=background.sky if config.subtract_sky else None,
        sky_measured=background.measured if config.subtract_sky else None,
    )
    if config.positions is None:
        return scenes
    positions = read_positions(
        config.positions,
        config.columns,
        config.first_pixel,
        scenes.names,
        [frame.pixels.shape[1:] for frame in frames],
    )
    scenes = scenes.with_positions(positions)
    check_positions(scenes, config.positions)
    return scenes


def _read_frames(config: SceneSet) -> tuple[list[_Frame], bool]:
    """Images of all scenes, and whether they are pictures."""
    if config.images is not None:
        files = _files(config.images)
        _refuse_psfs(files or [], config.bands)
        frames, stretched = _frames_of(files or [Path(str(config.images))], config.bands, config)
        return _with_names(frames, alone=files is None), stretched
    of_bands, stretched = [], False
    for band, files in zip(config.bands, _files_of_bands(config.bands), strict=True):
        _refuse_psfs(files, config.bands)
        found, is_picture = _frames_of(files, (band,), config)
        of_bands.append(_with_names(found, alone=len(files) == 1))
        stretched |= is_picture
    counts = {band.name: len(f) for band, f in zip(config.bands, of_bands, strict=True)}
    if len(set(counts.values())) > 1:
        raise DeblendError(f"bands have different numbers of images: {counts}")
    joined = []
    for parts in zip(*of_bands, strict=True):
        shapes = {part.pixels.shape[1:] for part in parts}
        if len(shapes) > 1:
            raise DeblendError(
                f"the images {', '.join(part.name for part in parts)} of one scene have the shapes "
                f"{sorted(shapes)}: give the same pixels in all bands"
            )
        pixels = np.concatenate([part.pixels for part in parts])
        headers = tuple(header for part in parts for header in part.headers)
        joined.append(_Frame(pixels, parts[0].name, headers))
    return joined, stretched


def _files(images: str | Sequence[str]) -> list[Path] | None:
    """Files with one image each, FITS files or else pictures of a folder; None for one file."""
    files = stamp_files(images)
    if files == []:
        files = stamp_files(images, PICTURE_SUFFIXES)
    if files == []:
        raise DeblendError(f"images is {images}: no FITS file, JPEG or PNG is there")
    return files


def _refuse_psfs(files: Sequence[Path], bands: Sequence[SceneBand]) -> None:
    """Refuse images of scenes that are those of PSFs: a pattern can contain both."""
    scenes = {file.resolve() for file in files}
    for band in bands:
        if band.psf is not None and Path(band.psf).resolve() in scenes:
            raise DeblendError(
                f"{band.psf}, the PSF of {band.name}, is also among the images of the scenes: move "
                "it out of their folder, or give another pattern"
            )


def _files_of_bands(bands: Sequence[SceneBand]) -> list[list[Path]]:
    """Files of each band, in the same order of scenes.

    Files of folders and patterns belong together by what stands for * in the pattern, or else by
    their names; those of lists by their order.
    """
    given = [band.images for band in bands if band.images is not None]
    found = [_files(images) for images in given]
    if any(files is None or not isinstance(i, str) for i, files in zip(given, found, strict=True)):
        return [files or [Path(str(i))] for i, files in zip(given, found, strict=True)]
    ids = [file_ids(i, files or []) for i, files in zip(given, found, strict=True)]
    for band, own in zip(bands[1:], ids[1:], strict=True):
        lacking = sorted(set(ids[0]) ^ set(own))
        if lacking:
            where = bands[0].name if lacking[0] in own else band.name
            raise DeblendError(
                f"the scene {lacking[0]} has no image of the band {where}: images of the bands "
                "belong together by what stands for * in images, or by their names; rename them, "
                "or give lists in the order of the scenes"
            )
    return [[own[key] for key in ids[0]] for own in ids]


def _frames_of(
    paths: Sequence[Path], bands: Sequence[SceneBand], config: SceneSet
) -> tuple[list[list[_Frame]], bool]:
    """Images of some bands, by file."""
    found, stretched = [], False
    for path in paths:
        if path.suffix.lower() in PICTURE_SUFFIXES:
            pixels, stretched = Pixels(_read_picture(path, len(bands))), True
        else:
            pixels = _in_counts(read_pixels(path, config.images_key), bands, config, path)
        arrays = _with_axes(pixels.values, len(bands), path, alone=len(paths) > 1)
        headers = (pixels.header,) * len(bands)
        found.append([_Frame(array, name_of_file(path), headers) for array in arrays])
    if stretched:
        log.warning(
            "%s: pixels of pictures are not proportional to the light, and so are their fluxes",
            paths[0],
        )
    return found, stretched


def _with_names(of_files: Sequence[Sequence[_Frame]], *, alone: bool) -> list[_Frame]:
    """Images of all files: names are those of the files, with numbers if they have several."""
    frames = []
    for of_file in of_files:
        for number, frame in enumerate(of_file):
            name = frame.name
            if len(of_file) > 1:
                name = str(number) if alone else f"{name}_{number}"
            frames.append(_Frame(frame.pixels, name, frame.headers))
    names = [frame.name for frame in frames]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise DeblendError(f"two images have the name {twice}: rename one of the files")
    return frames


def _read_picture(path: Path, n_bands: int) -> np.ndarray:
    """A picture in [0, 1]: its colours (3, y, x) for three bands, or grey (1, y, x)."""
    with open_picture(path) as image:
        values = np.asarray(image.convert("RGB" if n_bands == 3 else "L"), np.float32) / 255
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


def _check_coordinates(frames: Sequence[_Frame], given: float) -> None:
    """Compare the pixel scale with those of the headers, and the bands of a scene."""
    for frame in frames:
        found: list[WCS] = []
        for header in {id(h): h for h in frame.headers}.values():
            wcs = _celestial(header)
            if wcs is None:
                continue
            _check_scale(wcs, given, f"the header of {frame.name}")
            found.append(wcs)
        for wcs in found[1:]:
            offset = largest_offset(found[0], wcs, frame.pixels.shape[1:])
            if offset > SAME_PLACE_PX:
                raise DeblendError(
                    f"the images of the bands of the scene {frame.name} are {offset:.3g} px apart, "
                    "by their headers: give images of the same part of the sky on the same pixels"
                )


def _check_scale(wcs: WCS, given: float, where: str) -> None:
    found = float(np.sqrt(np.prod(proj_plane_pixel_scales(wcs)[:2]))) * 3600
    if abs(found / given - 1) > SCALE_TOLERANCE:
        raise DeblendError(
            f"pixel_scale_arcsec is {given:g}, and {where} has pixels of {found:.5g} arcsec: "
            "correct it"
        )


def _celestial(header: fits.Header) -> WCS | None:
    """The celestial coordinates of a header, if it has any.

    With SIP distortions if the type of the axes names them.
    """
    if "CTYPE1" not in header:
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            wcs = WCS(without_left_over_sip(header)[0]).celestial
        except Exception:
            log.warning("the celestial coordinates of a header cannot be read: they are left out")
            return None
    return wcs if wcs.has_celestial else None


def _coordinates(frames: Sequence[_Frame]) -> tuple[str, ...]:
    """Headers of celestial coordinates, if all images have them and a file has one image."""
    found = []
    for frame in frames:
        wcs = _celestial(frame.headers[0])
        if wcs is None:
            return ()
        # Of SIP distortions too.
        found.append(wcs.to_header_string(relax=True))
    one_file = {id(frame.headers[0]) for frame in frames}
    return () if len(one_file) < len(frames) else tuple(found)


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


def _psfs(bands: Sequence[SceneBand], pixel_scale_arcsec: float) -> np.ndarray | None:
    """PSFs of all bands, with odd sides; NaN where one is unknown, and None if all are."""
    found: list[np.ndarray | None] = []
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
            log.warning("the PSF of %s is unknown: no galaxies are fitted in it", band.name)
            found.append(None)
    known = [image for image in found if image is not None]
    if not known:
        return None
    side = max(max(image.shape) for image in known)
    psfs = np.zeros((len(found), side, side))
    for number, psf in enumerate(found):
        if psf is None:
            psfs[number] = np.nan
            continue
        y, x = ((side - n) // 2 for n in psf.shape)
        psfs[number, y : y + psf.shape[0], x : x + psf.shape[1]] = psf
    return psfs
