"""BlendHunter: is it a blend? VGG-16 features and a trained head (Farrens et al. 2022, Sect. 3)."""

import json
import logging
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import h5py
import keras
import numpy as np
import pandas as pd
from deblend.farrens2022.features import features
from deblend.farrens2022.networks import head
from deblend.farrens2022.stamps import read_sample_table
from deblend.files import atomic
from deblend.seeds import generator
from deblend.training.fingerprints import fingerprint
from deblend.training.keras_checkpoint import Checkpoint, Trainee
from deblend.training.keras_progress import progress_callback
from deblend.training.loop import Loop
from deblend.training.schedule import Steering, SteeringConfig
from deblend.training.vgg import read_vgg
from deblend.training.vgg_keras import feature_extractor
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


BATCH = 250


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
    on_epoch: Callable[[int], None] | None = None,
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
    on_epoch : callable, optional
        Called with the number of epochs done.

    Returns
    -------
    model : keras.Model
        With the weights of the epoch of least validation loss.
    history : DataFrame
        `epoch`, `learning_rate`, `loss`, `val_loss`, `val_accuracy`.
    summary : dict
        `seconds` is how long it took, with validation and earlier attempts.

    Raises
    ------
    DeblendError
        The training has diverged.
    """
    keras.utils.set_random_seed(seed)
    model = head(train[0].shape[1], dropout=dropout)
    model.compile(
        keras.optimizers.Adam(steering_config.learning_rate, epsilon=adam_epsilon),
        "binary_crossentropy",
    )
    model.optimizer.build(model.trainable_variables)
    steering = Steering(steering_config)
    trainee = Trainee(model, steering)
    n = len(train[1])
    loop = Loop(
        checkpoint,
        trainee,
        total=steering_config.epochs,
        images=n,
        steps=-(-n // batch_size),
        image_kind="stamps",
        on_done=on_epoch,
    )
    for epoch in loop:
        if steering.stopped:
            break
        rate = steering.rate(epoch)
        model.optimizer.learning_rate = rate
        order = generator(seed, "order", epoch).permutation(n)
        fitted = model.fit(
            train[0][order],
            train[1][order],
            batch_size=batch_size,
            shuffle=False,
            verbose=0,
            callbacks=[progress_callback(loop)],
        )
        p = np.asarray(model.predict(validation[0], batch_size=1000, verbose=0))[:, 0].astype(float)
        p = np.clip(p, 1e-7, 1 - 1e-7)
        val_loss = float(-np.mean(np.where(validation[1] > 0, np.log(p), np.log1p(-p))))
        losses = {"loss": float(fitted.history["loss"][0]), "val_loss": val_loss}
        loop.check(losses, rate)
        is_best = trainee.judge(epoch, val_loss)
        accuracy = float(np.mean((p >= 0.5) == (validation[1] > 0)))
        row = {"epoch": epoch + 1, "learning_rate": rate, **losses, "val_accuracy": accuracy}
        loop.record(row, note="best" if is_best else "")
    table, seconds = loop.finish()
    model.set_weights(trainee.best)
    chosen = loop.history[steering.best_epoch]
    summary = {
        "n_epochs": len(loop.history),
        "best_epoch": steering.best_epoch + 1,
        "val_loss": chosen["val_loss"],
        "val_accuracy": chosen["val_accuracy"],
        "n_features": int(train[0].shape[1]),
        "n_train": n,
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
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any], np.ndarray]:
    """Features, head and test probabilities of one noise level and realisation.

    Parameters
    ----------
    samples : dict
        "train", "validation", "test" to noiseless stamps.
    vgg : path
        From `deblend.training.vgg.write_vgg`.
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
        What else the result depends on: threads, versions, and "code", a digest of the code.

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
    digests = fingerprint(configuration, [*samples.values(), vgg])
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
    steering = {name: network[name] for name in SteeringConfig.model_fields}
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
