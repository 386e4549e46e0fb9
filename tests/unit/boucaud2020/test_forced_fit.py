"""Fits of two galaxies against GalSim's profiles of known flux."""

import galsim
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import COLUMNS, BlendConfig, draw_blends
from deblend.boucaud2020.forced_fit import (
    FLAG_NO_FIT,
    crop,
    fit_blends,
    fit_file,
    fit_pairs,
    psf_of,
    true_positions,
)
from deblend.boucaud2020.predictions import pivot, truth
from deblend.boucaud2020.render import render
from deblend.boucaud2020.sep import measure_blends
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.data.stamps import write_stamps
from deblend.errors import DeblendError
from deblend.photometry.mixture_fit import fit_psf
from deblend.tables import read_ecsv, write_ecsv

from tests.conftest import COLD, HOT, make_stamps, simulator_config

SIZE, FLUX = 48, (300.0, 200.0)
CENTRES = np.array([[24.0, 24.0], [20.0, 32.0]])
PSF = galsim.Moffat(beta=2.5, fwhm=3.0)
DISK = galsim.Exponential(half_light_radius=4.0).shear(q=0.6, beta=0.7 * galsim.radians)
# Truncated, as the mixture that stands for it.
BULGE = galsim.DeVaucouleurs(half_light_radius=3.0, trunc=24.0)
BOTH = (0.4 * BULGE + 0.6 * galsim.Exponential(half_light_radius=6.0)).shear(g1=0.2)


def draw(profile, y, x, size=SIZE):
    """Image of a profile convolved with the PSF, whose centre is at the pixel (y, x)."""
    image = galsim.ImageD(size, size, scale=1.0)
    centre = galsim.PositionD(x + 1, y + 1)  # GalSim's pixels begin at 1
    return galsim.Convolve(profile, PSF).drawImage(image, center=centre, method="no_pixel").array


def pair(*profiles):
    """Image of two galaxies at `CENTRES` with the fluxes `FLUX`."""
    galaxies = zip(profiles, FLUX, CENTRES, strict=True)
    return sum(draw(profile.withFlux(flux), *centre) for profile, flux, centre in galaxies)


@pytest.fixture(scope="module")
def psf():
    image = PSF.drawImage(nx=31, ny=31, scale=1.0, method="no_pixel").array
    return fit_psf(image[None])[0]


def test_overlapping_galaxies_get_their_own_light(psf):
    flux, error, flags = fit_pairs(pair(DISK, BULGE)[None], CENTRES[None], psf, 0.01)
    # The mixture of the PSF lacks one per cent of the Moffat profile's light, in its far wings.
    np.testing.assert_allclose(flux[0], FLUX, rtol=0.03)
    assert (flags == 0).all()
    assert ((error > 0) & (error < 0.01 * flux)).all()


def test_stamps_without_two_positions_have_no_flux_and_change_no_other(psf):
    images = np.stack([pair(DISK, DISK)] * 4)
    positions = np.stack([CENTRES] * 4)
    positions[1, 1] = np.nan
    positions[2, 0, 0] = SIZE
    flux, error, flags = fit_pairs(images, positions, psf, 0.01)
    assert np.isnan(flux[1:3]).all()
    assert np.isnan(error[1:3]).all()
    assert (flags[1:3] == FLAG_NO_FIT).all()
    assert np.array_equal(flux[3], flux[0])
    np.testing.assert_allclose(flux[0], FLUX, rtol=0.02)
    nothing, _, _ = fit_pairs(images, np.full((4, 2, 2), np.nan), psf, 0.01)
    assert np.isnan(nothing).all()


def test_a_part_of_a_stamp_has_the_galaxies_in_its_middle():
    y, x = np.indices((40, 50))
    images = np.stack([100 * y + x, -100 * y - x])
    positions = np.array([[[20.0, 20.0], [24.0, 30.0]], [[1.0, 48.0], [3.0, 40.0]]])
    cut, moved = crop(images, positions, 16)
    assert cut.shape == (2, 16, 16)
    # What was at a position is at the moved one.
    for image, part, old, new in zip(images, cut, positions, moved, strict=True):
        for (oy, ox), (ny, nx) in zip(old.astype(int), new.astype(int), strict=True):
            assert part[ny, nx] == image[oy, ox]
    assert moved[0].mean(axis=0).tolist() == [8, 8]
    whole, same = crop(images, positions, 64)
    assert np.array_equal(whole, images)
    assert np.array_equal(same, positions)


