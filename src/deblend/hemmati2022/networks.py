"""GANs that make galaxies, or raise the resolution of images (Hemmati et al. 2022, Sect. 3).

The paper gives the kinds of layers and activations (those of DCGAN, Radford et al. 2016). The
numbers of layers and filters and the sizes of kernels are our choice, since they cannot be read in
the paper.
"""

from collections import OrderedDict

import torch
from deblend.errors import DeblendError
from deblend.hemmati2022.config import SrConfig
from deblend.training.torch_layers import Add, Tanh
from torch import nn
from torch.nn import functional

#: Slope of the leaky ReLU for negative values.
LEAKY_SLOPE = 0.2


#: Sides of the high- and low-resolution images, and of the frame to which the latter are enlarged.
HIGH_PX, LOW_PX, FRAME_PX = 64, 22, 66


def _initialise_weights(network: nn.Module) -> None:
    """Initialise weights as in DCGAN: normally distributed with a standard deviation of 0.02."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.normal_(layer.weight, 0.0, 0.02)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
        elif isinstance(layer, nn.BatchNorm2d):
            nn.init.normal_(layer.weight, 1.0, 0.02)


class NoiseGenerator(nn.Module):
    """Generator of the vanilla GAN: from a noise vector to a galaxy (Fig. 1, second row).

    Parameters
    ----------
    n_latent : int
        Length of the noise vector.
    filters : int
        Filters of the layer before the last; each layer before has twice as many.
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
        _initialise_weights(self)

    def forward(self, noise: torch.Tensor) -> torch.Tensor:
        """Images (n, bands, 64, 64) in [-1, 1] from noise (n, n_latent)."""
        return self.layers(noise[..., None, None])


def _convolution(inputs: int, outputs: int, side: int, batch_norm: bool) -> nn.Sequential:
    """A convolution, optionally followed by a batch norm."""
    layer = nn.Conv2d(inputs, outputs, side, padding=side // 2, bias=not batch_norm)
    return nn.Sequential(layer, *([nn.BatchNorm2d(outputs)] if batch_norm else []))


class _ResidualBlock(nn.Module):
    """Residual block: two convolutions plus the input, which preserves positions."""

    def __init__(self, filters: int, batch_norm: bool) -> None:
        super().__init__()
        self.conv1 = _convolution(filters, filters, 3, batch_norm)
        self.relu = nn.ReLU()
        self.conv2 = _convolution(filters, filters, 3, batch_norm)
        self.add = Add()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.add(self.conv2(self.relu(self.conv1(x))), x)


class SuperResolver(nn.Module):
    """From low to high resolution, in one or several bands (Fig. 1, third and fourth rows).

    Residual blocks at the 22 px of the low resolution, whose input is added to their output; then a
    transposed convolution to 66 px, of which the central 64 px are the image.

    Parameters
    ----------
    bands : int
    filters : int
        Filters at the low resolution; there are half as many at the high resolution.
    blocks : int
        Residual blocks at the low resolution.
    batch_norm : bool
        Batch norm after the convolutions, as in Sect. 3. It makes the brightness of a galaxy depend
        on the others in the batch; without it, small networks learned much faster.
    """

    def __init__(self, bands: int, filters: int, blocks: int, batch_norm: bool = True) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(bands, filters, 5, padding=2)
        self.relu_in = nn.ReLU()
        # Figure 1 recognises blocks by these names.
        named = {f"block{i}": _ResidualBlock(filters, batch_norm) for i in range(blocks)}
        self.blocks = nn.Sequential(OrderedDict(named))
        self.add = Add()
        # The kernel of 9 is a multiple of the stride, so that the same number of inputs contributes
        # to every pixel. Half the filters here, since with nine times as many pixels these layers
        # still take half of the computing time.
        high_filters = max(1, filters // 2)
        up = nn.ConvTranspose2d(filters, high_filters, 9, stride=3, padding=3, bias=not batch_norm)
        self.up = nn.Sequential(up, *([nn.BatchNorm2d(high_filters)] if batch_norm else []))
        self.relu_up = nn.ReLU()
        self.conv_high = _convolution(high_filters, high_filters, 3, batch_norm)
        self.relu_high = nn.ReLU()
        self.conv_out = nn.Conv2d(high_filters, bands, 5, padding=2)
        self.tanh = Tanh()

    def forward(self, low: torch.Tensor) -> torch.Tensor:
        """Images (n, bands, 64, 64) from images (n, bands, 22, 22), both scaled to [-1, 1]."""
        first = self.relu_in(self.conv_in(low))
        x = self.add(self.blocks(first), first)
        x = self.relu_up(self.up(x))
        x = self.relu_high(self.conv_high(x))
        return crop_frames(self.tanh(self.conv_out(x)))


def crop_frames(frames: torch.Tensor) -> torch.Tensor:
    """Crop frames of 66 pixels to the central 64, so that pixel 33 becomes pixel 32."""
    return frames[..., 1:-1, 1:-1]


class Discriminator(nn.Module):
    """Logit of the probability that an image is a real high-resolution image.

    Parameters
    ----------
    bands : int
    filters : int
        Filters of the first convolution; their number doubles with each halving of the image.
    conditional : bool
        Whether it also sees the low-resolution image, and thus tests whether the high-resolution
        image belongs to that one. (The caption of Fig. 1 calls these GANs conditional.)
    batch_norm : bool
        Must be off with the gradient penalty, which is defined for single images (Gulrajani et al.
        2017, Sect. 4).
    """

    def __init__(
        self, bands: int, filters: int, conditional: bool, batch_norm: bool = True
    ) -> None:
        super().__init__()
        self.conditional = conditional
        layers: list[nn.Module] = []
        inputs = bands * (2 if conditional else 1)
        for i, factor in enumerate((1, 2, 4, 8)):
            # As in DCGAN, the first and the last layer have no batch norm.
            normed = batch_norm and i > 0
            layers.append(nn.Conv2d(inputs, factor * filters, 4, 2, 1, bias=not normed))
            if normed:
                layers.append(nn.BatchNorm2d(factor * filters))
            layers.append(nn.LeakyReLU(LEAKY_SLOPE))
            inputs = factor * filters
        self.layers = nn.Sequential(*layers, nn.Conv2d(inputs, 1, 4))
        _initialise_weights(self)

    def forward(self, images: torch.Tensor, low: torch.Tensor | None = None) -> torch.Tensor:
        """Logits (n,) of images (n, bands, 64, 64), given the low-resolution images."""
        if self.conditional:
            if low is None:
                raise DeblendError("a conditional discriminator needs the low-resolution images")
            # Repeat each pixel three times along each axis, and crop as the images are cropped.
            enlarged_low = crop_frames(functional.interpolate(low, scale_factor=FRAME_PX // LOW_PX))
            images = torch.cat([images, enlarged_low], dim=1)
        return self.layers(images)[:, 0, 0, 0]


def build_generator(config: SrConfig, bands: int) -> nn.Module:
    """Build the generator that a configuration describes."""
    if config.kind == "vanilla":
        return NoiseGenerator(config.n_latent, config.filters, bands)
    return SuperResolver(bands, config.filters, config.blocks, config.batch_norm)


def build_discriminator(config: SrConfig, bands: int) -> Discriminator:
    """Build the discriminator that a configuration describes.

    That of a vanilla GAN is never conditional.
    """
    return Discriminator(
        bands,
        config.discriminator_filters,
        config.conditional and config.kind != "vanilla",
        batch_norm=config.loss != "wasserstein",
    )
