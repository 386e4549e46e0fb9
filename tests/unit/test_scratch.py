import resource
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
    array = new_array(images.shape, images.dtype, on_disk=on_disk)
    assert array.dtype == images.dtype and not array.any()
    assert isinstance(array, np.memmap) == on_disk
    for start in range(0, 20, 6):
        array[start : start + 6] = images[start : start + 6]
    np.testing.assert_array_equal(array, images)
    # There is no name that a killed process could leave.
    assert not list(folder.iterdir())


def test_a_full_disk_is_said_before(folder):
    with pytest.raises(DeblendError, match="there is no space for .* make some there"):
        new_array((10**9, 10**9), np.dtype(float), on_disk=True)


def test_a_file_that_may_not_be_so_large_is_an_error(folder):
    """Before anything is written: else the process would be ended at a page in the middle."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, before[1]))
    try:
        with pytest.raises(OSError, match="too large"):
            new_array((2**16, 4), np.dtype(float), on_disk=True)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
