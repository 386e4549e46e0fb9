"""Data sets in HDF5, written and read back."""

import tracemalloc

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.data.stamps import (
    Stamps,
    concatenate,
    open_stamps,
    read_galaxies,
    read_stamps,
    write_parts,
    write_stamps,
)
from deblend.errors import DeblendError

from tests.conftest import make_stamps


def test_stamps_are_written_and_read_back(tmp_path):
    stamps = make_stamps(np.random.default_rng(0).normal(size=(5, 16, 16)))
    stamps.galaxies["flux_auto"] = np.arange(5.0)
    path = tmp_path / "s.h5"
    write_stamps(path, stamps)
    back = read_stamps(path)
    np.testing.assert_array_equal(back.images, stamps.images)
    pd.testing.assert_frame_equal(
        back.galaxies[stamps.galaxies.columns], stamps.galaxies, check_dtype=False
    )
    assert read_stamps(path, np.array([1, 3])).galaxies["id"].tolist() == ["g1", "g3"]
    assert read_galaxies(path)["mag"].tolist() == stamps.galaxies["mag"].tolist()
    write_stamps(tmp_path / "again.h5", stamps)
    assert path.read_bytes() == (tmp_path / "again.h5").read_bytes()


def test_segmentation_maps_can_be_left_out(tmp_path):
    stamps = make_stamps(np.random.default_rng(0).normal(size=(5, 16, 16)))
    stamps.segmaps = np.ones((5, 16, 16), np.int16)
    write_stamps(tmp_path / "s.h5", stamps)
    back = read_stamps(tmp_path / "s.h5", np.array([1, 3]), segmaps=False)
    np.testing.assert_array_equal(back.images, stamps.images[[1, 3]])
    assert back.segmaps.shape == (2, 16, 16) and not back.segmaps.any()


def test_maps_that_were_not_read_need_no_memory_when_some_are_taken(tmp_path):
    write_stamps(tmp_path / "s.h5", make_stamps(np.zeros((200, 64, 64))))
    opened = open_stamps(tmp_path / "s.h5", segmaps=False)
    tracemalloc.start()
    some = opened.take(np.arange(0, 200, 2))
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert some.segmaps.shape == (100, 64, 64) and not some.segmaps.any()
    assert kept < 100 * 64**2
    assert opened.take(np.arange(0)).segmaps.shape == (0, 64, 64)


def test_the_correlation_of_noise_stays_with_the_stamps(tmp_path):
    stamps = make_stamps(np.zeros((5, 16, 16)))
    write_stamps(tmp_path / "white.h5", stamps)
    assert read_stamps(tmp_path / "white.h5").noise() == (0.0065, None)
    correlation = np.array([[0, 0, 0], [0.4, 1, 0.4], [0, 0, 0]])
    stamps.noise_correlation = correlation[None]
    write_stamps(tmp_path / "correlated.h5", concatenate([stamps, stamps]).take(slice(2, 7)))
    sigma, read = read_stamps(tmp_path / "correlated.h5", np.array([0, 3])).noise()
    assert sigma == 0.0065
    np.testing.assert_array_equal(read, correlation)


def test_a_half_written_file_is_named(tmp_path):
    path = tmp_path / "s.h5"
    write_stamps(path, make_stamps(np.zeros((5, 16, 16))))
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(DeblendError, match="s.h5 is not a complete stamps file"):
        read_stamps(path)


def test_a_failed_write_leaves_the_old_file(tmp_path):
    path = tmp_path / "s.h5"
    write_stamps(path, make_stamps(np.zeros((5, 16, 16))))
    before = path.read_bytes()
    bad = make_stamps(np.zeros((5, 16, 16)))
    bad.galaxies["mag"] = "not a number"
    with pytest.raises(ValueError, match="could not convert"):
        write_stamps(path, bad)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["s.h5"]


def test_shapes_that_do_not_fit_are_named():
    with pytest.raises(DeblendError, match=r"segmaps have shape \(5, 8, 8\)"):
        make_stamps(np.zeros((5, 16, 16)), np.zeros((5, 8, 8), np.int16))


def with_noise(n, sigma, name, **bands):
    stamps = make_stamps(np.zeros((n, 16, 16)), id=[f"{name}-{i}" for i in range(n)])
    bands = stamps.bands.assign(noise_sigma=sigma, **bands)
    return Stamps(stamps.images, stamps.segmaps, stamps.galaxies, bands)


def by_parts(folder):
    def join(parts):
        write_parts(folder / "s.h5", parts)
        return read_stamps(folder / "s.h5")

    return join


@pytest.mark.parametrize("in_parts", [False, True])
def test_the_noise_of_joined_data_sets_is_that_of_most_galaxies(tmp_path, in_parts):
    join = by_parts(tmp_path) if in_parts else concatenate
    empty = with_noise(1, np.nan, "none").take(slice(0))
    parts = [with_noise(2, 0.005, "gds"), empty, with_noise(7, 0.006, "uds")]
    joined = join(parts)
    assert (len(joined), joined.noise()[0]) == (9, 0.006)
    parts.append(with_noise(2, 0.008, "cosmos"))
    with pytest.raises(
        DeblendError,
        match="band f160w: noise_sigma is 0.005 in the data with galaxy gds-0 and 0.008 in those "
        "with cosmos-0",
    ):
        join(parts)
    with pytest.raises(DeblendError, match=r"bands \[\['f160w', 0.06, 25.96\]\] and .*24.0"):
        join([*parts[:1], with_noise(2, 0.005, "uds", zero_point=24.0)])


