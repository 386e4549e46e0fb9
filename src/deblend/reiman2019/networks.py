"""The branched GAN of Reiman & Goehre 2019: generator, discriminator and features of VGG."""

import pandas as pd
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import GanConfig
from deblend.training.torch_layers import Add, Concatenate, Tanh, trace_layers
from deblend.training.vgg import VggWeights
from torch import nn
from torch.nn import functional

#: Slope of the leaky ReLU for negative values.
LEAKY_SLOPE = 0.2


BRANCHES = ("central", "companion")


#: Convolutions of the discriminator: number of filters in units of the first one's, and stride.
DISCRIMINATOR_LAYERS = ((1, 1), (1, 2), (2, 1), (2, 2), (4, 1), (4, 2), (8, 1), (8, 2))


def _convolution(inputs: int, outputs: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding=kernel // 2)
    nn.init.xavier_uniform_(layer.weight)  # the default of the authors' framework
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


class ResidualBlock(nn.Module):
    """Convolution, batch norm, PReLU, convolution, batch norm, plus the input (Sect. 2.1)."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv1 = _convolution(filters, filters, 3)
        self.norm1 = nn.BatchNorm2d(filters)
        self.activation = nn.PReLU(filters)
        self.conv2 = _convolution(filters, filters, 3)
        self.norm2 = nn.BatchNorm2d(filters)
        self.add = Add()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input and output have the shape (n, filters, y, x)."""
        inner = self.activation(self.norm1(self.conv1(x)))
        return self.add(self.norm2(self.conv2(inner)), x)


class Generator(nn.Module):
    """From a blend to its two galaxies (Fig. 1).

    Parameters
    ----------
    root_blocks, branch_blocks : int
        M and N: number of residual blocks before the network splits, and in each branch.
    filters : int
    coordinates : bool
        Add a channel to the input: each pixel's distance from the centre. Only the position tells
        which galaxy is the central one. The paper's network, with its sixteen blocks, can infer it
        from the edges of the image; a shallow network does not see that far.

    References
    ----------
    Sect. 2.1. The 9 x 9 kernels of the first and last layers, and the sum after the root, are from
    the authors' code.
    """

    def __init__(
        self, root_blocks: int, branch_blocks: int, filters: int, coordinates: bool = False
    ) -> None:
        super().__init__()
        self.coordinates = coordinates
        self.root = nn.ModuleDict(
            {
                "conv_in": _convolution(4 if coordinates else 3, filters, 9),
                "activation": nn.PReLU(filters),
                **{f"block{i}": ResidualBlock(filters) for i in range(root_blocks)},
                "conv_out": _convolution(filters, filters, 3),
                "norm_out": nn.BatchNorm2d(filters),
                "add": Add(),
            }
        )
        self.branches = nn.ModuleDict(
            {
                name: nn.Sequential(
                    *(ResidualBlock(filters) for _ in range(branch_blocks)),
                    _convolution(filters, 3, 9),
                    Tanh(),
                )
                for name in BRANCHES
            }
        )

    def forward(self, blends: torch.Tensor) -> torch.Tensor:
        """Separate blends into two images each.

        Parameters
        ----------
        blends : Tensor, shape (n, 3, y, x)
            In [0, 1].

        Returns
        -------
        Tensor, shape (n, 2, 3, y, x)
            Central and companion galaxy, in [-1, 1].
        """
        root = self.root
        if self.coordinates:
            blends = torch.cat([blends, _distance(blends)], dim=1)
        start = root["activation"](root["conv_in"](blends))
        x = start
        for name, block in root.items():
            if name.startswith("block"):
                x = block(x)
        x = root["add"](root["norm_out"](root["conv_out"](x)), start)
        return torch.stack([self.branches[name](x) for name in BRANCHES], dim=1)


class _Level(nn.Sequential):
    """Two convolutions, each followed by a ReLU."""

    def __init__(self, inputs: int, filters: int) -> None:
        super().__init__(
            nn.Conv2d(inputs, filters, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(filters, filters, 3, padding=1),
            nn.ReLU(),
        )


class CopyGate(nn.Module):
    """Gate times blend, plus residual: the last layer of `CopyGateGenerator`."""

    def forward(self, gate_and_residual: torch.Tensor, blends: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, y, x) from (n, 6, y, x) and the blends, in [0, 1].

        They are near [-1, 1], but not clipped: a linear output learns faster.
        """
        gate, residual = gate_and_residual.split(3, dim=1)
        return 2 * (gate * blends + residual) - 1


class _GateBranch(nn.Module):
    """One galaxy of `CopyGateGenerator`, from the features at half the resolution."""

    def __init__(self, filters: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(filters, 6 * 4, 1)
        self.shuffle = nn.PixelShuffle(2)
        self.gate = CopyGate()
        # Start near half the blend: the pixel shuffle takes four channels for each output.
        assert self.conv.bias is not None
        with torch.no_grad():
            self.conv.weight.mul_(0.1)
            self.conv.bias.zero_()
            self.conv.bias[: 3 * 4] = 0.5

    def forward(self, x: torch.Tensor, blends: torch.Tensor) -> torch.Tensor:
        return self.gate(self.shuffle(self.conv(x)), blends)


class CopyGateGenerator(nn.Module):
    """From a blend to its two galaxies, by copying pixels; ours, with the interface of `Generator`.

    In a blend of two galaxies most pixels show one of them alone: they need only be copied. A U-Net
    at half the resolution makes a gate g and a residual r for each galaxy, and the image is
    g x blend + r. The distance from the centre is a channel of the input, as in `Generator`.

    Parameters
    ----------
    filters : int
        Filters of the first level; the second has twice as many, further ones four times.
    levels : int
        Resolutions of the U-Net, from half the image's on.

    Raises
    ------
    DeblendError
        In `forward`: the side of the images is not a multiple of 2**levels.
    """

    def __init__(self, filters: int, levels: int) -> None:
        super().__init__()
        sizes = [filters * 2 ** min(i, 2) for i in range(levels)]
        self.unshuffle = nn.PixelUnshuffle(2)
        self.pool = nn.MaxPool2d(2)
        self.enlarge = nn.Upsample(scale_factor=2)
        self.join = Concatenate()
        inputs = [4 * 4, *sizes[:-1]]
        down = [_Level(*pair) for pair in zip(inputs, sizes, strict=True)]
        up = [_Level(n + below, n) for n, below in zip(sizes[:-1], sizes[1:], strict=True)]
        # Figure 1 recognises blocks by these names.
        self.down = nn.ModuleDict({f"block{i}": level for i, level in enumerate(down)})
        self.up = nn.ModuleDict({f"block{levels + i}": x for i, x in enumerate(reversed(up))})
        self.branches = nn.ModuleDict({name: _GateBranch(sizes[0]) for name in BRANCHES})

    def forward(self, blends: torch.Tensor) -> torch.Tensor:
        """Separate blends into two images each: see `Generator.forward`."""
        side, step = blends.shape[-1], 2 ** len(self.down)
        if side % step:
            raise DeblendError(
                f"images of {side} px: a generator of {len(self.down)} levels needs a multiple of "
                f"{step} (crop_px / reduce_by, or levels)"
            )
        x = self.unshuffle(torch.cat([blends, _distance(blends)], dim=1))
        copies: list[torch.Tensor] = []
        for i, level in enumerate(self.down.values()):
            x = level(self.pool(x) if i else x)
            copies.append(x)
        copies.pop()
        for level in self.up.values():
            x = level(self.join(self.enlarge(x), copies.pop()))
        images = [self.branches[name](x, blends) for name in BRANCHES]
        return torch.stack(images, dim=1)


def build_generator(config: GanConfig) -> nn.Module:
    """Build the generator that a configuration describes."""
    if config.generator == "copy_gate":
        return CopyGateGenerator(config.filters, config.levels)
    return Generator(config.root_blocks, config.branch_blocks, config.filters, config.coordinates)


def _distance(images: torch.Tensor) -> torch.Tensor:
    """Each pixel's distance from the centre, in units of half a side, shape (n, 1, y, x)."""
    y, x = (
        (torch.arange(n, device=images.device, dtype=images.dtype) + 0.5) * (2 / n) - 1
        for n in images.shape[-2:]
    )
    distance = torch.hypot(y[:, None], x[None, :])
    return distance.expand(len(images), 1, *images.shape[-2:])


class Discriminator(nn.Module):
    """Logit of the probability that an image is real (Fig. 2).

    Parameters
    ----------
    side : int
        Side of the images, a multiple of 16, since it is halved four times.
    filters : int
        Filters of the first convolution: 64 in the paper.
    units : int
        Units of the dense layer: 1024 in the paper.

    Raises
    ------
    DeblendError
        The side is not a multiple of 16 (the constraint in the caption of Fig. 2).
    """

    def __init__(self, side: int, filters: int, units: int) -> None:
        super().__init__()
        if side % 16:
            raise DeblendError(
                f"images of {side} px: the discriminator halves them four times, so their side has "
                "to be a multiple of 16 (crop_px / reduce_by)"
            )
        layers: list[nn.Module] = []
        inputs = 3
        for i, (factor, stride) in enumerate(DISCRIMINATOR_LAYERS):
            layers.append(_convolution(inputs, factor * filters, 3, stride))
            if i:
                layers.append(nn.BatchNorm2d(factor * filters))
            layers.append(nn.LeakyReLU(LEAKY_SLOPE))
            inputs = factor * filters
        dense = [nn.Linear(inputs * (side // 16) ** 2, units), nn.Linear(units, 1)]
        for layer in dense:
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)
        self.layers = nn.Sequential(
            *layers, nn.Flatten(), dense[0], nn.LeakyReLU(LEAKY_SLOPE), dense[1]
        )

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Logits, shape (n,), of images (n, 3, side, side) in [-1, 1]."""
        return self.layers(images)[:, 0]


class VggFeatures(nn.Module):
    """Activations of VGG's deepest convolution, with fixed weights (Sect. 2.2.2).

    Parameters
    ----------
    weights : VggWeights
    input_px : int
        Side to which images are resized: 224 in the authors' code.
    """

    mean: torch.Tensor
    std: torch.Tensor

    def __init__(self, weights: VggWeights, input_px: int) -> None:
        super().__init__()
        if input_px < 16:
            raise DeblendError(f"vgg_input_px is {input_px}: four poolings by 2 need at least 16")
        self.input_px, self.source = input_px, weights.source
        self.blocks = weights.blocks
        self.register_buffer("mean", torch.tensor(weights.mean)[None, :, None, None])
        self.register_buffer("std", torch.tensor(weights.std)[None, :, None, None])
        self.convolutions = nn.ModuleList()
        for kernel, bias in weights.layers:
            layer = nn.Conv2d(kernel.shape[2], kernel.shape[3], 3, padding=1)
            layer.weight.data = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
            layer.bias = nn.Parameter(torch.from_numpy(bias.copy()))
            self.convolutions.append(layer)
        self.requires_grad_(False)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Features (n, 512, y, x) of images (n, 3, side, side) in [-1, 1]."""
        size = (self.input_px, self.input_px)
        x = images if images.shape[-2:] == size else _resize(images, size)
        x = ((x + 1) / 2 - self.mean) / self.std
        layers = iter(self.convolutions)
        for i, block in enumerate(self.blocks):
            if i:
                x = functional.max_pool2d(x, 2)
            for _ in block:
                x = functional.relu(next(layers)(x))
        return x


def _resize(images: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    # As in the authors' code: bilinear, without smoothing first.
    return functional.interpolate(images, size, mode="bilinear", align_corners=False)


def layer_table(network: nn.Module, side: int) -> pd.DataFrame:
    """Table of the layers of the generator or the discriminator.

    Parameters
    ----------
    network : Module
    side : int
        Side of the images.

    Returns
    -------
    DataFrame
        As from `trace_layers`, with the column `group`: "root", "central" or "companion" in the
        generator, "all" in the discriminator.
    """
    table = trace_layers(network, torch.zeros(1, 3, side, side))
    names = table["name"].str.replace(r"^(branches\.|layers\.)", "", regex=True)
    groups = names.str.split(".").str[0]
    is_generator = groups.isin(BRANCHES).any()
    table["name"] = names.str.replace(
        r"^(central|companion)\.(\d+)\.(?=\w)", r"\1.block\2.", regex=True
    )
    table.insert(1, "group", groups.where(groups.isin(BRANCHES), "root") if is_generator else "all")
    return table
