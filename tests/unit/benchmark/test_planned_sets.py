import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.planned_sets import PlannedSet, no_pixels
from deblend.benchmark.truth import COLUMNS
from deblend.scenes.scenes import Scenes


@pytest.fixture
def plan():
    """Function that plans a set of three scenes, of which batches of two and one are taken."""

    def planned(images):
        scenes = Scenes(
            no_pixels(3, 8)[:, None],
            ("i",),
            pixel_scale_arcsec=0.2,
            zero_points=np.array([30.0]),
            noise_sigma=np.ones((3, 1)),
        )
        galaxies = pd.DataFrame({name: np.arange(3.0) for name in COLUMNS if name != "snr"})
        galaxies = galaxies.assign(id=["a", "b", "c"])
        batches = (
            (images[part, None], images[part], images[part] > 0.5, images[part].sum(axis=(1, 2)))
            for part in (slice(0, 2), slice(2, None))
        )
        return PlannedSet(scenes, galaxies, batches)

    return planned


def test_images_without_pixels_take_no_memory():
    images = no_pixels(10**9, 128)
    assert images.shape == (10**9, 128, 128) and images.base.nbytes == 4


def test_batches_are_joined_in_order(plan):
    images = np.random.default_rng(0).uniform(size=(3, 8, 8)).astype(np.float32)
    scenes, truth = plan(images).in_memory()
    np.testing.assert_array_equal(scenes.images[:, 0], images)
    np.testing.assert_array_equal(truth.images, images)
    np.testing.assert_allclose(truth.galaxies["snr"], images.sum(axis=(1, 2)))


def test_a_set_that_lacks_a_scene_is_not_written(plan, tmp_path):
    images = np.ones((2, 8, 8), np.float32)
    with pytest.raises(ValueError, match="2 images of 3 scenes"):
        plan(images).write(scenes=tmp_path / "scenes.hdf5", truth=tmp_path / "truth.hdf5")
    assert not list(tmp_path.iterdir())
