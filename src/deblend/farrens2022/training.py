"""Train BlendHunter: a head on features of VGG-16 (Farrens et al. 2022, Sect. 3)."""

import json
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, Literal

import keras
import numpy as np
import pandas as pd
from deblend.data.rows import Rows
from deblend.errors import DeblendError
from deblend.farrens2022.config import Survey
from deblend.farrens2022.features import extract_features
from deblend.farrens2022.networks import head
from deblend.farrens2022.stamps import read_sample_table
from deblend.farrens2022.training_sample import training_sample
from deblend.files import write_json
from deblend.hdf5 import (
    new_file,
    open_file,
    read_attributes,
    write_array,
    write_attributes,
)
from deblend.seeds import generator
from deblend.tables import write_csv
from deblend.training.fingerprints import fingerprint
from deblend.training.keras_checkpoint import Checkpoint, Trainee, write_weights
from deblend.training.keras_progress import progress_callback
from deblend.training.loop import Loop
from deblend.training.outputs import Outputs, training_outputs
from deblend.training.schedule import Steering, SteeringConfig
from deblend.training.vgg import read_vgg
from deblend.training.vgg_keras import feature_extractor
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


#: Memory for the inputs of the training, of the validation and of the test that were used last:
#: all 72,000 features of the paper's training are 295 MB.
KEPT_BYTES = 2**29

#: Stamps that a trained network labels at a time.
PREDICTED = 1000


