"""Real ground-based images in, peaks compared with what Hubble sees of the same fields.

For testing only: networks are trained on degraded images (Hemmati et al. 2022, Sect. 2).
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
from deblend.hemmati2022.predict import Network, generated

log = logging.getLogger(__name__)


#: Peaks nearer to an edge than this (high-resolution pixels) are of galaxies cut by it.
EDGE_PX = 6


def field_names(folder: str | Path) -> list[str]:
    """Fields of a folder: what follows hst_ and hsc_ in the names of its files.

    Raises
    ------
    DeblendError
        There are none, or one of a pair is missing.
    """
    found = {
        kind: {p.stem.removeprefix(f"{kind}_") for p in Path(folder).glob(f"{kind}_*.fits")}
        for kind in ("hst", "hsc")
    }
    if not found["hst"] | found["hsc"]:
        raise DeblendError(f"{folder} has no hst_*.fits and hsc_*.fits: give the folder of pairs")
    alone = found["hst"] ^ found["hsc"]
    if alone:
        raise DeblendError(f"{folder} has only one image of the field {min(alone)}: give both")
    return sorted(found["hst"])


def read_field(
    folder: str | Path,
    name: str,
    maker: PairMaker,
    *,
    hsc_plane: int,
    hst_scale_arcsec: float,
    hsc_scale_arcsec: float,
) -> tuple[np.ndarray, np.ndarray]:
    """A field in both resolutions, on the network's pixels and in its noise.

    Images of other cameras have other units: each has its background taken off and is scaled so
    that its noise is that of the network's training images.

    Returns
    -------
    high : ndarray, shape (3 n, 3 n)
    low : ndarray, shape (n, n)
    """
    hst = fits.getdata(Path(folder) / f"hst_{name}.fits").astype(float)
    hsc = fits.getdata(Path(folder) / f"hsc_{name}.fits").astype(float)[hsc_plane]
    pixel = maker.pixel_scale_arcsec
    fine = round(pixel / hst_scale_arcsec)
    side = min(
        int(hst.shape[0] * hst_scale_arcsec / pixel / 3) - 1,
        int(hsc.shape[0] * hsc_scale_arcsec / pixel / 3) - 1,
    )
    n = 3 * side * fine
    start = [(s - n) // 2 for s in hst.shape]
    cut = hst[start[0] : start[0] + n, start[1] : start[1] + n]
    high = cut.reshape(3 * side, fine, 3 * side, fine).sum((1, 3))
    low = resample(hsc, hsc_scale_arcsec, 3 * pixel, side).astype(float)
    scaled = []
    for image, sigma in ((high, maker.noise_high[0]), (low, maker.noise_low[0])):
        _, median, noise = sigma_clipped_stats(image, sigma=2.5)
        scaled.append(((image - median) * (sigma / noise)).astype(np.float32))
    return scaled[0], scaled[1]


def compare(
    network: Network,
    fields: dict[str, tuple[np.ndarray, np.ndarray]],
    resolutions: dict[str, Resolution],
    radius_px: float,
    device: torch.device,
) -> tuple[pd.DataFrame, dict[str, dict[str, np.ndarray]]]:
    """Peaks of each field in what Hubble, the ground and the GAN see.

    Parameters
    ----------
    network : Network
        Of one band.
    fields : dict
        Name to (high, low), from `read_field`.
    resolutions : dict
        "high", "low" and "gan" with filters and thresholds, from
        `deblend.hemmati2022.detection.recorded`.
    radius_px : float
        For matching, high-resolution pixels.
    device : torch.device

    Returns
    -------
    table : DataFrame
        `field`, `resolution`, `n_peaks`, `n_matched` with one of Hubble's, `n_hst`, `n_false`.
    shown : dict
        Field to images and peaks (x, y, high-resolution pixels) of each resolution.
    """
    maker = network.maker
    rows, shown = [], {}
    for name, (high, low) in fields.items():
        made = generated(network.generator, maker.scale_low.scaled(low[None, None]), device)[0]
        # The generator crops a pixel at each edge.
        gan = np.pad(maker.scale_high.unscaled(made)[0], 1)
        images = {"high": high, "low": low, "gan": gan}
        peaks = {}
        # A network's peaks are looked for in the scale in which it makes them.
        looked_at = images | {"gan": np.pad(made[0], 1, mode="edge")}
        for resolution, image in looked_at.items():
            found = resolutions[resolution].peaks(image[None].astype(np.float32))
            xy = found[["x_px", "y_px"]].to_numpy()
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
