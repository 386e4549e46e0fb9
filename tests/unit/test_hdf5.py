"""HDF5 files in which a flipped bit is an error."""

import re
import time

import h5py
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.hdf5 import (
    COMPRESSION,
    copy_with_checksums,
    new_file,
    new_group,
    open_file,
    read_attributes,
    write_array,
    write_attributes,
)


def write(path):
    rng = np.random.default_rng(0)
    with new_file(path) as file:
        write_attributes(file, {"unit": "µJy", "empty": "", "n": 3, "mean": (1.0, 2.5)})
        write_array(file, "images", rng.normal(size=(4, 8, 8)).astype("f4"), chunks=(1, 8, 8))
        write_array(file, "maps", rng.integers(0, 3, (4, 8, 8)), **COMPRESSION)
        growing = write_array(
            file, "growing", shape=(0, 3), dtype=float, chunks=(1, 3), maxshape=(None, 3)
        )
        growing.resize(5, axis=0)
        growing[:] = rng.normal(size=(5, 3))
        write_array(file, "table/id", ["a", "", "galaxy µ"])
        write_array(new_group(file, "table/inner"), "number", 2.5)
        write_array(file, "name", "f814w")
        write_array(file, "none", np.zeros((0, 3)))
        write_array(file, "no_texts", np.array([], object))


def test_what_is_written_is_read(tmp_path):
    path = tmp_path / "a.h5"
    write(path)
    with open_file(path) as file:
        about = read_attributes(file)
        assert (about["unit"], about["empty"], about["n"]) == ("µJy", "", 3)
        assert about["mean"].tolist() == [1.0, 2.5]
        assert file["table/id"].asstr()[:].tolist() == ["a", "", "galaxy µ"]
        assert (file["name"].asstr()[()], file["table/inner/number"][()]) == ("f814w", 2.5)
        assert (file["none"].shape, len(file["no_texts"])) == ((0, 3), 0)
        images = np.random.default_rng(0).normal(size=(4, 8, 8)).astype("f4")
        np.testing.assert_array_equal(file["images"][:], images)
    assert [p.name for p in tmp_path.iterdir()] == ["a.h5"]


def test_the_same_content_gives_the_same_bytes(tmp_path):
    write(tmp_path / "a.h5")
    # HDF5 asks the C library for the time, which Python cannot change: wait for another second.
    time.sleep(1.1)
    write(tmp_path / "b.h5")
    assert (tmp_path / "a.h5").read_bytes() == (tmp_path / "b.h5").read_bytes()


def content_of(path):
    """All that a file has: names, attributes and bytes of arrays."""
    found = []

    def keep(name, item):
        values = item[()].tobytes() if isinstance(item, h5py.Dataset) else None
        found.append((name, str(read_attributes(item)), values))

    with open_file(path) as file:
        found.append(str(read_attributes(file)))
        file.visititems(keep)
    return found


def test_no_flipped_bit_changes_what_is_read(tmp_path):
    path, broken = tmp_path / "a.h5", tmp_path / "b.h5"
    write(path)
    content, good = path.read_bytes(), content_of(path)
    n_errors = n_same = 0
    for place in range(0, len(content), 11):
        flipped = bytearray(content)
        flipped[place] ^= 1 << place % 8
        broken.write_bytes(flipped)
        try:
            assert content_of(broken) == good, place
            n_same += 1
        except DeblendError as error:
            assert re.search(r"b\.h5 is not .*: delete it and run again", str(error))
            n_errors += 1
    # Bytes between the arrays mean nothing.
    assert n_errors > 2 * n_same


def test_files_of_earlier_versions_are_read(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("id", data=["a", "bc"], dtype=h5py.string_dtype())
        file.attrs["unit"] = "µJy"
    with open_file(path) as file:
        assert file["id"].asstr()[:].tolist() == ["a", "bc"]
        assert read_attributes(file) == {"unit": "µJy"}


def test_a_missing_file_or_array_is_named(tmp_path):
    path, message = tmp_path / "a.h5", r"a\.h5 is not a sample .*: delete it and run again"
    with pytest.raises(DeblendError, match=message), open_file(path, "a sample"):
        pass
    write(path)
    message = r"a\.h5 is not .*'absent'"
    with pytest.raises(DeblendError, match=message), open_file(path) as file:
        file["absent"]


def test_other_errors_are_not_the_fault_of_the_file(tmp_path):
    write(tmp_path / "a.h5")
    with pytest.raises(FileNotFoundError), open_file(tmp_path / "a.h5"):
        (tmp_path / "other").read_text()


def test_what_is_neither_number_nor_text_is_refused(tmp_path):
    with pytest.raises(TypeError, match="nan is neither"), new_file(tmp_path / "a.h5") as file:
        write_array(file, "id", np.array(["a", np.nan], object))


def test_a_file_of_another_program_gets_checksums(tmp_path):
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file["layers/dense/0"] = np.arange(6.0).reshape(2, 3)
        file["layers/dense/seed"] = np.uint32(7)
        file["layers"].attrs["name"] = "dense"
        file.create_group("empty")
        file.create_dataset("id", data=["a", "bc"], dtype=h5py.string_dtype())
    copy_with_checksums(path, tmp_path / "b.h5")
    with h5py.File(tmp_path / "b.h5") as file:
        assert file["layers/dense/0"].fletcher32
        assert file["layers/dense/0"][:].tolist() == [[0, 1, 2], [3, 4, 5]]
        assert (file["layers/dense/seed"][()], file["layers/dense/seed"].dtype) == (7, np.uint32)
        assert read_attributes(file["layers"]) == {"name": "dense"}
        assert list(file["empty"]) == []
        assert file["id"].asstr()[:].tolist() == ["a", "bc"]


def test_flipped_bits_of_names_are_errors_and_do_not_end_the_process(tmp_path):
    """Names of more arrays than fit beside the group are in a heap, with a checksum."""
    path = tmp_path / "a.h5"
    with new_file(path) as file:
        for i in range(20):
            write_array(file, f"array number {i}", np.arange(3))
    content = path.read_bytes()
    # The first ones were beside the group before, where their bytes are left.
    for i in range(10, 20):
        flipped = bytearray(content)
        flipped[content.index(f"array number {i}".encode())] ^= 1
        path.write_bytes(flipped)
        with (
            pytest.raises(DeblendError, match=r"a\.h5 is not a complete file .* delete it"),
            open_file(path),
        ):
            pass
