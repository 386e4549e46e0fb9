from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.networks import check_psf, intrinsic_radius_arcsec, range_flags
from deblend.scenes.sources import find_sources

from tests.unit.scenes.conftest import two_galaxies


def test_another_psf_is_refused_and_an_unknown_one_flagged(scenes):
    assert check_psf(scenes, 0, 0.17, "net")[0] == 0
    assert check_psf(scenes, 0, 0.187, "net")[0] == bit("psf")
    assert check_psf(scenes, 0, None, "net")[0] == bit("psf")
    assert check_psf(replace(scenes, psf=None), 0, 0.17, "net")[0] == bit("psf")
    for trained, remedy in ((0.3, "smooth the images"), (0.1, "train a network")):
        with pytest.raises(DeblendError, match=remedy):
            check_psf(scenes, 0, trained, "net")


def test_galaxies_outside_of_the_training_are_flagged(placed):
    sources = find_sources(placed)
    record = {"mag_range": [18.0, 21.0], "radius_range_arcsec": [0.1, 0.5]}
    # The network puts the faint one within the range; SEP's magnitude says that it is not.
    flux = np.full(len(sources), 10 ** (0.4 * (25.96 - 20.5)))
    flags = range_flags(record, placed, 0, sources, flux)
    assert (flags & bit("magnitude") > 0).tolist() == [False, True] * len(placed)
    assert (flags & bit("size") > 0).sum() == 0
    small = range_flags(record | {"radius_range_arcsec": [0.5, 0.9]}, placed, 0, sources, flux)
    assert (small & bit("size") > 0).all()


def test_the_edge_of_the_range_is_flagged(placed):
    sources = find_sources(placed)
    record = {"mag_range": [18.0, 23.0], "radius_range_arcsec": [0.1, 0.5]}
    flux = np.full(len(sources), 10 ** (0.4 * (25.96 - 23.0)))
    assert (range_flags(record, placed, 0, sources, flux) & bit("magnitude") > 0).all()


def test_an_unknown_range_is_flagged(placed):
    flags = range_flags({}, placed, 0, find_sources(placed))
    assert (flags == bit("range_unknown")).all()


def test_a_companion_that_sep_merges_with_its_neighbour_is_outside_of_the_range(placed):
    places = tuple(np.vstack([p[:1], p[:1] + 2.0]) for p in placed.positions)
    sources = find_sources(placed, places)
    assert sources["found"].tolist() == [True, False] * len(placed)
    record = {"mag_range": [18.0, 23.0], "radius_range_arcsec": [0.1, 0.5]}
    flux = np.full(len(sources), 10 ** (0.4 * (25.96 - 20.5)))
    flags = range_flags(record, placed, 0, sources, flux)
    assert (flags & bit("magnitude") > 0).tolist() == [False, True] * len(placed)


def test_a_star_has_no_size_without_the_psf():
    # Bright, and alone: one galaxy per scene is too faint to be seen.
    stars = two_galaxies(n=3, mags=(18.0, 32.0), radius=0.004)
    radius = find_sources(stars).groupby("scene")["radius_px"].max().to_numpy()
    assert (intrinsic_radius_arcsec(stars, 0, radius) < 0.05).all()


def test_sizes_are_compared_by_the_psf_of_the_band_in_which_they_are_measured(placed):
    wide = np.zeros_like(placed.psf[0])
    wide[:, :] = 1 / wide.size
    both = replace(
        placed,
        images=np.repeat(placed.images, 2, axis=1),
        bands=("f160w", "f814w"),
        zero_points=np.repeat(placed.zero_points, 2),
        noise_sigma=np.repeat(placed.noise_sigma, 2, axis=1),
        psf=np.stack([placed.psf[0], wide]),
    )
    record = {"mag_range": [10.0, 30.0], "radius_range_arcsec": [0.1, 0.5]}
    flags = range_flags(record, both, 1, find_sources(both))
    assert (flags & bit("size")).sum() == 0
