"""Train the GANs of Hemmati et al. 2022; a training can be killed and resumed at any time.

Sect. 3: the loss is minimax (cross entropy) by default; options are the Wasserstein loss with a
gradient penalty, and a content loss (mean absolute difference). The best epoch is the one that
detects the largest share of the validation blends, that is finds both galaxies in the GAN's images,
at a threshold set on unblended images of other galaxies.
"""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.data.ranges import galaxy_ranges
from deblend.errors import DeblendError
from deblend.files import write_json
from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.networks import (
    HIGH_PX,
    LOW_PX,
    SrConfig,
    build_discriminator,
    build_generator,
)
from deblend.hemmati2022.pairs import (
    PairMaker,
    make_pair_maker,
    read_cutouts,
    single_galaxies,
)
from deblend.hemmati2022.predict import generate_images, latent_vectors
from deblend.hemmati2022.validation import PART, Validation
from deblend.seeds import generator as random_generator
from deblend.tables import write_csv
from deblend.training.ahead import made_ahead
from deblend.training.fingerprints import fingerprint
from deblend.training.loop import Loop
from deblend.training.outputs import Outputs, training_outputs
from deblend.training.torch_backend import autocast
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from deblend.training.torch_gan import COLLAPSE_SHARE, Gan, diversity
from deblend.training.torch_layers import n_parameters, trace_layers
from torch import nn
from torch.nn import functional

log = logging.getLogger(__name__)


#: Adam's beta1 and beta2. The first is that of DCGAN (Radford et al. 2016).
BETAS = (0.5, 0.999)


#: Decay per update of the exponential moving average of the generator's weights, after a warm-up
#: (see `average_decay`). The averaged generator is validated and kept, since the images of the
#: generator itself vary from epoch to epoch: the running means of its batch norm lag behind the
#: changing weights.
AVERAGE_DECAY = 0.99


#: Weight of the gradient penalty (Gulrajani et al. 2017).
GRADIENT_PENALTY = 10.0


#: Images with which the diversity of a vanilla GAN is measured.
N_DIVERSITY = 128


def average_decay(n: int) -> float:
    """Decay of the moving average in update n (from 1) of a training.

    It rises from 0.18 to `AVERAGE_DECAY`, so that the average forgets the initial weights within
    some ten updates instead of some hundred.
    """
    return min(AVERAGE_DECAY, (1 + n) / (10 + n))