class Batches(keras.utils.PyDataset):
    """Batches of what a network gets for each stamp, read when they are requested.

    Parameters
    ----------
    inputs : ndarray or Rows, shape (n, ...)
    labels : ndarray, shape (n,), optional
    batch_size : int
    order : ndarray of int, optional
        Numbers of the stamps in the order in which they come; by default all, as they are.
    """

    def __init__(
        self,
        inputs: np.ndarray | Rows,
        labels: np.ndarray | None,
        batch_size: int,
        order: np.ndarray | None = None,
    ) -> None:
        super().__init__()
        self.inputs, self.labels, self.batch_size = inputs, labels, batch_size
        self.order = np.arange(len(inputs)) if order is None else order

    def __len__(self) -> int:
        return -(-len(self.order) // self.batch_size)

    def __getitem__(self, index: int) -> tuple[np.ndarray, ...]:
        rows = self.order[index * self.batch_size : (index + 1) * self.batch_size]
        # As Keras converts whole arrays.
        inputs = self.inputs[rows].astype(np.float32, copy=False)
        return (inputs,) if self.labels is None else (inputs, self.labels[rows])


def probabilities(model: keras.Model, inputs: np.ndarray | Rows) -> np.ndarray:
    """Probability of a blend for each stamp, shape (n,)."""
    return np.asarray(model.predict(Batches(inputs, None, PREDICTED), verbose=0))[:, 0]


def cached_features(
    path: str | Path,
    fingerprint: str,
    n_stamps: int,
    compute: Callable[[], Iterator[np.ndarray]],
    *,
    kept_bytes: int = KEPT_BYTES,
) -> tuple[Rows, float]:
    """Features from a file, or compute and write them if it does not have them.

    They stay on disk and are read when they are needed: see `deblend.data.rows.Rows`. A training
    that was interrupted finds them again. The file is deleted after it.

    Parameters
    ----------
    path : path
    fingerprint : str
        Digest of what the features depend on; features with another one are computed again.
    n_stamps : int
    compute : callable
        Gives the features in batches.
    kept_bytes : int
        Memory for those that were used last.

    Returns
    -------
    features : Rows, shape (n_stamps, n_features)
        Of the type that `compute` gives.
    seconds : float
        Duration of their computation.
    """
    path = Path(path)
    if path.exists():
        try:
            with open_file(path) as file:
                attributes = read_attributes(file)
                if attributes["fingerprint"] == fingerprint:
                    log.info("features of %s have been computed already", path.stem)
                    seconds = float(attributes["seconds"])
                    return Rows(path, "features", kept_bytes=kept_bytes), seconds
        except DeblendError as error:
            log.warning("features are computed again: %s", error)
    start = time.monotonic()
    with (
        new_file(path) as file,
        tqdm(total=n_stamps, desc=path.stem, unit="stamp", disable=None) as progress,
    ):
        done = 0
        for part in compute():
            if not done:
                # Nine in ten features of ImageNet weights are zero: this makes a fifth of the size.
                options = {"compression": "gzip", "compression_opts": 1}
                shape, chunk = (n_stamps, *part.shape[1:]), (1, *part.shape[1:])
                write_array(
                    file, "features", shape=shape, dtype=part.dtype, chunks=chunk, **options
                )
            file["features"][done : done + len(part)] = part
            done += len(part)
            progress.update(len(part))
        if done != n_stamps:
            raise ValueError(f"features of {done} stamps were computed, of {n_stamps}")
        seconds = time.monotonic() - start
        write_attributes(file, {"fingerprint": fingerprint, "seconds": seconds})
    return Rows(path, "features", kept_bytes=kept_bytes), seconds


def not_learnt(val_loss: float, labels: np.ndarray) -> str | None:
    """Why a head has learnt nothing; None if it has.

    Parameters
    ----------
    val_loss : float
        Cross-entropy of the validation stamps in the epoch that is kept.
    labels : ndarray, shape (n,)
        1 for each validation stamp that is a blend, else 0.
    """
    share = float(np.clip(labels.mean(), 1e-7, 1 - 1e-7))
    chance = -share * np.log(share) - (1 - share) * np.log1p(-share)
    if val_loss < chance:
        return None
    return f"it is no better than chance (validation loss {val_loss:.4g}, chance {chance:.4g})"


def train_head(
    train: tuple[np.ndarray | Rows, np.ndarray],
    validation: tuple[np.ndarray | Rows, np.ndarray],
    *,
    seed: int,
    batch_size: int,
    dropout: float,
    adam_epsilon: float,
    steering_config: SteeringConfig,
    checkpoint: Checkpoint,
    keep: Literal["best", "last"] = "best",
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any]]:
    """Train the head on features; resume where an earlier call was interrupted.

    Parameters
    ----------
    train, validation : (features (n, n_features), labels (n,))
        Of ndarray; features can be `Rows`.
    seed, batch_size : int
    dropout, adam_epsilon : float
    steering_config : SteeringConfig
        Sect. 3.2.2: Adam from 1e-3, halved after five epochs without improvement; training stops
        after ten.
    checkpoint : Checkpoint
    keep : {"best", "last"}
        Whether to keep the weights of the epoch with the lowest validation loss (Sect. 3.2.2), or
        those of the last epoch.
    on_epoch : callable, optional
        Called with the number of completed epochs.

    Returns
    -------
    model : keras.Model
        With the weights of the epoch that is kept.
    history : DataFrame
        `epoch`, `learning_rate`, `loss`, `val_loss`, `val_accuracy`.
    summary : dict
        Summary of the training; its validation loss and accuracy are those of the epoch that is
        kept, `kept_epoch`. `seconds` is its duration, including validation and interrupted
        attempts.

    Raises
    ------
    DeblendError
        The training has diverged.
    """
    keras.utils.set_random_seed(seed)
    model = head(train[0].shape[1], dropout=dropout)
    optimizer = keras.optimizers.Adam(steering_config.learning_rate, epsilon=adam_epsilon)
    return train_classifier(
        model,
        optimizer,
        train,
        validation,
        seed=seed,
        batch_size=batch_size,
        steering_config=steering_config,
        checkpoint=checkpoint,
        keep=keep,
        on_epoch=on_epoch,
    )


