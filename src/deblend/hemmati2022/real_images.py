"""Apply a network to real ground-based images, and compare the peaks with those in Hubble's images.

This is a test only: networks are trained on degraded images (Hemmati et al. 2022, Sect. 2). Peaks
in Hubble's images stand for galaxies. How many would match by chance is measured with the peaks of
other fields (`pair_numbers`).
"""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from astropy.stats import sigma_clipped_stats
from deblend.data.image_files import read_array
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import inside_frame
from deblend.hemmati2022.degrade import high_position, resample
from deblend.hemmati2022.pairs import PairMaker
from deblend.hemmati2022.peaks import match_peaks
from deblend.hemmati2022.predict import Network, generate_images
from deblend.hemmati2022.resolutions import Resolution
from deblend.intervals import mean_interval, wilson_interval

log = logging.getLogger(__name__)


#: Columns of `pair_numbers`.
PAIR_COLUMNS = (
    "field",
    "resolution",
    "n_fields",
    "n_hst",
    "n_peaks",
    "n_matched",
    "n_false",
    "completeness",
    "completeness_low",
    "completeness_high",
    "purity",
    "purity_low",
    "purity_high",
)


#: Smallest side of a field, in pixels of the ground: edges are left out, see `EDGE_PX`.
MIN_SIDE_PX = 16


#: Name of the rows of all fields, and ending of the resolutions of the lines of chance.
ALL_FIELDS, CHANCE = "all", "_chance"


def field_names(folder: str | Path) -> list[str]:
    """Names of the fields in a folder: NAME in its files hst_NAME.fits and hsc_NAME.fits.

    Raises
    ------
    DeblendError
        There are no such files, or one of a pair is missing.
    """
    names = {
        kind: {p.stem.removeprefix(f"{kind}_") for p in Path(folder).glob(f"{kind}_*.fits")}
        for kind in ("hst", "hsc")
    }
    if not names["hst"] | names["hsc"]:
        raise DeblendError(
            f"{folder} has no hst_*.fits and hsc_*.fits: give a folder with such pairs"
        )
    unpaired = names["hst"] ^ names["hsc"]
    if unpaired:
        raise DeblendError(f"{folder} has only one image of the field {min(unpaired)}: give both")
    return sorted(names["hst"])


