"""One's own images through a trained generator: what is checked, cut and resampled."""

import json
import logging

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import PerturbConfig
from deblend.reiman2019.images import make_grid, reduce
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.reiman2019.own_images import GALAXY_ZOO_RADIUS_PX, separate_images
from deblend.training.torch_checkpoint import write_weights
from PIL import Image

pytestmark = pytest.mark.usefixtures("one_thread")

CONFIG = PerturbConfig(crop_px=96, reduce_by=3)
SIDE = 32
#: Frames of Galaxy Zoo, but smaller.
FRAME_PX = 106


def write_generator(folder, bias, **changes):
    """Gates 1 and residuals 0 for the central galaxy, or other biases; the same everywhere."""
    network = CopyGateGenerator(2, 1)
    for branch, (gate, residual) in zip(network.branches.values(), bias, strict=True):
        torch.nn.init.zeros_(branch.conv.weight)
        branch.conv.bias.data = torch.tensor([gate] * 12 + [residual] * 12)
    write_weights(folder / "network.h5", network)
    record = {"generator": "copy_gate", "filters": 2, "levels": 1, "precision": "float32"}
    record |= {"perturbation": CONFIG.model_dump(), "problem": None} | changes
    (folder / "network.json").write_text(json.dumps(record))
    return {"weights": folder / "network.h5", "description": folder / "network.json"}


@pytest.fixture(scope="module")
def generator(tmp_path_factory):
    """The central galaxy is the blend, the companion half of it and a little light."""
    return write_generator(tmp_path_factory.mktemp("own"), [(1.0, 0.0), (0.5, 0.25)])


def spots(n=2, side=FRAME_PX):
    """Reddish galaxies at the centre, bytes."""
    y, x = np.mgrid[:side, :side] - (side - 1) / 2
    widths = np.linspace(6, 12, n)[:, None, None]
    light = np.exp(-(x**2 + y**2) / (2 * widths**2))
    return np.round(light[..., None] * np.array([220, 180, 120])).astype(np.uint8)


def separate(images, generator, **options):
    given = {"petrosian_radius_px": GALAXY_ZOO_RADIUS_PX} | options
    return separate_images(images, **generator, **given)


def test_images_of_galaxy_zoo_are_reduced_as_in_the_training(generator):
    images = spots()
    result = separate(images, generator)
    assert result.pixels == pytest.approx(3)
    grid = make_grid(FRAME_PX, 3, 96)
    inner = slice(2, -2)  # the training sees pixels outside the crop
    for image, seen in zip(images, result.blends, strict=True):
        trained = reduce(image, grid)[grid.crop, grid.crop]
        assert np.abs(255 * seen - trained)[inner, inner].max() <= 1


def test_both_galaxies_are_returned_in_the_unit_of_the_blends(generator):
    result = separate(spots(3), generator)
    assert result.galaxies.shape == (3, 2, SIDE, SIDE, 3)
    assert result.galaxies[:, 0] == pytest.approx(result.blends, abs=1e-6)
    assert result.galaxies[:, 1] == pytest.approx(0.25 + 0.5 * result.blends, abs=1e-6)


@pytest.mark.parametrize(("blending", "lacking"), [("max", 0.0), ("sum", -0.25)])
def test_residuals_are_of_galaxies_blended_as_in_the_training(tmp_path, blending, lacking):
    """The central galaxy is the blend, the companion 0.25 everywhere, fainter than the blend."""
    config = CONFIG.model_copy(update={"blending": blending})
    network = write_generator(tmp_path, [(1.0, 0.0), (0.0, 0.25)], perturbation=config.model_dump())
    result = separate(np.full((2, FRAME_PX, FRAME_PX, 3), 0.5), network)
    assert result.residuals().shape == (2, SIDE, SIDE, 3)
    assert result.residuals() == pytest.approx(lacking, abs=1e-6)
    bright = separate(np.ones((1, FRAME_PX, FRAME_PX, 3)), network)
    assert bright.residuals() == pytest.approx(0, abs=1e-6)  # no image is brighter than 1


def test_light_outside_the_range_is_clipped(tmp_path):
    network = write_generator(tmp_path, [(0.0, -0.3), (0.0, 1.3)])
    galaxies = separate(spots(), network).galaxies
    assert (galaxies[:, 0] == 0).all() and (galaxies[:, 1] == 1).all()


