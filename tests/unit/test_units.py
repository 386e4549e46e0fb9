"""Magnitudes and fluxes."""

import numpy as np
from astropy import units as u
from deblend.units import flux_from_mag, mag_from_flux

#: Zero point of AB magnitudes for fluxes in erg/s/cm^2/Hz (Oke & Gunn 1983).
AB = -48.6
MAG = np.array([[18.0, 21.5], [25.96, 30.0]])


def test_fluxes_are_those_of_astropy():
    expected = (MAG * u.ABmag).to_value(u.erg / u.s / u.cm**2 / u.Hz)
    np.testing.assert_allclose(flux_from_mag(MAG, AB), expected, rtol=1e-12)
    np.testing.assert_allclose(mag_from_flux(expected, AB), MAG, rtol=1e-12)


def test_a_galaxy_at_the_zero_point_has_one_count_per_second():
    assert flux_from_mag(25.96, 25.96) == 1
    # Five magnitudes are a factor of 100.
    np.testing.assert_allclose(flux_from_mag([20.96, 30.96], 25.96), [100, 0.01])


def test_a_flux_that_is_not_positive_has_no_magnitude():
    """There is no warning either."""
    found = mag_from_flux([1.0, 0.0, -3.0, np.nan], 25.0)
    np.testing.assert_array_equal(found, [25.0, np.nan, np.nan, np.nan])
