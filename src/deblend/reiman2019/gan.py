"""One step of the training of the branched GAN: losses, optimizers and learning rates.

See Reiman & Goehre 2019, Sects 2.2.2 and 2.4.
"""

import math

import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.networks import Discriminator, VggFeatures, build_generator
from deblend.training.torch_backend import autocast, move_to_device
from deblend.training.torch_gan import Gan
from torch.nn import functional


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
