"""Losses and updates that the generative adversarial networks (GANs) of two papers share."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from deblend.training.torch_backend import autocast, move_to_device
from torch import nn
from torch.nn import functional

#: A generator has collapsed if its images differ from each other by less than this share of the
#: differences between true images.
COLLAPSE_SHARE = 0.2


def adversarial_loss(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """Adversarial loss of the generator, from the discriminator's logits of its images.

    Parameters
    ----------
    logits : Tensor, shape (n,)
    kind : {"non_saturating", "minimax"}

    References
    ----------
    Goodfellow et al. 2014, Sect. 3; Reiman & Goehre 2019, eqs 1 and 2.
    """
    if kind == "minimax":
        return -functional.softplus(logits).mean()  # log(1 - D)
    return functional.softplus(-logits).mean()  # -log D


class Gan:
    """A generator, its discriminator, their optimizers, and the updates of both.

    Parameters
    ----------
    generator : Module
    discriminator : Module or None
        With None, the generator is trained without a discriminator.
    device : torch.device
        Device that all networks are moved to.
    precision : {"float32", "bfloat16"}
        See `deblend.training.torch_backend.autocast`.
    adversarial : {"non_saturating", "minimax"}
        See `adversarial_loss`.
    other_networks : dict, optional
        Further networks that a checkpoint contains, by name.

    Attributes
    ----------
    optimizers : dict
        Adam optimizers by name: see `add_optimizer`.
    panels : list of ndarray
        Images that a checkpoint contains, for a figure of the training.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        *,
        device: torch.device,
        precision: str,
        adversarial: str,
        other_networks: dict[str, nn.Module] | None = None,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.device, self.precision, self.adversarial_kind = device, precision, adversarial
        self._other_networks = other_networks or {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.panels: list[np.ndarray] = []
        for network in self.networks().values():
            move_to_device(network, device)

    def networks(self) -> dict[str, nn.Module]:
        """Networks that a checkpoint contains, by name."""
        both = {"generator": self.generator, "discriminator": self.discriminator}
        return {name: net for name, net in both.items() if net is not None} | self._other_networks

    def state(self) -> dict[str, Any]:
        """Further values that a checkpoint contains: none."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Restore the values that `state` returned."""

    def add_optimizer(
        self,
        name: str,
        network: nn.Module,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """Create an Adam optimizer for the weights of a network."""
        self.optimizers[name] = torch.optim.Adam(network.parameters(), learning_rate, betas=betas)

    def generate(self, inputs: torch.Tensor) -> torch.Tensor:
        """Images of the generator, float32, with gradients."""
        with autocast(self.device, self.precision):
            images = self.generator(inputs)
        return images.float()

    def logits(self, images: torch.Tensor, *conditions: torch.Tensor | None) -> torch.Tensor:
        """Logits of the discriminator for images, float32, shape (n,).

        Parameters
        ----------
        images : Tensor
        *conditions
            Further inputs of the discriminator.
        """
        raise NotImplementedError

    def discriminator_loss(self, real: torch.Tensor, generated: torch.Tensor) -> torch.Tensor:
        """Loss of the discriminator, from its logits of real and of generated images.

        Minimising it means maximising log D(x) + log(1 - D(G(z))).
        """
        return functional.softplus(-real).mean() + functional.softplus(generated).mean()

    def generator_loss(self, generated: torch.Tensor) -> torch.Tensor:
        """Loss of the generator, from the discriminator's logits of its images."""
        return adversarial_loss(generated, self.adversarial_kind)

    def update_discriminator(
        self,
        images: torch.Tensor,
        truth: torch.Tensor,
        *conditions: torch.Tensor | None,
        penalty: Callable[[], torch.Tensor] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Update the discriminator once.

        Parameters
        ----------
        images, truth : Tensor
            Generated images, detached from the generator, and real images.
        *conditions
            Further inputs of the discriminator.
        penalty : callable, optional
            Function that returns a term to be added to the loss.

        Returns
        -------
        dict
            `discriminator`, the loss, and `d_real` and `d_fake`, the mean probabilities that the
            discriminator assigns to real and generated images of being real.
        """
        real, generated = self.logits(truth, *conditions), self.logits(images, *conditions)
        loss = self.discriminator_loss(real, generated)
        if penalty is not None:
            loss = loss + penalty()
        self.step_optimizer("discriminator", loss)
        return {
            "discriminator": loss,
            "d_real": torch.sigmoid(real).mean(),
            "d_fake": torch.sigmoid(generated).mean(),
        }

    def adversarial(self, images: torch.Tensor, *conditions: torch.Tensor | None) -> torch.Tensor:
        """Adversarial loss of the generator, without gradients of the discriminator's weights.

        Parameters
        ----------
        images : Tensor
            Images from `generate`.
        *conditions
            Further inputs of the discriminator.
        """
        assert self.discriminator is not None
        self.discriminator.requires_grad_(False)
        loss = self.generator_loss(self.logits(images, *conditions))
        self.discriminator.requires_grad_(True)
        return loss

    def step_optimizer(self, name: str, loss: torch.Tensor, norm_max: float | None = None) -> None:
        """Do one step of an optimizer with the gradient of a loss.

        Parameters
        ----------
        name : str
        loss : Tensor, shape ()
        norm_max : float, optional
            A gradient with a larger norm is scaled down to it.
        """
        optimizer = self.optimizers[name]
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        if norm_max is not None:
            for group in optimizer.param_groups:
                nn.utils.clip_grad_norm_(group["params"], norm_max)
        optimizer.step()


def generate_in_batches(
    generator: nn.Module,
    inputs: torch.Tensor,
    device: torch.device,
    *,
    batch_size: int,
    precision: str = "float32",
) -> torch.Tensor:
    """Images of a generator in evaluation mode, computed in batches.

    Parameters
    ----------
    generator : Module
    inputs : Tensor, shape (n, ...)
        On any device, in the memory layout that the generator expects.
    device : torch.device
    batch_size : int
    precision : {"float32", "bfloat16"}

    Returns
    -------
    Tensor, shape (n, ...), float32
        On the CPU.
    """
    generator.eval()
    with torch.inference_mode(), autocast(device, precision):
        parts = [generator(part.to(device)).float().cpu() for part in inputs.split(batch_size)]
    return torch.cat(parts)
