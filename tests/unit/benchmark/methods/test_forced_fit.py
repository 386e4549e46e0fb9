from dataclasses import replace

import galsim
import numpy as np
from deblend.benchmark.methods.forced_fit import NEIGHBOUR_ARCSEC, measure, with_neighbours
from deblend.benchmark.steps import part_of
from deblend.data.profiles import moffat_psf
from deblend.scenes import forced_fit
from deblend.scenes.scenes import position_lists
from deblend.units import mag_from_flux

from tests.unit.scenes.conftest import MAGS, SCALE, ZERO_POINT


def test_fluxes_at_true_positions_are_those_of_the_galaxies(scenes):
    some = part_of(scenes, 0, 2)
    truth = scenes.truth[scenes.truth["scene"] < 2]
    table = measure(some, positions=position_lists(truth, 2))
    mags = mag_from_flux(table["flux"].to_numpy(), 25.96).reshape(-1, 2)
    assert np.abs(mags - MAGS).max() < 0.05
    assert (table["flux_error"] > 0).all()


def test_galaxies_with_any_sersic_index_have_their_fluxes(scenes):
    side, places = 72, np.array([[36.0, 36.0], [36.0, 54.0]])
    image = np.random.default_rng(0).normal(0, scenes.noise_sigma[0, 0], (side, side))
    for index, mag, (y, x) in zip((2.5, 1.6), MAGS, places, strict=True):
        flux = 10 ** (0.4 * (ZERO_POINT - mag))
        galaxy = galsim.Sersic(index, half_light_radius=0.3, flux=flux)
        drawn = galsim.ImageD(side, side, scale=SCALE)
        whole = galsim.Convolve(galaxy, moffat_psf(0.17, 2.5))
        whole.drawImage(drawn, center=galsim.PositionD(x + 1, y + 1), method="no_pixel")
        image += drawn.array
    some = replace(part_of(scenes, 0, 1), images=image[None, None].astype(np.float32))
    errors = [
        np.abs(mag_from_flux(table["flux"].to_numpy(), ZERO_POINT) - MAGS).max()
        for table in (measure(some, positions=(places,)), forced_fit.measure(some, (places,)))
    ]
    # Exponential or de Vaucouleurs galaxies are wrong.
    assert errors[0] < 0.1 < errors[1]


def test_neighbours_that_sep_detects_are_fitted_too(scenes):
    some = part_of(scenes, 0, 2)
    truth = scenes.truth[scenes.truth["scene"] < 2]
    given = position_lists(truth, 2)
    assert [len(p) for p in with_neighbours(some, given)] == [2, 2]
    # Without the second galaxy, 14 px away, that is a neighbour.
    first = tuple(p[:1] for p in given)
    found = with_neighbours(some, first)
    for places, both in zip(found, given, strict=True):
        np.testing.assert_array_equal(places[0], both[0])
        assert np.hypot(*(places[1] - both[1])) < 1
        assert np.hypot(*(places[1] - places[0])) > NEIGHBOUR_ARCSEC / scenes.pixel_scale_arcsec
