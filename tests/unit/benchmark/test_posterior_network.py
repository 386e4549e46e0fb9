import numpy as np
import pytest
import torch
from deblend.benchmark.posterior_network import PosteriorNetwork, answer, turned
from deblend.boucaud2020.render import orient

SIDE = 32


@pytest.fixture
def network():
    torch.manual_seed(0)
    made = PosteriorNetwork(4, 1)
    made.log_mean.fill_(3.0)
    made.log_std.fill_(0.5)
    return made.eval()


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(0, 3, (3, SIDE, SIDE)).astype(np.float32)


def test_answers_do_not_depend_on_the_orientation(network, images):
    plain = answer(network, images, torch.device("cpu"))
    other = answer(network, np.stack([orient(i, 6) for i in images]), torch.device("cpu"))
    np.testing.assert_allclose(plain.logits.mean(1), other.logits.mean(1), rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(plain.context, other.context, rtol=1e-3, atol=1e-4)
    # Draws are of other points in each orientation: equal but for their number.
    middle, turn = (np.median(a.draws, axis=-1) for a in (plain, other))
    np.testing.assert_allclose(middle, turn, rtol=0.1)


def test_all_orientations_are_different(images):
    views = turned(images)
    assert views.shape == (3, 8, SIDE, SIDE)
    assert len({view.tobytes() for view in views[0]}) == 8
    centre = SIDE // 2
    assert (views[:, :, centre, centre] == images[:, None, centre, centre]).all()


def test_draws_are_sorted_and_the_density_has_the_sum_one(network, images):
    found = answer(network, images, torch.device("cpu"))
    assert found.draws.shape == (3, 2, 512)
    assert (np.diff(found.draws, axis=-1) >= 0).all()
    with torch.inference_mode():
        context = network.context(torch.from_numpy(images))
        grid = torch.linspace(-6, 6, 49)
        pairs = torch.cartesian_prod(grid, grid)
        one = network.density(context[:1].expand(len(pairs), -1), torch.ones(len(pairs)).long())
        total = one.log_prob(pairs).exp().sum() * 0.25**2
        np.testing.assert_allclose(float(total), 1, atol=0.05)
    assert (np.abs(found.correlation) <= 1).all()


def test_the_loss_of_a_lonely_galaxy_does_not_see_the_second_flux(network, images):
    number = torch.tensor([0, 0, 0])
    dummy = torch.tensor([0.1, 0.2, -0.3])
    losses = [
        network.loss(torch.from_numpy(images), torch.tensor([[20.0, f]] * 3), number, dummy)[0]
        for f in (1.0, 30.0)
    ]
    assert float(losses[0].detach()) == float(losses[1].detach())