def train_classifier(
    model: keras.Model,
    optimizer: keras.optimizers.Optimizer,
    train: tuple[np.ndarray | Rows, np.ndarray],
    validation: tuple[np.ndarray | Rows, np.ndarray],
    *,
    seed: int,
    batch_size: int,
    steering_config: SteeringConfig,
    checkpoint: Checkpoint,
    keep: Literal["best", "last"] = "best",
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any]]:
    """Train any network that gives the probability of a blend, as `train_head` does the head.

    Parameters
    ----------
    model : keras.Model
        From what `train` has for each stamp to the probability (n, 1), not compiled.
    optimizer : keras.optimizers.Optimizer
    train, validation, seed, batch_size, steering_config, checkpoint, keep, on_epoch
        See `train_head`; there may be anything for each stamp instead of features.

    Returns
    -------
    model, history, summary
        See `train_head`.

    Raises
    ------
    DeblendError
        The training has diverged.
    """
    model.compile(optimizer, "binary_crossentropy")
    model.optimizer.build(model.trainable_variables)
    steering = Steering(steering_config)
    trainee = Trainee(model, steering)
    n_train = len(train[1])
    loop = Loop(
        checkpoint,
        trainee,
        total=steering_config.epochs,
        images=n_train,
        steps=-(-n_train // batch_size),
        image_kind="stamps",
        on_done=on_epoch,
    )
    for epoch in loop:
        if steering.stopped:
            break
        rate = steering.rate(epoch)
        model.optimizer.learning_rate = rate
        order = generator(seed, "order", epoch).permutation(n_train)
        fitted = model.fit(
            Batches(*train, batch_size, order),
            shuffle=False,
            verbose=0,
            callbacks=[progress_callback(loop)],
        )
        predicted = probabilities(model, validation[0]).astype(float)
        predicted = np.clip(predicted, 1e-7, 1 - 1e-7)
        val_loss = float(
            -np.mean(np.where(validation[1] > 0, np.log(predicted), np.log1p(-predicted)))
        )
        losses = {"loss": float(fitted.history["loss"][0]), "val_loss": val_loss}
        loop.check(losses, rate)
        is_best = trainee.judge(epoch, val_loss)
        accuracy = float(np.mean((predicted >= 0.5) == (validation[1] > 0)))
        row = {"epoch": epoch + 1, "learning_rate": rate, **losses, "val_accuracy": accuracy}
        loop.record(row, note="best" if is_best else "")
    table, seconds = loop.finish()
    if keep == "best":
        model.set_weights(trainee.best)
    kept = steering.best_epoch if keep == "best" else len(loop.history) - 1
    kept_row = loop.history[kept]
    log.info(
        "kept the weights of the %s epoch, %d of %d, with validation loss %.4g (lowest: epoch %d)",
        *(keep, kept + 1, len(loop.history), kept_row["val_loss"], steering.best_epoch + 1),
    )
    summary = {
        "n_epochs": len(loop.history),
        "best_epoch": steering.best_epoch + 1,
        "keep": keep,
        "kept_epoch": kept + 1,
        "val_loss": kept_row["val_loss"],
        "val_accuracy": kept_row["val_accuracy"],
        "problem": not_learnt(kept_row["val_loss"], validation[1]),
        "n_features": int(np.prod(train[0].shape[1:])),
        "feature_type": str(train[0].dtype),
        "n_train": n_train,
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
    """Compute features, train a head and label test stamps, for one noise level and realisation.

    Parameters
    ----------
    samples : dict
        "train", "validation", "test" to noiseless stamps.
    vgg : path
        From `deblend.training.vgg.write_vgg`.
    noise_sigma : float
        Standard deviation of the noise, counts.
    realisation : int
    padding : int
        Pixels of zeros on each side of a stamp.
    network : dict
        `farrens2022.network` of the configuration.
    seed : int
    checkpoint : path
        File of the training state. Files of features have names that begin like it. The caller
        removes all of them after writing the results.
    fingerprinted : dict
        Other values that the result depends on: threads, versions, and "code", a digest of the
        code.

    Returns
    -------
    model, history, summary
        See `train_head`.
    probability : ndarray, shape (n_test,)
        Probability of each test stamp that it is a blend.
    """
    weights = read_vgg(vgg)
    configuration = {
        "network": network,
        "noise": [noise_sigma, realisation, padding, seed],
        **fingerprinted,
    }
    digests = fingerprint(configuration, [*samples.values(), vgg])
    digest = json.dumps(digests, sort_keys=True)
    checkpoint_path = Path(checkpoint)
    with open_file(samples["train"]) as file:
        side = file["images"].shape[-1] + 2 * padding
    extractor = feature_extractor(side, weights)
    features, labels, seconds = {}, {}, {}
    for split, path in samples.items():
        table = read_sample_table(path)
        labels[split] = table["is_blend"].to_numpy(np.float32)
        augmented = network["augment"] and split == "train"
        if augmented:
            labels[split] = np.tile(labels[split], 2)
        compute = partial(
            extract_features,
            extractor,
            path,
            noise_sigma=noise_sigma,
            padding=padding,
            seed=seed,
            item=("parametric", split, noise_sigma, realisation),
            augmented=augmented,
        )
        file_name = f"{checkpoint_path.stem}_{split}.h5"
        features[split], seconds[split] = cached_features(
            checkpoint_path.with_name(file_name), digest, len(labels[split]), compute
        )
    steering = {name: network[name] for name in SteeringConfig.model_fields}
    model, history, summary = train_head(
        (features["train"], labels["train"]),
        (features["validation"], labels["validation"]),
        seed=seed + realisation,
        batch_size=network["batch_size"],
        dropout=network["dropout"],
        adam_epsilon=network["adam_epsilon"],
        steering_config=SteeringConfig(**steering),
        checkpoint=Checkpoint(checkpoint_path, digests),
        keep=network["keep"],
    )
    probability = probabilities(model, features["test"])
    summary |= {
        "augment": network["augment"],
        "seconds": summary["seconds"] + seconds["train"] + seconds["validation"],
        "noise_sigma": noise_sigma,
        "realisation": realisation,
        "stamp_size": side - 2 * padding,
        "padding_px": padding,
        "vgg_weights": weights.source,
        "n_test": len(probability),
        "test_accuracy": float(np.mean((probability >= 0.5) == (labels["test"] > 0))),
    }
    return model, history, summary, probability


def train_and_write(
    outputs: Outputs,
    samples: dict[str, str | Path],
    vgg: str | Path,
    *,
    predictions: str | Path,
    noise_sigma: float,
    realisation: int,
    padding: int,
    network: dict[str, Any],
    survey: dict[str, Any],
    seed: int,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
) -> None:
    """Train a head as `run_training` does, and write all that is kept of it.

    The checkpoint and the files of features are deleted when everything is written: until then,
    another call resumes from them.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`.
    predictions : path
        CSV table of the probability of each test stamp that it is a blend.
    samples, vgg, noise_sigma, realisation, padding, network, seed
        See `run_training`.
    survey : dict
        Options of `deblend.farrens2022.config.Survey`, with which the stamps were drawn.
    checkpoint : path
        File of the training state; files of features are in its folder.
    code : str
        Digest of the code.
    recorded : dict
        `scale`, `threads` and versions, which the description contains. A
        checkpoint is only used if all but `scale` are still the same.
    """
    model, history, record, probability = run_training(
        samples,
        vgg,
        noise_sigma=noise_sigma,
        realisation=realisation,
        padding=padding,
        network=network,
        seed=seed,
        checkpoint=checkpoint,
        fingerprinted={"code": code, **{k: v for k, v in recorded.items() if k != "scale"}},
    )
    record |= training_sample(samples["train"], Survey(**survey))
    path = Path(checkpoint)
    table = pd.DataFrame({"stamp": range(len(probability)), "probability": probability})
    write_training(
        {**outputs, "predictions": predictions},
        model,
        history,
        table,
        record=record,
        recorded=recorded,
        checkpoints=[path, *(path.with_name(f"{path.stem}_{split}.h5") for split in samples)],
    )


def write_training(
    outputs: Outputs,
    model: keras.Model,
    history: pd.DataFrame,
    predictions: pd.DataFrame,
    *,
    record: dict[str, Any],
    recorded: dict[str, Any],
    checkpoints: Iterable[str | Path],
) -> None:
    """Write all that is kept of a training, then delete its checkpoints.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`, `predictions`.
    model : keras.Model
    history, predictions : DataFrame
    record, recorded, checkpoints
        See `deblend.training.outputs.training_outputs`.
    """
    record = {**record, "dataset": "farrens2022/parametric"}
    with training_outputs(outputs["timing"], record, recorded, checkpoints) as description:
        write_weights(outputs["weights"], model)
        write_json(outputs["description"], description)
        write_csv(outputs["history"], history)
        write_csv(outputs["predictions"], predictions)