def read_field(
    folder: str | Path,
    name: str,
    maker: PairMaker,
    *,
    hsc_plane: int,
    hst_scale_arcsec: float,
    hsc_scale_arcsec: float,
) -> tuple[np.ndarray, np.ndarray]:
    """Read a field in both resolutions, with the pixel scales and noise of the network's images.

    Since the images of other cameras have other units, the background is subtracted and each image
    is scaled so that its noise equals that of the training images.

    Parameters
    ----------
    folder : path
    name : str
        From `field_names`.
    maker : PairMaker
        Of the network.
    hsc_plane : int
        Plane of the HSC cube; an image of one band is taken as it is.
    hst_scale_arcsec, hsc_scale_arcsec : float
        Pixel scales.

    Returns
    -------
    high : ndarray, shape (3 n, 3 n)
    low : ndarray, shape (n, n)
        Of the middle of the field, as far as both images have data.

    Raises
    ------
    DeblendError
        An image cannot be read, has no such plane, or too few pixels with data.
    """
    hst = read_plane(Path(folder) / f"hst_{name}.fits", 0)
    hsc = read_plane(Path(folder) / f"hsc_{name}.fits", hsc_plane)
    pixel = maker.pixel_scale_arcsec
    binning = round(pixel / hst_scale_arcsec)
    side = min(
        int(min(hst.shape) * hst_scale_arcsec / pixel / 3) - 1,
        int(min(hsc.shape) * hsc_scale_arcsec / pixel / 3) - 1,
    )
    # One more pixel of the ground's is left at each side, since resampling reads the neighbours.
    with_data = min(
        int(_side_with_data(hst) * hst_scale_arcsec / pixel / 3),
        int(_side_with_data(hsc) * hsc_scale_arcsec / pixel / 3) - 2,
    )
    if not (np.isfinite(hst).all() and np.isfinite(hsc).all()) and with_data < side:
        if with_data < MIN_SIDE_PX:
            raise DeblendError(
                f"the images hst_{name}.fits and hsc_{name}.fits in {folder} have pixels without "
                "data (NaN) near the middle of the field: leave the field out, or replace them"
            )
        log.warning(
            "field %s: the images have pixels without data, so that it is cut to %d of %d px",
            *(name, with_data, side),
        )
        side = with_data
    # Splines spread pixels that are not finite over their rows and columns.
    hsc = np.where(np.isfinite(hsc), hsc, np.nanmedian(hsc))
    n = 3 * side * binning
    start = [(s - n) // 2 for s in hst.shape]
    cut = hst[start[0] : start[0] + n, start[1] : start[1] + n]
    high = cut.reshape(3 * side, binning, 3 * side, binning).sum((1, 3))
    low = resample(hsc, hsc_scale_arcsec, 3 * pixel, side).astype(float)
    scaled = []
    for image, sigma in ((high, maker.noise_high[0]), (low, maker.noise_low[0])):
        _, median, noise = sigma_clipped_stats(image, sigma=2.5)
        scaled.append(((image - median) * (sigma / noise)).astype(np.float32))
    return scaled[0], scaled[1]


def read_plane(path: Path, plane: int) -> np.ndarray:
    """An image (y, x) from a file with one image, or with a cube of several bands.

    Raises
    ------
    DeblendError
        The file cannot be read, or has no such plane.
    """
    cube = read_array(path, None).astype(float)
    while cube.ndim > 2 and cube.shape[0] == 1:
        cube = cube[0]
    if cube.ndim == 2:
        return cube
    if cube.ndim != 3 or plane >= len(cube):
        raise DeblendError(
            f"{path} has the shape {cube.shape}, and its plane {plane} is wanted: give an image "
            "(y, x), or a cube (band, y, x) with hsc_plane, the number of the band from 0"
        )
    return cube[plane]


def _side_with_data(image: np.ndarray) -> int:
    """Side of the largest square in the middle of an image all of whose pixels have data."""
    ny, nx = image.shape
    y, x = np.nonzero(~np.isfinite(image))
    if not len(y):
        return min(ny, nx)
    distance = np.maximum(np.abs(y - (ny - 1) / 2), np.abs(x - (nx - 1) / 2))
    return min(ny, nx, int(2 * distance.min()) - 1)


def find_field_peaks(
    network: Network,
    fields: dict[str, tuple[np.ndarray, np.ndarray]],
    resolutions: dict[str, Resolution],
    device: torch.device,
) -> dict[str, dict[str, np.ndarray]]:
    """Find the peaks of each field in the images of Hubble, of the ground and of the GAN.

    Parameters
    ----------
    network : Network
        With one band.
    fields : dict
        High- and low-resolution image of each field, from `read_field`.
    resolutions : dict
        "high", "low" and "gan" with filters and thresholds, from
        `deblend.hemmati2022.resolutions.restore_resolutions`.
    device : torch.device

    Returns
    -------
    dict
        For each field the images, "high", "low" and "gan", and the peaks (x, y, high-resolution
        pixels) in each, "peaks_high", "peaks_low" and "peaks_gan".
    """
    maker = network.maker
    shown = {}
    for name, (high, low) in fields.items():
        network_images = generate_images(
            network.generator, maker.scale_low.scaled(low[None, None]), device
        )[0]
        # The generator's images lack one pixel at each edge.
        gan = np.pad(maker.scale_high.unscaled(network_images)[0], 1)
        images = {"high": high, "low": low, "gan": gan}
        # Peaks of the network are searched for in the asinh scale, in which it makes its images.
        searched = images | {"gan": np.pad(network_images[0], 1, mode="edge")}
        for resolution, image in searched.items():
            all_peaks = resolutions[resolution].peaks(image[None].astype(np.float32))
            xy = all_peaks[["x_px", "y_px"]].to_numpy()
            xy = high_position(xy) if resolution == "low" else xy
            images[f"peaks_{resolution}"] = xy[inside_frame(xy, high.shape[0])]
        shown[name] = images
    return shown


def pair_numbers(
    shown: Mapping[str, Mapping[str, np.ndarray]], radius_px: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Peaks of the ground's and of the GAN's images that have a counterpart in Hubble's.

    Parameters
    ----------
    shown : dict
        From `find_field_peaks`.
    radius_px : float
        Largest distance of matched peaks, high-resolution pixels.

    Returns
    -------
    numbers : DataFrame
        `PAIR_COLUMNS`, one row for each field (and one for "all") and resolution ("high", "low",
        "gan"): `n_hst` peaks in Hubble's images, `n_peaks` in those of the resolution, `n_matched`
        with each other, one to one (see `deblend.hemmati2022.peaks.match_peaks`), and `n_false`
        without a counterpart; `completeness` = n_matched / n_hst, `purity` = n_matched / n_peaks,
        both with a 68 % interval (Wilson; of all fields that from the scatter between fields, if it
        is wider). The rows "low_chance" and "gan_chance" are the same with the peaks of other
        fields, in each of the eight orientations (the seven others of the same field if there is
        one only), means over `n_fields` such fields; their intervals are those of as many peaks as
        one field, or all of them, has.
    gain : DataFrame
        One row: the `n` peaks of Hubble in all fields, the `gain` in completeness from the ground
        to the GAN, and `low` and `high`, its 68 % interval from the scatter between fields.
    """
    rows = []
    found: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
    for name, field in shown.items():
        for resolution in ("high", "low", "gan"):
            both = _matched(field[f"peaks_{resolution}"], field["peaks_high"], radius_px)
            found.setdefault(resolution, []).append(both)
            rows.append((name, resolution, *_shares([both])))
        for resolution in ("low", "gan"):
            chance = [_matched(*pair, radius_px) for pair in _other_peaks(shown, name, resolution)]
            found.setdefault(resolution + CHANCE, []).extend(chance)
            rows.append((name, resolution + CHANCE, *_shares(chance, len(chance))))
    for resolution in ("high", "low", "low" + CHANCE, "gan", "gan" + CHANCE):
        per_field = len(found[resolution]) // len(shown)
        rows.append((ALL_FIELDS, resolution, *_shares(found[resolution], per_field)))
    gains = [
        gan[0].astype(int) - low[0].astype(int)
        for low, gan in zip(found["low"], found["gan"], strict=True)
    ]
    gain = np.concatenate(gains)
    groups = np.repeat(np.arange(len(gains)), list(map(len, gains)))
    low, high = mean_interval(gain, groups)
    mean = float(gain.mean()) if len(gain) else np.nan
    return (
        pd.DataFrame(rows, columns=list(PAIR_COLUMNS)),
        pd.DataFrame([(len(gain), mean, low, high)], columns=["n", "gain", "low", "high"]),
    )


def _matched(xy: np.ndarray, hst: np.ndarray, radius_px: float) -> tuple[np.ndarray, np.ndarray]:
    """Which peaks of Hubble's image, and which of another one, have a counterpart."""
    match = match_peaks(xy, hst, radius_px)
    has_counterpart = np.zeros(len(xy), bool)
    has_counterpart[match[match >= 0]] = True
    return match >= 0, has_counterpart


def _other_peaks(
    shown: Mapping[str, Mapping[str, np.ndarray]], name: str, resolution: str
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Peaks of a field in Hubble's image, with those of a resolution in the other fields.

    Fields have their middle in common. Peaks outside the smaller one are left out.
    """
    side = len(shown[name]["high"])
    others = [other for other in shown if other != name]
    for other in others or [name]:
        other_side = len(shown[other]["high"])
        common = min(side, other_side)
        hst = shown[name]["peaks_high"] - (side - common) / 2
        xy = shown[other][f"peaks_{resolution}"] - (other_side - 1) / 2
        for number, (turned, flip) in enumerate((t, f) for f in (1, -1) for t in range(4)):
            if not others and number == 0:
                continue
            oriented = xy * (flip, 1)
            for _ in range(turned):
                oriented = oriented[:, ::-1] * (-1, 1)
            oriented = oriented + (common - 1) / 2
            yield oriented[inside_frame(oriented, common)], hst[inside_frame(hst, common)]


def _shares(fields: list[tuple[np.ndarray, np.ndarray]], repeats: int = 1) -> tuple[float, ...]:
    """`PAIR_COLUMNS` from n_fields on; the numbers of peaks are means over the repeats."""
    numbers: list[float] = []
    shares: list[float] = []
    for values in zip(*fields, strict=True):
        joined = np.concatenate(values)
        groups = np.repeat(np.arange(len(values)), list(map(len, values)))
        n, k = len(joined) / repeats, joined.sum() / repeats
        low, high = (float(end) for end in wilson_interval(k, n))
        if repeats == 1 and len(fields) > 1:
            ends = np.nan_to_num(mean_interval(joined, groups), nan=k / n if n else np.nan)
            low, high = float(min(low, ends[0])), float(max(high, ends[1]))
        numbers += [n, k]
        shares += [k / n if n else np.nan, *np.clip([low, high], 0, 1)]
    n_hst, n_matched, n_peaks, _ = numbers
    return len(fields), n_hst, n_peaks, n_matched, n_peaks - n_matched, *shares
