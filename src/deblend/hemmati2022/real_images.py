"""Apply a network to real ground-based images, and compare the peaks with those in Hubble's images.

This is a test only: networks are trained on degraded images (Hemmati et al. 2022, Sect. 2).
"""

import logging
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from astropy.io import fits
from astropy.stats import sigma_clipped_stats
from deblend.errors import DeblendError
from deblend.hemmati2022.degrade import high_position, resample
from deblend.hemmati2022.detection import Resolution
from deblend.hemmati2022.pairs import PairMaker
from deblend.hemmati2022.peaks import match_peaks
from deblend.hemmati2022.predict import Network, generate_images

log = logging.getLogger(__name__)


#: Peaks nearer to an edge than this (high-resolution pixels) are ignored, since the edge cuts their
#: galaxies.
EDGE_PX = 6


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
        Plane of the HSC cube.
    hst_scale_arcsec, hsc_scale_arcsec : float
        Pixel scales.

    Returns
    -------
    high : ndarray, shape (3 n, 3 n)
    low : ndarray, shape (n, n)
    """
    hst = fits.getdata(Path(folder) / f"hst_{name}.fits").astype(float)
    hsc = fits.getdata(Path(folder) / f"hsc_{name}.fits").astype(float)[hsc_plane]
    pixel = maker.pixel_scale_arcsec
    binning = round(pixel / hst_scale_arcsec)
    side = min(
        int(hst.shape[0] * hst_scale_arcsec / pixel / 3) - 1,
        int(hsc.shape[0] * hsc_scale_arcsec / pixel / 3) - 1,
    )
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


def compare_peaks(
    network: Network,
    fields: dict[str, tuple[np.ndarray, np.ndarray]],
    resolutions: dict[str, Resolution],
    radius_px: float,
    device: torch.device,
) -> tuple[pd.DataFrame, dict[str, dict[str, np.ndarray]]]:
    """Find the peaks of each field in the images of Hubble, of the ground and of the GAN.

    Parameters
    ----------
    network : Network
        With one band.
    fields : dict
        High- and low-resolution image of each field, from `read_field`.
    resolutions : dict
        "high", "low" and "gan" with filters and thresholds, from
        `deblend.hemmati2022.detection.restore_resolutions`.
    radius_px : float
        Largest distance of matched peaks, high-resolution pixels.
    device : torch.device

    Returns
    -------
    table : DataFrame
        `field`, `resolution`, `n_peaks`, `n_matched` (with a peak in Hubble's image), `n_hst`,
        `n_false`.
    shown : dict
        For each field the images and the peaks (x, y, high-resolution pixels) of each resolution.
    """
    maker = network.maker
    rows, shown = [], {}
    for name, (high, low) in fields.items():
        network_images = generate_images(
            network.generator, maker.scale_low.scaled(low[None, None]), device
        )[0]
        # The generator's images lack one pixel at each edge.
        gan = np.pad(maker.scale_high.unscaled(network_images)[0], 1)
        images = {"high": high, "low": low, "gan": gan}
        peaks = {}
        # Peaks of the network are searched for in the asinh scale, in which it makes its images.
        searched = images | {"gan": np.pad(network_images[0], 1, mode="edge")}
        for resolution, image in searched.items():
            all_peaks = resolutions[resolution].peaks(image[None].astype(np.float32))
            xy = all_peaks[["x_px", "y_px"]].to_numpy()
            xy = high_position(xy) if resolution == "low" else xy
            inside = ((xy > EDGE_PX) & (xy < high.shape[0] - 1 - EDGE_PX)).all(axis=1)
            peaks[resolution] = xy[inside]
        for resolution, xy in peaks.items():
            matched = int((match_peaks(xy, peaks["high"], radius_px) >= 0).sum())
            n_hst = len(peaks["high"])
            rows.append((name, resolution, len(xy), matched, n_hst, len(xy) - matched))
        shown[name] = {**images, **{f"peaks_{k}": v for k, v in peaks.items()}}
    columns = ["field", "resolution", "n_peaks", "n_matched", "n_hst", "n_false"]
    return pd.DataFrame(rows, columns=columns), shown
