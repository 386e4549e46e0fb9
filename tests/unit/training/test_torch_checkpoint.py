"""Checkpoints and weights of small PyTorch networks."""

import logging

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.training import torch_backend
from deblend.training.torch_checkpoint import Checkpoint, read_weights, write_weights
from torch import nn

X = torch.linspace(-1, 1, 24).reshape(8, 3)


@pytest.fixture(autouse=True)
def one_thread():
    torch_backend.configure(1, 1)


class Trainee:
    """A network with batch norm, its Adam optimizer, and a plain number."""

    def __init__(self):
        self.network = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))
        self.optimizers = {"net": torch.optim.Adam(self.network.parameters(), 0.01)}
        self.panels, self.steps = [], 0

    def networks(self):
        return {"net": self.network}

    def state(self):
        return {"steps": self.steps}

    def restore(self, state):
        self.steps = state["steps"]

    def step(self):
        loss = (self.network(X) - X.sum(dim=1, keepdim=True)).square().mean()
        self.optimizers["net"].zero_grad()
        loss.backward()
        self.optimizers["net"].step()
        self.steps += 1


def test_a_restored_training_continues_with_the_same_steps(tmp_path):
    """The state of Adam and of the batch norm is restored too."""
    checkpoint = Checkpoint(tmp_path / "net.pt", {})
    first, other = Trainee(), Trainee()
    first.panels = [np.arange(6, dtype=np.uint8).reshape(2, 3)]
    for _ in range(3):
        first.step()
    checkpoint.save(first, {"done": 3})
    assert checkpoint.load(other) == {"done": 3}
    assert other.steps == 3
    np.testing.assert_array_equal(other.panels, first.panels)
    for _ in range(3):
        first.step()
        other.step()
    for name, value in first.network.state_dict().items():
        assert torch.equal(other.network.state_dict()[name], value), name


@pytest.mark.parametrize("content", ["cut", "code"])
def test_a_broken_or_foreign_file_is_not_used_and_runs_no_code(tmp_path, caplog, capsys, content):
    class Evil:
        def __reduce__(self):
            return (print, ("this must not run",))

    path = tmp_path / "net.pt"
    checkpoint = Checkpoint(path, {})
    if content == "code":
        torch.save({"record": Evil()}, path)
    else:
        checkpoint.save(Trainee(), {"done": 3})
        path.write_bytes(path.read_bytes()[:500])
    trainee = Trainee()
    before = trainee.network[0].weight.detach().clone()
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load(trainee) == {}
    assert f"starting afresh: the checkpoint {path} is unreadable" in caplog.text
    assert torch.equal(trainee.network[0].weight, before)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("lacking", "message"),
    [
        (("record",), "is unreadable ('record')"),
        (("networks",), "lacks 'networks'"),
        (("networks", "net"), "lacks 'net'"),
        (("networks", "net", "1.running_mean"), "lacks '1.running_mean'"),
        (("networks", "net", "2.bias"), "lacks '2.bias'"),
        (("optimizers",), "lacks 'optimizers'"),
        (("optimizers", "net"), "lacks 'net'"),
        (("optimizers", "net", "state"), "lacks 'state'"),
        (("optimizers", "net", "state", 3, "exp_avg"), "lacks 'exp_avg'"),
        (("optimizers", "net", "param_groups"), "lacks 'param_groups'"),
        (("optimizers", "net", "param_groups", 0, "params"), "lacks 'params'"),
        (("panels",), "lacks 'panels'"),
    ],
    ids=lambda value: ".".join(map(str, value)) if isinstance(value, tuple) else "",
)
def test_a_checkpoint_that_lacks_something_changes_nothing(tmp_path, caplog, lacking, message):
    path = tmp_path / "net.pt"
    checkpoint, saved = Checkpoint(path, {}), Trainee()
    saved.step()
    checkpoint.save(saved, {"done": 1})
    content = torch.load(path, weights_only=True)
    part = content
    for name in lacking[:-1]:
        part = part[name]
    del part[lacking[-1]]
    torch.save(content, path)
    trainee = Trainee()
    trainee.panels = [np.zeros((2, 3), np.uint8)]
    before = {name: value.clone() for name, value in trainee.network.state_dict().items()}
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load(trainee) == {}
    assert caplog.messages == [f"starting afresh: the checkpoint {path} {message}"]
    for name, value in trainee.network.state_dict().items():
        assert torch.equal(value, before[name]), name
    assert trainee.optimizers["net"].state_dict()["state"] == {}
    assert len(trainee.panels) == 1
    assert trainee.steps == 0


