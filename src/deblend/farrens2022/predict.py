"""Label stamps with trained heads."""

import logging
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.farrens2022.config import Ablation
from deblend.farrens2022.features import (
    FEATURE_TYPE,
    extract_features,
    network_features,
    scaled,
)
from deblend.farrens2022.networks import head, small_network
from deblend.hdf5 import open_file
from deblend.photometry.sep import background_rms
from deblend.seeds import generator
from deblend.training.description import building, read_description
from deblend.training.keras_checkpoint import build_network, read_weights
from deblend.training.vgg import random_weights, read_vgg
from deblend.training.vgg_keras import feature_extractor
from scipy.interpolate import CubicSpline

log = logging.getLogger(__name__)


#: Largest ratio of pixel scales, either way, for which images are resampled.
MAX_RESAMPLING = 2.0

#: Relative difference of pixel scales that is none.
SAME_SCALE = 1e-3


def label_with_heads(
    sample: str | Path,
    vgg: str | Path,
    heads: dict[str, str | Path],
    *,
    dropout: float,
    noise_sigma: float,
    item: tuple,
    padding: int,
    seed: int,
) -> pd.DataFrame:
    """Probability that each stamp is a blend, by every trained head.

    The features of the stamps are computed once for all heads.

    Parameters
    ----------
    sample : path
        Stamps without noise.
    vgg : path
        From `deblend.training.vgg.write_vgg`.
    heads : dict
        Name to file of weights.
    dropout : float
        Dropout of the heads.
    noise_sigma, item, padding, seed
        See `deblend.farrens2022.stamps.noisy_batches`.

    Returns
    -------
    DataFrame
        A column for each head.
    """
    with open_file(sample) as file:
        side = file["images"].shape[-1] + 2 * padding
    extractor = feature_extractor(side, read_vgg(vgg))
    n_features = int(np.prod(extractor.output.shape[1:]))
    models = {}
    for name, path in heads.items():
        models[name] = head(n_features, dropout=dropout)
        read_weights(path, models[name])
    columns: dict[str, list[np.ndarray]] = {name: [] for name in heads}
    for batch in extract_features(
        extractor,
        sample,
        noise_sigma=noise_sigma,
        padding=padding,
        seed=seed,
        item=item,
    ):
        for name, model in models.items():
            columns[name].append(np.asarray(model.predict(batch, batch_size=1000, verbose=0))[:, 0])
    return pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})


#: What the description of a network has to have for other images.
NEEDED = ("stamp_size", "padding_px", "pixel_scale_arcsec")


