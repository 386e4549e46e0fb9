"""Train the branched GAN of Reiman & Goehre 2019; a training can be killed and resumed at any time.

The random numbers of an iteration depend only on its number, so that a resumed training gives the
same result as one without interruption. Frames are memory-mapped files; a thread reads those of the
next iterations while the device is busy.
"""

import logging
import math
import queue
import threading
import time
from collections import abc
from contextlib import closing
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.files import atomic, write_json
from deblend.reiman2019.blends import (
    PerturbConfig,
    blend,
    draw_blends,
    draw_pairs,
    perturbation_tensor,
    render_all,
    rows_of_split,
)
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.networks import (
    Discriminator,
    VggFeatures,
    build_generator,
    layer_table,
)
from deblend.seeds import generator as random_generator
from deblend.tables import write_csv
from deblend.training.fingerprints import fingerprint
from deblend.training.loop import Loop
from deblend.training.outputs import Outputs, training_outputs
from deblend.training.torch_backend import autocast, move_to_device
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from deblend.training.torch_gan import COLLAPSE_SHARE, Gan, generate_in_batches
from deblend.training.torch_layers import n_parameters
from deblend.training.vgg import weights_from
from torch import nn
from torch.nn import functional

log = logging.getLogger(__name__)


#: Images with less than this share of the true light are called black.
BLACK_RATIO = 0.2


#: Number of validation blends shown in the figure of the training.
N_PANELS = 4


#: Images at a time, for each device: few fit into the caches of a CPU.
BATCH = {"cpu": 8, "cuda": 64}