@pytest.mark.parametrize("other", ["another shape", "more parameters"])
def test_a_checkpoint_of_another_network_changes_nothing(tmp_path, caplog, other):
    """Its fingerprint is the same all the same."""
    path = tmp_path / "net.pt"
    checkpoint, saved = Checkpoint(path, {}), Trainee()
    if other == "another shape":
        saved.network[2] = nn.Linear(4, 2)
    else:
        saved.optimizers["net"].add_param_group({"params": [nn.Parameter(torch.zeros(2))]})
    checkpoint.save(saved, {"done": 1})
    trainee = Trainee()
    before = trainee.network[0].weight.detach().clone()
    with caplog.at_level(logging.WARNING):
        assert checkpoint.load(trainee) == {}
    assert f"starting afresh: the checkpoint {path} lacks" in caplog.text
    assert torch.equal(trainee.network[0].weight, before)


def test_weights_are_read_as_written(tmp_path):
    path = tmp_path / "w.h5"
    network, other = Trainee().network, Trainee().network
    network(X)  # so that the means of the batch norm are not zero
    write_weights(path, network)
    read_weights(path, other)
    assert torch.equal(network.eval()(X), other.eval()(X))


@pytest.mark.parametrize(
    "other",
    [nn.Linear(3, 4), nn.Sequential(nn.Linear(5, 4)), nn.Sequential(*3 * [nn.Linear(3, 4)])],
)
def test_weights_of_another_network_are_refused(tmp_path, other):
    path = tmp_path / "w.h5"
    write_weights(path, nn.Sequential(nn.Linear(3, 4)))
    with pytest.raises(DeblendError, match=r"(?s)w\.h5 does not .* this network .* train it again"):
        read_weights(path, other)


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(DeblendError, match=r"absent\.h5 does not hold the weights"):
        read_weights(tmp_path / "absent.h5", nn.Linear(3, 4))


def flipped(path, n, seed=0):
    """Write a file again with one bit flipped, n times; yields after each."""
    content, rng = path.read_bytes(), np.random.default_rng(seed)
    for place in rng.integers(0, len(content), n):
        broken = bytearray(content)
        broken[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(broken)
        yield


def test_a_flipped_bit_never_resumes_another_training(tmp_path):
    checkpoint = Checkpoint(tmp_path / "net.pt", {})
    saved = Trainee()
    saved.step()
    checkpoint.save(saved, {"done": 1})
    n_afresh = 0
    for _ in flipped(tmp_path / "net.pt", 60):
        restored = Trainee()
        if not checkpoint.load(restored):
            n_afresh += 1
            continue
        for name, value in saved.network.state_dict().items():
            assert torch.equal(restored.network.state_dict()[name], value), name
        state, expected = (x.optimizers["net"].state_dict() for x in (restored, saved))
        assert str(state) == str(expected)
    assert n_afresh > 10


def test_a_flipped_bit_in_weights_is_an_error(tmp_path):
    path = tmp_path / "w.h5"
    network = Trainee().network
    write_weights(path, network)
    content = path.read_bytes()
    kernel = network[0].weight.detach().numpy().tobytes()
    broken = bytearray(content)
    broken[content.index(kernel) + 5] ^= 8
    path.write_bytes(broken)
    with pytest.raises(DeblendError, match=r"w\.h5 does not hold the weights .*train it again"):
        read_weights(path, network)
