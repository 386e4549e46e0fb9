"""Layers that PyTorch does not have, and tables of the layers of a network."""

from collections.abc import Iterator

import pandas as pd
import torch
from torch import nn


class Tanh(nn.Tanh):
    """Hyperbolic tangent in single precision.

    Near -1, the value of the sky, its gradient would be lost in half precision.
    """

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Hyperbolic tangent."""
        return super().forward(x.float())


class Add(nn.Module):
    """Elementwise sum at the end of a skip connection; as a module, it is shown in drawings."""

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Sum of two tensors."""
        return x + skip


class Concatenate(nn.Module):
    """Concatenation of channels at the end of a skip connection, shown in drawings like `Add`."""

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Both tensors, one after the other along the axis of channels."""
        return torch.cat([x, skip], dim=1)


def _leaf_layers(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    """Names and modules of the layers that contain no other layers."""
    for name, layer in module.named_modules():
        if not any(True for _ in layer.children()):
            yield name, layer


def _side(layer: nn.Module, name: str) -> int:
    """Size of a square kernel, or stride, that PyTorch keeps as one or two numbers; 0 if none."""
    value: int | tuple[int, ...] = getattr(layer, name, 0)
    return value if isinstance(value, int) else value[0]


def trace_layers(network: nn.Module, *inputs: torch.Tensor) -> pd.DataFrame:
    """Table of the layers of a network, in the order in which data pass through them.

    Parameters
    ----------
    network : Module
    *inputs : Tensor
        Inputs of the network; only their shapes matter.

    Returns
    -------
    DataFrame
        `name`, `kind`, `in_channels`, `out_channels`, `kernel`, `stride` (0 if the layer has
        none), `side` of the output (1 for vectors), `n_parameters`. The first row is the input.
    """
    first = inputs[0]
    channels, side = first.shape[1], first.shape[-1] if first.ndim == 4 else 1
    rows: list[dict[str, object]] = [
        {"name": "input", "kind": "Input", "in_channels": channels, "out_channels": channels}
        | {"kernel": 0, "stride": 0, "side": side, "n_parameters": 0}
    ]
    names = {layer: name for name, layer in _leaf_layers(network)}

    def add_row(layer: nn.Module, inputs: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        rows.append(
            {
                "name": names[layer],
                "kind": type(layer).__name__,
                "in_channels": inputs[0].shape[1],
                "out_channels": output.shape[1],
                "kernel": _side(layer, "kernel_size"),
                "stride": _side(layer, "stride"),
                "side": output.shape[-1] if output.ndim == 4 else 1,
                "n_parameters": sum(p.numel() for p in layer.parameters()),
            }
        )

    hooks = [layer.register_forward_hook(add_row) for layer in names]
    training = network.training
    try:
        network.eval()
        with torch.no_grad():
            network(*inputs)
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return pd.DataFrame(rows)


def n_parameters(network: nn.Module) -> int:
    """Number of trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
