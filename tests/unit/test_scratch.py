import shutil
import tempfile

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scratch import new_array


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("on_disk", [False, True])
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_what_is_written_is_read(folder, on_disk, dtype):
    rng = np.random.default_rng(0)
    images = rng.normal(size=(20, 8, 8)).astype(dtype)
    array = new_array(images.shape, images.dtype, kept_bytes=0 if on_disk else images.nbytes)
    assert array.dtype == images.dtype and not array.any()
    assert isinstance(array, np.memmap) == on_disk
    for start in range(0, 20, 6):
        array[start : start + 6] = images[start : start + 6]
    np.testing.assert_array_equal(array, images)
    # There is no name that a killed process could leave.
    assert not list(folder.iterdir())


def test_a_full_disk_is_said_before(folder):
    with pytest.raises(DeblendError, match="there is no space for .* make some there"):
        new_array((10**9, 10**9), float)


def test_space_is_taken_before_anything_is_written(folder):
    """Else the process would be ended where a page cannot be written."""
    n_bytes = 2**28
    before = shutil.disk_usage(folder).free
    array = new_array((n_bytes,), np.uint8, kept_bytes=0)
    assert before - shutil.disk_usage(folder).free > 0.8 * n_bytes
    del array


def test_an_empty_array_needs_no_file(folder):
    assert new_array((0, 8), float, kept_bytes=0).shape == (0, 8)
