"""Train the branched GAN of Reiman & Goehre 2019; a training can be killed and resumed at any time.

The random numbers of an iteration depend only on its number, so that a resumed training gives the
same result as one without interruption.
"""

import logging
import time
from collections import abc
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.files import write_json
from deblend.hdf5 import new_file, write_array
from deblend.reiman2019.batches import PairSource
from deblend.reiman2019.blends import PerturbConfig, draw_blends, render_all, rows_of_split
from deblend.reiman2019.checks import check_images, collapse_reason, not_learnt
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.gan import Trainer
from deblend.reiman2019.images import check_test_galaxies, open_frames, read_index
from deblend.reiman2019.networks import Discriminator, VggFeatures, build_generator, layer_table
from deblend.reiman2019.predict import predict, to_uint8
from deblend.tables import write_csv
from deblend.training.fingerprints import fingerprint
from deblend.training.loop import Loop
from deblend.training.outputs import Outputs, training_outputs
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from deblend.training.torch_layers import n_parameters
from deblend.training.vgg import weights_from
from torch import nn

log = logging.getLogger(__name__)


#: Number of validation blends shown in the figure of the training.
N_PANELS = 4


def core_days(config: GanConfig, side: int) -> float:
    """Time that a training would take at least on this CPU, in days of one core.

    It is measured on one blend, without the discriminator and VGG.

    Parameters
    ----------
    config : GanConfig
    side : int
        Side of the images.
    """
    with torch.random.fork_rng(devices=[]):
        generator, blend = build_generator(config, side), torch.rand(1, 3, side, side)
    seconds = []
    for _ in range(2):  # the first time is longer
        start = time.process_time()
        generator(blend).pow(2).mean().backward()
        seconds.append(time.process_time() - start)
    blends = (config.burn_in_iterations + config.iterations) * config.batch_size
    return min(seconds) * blends / 86400


def refuse_a_long_training(
    config: GanConfig, side: int, device: torch.device, max_core_days: float | None
) -> None:
    """Refuse a training on a CPU that would take longer than is allowed.

    Parameters
    ----------
    config, side
        See `core_days`.
    device : torch.device
    max_core_days : float or None
        None: no limit.

    Raises
    ------
    DeblendError
        It would take longer, and there is no GPU.
    """
    if device.type != "cpu" or max_core_days is None:
        return
    days = core_days(config, side)
    log.info("on this CPU the training takes at least %.2g days of one core", days)
    if days > max_core_days:
        raise DeblendError(
            f"without a GPU this training takes at least {days:.2g} days of one core, and "
            f"reiman2019 > max_core_days is {max_core_days:g}: use a GPU (see "
            "docs/cluster.md), a smaller scale (config/small.yaml), or raise max_core_days (null: "
            "no limit)"
        )


