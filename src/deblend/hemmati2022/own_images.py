"""Peaks and fluxes of the galaxies in the user's own images of blends, by a trained generator."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.data.image_files import read_array, read_pixels
from deblend.data.image_units import counts_factor
from deblend.errors import DeblendError, UnsuitedError
from deblend.hemmati2022.blends import inside_frame
from deblend.hemmati2022.degrade import low_position, psf_image, resample
from deblend.hemmati2022.networks import LOW_PX, build_generator
from deblend.hemmati2022.pairs import Scale, psf_fwhm_arcsec
from deblend.hemmati2022.peaks import GAN_BETA, GAN_PSF_PX, find_peaks
from deblend.hemmati2022.photometry import MAX_SHIFT_ARCSEC
from deblend.hemmati2022.predict import config_from_record, generate_images
from deblend.photometry.forced import fit_photometry
from deblend.photometry.mixture_fit import FLAG_NO_SHAPE
from deblend.training.description import read_description
from deblend.training.torch_backend import move_to_device
from deblend.training.torch_checkpoint import build_network
from deblend.units import mag_from_flux

log = logging.getLogger(__name__)


#: Bits of an image's flags, which are added.
FLAGS = {
    "sky": 1,  # the sky level is not 0 in a band of the network
    "noise": 2,  # the noise is not like that of the training in a band of the network
    "bright": 4,  # pixels are brighter than the scale of the network: they are clipped
    "more_peaks": 8,  # there are more peaks than those of the two galaxies that are measured
}


#: Relative difference of pixel scales that is none.
SAME_SCALE = 1e-3


#: Images are resampled to the pixels of the training if theirs are smaller or larger by these
#: factors at most: otherwise pixels would be skipped, or details made up.
SMALLER_MAX, LARGER_MAX = 1.45, 1.1


#: Largest relative difference between the widths of the PSF of an image and of the training. The
#: PSFs of HSC's bands are 11 % narrower to 15 % wider than 0.6" with pixels.
PSF_TOLERANCE = 0.2


#: Largest difference of the sum of a PSF image from 1.
PSF_SUM_TOLERANCE = 0.05


#: Factor by which the noise of an image may differ from that of the training.
NOISE_TOLERANCE = 2.0


#: Sky level, in units of the noise of a pixel, from which an image is flagged.
SKY_LIMIT = 1.0


PEAK_COLUMNS = ("image", "peak", "x_px", "y_px", "significance", "galaxy")


FLUX_COLUMNS = (
    "image", "galaxy", "band", "x_px", "y_px", "flux", "flux_err", "mag", "zero_point", "profile",
    "fit_flags", "engine",
)  # fmt: skip


@dataclass(frozen=True)
class Resolved:
    """What a network shows in images, and the fluxes that are measured at its peaks.

    Attributes
    ----------
    summary : DataFrame
        One row for each image: `image` (its number, from 0), `n_peaks`, `flags` (sum of `FLAGS`).
    peaks : DataFrame
        `PEAK_COLUMNS`: the peaks of each image, the most significant first (`peak` 0); `x_px` and
        `y_px` in pixels of the images, from the centre of the first pixel; the significance in
        sigmas of the noise of the network's images, above the threshold of its training; `galaxy`:
        0 and 1 for the first two, which are measured, else -1. As in the training, peaks nearer to
        the edge of what the network sees than `deblend.hemmati2022.blends.EDGE_PX` are ignored,
        since light of galaxies beyond the edge makes some there.
    fluxes : DataFrame
        `FLUX_COLUMNS`: for each band of an image one row for each of its measured galaxies, which
        are fitted together. Images without such a peak have none. The centre
        (`x_px`, `y_px`) is fitted in the detection band and kept in the others. Flux and its error
        are counts/s at `zero_point`, that of the images; `mag` is NaN if the flux is not positive.
        For `fit_flags` see `deblend.photometry.mixture_fit`.
    images : ndarray of float32, shape (n, band, 64, 64)
        Images of the network, counts/s at the zero points of the images, in the bands of the
        network and in its order.
    origin_px : (float, float)
        y, x, in pixels of the user's images, of the centre of the first pixel of `images`.
    step_px : float
        Side of a pixel of `images` in pixels of the user's.
    """

    summary: pd.DataFrame
    peaks: pd.DataFrame
    fluxes: pd.DataFrame
    images: np.ndarray
    origin_px: tuple[float, float]
    step_px: float


def resolve_images(
    images: np.ndarray | str | Path,
    psfs: np.ndarray | str | Path,
    *,
    weights: str | Path,
    description: str | Path,
    bands: Sequence[str],
    pixel_scale_arcsec: float,
    zero_point: float | Sequence[float],
    noise_sigma: float | np.ndarray | None = None,
    images_key: str | None = None,
    unit: str | None = None,
    psfs_key: str | None = None,
    profile: str = "exp_or_dev",
    engine: str = "auto",
    n_workers: int = 1,
    device: torch.device | None = None,
) -> Resolved:
    """Peaks of the galaxies in ground-based images, and fluxes of two of them in all bands.

    A generator makes images of a higher resolution, in which peaks are searched for. Galaxies are
    then fitted at the positions of the most significant two, in the images as they are given.

    The network expects images like those of its training: the same bands, PSF and noise, the sky
    subtracted. Number and names of the bands, pixel scale, size, PSFs and values are checked
    against `network.json` as far as the parameters and the pixels tell; a wrong zero point shows as
    noise that is not like that of the training. Images are cut around their middle to the frame of
    the training, and resampled to its pixels for the network.

    Parameters
    ----------
    images : ndarray of float, shape (n, band, y, x) or (band, y, x), or path
        In counts/s, with the blends in the middle. A path is that of a .npy, .npz, .h5 or .fits
        file; images whose header has another unit (BUNIT) are converted, see
        `deblend.data.image_units.counts_factor`.
    psfs : ndarray of float, shape (band, k, k) or (n, band, k, k), or path
        PSF of each band, at the pixel scale of the images and with the pixel: k is odd, the peak
        is the central pixel and the sum is 1.
    weights, description : path
        `network.h5` and `network.json` of a super-resolution network.
    bands : sequence of str
        Names of the bands of the images, in their order. Those of the network have its names: call
        HSC's i band f775w. Fluxes are measured in the others too.
    pixel_scale_arcsec : float
    zero_point : float or sequence of float, shape (band,)
        AB magnitude of one count per second in the images.
    noise_sigma : float or ndarray, shape (band,) or (n, band), optional
        Standard deviation of the noise of a pixel; measured in the corners by default.
    images_key, psfs_key : str, optional
        Names of the arrays in the files, see `deblend.data.image_files.read_pixels`.
    unit : str, optional
        Unit of the images, such as nJy, instead of that of the header.
    profile, engine, n_workers
        See `deblend.photometry.forced.fit_photometry`.
    device : torch.device, optional
        By default the CPU.

    Returns
    -------
    Resolved

    Raises
    ------
    DeblendError
        The description is not that of a super-resolution network of this version; images or PSFs
        have other axes, sizes or bands than the network or each other, are not real floating-point
        numbers, or have NaN or infinite pixels; PSFs have even sides, are not normalised, are not
        centred, or are wider or narrower than those of the training by more than `PSF_TOLERANCE`;
        pixels are too small or too large; there is no noise; or an option is out of range.

    References
    ----------
    Hemmati et al. 2022, Sect. 4.

    Examples
    --------
    ::

        from deblend.hemmati2022.own_images import resolve_images
        folder = "results/small/networks/sr_content"
        result = resolve_images(
            "blends.fits",
            "psfs.fits",
            weights=f"{folder}/network.h5",
            description=f"{folder}/network.json",
            bands=["g", "r", "f775w", "z", "y"],
            pixel_scale_arcsec=0.168,
            zero_point=27.0,
        )
        result.fluxes.to_csv("fluxes.csv", index=False)
    """
    record = _read_record(description)
    if record.get("problem"):
        log.warning("%s has not learnt: %s", weights, record["problem"])
    trained, network_bands = record["images"], record["bands"]
    bands = list(bands)
    name = str(images) if isinstance(images, str | Path) else "images"
    pixels = read_pixels(images, images_key) if isinstance(images, str | Path) else None
    header = {} if pixels is None else pixels.header
    array = _with_axes(np.asarray(images) if pixels is None else pixels.values, name)
    chosen = _choose_bands(bands, network_bands, array.shape, name)
    zero_points = _per_band(zero_point, len(bands), "zero_point")
    array = array * _factors(header, unit, zero_points, pixel_scale_arcsec, name)
    pixel = trained["factor"] * trained["pixel_scale_arcsec"]
    ratio = pixel_ratio(pixel_scale_arcsec, pixel)
    psf = _checked_psfs(psfs, psfs_key, array.shape)
    _check_widths(psf, bands, chosen, pixel_scale_arcsec, trained["low_psf_fwhm_arcsec"])
    frame, inner, low, start = _cut(array, pixel_scale_arcsec, pixel, ratio, name)
    sky, noise = _background(frame)
    noise = noise if noise_sigma is None else _given_noise(noise_sigma, noise.shape)
    _check_noise(noise, name)
    # The network's images are at the zero points of its training.
    factor = 10 ** (0.4 * (np.array(trained["zero_point"]) - zero_points[chosen]))
    low = low[:, chosen] * factor[:, None, None]
    usual = noise[:, chosen] * ratio * factor / np.array(trained["noise_low"])
    is_usual = (usual > 1 / NOISE_TOLERANCE) & (usual < NOISE_TOLERANCE)
    scale_low, scale_high = (
        Scale(*(np.array(trained[f"{k}_{x}"])[:, None, None] for k in ("softening", "limit")))
        for x in ("low", "high")
    )
    flags = FLAGS["sky"] * (np.abs(sky) > SKY_LIMIT * noise)[:, chosen].any(axis=1)
    flags += FLAGS["noise"] * ~is_usual.all(axis=1)
    flags += FLAGS["bright"] * (low > scale_low.limit).any(axis=(1, 2, 3))
    made = _generate(weights, description, record, scale_low.scaled(low), device)
    peaks = _find_peaks(made[:, network_bands.index(trained["detection_band"])], record)
    # Pixel 0 of the network's images is pixel 1 of the frame that is degraded.
    xy = start[::-1] + ratio * low_position(peaks[["x_px", "y_px"]] + 1, trained["factor"])
    peaks[["x_px", "y_px"]] = xy
    n_peaks = np.bincount(peaks["image"], minlength=len(array))
    n_measured = np.bincount(peaks.loc[peaks["galaxy"] >= 0, "image"], minlength=len(array))
    flags += FLAGS["more_peaks"] * (n_peaks > n_measured)
    fluxes = _measure(
        frame, psf, peaks, noise, bands, trained["detection_band"], inner,
        pixel_scale_arcsec=pixel_scale_arcsec, profile=profile, engine=engine, n_workers=n_workers,
    )  # fmt: skip
    fluxes["zero_point"] = zero_points[[bands.index(band) for band in fluxes["band"]]]
    fluxes["mag"] = mag_from_flux(fluxes["flux"].to_numpy(), fluxes["zero_point"].to_numpy())
    summary = pd.DataFrame({"image": np.arange(len(array)), "n_peaks": n_peaks, "flags": flags})
    corner = start + ratio * low_position(np.ones(2), trained["factor"])
    return Resolved(
        summary,
        peaks,
        fluxes[list(FLUX_COLUMNS)],
        (scale_high.unscaled(made) / factor[:, None, None]).astype(np.float32),
        (float(corner[0]), float(corner[1])),
        ratio / trained["factor"],
    )


def _read_record(description: str | Path) -> dict[str, Any]:
    """The description of a network, checked for what this module needs."""
    record = read_description(description)
    if record.get("kind") != "super_resolution":
        raise DeblendError(
            f"{description} is not that of a super-resolution network: give the network.json of "
            "sr, sr_content, sr_multi or another one whose input is images"
        )
    missing = [key for key in ("bands", "images", "peaks") if not record.get(key)]
    if missing:
        raise DeblendError(
            f"{description} has no {' and no '.join(missing)}: give the network.json of a network "
            "that this version has trained"
        )
    return record


def _read(given: np.ndarray | str | Path, key: str | None) -> np.ndarray:
    if isinstance(given, str | Path):
        return read_array(given, key, prefer=("PSF",))
    return np.asarray(given)


def _factors(
    header: Any, unit: str | None, zero_points: np.ndarray, pixel_scale_arcsec: float, name: str
) -> np.ndarray:
    """Factors that make counts/s of the images, by their unit, shape (band, 1, 1)."""
    factors = [
        counts_factor(
            header,
            unit,
            zero_point=float(zero_point),
            pixel_scale_arcsec=pixel_scale_arcsec,
            source=name,
        )
        for zero_point in zero_points
    ]
    return np.array(factors, np.float32)[:, None, None]


def _with_axes(array: np.ndarray, name: str) -> np.ndarray:
    """Images (n, band, y, x), checked for their axes and type."""
    if array.ndim == 3:
        array = array[None]
    if array.ndim != 4 or not array.size:
        raise DeblendError(
            f"{name} has shape {array.shape}: give at least one image, (image, band, y, x), also "
            "of one band"
        )
    if array.dtype.kind != "f":
        raise DeblendError(
            f"{name} has pixels of type {array.dtype}: give floating-point numbers in counts/s"
        )
    return array


def _choose_bands(
    bands: list[str], network_bands: list[str], shape: tuple[int, ...], name: str
) -> list[int]:
    """Numbers of the network's bands among those of the images."""
    if len(set(bands)) < len(bands) or len(bands) != shape[1]:
        raise DeblendError(
            f"{name} has shape {shape}, thus {shape[1]} bands, and bands is {', '.join(bands)}: "
            "give the name of each band once, in the order of the images"
        )
    missing = [band for band in network_bands if band not in bands]
    if missing:
        raise UnsuitedError(
            f"the network was trained on {', '.join(network_bands)}, and bands has no "
            f"{', '.join(missing)}: name the nearest bands of the images so, or take a network of "
            "other bands"
        )
    return [bands.index(band) for band in network_bands]