class Trainer(Gan):
    """Generator, discriminator, their optimizers, and the best generator so far.

    Parameters
    ----------
    config : SrConfig
    bands : int
        Number of bands.
    device : torch.device

    Attributes
    ----------
    average : Module
        Generator with the exponential moving average of the weights.
    best : Module
        Averaged generator of the best epoch.
    chosen : dict
        Record of the best epoch: `epoch` (0: none yet), share of validation blends `detected`, and
        `fwhm_arcsec` of the PSF with which they were detected, and the `noise` of its images.
    n_updates : int
        Number of updates so far.
    """

    def __init__(self, config: SrConfig, bands: int, device: torch.device) -> None:
        self.config = config
        self.vanilla = config.kind == "vanilla"
        self.wasserstein = config.loss == "wasserstein"
        generator = build_generator(config, bands)
        self.average = build_generator(config, bands)
        self.average.load_state_dict(generator.state_dict())
        self.best = build_generator(config, bands)
        self.best.load_state_dict(generator.state_dict())
        discriminator = build_discriminator(config, bands)
        super().__init__(
            generator,
            discriminator if config.adversarial_weight else None,
            device=device,
            precision=config.precision,
            adversarial="non_saturating",
            other_networks={"average": self.average, "best": self.best},
        )
        self.add_optimizer("generator", generator, config.learning_rate, BETAS)
        if self.discriminator is not None:
            rate = config.discriminator_learning_rate
            self.add_optimizer("discriminator", self.discriminator, rate, BETAS)
        self.chosen: dict[str, Any] = {"epoch": 0, "detected": -1.0, "fwhm_arcsec": None}
        self.chosen["noise"] = None
        self.n_updates = 0

    def state(self) -> dict[str, Any]:
        """Record of the best epoch, and the number of updates."""
        return {"chosen": self.chosen, "n_updates": self.n_updates}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore what `state` returned."""
        self.chosen, self.n_updates = state["chosen"], state["n_updates"]

    def keep_as_best(self, row: dict[str, Any]) -> None:
        """Keep the averaged generator, described by a row of the history, as the best."""
        self.chosen = {
            "epoch": row["epoch"],
            "detected": row.get("val_detected", -1.0),
            "fwhm_arcsec": row.get("val_fwhm_arcsec"),
            "noise": row.get("val_noise"),
        }
        self.best.load_state_dict(self.average.state_dict())

    def step(
        self, given: torch.Tensor, high: torch.Tensor, mixing: torch.Tensor
    ) -> dict[str, torch.Tensor]:
        """Update both networks once.

        Parameters
        ----------
        given : Tensor
            Low-resolution images, or noise vectors.
        high : Tensor
            Real images.
        mixing : Tensor, shape (n, 1, 1, 1)
            Weights in [0, 1] of the real images in the mixtures of real and generated images at
            which the gradient penalty is measured.

        Returns
        -------
        dict
            Losses, on the device.
        """
        self._warm_up()
        low = None if self.vanilla else given
        images = self.generate(given)
        losses: dict[str, torch.Tensor] = {}
        loss = images.new_zeros(())
        if self.discriminator is not None:
            made = images.detach()
            penalty = partial(self._gradient_penalty, made, high, low, mixing)
            losses = self.update_discriminator(
                made, high, low, penalty=penalty if self.wasserstein else None
            )
            loss = self.config.adversarial_weight * self.adversarial(images, low)
        losses["generator"] = loss
        if not self.vanilla:
            losses["content"] = functional.l1_loss(images, high)
            loss = loss + self.config.content_weight * losses["content"]
        self.step_optimizer("generator", loss)
        self._update_average()
        return {name: value.detach() for name, value in losses.items()}

    def _warm_up(self) -> None:
        """Set the learning rates of this update."""
        steps = self.config.warm_up_steps
        if not steps or self.n_updates > steps:
            return
        share = min(1.0, (self.n_updates + 1) / steps)
        rates = {
            "generator": self.config.learning_rate,
            "discriminator": self.config.discriminator_learning_rate,
        }
        for name, optimizer in self.optimizers.items():
            for group in optimizer.param_groups:
                group["lr"] = share * rates[name]

    @torch.no_grad()
    def _update_average(self) -> None:
        """Update the exponential moving average of the generator's weights."""
        self.n_updates += 1
        decay = average_decay(self.n_updates)
        average, current = self.average.state_dict(), self.generator.state_dict()
        for name, value in average.items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])

    def logits(self, images: torch.Tensor, *given: torch.Tensor | None) -> torch.Tensor:
        """Logits of images, given the low-resolution ones or None: shape (n,)."""
        assert self.discriminator is not None
        with autocast(self.device, self.precision):
            return self.discriminator(images, *given).float()

    def discriminator_loss(self, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        """Cross entropy, or the negative Wasserstein distance."""
        if self.wasserstein:
            return made.mean() - real.mean()
        return super().discriminator_loss(real, made)

    def generator_loss(self, made: torch.Tensor) -> torch.Tensor:
        """Non-saturating loss, or the generator's part of the Wasserstein distance."""
        return -made.mean() if self.wasserstein else super().generator_loss(made)

    def _gradient_penalty(
        self,
        made: torch.Tensor,
        high: torch.Tensor,
        low: torch.Tensor | None,
        mixing: torch.Tensor,
    ) -> torch.Tensor:
        """Mean squared deviation of the critic's gradient norms from 1, times a weight."""
        assert self.discriminator is not None
        between = (mixing * high + (1 - mixing) * made).requires_grad_(True)
        (slope,) = torch.autograd.grad(
            self.discriminator(between, low).sum(), between, create_graph=True
        )
        return GRADIENT_PENALTY * (slope.flatten(1).norm(dim=1) - 1).pow(2).mean()


def not_learnt(row: dict[str, Any]) -> str | None:
    """Why a generator has learnt nothing, from its row of the history; None if it has learnt."""
    if row["diversity_ratio"] < COLLAPSE_SHARE:
        return (
            f"its images have collapsed to {row['diversity_ratio']:.2g} of the real ones' variety"
        )
    if row.get("val_detected", 1.0) == 0:
        return "it detects none of the validation blends"
    return None


def train(
    config: SrConfig,
    maker: PairMaker,
    rows: np.ndarray,
    validation: Validation,
    blending: HemmatiBlendConfig,
    *,
    device: torch.device,
    checkpoint: Checkpoint,
    on_epoch: Callable[[int], None] | None = None,
) -> tuple[nn.Module, pd.DataFrame, dict[str, Any]]:
    """Train a GAN; resume where an earlier call was interrupted.

    Parameters
    ----------
    config : SrConfig
    maker : PairMaker
    rows : ndarray of int
        Galaxies to train on.
    validation : Validation
    blending : HemmatiBlendConfig
    device : torch.device
    checkpoint : Checkpoint
    on_epoch : callable, optional
        Called with the number of epochs done.

    Returns
    -------
    generator : Module
        Averaged generator of the best epoch, or of the last epoch for a vanilla GAN.
    history : DataFrame
        One row per epoch.
    summary : dict
        Record of the training.

    Raises
    ------
    DeblendError
        The training has diverged, or no epoch had a reliable threshold.
    """
    bands = len(maker.bands)
    trainer = Trainer(config, bands, device)
    size, steps = config.batch_size, config.steps_per_epoch
    loop = Loop(
        checkpoint,
        trainer,
        total=config.epochs,
        images=steps * size,
        steps=steps,
        on_done=on_epoch,
    )
    for epoch in loop:
        trainer.generator.train()
        sums: dict[str, torch.Tensor] = {}
        blends = maker.draw(
            rows, epoch * steps * size, (epoch + 1) * steps * size, "train", blending
        )
        rng = random_generator(maker.seed, "hemmati2022 training", epoch)
        is_single = rng.uniform(size=len(blends)) >= config.blend_fraction
        if config.kind == "vanilla":
            is_single[:] = True
        singles = single_galaxies(blends)
        blends = blends.where(~pd.Series(is_single), singles).astype(blends.dtypes)
        noise = latent_vectors(maker.seed, len(blends), config.n_latent, epoch)
        mixing = rng.uniform(size=(len(blends), 1, 1, 1)).astype(np.float32)

        def pair(
            step: int, blends: pd.DataFrame = blends
        ) -> tuple[slice, tuple[np.ndarray, np.ndarray]]:
            batch = slice(step * size, (step + 1) * size)
            return batch, maker.scaled(blends.iloc[batch], "train")

        for step, (batch, (high, low)) in enumerate(made_ahead(pair, steps)):
            given = noise[batch] if config.kind == "vanilla" else low
            tensors = (torch.from_numpy(x).to(device) for x in (given, high, mixing[batch]))
            losses = trainer.step(*tensors)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0) + value
            loop.step(step + 1, generator=losses["generator"])
        means = {name: float(value) / steps for name, value in sums.items()}
        loop.check(means, config.learning_rate)
        row: dict[str, Any] = {"epoch": epoch + 1, **means}
        if config.kind == "vanilla":
            made = generate_images(
                trainer.average, latent_vectors(maker.seed, N_DIVERSITY, config.n_latent), device
            )
            row["diversity_ratio"] = diversity(made, validation.some_high(N_DIVERSITY))
            is_best = True
        else:
            row |= validation.check(trainer.average, device)
            is_best = (
                validation.has_reliable_threshold(row)
                and row["val_detected"] > trainer.chosen["detected"]
            )
        if is_best:
            trainer.keep_as_best(row)
        loop.record(row, note="best" if is_best else "")
        if problem := not_learnt(row):
            log.warning("epoch %d: %s", epoch + 1, problem)
    table, seconds = loop.finish()
    history, chosen = loop.history, trainer.chosen
    if not chosen["epoch"]:
        rate, allowed = min(row["val_false"] for row in history), validation.largest_rate
        raise DeblendError(
            f"{Path(checkpoint.path).stem} has learnt nothing in {len(history)} epochs: in each, "
            f"more than {allowed:.2%} of the unblended images show a false peak (the "
            f"least is {rate:.2%}). Train longer (epochs, steps_per_epoch), give the loss a "
            "content_weight, or validate on more blends (n_blends: validation)"
        )
    final = history[chosen["epoch"] - 1]
    threshold = None
    if config.kind != "vanilla":
        # That of its epoch would be too low: the epoch was chosen for its few false peaks.
        threshold = validation.final_threshold(
            trainer.best, device, chosen["fwhm_arcsec"], chosen["noise"]
        )
    summary = {
        **config.model_dump(),
        "bands": maker.bands,
        "n_epochs": len(history),
        "best_epoch": chosen["epoch"],
        "n_train_galaxies": len(rows),
        **galaxy_ranges(maker.galaxies.iloc[rows], maker.pixel_scale_arcsec),
        "n_train_blends": None,  # unlimited: each epoch draws new ones
        "blends_seen": len(history) * steps * size,
        "n_parameters_generator": n_parameters(trainer.generator),
        "n_parameters_discriminator": n_parameters(trainer.discriminator)
        if trainer.discriminator is not None
        else 0,
        "val_detected": chosen["detected"] if config.kind != "vanilla" else None,
        "psf_fwhm_arcsec": chosen["fwhm_arcsec"],
        "images": maker.record(),
        "peaks": {
            "fwhm_arcsec": chosen["fwhm_arcsec"],
            "threshold": threshold,
            "noise": chosen["noise"],
            "measure": validation.detection.peaks,
        },
        "problem": not_learnt(final),
        "seconds": seconds,
    }
    return trainer.best, table, summary


