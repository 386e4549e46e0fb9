from dataclasses import replace

import numpy as np
from astropy.io import fits
from astropy.table import Table
from astropy.wcs import WCS
from deblend.scenes import sep_photometry
from deblend.scenes.catalogue import source_table, wide_table, write_catalogue
from deblend.scenes.flags import FLAGS

from tests.unit.scenes.conftest import MAGS


def test_columns_have_units_ucds_and_descriptions(tmp_path, placed):
    table = wide_table(placed, source_table(placed), sep_photometry.measure(placed))
    write_catalogue(tmp_path / "c.ecsv", table, {"code": {"commit": "abc"}})
    again = Table.read(tmp_path / "c.ecsv")
    assert len(again) == 2 * len(placed)
    for name in again.colnames:
        assert again[name].meta["ucd"], name
        assert again[name].description, name
    assert str(again["flux_sep_auto"].unit) == "uJy"
    assert again["flux_error_sep_auto"].meta["ucd"].startswith("stat.error")
    assert again.meta["code"] == {"commit": "abc"}
    assert again.meta["flags"]["magnitude"]["bit"] == FLAGS["magnitude"][0]


def test_fluxes_are_in_microjansky(placed):
    table = wide_table(placed, source_table(placed), sep_photometry.measure(placed))
    np.testing.assert_allclose(
        23.9 - 2.5 * np.log10(table["flux_sep_auto"]), table["mag_sep_auto"], rtol=1e-6
    )
    assert abs(table["mag_sep_auto"].iloc[::2].median() - MAGS[0]) < 0.05


def test_positions_on_the_sky_are_those_of_the_header(placed):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [34.0, -5.0], [37, 37]
    wcs.wcs.cdelt = [-0.06 / 3600, 0.06 / 3600]
    header = fits.Header(wcs.to_header()).tostring()
    table = source_table(replace(placed, wcs=(header,) * len(placed)))
    np.testing.assert_allclose(table["dec"], -5 + (table["y_px"] - 36) * 0.06 / 3600, atol=1e-9)