def _per_band(value: float | Sequence[float], n_bands: int, name: str) -> np.ndarray:
    """A number for each band."""
    values = np.asarray(value, float)
    if values.shape not in ((), (n_bands,)) or not np.isfinite(values).all():
        raise DeblendError(
            f"{name} is {value}: give the AB magnitude of one count per second, one number or "
            f"{n_bands}, one for each band"
        )
    return np.broadcast_to(values, (n_bands,))


def pixel_ratio(given: float, trained: float) -> float:
    """Side of the training's pixels in pixels of the images, 1 if they are the same."""
    if not (np.isfinite(given) and given > 0):
        raise DeblendError(
            f"pixel_scale_arcsec is {given}: give the side of a pixel of the images in arcsec"
        )
    ratio = trained / given
    if not 1 / LARGER_MAX <= ratio <= SMALLER_MAX:
        remedy = (
            "sum blocks of pixels first"
            if ratio > 1
            else "take images with smaller pixels, or train a network on larger ones"
        )
        raise UnsuitedError(
            f"pixel_scale_arcsec is {given:g}, the network was trained at {trained:.3g} (from "
            f"{trained / SMALLER_MAX:.3g} to {trained * LARGER_MAX:.3g} images are resampled): "
            f"{remedy}"
        )
    return 1.0 if abs(ratio - 1) < SAME_SCALE else ratio


