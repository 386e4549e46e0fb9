"""Pictures of two galaxies through a branched generator whose images are known."""

from dataclasses import replace

import h5py
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.scenes import Scenes
from deblend.scenes.separator import (
    draw_separations,
    measure,
    measure_with_images,
    write_separations,
)
from deblend.scenes.weights import read_network

from tests.unit.reiman2019.test_own_images import write_generator

#: The galaxies' peaks in red, green and blue, and that of the second as a share of the first.
COLOURS, SECOND = np.array([0.6, 0.5, 0.35]), 0.5
SKY, WIDTH = 0.02, 6.0
PLACES = np.array([[60.0, 62.0], [60.0, 92.0]])


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    """The central galaxy is the blend as it is, the companion half of it."""
    folder = tmp_path_factory.mktemp("separator")
    write_generator(folder, [(1.0, 0.0), (0.5, -0.5)])
    return read_network(folder / "network.json", "deblender_gan")


@pytest.fixture(scope="module")
def pictures():
    y, x = np.mgrid[:128, :128].astype(float)
    light = sum(
        peak * np.exp(-((y - py) ** 2 + (x - px) ** 2) / (2 * WIDTH**2))
        for peak, (py, px) in zip((1, SECOND), PLACES, strict=True)
    )
    images = light * COLOURS[:, None, None]
    rng = np.random.default_rng(1)
    images = images + rng.normal(0, 0.004, (2, *images.shape))
    return Scenes(
        images.astype(np.float32),
        ("red", "green", "blue"),
        0.4,
        np.full(3, 25.0),
        np.full((2, 3), 0.004),
        positions=(PLACES, PLACES),
        stretched=True,
        sky=np.full((2, 3), SKY),
    )


def test_the_light_in_the_images_is_that_of_the_galaxies(pictures, network):
    table, separation, note = measure_with_images(pictures, network=network)
    assert "reduced by 3" in note
    assert set(zip(table["source"], table["role"], strict=True)) == {
        (0, "central"),
        (1, "companion"),
    }
    for band, peak in zip(pictures.bands, COLOURS, strict=True):
        rows = table[(table["role"] == "central") & (table["band"] == band)]
        # A Gaussian's half-light radius is 1.18 widths, so that the aperture has nearly all of it.
        expected = peak * 2 * np.pi * WIDTH**2
        np.testing.assert_allclose(rows["flux"], expected, rtol=0.1)
    assert (table["flags"] & bit("single") == 0).all()
    # Pixels of the input, with the sky that the picture had.
    seen = separation.separated.blends
    assert seen.shape == (2, 32, 32, 3)
    np.testing.assert_allclose(np.median(seen[:, :6], axis=(0, 1, 2)), SKY, atol=0.004)
    brightest = np.unravel_index(seen[0, ..., 0].argmax(), (32, 32))
    found = np.array(brightest) * separation.step_px + separation.corner[0] + 1
    np.testing.assert_allclose(found, PLACES[0], atol=2)


def test_images_are_written_and_drawn(pictures, network, tmp_path):
    _, separation, _ = measure_with_images(pictures, network=network)
    write_separations(tmp_path / "separated.h5", [separation, None])
    with h5py.File(tmp_path / "separated.h5") as file:
        assert list(file) == ["deblender_gan"]
        group = file["deblender_gan"]
        np.testing.assert_array_equal(group["galaxies"][:], separation.separated.galaxies)
        assert group["sources"][:].tolist() == [[0, 1], [0, 1]]
    for name, made in (("some", [separation]), ("none", [None])):
        draw_separations(pictures, made, [tmp_path / f"{name}.png"], "toy scale")
        assert (tmp_path / f"{name}.png").stat().st_size > 1000


def test_without_sources_there_is_an_empty_table(pictures, network):
    none = np.zeros((0, 2))
    table, separation, _ = measure_with_images(pictures, (none, none), network=network)
    assert not len(table)
    assert separation is None


def test_images_that_are_no_colour_pictures_are_refused(pictures, network):
    with pytest.raises(DeblendError, match="separates colour pictures .* no pictures in red"):
        measure(replace(pictures, stretched=False), network=network)