def blend_probability(
    images: np.ndarray,
    *,
    vgg: str | Path | None,
    weights: str | Path,
    description: str | Path,
    pixel_scale_arcsec: float,
    noise_sigma: float | np.ndarray | None = None,
    seed: int = 0,
    batch: int = 1000,
) -> np.ndarray:
    """Probability that each image is a blend, by one trained head, for any images.

    The images get the pixel scale, the side and the padding of the stamps that the head was trained
    on. Their unit does not matter, since each stamp is divided by its maximum, or, for networks
    with the scaling asinh, by its noise. What matters, and cannot be checked here, is that their
    PSF and their ratio of signal to noise are like those of the training (`noise_sigma` in the
    description).

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        With noise, without background, and with a galaxy in the middle: at pixel (side - 1) / 2.
    vgg : path or None
        From `deblend.training.vgg.write_vgg`: the weights that the head was trained with. None for
        an ablation with random features, or without features.
    weights, description : path
        `head.weights.h5` and `network.json` of the head, or `network.weights.h5` and `network.json`
        of an ablation.
    pixel_scale_arcsec : float
        Pixel scale of the images, arcsec per pixel.
    noise_sigma : float or ndarray, shape (n,), optional
        Standard deviation of the noise of the images' pixels, in the unit of the images, for the
        scaling asinh. By default that of each stamp is measured (SEP's background).
    seed : int
        Seed of the noise around each stamp.
    batch : int
        Number of images that are handled at a time; the noise depends on their position only.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    DeblendError
        See `trained_stamps`; the head was trained with other weights of VGG-16; its description
        lacks something; or a stamp has no signal or no noise.
    """
    trained = read_description(description)
    with building(description):
        ablation = Ablation(**trained.get("ablation", {}))
    needed = NEEDED if ablation.features == "scratch" else (*NEEDED, "vgg_weights")
    missing = [key for key in needed if key not in trained]
    if missing:
        raise DeblendError(
            f"{description} has no {', '.join(missing)}: give the network.json of a head, or of an "
            "ablation, that this version has trained"
        )
    if trained.get("problem"):
        log.warning("%s has not learnt: %s", weights, trained["problem"])
    extractor, model = _networks(trained, ablation, vgg, weights, description)
    sigma = None
    if noise_sigma is not None:
        factor = noise_factor(np.shape(images)[1:], pixel_scale_arcsec, trained)
        sigma = np.broadcast_to(np.asarray(noise_sigma) * factor, len(images))
    parts = []
    for start in range(0, len(images), batch):
        chosen = slice(start, start + batch)
        stamps = trained_stamps(
            images[chosen],
            pixel_scale_arcsec=pixel_scale_arcsec,
            trained=trained,
            seed=seed,
            first=start,
        )
        noise = None
        if ablation.scaling == "asinh":
            noise = _stamp_noise(stamps, trained, start) if sigma is None else sigma[chosen]
        grey = scaled(stamps, ablation.scaling, noise, start)
        inputs = grey[..., None].astype(FEATURE_TYPE)
        if extractor is not None:
            inputs = network_features(extractor, grey)
        parts.append(np.asarray(model.predict(inputs, batch_size=1000, verbose=0))[:, 0])
    return np.concatenate(parts) if parts else np.empty(0)


def _networks(
    trained: dict[str, Any],
    ablation: Ablation,
    vgg: str | Path | None,
    weights: str | Path,
    description: str | Path,
) -> tuple[keras.Model | None, keras.Model]:
    """The extractor of features, if there is one, and the network."""
    side = trained["stamp_size"] + 2 * trained["padding_px"]
    if ablation.features == "scratch":
        return None, build_network(lambda: small_network(side), weights, description)
    if ablation.features == "random" and "vgg_seed" in trained:
        vgg_weights = random_weights(trained["vgg_seed"])
    elif vgg is None:
        raise DeblendError(
            f"{weights} needs weights of VGG-16 ({trained['vgg_weights']}): give their file"
        )
    else:
        vgg_weights = read_vgg(vgg)
    if vgg_weights.source != trained["vgg_weights"]:
        raise DeblendError(
            f"{weights} was trained with {trained['vgg_weights']} weights of VGG-16, but {vgg} has "
            f"{vgg_weights.source} ones: give the file of the same run"
        )
    with building(description):
        extractor = feature_extractor(side, vgg_weights)
    n_features = int(np.prod(extractor.output.shape[1:]))
    return extractor, build_network(lambda: head(n_features), weights, description)


def _stamp_noise(stamps: np.ndarray, trained: dict[str, Any], first: int) -> np.ndarray:
    """Measured noise of padded stamps, without their padding, shape (n,)."""
    padding, size = trained["padding_px"], trained["stamp_size"]
    inner = slice(padding, padding + size)
    noise = np.array([background_rms(np.ascontiguousarray(s[inner, inner])) for s in stamps])
    bad = np.flatnonzero(~(noise > 0))
    if len(bad):
        raise DeblendError(
            f"{len(bad)} images have no noise, the first is number {first + bad[0]}: add it, or "
            "leave them out"
        )
    return noise


def resampling(side: int, size: int, ratio: float) -> np.ndarray:
    """Matrix that rebins a row of pixels to larger or smaller ones about the same middle.

    The sum of all pixels up to an edge is interpolated with a cubic spline, of which a new pixel is
    the difference between both its edges: so flux is conserved, noise is averaged where pixels
    become larger, and pixels whose edges are edges of the old ones are their exact sums.

    Parameters
    ----------
    side, size : int
        Numbers of pixels before and after.
    ratio : float
        Width of a new pixel, in old ones; the new row has to be within the old one.

    Returns
    -------
    ndarray, shape (size, side)
    """
    sums = np.vstack([np.zeros(side), np.tril(np.ones((side, side)))])
    edges = side / 2 + ratio * (np.arange(size + 1) - size / 2)
    return np.diff(CubicSpline(np.arange(side + 1), sums)(edges.clip(0, side)), axis=0)