def trace_interval_of(config: GanConfig, phase: str) -> int:
    """Iterations between rows of the history; a burn-in has at least twenty rows."""
    if phase == "burn_in":
        return max(1, min(config.trace_interval, config.burn_in_iterations // 20))
    return config.trace_interval


def train(
    config: GanConfig,
    source: PairSource,
    validation: tuple[torch.Tensor, torch.Tensor],
    *,
    device: torch.device,
    vgg: VggFeatures | None,
    checkpoint: Checkpoint,
    on_iteration: abc.Callable[[int], None] | None = None,
) -> tuple[nn.Module, pd.DataFrame, np.ndarray, dict[str, Any]]:
    """Train a generator; resume where an earlier call was interrupted.

    Parameters
    ----------
    config : GanConfig
    source : PairSource
    validation : (Tensor, Tensor)
        Blends and true images of validation galaxies, for the history.
    device : torch.device
    vgg : VggFeatures or None
    checkpoint : Checkpoint
    on_iteration : callable, optional
        Called with the number of iterations done.

    Returns
    -------
    generator : Module
        After the last iteration (Sect. 2.4).
    history : DataFrame
        One row per trace interval: `iteration`, `phase`, `learning_rate`, the mean losses since the
        last row, and what `check_images` returns.
    panels : ndarray of uint8, shape (rows of history, N_PANELS, 2, y, x, 3)
        The generator's images of the first validation blends.
    summary : dict
        Record of the training; `seconds` is its duration, earlier attempts included.

    Raises
    ------
    DeblendError
        The training has diverged.
    """
    blends, truth = validation
    trainer = Trainer(config, blends.shape[-1], device, vgg)
    copies = 2 * blends[:, None].expand_as(truth) - 1
    start_images = predict(trainer.generator, blends, device, config.precision)
    start_db, blend_db = (
        check_images(images, truth)["val_psnr_db"] for images in (start_images, copies)
    )
    total = config.burn_in_iterations + config.iterations
    loop = Loop(
        checkpoint,
        trainer,
        unit="iteration",
        total=total,
        images=config.batch_size,
        save_every=config.checkpoint_interval,
        on_done=on_iteration,
    )
    sums: dict[str, torch.Tensor] = {}
    counts: dict[str, int] = {}
    trainer.generator.train()
    with closing(source.batches(loop.done, total, device)) as batches:
        for iteration in loop:
            phase = "burn_in" if iteration < config.burn_in_iterations else "gan"
            losses = trainer.step(iteration, *next(batches))
            for name, value in losses.items():
                sums[name] = sums.get(name, 0) + value
                counts[name] = counts.get(name, 0) + 1
            loop.step(1, mse=losses["mse"])
            done = iteration + 1
            # The last iteration of each phase ends a row: no mean mixes the losses of both phases.
            if done % trace_interval_of(config, phase) and done not in (
                config.burn_in_iterations,
                total,
            ):
                continue
            row: dict[str, Any] = {"iteration": done, "phase": phase}
            row["learning_rate"] = trainer.learning_rate(iteration)
            means = {name: float(value) / counts[name] for name, value in sums.items()}
            loop.check(means, row["learning_rate"])
            sums, counts = {}, {}
            images = predict(trainer.generator, blends, device, config.precision)
            trainer.generator.train()
            row |= means | check_images(images, truth)
            trainer.panels.append(to_uint8(images[:N_PANELS]))
            # A checkpoint does not keep the losses since the last row, so it is written with a row.
            loop.record(row)
            if problem := collapse_reason(row):
                log.warning("iteration %d: the generator has collapsed: %s", done, problem)
    table, seconds = loop.finish()
    history, generator = loop.history, trainer.generator
    summary = {
        **config.model_dump(),
        "n_iterations": total,
        "n_train_galaxies": len(source.rows),
        "blends_seen": total * config.batch_size,
        "n_parameters_generator": n_parameters(trainer.generator),
        "n_parameters_discriminator": (
            n_parameters(trainer.discriminator) if trainer.discriminator is not None else 0
        ),
        "vgg_weights": vgg.source if vgg is not None else None,
        "problem": not_learnt(history[-1], start_db, blend_db),
        "start_psnr_db": start_db,
        "blend_psnr_db": blend_db,
        "val_psnr_db": history[-1]["val_psnr_db"],
        "seconds": seconds,
    }
    return generator, table, np.stack(trainer.panels), summary


def train_from_config(
    frames: str | Path,
    index: str | Path,
    network: dict[str, Any],
    perturbation: dict[str, Any],
    *,
    images: str,
    n_validation_blends: int,
    seed: int,
    vgg_weights: str,
    vgg_file: str | Path | None,
    device: torch.device,
    checkpoint: str | Path,
    fingerprinted: dict[str, Any],
    max_core_days: float | None = None,
) -> tuple[nn.Module, pd.DataFrame, dict[str, np.ndarray], dict[str, Any]]:
    """Train the GAN, or its generator alone, as the configuration says.

    Parameters
    ----------
    frames, index : path
        See `deblend.reiman2019.images.build_frames`.
    network, perturbation : dict
        Options of `GanConfig` and of `PerturbConfig`.
    images : str
        Name of the set of images: part of the seed of the validation blends.
    n_validation_blends, seed : int
    vgg_weights : str
        Source of VGG's weights for the burn-in: see `deblend.training.vgg.weights_from`.
    vgg_file : path or None
        The downloaded file; None for random weights, or without a burn-in.
    device : torch.device
    checkpoint : path
        File of the training state. The caller removes it after writing the results.
    fingerprinted : dict
        Other values that the result depends on: threads, the version of PyTorch, and "code", a
        digest of the code.
    max_core_days : float, optional
        See `refuse_a_long_training`.

    Returns
    -------
    generator, history
        See `train`.
    panels : dict of ndarray
        For a figure of the training: `iteration`; `panels`, as from `train`; and for the first
        validation blends the `true` images and the `blend`, 0 to 255.
    summary : dict
        See `train`; also `n_images` and `dataset`, the size and name of the set of images, and
        `perturbation`.
    """
    config, perturb_config = GanConfig(**network), PerturbConfig(**perturbation)
    refuse_a_long_training(config, perturb_config.side, device, max_core_days)
    opened, table = open_frames(frames), pd.read_csv(index)
    vgg = None
    if config.burn_in_iterations:
        # As in the authors' code, the mean is subtracted.
        weights = weights_from(vgg_weights, vgg_file, seed=seed, subtract_mean=True)
        vgg = VggFeatures(weights, config.vgg_input_px)
    rows = rows_of_split(table, "validation")
    pairs = draw_blends(seed, images, "validation", rows, n_validation_blends, perturb_config)
    blends, truth = render_all(opened, pairs, perturb_config)
    configuration = {
        "network": network,
        "perturbation": perturbation,
        "vgg_weights": vgg_weights,
        "seed": seed,
        "n": n_validation_blends,
        # Not the name of the GPU, since a retry may get another one.
        "device": device.type,
        **fingerprinted,
    }
    files = [frames, index, *([vgg_file] if vgg_file else [])]
    generator, history, panels, summary = train(
        config,
        PairSource(
            opened,
            rows_of_split(table, "train"),
            perturb_config,
            seed=seed,
            batch_size=config.batch_size,
            n_blends=config.n_train_blends,
            augment=config.augment,
        ),
        (blends, truth),
        device=device,
        vgg=vgg,
        checkpoint=Checkpoint(checkpoint, fingerprint(configuration, files)),
    )
    shown = {
        "iteration": history["iteration"].to_numpy(),
        "panels": panels,
        "true": to_uint8(truth[:N_PANELS]),
        "blend": to_uint8(2 * blends[:N_PANELS] - 1),
    }
    of_images = {"n_images": len(table), "dataset": images, "perturbation": perturbation}
    return generator, history, shown, summary | of_images


def layer_tables(config: GanConfig, generator: nn.Module, side: int) -> list[pd.DataFrame]:
    """Tables of the layers of the generator and of a discriminator, for Figures 1 and 2.

    Parameters
    ----------
    config : GanConfig
    generator : Module
        It is moved to the CPU.
    side : int
        Side of the images.

    Returns
    -------
    list of DataFrame
        See `deblend.reiman2019.networks.layer_table`.
    """
    discriminator = Discriminator(side, config.discriminator_filters, config.discriminator_units)
    return [layer_table(network, side) for network in (generator.cpu(), discriminator)]


def write_panels(path: str | Path, panels: dict[str, np.ndarray]) -> None:
    """Write the panels from `train_from_config` as HDF5."""
    with new_file(path) as file:
        for name, values in panels.items():
            write_array(file, name, values)


def train_and_write(
    outputs: Outputs,
    frames: str | Path,
    index: str | Path,
    network: dict[str, Any],
    perturbation: dict[str, Any],
    *,
    images: str,
    n_validation_blends: int,
    seed: int,
    vgg: tuple[str, str | Path | None],
    layers: tuple[str | Path, str | Path],
    device: torch.device,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
    max_core_days: float | None = None,
    min_test_galaxies: int = 1,
) -> None:
    """Train the GAN, or its generator alone, and write all that is kept of it.

    The checkpoint is deleted when everything is written: until then, another call resumes from it.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`, and `panels`: see `write_panels`.
    frames, index, network, perturbation, images, n_validation_blends, seed, device
        See `train_from_config`.
    vgg : (str, path or None)
        `vgg_weights` and `vgg_file` of `train_from_config`.
    layers : (path, path)
        CSV tables of the layers of the generator and of the discriminator.
    checkpoint : path
        File of the training state.
    code : str
        Digest of the code.
    recorded : dict
        `scale`, `threads` and versions, which the description contains. A checkpoint is only used
        if `threads` and `backend_version` are still the same.
    max_core_days : float, optional
        See `refuse_a_long_training`.
    min_test_galaxies : int
        See `deblend.reiman2019.images.check_test_galaxies`.

    Raises
    ------
    DeblendError
        The test has too few galaxies.
    """
    check_test_galaxies(read_index(index), min_test_galaxies, index)
    generator, history, panels, record = train_from_config(
        frames,
        index,
        network,
        perturbation,
        images=images,
        n_validation_blends=n_validation_blends,
        seed=seed,
        vgg_weights=vgg[0],
        vgg_file=vgg[1],
        device=device,
        checkpoint=checkpoint,
        fingerprinted={
            "code": code,
            "threads": recorded["threads"],
            "backend": recorded["backend_version"],
        },
        max_core_days=max_core_days,
    )
    record["seed"] = seed
    with training_outputs(outputs["timing"], record, recorded, [checkpoint]) as description:
        write_weights(outputs["weights"], generator)
        write_json(outputs["description"], description)
        write_csv(outputs["history"], history)
        write_panels(outputs["panels"], panels)
        side = PerturbConfig(**perturbation).side
        tables = layer_tables(GanConfig(**network), generator, side)
        for path, table in zip(layers, tables, strict=True):
            write_csv(path, table)
