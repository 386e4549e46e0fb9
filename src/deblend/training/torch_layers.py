"""Layers that PyTorch lacks, and tables of a network's layers."""

from collections.abc import Iterator

import pandas as pd
import torch
from torch import nn


class Tanh(nn.Tanh):
    """In single precision always: near -1, where the sky is, half of it has no gradient left."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Hyperbolic tangent."""
        return super().forward(x.float())


class Add(nn.Module):
    """Elementwise sum: a skip connection's end, a module so that it is seen when drawn."""

    def forward(self, x: torch.Tensor, skip: torch.Tensor) -> torch.Tensor:
        """Sum of two tensors."""
        return x + skip


def _named(module: nn.Module) -> Iterator[tuple[str, nn.Module]]:
    for name, layer in module.named_modules():
        if not any(True for _ in layer.children()):
            yield name, layer


def trace_layers(network: nn.Module, *inputs: torch.Tensor) -> pd.DataFrame:
    """The layers of a built network, in the order in which its input passes them.

    Parameters
    ----------
    network : Module
    *inputs : Tensor
        What it takes; only their shapes matter.

    Returns
    -------
    DataFrame
        `name`, `kind`, `in_channels`, `out_channels`, `kernel`, `stride` (0 where there is none),
        `side` of what comes out (1 for vectors), `n_parameters`; the input comes first.
    """
    first = inputs[0]
    channels, side = first.shape[1], first.shape[-1] if first.ndim == 4 else 1
    rows: list[dict[str, object]] = [
        {"name": "input", "kind": "Input", "in_channels": channels, "out_channels": channels}
        | {"kernel": 0, "stride": 0, "side": side, "n_parameters": 0}
    ]
    names = {layer: name for name, layer in _named(network)}

    def note(layer: nn.Module, given: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
        rows.append(
            {
                "name": names[layer],
                "kind": type(layer).__name__,
                "in_channels": given[0].shape[1],
                "out_channels": output.shape[1],
                "kernel": getattr(layer, "kernel_size", (0,))[0],
                "stride": getattr(layer, "stride", (0,))[0],
                "side": output.shape[-1] if output.ndim == 4 else 1,
                "n_parameters": sum(p.numel() for p in layer.parameters()),
            }
        )

    hooks = [layer.register_forward_hook(note) for layer in names]
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
    """Trainable parameters."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
