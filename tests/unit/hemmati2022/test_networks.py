"""Layers of the generators and discriminators."""

import pytest
import torch
from deblend.errors import DeblendError
from deblend.hemmati2022.networks import (
    Discriminator,
    NoiseGenerator,
    SuperResolver,
    build_discriminator,
    crop_frames,
)
from deblend.training.torch_layers import n_parameters, trace_layers

from tests.unit.hemmati2022.conftest import TINY


def test_networks_have_the_papers_sides():
    assert NoiseGenerator(8, 4, 1)(torch.zeros(2, 8)).shape == (2, 1, 64, 64)
    for norm in (True, False):
        network = SuperResolver(7, 4, 1, norm)
        assert network(torch.zeros(2, 7, 22, 22)).shape == (2, 7, 64, 64)
        assert any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules()) == norm
    high, low = torch.zeros(2, 7, 64, 64), torch.zeros(2, 7, 22, 22)
    assert Discriminator(7, 2, True)(high, low).shape == (2,)
    assert Discriminator(7, 2, False)(high).shape == (2,)
    with pytest.raises(DeblendError, match="conditional"):
        Discriminator(7, 2, True)(high)


def test_a_wasserstein_critic_treats_each_image_separately():
    """The gradient penalty needs this: the other images in the batch do not matter."""
    torch.manual_seed(1)
    images = torch.randn(4, 1, 64, 64)
    for loss, same in (("wasserstein", True), ("minimax", False)):
        critic = build_discriminator(
            TINY.model_copy(update={"loss": loss, "conditional": False}), 1
        ).train()
        alone = critic(images[:2]).detach()
        assert torch.allclose(critic(images)[:2], alone, atol=1e-5) == same


def test_the_crop_keeps_the_middle():
    frame = torch.zeros(66, 66)
    frame[33, 33] = 1
    assert crop_frames(frame)[32, 32] == 1


def test_all_layers_are_traced():
    network = SuperResolver(1, 4, 2)
    table = trace_layers(network, torch.zeros(1, 1, 22, 22))
    assert table["n_parameters"].sum() == n_parameters(network)
    assert list(table["kind"].iloc[[0, -1]]) == ["Input", "Tanh"]
    # Figure 1 recognises blocks by their names.
    assert table["name"].str.contains("block0.", regex=False).any()
    up = table[table["kind"] == "ConvTranspose2d"].iloc[0]
    assert (up["side"], up["stride"]) == (66, 3)
