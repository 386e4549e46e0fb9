"""Arrays on disk that are read row by row."""

import threading

import numpy as np
import psutil
import pytest
from deblend.data.rows import JoinedRows, Rows, row_batches
from deblend.errors import DeblendError
from deblend.hdf5 import new_file, write_array

VALUES = np.random.default_rng(0).normal(size=(9, 3, 5, 5)).astype(np.float32)


@pytest.fixture
def path(tmp_path):
    with new_file(tmp_path / "a.h5") as file:
        write_array(file, "group/images", VALUES, chunks=(1, 3, 5, 5))
    return tmp_path / "a.h5"


@pytest.mark.parametrize("kept_bytes", [0, 700, 2**20])
def test_they_are_indexed_like_the_array(path, kept_bytes):
    rows = Rows(path, "group/images", kept_bytes=kept_bytes)
    assert (rows.shape, rows.dtype, rows.ndim, len(rows)) == ((9, 3, 5, 5), np.float32, 4, 9)
    mask = np.arange(9) % 2 == 0
    numbers = np.array([7, 0, 7, 3])
    for index in (
        *(4, -1, np.int64(2), slice(None), slice(2, 6), numbers, numbers[:0], mask),
        *((3, 1), (numbers, 0), (slice(1, 4), slice(None), slice(2, 4), slice(0, 3))),
    ):
        np.testing.assert_array_equal(rows[index], VALUES[index])
        assert rows[index].dtype == np.float32
    for wrong in (9, -10):
        with pytest.raises(IndexError, match="9 rows"):
            rows[wrong]
    for wrong in (..., (..., 0), None, (slice(None), numbers), (numbers, [1])):
        with pytest.raises(IndexError, match="rows come first"):
            rows[wrong]


def test_bands_are_chosen(path):
    rows = Rows(path, "group/images").with_bands([2, 0])
    np.testing.assert_array_equal(rows[[5, 1]], VALUES[[5, 1]][:, [2, 0]])
    np.testing.assert_array_equal(rows.with_bands([1])[3], VALUES[3, [0]])
    assert rows.shape == (9, 2, 5, 5)


def test_rows_that_fit_are_read_once(path):
    """What is in memory outlives the file's content."""
    rows = Rows(path, "group/images", kept_bytes=4 * VALUES[0].nbytes)
    rows[[0, 1, 2, 3]]
    rows[0], rows[5]  # 1 is the one that was not used for longest
    content = bytearray(path.read_bytes())
    for number in range(9):
        place = bytes(content).index(VALUES[number].tobytes())
        content[place] ^= 1
    with path.open("r+b") as file:
        file.write(content)
    np.testing.assert_array_equal(rows[[0, 2, 3, 5]], VALUES[[0, 2, 3, 5]])
    with pytest.raises(DeblendError, match="a.h5 is not a complete file"):
        rows[1]


def test_files_of_which_nothing_stays_are_closed(path):
    """As many chunks can be joined as there are, whatever the number of files that can be open."""
    whole = JoinedRows(
        [Rows(path, "group/images", kept_bytes=0) for _ in range(20)], np.arange(180)
    )
    process, opened = psutil.Process(), []
    for number, row in enumerate(whole):
        np.testing.assert_array_equal(row, VALUES[number % 9])
        opened.append(len(process.open_files()))
    closed = len(process.open_files())
    np.testing.assert_array_equal(whole[3:100:7, 1], np.tile(VALUES, (20, 1, 1, 1))[3:100:7, 1])
    assert max(opened) == min(opened) == closed + 1
    assert len(process.open_files()) == closed


def test_rows_in_memory_do_not_change(path):
    rows = Rows(path, "group/images")
    for number, value in ((0, 1), (np.array([0, 1]), 2), ((0, 1), 3)):
        rows[number][:] = value
    np.testing.assert_array_equal(rows[:2], VALUES[:2])
    with pytest.raises(ValueError, match="read-only"):
        next(iter(rows))[:] = 4


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DeblendError, match="none.h5 is not stamps"):
        Rows(tmp_path / "none.h5", "images", "stamps")


def test_threads_share_them(path):
    rows, wrong = Rows(path, "group/images", kept_bytes=700), []

    def read(seed):
        for number in np.random.default_rng(seed).integers(0, 9, 200):
            if not np.array_equal(rows[number], VALUES[number]):
                wrong.append(number)

    threads = [threading.Thread(target=read, args=(k,)) for k in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_rows_of_several_arrays_are_joined(path):
    parts = [VALUES[:2], Rows(path, "group/images"), VALUES[:0], VALUES[4:5]]
    whole = np.concatenate([VALUES[:2], VALUES, VALUES[4:5]])
    chosen = np.array([11, 0, 3, 2, 1])
    joined = JoinedRows(parts, chosen)
    assert joined.shape == (5, 3, 5, 5)
    np.testing.assert_array_equal(joined[:], whole[chosen])
    np.testing.assert_array_equal(joined[[4, 0], 1], whole[chosen[[4, 0]], 1])
    np.testing.assert_array_equal(joined[2], whole[3])
    again = JoinedRows([joined], np.array([3, 0]))
    np.testing.assert_array_equal(again[:], whole[[2, 11]])


def test_batches_are_all_rows():
    numbers = np.arange(10)
    assert [numbers[b].tolist() for b in row_batches(10, 4)] == [
        [0, 1, 2, 3], [4, 5, 6, 7], [8, 9],
    ]  # fmt: skip
    assert list(row_batches(0, 4)) == []
