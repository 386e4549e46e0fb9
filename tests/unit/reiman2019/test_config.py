"""The configuration of the branched GAN: the paper's values, and crops that fit."""

import itertools

import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.config import (
    GanConfig,
    Perturbation,
    PerturbConfig,
    Reiman2019,
    start_options,
)
from deblend.reiman2019.images import make_grid
from pydantic import ValidationError

from tests.unit.reiman2019.conftest import PUBLISHED

SETS = {"galaxyzoo": {"source": "archive"}}


def test_the_defaults_are_the_papers_settings():
    config = Reiman2019(image_sets=SETS)
    network, published = config.network, PUBLISHED["training"]["deblender_gan"]
    assert network.iterations == PUBLISHED["n_iterations"]
    assert network.batch_size == PUBLISHED["batch_size"]
    blocks = {"root": network.root_blocks, "branch": network.branch_blocks}
    assert blocks == PUBLISHED["residual_blocks"]
    assert network.drop_iteration == published["iterations_before_drop"]
    rates = [network.learning_rate, network.learning_rate * network.drop_factor]
    assert rates == pytest.approx(published["learning_rates"])
    assert network.drop_iteration * network.batch_size == published["images_before_drop"]
    low, high = PUBLISHED["burn_in_batches"]
    assert low <= network.burn_in_iterations <= high
    assert config.n_blends.test == PUBLISHED["n_test_blends"]
    assert 2 * config.n_blends.test == PUBLISHED["n_test_images"]
    # Sect. 2.3: 80 x 80 pixels.
    assert PerturbConfig().side == 80


def test_crops_are_accepted_if_they_fit_the_image_and_the_discriminator():
    accepted = 0
    for frame, crop, factor in itertools.product((96, 97, 424), (32, 48, 72, 80, 96, 240), (1, 3)):
        options = {"frame_px": frame, "crop_px": crop, "reduce_by": factor}
        try:
            make_grid(frame, factor, crop)
            # The discriminator halves the images four times.
            fits = (crop // factor) % 16 == 0
        except DeblendError:
            fits = False
        if fits:
            Reiman2019(image_sets=SETS, **options)
            accepted += 1
        else:
            with pytest.raises(ValidationError, match=f"{crop}|{frame}"):
                Reiman2019(image_sets=SETS, **options)
    assert accepted == 14


def test_a_crop_of_parts_of_pixels_is_refused():
    with pytest.raises(ValidationError, match="100 is not a whole multiple of reduce_by 3"):
        PerturbConfig(crop_px=100)
    assert PerturbConfig(crop_px=100, reduce_by=4).side == 25


def test_ranges_can_be_single_values():
    assert Perturbation(shift_px=(10, 10), log_scale=(0, 0)).shift_px == (10, 10)
    with pytest.raises(ValidationError, match="11 is above 10"):
        Perturbation(shift_px=(11, 10))


def test_the_baseline_has_no_adversarial_weight():
    """The network's section allows 0, which the section of the paper refuses for the GAN."""
    assert GanConfig(adversarial_weight=0).adversarial_weight == 0
    with pytest.raises(ValidationError, match="give a positive weight"):
        Reiman2019(image_sets=SETS, network={"adversarial_weight": 0})


def test_a_discriminator_that_never_starts_is_refused():
    network = {"iterations": 100, "adversarial_start": 99}
    assert Reiman2019(image_sets=SETS, network=network).network.adversarial_start == 99
    with pytest.raises(ValidationError, match="100 is not below iterations 100"):
        Reiman2019(image_sets=SETS, network=network | {"adversarial_start": 100})


def test_images_of_a_copy_gate_can_be_halved_at_each_level():
    network = {"generator": "copy_gate", "levels": 4}
    assert Reiman2019(image_sets=SETS, network=network).network.levels == 4
    with pytest.raises(
        ValidationError, match="5 levels need images whose side is a multiple of 32"
    ):
        Reiman2019(image_sets=SETS, network=network | {"levels": 5})


def test_short_trainings_are_those_of_the_paper_with_and_without_burn_in():
    network = GanConfig(
        generator="copy_gate", schedule="cosine", adversarial_start=50, burn_in_iterations=30
    ).model_dump()
    for kind, burn_in in (("with_burn_in", 30), ("without_burn_in", 0)):
        short = GanConfig(**start_options(network, kind, 200))
        assert (short.iterations, short.burn_in_iterations) == (200, burn_in)
        assert (short.generator, short.adversarial_start) == ("residual_branches", 0)
        # The learning rate stays what it is.
        assert (short.schedule, short.drop_iteration) == ("drop", 200)
    assert network["iterations"] == 200000  # of the GAN itself
