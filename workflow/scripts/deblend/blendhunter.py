"""BlendHunter: is it a blend? VGG-16 features and a trained head (Farrens et al. 2022, Sect. 3)."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import fields
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pandas as pd
from keras import layers
from scipy.ndimage import affine_transform
from tqdm.auto import tqdm

from .cosmos import noisy_batches, read_sample_table
from .errors import DeblendError
from .files import atomic
from .fingerprints import fingerprint
from .seeds import generator
from .steering import Steering, SteeringConfig
from .training import Checkpoint
from .vgg import BLOCKS, read_vgg
from .vgg_keras import feature_extractor

log = logging.getLogger(__name__)
BATCH = 250


def to_eight_bits(images: np.ndarray) -> np.ndarray:
    """Stamps as the 8-bit images that the authors' PNG files held.

    Parameters
    ----------
    images : ndarray, shape (n, y, x)

    Returns
    -------
    ndarray of uint8, shape (n, y, x)
        |x| x 255 / max |x| of each stamp, decimals cut off (Sect. 3.2.1).

    Raises
    ------
    DeblendError
        A stamp is zero all over, or not finite.
    """
    size = np.abs(images)
    peak = size.max(axis=(1, 2), keepdims=True)
    bad = np.flatnonzero(~(np.isfinite(peak) & (peak > 0)))
    if len(bad):
        raise DeblendError(
            f"{len(bad)} stamps have no signal or are not finite (the first is number {bad[0]} of "
            f"{len(images)}): leave them out"
        )
    return (size * (255 / peak)).astype(np.uint8)


def augment(images: np.ndarray, rng: np.random.Generator, strength: float = 0.2) -> np.ndarray:
    """One sheared, zoomed and perhaps flipped version of each image (Sect. 3.2.1).

    As Keras does it for shear_range and zoom_range of 0.2: the shear's angle is uniform within 0.2
    degrees, each axis has its zoom, and the border is filled with the nearest pixel.

    Parameters
    ----------
    images : ndarray of uint8, shape (n, y, x)
    rng : Generator
    strength : float

    Returns
    -------
    ndarray of uint8, shape (n, y, x)
    """
    out = np.empty_like(images)
    centre = (np.array(images.shape[1:]) - 1) / 2
    for i, image in enumerate(images):
        shear = np.deg2rad(rng.uniform(-strength, strength))
        zoom_y, zoom_x = rng.uniform(1 - strength, 1 + strength, 2)
        flip = rng.choice([-1.0, 1.0])
        matrix = np.array([[zoom_y * np.cos(shear), 0], [-zoom_y * np.sin(shear), flip * zoom_x]])
        affine_transform(
            image, matrix, centre - matrix @ centre, output=out[i], order=1, mode="nearest"
        )
    return out


def features(
    extractor: keras.Model,
    sample: str | Path,
    *,
    noise_sigma: float,
    padding: int,
    seed: int,
    item: tuple,
    augmented: bool,
) -> Iterator[np.ndarray]:
    """Features of a sample's stamps, a batch at a time.

    Parameters
    ----------
    extractor : keras.Model
        From `deblend.vgg.feature_extractor`.
    sample : path
        Noiseless stamps.
    noise_sigma, padding, seed, item
        See `deblend.cosmos.noisy_batches`.
    augmented : bool
        For training stamps alone.

    Yields
    ------
    ndarray, shape (n, n_features), float32
    """
    batches = noisy_batches(sample, noise_sigma, padding, seed, item)
    for number, images in enumerate(batches):
        grey = to_eight_bits(images)
        if augmented:
            grey = augment(grey, generator(seed, "augment", *item, number))
        found = extractor.predict((grey / np.float32(255))[..., None], batch_size=64, verbose=0)
        yield np.asarray(found).reshape(len(found), -1)


def cached(
    path: str | Path, fingerprint: str, n: int, compute: Callable[[], Iterator[np.ndarray]]
) -> tuple[np.ndarray, float]:
    """Features from a file beside the checkpoint, or computed and kept there until training ends.

    Returns
    -------
    features : ndarray, shape (n, n_features), float32
    seconds : float
        How long they took to compute.
    """
    path = Path(path)
    if path.exists():
        try:
            with h5py.File(path, "r") as file:
                if file.attrs["fingerprint"] == fingerprint:
                    log.info("features of %s are there already", path.stem)
                    return file["features"][:], float(file.attrs["seconds"])
        except (OSError, KeyError):
            pass
    began = time.monotonic()
    parts = []
    with tqdm(total=n, desc=path.stem, unit="stamp", disable=None) as bar:
        for part in compute():
            parts.append(part)
            bar.update(len(part))
    result = np.concatenate(parts)
    seconds = time.monotonic() - began
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        file.attrs["fingerprint"] = fingerprint
        file.attrs["seconds"] = seconds
        file["features"] = result
    return result, seconds


def head(
    n_features: int, units: tuple[int, int] = (256, 1024), dropout: float = 0.1
) -> keras.Model:
    """The fully connected part: linear, dropout, ReLU, probability of a blend (Sect. 3.2.2).

    Returns
    -------
    keras.Model
        From (n, n_features) to (n, 1).
    """
    inputs = keras.Input((n_features,), name="features")
    x = layers.Dense(units[0], name="dense1")(inputs)
    x = layers.Dropout(dropout, name="dropout")(x)
    x = layers.Dense(units[1], activation="relu", name="dense2")(x)
    x = layers.Dense(1, activation="sigmoid", name="blend")(x)
    return keras.Model(inputs, x, name="head")


def train_head(
    train: tuple[np.ndarray, np.ndarray],
    validation: tuple[np.ndarray, np.ndarray],
    *,
    seed: int,
    batch_size: int,
    dropout: float,
    adam_epsilon: float,
    steering_config: SteeringConfig,
    checkpoint: Checkpoint,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any]]:
    """Train the head on features; resume where an earlier call was interrupted.

    Parameters
    ----------
    train, validation : (features (n, n_features), labels (n,)) of ndarray
    seed, batch_size : int
    dropout, adam_epsilon : float
    steering_config : SteeringConfig
        Sect. 3.2.2: Adam from 1e-3, halved after five stale epochs, stopped after ten.
    checkpoint : Checkpoint

    Returns
    -------
    model : keras.Model
        With the weights of the epoch of least validation loss.
    history : DataFrame
        `epoch`, `learning_rate`, `loss`, `val_loss`, `val_accuracy`.
    summary : dict
    """
    keras.utils.set_random_seed(seed)
    model = head(train[0].shape[1], dropout=dropout)
    model.compile(
        keras.optimizers.Adam(steering_config.learning_rate, epsilon=adam_epsilon),
        "binary_crossentropy",
    )
    model.optimizer.build(model.trainable_variables)
    steering = Steering(steering_config)
    history, best = checkpoint.load(model, steering)
    for epoch in range(len(history), steering_config.epochs):
        if steering.stopped:
            break
        began = time.monotonic()
        rate = steering.rate(epoch)
        model.optimizer.learning_rate = rate
        order = generator(seed, "order", epoch).permutation(len(train[1]))
        fitted = model.fit(
            train[0][order], train[1][order], batch_size=batch_size, shuffle=False, verbose=0
        )
        p = np.asarray(model.predict(validation[0], batch_size=1000, verbose=0))[:, 0].astype(float)
        p = np.clip(p, 1e-7, 1 - 1e-7)
        loss = float(-np.mean(np.where(validation[1] > 0, np.log(p), np.log1p(-p))))
        if steering.update(epoch, loss):
            best = model.get_weights()
        history.append(
            {
                "epoch": epoch + 1,
                "learning_rate": rate,
                "loss": float(fitted.history["loss"][0]),
                "val_loss": loss,
                "val_accuracy": float(np.mean((p >= 0.5) == (validation[1] > 0))),
                "seconds": time.monotonic() - began,
            }
        )
        checkpoint.save(model, steering, history, best)
        last = history[-1]
        log.info(
            "epoch %d/%d: learning rate %.2e, loss %.4f, validation %.4f, accuracy %.4f",
            epoch + 1, steering_config.epochs, rate, last["loss"], loss, last["val_accuracy"],
        )  # fmt: skip
    model.set_weights(best)
    chosen = history[steering.best_epoch]
    table = pd.DataFrame(history)
    seconds = float(table.pop("seconds").sum())
    summary = {
        "n_epochs": len(history),
        "best_epoch": steering.best_epoch + 1,
        "val_loss": chosen["val_loss"],
        "val_accuracy": chosen["val_accuracy"],
        "n_features": int(train[0].shape[1]),
        "n_train": len(train[1]),
        "n_validation": len(validation[1]),
        "converged": steering.converged,
        "steering": steering.describe(),
        "seconds": seconds,
    }
    return model, table, summary


def run_training(
    samples: dict[str, str | Path],
    vgg: str | Path,
    *,
    noise_sigma: float,
    realisation: int,
    padding: int,
    network: dict[str, Any],
    seed: int,
    checkpoint: str | Path,
    fingerprinted: dict[str, Any],
    sources: list[str | Path],
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any], np.ndarray]:
    """Features, head and test probabilities of one noise level and realisation.

    Parameters
    ----------
    samples : dict
        "train", "validation", "test" to noiseless stamps.
    vgg : path
        From `deblend.vgg.write_vgg`.
    noise_sigma : float
        Counts.
    realisation : int
    padding : int
    network : dict
        `farrens2022.network` of the configuration.
    seed : int
    checkpoint : path
        Features and the head's state are kept beside it until the caller removes them.
    fingerprinted : dict
        What else the result depends on.
    sources : list of path

    Returns
    -------
    model, history, summary
        See `train_head`.
    probability : ndarray, shape (n_test,)
        Of each test stamp's being a blend.
    """
    weights = read_vgg(vgg)
    configuration = {
        "network": network,
        "noise": [noise_sigma, realisation, padding, seed],
        **fingerprinted,
    }
    digests = fingerprint(configuration, [*samples.values(), vgg, *sources])
    stamp = json.dumps(digests, sort_keys=True)
    state = Path(checkpoint)
    with h5py.File(samples["train"], "r") as file:
        side = file["images"].shape[-1] + 2 * padding
    extractor = feature_extractor(side, weights)
    found, labels, took = {}, {}, {}
    for split, path in samples.items():
        table = read_sample_table(path)
        labels[split] = table["is_blend"].to_numpy(np.float32)
        compute = partial(
            features,
            extractor,
            path,
            noise_sigma=noise_sigma,
            padding=padding,
            seed=seed,
            item=("parametric", split, noise_sigma, realisation),
            augmented=network["augment"] and split == "train",
        )
        file_name = f"{state.stem}_{split}.h5"
        found[split], took[split] = cached(state.with_name(file_name), stamp, len(table), compute)
    steering = {f.name: network[f.name] for f in fields(SteeringConfig)}
    model, history, summary = train_head(
        (found["train"], labels["train"]),
        (found["validation"], labels["validation"]),
        seed=seed + realisation,
        batch_size=network["batch_size"],
        dropout=network["dropout"],
        adam_epsilon=network["adam_epsilon"],
        steering_config=SteeringConfig(**steering),
        checkpoint=Checkpoint(state, digests),
    )
    probability = np.asarray(model.predict(found["test"], batch_size=1000, verbose=0))[:, 0]
    summary |= {
        "seconds": summary["seconds"] + took["train"] + took["validation"],
        "noise_sigma": noise_sigma,
        "realisation": realisation,
        "vgg_weights": weights.source,
        "n_test": len(probability),
        "test_accuracy": float(np.mean((probability >= 0.5) == (labels["test"] > 0))),
    }
    return model, history, summary, probability


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
    """Probabilities by every trained head of the same stamps, whose features are computed once.

    Parameters
    ----------
    sample : path
        Realistic stamps.
    vgg : path
    heads : dict
        Name to weights file.
    dropout : float
        Of the heads.
    noise_sigma, item, padding, seed
        See `deblend.cosmos.noisy_batches`.

    Returns
    -------
    DataFrame
        A column a head.
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
    for batch in features(
        extractor,
        sample,
        noise_sigma=noise_sigma,
        padding=padding,
        seed=seed,
        item=item,
        augmented=False,
    ):
        for name, model in models.items():
            columns[name].append(np.asarray(model.predict(batch, batch_size=1000, verbose=0))[:, 0])
    return pd.DataFrame({name: np.concatenate(parts) for name, parts in columns.items()})


def feature_examples(
    extractor: keras.Model,
    sample: str | Path,
    noise_sigma: float,
    padding: int,
    seed: int,
    n_maps: int = 3,
) -> dict[str, np.ndarray]:
    """The first blend of a sample and its strongest feature maps of each block (Fig. 2).

    Returns
    -------
    dict of ndarray
        `stamp` (y, x), and `block1` ... `block5`: (n_maps, y, x), of largest total first.
    """
    row = int(np.argmax(read_sample_table(sample)["is_blend"] == 1))
    images = next(noisy_batches(sample, noise_sigma, padding, seed, ("example",)))
    stamp = to_eight_bits(images[row : row + 1]) / np.float32(255)
    ends = [f"block{b}_conv{len(block)}" for b, block in enumerate(BLOCKS, start=1)]
    model = keras.Model(extractor.input, [extractor.get_layer(name).output for name in ends])
    shown = {"stamp": stamp[0]}
    for number, maps in enumerate(model.predict(stamp[..., None], verbose=0), start=1):
        order = np.argsort(-maps[0].sum(axis=(0, 1)), kind="stable")[:n_maps]
        shown[f"block{number}"] = np.moveaxis(maps[0], -1, 0)[order]
    return shown
