from dataclasses import replace

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


def test_an_aperture_with_missing_pixels_has_a_flag(placed):
    images = placed.images.copy()
    y, x = placed.truth.loc[placed.truth["source"] == 0, ["y_px", "x_px"]].to_numpy().round().T
    for i in range(len(placed)):
        # Half of the outskirts, beyond the five pixels around the centre.
        images[i, 0, int(y[i]) - 11 : int(y[i]) - 6, int(x[i]) - 8 : int(x[i]) + 9] = np.nan
    whole, holed = measure(placed), measure(replace(placed, images=images))
    is_central = (whole["method"] == "sep_auto") & (whole["source"] == 0)
    assert ((whole.loc[is_central, "flags"] & bit("no_data")) == 0).all()
    assert ((holed.loc[is_central, "flags"] & bit("no_data")) > 0).all()