def test_a_large_stamp_gives_the_fluxes_of_its_middle(psf):
    image = np.zeros((128, 128))
    image[40 : 40 + SIZE, 50 : 50 + SIZE] = pair(DISK, DISK)
    flux, _, _ = fit_pairs(image[None], CENTRES[None] + [40, 50], psf, 0.01)
    np.testing.assert_allclose(flux[0], FLUX, rtol=0.02)


@pytest.mark.parametrize("orientation", [0, 3, 6])
def test_the_true_positions_are_where_the_renderer_puts_the_galaxies(orientation):
    images = np.zeros((2, 32, 32), np.float32)
    images[:, 16, 16] = 1.0, 2.0
    blends = pd.DataFrame({"central": [0, 1], "companion": [1, 0], "dx": [5, -16], "dy": [-7, 9]})
    blends = blends.assign(central_orientation=orientation, companion_orientation=0, seed=0)
    rendered = render(images, blends)
    positions = true_positions(blends, 32).astype(int)
    for i, (y, x) in enumerate(positions.transpose(0, 2, 1)):
        assert rendered[i, y, x].tolist() == [i + 1, 2 - i]


def test_a_data_set_without_a_psf_says_what_to_do():
    stamps = make_stamps(np.zeros((1, 16, 16)))
    with pytest.raises(
        DeblendError, match="no PSF image of f160w.* the key psf, a FITS image of a star"
    ):
        psf_of(stamps)
    y, x = np.indices((31, 31))
    stamps.psf = (((y + x) % 2)[None] + 0.0).astype(np.float32)
    with pytest.raises(DeblendError, match="Gaussians do not describe the PSF image of f160w"):
        psf_of(stamps)


@pytest.fixture(scope="module")
def files(tmp_path_factory, priors):
    """A small data set without neighbours, and 6 blends; SEP finds one galaxy in one of them."""
    folder = tmp_path_factory.mktemp("forced")
    config = simulator_config(n_neighbours_mean=0.0, mag_max=22.0, stamp_size=48)
    stamps = simulate_chunk(5, "sim", 0, 12, priors, config)
    config = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
    blends = draw_blends(
        stamps.galaxies, range(12), 0, 6, stamp_size=48, seed=1, split="test", config=config
    )
    blends.loc[2, ["dx", "dy"]] = 1, 0  # too close for SEP
    write_stamps(folder / "stamps.h5", stamps)
    write_ecsv(folder / "blends.ecsv", blends, COLUMNS, split="test")
    return stamps, folder / "stamps.h5", folder / "blends.ecsv"


@pytest.fixture(scope="module")
def detections(files):
    stamps, _, blends = files
    return measure_blends(stamps, read_ecsv(blends), COLD, HOT, "zero")


@pytest.fixture(scope="module")
def fitted(files, detections):
    stamps, _, blends = files
    # The order of detections does not matter.
    return fit_blends(stamps, read_ecsv(blends), detections.iloc[::-1], "zero")


def test_fluxes_of_simulated_blends_are_close_to_the_catalogues(files, fitted):
    stamps, _, blends_file = files
    blends = read_ecsv(blends_file)
    assert (fitted["zero_point"] == 25.96).all()
    true = truth(stamps.galaxies, blends, 25.96)[["flux_central", "flux_companion"]]
    for method, limit in (("forced_true", 0.1), ("forced_sep", 0.15)):
        error = pivot(fitted, method).to_numpy() / true.to_numpy() - 1
        assert np.nanmedian(np.abs(error)) < limit, method
    assert np.isfinite(pivot(fitted, "forced_true")).all(axis=None)
    error = pivot(fitted, "forced_true", "flux_err")
    assert ((error > 0) & (error < true.to_numpy())).all(axis=None)


def test_seps_positions_are_missing_where_sep_found_one_galaxy(detections, fitted):
    both = detections["detection"].isin([2, 3]).to_numpy()
    assert 0 < both.sum() < len(both)
    found = np.isfinite(pivot(fitted, "forced_sep").to_numpy())
    assert np.array_equal(found, np.column_stack([both, both]))
    flags = pivot(fitted, "forced_sep", "flags").to_numpy()
    assert np.array_equal(flags == FLAG_NO_FIT, ~found)


def test_fits_depend_neither_on_chunks_nor_on_workers(files, detections, fitted):
    _, stamps, blends = files
    shared = fit_file(stamps, blends, detections, "zero", chunk_size=4, n_workers=2)
    pd.testing.assert_frame_equal(shared, fitted, check_exact=True)
