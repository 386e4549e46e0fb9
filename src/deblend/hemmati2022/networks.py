"""GANs that make galaxies, and that raise the resolution (Hemmati et al. 2022, Sect. 3, Fig. 1).

The paper names the kinds of layers and of activations (those of DCGAN, Radford et al. 2016), and
gives no numbers of layers, filters or kernels that can be read: they are ours.
"""

from collections import OrderedDict

import torch
from deblend.errors import DeblendError
from deblend.hemmati2022.config import SrConfig
from deblend.training.torch_layers import Add, Tanh
from torch import nn
from torch.nn import functional

LEAK = 0.2


#: Sides of the high-resolution cut-outs, of the low-resolution ones, and of what the latter become.
HIGH_PX, LOW_PX, FRAME_PX = 64, 22, 66


def _initialised(network: nn.Module) -> None:
    """Weights as DCGAN's: normal, of width 0.02."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)


class NoiseGenerator(nn.Module):
    """The vanilla GAN's: from a vector of noise to a galaxy (Fig. 1, second row).

    Parameters
    ----------
    n_latent : int
        Length of the vector.
    filters : int
        Of the last but one layer; twice as many with each halving of the image.
    bands : int
    """

    def __init__(self, n_latent: int, filters: int, bands: int) -> None:
        super().__init__()
        self.n_latent = n_latent
        layers: list[nn.Module] = []
        inputs = n_latent
        for i, factor in enumerate((8, 4, 2, 1)):
            stride, padding = (1, 0) if i == 0 else (2, 1)
            layers += [
                nn.ConvTranspose2d(inputs, factor * filters, 4, stride, padding, bias=False),
                nn.BatchNorm2d(factor * filters),
                nn.ReLU(),
            ]
            inputs = factor * filters
        self.layers = nn.Sequential(*layers, nn.ConvTranspose2d(filters, bands, 4, 2, 1), Tanh())
        _initialised(self)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Images (n, bands, 64, 64) in [-1, 1] of noise (n, n_latent)."""
        return self.layers(noise[..., None, None])


def _convolution(inputs: int, outputs: int, side: int, batch_norm: bool) -> nn.Sequential:
    """A convolution, which a batch norm follows or not."""
    layer = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=not batch_norm)
    return nn.Sequential(layer, *([nn.BatchNorm2d(outputs)] if batch_norm else []))


class _Block(nn.Module):
    """Two convolutions and the input added: what keeps positions through many layers."""

    def __init__(self, filters: int, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = _convolution(filters, filters, 3, batch_norm)
        self.relu = nn.ReLU()
        self.conv2 = _convolution(filters, filters, 3, batch_norm)
        self.add = Add()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.add(self.conv2(self.relu(self.conv1(x))), x)


class SuperResolver(nn.Module):
    """From low to high resolution, of one band or many (Fig. 1, third and fourth rows).

    Convolutions at the low resolution's 22 px, the first one's output added to the last's, one
    transposed convolution to 66, of which the central 64 are the image.

    Parameters
    ----------
    bands : int
    filters : int
        At the low resolution; half as many at the high one.
    blocks : int
        Pairs of convolutions at the low resolution.
    batch_norm : bool
        After each convolution, as Sect. 3 has it. It makes a galaxy's brightness depend on the
        others in the batch: without it, small networks learned far sooner.
    """

    def __init__(self, bands: int, filters: int, blocks: int, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(bands, filters, 5, padding=2)
        self.relu_in = nn.ReLU()
        # Their names are those that Figure 1 knows blocks by.
        named = {f"block{i}": _Block(filters, batch_norm) for i in range(blocks)}
        self.blocks = nn.Sequential(OrderedDict(named))
        self.add = Add()
        # Nine is three times the stride: each pixel is made of as many as its neighbours. Half the
        # filters, on nine times the pixels: they are half the work as it is.
        fine = max(1, filters // 2)
        up = nn.ConvTranspose2d(filters, fine, 9, stride=3, padding=3, bias=not batch_norm)
        self.up = nn.Sequential(up, *([nn.BatchNorm2d(fine)] if batch_norm else []))
        self.relu_up = nn.ReLU()
        self.conv_high = _convolution(fine, fine, 3, batch_norm)
        self.relu_high = nn.ReLU()
        self.conv_out = nn.Conv2d(fine, bands, 5, padding=2)
        self.tanh = Tanh()

    def forward(self, low: torch.Tensor) -> torch.Tensor:
        """Images (n, bands, 64, 64) of (n, bands, 22, 22), both scaled to [-1, 1]."""
        first = self.relu_in(self.conv_in(low))
        x = self.add(self.blocks(first), first)
        x = self.relu_up(self.up(x))
        x = self.relu_high(self.conv_high(x))
        return cropped(self.tanh(self.conv_out(x)))


def cropped(frames: torch.Tensor) -> torch.Tensor:
    """The central 64 of 66 pixels, so that pixel 33 becomes pixel 32."""
    return frames[..., 1:-1, 1:-1]


class Discriminator(nn.Module):
    """Logit of an image being a real high-resolution one.

    Parameters
    ----------
    bands : int
    filters : int
        Of the first convolution; twice as many with each halving.
    conditional : bool
        It sees the low-resolution image too: is this the high-resolution image *of that one*?
        (Fig. 1's caption calls these GANs conditional.)
    batch_norm : bool
        Not for the gradient penalty, which is an image's own (Gulrajani et al. 2017, Sect. 4).
    """

    def __init__(
        self, bands: int, filters: int, conditional: bool, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.conditional = conditional
        layers: list[nn.Module] = []
        inputs = bands * (2 if conditional else 1)
        for i, factor in enumerate((1, 2, 4, 8)):
            # The first and the last layer have no batch norm, as DCGAN's.
            normed = batch_norm and i > 0
            layers.append(nn.Conv2d(inputs, factor * filters, 4, 2, 1, bias=not normed))
            if normed:
                layers.append(nn.BatchNorm2d(factor * filters))
            layers.append(nn.LeakyReLU(LEAK))
            inputs = factor * filters
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4))
        _initialised(self)

    def forward(self, images: torch.Tensor, low: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (n,) of images (n, bands, 64, 64), beside what they were made of."""
        if self.conditional:
            if low is None:
                raise DeblendError("a conditional discriminator needs the low-resolution images")
            # Each pixel three times over; the same crop as the images'.
            beside = cropped(functional.interpolate(low, scale_factor=FRAME_PX // LOW_PX))
            images = torch.cat([images, beside], dim=1)
        return self.layers(images)[:, 0, 0, 0]


def build_generator(config: SrConfig, bands: int) -> nn.Module:
    """The generator that a configuration describes."""
    if config.kind == "vanilla":
        return NoiseGenerator(config.n_latent, config.filters, bands)
    return SuperResolver(bands, config.filters, config.blocks, config.batch_norm)


def build_discriminator(config: SrConfig, bands: int) -> Discriminator:
    """The discriminator that a configuration describes; a vanilla GAN's is never conditional."""
    return Discriminator(
        bands,
        config.discriminator_filters,
        config.conditional and config.kind != "vanilla",
        batch_norm=config.loss != "wasserstein",
    )