def noise_factor(
    shape: tuple[int, ...], pixel_scale_arcsec: float, trained: dict[str, Any]
) -> float:
    """By what the noise of a pixel grows from images (y, x) to the stamps of a training.

    In the root mean square over the stamp, for noise that is independent between pixels.
    """
    ratio, size = trained["pixel_scale_arcsec"] / pixel_scale_arcsec, trained["stamp_size"]
    if abs(ratio - 1) < SAME_SCALE and all((side - size) % 2 == 0 for side in shape):
        return 1.0
    squares = [(resampling(side, size, ratio) ** 2).sum(axis=1).mean() for side in shape]
    return float(np.sqrt(np.prod(squares)))


def trained_stamps(
    images: np.ndarray,
    *,
    pixel_scale_arcsec: float,
    trained: dict[str, Any],
    seed: int,
    first: int = 0,
) -> np.ndarray:
    """Cut, resample and pad images as the stamps of a training.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        With a galaxy at ((x - 1) / 2, (y - 1) / 2).
    pixel_scale_arcsec : float
        Pixel scale of the images.
    trained : dict
        `stamp_size` (px), `padding_px` and `pixel_scale_arcsec` of the training.
    seed : int
    first : int
        Number of the first image, part of the seed.

    Returns
    -------
    ndarray, shape (n, side, side), float32
        With side = stamp_size + 2 padding_px. Unless their pixels are those of the stamps already,
        images are rebinned, with their flux conserved (see `resampling`). The padding has noise
        like that of its stamp, as in the training.

    Raises
    ------
    DeblendError
        Images are not finite, are smaller than the stamps, or have pixels that are too different.
    """
    images = np.asarray(images)
    if images.ndim != 3:
        raise DeblendError(
            f"the images have shape {images.shape}: give (n, y, x), one band, even for one image"
        )
    bad = np.flatnonzero(~np.isfinite(images).all(axis=(1, 2)))
    if len(bad):
        raise DeblendError(
            f"{len(bad)} of {len(images)} images are not finite, the first is number "
            f"{first + bad[0]}: leave them out, or fill their pixels"
        )
    size, scale = trained["stamp_size"], trained["pixel_scale_arcsec"]
    ratio = scale / pixel_scale_arcsec
    if not 1 / MAX_RESAMPLING <= ratio <= MAX_RESAMPLING:
        raise DeblendError(
            f"pixel_scale_arcsec {pixel_scale_arcsec:g} differs from that of the training, "
            f"{scale:g}, by more than a factor of {MAX_RESAMPLING:g}: rebin the images first"
        )
    # Within a thousandth, over a stamp, is a twentieth of a pixel.
    ratio = 1.0 if abs(ratio - 1) < SAME_SCALE else ratio
    if min(images.shape[1:]) < size * ratio - 1e-6:
        raise DeblendError(
            f"images of {images.shape[2]} x {images.shape[1]} pixels of {pixel_scale_arcsec:g} "
            f"arcsec are smaller than the stamps of the training, {size} pixels of {scale:g} "
            "arcsec: cut out larger ones"
        )
    corner = [(side - size) / 2 for side in images.shape[1:]]
    if ratio == 1 and all(start == int(start) for start in corner):
        y, x = map(int, corner)
        stamps = images[:, y : y + size, x : x + size].astype(np.float32)
    else:
        rows, columns = (resampling(side, size, ratio) for side in images.shape[1:])
        stamps = (rows @ images.astype(float) @ columns.T).astype(np.float32)
    padding = trained["padding_px"]
    if not padding:
        return stamps
    side = size + 2 * padding
    padded = np.empty((len(stamps), side, side), np.float32)
    for number, stamp in enumerate(stamps):
        rng = generator(seed, "padding", first + number)
        padded[number] = rng.normal(0, background_rms(stamp), (side, side))
        padded[number, padding:-padding, padding:-padding] = stamp
    return padded
