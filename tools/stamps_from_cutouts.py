"""Make stamps of one size, and a catalogue, from cut-outs of a mosaic with models of their sources.

    python tools/stamps_from_cutouts.py CUTOUTS FOLDER --zero-point 25.9463

CUTOUTS is an .npz file with a pair of arrays for each galaxy, `NAME_sci` (counts/s, sky subtracted;
0 or NaN where there is no data) and `NAME_model`: the image of all fitted sources without noise.
The galaxy is in the middle. FOLDER gets `stamps.npz`, with an array `images` (galaxy, y, x), and
`stamps.csv`, with a row for each of them: what a data set of `source: files` needs.

Where a cut-out has no data, because it is smaller than a stamp or the mosaic ends there, the stamp
has noise with the correlation of CANDELS (config/noise.yaml). Magnitudes are those of the models.
"""

import argparse
import sys
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.data.ingest import cut
from deblend.data.noise import noise_images, read_correlation
from deblend.seeds import generator
from skimage.feature import peak_local_max
from skimage.segmentation import watershed

#: Correlation of CANDELS' noise.
NOISE = Path(__file__).parents[1] / "config" / "noise.yaml"


#: Sources of a model have a pixel brighter than this, in units of the noise.
PEAK_SIGMA = 0.5


#: Pixels of a model that belong to a source are brighter than this, in units of the noise.
ISOPHOTE_SIGMA = 0.05


#: Pixels that differ so much from the model are defects, in units of the noise.
DEFECT_SIGMA = 7.0


#: Largest distance of a galaxy's peak from the middle, pixels.
MAX_OFF_CENTRE_PX = 4


def central_source(model: np.ndarray, noise_sigma: float) -> np.ndarray | None:
    """Pixels of the source in the middle of a model without noise.

    Parameters
    ----------
    model : ndarray, shape (y, x)
    noise_sigma : float
        Of the image that the model belongs to.

    Returns
    -------
    ndarray of bool, shape (y, x), or None
        None if no source is there. Light of overlapping sources is divided at the saddle.
    """
    threshold = PEAK_SIGMA * noise_sigma
    peaks = peak_local_max(model, min_distance=2, threshold_abs=threshold, exclude_border=False)
    if not len(peaks):
        return None
    distance = np.hypot(*(peaks - np.array(model.shape) // 2).T)
    if distance.min() > MAX_OFF_CENTRE_PX:
        return None
    markers = np.zeros(model.shape, int)
    markers[tuple(peaks.T)] = np.arange(1, len(peaks) + 1)
    labels = watershed(-model, markers, mask=model > ISOPHOTE_SIGMA * noise_sigma)
    return labels == np.argmin(distance) + 1


def half_light_radius(light: np.ndarray) -> float:
    """Radius of the circle about the centroid with half of the light, pixels."""
    y, x = np.indices(light.shape)
    centre = [float(np.average(c, weights=light)) for c in (y, x)]
    radius = np.hypot(y - centre[0], x - centre[1]).ravel()
    order = np.argsort(radius)
    ordered = light.ravel()[order]
    # Half of a pixel's light is within the radius of its centre.
    share = (np.cumsum(ordered) - ordered / 2) / light.sum()
    return float(np.interp(0.5, share, radius[order]))


def stamp_of(
    image: np.ndarray,
    model: np.ndarray,
    size: int,
    rng: np.random.Generator,
    correlation: np.ndarray | None = None,
) -> tuple[np.ndarray, dict[str, float]] | None:
    """Stamp of one cut-out, and what is known about its galaxy.

    Parameters
    ----------
    image, model : ndarray, shape (y, x)
        0 or not finite where there is no data.
    size : int
        Side of the stamp, pixels.
    rng : Generator
        Of the noise where there is no data.
    correlation : ndarray, optional
        Of that noise: see `deblend.data.noise.noise_images`.

    Returns
    -------
    stamp : ndarray, shape (size, size), float32
    galaxy : dict
        `flux` and `half_light_radius` (px) of the model, `noise_sigma`, and `unseen`: share of the
        flux where there is no data.
        None instead of both if the middle has no source or no data.
    """
    data = np.isfinite(image) & (image != 0)
    if not data.any():
        return None
    residual = np.where(data, image - model, 0)
    sigma = 1.4826 * float(np.median(np.abs(residual[data] - np.median(residual[data]))))
    source = central_source(model, sigma)
    if source is None:
        return None
    data &= (np.abs(residual) < DEFECT_SIGMA * sigma) | source
    light = np.where(source, model, 0)
    peak = np.unravel_index(np.argmax(light), light.shape)
    stamp = cut(np.where(data, image, np.nan).astype(np.float32), int(peak[0]), int(peak[1]), size)
    noise = noise_images(rng, stamp.shape, sigma, correlation)
    galaxy = {
        "flux": float(light.sum()),
        "half_light_radius": half_light_radius(light),
        "noise_sigma": sigma,
        "unseen": float(light[~data].sum() / light.sum()),
    }
    return np.where(np.isfinite(stamp), stamp, noise), galaxy


def main() -> None:
    """Read the cut-outs and write stamps and catalogue."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cutouts", type=Path)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--zero-point", type=float, required=True, help="AB, mag")
    parser.add_argument("--band", default="F160W_", help="with which names of arrays begin")
    parser.add_argument("--size", type=int, default=64, help="of the stamps, pixels")
    parser.add_argument("--max-unseen", type=float, default=0.03, help="share of a galaxy's flux")
    parser.add_argument("--max-sigma", type=float, default=0.009, help="noise, counts/s")
    parser.add_argument(
        "--min-radius", type=float, default=2.4, help="half-light, pixels: those below are stars"
    )
    options = parser.parse_args()
    correlation = read_correlation(NOISE)
    stamps, rows = [], []
    with np.load(options.cutouts, allow_pickle=False) as file:
        names = sorted(n[:-4] for n in file.files if n.endswith("_sci"))
        for name in (n for n in names if n.startswith(options.band)):
            rng = generator(0, "stamps", name)
            made = stamp_of(
                file[f"{name}_sci"], file[f"{name}_model"], options.size, rng, correlation
            )
            if made is None:
                print(f"{name}: no source in the middle")
                continue
            stamp, galaxy = made
            mag = options.zero_point - 2.5 * np.log10(galaxy.pop("flux"))
            row = {"id": name, "mag": mag, **galaxy}
            if (
                row["unseen"] <= options.max_unseen
                and row["noise_sigma"] <= options.max_sigma
                and row["half_light_radius"] >= options.min_radius
            ):
                stamps.append(stamp)
                rows.append(row)
            else:
                print(
                    f"{name}: left out,", pd.Series(row).drop("id").astype(float).round(3).to_dict()
                )
    options.folder.mkdir(parents=True, exist_ok=True)
    np.savez_compressed(options.folder / "stamps.npz", images=np.array(stamps))
    pd.DataFrame(rows).round(4).to_csv(options.folder / "stamps.csv", index=False)
    print(f"{len(rows)} of the cut-outs are stamps now")


if __name__ == "__main__":
    main()