class PairSource:
    """Training blends of each iteration; a thread reads their frames ahead.

    Parameters
    ----------
    frames : ndarray of uint8, shape (n, height, width, 3)
        Can be memory-mapped.
    rows : ndarray of int
        Frames of the training split.
    config : PerturbConfig
    seed, batch_size : int
    n_blends : int, optional
        Number of different blends, which are seen in a new order in each epoch; None: every
        iteration draws new ones.
    augment : bool
        Flip and transpose the central galaxies at random.
    """

    #: Iterations that are read ahead.
    N_AHEAD = 4

    def __init__(
        self,
        frames: np.ndarray,
        rows: np.ndarray,
        config: PerturbConfig,
        *,
        seed: int,
        batch_size: int,
        n_blends: int | None = None,
        augment: bool = False,
    ) -> None:
        self.frames, self.rows, self.config = frames, rows, config
        self.seed, self.batch_size, self.augment = seed, batch_size, augment
        self.fixed: pd.DataFrame | None = None
        if n_blends is not None:
            rng = random_generator(seed, "reiman2019 training blends", n_blends)
            self.fixed = draw_pairs(rng, rows, n_blends, config)
        self._order: tuple[int, np.ndarray] = (-1, np.empty(0, int))

    def batch(self, iteration: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """Central frames, companion frames (n, height, width, 3) and perturbations (n, 6)."""
        rng = random_generator(self.seed, "reiman2019 training", iteration)
        if self.fixed is None:
            pairs = draw_pairs(rng, self.rows, self.batch_size, self.config)
        else:
            first = iteration * self.batch_size
            numbers = [
                self._number(i, len(self.fixed)) for i in range(first, first + self.batch_size)
            ]
            pairs = self.fixed.iloc[numbers]
        central, companion = (
            torch.from_numpy(np.ascontiguousarray(self.frames[pairs[name].to_numpy()]))
            for name in ("central", "companion")
        )
        if self.augment:
            # Drawn after the pairs, which are thus the same with and without it.
            central = turn(central, rng.integers(8, size=len(central)))
        return central, companion, perturbation_tensor(pairs)

    def _number(self, position: int, n: int) -> int:
        """Number of the fixed blend at a position in the endless row of shuffled epochs."""
        epoch, place = divmod(position, n)
        if self._order[0] != epoch:
            rng = random_generator(self.seed, "reiman2019 order", epoch)
            self._order = epoch, rng.permutation(n)
        return self._order[1][place]

    def batches(
        self, start: int, stop: int, device: torch.device
    ) -> abc.Generator[tuple[torch.Tensor, torch.Tensor]]:
        """Blends and true images of the iterations start to stop - 1.

        See `deblend.reiman2019.blends.blend`.
        """
        ready: queue.Queue = queue.Queue(self.N_AHEAD)
        stopping = threading.Event()

        def put(item: object) -> None:
            while not stopping.is_set():
                try:
                    ready.put(item, timeout=0.5)
                    break
                except queue.Full:
                    continue

        def read() -> None:
            try:
                for iteration in range(start, stop):
                    if stopping.is_set():
                        return
                    tensors = self.batch(iteration)
                    put([t.pin_memory() for t in tensors] if device.type == "cuda" else tensors)
            except BaseException as error:  # raised again by the thread that waits for the item
                put(error)

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        try:
            for _ in range(start, stop):
                item = ready.get()
                if isinstance(item, BaseException):
                    raise item
                central, companion, perturbations = (t.to(device, non_blocking=True) for t in item)
                yield blend(central, companion, perturbations, self.config)
        finally:
            stopping.set()
            thread.join()


def turn(images: torch.Tensor, ways: np.ndarray) -> torch.Tensor:
    """Flip and transpose square images (n, side, side, 3).

    Parameters
    ----------
    images : Tensor
    ways : ndarray of int, shape (n,)
        From 0 to 7, one for each symmetry of a square: bits for two flips and a transpose. 0 leaves
        an image as it is.
    """
    turned = []
    for image, way in zip(images, ways, strict=True):
        axes = [axis for axis in (0, 1) if way >> axis & 1]
        flipped = image.flip(axes) if axes else image
        turned.append(flipped.transpose(0, 1) if way & 4 else flipped)
    return torch.stack(turned)


class Trainer(Gan):
    """Both networks, their optimizers and the update of one iteration.

    Parameters
    ----------
    config : GanConfig
    side : int
        Side of the images.
    device : torch.device
    vgg : VggFeatures or None
        For the burn-in.

    Raises
    ------
    DeblendError
        There is a burn-in but no VGG.
    """

    def __init__(
        self, config: GanConfig, side: int, device: torch.device, vgg: VggFeatures | None
    ) -> None:
        if config.burn_in_iterations and vgg is None:
            raise DeblendError(
                f"burn_in_iterations is {config.burn_in_iterations}: it needs VGG's weights "
                "(vgg_weights)"
            )
        self.config, self.vgg = config, vgg
        generator = build_generator(config, side)
        discriminator = None
        if config.adversarial_weight:
            discriminator = Discriminator(
                side, config.discriminator_filters, config.discriminator_units
            )
        super().__init__(
            generator,
            discriminator,
            device=device,
            precision=config.precision,
            adversarial=config.adversarial,
        )
        if vgg is not None:
            move_to_device(vgg, device)
        if config.compile and device.type == "cuda":
            # In place, so that the names of the weights stay.
            for network in self.networks().values():
                network.compile()
        # `step` sets the learning rates before each update.
        self.add_optimizer("burn_in", generator, config.learning_rate)
        self.add_optimizer("generator", generator, config.learning_rate)
        if discriminator is not None:
            self.add_optimizer("discriminator", discriminator, config.discriminator_learning_rate)

    def learning_rate(self, iteration: int, name: str = "generator") -> float:
        """Learning rate of an optimizer in an iteration; the burn-in counts as iterations."""
        config = self.config
        start = (
            config.discriminator_learning_rate if name == "discriminator" else config.learning_rate
        )
        done = max(0, iteration - config.burn_in_iterations)
        if config.schedule == "cosine":
            # The discriminator's rate begins when it does.
            first = config.adversarial_start if name == "discriminator" else 0
            share = max(0, done - first) / (config.iterations - first)
            return start * (1 + math.cos(math.pi * share)) / 2
        return start * (config.drop_factor if done >= config.drop_iteration else 1)

    def step(
        self, iteration: int, blends: torch.Tensor, truth: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Update both networks once.

        Parameters
        ----------
        iteration : int
        blends, truth : Tensor
            From `PairSource.batches`.

        Returns
        -------
        dict
            Losses, on the device; each is the mean over the generator's two images.
        """
        blends = blends.contiguous(memory_format=torch.channels_last)
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = self.learning_rate(iteration, name)
        images = self.generate(blends)
        if iteration < self.config.burn_in_iterations:
            return self._burn_in(images, truth)
        losses = {"mse": functional.mse_loss(images, truth)}
        loss = losses["mse"]
        start = self.config.burn_in_iterations + self.config.adversarial_start
        if self.discriminator is not None and iteration >= start:
            losses |= self.update_discriminator(images.detach(), truth)
            losses["adversarial"] = self.adversarial(images)
            loss = loss + self.config.adversarial_weight * losses["adversarial"]
        self.step_optimizer("generator", loss, self.config.gradient_norm_max)
        return {name: value.detach() for name, value in losses.items()}

    def _burn_in(self, images: torch.Tensor, truth: torch.Tensor) -> dict[str, torch.Tensor]:
        assert self.vgg is not None
        with autocast(self.device, self.precision):
            with torch.no_grad():
                true_features = self.vgg(truth.flatten(0, 1))
            features = self.vgg(images.flatten(0, 1))
        # Eq. 5. The features can have a low precision; their difference is taken in float32.
        loss = functional.mse_loss(features.float(), true_features.float())
        self.step_optimizer("burn_in", loss, self.config.gradient_norm_max)
        return {"vgg": loss.detach(), "mse": functional.mse_loss(images, truth).detach()}

    def logits(self, images: torch.Tensor, *given: torch.Tensor | None) -> torch.Tensor:
        """Logits of the images of both galaxies, shape (2 n,).

        Central galaxies and companions are separate batches, so that the batch norm does not mix
        them.
        """
        assert self.discriminator is not None
        with autocast(self.device, self.precision):
            logits = [
                self.discriminator(x.contiguous(memory_format=torch.channels_last))
                for x in images.unbind(1)
            ]
        return torch.cat(logits).float()


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
            f"reiman2019 > max_core_days is {max_core_days:g}: use a GPU (see 'GPUs' in the "
            "README), a smaller scale (config/small.yaml), or raise max_core_days (null: no limit)"
        )


def predict(
    generator: nn.Module,
    blends: torch.Tensor,
    device: torch.device,
    precision: str = "float32",
    *,
    batch_size: int | None = None,
) -> torch.Tensor:
    """Deblend images in batches.

    Parameters
    ----------
    generator : Module
    blends : Tensor, shape (n, 3, y, x)
        In [0, 1].
    device : torch.device
    precision : {"float32", "bfloat16"}
    batch_size : int, optional
        By default that which is fast on the device.

    Returns
    -------
    Tensor, shape (n, 2, 3, y, x), float32
        In [-1, 1], on the CPU.
    """
    blends = blends.contiguous(memory_format=torch.channels_last)
    size = BATCH[device.type] if batch_size is None else batch_size
    return generate_in_batches(generator, blends, device, batch_size=size, precision=precision)


def check_images(images: torch.Tensor, truth: torch.Tensor) -> dict[str, float]:
    """Measures of the quality of a generator's validation images, and of its collapse.

    Parameters
    ----------
    images, truth : Tensor, shape (n, 2, 3, y, x)
        In [-1, 1].

    Returns
    -------
    dict
        `val_mse`; `val_psnr_db`, the mean over the images; `brightness_ratio`, the light of the
        images divided by that of the true ones (0: all black); `diversity_ratio`, the standard
        deviation from image to image divided by that of the true ones (0: all equal). Both ratios
        are those of the worse of the two branches, since one branch can collapse alone.
    """
    error = (images - truth).pow(2).mean(dim=(2, 3, 4)).clamp(min=1e-12)
    # One number for each of the two galaxies.
    spread, true_spread = (x.std(dim=0, correction=0).mean(dim=(1, 2, 3)) for x in (images, truth))
    light, true_light = ((x + 1).mean(dim=(0, 2, 3, 4)) for x in (images, truth))
    return {
        "val_mse": float(error.mean()),
        "val_psnr_db": float((10 * torch.log10(4 / error)).mean()),
        "brightness_ratio": float((light / true_light).min()),
        "diversity_ratio": float((spread / true_spread).min()),
    }


def collapse_reason(row: dict[str, float]) -> str | None:
    """How a generator has collapsed according to `check_images`; None if it has not."""
    if not math.isfinite(row["val_mse"]):
        return "its images are not finite"
    if row["brightness_ratio"] < BLACK_RATIO:
        return f"its images are black ({row['brightness_ratio']:.2g} of the true light)"
    if row["diversity_ratio"] < COLLAPSE_SHARE:
        return f"its images are all alike ({row['diversity_ratio']:.2g} of the true variety)"
    return None


#: A generator has learnt if its mean PSNR exceeds that of the blend itself, and that of its initial
#: weights, by more than this, dB.
LEARNT_DB = 0.1


def not_learnt(row: dict[str, float], start_db: float, blend_db: float) -> str | None:
    """Why a generator has learnt nothing; None if it has learnt.

    Parameters
    ----------
    row : dict
        Last row of its history.
    start_db, blend_db : float
        Mean PSNR of the validation images that the initial weights make, and of the blend itself.
    """
    if problem := collapse_reason(row):
        return problem
    for name, value in (("the blend itself", blend_db), ("its initial weights", start_db)):
        if not row["val_psnr_db"] > value + LEARNT_DB:
            return (
                f"its images are no better than those of {name} (PSNR {row['val_psnr_db']:.4g} dB "
                f"against {value:.4g} dB)"
            )
    return None


def trace_interval_of(config: GanConfig, phase: str) -> int:
    """Iterations between rows of the history; a burn-in has at least twenty rows."""
    if phase == "burn_in":
        return max(1, min(config.trace_interval, config.burn_in_iterations // 20))
    return config.trace_interval


def to_uint8(images: torch.Tensor) -> np.ndarray:
    """Images (..., 3, y, x) in [-1, 1] as (..., y, x, 3), 0 to 255."""
    scaled = ((images.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return scaled.movedim(-3, -1).contiguous().cpu().numpy()


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
    with atomic(path) as temporary, h5py.File(temporary, "w") as file:
        for name, values in panels.items():
            file[name] = values


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
    """
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