def train_from_config(
    cutouts: str | Path,
    split: str | Path,
    network: dict[str, Any],
    blending: dict[str, Any],
    detection: dict[str, Any],
    maker: dict[str, Any],
    *,
    n_validation_blends: int,
    device: torch.device,
    checkpoint: str | Path,
    fingerprinted: dict[str, Any],
) -> tuple[nn.Module, pd.DataFrame, dict[str, Any]]:
    """Train a GAN as the configuration says.

    Parameters
    ----------
    cutouts, split : path
        See `deblend.hemmati2022.pairs.read_cutouts`.
    network : dict
        Options of `SrConfig`.
    blending, detection : dict
        Options of `HemmatiBlendConfig` and of `Detection`.
    maker : dict
        Options of `deblend.hemmati2022.pairs.make_pair_maker`.
    n_validation_blends : int
    device : torch.device
    checkpoint : path
        File of the training state. The caller removes it after writing the results.
    fingerprinted : dict
        Other values that the result depends on: threads, the version of PyTorch, and "code", a
        digest of the code.

    Returns
    -------
    generator, history, summary
        See `train`.
    """
    stamps, rows = read_cutouts(cutouts, split)
    pair_maker = make_pair_maker(stamps, rows, **maker)
    blend_config = HemmatiBlendConfig(**blending)
    validation = Validation(
        pair_maker,
        rows,
        n_validation_blends,
        blend_config,
        Detection(**detection),
        pair_maker.bands.index(maker["detection_band"]),
        PART,
    )
    configuration = {
        "network": network,
        "blending": blending,
        "detection": detection,
        "maker": maker,
        "n": n_validation_blends,
        # Not the name of the GPU, since a retry may get another one.
        "device": device.type,
        **fingerprinted,
    }
    state = Checkpoint(checkpoint, fingerprint(configuration, [cutouts, split]))
    config = SrConfig(**network)
    return train(
        config, pair_maker, rows["train"], validation, blend_config, device=device, checkpoint=state
    )