def _checked_psfs(
    given: np.ndarray | str | Path, key: str | None, shape: tuple[int, ...]
) -> np.ndarray:
    """PSFs (1 or n, band, k, k) with a sum of 1, checked."""
    name = str(given) if isinstance(given, str | Path) else "psfs"
    psfs = _read(given, key)
    psfs = psfs[None] if psfs.ndim == 3 else psfs
    n, n_bands = shape[:2]
    if psfs.ndim != 4 or psfs.shape[1] != n_bands or len(psfs) not in (1, n):
        raise DeblendError(
            f"{name} has shape {psfs.shape}: give an image for each of {n_bands} bands, (band, y, "
            f"x), or (image, band, y, x) for each of {n} images"
        )
    ny, nx = psfs.shape[2:]
    if ny != nx or ny % 2 == 0 or ny < 3:
        raise DeblendError(
            f"{name} has PSFs of {nx} x {ny} px: they have to be square with an odd side, so that "
            "the peak is at the central pixel"
        )
    if psfs.dtype.kind != "f" or not np.isfinite(psfs).all():
        raise DeblendError(f"{name} has pixels that are not finite floating-point numbers")
    sums = psfs.sum(axis=(2, 3), dtype=float)
    wrong = np.argwhere(~(np.abs(sums - 1) <= PSF_SUM_TOLERANCE))
    if len(wrong):
        number, band = wrong[0]
        raise DeblendError(
            f"{name} has a PSF with a sum of {sums[number, band]:.4g} (image {number}, band {band} "
            "from 0): divide each by its sum, after its background is subtracted"
        )
    peak = psfs.reshape(*psfs.shape[:2], -1).argmax(axis=2)
    wrong = np.argwhere(peak != ny * nx // 2)
    if len(wrong):
        number, band = wrong[0]
        y, x = divmod(int(peak[number, band]), nx)
        raise DeblendError(
            f"{name} has a PSF whose peak is at pixel ({y}, {x}), not at the central one "
            f"({ny // 2}, {nx // 2}) (image {number}, band {band} from 0): shift it"
        )
    return psfs / sums[:, :, None, None]


def _check_widths(
    psfs: np.ndarray, bands: list[str], chosen: list[int], pixel_scale: float, trained: float
) -> None:
    """Check the widths of the PSFs in the network's bands."""
    for band in chosen:
        for number, psf in enumerate(psfs[:, band]):
            width = psf_fwhm_arcsec(psf, pixel_scale)
            if abs(width / trained - 1) <= PSF_TOLERANCE:
                continue
            remedy = (
                f"smooth the images to {trained:.3g} arcsec"
                if width < trained
                else "train a network on a wider PSF (low > psf_fwhm_arcsec)"
            )
            raise UnsuitedError(
                f"the PSF of band {bands[band]} (image {number}) has a FWHM of {width:.3g} arcsec, "
                f"the network was trained at {trained:.3g} (they may differ by "
                f"{PSF_TOLERANCE:.0%}): {remedy}"
            )


def _cut(
    array: np.ndarray, scale: float, trained: float, ratio: float, name: str
) -> tuple[np.ndarray, tuple[int, int], np.ndarray, np.ndarray]:
    """Cut images around their middle, and resample them to the pixels of the training.

    Returns
    -------
    frame : ndarray, shape (n, band, y, x)
        Pixels of the images that the network sees.
    inner : (int, int)
        y, x of the first pixel of the frame.
    low : ndarray, shape (n, band, LOW_PX, LOW_PX)
        At the pixel scale of the training.
    start : ndarray, shape (2,)
        y, x, in pixels of the images, of the centre of the first pixel of `low`.
    """
    sides = np.array(array.shape[2:])
    needed = LOW_PX * ratio
    if (sides < needed - 1e-6).any():
        raise UnsuitedError(
            f"{name} has images of {sides[1]} x {sides[0]} px of {scale:g} arcsec: the network "
            f"takes {needed:.4g} x {needed:.4g} px ({LOW_PX} x {LOW_PX} px of {trained:.3g} "
            "arcsec): cut larger images around the blends"
        )
    if ratio == 1:
        corner = (sides - LOW_PX) // 2
        size, start = np.array([LOW_PX, LOW_PX]), corner.astype(float)
    else:
        start = (sides - 1) / 2 - ratio * (LOW_PX - 1) / 2
        corner = np.maximum(np.floor(start - ratio / 2 + 0.5), 0).astype(int)
        size = sides - 2 * corner  # the frame has the middle of the images
    (y, x), (ny, nx) = corner, size
    frame = array[:, :, y : y + ny, x : x + nx].astype(float)
    bad = (~np.isfinite(frame)).sum(axis=(1, 2, 3))
    if bad.any():
        first = int(np.flatnonzero(bad)[0])
        raise DeblendError(
            f"{name} has NaN or infinite pixels in {np.count_nonzero(bad)} of {len(array)} images "
            f"(the first: image {first}, {bad[first]} pixels): replace these pixels by noise, or "
            "leave the images out"
        )
    low = frame if ratio == 1 else resample(frame, scale, scale * ratio, LOW_PX)
    return frame, (int(y), int(x)), low, start


def _background(frame: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sky level and noise of images (n, band, y, x), each of shape (n, band), from their corners.

    The corner whose median is nearest to 0 decides on the sky, since galaxies can lie in others.
    """
    side = max(4, min(frame.shape[2:]) // 5)
    ends = slice(None, side), slice(-side, None)
    corners = np.stack(
        [frame[:, :, y, x].reshape(*frame.shape[:2], -1) for y in ends for x in ends], axis=2
    )
    medians = np.median(corners, axis=3)
    noise = 1.4826 * np.median(np.abs(corners - medians[..., None]), axis=(2, 3))
    emptiest = np.abs(medians).argmin(axis=2)[..., None]
    return np.take_along_axis(medians, emptiest, axis=2)[..., 0], noise


def _given_noise(noise_sigma: float | np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """Noise of each image and band, from the user's."""
    given = np.asarray(noise_sigma, float)
    if given.shape not in ((), shape[1:], shape):
        raise DeblendError(
            f"noise_sigma has shape {given.shape}: give one number, one for each of {shape[1]} "
            f"bands, or ({shape[0]}, {shape[1]}) for each image and band"
        )
    return np.broadcast_to(given, shape)


def _check_noise(noise: np.ndarray, name: str) -> None:
    wrong = np.argwhere(~(np.isfinite(noise) & (noise > 0)))
    if len(wrong):
        number, band = wrong[0]
        raise DeblendError(
            f"{name} has a noise of {noise[number, band]:g} (image {number}, band {band} from 0): "
            "give noise_sigma, the positive standard deviation of a pixel"
        )


def _generate(
    weights: str | Path,
    description: str | Path,
    record: dict[str, Any],
    low: np.ndarray,
    device: torch.device | None,
) -> np.ndarray:
    """The network's images (n, band, 64, 64), in [-1, 1]."""
    generator = build_network(
        lambda: build_generator(config_from_record(record), len(record["bands"])),
        weights,
        description,
    )
    device = torch.device("cpu") if device is None else device
    move_to_device(generator, device)
    return generate_images(generator, low, device, record["precision"])


def _find_peaks(made: np.ndarray, record: dict[str, Any]) -> pd.DataFrame:
    """Peaks as the training has found them, in pixels of the network's images."""
    options = record["peaks"]
    pixel = record["images"]["pixel_scale_arcsec"]
    psf = psf_image(options["fwhm_arcsec"], GAN_BETA, pixel, GAN_PSF_PX)
    peaks = find_peaks(made, psf, noise=options["noise"], measure=options["measure"])
    # Pixel 0 of the network's images is pixel 1 of the frame.
    is_inside = inside_frame(peaks[["x_px", "y_px"]].to_numpy() + 1)
    peaks = peaks[(peaks["significance"] > options["threshold"]) & is_inside]
    peaks = peaks.rename(columns={"stamp": "image"})
    peaks["peak"] = peaks.groupby("image").cumcount()
    peaks["galaxy"] = peaks["peak"].where(peaks["peak"] < 2, -1)
    return peaks[list(PEAK_COLUMNS)].reset_index(drop=True)


def _measure(
    frame: np.ndarray,
    psfs: np.ndarray,
    peaks: pd.DataFrame,
    noise: np.ndarray,
    bands: list[str],
    detection_band: str,
    inner: tuple[int, int],
    *,
    pixel_scale_arcsec: float,
    profile: str,
    engine: str,
    n_workers: int,
) -> pd.DataFrame:
    """Fluxes at the peaks that are to be measured, in all bands; without `mag`."""
    first = peaks[peaks["galaxy"] >= 0]
    rows = np.unique(first["image"])
    centres = np.full((len(rows), 2, 2), np.nan)
    place = np.searchsorted(rows, first["image"]), first["galaxy"].to_numpy()
    centres[place] = first[["y_px", "x_px"]] - np.array(inner)
    tables = {}
    # The detection band comes first: its centres are those of the other bands.
    for band in sorted(range(len(bands)), key=lambda k: bands[k] != detection_band):
        is_first = bands[band] == detection_band
        fitted = fit_photometry(
            frame[rows, band],
            psfs[0, band] if len(psfs) == 1 else psfs[rows, band],
            centres,
            pixel_scale_arcsec=pixel_scale_arcsec,
            noise_sigma=noise[rows, band],
            profile=profile,
            engine=engine,
            fixed_positions=not is_first,
            max_shift_px=MAX_SHIFT_ARCSEC / pixel_scale_arcsec if is_first else None,
            n_workers=n_workers,
        )
        if is_first:
            good = fitted[(fitted["flags"] & ~FLAG_NO_SHAPE) == 0]
            centres[good["stamp"], good["galaxy"]] = good[["y_px", "x_px"]]
        # A centre that could not be fitted is that of the peak, in all bands.
        yx = centres[fitted["stamp"], fitted["galaxy"]] + np.array(inner)
        tables[band] = fitted.assign(
            image=rows[fitted["stamp"]], band=bands[band], y_px=yx[:, 0], x_px=yx[:, 1]
        ).rename(columns={"flags": "fit_flags"})
    # The order of the images, then of their galaxies, then of the bands.
    table = pd.concat([tables[k] for k in range(len(bands))], ignore_index=True)
    return table.sort_values(["image", "galaxy"], kind="stable", ignore_index=True)
