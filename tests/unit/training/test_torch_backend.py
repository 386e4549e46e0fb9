"""Set-up of PyTorch."""

from importlib import metadata

import pytest
import torch
from deblend.errors import DeblendError
from deblend.training.torch_backend import autocast, configure, move_to_device

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    configure(1, 1)


def test_the_seed_sets_random_numbers_and_threads_are_fixed():
    draws = []
    for seed in (3, 3, 4):
        configure(1, seed)
        draws.append(torch.rand(4).tolist())
    assert draws[0] == draws[1] != draws[2]
    assert torch.get_num_threads() == 1


def test_versions_and_device_are_recorded():
    device, versions = configure(1, 1)
    assert versions["backend"] == "torch"
    assert versions["backend_version"].startswith(metadata.version("torch"))
    assert (device.type == "cuda") == torch.cuda.is_available()
    assert (versions["device"] == "cpu") == (device.type == "cpu")


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_required_gpu_that_is_not_there_is_an_error(monkeypatch):
    monkeypatch.setenv("DEBLEND_REQUIRE_GPU", "1")
    configure(1, 1)
    with pytest.raises(DeblendError, match=r"PyTorch [\d.]+.* sees none.*require_gpu"):
        configure(1, 1, wants_gpu=True)


def test_precision_is_that_of_the_computations_and_not_of_the_weights():
    layer, x = torch.nn.Linear(64, 1), torch.rand(5, 64)
    outputs = {}
    for precision in ("float32", "bfloat16"):
        with autocast(CPU, precision):
            outputs[precision] = layer(x)
    assert outputs["float32"].dtype == layer.weight.dtype == torch.float32
    assert outputs["bfloat16"].dtype == torch.bfloat16
    # bfloat16 has eight significant bits.
    error = (outputs["bfloat16"].float() - outputs["float32"]).abs().max()
    assert 0 < error < 0.02


def test_an_unknown_precision_is_named():
    with pytest.raises(DeblendError, match="'float16'; it can be float32, bfloat16"):
        autocast(CPU, "float16")


def test_a_moved_network_computes_the_same():
    network = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.Conv2d(4, 2, 3))
    x = torch.rand(2, 3, 9, 9)
    before = network(x)
    move_to_device(network, CPU)
    assert torch.allclose(network(x), before, atol=1e-6)
    assert network[0].weight.is_contiguous(memory_format=torch.channels_last)
