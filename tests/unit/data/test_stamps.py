"""Data sets in HDF5, written and read back."""

import numpy as np
import pandas as pd
import pytest
from deblend.data.stamps import (
    Stamps,
    concatenate,
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
