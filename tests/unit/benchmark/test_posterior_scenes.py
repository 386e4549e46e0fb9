import dataclasses

import numpy as np
import pytest
from deblend.benchmark.posterior_scenes import SceneRules, TrainingScenes
from deblend.errors import DeblendError

from tests.unit.benchmark.posterior import RULES, SIDE, round_galaxies


def scenes(shares, n_neighbours=0.0, split="train"):
    rules = SceneRules(**RULES, shares=shares, n_neighbours_mean=n_neighbours,
                       neighbour_mag=(20.0, 22.0), n_profiles=30)  # fmt: skip
    return TrainingScenes(round_galaxies(), rules, split=split, seed=3)


def light(images, made):
    return images.sum((1, 2)) * made.sigma


def test_scenes_have_the_light_of_their_galaxies():
    made = scenes((0.0, 1.0, 0.0))
    images, fluxes, number = made.batch(0, 64)
    assert images.shape == (64, SIDE, SIDE)
    assert set(number) == {1}
    # Companions at the edge of the stamp lose light.
    inside = light(images, made) / fluxes.sum(1)
    np.testing.assert_allclose(np.median(inside), 1, atol=0.05)
    # The noise is that of two stamps: one, in the images' unit.
    corner = images[:, :3, :3]
    assert 0.5 < np.median(np.abs(corner)) * 1.48 < 1.5


def test_one_galaxy_is_alone_and_three_are_more():
    alone, fluxes, number = scenes((1.0, 0.0, 0.0)).batch(0, 32)
    made = scenes((1.0, 0.0, 0.0))
    assert set(number) == {0}
    np.testing.assert_allclose(np.median(light(alone, made) / fluxes[:, 0]), 1, atol=0.05)
    several, fluxes, number = scenes((0.0, 0.0, 1.0)).batch(0, 32)
    assert (number == 2).mean() > 0.5
    excess = light(several, made) / fluxes.sum(1)
    assert np.median(excess[number == 2]) > 1.2


def test_neighbours_add_light():
    plain, _, _ = scenes((0.0, 1.0, 0.0)).batch(0, 48)
    made = scenes((0.0, 1.0, 0.0), n_neighbours=64.0)
    crowded, _, _ = made.batch(0, 48)
    assert (light(crowded, made) - light(plain, made)).mean() > 5


def test_neighbours_that_could_be_companions_count():
    made = scenes((0.5, 0.5, 0.0), n_neighbours=64.0)
    images, fluxes, number = made.batch(0, 128)
    plain, before, drawn = scenes((0.5, 0.5, 0.0)).batch(0, 128)
    more = number > drawn
    assert more.any()
    assert (number >= drawn).all()
    # A galaxy without a companion has the brightness of a neighbour as its companion's.
    became = (drawn == 0) & more
    assert became.any()
    assert set(fluxes[became, 1]) <= set(made._of_neighbours["flux"].astype(np.float32))
    np.testing.assert_array_equal(fluxes[drawn > 0], before[drawn > 0])
    # And its light is in the image.
    gained = (images - plain).sum((1, 2)) * made.sigma
    assert np.median(gained[became] / fluxes[became, 1]) > 0.9


def test_a_batch_depends_on_its_number_alone():
    made = scenes((0.2, 0.6, 0.2), n_neighbours=4.0)
    first = made.batch(2, 8)
    made.batch(0, 8)
    for one, other in zip(first, made.batch(2, 8), strict=True):
        np.testing.assert_array_equal(one, other)


def test_splits_share_no_galaxy():
    train, validation = (scenes((0.0, 1.0, 0.0), split=s) for s in ("train", "validation"))
    assert (train.n_galaxies, validation.n_galaxies) == (16, 8)
    assert not set(train.fluxes) & set(validation.fluxes)


def test_a_data_set_without_psf_is_refused():
    stamps = dataclasses.replace(round_galaxies(), psf=None)
    rules = SceneRules(
        **RULES, shares=(0, 1, 0), n_neighbours_mean=0, neighbour_mag=(20, 22), n_profiles=9
    )
    with pytest.raises(DeblendError, match="has no PSF"):
        TrainingScenes(stamps, rules, split="train", seed=0)
