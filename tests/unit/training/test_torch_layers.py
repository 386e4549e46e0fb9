"""Layers, and the table of the layers of a network with a skip connection."""

import numpy as np
import pytest
import torch
from deblend.training.torch_layers import Add, Concatenate, Tanh, n_parameters, trace_layers
from torch import nn


class Small(nn.Module):
    """The transposed convolution is defined first but used last."""

    def __init__(self):
        super().__init__()
        self.up = nn.ConvTranspose2d(4, 2, 4, stride=2, padding=1)
        self.conv = nn.Conv2d(1, 4, 3, padding=1)
        self.body = nn.Sequential(nn.Conv2d(4, 4, 3, padding=1, bias=False), nn.BatchNorm2d(4))
        self.add, self.flat, self.dense = Add(), nn.Flatten(), nn.Linear(2 * 12 * 12, 5)

    def forward(self, x):
        x = self.conv(x)
        x = self.add(self.body(x), x)
        return self.dense(self.flat(self.up(x)))


def test_layers_are_traced_in_the_order_of_the_data():
    network = Small()
    table = trace_layers(network, torch.zeros(2, 1, 6, 6))
    assert table.to_numpy().tolist() == [
        ["input", "Input", 1, 1, 0, 0, 6, 0],
        ["conv", "Conv2d", 1, 4, 3, 1, 6, 9 * 4 + 4],
        ["body.0", "Conv2d", 4, 4, 3, 1, 6, 9 * 4 * 4],
        ["body.1", "BatchNorm2d", 4, 4, 0, 0, 6, 4 + 4],
        ["add", "Add", 4, 4, 0, 0, 6, 0],
        ["up", "ConvTranspose2d", 4, 2, 4, 2, 12, 16 * 4 * 2 + 2],
        ["flat", "Flatten", 2, 2 * 12 * 12, 0, 0, 1, 0],
        ["dense", "Linear", 2 * 12 * 12, 5, 0, 0, 1, 2 * 12 * 12 * 5 + 5],
    ]
    columns = "name kind in_channels out_channels kernel stride side n_parameters"
    assert list(table) == columns.split()
    assert table["n_parameters"].sum() == n_parameters(network)


def test_layers_between_resolutions_are_traced():
    """A layer that is used twice has two rows."""

    class Hourglass(nn.Module):
        def __init__(self):
            super().__init__()
            self.pool, self.enlarge = nn.MaxPool2d(2), nn.Upsample(scale_factor=2)
            self.unshuffle, self.shuffle = nn.PixelUnshuffle(2), nn.PixelShuffle(2)
            self.join = Concatenate()

        def forward(self, x):
            x = self.unshuffle(x)
            return self.shuffle(self.join(self.enlarge(self.pool(self.pool(x))), x[..., :2, :2]))

    table = trace_layers(Hourglass(), torch.zeros(1, 1, 12, 12))
    columns = ["name", "in_channels", "out_channels", "kernel", "stride", "side"]
    assert table[columns].to_numpy().tolist() == [
        ["input", 1, 1, 0, 0, 12],
        ["unshuffle", 1, 4, 0, 0, 6],
        ["pool", 4, 4, 2, 2, 3],
        ["pool", 4, 4, 2, 2, 1],
        ["enlarge", 4, 4, 0, 0, 2],
        ["join", 4, 8, 0, 0, 2],
        ["shuffle", 8, 2, 0, 0, 4],
    ]


def test_channels_are_joined_one_after_the_other():
    first, second = torch.rand(2, 1, 3, 3), torch.rand(2, 2, 3, 3)
    joined = Concatenate()(first, second)
    assert torch.equal(joined[:, :1], first) and torch.equal(joined[:, 1:], second)


@pytest.mark.parametrize("training", [True, False])
def test_tracing_leaves_the_network_as_it_was(training):
    network = Small().train(training)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    trace_layers(network, torch.ones(2, 1, 6, 6))
    assert network.training is network.body[1].training is training
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    # Calls are no longer followed: a layer can take what the table has no columns for.
    assert network.dense(torch.ones(2 * 12 * 12)).shape == (5,)


def test_weights_that_are_not_trained_do_not_count():
    network = Small()
    network.dense.requires_grad_(False)
    assert n_parameters(network) == 40 + 144 + 8 + 130


def test_tanh_keeps_its_gradient_near_the_sky():
    """In bfloat16, the tangent of all values below about -3.5 is -1."""
    x = np.array([-4.0, -3.5, 0.5], np.float32)
    half = torch.tensor(x, dtype=torch.bfloat16, requires_grad=True)
    y = Tanh()(half)
    y.sum().backward()
    assert y.dtype == torch.float32
    np.testing.assert_allclose(y.detach(), np.tanh(x), rtol=1e-6)
    np.testing.assert_allclose(half.grad.float(), 1 / np.cosh(x) ** 2, rtol=0.01)
