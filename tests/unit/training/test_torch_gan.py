"""Losses and updates of GANs, with networks of a few weights."""

import numpy as np
import pytest
import torch
from deblend.training import torch_backend
from deblend.training.torch_gan import Gan, adversarial_loss, diversity, generate_in_batches
from torch import nn
from torch.nn import functional

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def one_thread():
    torch_backend.configure(1, 1)


class SmallGan(Gan):
    """Images of one row; the discriminator sees a condition beside them."""

    def logits(self, images, *conditions):
        return self.discriminator(torch.cat([images, *conditions], dim=1))[:, 0]


def small_gan(**changes):
    options = {"device": CPU, "precision": "float32", "adversarial": "non_saturating", **changes}
    gan = SmallGan(nn.Linear(2, 4), nn.Linear(6, 1), **options)
    gan.add_optimizer("discriminator", gan.discriminator, 0.1)
    gan.add_optimizer("generator", gan.generator, 0.1, betas=(0.5, 0.9))
    return gan


def weights(network):
    return [parameter.detach().clone() for parameter in network.parameters()]


def same(first, second):
    return all(torch.equal(a, b) for a, b in zip(first, second, strict=True))


def test_the_generators_losses_are_those_of_eqs_1_and_2():
    logits = torch.tensor([-1.2, 0.4])
    d = torch.sigmoid(logits)
    assert float(adversarial_loss(logits, "non_saturating")) == pytest.approx(
        float(-torch.log(d).mean())
    )
    assert float(adversarial_loss(logits, "minimax")) == pytest.approx(
        float(torch.log(1 - d).mean())
    )


def test_the_discriminators_loss_is_the_cross_entropy():
    gan = small_gan()
    condition, truth = torch.rand(5, 2), torch.rand(5, 4)
    images = gan.generate(condition).detach()
    real, fake = (gan.logits(x, condition).detach() for x in (truth, images))
    found = gan.update_discriminator(images, truth, condition)
    expected = functional.binary_cross_entropy_with_logits(real, torch.ones(5))
    expected += functional.binary_cross_entropy_with_logits(fake, torch.zeros(5))
    assert float(found["discriminator"].detach()) == pytest.approx(float(expected), rel=1e-5)
    assert float(found["d_real"].detach()) == pytest.approx(float(real.sigmoid().mean()))
    assert float(found["d_fake"].detach()) == pytest.approx(float(fake.sigmoid().mean()))


def test_each_update_changes_its_own_network():
    gan = small_gan()
    condition, truth = torch.rand(5, 2), torch.rand(5, 4) + 3
    images = gan.generate(condition)
    before = weights(gan.generator), weights(gan.discriminator)
    gan.update_discriminator(images.detach(), truth, condition)
    after = weights(gan.discriminator)
    assert same(weights(gan.generator), before[0])
    assert not same(after, before[1])
    gan.step_optimizer("generator", gan.adversarial(images, condition))
    assert not same(weights(gan.generator), before[0])
    assert same(weights(gan.discriminator), after)
    # It can be updated again.
    gan.update_discriminator(images.detach(), truth, condition)
    assert not same(weights(gan.discriminator), after)


def test_updates_do_what_they_are_for():
    """The discriminator tells images apart; the generator then deceives it."""
    gan = small_gan()
    condition, truth = torch.rand(20, 2), torch.rand(20, 4) + 2
    images = gan.generate(condition).detach()
    for _ in range(50):
        found = gan.update_discriminator(images, truth, condition)
    assert found["d_real"] > 0.9 > 0.1 > found["d_fake"]
    for _ in range(50):
        loss = gan.adversarial(gan.generate(condition), condition)
        gan.step_optimizer("generator", loss)
    assert gan.logits(gan.generate(condition), condition).sigmoid().mean() > 0.9


def test_a_penalty_is_added_to_the_loss():
    images, truth, condition = torch.rand(5, 4), torch.rand(5, 4), torch.rand(5, 2)
    losses = []
    for penalty in (None, lambda: torch.tensor(10.0)):
        torch.manual_seed(1)
        found = small_gan().update_discriminator(images, truth, condition, penalty=penalty)
        losses.append(float(found["discriminator"].detach()))
    assert losses[1] == pytest.approx(losses[0] + 10)


def gradient(network):
    """The gradient of all weights as one vector."""
    return torch.cat([p.grad.flatten() for p in network.parameters()])


@pytest.mark.parametrize("norm_max", [1e-3, 1e3, None])
def test_only_large_gradients_are_scaled_down(norm_max):
    torch.manual_seed(2)
    gan = small_gan()
    inputs, truth = torch.rand(5, 2), torch.rand(5, 4) + 3
    parameters = list(gan.generator.parameters())
    loss = functional.mse_loss(gan.generate(inputs), truth)
    expected = torch.cat([g.flatten() for g in torch.autograd.grad(loss, parameters)])
    loss = functional.mse_loss(gan.generate(inputs), truth)
    gan.step_optimizer("generator", loss, norm_max)
    found = gradient(gan.generator)
    if norm_max == 1e-3:
        assert float(found.norm()) == pytest.approx(1e-3, rel=1e-3)
        assert float(functional.cosine_similarity(found, expected, dim=0)) == pytest.approx(1)
    else:
        assert 1 < float(expected.norm()) < 1e3
        torch.testing.assert_close(found, expected)


def test_diversity_is_the_spread_from_image_to_image():
    rng = np.random.default_rng(1)
    real = rng.normal(0, 1, (400, 1, 6, 6)) + np.linspace(0, 9, 6)
    assert diversity(real, real) == 1
    assert diversity(3 * real + 7, real) == pytest.approx(3)
    others = rng.normal(0, 0.5, real.shape)
    assert diversity(others, real) == pytest.approx(0.5, rel=0.02)
    # The spread within an image does not count.
    assert diversity(np.broadcast_to(real[:1], real.shape), real) == pytest.approx(0, abs=1e-12)
    assert np.isfinite(diversity(real, np.zeros_like(real)))


def test_a_checkpoint_contains_the_networks_that_there_are():
    best = nn.Linear(2, 4)
    gan = small_gan(other_networks={"best": best})
    assert list(gan.networks()) == ["generator", "discriminator", "best"]
    assert gan.networks()["best"] is best
    alone = Gan(nn.Linear(2, 4), None, device=CPU, precision="float32", adversarial="minimax")
    assert list(alone.networks()) == ["generator"]


def test_images_are_float32_at_any_precision():
    torch.manual_seed(1)
    gan = small_gan(precision="bfloat16")
    inputs = torch.rand(5, 2)
    images = gan.generate(inputs)
    assert images.dtype == torch.float32
    assert images.requires_grad
    exact = gan.generator(inputs)
    assert 0 < (images - exact).abs().max() < 0.02


def test_images_do_not_depend_on_the_batches():
    """Neither batch norm nor dropout is in training mode."""
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5)).train()
    inputs = torch.rand(7, 1, 8, 8)
    network(inputs)  # running means that are not zero
    whole = generate_in_batches(network, inputs, CPU, batch_size=100)
    parts = generate_in_batches(network, inputs, CPU, batch_size=3)
    assert whole.shape == (7, 3, 6, 6)
    np.testing.assert_allclose(parts, whole, atol=1e-6)
    low = generate_in_batches(network, inputs, CPU, batch_size=3, precision="bfloat16")
    assert low.dtype == torch.float32
    assert 0 < (low - whole).abs().max() < 0.1
