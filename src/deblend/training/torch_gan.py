"""What two generative adversarial networks' trainings have in common: losses and updates."""

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from deblend.training.torch_backend import autocast, place
from torch import nn
from torch.nn import functional

#: What a generator can minimise: -log D(G), or log(1 - D(G)).
ADVERSARIAL = ("non_saturating", "minimax")


#: Images that differ from one another by less than this share of what true ones do have collapsed.
SAME = 0.2


def adversarial_loss(logits: torch.Tensor, kind: str) -> torch.Tensor:
    """What the generator minimises, of the discriminator's logits of its images.

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
    """A generator, its discriminator, their optimizers, and what an update of each is made of.

    Parameters
    ----------
    generator : Module
    discriminator : Module or None
        None: the generator is trained without one.
    device : torch.device
        Where all networks are moved to.
    precision : {"float32", "bfloat16"}
        See `deblend.training.torch_backend.autocast`.
    adversarial : {"non_saturating", "minimax"}
        See `adversarial_loss`.
    others : dict, optional
        More networks that a checkpoint keeps, by name.

    Attributes
    ----------
    optimizers : dict
        Name to Adam: see `add_optimizer`.
    panels : list of ndarray
        Images that a checkpoint keeps, for a figure of the training.
    """

    def __init__(
        self,
        generator: nn.Module,
        discriminator: nn.Module | None,
        *,
        device: torch.device,
        precision: str,
        adversarial: str,
        others: dict[str, nn.Module] | None = None,
    ) -> None:
        self.generator, self.discriminator = generator, discriminator
        self.device, self.precision, self.adversarial_kind = device, precision, adversarial
        self._others = others or {}
        self.optimizers: dict[str, torch.optim.Adam] = {}
        self.panels: list[np.ndarray] = []
        for network in self.networks().values():
            place(network, device)

    def networks(self) -> dict[str, nn.Module]:
        """What a checkpoint keeps."""
        both = {"generator": self.generator, "discriminator": self.discriminator}
        return {name: net for name, net in both.items() if net is not None} | self._others

    def state(self) -> dict[str, Any]:
        """What else a checkpoint keeps: nothing."""
        return {}

    def restore(self, state: dict[str, Any]) -> None:
        """Take up a state written earlier."""

    def add_optimizer(
        self,
        name: str,
        network: nn.Module,
        learning_rate: float,
        betas: tuple[float, float] = (0.9, 0.999),
    ) -> None:
        """Make an optimizer of a network's weights."""
        self.optimizers[name] = torch.optim.Adam(network.parameters(), learning_rate, betas=betas)

    def images_of(self, given: torch.Tensor) -> torch.Tensor:
        """The generator's images, float32, for it to learn from."""
        with autocast(self.device, self.precision):
            images = self.generator(given)
        return images.float()

    def logits(self, images: torch.Tensor, *given: torch.Tensor | None) -> torch.Tensor:
        """The discriminator's logits of images, float32, shape (n,).

        Parameters
        ----------
        images : Tensor
        *given
            What the discriminator sees beside them.
        """
        raise NotImplementedError

    def discriminator_loss(self, real: torch.Tensor, made: torch.Tensor) -> torch.Tensor:
        """What the discriminator minimises, of its logits of real and of made images.

        To minimise this is to maximise log D(x) + log(1 - D(G(z))).
        """
        return functional.softplus(-real).mean() + functional.softplus(made).mean()

    def generator_loss(self, made: torch.Tensor) -> torch.Tensor:
        """What the generator minimises, of the discriminator's logits of its images."""
        return adversarial_loss(made, self.adversarial_kind)

    def update_discriminator(
        self,
        images: torch.Tensor,
        truth: torch.Tensor,
        *given: torch.Tensor | None,
        penalty: Callable[[], torch.Tensor] | None = None,
    ) -> dict[str, torch.Tensor]:
        """Update the discriminator once.

        Parameters
        ----------
        images, truth : Tensor
            Made, detached from the generator, and real.
        *given
            What the discriminator sees beside them.
        penalty : callable, optional
            More for it to minimise.

        Returns
        -------
        dict
            Its loss `discriminator`, and its mean probabilities `d_real` and `d_fake` of real and
            of made images' being real.
        """
        real, made = self.logits(truth, *given), self.logits(images, *given)
        loss = self.discriminator_loss(real, made)
        if penalty is not None:
            loss = loss + penalty()
        self.descend("discriminator", loss)
        return {
            "discriminator": loss,
            "d_real": torch.sigmoid(real).mean(),
            "d_fake": torch.sigmoid(made).mean(),
        }

    def adversarial(self, images: torch.Tensor, *given: torch.Tensor | None) -> torch.Tensor:
        """The generator's adversarial loss; no gradient goes to the discriminator's weights.

        Parameters
        ----------
        images : Tensor
            From `images_of`.
        *given
            What the discriminator sees beside them.
        """
        assert self.discriminator is not None
        self.discriminator.requires_grad_(False)
        loss = self.generator_loss(self.logits(images, *given))
        self.discriminator.requires_grad_(True)
        return loss

    def descend(self, name: str, loss: torch.Tensor) -> None:
        """One step of an optimizer down a loss's gradient."""
        self.optimizers[name].zero_grad(set_to_none=True)
        loss.backward()
        self.optimizers[name].step()


def in_batches(
    generator: nn.Module,
    given: torch.Tensor,
    device: torch.device,
    *,
    batch_size: int,
    precision: str = "float32",
) -> torch.Tensor:
    """A generator's images, in batches, its batch norms as they were learned.

    Parameters
    ----------
    generator : Module
    given : Tensor, shape (n, ...)
        On any device, laid out in memory as the generator likes it.
    device : torch.device
    batch_size : int
    precision : {"float32", "bfloat16"}

    Returns
    -------
    Tensor, shape (n, ...), float32
        On the host.
    """
    generator.eval()
    with torch.inference_mode(), autocast(device, precision):
        parts = [generator(part.to(device)).float().cpu() for part in given.split(batch_size)]
    return torch.cat(parts)