@pytest.mark.parametrize("what", ["images", "segmaps", "ids"])
def test_a_flipped_bit_is_an_error_that_names_the_file(tmp_path, what):
    path = tmp_path / "s.h5"
    rng = np.random.default_rng(0)
    stamps = make_stamps(rng.normal(size=(5, 16, 16)))
    stamps.segmaps = rng.integers(0, 9, (5, 16, 16)).astype(np.int16)
    write_stamps(path, stamps)
    content = path.read_bytes()
    with h5py.File(path) as file:
        place = {
            "images": file["images"].id.get_chunk_info(2).byte_offset + 40,
            "segmaps": file["segmaps"].id.get_chunk_info(2).byte_offset + 40,
            "ids": content.index(b"g1"),
        }[what]
    broken = bytearray(content)
    broken[place] ^= 2
    path.write_bytes(broken)
    with pytest.raises(DeblendError, match=r"s\.h5 is not a complete .*delete it and run again"):
        read_stamps(path)


def test_files_of_earlier_versions_are_read(tmp_path):
    """Those have texts of any length, and no checksums."""
    path, stamps = tmp_path / "s.h5", make_stamps(np.ones((5, 16, 16)))
    write_stamps(path, stamps)
    with h5py.File(path) as new, h5py.File(tmp_path / "old.h5", "w") as old:
        for group in ("galaxies", "bands"):
            for name, values in new[group].items():
                is_text = h5py.check_string_dtype(values.dtype)
                data = values.asstr()[:] if is_text else values[:]
                old.create_dataset(
                    f"{group}/{name}", data=data, dtype=h5py.string_dtype() if is_text else None
                )
        old["images"], old["segmaps"] = new["images"][:], new["segmaps"][:]
        old.attrs["format_version"] = 1
        old.attrs["cut_at_positions"] = True
        old.attrs["note"] = "text"
    back = read_stamps(tmp_path / "old.h5")
    assert back.galaxies.equals(read_stamps(path).galaxies)
    assert back.attributes == {"cut_at_positions": True, "note": "text"}


@pytest.mark.parametrize("write", ["whole", "parts"])
def test_the_file_does_not_depend_on_the_size_of_chunks(tmp_path, write):
    """More stamps than are written at a time, and more than HDF5 keeps in memory."""
    rng = np.random.default_rng(0)
    stamps = make_stamps(rng.normal(size=(600, 32, 32)))
    stamps.segmaps = rng.integers(0, 9, (600, 32, 32)).astype(np.int16)
    contents = set()
    for k, size in enumerate((600, 250, 7)):
        parts = [stamps.take(slice(i, i + size)) for i in range(0, 600, size)]
        path, source = tmp_path / f"{write}{k}.h5", tmp_path / f"source{k}.h5"
        if write == "whole":
            write_stamps(path, concatenate(parts))
        else:
            write_parts(path, parts)
        contents.add(path.read_bytes())
        # Nor on whether they come from memory or from the disk.
        write_stamps(source, stamps)
        opened = open_stamps(source, kept_bytes=0)
        if write == "whole":
            write_stamps(path, opened)
            contents.add(path.read_bytes())
        back = read_stamps(path)
        np.testing.assert_array_equal(back.images, stamps.images)
        np.testing.assert_array_equal(back.segmaps, stamps.segmaps)
    assert len(contents) == 1


def test_stamps_on_disk_are_those_in_memory(tmp_path):
    stamps = make_stamps(np.random.default_rng(0).normal(size=(5, 16, 16)))
    stamps.segmaps = np.ones((5, 16, 16), np.int16)
    stamps.noise_correlation = np.ones((1, 3, 3))
    write_stamps(tmp_path / "s.h5", stamps)
    read, opened = read_stamps(tmp_path / "s.h5"), open_stamps(tmp_path / "s.h5")
    rows = np.array([4, 1])
    for some, others in ((read, opened), (read.take(rows), opened.take(rows))):
        np.testing.assert_array_equal(some.images, others.images[:])
        np.testing.assert_array_equal(some.segmaps, others.segmaps[:])
        pd.testing.assert_frame_equal(some.galaxies, others.galaxies)
        pd.testing.assert_frame_equal(some.bands, others.bands)
        assert some.attributes == others.attributes
        np.testing.assert_array_equal(some.noise_correlation, others.noise_correlation)
    assert not open_stamps(tmp_path / "s.h5", segmaps=False).segmaps[:].any()


def test_images_and_masks_that_fit_on_the_disk_only_one_by_one_are_refused(small_disk):
    """0.7 and 0.35 MB on a disk of 1 MB: the masks could be as large as that."""
    stamps = make_stamps(np.random.default_rng(0).normal(size=(44, 64, 64)))
    with pytest.raises(DeblendError, match=r"there is no space for 1081344 bytes in .*small disk"):
        write_stamps(small_disk / "s.h5", stamps)
    assert list(small_disk.iterdir()) == []


def test_parts_that_do_not_fit_on_the_disk_are_refused_in_words(small_disk):
    part = make_stamps(np.random.default_rng(0).normal(size=(40, 64, 64)))
    with pytest.raises(DeblendError, match=r"there is no space for \d+ bytes in .*small disk"):
        write_parts(small_disk / "s.h5", [part, part])
    assert list(small_disk.iterdir()) == []
