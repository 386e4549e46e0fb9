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


def test_shapes_have_to_fit(scenes):
    from dataclasses import replace

    with pytest.raises(DeblendError, match=r"zero_points of scenes has the shape \(2,\)"):
        replace(scenes, zero_points=np.zeros(2))
    with pytest.raises(DeblendError, match="positions of 1 of 6 scenes"):
        scenes.with_positions([np.zeros((1, 2))])


def test_a_band_that_is_missing_is_named(scenes):
    with pytest.raises(DeblendError, match="f160w and not f814w"):
        scenes.band("f814w")


def test_no_tables_are_an_empty_one():
    assert list(concatenated([]).columns) == list(MEASURED)
