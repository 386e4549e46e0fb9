from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.scenes import MEASURED, concatenated, read_scenes, write_scenes


def test_scenes_are_written_and_read(tmp_path, placed):
    write_scenes(tmp_path / "scenes.h5", placed)
    again = read_scenes(tmp_path / "scenes.h5")
    np.testing.assert_array_equal(again.images, placed.images)
    np.testing.assert_array_equal(again.psf, placed.psf)
    for first, second in zip(again.positions, placed.positions, strict=True):
        np.testing.assert_array_equal(first, second)
    assert again.bands == placed.bands
    assert again.names == placed.names
    assert again.detection == placed.detection
    assert again.truth["mag"].tolist() == placed.truth["mag"].tolist()


def test_what_is_known_of_the_images_is_written_too(tmp_path, placed):
    sky = np.arange(6.0)[:, None]
    known = replace(placed, sky=sky, sky_measured=sky > 2, noise_notes=("white",), stretched=True)
    write_scenes(tmp_path / "scenes.h5", known)
    again = read_scenes(tmp_path / "scenes.h5")
    np.testing.assert_array_equal(again.sky, sky)
    assert again.noise_notes == ("white",)
    assert again.stretched
    assert again.lacks_sky(np.array([0, 5]), 0).tolist() == [True, False]
    assert not placed.lacks_sky(np.array([0, 5]), 0).any()
    part = again.part([5, 5], images=again.images[:2], positions=None, names=(), truth=None)
    assert part.sky.tolist() == [[5], [5]]


def test_shapes_have_to_fit(scenes):
    with pytest.raises(DeblendError, match=r"zero_points of scenes has the shape \(2,\)"):
        replace(scenes, zero_points=np.zeros(2))
    with pytest.raises(DeblendError, match="positions of 1 of 6 scenes"):
        scenes.with_positions([np.zeros((1, 2))])


def test_a_band_that_is_missing_is_named(scenes):
    with pytest.raises(DeblendError, match="f160w and not f814w"):
        scenes.band("f814w")


def test_no_tables_are_an_empty_one():
    assert list(concatenated([]).columns) == list(MEASURED)


def test_scenes_that_do_not_fit_into_memory_are_said(tmp_path, placed, needs_memory):
    path = tmp_path / "scenes.h5"
    write_scenes(path, placed)
    needs_memory(lambda: read_scenes(path), lambda read: (read.images,), "fewer scenes")
