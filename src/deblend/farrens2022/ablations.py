"""Detectors that differ from the paper's head, and one for all noise levels: not in the paper.

Ablations with the same features, scaling and noise share a file of features. All are tested on the
stamps with the noise on which the paper's heads are tested, so that differences are paired.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from deblend.data.rows import Rows
from deblend.errors import DeblendError
from deblend.farrens2022.config import Ablation
from deblend.farrens2022.features import FEATURE_TYPE, network_features, scaled
from deblend.farrens2022.networks import head, small_network
from deblend.farrens2022.stamps import noisy_batches, read_sample_table
from deblend.farrens2022.training import (
    KEPT_BYTES,
    probabilities,
    train_classifier,
    write_training,
)
from deblend.hdf5 import (
    new_file,
    new_group,
    open_file,
    read_attributes,
    write_array,
    write_attributes,
)
from deblend.seeds import generator
from deblend.training.fingerprints import fingerprint
from deblend.training.keras_checkpoint import Checkpoint
from deblend.training.outputs import Outputs
from deblend.training.schedule import SteeringConfig
from deblend.training.vgg import random_weights, read_vgg
from deblend.training.vgg_keras import feature_extractor

#: Momentum of the optimiser sgd.
MOMENTUM = 0.9


@dataclass(frozen=True)
class NoisySet:
    """Stamps of a file, and the noise that they get.

    Attributes
    ----------
    name : str
        Its group in the file of features: "train", "validation", or "test/..." for others.
    sample : path
        Stamps without noise.
    levels : tuple of float
        Standard deviation of the noise, counts; of several, one is drawn for each stamp.
    item : tuple
        Part of the seed of the noise (`deblend.farrens2022.stamps.noisy_batches`).
    """

    name: str
    sample: str | Path
    levels: tuple[float, ...]
    item: tuple

    def noise(self, n_stamps: int, seed: int) -> np.ndarray:
        """Standard deviation of the noise of each stamp, shape (n_stamps,)."""
        if len(self.levels) == 1:
            return np.full(n_stamps, float(self.levels[0]))
        return generator(seed, "level", *self.item).choice(np.array(self.levels, float), n_stamps)


def inputs_of_networks(
    noisy: NoisySet, extractor: keras.Model | None, *, scaling: str, padding: int, seed: int
) -> Iterator[np.ndarray]:
    """What a network gets for the stamps of a set, in batches.

    Yields
    ------
    ndarray, float16
        Features (n, n_features) of the extractor, or scaled stamps (n, y, x, 1) without one.
    """
    sigma = noisy.noise(len(read_sample_table(noisy.sample)), seed)
    start = 0
    for images in noisy_batches(noisy.sample, sigma, padding, seed, noisy.item):
        grey = scaled(images, scaling, sigma[start : start + len(images)])
        start += len(images)
        if extractor is None:
            yield grey[..., None].astype(FEATURE_TYPE)
        else:
            yield network_features(extractor, grey)


def write_inputs(
    path: str | Path,
    sets: Sequence[NoisySet],
    vgg: str | Path | None,
    *,
    features: str,
    scaling: str,
    padding: int,
    seed: int,
) -> None:
    """Write what networks get for several sets of stamps to one file.

    Parameters
    ----------
    path : path
        HDF5; for each set a group of its name with `inputs` and `labels` (1 for blends). Attributes
        say what a network that is trained on them needs for other images: see `described`.
    sets : sequence of NoisySet
    vgg : path or None
        Weights of VGG-16, for features "vgg16".
    features : {"vgg16", "random", "scratch"}
        See `deblend.farrens2022.config.Ablation`.
    scaling, padding, seed
        See `inputs_of_networks`.
    """
    with open_file(sets[0].sample) as file:
        size = file["images"].shape[-1]
    extractor, attributes = None, {"stamp_size": size, "padding_px": padding}
    if features != "scratch":
        weights = random_weights(seed) if vgg is None else read_vgg(vgg)
        extractor = feature_extractor(size + 2 * padding, weights)
        attributes["vgg_weights"] = weights.source
        if vgg is None:
            attributes["vgg_seed"] = seed
    with new_file(path) as file:
        write_attributes(file, attributes)
        for noisy in sets:
            labels = read_sample_table(noisy.sample)["is_blend"].to_numpy(np.float32)
            group, start = new_group(file, noisy.name), 0
            write_array(group, "labels", labels)
            for part in inputs_of_networks(
                noisy, extractor, scaling=scaling, padding=padding, seed=seed
            ):
                if not start:
                    write_array(
                        group,
                        "inputs",
                        shape=(len(labels), *part.shape[1:]),
                        dtype=part.dtype,
                        chunks=(1, *part.shape[1:]),
                        compression="gzip",
                        compression_opts=1,
                    )
                group["inputs"][start : start + len(part)] = part
                start += len(part)


def described(inputs: str | Path) -> dict[str, Any]:
    """What `write_inputs` says of a file, for the description of a network that is trained on it.

    Returns
    -------
    dict
        `stamp_size` (pixels, without padding), `padding_px`, and, with features of VGG-16,
        `vgg_weights`, their source, and `vgg_seed` if they are random.
    """
    with open_file(inputs) as file:
        return {
            name: str(value) if isinstance(value, str) else int(value)
            for name, value in read_attributes(file).items()
        }


def build(ablation: Ablation, shape: tuple[int, ...], *, dropout: float) -> keras.Model:
    """Build the network of an ablation for inputs of a shape; `dropout` is that of the head."""
    make = small_network if ablation.features == "scratch" else head
    share = dropout if ablation.dropout is None else ablation.dropout
    return make(shape[0], dropout=share, l2=ablation.l2)


def optimizer_of(ablation: Ablation, *, learning_rate: float, adam_epsilon: float) -> Any:
    """Optimiser of an ablation, from a learning rate."""
    if ablation.optimizer == "sgd":
        return keras.optimizers.SGD(learning_rate, momentum=MOMENTUM)
    return keras.optimizers.Adam(learning_rate, epsilon=adam_epsilon)


def train_ablation(
    inputs: str | Path,
    ablation: Ablation,
    *,
    network: Mapping[str, Any],
    seed: int,
    checkpoint: Checkpoint,
) -> tuple[keras.Model, pd.DataFrame, dict[str, Any], pd.DataFrame]:
    """Train the network of an ablation and label all test stamps.

    Parameters
    ----------
    inputs : path
        From `write_inputs`.
    ablation : Ablation
    network : dict
        `farrens2022.network` of the configuration: what the ablation has in common with the head.
    seed : int
        The same as for the head of the first realisation.
    checkpoint : Checkpoint

    Returns
    -------
    model, history, summary
        See `deblend.farrens2022.training.train_head`.
    probabilities : DataFrame
        `test` (name of a test set), `stamp`, `probability` of a blend.

    Raises
    ------
    DeblendError
        The training has diverged, or the share of training stamps is too small.
    """
    rate = ablation.learning_rate or network["learning_rate"]
    steering = {name: network[name] for name in SteeringConfig.model_fields}
    config = SteeringConfig(**steering | {"learning_rate": rate})
    with open_file(inputs) as file:
        n = int(len(file["train/labels"]) * ablation.train_share)
        if n < 2:
            raise DeblendError(
                f"train_share {ablation.train_share:g} leaves {n} of {len(file['train/labels'])} "
                "training stamps: two are needed at least"
            )
        labels = {split: file[f"{split}/labels"][:] for split in ("train", "validation")}
        tests = sorted(file["test"])
    train, validation = (
        (Rows(inputs, f"{split}/inputs", kept_bytes=KEPT_BYTES), labels[split][:last])
        for split, last in (("train", n), ("validation", None))
    )
    keras.utils.set_random_seed(seed)
    model, history, summary = train_classifier(
        build(ablation, train[0].shape[1:], dropout=network["dropout"]),
        optimizer_of(ablation, learning_rate=rate, adam_epsilon=network["adam_epsilon"]),
        train,
        validation,
        seed=seed,
        batch_size=network["batch_size"],
        steering_config=config,
        checkpoint=checkpoint,
        keep=network["keep"],
    )
    found = []
    for name in tests:
        probability = probabilities(model, Rows(inputs, f"test/{name}/inputs", kept_bytes=0))
        table = pd.DataFrame({"test": name, "stamp": range(len(probability))})
        found.append(table.assign(probability=probability))
    summary |= {
        "ablation": ablation.model_dump(),
        "scaling": ablation.scaling,
        "n_parameters": int(model.count_params()),
        **described(inputs),
    }
    return model, history, summary, pd.concat(found, ignore_index=True)


def train_and_write_ablation(
    outputs: Outputs,
    inputs: str | Path,
    *,
    predictions: str | Path,
    ablation: dict[str, Any],
    network: dict[str, Any],
    seed: int,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
) -> None:
    """Train an ablation and write all that is kept of it; a checkpoint is kept until then.

    Parameters
    ----------
    outputs, checkpoint, code, recorded
        See `deblend.farrens2022.training.train_and_write`; the checkpoint is the only file.
    inputs, network, seed
        See `train_ablation`.
    predictions : path
        CSV table of the probabilities.
    ablation : dict
        An entry of `farrens2022.ablations`.
    """
    values = {"code": code, "ablation": ablation, "network": network, "seed": seed}
    values |= {key: value for key, value in recorded.items() if key != "scale"}
    model, history, record, table = train_ablation(
        inputs,
        Ablation(**ablation),
        network=network,
        seed=seed,
        checkpoint=Checkpoint(Path(checkpoint), fingerprint(values, [inputs])),
    )
    write_training(
        {**outputs, "predictions": predictions},
        model,
        history,
        table,
        record=record,
        recorded=recorded,
        checkpoints=[checkpoint],
    )