def test_bytes_floats_and_files_give_the_same(generator, tmp_path):
    images = spots(1)
    Image.fromarray(images[0]).save(tmp_path / "blend.png")
    expected = separate(images, generator).galaxies
    for same in (
        images[0],
        images / 255,
        (images / 255).astype(np.float32),
        tmp_path / "blend.png",
    ):
        assert separate(same, generator).galaxies == pytest.approx(expected, abs=1e-6)


def test_the_scale_is_that_of_the_training(generator):
    """The same galaxy in pixels half as large looks the same to the network."""
    fine = np.kron(spots(), np.ones((1, 2, 2, 1), np.uint8))
    expected = separate(spots(), generator)
    found = separate(fine, generator, petrosian_radius_px=2 * GALAXY_ZOO_RADIUS_PX)
    assert found.pixels == pytest.approx(6)
    assert found.blends == pytest.approx(expected.blends, abs=0.02)
    # Larger images are cut around their centre.
    wider = np.pad(spots(), [(0, 0), (10, 10), (20, 20), (0, 0)])
    assert separate(wider, generator).blends == pytest.approx(expected.blends, abs=1e-6)


def test_colours_keep_their_order(generator, caplog):
    expected = separate(spots(), generator)
    swapped = separate(spots()[..., ::-1], generator, colour_order="bgr")
    np.testing.assert_array_equal(swapped.galaxies, expected.galaxies[..., ::-1])
    np.testing.assert_array_equal(swapped.blends, expected.blends[..., ::-1])
    assert not caplog.text
    with caplog.at_level(logging.WARNING):
        separate(spots()[..., ::-1], generator)
    assert "in 2 of 2 images of images the centre is brighter in blue" in caplog.text


def test_a_generator_that_has_learnt_nothing_is_told(tmp_path, caplog):
    network = write_generator(tmp_path, [(1.0, 0.0)] * 2, problem="its images are black")
    with caplog.at_level(logging.WARNING):
        separate(spots(), network)
    assert "has not learnt: its images are black" in caplog.text


GOOD = spots()


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GOOD[0, ..., 0], r"shape \(106, 106\): give at least one image of three colours"),
        (GOOD[:0], r"shape \(0, 106, 106, 3\): give at least one"),
        (np.moveaxis(GOOD, -1, 1), r"colours have to be the last axis"),
        (np.concatenate([GOOD, GOOD[..., :1]], axis=-1), "four channels: leave out the last"),
        (GOOD.astype(np.uint16), "pixels of type uint16: give bytes"),
        (GOOD // 250 + 1, "bytes up to 1: bytes go from 0 to 255"),
        (GOOD.astype(float), r"values from 0 to 220: the network takes \[0, 1\]: divide them by"),
        (GOOD / 127.5 - 1, r"from -1 to 0\.7.*: if they are in \[-1, 1\], use"),
        (GOOD / 255.0 * 3e4, "scale them"),
        (np.where(GOOD > 200, np.nan, 0.5), r"has \d+ NaN or infinite values"),
        (np.stack([GOOD[0], 0 * GOOD[0]]), "image 1 of images is black"),
        (np.stack([GOOD[0] / 255.0, 0.0 * GOOD[0]]), "image 1 of images is black"),
        (
            GOOD[:, :90],
            r"images of 106 x 90 px: .* takes 96 x 96 px \(32 x 32 px of 3\): cut larger",
        ),
        ("missing.png", r"missing.png cannot be read as an image"),
    ],
)
def test_wrong_images_are_refused(generator, images, message):
    with pytest.raises(DeblendError, match=message):
        separate(images, generator)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"petrosian_radius_px": 0.0}, "petrosian_radius_px is 0.0: give the Petrosian radius"),
        ({"petrosian_radius_px": 5.0}, "of 13.9 px: the images have 2.78 times larger pixels"),
        ({"colour_order": "gri"}, "colour_order is 'gri'; it can be rgb or bgr"),
    ],
)
def test_wrong_options_are_refused(generator, option, message):
    with pytest.raises(DeblendError, match=message):
        separate(GOOD, generator, **option)
