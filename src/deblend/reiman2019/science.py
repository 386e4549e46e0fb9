"""What deblended images are worth for science: flux, colour, size and shape of both galaxies.

Not in the paper. Each quantity is measured in the same way, at the same place and in the same
aperture, in the true image of a galaxy and in the image of each method; the error is the difference
of the two. The images are JPEGs, whose pixel values are stretched (about the asinh of the flux,
Lupton et al. 2004): a flux is a sum of pixel values here, and magnitudes, colours and sizes are
those of the stretched image.

`flux_mag`
    Magnitude of the light, the mean of the three colours: method minus truth. Positive: too faint.
`colour_mag`
    Magnitude of the third colour minus that of the first (SDSS g - i). Positive: too red.
`half_light_radius_percent`
    Radius of the circle with half of the aperture's light, relative to the true one.
`ellipticity`
    (1 - q^2) / (1 + q^2) with the axis ratio q of the adaptive second moments of the light.
    Negative: too round.

Beside the networks, the blend itself is measured, without any deblending, and the image of each
galaxy that SEP makes (see `sep_images`).
"""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from deblend.photometry.config import Detection
from deblend.photometry.sep import SepError, background_rms, detect
from deblend.reiman2019.bins import images_in_bins
from deblend.reiman2019.blends import (
    PerturbConfig,
    draw_blends,
    galaxy_positions,
    render_batches,
    rows_of_split,
)
from deblend.reiman2019.failures import sky_level
from deblend.reiman2019.images import RADII_PER_PX, open_frames
from deblend.reiman2019.metrics import GALAXIES, ROUNDING_POWER, median_interval
from deblend.reiman2019.predict import read_predictions, to_unit

log = logging.getLogger(__name__)

QUANTITIES = ("flux_mag", "colour_mag", "half_light_radius_percent", "ellipticity")


#: Columns of the bins: distance of the galaxies, in pixels of the network's images, and light of
#: the companion over that of the central galaxy.
BINNED_BY = ("separation_px", "flux_ratio")


#: Radius of the aperture in Petrosian radii of the galaxy, of which its flux is in two. In a larger
#: one there would be more of its neighbours.
APERTURE_RADII = 1.5


#: Outer radius of the ring around the aperture whose median is the sky, in radii of the aperture.
SKY_RING = 1.5


#: Step of the growth curve of a galaxy's light.
RADIUS_STEP_PX = 0.25


#: Iterations of the adaptive moments. Each halves the error of the first guess, or nearly so.
N_ITERATIONS = 20


#: The median absolute deviation of a normal distribution is sigma over this number.
NMAD_FACTOR = 1.482602218505602


