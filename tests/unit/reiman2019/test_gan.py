"""Steps of the training: when which network learns, and how fast."""

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.gan import Trainer
from deblend.reiman2019.networks import VggFeatures

from tests.unit.reiman2019.conftest import TINY, source_of

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def trainer_of(vgg=None, **changes):
    torch.manual_seed(5)
    features = None if vgg is None else VggFeatures(vgg, TINY.vgg_input_px)
    return Trainer(GanConfig(**{**vars(TINY), **changes}), 16, CPU, features)


def test_compilation_changes_nothing_on_a_cpu(frames):
    batch = next(source_of(frames).batches(0, 1, CPU))
    losses = [
        float(trainer_of(burn_in_iterations=0, compile=value).step(0, *batch)["mse"])
        for value in (False, True)
    ]
    assert losses[0] == losses[1]


def test_both_networks_learn(frames):
    torch.manual_seed(1)
    config = GanConfig(**{**vars(TINY), "burn_in_iterations": 0, "learning_rate": 3e-3})
    trainer = Trainer(config, 16, CPU, None)
    losses = [
        {k: float(v) for k, v in trainer.step(i, *batch).items()}
        for i, batch in enumerate(source_of(frames).batches(0, 60, CPU))
    ]
    table = pd.DataFrame(losses)
    assert table["mse"].tail(10).mean() < 0.5 * table["mse"].head(5).mean()
    assert table["d_real"].tail(10).mean() > table["d_fake"].tail(10).mean()


def test_without_an_adversarial_weight_there_is_no_discriminator(frames):
    config = GanConfig(**{**vars(TINY), "adversarial_weight": 0.0, "burn_in_iterations": 0})
    trainer = Trainer(config, 16, CPU, None)
    assert list(trainer.networks()) == ["generator"]
    found = trainer.step(0, *next(source_of(frames).batches(0, 1, CPU)))
    assert list(found) == ["mse"]


def test_a_burn_in_needs_vgg():
    with pytest.raises(DeblendError, match="vgg_weights"):
        Trainer(TINY, 16, CPU, None)


def test_learning_rates_fall_as_a_cosine(small_vgg):
    """From the initial rates, which the burn-in has, to 0."""
    trainer = trainer_of(small_vgg, schedule="cosine", iterations=8)
    rates = [trainer.learning_rate(i) for i in (0, 2, 3, 5, 7, 9, 11)]
    assert rates[:3] == [1e-3] * 3
    # A quarter, half and three quarters of the eight iterations after the burn-in, and the end.
    shares = [0.5 + 0.5 * np.cos(np.pi / 4), 0.5, 0.5 - 0.5 * np.cos(np.pi / 4), 0]
    assert rates[3:] == pytest.approx([1e-3 * share for share in shares], abs=1e-15)
    assert trainer.learning_rate(0, "discriminator") == 1e-4
    assert trainer.learning_rate(7, "discriminator") == pytest.approx(0.5e-4)


def test_optimizers_have_the_learning_rate_of_the_iteration(frames):
    trainer = trainer_of(schedule="cosine", burn_in_iterations=0, iterations=8)
    trainer.step(4, *next(source_of(frames).batches(0, 1, CPU)))
    rates = {name: o.param_groups[0]["lr"] for name, o in trainer.optimizers.items()}
    assert rates["generator"] == pytest.approx(5e-4)
    assert rates["discriminator"] == pytest.approx(5e-5)


def test_the_discriminator_starts_after_the_burn_in_and_some_iterations(frames, small_vgg):
    trainer = trainer_of(small_vgg, adversarial_start=2)

    def discriminator():
        return [p.detach().clone() for p in trainer.discriminator.parameters()]

    batches = list(source_of(frames).batches(0, 7, CPU))
    first = discriminator()
    for iteration, losses in ((0, {"vgg", "mse"}), (2, {"vgg", "mse"}), (3, {"mse"}), (4, {"mse"})):
        assert set(trainer.step(iteration, *batches[iteration])) == losses
        assert all(torch.equal(*pair) for pair in zip(first, discriminator(), strict=True))
    adversarial = {"mse", "discriminator", "d_real", "d_fake", "adversarial"}
    for iteration in (5, 6):
        assert set(trainer.step(iteration, *batches[iteration])) == adversarial
    assert not all(torch.equal(*pair) for pair in zip(first, discriminator(), strict=True))


def norm(network):
    return float(torch.cat([p.grad.flatten() for p in network.parameters()]).norm())


@pytest.mark.parametrize("iteration", [0, 3])
def test_gradients_of_the_generator_are_limited(frames, small_vgg, iteration):
    """In the burn-in and after it; those of the discriminator are not."""
    batch = next(source_of(frames).batches(0, 1, CPU))
    free, limited = (trainer_of(small_vgg, gradient_norm_max=limit) for limit in (None, 1e-5))
    for trainer in (free, limited):
        trainer.step(iteration, *batch)
    assert norm(free.generator) > 1e-4
    assert norm(limited.generator) == pytest.approx(1e-5, rel=1e-2)
    if iteration:
        assert norm(free.discriminator) > 1e-4
        assert norm(limited.discriminator) == pytest.approx(norm(free.discriminator))
