"""Stamps of one size from cut-outs with models: tools/stamps_from_cutouts.py."""

import importlib.util

import numpy as np
import pytest

from tests.rules import ROOT

SPEC = importlib.util.spec_from_file_location("cutouts", ROOT / "tools/stamps_from_cutouts.py")
TOOL = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(TOOL)
NOISE = 0.006


def gaussian(shape, x, y, flux, sigma):
    """A round Gaussian, sampled at the centres of pixels."""
    rows, columns = np.indices(shape)
    squared = (columns - x) ** 2 + (rows - y) ** 2
    return flux / (2 * np.pi * sigma**2) * np.exp(-squared / (2 * sigma**2))


def made(model, image=None, size=32, seed=1):
    rng = np.random.default_rng(seed)
    image = model + rng.normal(0, NOISE, model.shape) if image is None else image
    return image, TOOL.stamp_of(image, model, size, rng)


def test_the_galaxy_has_the_flux_and_the_radius_of_its_model():
    model = gaussian((51, 61), 30, 25, 20.0, 3.0) + gaussian((51, 61), 8, 40, 40.0, 2.0)
    image, (stamp, galaxy) = made(model)
    assert galaxy["flux"] == pytest.approx(20.0, rel=0.01)
    # Half of the light of a round Gaussian is within sqrt(2 ln 2) of its sigma.
    assert galaxy["half_light_radius"] == pytest.approx(3.0 * np.sqrt(2 * np.log(2)), rel=0.03)
    assert galaxy["noise_sigma"] == pytest.approx(NOISE, rel=0.05)
    assert galaxy["unseen"] == 0
    # The galaxy is on the central pixel.
    np.testing.assert_array_equal(stamp, image[25 - 16 : 25 + 16, 30 - 16 : 30 + 16].astype("f4"))


def test_noise_replaces_what_has_no_data_and_defects():
    model = gaussian((41, 41), 20, 20, 5.0, 2.0)
    image = model + np.random.default_rng(3).normal(0, NOISE, model.shape)
    image[:8] = 0  # the mosaic ends
    image[30, 33] = 100 * NOISE
    image, (stamp, galaxy) = made(model, image, size=64)
    assert galaxy["unseen"] < 0.01
    assert stamp[32 - 20 + 30, 32 - 20 + 33] < 7 * NOISE
    empty = np.ones((64, 64), bool)
    empty[20:53, 12:53] = False
    assert stamp[empty].std() == pytest.approx(NOISE, rel=0.05)


def test_light_beyond_the_mosaics_edge_is_counted():
    model = gaussian((41, 41), 20, 20, 30.0, 3.0)
    image = model + np.random.default_rng(3).normal(0, NOISE, model.shape)
    image[:20] = 0
    _, (_, galaxy) = made(model, image)
    # The row through the centre and all above it are seen.
    unseen = model[:20].sum() / model.sum()
    assert galaxy["unseen"] == pytest.approx(unseen, abs=0.01)


@pytest.mark.parametrize("model", [np.zeros((21, 21)), gaussian((41, 41), 5, 5, 10.0, 2.0)])
def test_no_source_in_the_middle_gives_no_stamp(model):
    assert made(model)[1] is None


def test_no_data_gives_no_stamp():
    model = gaussian((21, 21), 10, 10, 10.0, 2.0)
    assert made(model, np.zeros((21, 21)))[1] is None
