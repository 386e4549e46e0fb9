import numpy as np
from deblend.scenes.flags import bit
from deblend.scenes.scenes import MEASURED
from deblend.scenes.sep_photometry import measure
from deblend.units import mag_from_flux

from tests.unit.scenes.conftest import MAGS


def test_auto_fluxes_are_those_of_the_galaxies(placed):
    table = measure(placed)
    assert list(table.columns) == list(MEASURED)
    auto = table[table["method"] == "sep_auto"]
    mag = mag_from_flux(auto["flux"].to_numpy(), 25.96).reshape(-1, 2)
    # The aperture of the fainter one leaves out what it shares with the other.
    assert np.abs(np.median(mag - MAGS, axis=0)).max() < 0.15
    assert (auto["flux_error"] > 0).all()
    assert (table["flags"] & bit("not_found")).sum() == 0


def test_what_is_not_there_has_no_flux_and_a_flag(placed):
    table = measure(placed, positions=tuple(np.array([[4.0, 60.0]]) for _ in placed.names))
    empty = (table["flags"] & bit("not_found")) > 0
    assert empty.mean() > 0.5
    assert table.loc[empty, "flux"].isna().all()
    assert ((table["flags"] & bit("no_data")) > 0).all()
