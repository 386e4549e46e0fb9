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


class PReLU(nn.Module):
    """PReLU with a slope for each pixel and channel, as in the authors' code.

    Such a network knows where a pixel is; it takes images of one size only.

    Parameters
    ----------
    filters, side : int
        Channels and side of the input.
    """

    def __init__(self, filters: int, side: int) -> None:
        super().__init__()
        # 0 is the start in Keras. The axis of images is there for the layout in memory.
        self.weight = nn.Parameter(torch.zeros(1, filters, side, side))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Input and output have the shape (n, filters, side, side)."""
        return torch.where(x >= 0, x, self.weight * x)


def _prelu(filters: int, side: int | None) -> nn.Module:
    """PReLU with a slope for each channel or, given the side of images, for each pixel too."""
    return nn.PReLU(filters) if side is None else PReLU(filters, side)


class ResidualBlock(nn.Module):
    """Convolution, batch norm, PReLU, convolution, batch norm, plus the input (Sect. 2.1)."""

    def __init__(self, filters: int, prelu_side: int | None = None) -> None:
        super().__init__()
        self.conv1 = _convolution(filters, filters, 3)
        self.norm1 = nn.BatchNorm2d(filters)
        self.activation = _prelu(filters, prelu_side)
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
        which galaxy is the central one. The authors' network knows it from its PReLUs
        (`prelu_side`). Without them and without coordinates, a network can only infer it from the
        zeros around the image: with the paper's sixteen blocks a pixel of the output sees 41 pixels
        in each direction, just enough for images of 80 pixels, but with fewer blocks less.
    prelu_side : int, optional
        Side of the images, for PReLUs with a slope for each pixel and channel, as in the authors'
        code; None: for each channel, and images of any size.

    References
    ----------
    Sect. 2.1. The 9 x 9 kernels of the first and last layers, and the sum after the root, are from
    the authors' code.
    """

    def __init__(
        self,
        root_blocks: int,
        branch_blocks: int,
        filters: int,
        coordinates: bool = False,
        prelu_side: int | None = None,
    ) -> None:
        super().__init__()
        self.coordinates, self.side = coordinates, prelu_side
        self.root = nn.ModuleDict(
            {
                "conv_in": _convolution(4 if coordinates else 3, filters, 9),
                "activation": _prelu(filters, prelu_side),
                **{f"block{i}": ResidualBlock(filters, prelu_side) for i in range(root_blocks)},
                "conv_out": _convolution(filters, filters, 3),
                "norm_out": nn.BatchNorm2d(filters),
                "add": Add(),
            }
        )
        self.branches = nn.ModuleDict(
            {
                name: nn.Sequential(
                    *(ResidualBlock(filters, prelu_side) for _ in range(branch_blocks)),
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

        Raises
        ------
        DeblendError
            The images do not have the side that the slopes of the PReLUs are for.
        """
        root = self.root
        if self.side is not None and blends.shape[-2:] != (self.side, self.side):
            raise DeblendError(
                f"images of {blends.shape[-1]} x {blends.shape[-2]} px: this generator has a slope "
                f"for each pixel of images of {self.side} x {self.side} px (prelu: pixel)"
            )
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
    """Gate times blend, plus residual: the last layer of `CopyGateGenerator`.

    Parameters
    ----------
    parts : {"gate_and_residual", "gate", "residual"}
        What the image is made of.
    linear : bool
        Whether the image is left as it is: near [-1, 1], but not clipped. Otherwise a hyperbolic
        tangent follows, as in `Generator`, which can only approach the black of the sky.
    """

    def __init__(self, parts: str = "gate_and_residual", linear: bool = True) -> None:
        super().__init__()
        self.parts, self.linear = parts, linear

    def forward(self, made: torch.Tensor, blends: torch.Tensor) -> torch.Tensor:
        """Images (n, 3, y, x) from gate, residual or both (n, 3 or 6, y, x) and the blends."""
        if self.parts == "gate":
            light = made * blends
        elif self.parts == "residual":
            light = made
        else:
            gate, residual = made.split(3, dim=1)
            light = gate * blends + residual
        images = 2 * light - 1
        return images if self.linear else torch.tanh(images.float())


class _GateBranch(nn.Module):
    """One galaxy of `CopyGateGenerator`, from the features of the U-Net."""

    def __init__(self, filters: int, reduction: int, parts: str, linear: bool) -> None:
        super().__init__()
        # The pixel shuffle takes several channels for each output.
        n = 3 * reduction**2
        self.conv = nn.Conv2d(filters, 2 * n if parts == "gate_and_residual" else n, 1)
        self.shuffle = nn.PixelShuffle(reduction)
        self.gate = CopyGate(parts, linear)
        # Start near half the blend, or near black without a gate.
        assert self.conv.bias is not None
        with torch.no_grad():
            self.conv.weight.mul_(0.1)
            self.conv.bias.zero_()
            if parts != "residual":
                self.conv.bias[:n] = 0.5

    def forward(self, x: torch.Tensor, blends: torch.Tensor) -> torch.Tensor:
        return self.gate(self.shuffle(self.conv(x)), blends)


class CopyGateGenerator(nn.Module):
    """From a blend to its two galaxies, by copying pixels; ours, with the interface of `Generator`.

    In a blend of two galaxies most pixels show one of them alone: they need only be copied. A U-Net
    at half the resolution makes a gate g and a residual r for each galaxy, and the image is
    g x blend + r. The distance from the centre is a channel of the input, as in `Generator`. The
    options take parts of it away, for ablations.

    Parameters
    ----------
    filters : int
        Filters of the first level; the second has twice as many, further ones four times.
    levels : int
        Resolutions of the U-Net, from half the image's on.
    parts, linear
        See `CopyGate`.
    resolution : {"half", "full"}
        Resolution of the first level. With full, pixels are not put into channels first.

    Raises
    ------
    DeblendError
        In `forward`: the side of the images is not a multiple of 2**levels, or of half of it with
        the full resolution.
    """

    def __init__(
        self,
        filters: int,
        levels: int,
        *,
        parts: str = "gate_and_residual",
        linear: bool = True,
        resolution: str = "half",
    ) -> None:
        super().__init__()
        reduction = {"half": 2, "full": 1}[resolution]
        self.step = reduction * 2 ** (levels - 1)
        sizes = [filters * 2 ** min(i, 2) for i in range(levels)]
        self.unshuffle = nn.PixelUnshuffle(reduction)
        self.pool = nn.MaxPool2d(2)
        self.enlarge = nn.Upsample(scale_factor=2)
        self.join = Concatenate()
        inputs = [4 * reduction**2, *sizes[:-1]]
        down = [_Level(*pair) for pair in zip(inputs, sizes, strict=True)]
        up = [_Level(n + below, n) for n, below in zip(sizes[:-1], sizes[1:], strict=True)]
        # Figure 1 recognises blocks by these names.
        self.down = nn.ModuleDict({f"block{i}": level for i, level in enumerate(down)})
        self.up = nn.ModuleDict({f"block{levels + i}": x for i, x in enumerate(reversed(up))})
        self.branches = nn.ModuleDict(
            {name: _GateBranch(sizes[0], reduction, parts, linear) for name in BRANCHES}
        )

    def forward(self, blends: torch.Tensor) -> torch.Tensor:
        """Separate blends into two images each: see `Generator.forward`."""
        side = blends.shape[-1]
        if side % self.step:
            raise DeblendError(
                f"images of {side} px: a generator of {len(self.down)} levels needs a multiple of "
                f"{self.step} (crop_px / reduce_by, or levels)"
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


def build_generator(config: GanConfig, side: int) -> nn.Module:
    """Build the generator that a configuration describes, for images of a given side."""
    if config.generator == "copy_gate":
        return CopyGateGenerator(
            config.filters,
            config.levels,
            parts=config.parts,
            linear=config.linear,
            resolution=config.resolution,
        )
    return Generator(
        config.root_blocks,
        config.branch_blocks,
        config.filters,
        config.coordinates,
        side if config.prelu == "pixel" else None,
    )


def use_batch_statistics(generator: nn.Module) -> bool:
    """Let batch norms use the mean and variance of each batch in evaluation too, for good.

    In the authors' code they do, since its graph is built for the training. A galaxy's image then
    depends on the other galaxies of its batch.

    Returns
    -------
    bool
        Whether the generator has batch norms.
    """
    norms = [layer for layer in generator.modules() if isinstance(layer, nn.BatchNorm2d)]
    for norm in norms:
        norm.running_mean = norm.running_var = None
        norm.track_running_stats = False
    return bool(norms)


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
