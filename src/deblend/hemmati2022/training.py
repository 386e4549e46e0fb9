"""Train the GANs of Hemmati et al. 2022, so that they can be killed at any moment.

Sect. 3: minimax (cross entropy) by default, Wasserstein with a gradient penalty as an option, and
a content term (mean absolute difference) as another. Which epoch is kept is decided on validation
blends: by the share of them whose two galaxies are found in the GAN's images, at a threshold that
unblended validation images set.
"""

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import torch
from deblend.hemmati2022.blends import HemmatiBlendConfig, main_pair, true_positions
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.networks import (
    SrConfig,
    build_discriminator,
    build_generator,
)
from deblend.hemmati2022.pairs import PairMaker, isolated
from deblend.hemmati2022.peaks import (
    SINGLES,
    TOLERANCE,
    count_peaks,
    detect_blends,
    find_peaks,
    gan_psf,
    set_threshold,
    typical_noise,
)
from deblend.hemmati2022.predict import generated, latent
from deblend.seeds import generator as random_generator
from deblend.training.loop import Loop
from deblend.training.torch_backend import autocast
from deblend.training.torch_checkpoint import Checkpoint
from deblend.training.torch_gan import COLLAPSE_SHARE, Gan
from deblend.training.torch_layers import n_parameters
from torch import nn
from torch.nn import functional

log = logging.getLogger(__name__)


#: As DCGAN's (Radford et al. 2016).
BETAS = (0.5, 0.999)


#: Weight of the past, an update, in the mean generator that is looked at and kept: batch norm's own
#: means lag behind weights that move, and images swing from epoch to epoch.
AVERAGE = 0.99


GRADIENT_PENALTY = 10.0


BATCH = 128