def layer_tables(config: SrConfig, generator: nn.Module, bands: int) -> list[pd.DataFrame]:
    """Tables of the layers of the generator and of its discriminator, for Figure 1.

    Parameters
    ----------
    config : SrConfig
    generator : Module
        It is moved to the CPU.
    bands : int
        Number of bands.

    Returns
    -------
    list of DataFrame
        See `deblend.training.torch_layers.trace_layers`.
    """
    low, high = torch.zeros(1, bands, LOW_PX, LOW_PX), torch.zeros(1, bands, HIGH_PX, HIGH_PX)
    given = torch.zeros(1, config.n_latent) if config.kind == "vanilla" else low
    discriminator = build_discriminator(config, bands)
    return [trace_layers(generator.cpu(), given), trace_layers(discriminator, high, low)]


def train_and_write(
    outputs: Outputs,
    cutouts: str | Path,
    split: str | Path,
    network: dict[str, Any],
    blending: dict[str, Any],
    detection: dict[str, Any],
    maker: dict[str, Any],
    *,
    n_validation_blends: int,
    layers: tuple[str | Path, str | Path],
    device: torch.device,
    checkpoint: str | Path,
    code: str,
    recorded: dict[str, Any],
) -> None:
    """Train a GAN as the configuration says, and write all that is kept of it.

    The checkpoint is deleted when everything is written: until then, another call resumes from it.

    Parameters
    ----------
    outputs : dict of path
        `weights`, `description`, `history`, `timing`.
    cutouts, split, network, blending, detection, maker, n_validation_blends, device
        See `train_from_config`.
    layers : (path, path)
        CSV tables of the layers of the generator and of the discriminator.
    checkpoint : path
        File of the training state.
    code : str
        Digest of the code.
    recorded : dict
        `scale`, `threads` and versions, which the description contains. A checkpoint is only used
        if `threads` and `backend_version` are still the same.
    """
    generator, history, record = train_from_config(
        cutouts,
        split,
        network,
        blending,
        detection,
        maker,
        n_validation_blends=n_validation_blends,
        device=device,
        checkpoint=checkpoint,
        fingerprinted={
            "code": code,
            "threads": recorded["threads"],
            "backend": recorded["backend_version"],
        },
    )
    record |= {"dataset": maker["name"], "seed": maker["seed"]}
    with training_outputs(outputs["timing"], record, recorded, [checkpoint]) as description:
        write_weights(outputs["weights"], generator)
        write_json(outputs["description"], description)
        write_csv(outputs["history"], history)
        tables = layer_tables(SrConfig(**network), generator, len(maker["bands"]))
        for path, table in zip(layers, tables, strict=True):
            write_csv(path, table)
