"""The configuration of the branched GAN: the paper's values, and crops that fit."""

import itertools

import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.config import (
    NETWORK_NAMES,
    GanConfig,
    Perturbation,
    PerturbConfig,
    Reiman2019,
    ablation_networks,
    network_options,
    scored_methods,
    start_options,
    trained_networks,
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
    # Sect. 2.4: 1.6 million images are five epochs.
    assert 5 * network.n_train_blends == published["images_before_drop"]
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


def section_of(**options):
    """The section as the workflow has it."""
    return Reiman2019(image_sets=SETS, **options).model_dump()


COPY_GATE = {"generator": "copy_gate", "filters": 24}


def test_the_other_generator_is_trained_beside_the_gan_and_its_baseline():
    section = section_of(other_generator=COPY_GATE)
    expected = {"deblender_gan": "gan", "deblender_mse": "mse", "deblender_copy_gate": "copy_gate"}
    assert trained_networks(section) == expected
    assert network_options("deblender_gan", section) == section["network"]
    mse = section["network"] | {"adversarial_weight": 0}
    assert network_options("deblender_mse", section) == mse
    assert network_options("deblender_copy_gate", section)["generator"] == "copy_gate"
    assert list(trained_networks(section_of())) == ["deblender_gan", "deblender_mse"]
    turned = section_of(network=COPY_GATE, other_generator={})
    assert list(trained_networks(turned))[2] == "deblender_residual_branches"


def test_every_network_has_a_reserved_name():
    names = set()
    for other, generator in (
        ("copy_gate", "residual_branches"),
        ("residual_branches", "copy_gate"),
    ):
        options = {"network": {"generator": generator}, "other_generator": {"generator": other}}
        section = section_of(**options)
        names |= {*trained_networks(section), *ablation_networks(section).values()}
    assert names | {"deblender_start"} == set(NETWORK_NAMES)


def test_two_equal_generators_are_refused():
    with pytest.raises(ValidationError, match="residual_branches is the generator of network too"):
        Reiman2019(image_sets=SETS, other_generator={})
    with pytest.raises(ValidationError, match="200000 is not below iterations"):
        Reiman2019(image_sets=SETS, other_generator=COPY_GATE | {"adversarial_start": 200000})


def test_networks_with_batch_norms_are_tested_twice():
    section = section_of(other_generator=COPY_GATE)
    assert scored_methods(section) == {
        "gan": ("deblender_gan", False),
        "mse": ("deblender_mse", False),
        "copy_gate": ("deblender_copy_gate", False),
        "gan_batch": ("deblender_gan", True),
        "mse_batch": ("deblender_mse", True),
    }
    assert list(scored_methods(section_of(batch_statistics=False))) == ["gan", "mse"]


def test_ablations_take_one_thing_from_the_copy_gate():
    section = section_of(network=COPY_GATE)
    names = ablation_networks(section)
    base = network_options("deblender_mse", section)
    assert names.pop("complete") == "deblender_mse"  # it is trained in any case
    changed = {}
    for name in names.values():
        options = network_options(name, section)
        changed[name] = {key for key in base if options[key] != base[key]}
    assert list(changed.values()) == [{"parts"}, {"parts"}, {"linear"}, {"resolution", "filters"}]
    parts = [network_options(name, section)["parts"] for name in names.values()]
    assert parts[:2] == ["residual", "gate"]
    # Four times the pixels and a quarter of the products of filters.
    assert network_options("deblender_full_resolution", section)["filters"] == 12


def test_ablations_are_of_the_other_generator_if_that_is_the_copy_gate():
    section = section_of(other_generator=COPY_GATE | {"adversarial_start": 7})
    assert ablation_networks(section)["complete"] == "deblender_complete"
    expected = section["other_generator"] | {"adversarial_weight": 0}
    assert network_options("deblender_complete", section) == expected
    assert ablation_networks(section_of()) == {}


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