class Trainer(Gan):
    """Generator, discriminator, their optimizers, and the best generator so far.

    Parameters
    ----------
    config : SrConfig
    bands : int
    device : torch.device

    Attributes
    ----------
    chosen : dict
        Of the best generator: `epoch` (0: none yet), share of validation blends `detected`, and
        `fwhm_arcsec` of the PSF for which they were.
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
            discriminator,
            device=device,
            precision=config.precision,
            adversarial="non_saturating",
            other_networks={"average": self.average, "best": self.best},
        )
        self.add_optimizer("generator", generator, config.learning_rate, BETAS)
        rate = config.discriminator_learning_rate
        self.add_optimizer("discriminator", discriminator, rate, BETAS)
        self.chosen: dict[str, Any] = {"epoch": 0, "detected": -1.0, "fwhm_arcsec": None}

    def state(self) -> dict[str, Any]:
        """Of the best generator."""
        return self.chosen

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state written earlier."""
        self.chosen = state

    def choose(self, row: dict[str, Any]) -> None:
        """Keep the mean generator, of which a row of the history tells, as the best."""
        self.chosen = {
            "epoch": row["epoch"],
            "detected": row.get("val_detected", -1.0),
            "fwhm_arcsec": row.get("val_fwhm_arcsec"),
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
            In [0, 1]: places between real and made images, for the gradient penalty.

        Returns
        -------
        dict
            Losses, on the device.
        """
        low = None if self.vanilla else given
        images = self.generate(given)
        made = images.detach()
        penalty = partial(self._gradient_penalty, made, high, low, mixing)
        found = self.update_discriminator(
            made, high, low, penalty=penalty if self.wasserstein else None
        )
        loss = found["generator"] = self.adversarial(images, low)
        if not self.vanilla:
            found["content"] = functional.l1_loss(images, high)
            loss = loss + self.config.content_weight * found["content"]
        self.step_optimizer("generator", loss)
        self._average()
        return {name: value.detach() for name, value in found.items()}

    @torch.no_grad()
    def _average(self) -> None:
        """Move the mean generator a little towards the present one."""
        past, now = self.average.state_dict(), self.generator.state_dict()
        for name, value in past.items():
            if value.is_floating_point():
                value.lerp_(now[name], 1 - AVERAGE)
            else:
                value.copy_(now[name])

    def logits(self, images: torch.Tensor, *given: torch.Tensor | None) -> torch.Tensor:
        """Of images, given the low-resolution ones or None: shape (n,)."""
        assert self.discriminator is not None
        with autocast(self.device, self.precision):
            return self.discriminator(images, *given).float()

    def discriminator_loss(self, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        """Cross entropy, or the Wasserstein distance with its sign changed."""
        if self.wasserstein:
            return made.mean() - real.mean()
        return super().discriminator_loss(real, made)

    def generator_loss(self, made: torch.Tensor) -> torch.Tensor:
        """Non-saturating, or of the Wasserstein distance."""
        return -made.mean() if self.wasserstein else super().generator_loss(made)

    def _gradient_penalty(
        self,
        made: torch.Tensor,
        high: torch.Tensor,
        low: torch.Tensor | None,
        mixing: torch.Tensor,
    ) -> torch.Tensor:
        """How far the critic's slope between real and made images is from one, squared."""
        assert self.discriminator is not None
        between = (mixing * high + (1 - mixing) * made).requires_grad_(True)
        (slope,) = torch.autograd.grad(
            self.discriminator(between, low).sum(), between, create_graph=True
        )
        return GRADIENT_PENALTY * (slope.flatten(1).norm(dim=1) - 1).pow(2).mean()


class Validation:
    """Validation blends and single galaxies, and how many of them a generator gives away."""

    def __init__(
        self,
        maker: PairMaker,
        rows: np.ndarray,
        n: int,
        blending: HemmatiBlendConfig,
        detection: Detection,
        band: int,
    ) -> None:
        self.maker, self.detection, self.band = maker, detection, band
        self.blends = maker.draw(rows, 0, n, "validation", blending)
        single = isolated(maker.draw(rows, n, (1 + SINGLES) * n, "validation", blending))
        self.high, self.low = maker.scaled(self.blends, "validation")
        self.low_single = maker.scaled(single, "validation")[1]
        pair = main_pair(self.blends)
        positions = true_positions(self.blends)[np.arange(n)[:, None], pair]
        self.positions = positions - 1  # the crop's

    def check(self, generator: nn.Module, device: torch.device) -> dict[str, float]:
        """Share of blends whose two galaxies are found, and whether images have collapsed.

        Returns
        -------
        dict
            `val_detected`, `val_threshold`, set on half of the singles, `val_false`, the share of
            the other half with a second peak, and the `val_fwhm_arcsec` of the PSF for which they
            are; `val_content` (mean absolute difference), `diversity_ratio`.
        """
        images = generated(generator, self.low, device)
        single = generated(generator, self.low_single, device)
        found = {
            "val_content": float(np.abs(images - self.high).mean()),
            "diversity_ratio": diversity(images, self.high),
        }
        images, single = images[:, self.band], single[:, self.band]
        each = [self._found(images, single, x) for x in self.detection.fwhm_arcsec]
        # The first is a threshold that can be trusted.
        best = max(each, key=lambda x: (self.trusts(x), x["val_detected"]))
        return {**best, **found}

    def trusts(self, found: dict[str, float]) -> bool:
        """Whether the singles that did not set a threshold bear it out."""
        return found["val_false"] <= TOLERANCE * self.detection.false_positive_rate

    def _found(
        self, images: np.ndarray, single: np.ndarray, fwhm_arcsec: float
    ) -> dict[str, float]:
        """What `check` returns of peaks, with one PSF."""
        psf = gan_psf(fwhm_arcsec, self.maker)
        noise = typical_noise(single)
        half = len(single) // 2
        rate = self.detection.false_positive_rate
        threshold = set_threshold(single[:half], psf, false_positive_rate=rate, noise=noise)
        others = find_peaks(single[half:], psf, threshold, noise=noise)
        false = count_peaks(others, len(single) - half, threshold) > 1
        table = detect_blends(
            find_peaks(images, psf, noise=noise),
            self.positions,
            threshold=threshold,
            radius_px=self.detection.radius_px,
        )
        return {
            "val_detected": float(table["detected"].mean()),
            "val_threshold": threshold,
            "val_false": float(false.mean()),
            "val_fwhm_arcsec": fwhm_arcsec,
        }


def diversity(images: np.ndarray, real: np.ndarray) -> float:
    """How much images differ from one another, over how much real ones do (0: all the same)."""
    return float(images.std(axis=0).mean() / max(real.std(axis=0).mean(), 1e-12))


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
        Of the best epoch for super-resolution, of the last for a vanilla GAN.
    history : DataFrame
        A row an epoch.
    summary : dict
        To be recorded beside every metric.

    Raises
    ------
    DeblendError
        The training has diverged.
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
        alone = rng.uniform(size=len(blends)) >= config.blend_fraction
        if config.kind == "vanilla":
            alone[:] = True
        singles = isolated(blends)
        blends = blends.where(~pd.Series(alone), singles).astype(blends.dtypes)
        noise = latent(maker.seed, len(blends), config.n_latent, epoch)
        mixing = rng.uniform(size=(len(blends), 1, 1, 1)).astype(np.float32)
        for step in range(steps):
            here = slice(step * size, (step + 1) * size)
            high, low = maker.scaled(blends.iloc[here], "train")
            given = noise[here] if config.kind == "vanilla" else low
            tensors = (torch.from_numpy(x).to(device) for x in (given, high, mixing[here]))
            losses = trainer.step(*tensors)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0) + value
            loop.step(step + 1, generator=losses["generator"])
        means = {name: float(value) / steps for name, value in sums.items()}
        loop.check(means, config.learning_rate)
        row: dict[str, Any] = {"epoch": epoch + 1, **means}
        if config.kind == "vanilla":
            made = generated(trainer.average, latent(maker.seed, BATCH, config.n_latent), device)
            row["diversity_ratio"] = diversity(made, validation.high[:BATCH])
            better = True
        else:
            row |= validation.check(trainer.average, device)
            better = validation.trusts(row) and row["val_detected"] > trainer.chosen["detected"]
        if better:
            trainer.choose(row)
        loop.record(row, note="best" if better else "")
        if row["diversity_ratio"] < COLLAPSE_SHARE:
            log.warning(
                "epoch %d: the images have collapsed to %.2g of the real ones' variety",
                epoch + 1,
                row["diversity_ratio"],
            )
    table, seconds = loop.finish()
    history, chosen = loop.history, trainer.chosen
    assert trainer.discriminator is not None
    summary = {
        **config.model_dump(),
        "bands": maker.bands,
        "n_epochs": len(history),
        "best_epoch": chosen["epoch"],
        "n_train_galaxies": len(rows),
        "n_train_blends": None,  # endless: each epoch draws new ones
        "blends_seen": len(history) * steps * size,
        "n_parameters_generator": n_parameters(trainer.generator),
        "n_parameters_discriminator": n_parameters(trainer.discriminator),
        "val_detected": chosen["detected"] if config.kind != "vanilla" else None,
        "psf_fwhm_arcsec": chosen["fwhm_arcsec"],
        # No epoch may have been trusted: the first weights are what there is then.
        "collapsed": history[max(chosen["epoch"], 1) - 1]["diversity_ratio"] < COLLAPSE_SHARE,
        "seconds": seconds,
    }
    return trainer.best, table, summary
