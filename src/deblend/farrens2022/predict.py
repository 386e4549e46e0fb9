"""Label stamps with trained heads."""

import json
import logging
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from deblend.errors import DeblendError
from deblend.farrens2022.features import extract_features, features_of
from deblend.farrens2022.networks import head
from deblend.photometry.sep import background_rms
from deblend.seeds import generator
from deblend.training.vgg import read_vgg
from deblend.training.vgg_keras import feature_extractor
from scipy.ndimage import map_coordinates

log = logging.getLogger(__name__)


#: Largest ratio of pixel scales, either way, for which images are resampled.
MAX_RESAMPLING = 2.0


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
    with h5py.File(sample, "r") as file:
        side = file["images"].shape[-1] + 2 * padding
    extractor = feature_extractor(side, read_vgg(vgg))
    n_features = int(np.prod(extractor.output.shape[1:]))
    models = {}
    for name, path in heads.items():
        models[name] = head(n_features, dropout=dropout)
        models[name].load_weights(path)
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


def blend_probability(
    images: np.ndarray,
    *,
    vgg: str | Path,
    weights: str | Path,
    description: str | Path,
    pixel_scale_arcsec: float,
    seed: int = 0,
    batch: int = 1000,
) -> np.ndarray:
    """Probability that each image is a blend, by one trained head, for any images.

    The images get the pixel scale, the side and the padding of the stamps that the head was trained
    on. Their unit does not matter, since each stamp is divided by its maximum. What matters, and
    cannot be checked here, is that their PSF and their ratio of signal to noise are like those of
    the training (`noise_sigma` in the description).

    Parameters
    ----------
    images : ndarray, shape (n, y, x)
        With noise, without background, and with a galaxy in the middle: at pixel (side - 1) / 2.
    vgg : path
        From `deblend.training.vgg.write_vgg`: the weights that the head was trained with.
    weights, description : path
        `head.weights.h5` and `network.json` of the head.
    pixel_scale_arcsec : float
        Pixel scale of the images, arcsec per pixel.
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
        See `trained_stamps`; or the head was trained with other weights of VGG-16.
    """
    trained = json.loads(Path(description).read_text())
    vgg_weights = read_vgg(vgg)
    if vgg_weights.source != trained["vgg_weights"]:
        raise DeblendError(
            f"{weights} was trained with {trained['vgg_weights']} weights of VGG-16, but {vgg} has "
            f"{vgg_weights.source} ones: give the file of the same run"
        )
    if trained.get("problem"):
        log.warning("%s has not learnt: %s", weights, trained["problem"])
    extractor = feature_extractor(trained["stamp_size"] + 2 * trained["padding_px"], vgg_weights)
    model = head(int(np.prod(extractor.output.shape[1:])))
    model.load_weights(weights)
    parts = []
    for start in range(0, len(images), batch):
        stamps = trained_stamps(
            images[start : start + batch],
            pixel_scale_arcsec=pixel_scale_arcsec,
            trained=trained,
            seed=seed,
            first=start,
        )
        features = features_of(extractor, stamps)
        parts.append(np.asarray(model.predict(features, batch_size=1000, verbose=0))[:, 0])
    return np.concatenate(parts) if parts else np.empty(0)


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
        With side = stamp_size + 2 padding_px. Images are resampled with cubic splines, unless
        their pixels are those of the stamps already. The padding has noise like that of its stamp,
        as in the training.

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
    ratio = 1.0 if abs(ratio - 1) < 1e-3 else ratio
    # From the centre of the first to that of the last pixel of a stamp, in pixels of the images.
    span = (size - 1) * ratio
    if min(images.shape[1:]) - 1 < span - 1e-6:
        raise DeblendError(
            f"images of {images.shape[2]} x {images.shape[1]} pixels of {pixel_scale_arcsec:g} "
            f"arcsec are smaller than the stamps of the training, {size} pixels of {scale:g} "
            "arcsec: cut out larger ones"
        )
    corner = [(side - 1 - span) / 2 for side in images.shape[1:]]
    if ratio == 1 and all(start == int(start) for start in corner):
        y, x = map(int, corner)
        stamps = images[:, y : y + size, x : x + size].astype(np.float32)
    else:
        y, x = (start + ratio * np.arange(size) for start in corner)
        grid = np.meshgrid(y, x, indexing="ij")
        stamps = np.stack(
            [
                map_coordinates(image.astype(float), grid, order=3, mode="nearest")
                for image in images
            ]
        ).astype(np.float32)
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