def measure(
    images: np.ndarray, position: tuple[float, float], radius_px: float
) -> dict[str, np.ndarray]:
    """Flux, colour, size and shape of a galaxy in several images of it.

    Parameters
    ----------
    images : ndarray, shape (k, y, x, 3)
        RGB in [0, 1].
    position : (float, float)
        Row and column of the galaxy, pixels.
    radius_px : float
        Radius of the aperture. Pixels of it that are outside the images do not count.

    Returns
    -------
    dict of ndarray, shape (k,)
        `flux`, sum of the mean of the colours over the pixels of the aperture; `colour_mag`;
        `half_light_radius_px`; `ellipticity`. In each colour the sky is subtracted, the median of a
        ring around the aperture. NaN where a flux is not positive, if the light has no second
        moments, and of a galaxy that is outside the images.
    """
    k, height, width = images.shape[:3]
    # Around smaller circles in an image there is always a part of the ring.
    radius_px = min(radius_px, min(height, width) / 2)
    rows, columns = np.mgrid[:height, :width].astype(float)
    dy, dx = rows - position[0], columns - position[1]
    distance = np.hypot(dy, dx)
    inside = distance <= radius_px
    ring = (distance > radius_px) & (distance <= SKY_RING * radius_px)
    if not (inside.any() and ring.any()):
        names = ("flux", "colour_mag", "half_light_radius_px", "ellipticity")
        return {name: np.full(k, np.nan) for name in names}
    pixels = images[:, inside].astype(float) - np.median(images[:, ring], axis=1)[:, None]
    light = pixels.mean(axis=2)
    flux = light.sum(axis=1)
    flux = np.where(flux > 0, flux, np.nan)
    red, _, blue = np.moveaxis(pixels.sum(axis=1), 1, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        colour = np.where((red > 0) & (blue > 0), -2.5 * np.log10(blue / red), np.nan)
    return {
        "flux": flux,
        "colour_mag": colour,
        "half_light_radius_px": _half_light_radius(light, distance[inside], flux),
        "ellipticity": _ellipticity(light, dy[inside], dx[inside], radius_px),
    }


def _half_light_radius(light: np.ndarray, distance: np.ndarray, flux: np.ndarray) -> np.ndarray:
    """Radius of half of the light (k, pixels) at a distance (pixels,) from the galaxy."""
    radii = np.arange(0, distance.max() + RADIUS_STEP_PX, RADIUS_STEP_PX)
    # About the share of each pixel that is in each circle.
    shares = np.clip(radii[:, None] - distance + 0.5, 0, 1)
    shares[0] = 0
    grown = np.einsum("kp,rp->kr", light, shares)
    half = np.where(np.isfinite(flux), flux, np.inf)[:, None] / 2
    outer = np.argmax(grown >= half, axis=1)
    image = np.arange(len(light))
    low, high = grown[image, np.maximum(outer - 1, 0)], grown[image, outer]
    with np.errstate(invalid="ignore", divide="ignore"):
        result = radii[outer] - RADIUS_STEP_PX * (high - half[:, 0]) / (high - low)
    return np.where(np.isfinite(flux) & (outer > 0), result, np.nan)


def _ellipticity(light: np.ndarray, dy: np.ndarray, dx: np.ndarray, radius_px: float) -> np.ndarray:
    """Ellipticity of adaptive moments (Bernstein & Jarvis 2002, AJ 123, 583) of light (k, pixels).

    The weight is a Gaussian with the shape of the galaxy: for its matrix W and the weighted moments
    M, W = 2 M, as for a Gaussian galaxy. The centre is fixed.
    """
    weight = np.broadcast_to((radius_px / 3) ** 2 * np.eye(2), (len(light), 2, 2))
    terms = np.stack([dx * dx, dx * dy, dy * dy])
    moments = weight / 2
    with np.errstate(all="ignore"):
        for _ in range(N_ITERATIONS):
            (xx, xy), (_, yy) = np.moveaxis(2 * moments, 0, -1)
            determinant = xx * yy - xy**2
            # No ellipse: it stays one that is not.
            determinant = np.where((determinant > 0) & (xx > 0), determinant, np.nan)
            inverse = np.stack([yy, -2 * xy, xx]) / determinant
            weighted = light * np.exp(-0.5 * np.einsum("ak,ap->kp", inverse, terms))
            total = weighted.sum(axis=1)
            sums = np.einsum("kp,ap->ak", weighted, terms)
            mxx, mxy, myy = sums / np.where(total > 0, total, np.nan)
            moments = np.moveaxis(np.array([[mxx, mxy], [mxy, myy]]), -1, 0)
        ellipticity = np.hypot(mxx - myy, 2 * mxy) / (mxx + myy)
    is_ellipse = (mxx * myy > mxy**2) & (mxx > 0)
    return np.where(is_ellipse, ellipticity, np.nan)


def differences(measured: Mapping[str, np.ndarray], of: int) -> np.ndarray:
    """Errors of `QUANTITIES` in images of a galaxy, relative to one of them.

    Parameters
    ----------
    measured : dict of ndarray, shape (k,)
        From `measure`.
    of : int
        The image that is the truth.

    Returns
    -------
    ndarray, shape (k, quantities)
        NaN where an image, or the true one, lacks a quantity.
    """
    flux, colour, radius, shape = (
        measured[name] for name in ("flux", "colour_mag", "half_light_radius_px", "ellipticity")
    )
    return np.stack(
        [
            -2.5 * np.log10(flux / flux[of]),
            colour - colour[of],
            100 * (radius / radius[of] - 1),
            shape - shape[of],
        ],
        axis=1,
    )


def sep_images(
    blend: np.ndarray, positions: np.ndarray, radii_px: np.ndarray, settings: Detection
) -> np.ndarray | None:
    """Images of both galaxies of a blend by SEP's deblending.

    SEP detects and deblends objects in the mean of the colours. The image of a galaxy has the
    blend's pixels above the sky in the segment of its object, and 0 elsewhere.

    Parameters
    ----------
    blend : ndarray, shape (y, x, 3)
        RGB in [0, 1].
    positions : ndarray, shape (2, 2)
        Row and column of both galaxies.
    radii_px : ndarray, shape (2,)
        Their Petrosian radii. The object of a galaxy is the nearest one, not farther away than this
        radius, and than half the distance to the other galaxy.
    settings : Detection

    Returns
    -------
    ndarray, shape (2, y, x, 3), or None
        None if SEP fails, or if it has no object of one of the galaxies.
    """
    sky = np.array([sky_level(colour) for colour in np.moveaxis(blend, -1, 0)])
    above = blend - sky
    light = np.ascontiguousarray(above.mean(axis=-1), dtype=np.float32)
    # Where the sky is black there is no noise but that of rounding.
    rms = max(background_rms(light, settings.background_box_px), np.sqrt(ROUNDING_POWER / 3))
    try:
        objects, segmap = detect(light, settings, rms)
    except SepError:
        return None
    if len(objects) < 2:
        return None
    # Of each galaxy to each object.
    distance = np.hypot(objects["y"] - positions[:, :1], objects["x"] - positions[:, 1:])
    limits = np.minimum(radii_px, np.hypot(*(positions[1] - positions[0])) / 2)
    if (distance.min(axis=1) >= limits).any():
        return None
    labels = distance.argmin(axis=1) + 1
    return np.where((segmap == labels[:, None, None])[..., None], above, 0)


def petrosian_radii(pairs: pd.DataFrame, config: PerturbConfig) -> np.ndarray:
    """Petrosian radius of each galaxy in the network's images, shape (n, 2 galaxies), pixels.

    Images of Galaxy Zoo are scaled with it (Lintott et al. 2011); the companion is scaled again.
    """
    scale = pairs["scale"].to_numpy(float)
    return np.stack([np.ones_like(scale), scale], axis=1) / (RADII_PER_PX * config.reduce_by)


def science_errors(
    frames: np.ndarray,
    pairs: pd.DataFrame,
    config: PerturbConfig,
    predictions: Mapping[str, Any],
    settings: Detection,
) -> pd.DataFrame:
    """Errors of every quantity in every image.

    Parameters
    ----------
    frames, pairs, config, predictions
        See `deblend.reiman2019.scores.score_methods`.
    settings : Detection
        Of SEP.

    Returns
    -------
    DataFrame
        `method` (of the predictions, "blend", the blend itself, and "sep"), `blend`, `galaxy`,
        `frame` and `other_frame` (as in the scores), `BINNED_BY`, `quantity` (of `QUANTITIES`) and
        `error`, NaN where the method has no image or its image lacks the quantity. What the true
        image lacks is left out.
    """
    places, radii = galaxy_positions(pairs, config), petrosian_radii(pairs, config)
    methods = [*predictions, "blend", "sep"]
    found = np.full((len(pairs), 2, 1 + len(methods), len(QUANTITIES)), np.nan)
    ratio, n_missed = np.full(len(pairs), np.nan), 0
    for batch, blends, truth in render_batches(frames, pairs, config):
        true, mixed = to_unit(truth), to_unit(2 * blends - 1)
        made = [to_unit(images[batch]) for images in predictions.values()]
        for i, number in enumerate(range(batch.start, batch.start + len(true))):
            of_sep = sep_images(mixed[i], places[number], radii[number], settings)
            n_missed += of_sep is None
            nothing = np.full(true[i].shape, np.nan)
            images = np.stack(
                [
                    *(true[i], *(of_network[i] for of_network in made), np.stack([mixed[i]] * 2)),
                    nothing if of_sep is None else of_sep,
                ]
            )  # truth and methods, galaxy, y, x, colour
            fluxes = []
            for k in range(2):
                radius = APERTURE_RADII * radii[number, k]
                measured = measure(images[:, k], tuple(places[number, k]), radius)
                found[number, k] = differences(measured, of=0)
                fluxes.append(measured["flux"][0])
            ratio[number] = fluxes[1] / fluxes[0]
    log.info("SEP has no image of both galaxies of %d of %d blends", n_missed, len(pairs))
    blend, galaxy, method, quantity = (index.ravel() for index in np.indices(found.shape))
    rows = pairs[["central", "companion"]].to_numpy()
    table = pd.DataFrame(
        {
            "method": np.array(["true", *methods])[method],
            "blend": blend,
            "galaxy": np.array(GALAXIES)[galaxy],
            "frame": rows[blend, galaxy],
            "other_frame": rows[blend, 1 - galaxy],
            "separation_px": np.hypot(*(places[:, 1] - places[:, 0]).T)[blend],
            "flux_ratio": ratio[blend],
            "quantity": np.array(QUANTITIES)[quantity],
            "error": found.ravel(),
        }
    )
    # A true image without the quantity differs from itself by NaN.
    has_truth = np.isfinite(found[:, :, :1]).repeat(len(methods) + 1, axis=2).ravel()
    return table[has_truth & (method > 0)].reset_index(drop=True)


def science_table(found: pd.DataFrame) -> pd.DataFrame:
    """Bias and scatter of every quantity, of all images and in bins.

    Parameters
    ----------
    found : DataFrame
        From `science_errors`.

    Returns
    -------
    DataFrame
        `method`, `galaxy`, `quantity`, `by` (all, or one of `BINNED_BY`), `from`, `to` (the bin);
        `n` images; `failures`, those of them without an error: SEP did not find both galaxies, or
        the quantity cannot be measured; of the others `median`, and `nmad`, the normalised median
        absolute deviation, each with half of its 68 % interval (`median_error`, `nmad_error`), for
        which blends that share a galaxy are not independent (`median_interval`).
    """
    rows = [
        (*key, *which, len(images), *_statistics(images))
        for key, which, images in images_in_bins(found, ("method", "galaxy", "quantity"), BINNED_BY)
    ]
    columns = ["method", "galaxy", "quantity", "by", "from", "to", "n", "failures"]
    return pd.DataFrame(rows, columns=[*columns, "median", "median_error", "nmad", "nmad_error"])


def _statistics(images: pd.DataFrame) -> tuple[float, ...]:
    """Failures, median and NMAD, each of the last two with its error."""
    measured = images.dropna(subset="error")
    failures, values = len(images) - len(measured), measured["error"].to_numpy()
    if not len(values):
        return failures, np.nan, np.nan, np.nan, np.nan
    found: list[float] = [failures]
    median = np.median(values)
    for factor, terms in ((1.0, values), (NMAD_FACTOR, np.abs(values - median))):
        low, high = median_interval(terms, measured["frame"], measured["other_frame"])
        found += [factor * float(np.median(terms)), factor * (high - low) / 2]
    return tuple(found)


def science_of_test_blends(
    frames: str | Path,
    index: str | Path,
    predictions: Mapping[str, str | Path],
    perturbation: Mapping[str, Any],
    *,
    images: str,
    n_blends: int,
    sep: Mapping[str, Any],
    seed: int,
) -> pd.DataFrame:
    """Bias and scatter of every quantity in the images of the test blends.

    Parameters
    ----------
    frames, index, predictions, perturbation, images, n_blends, seed
        See `deblend.reiman2019.failures.failures_of_test_blends`.
    sep : dict
        Options of `Detection`.

    Returns
    -------
    DataFrame
        See `science_table`.
    """
    config = PerturbConfig(**perturbation)
    rows = rows_of_split(pd.read_csv(index), "test")
    pairs = draw_blends(seed, images, "test", rows, n_blends, config)
    made = {method: read_predictions(path, n_blends) for method, path in predictions.items()}
    found = science_errors(open_frames(frames), pairs, config, made, Detection(**sep))
    return science_table(found)
