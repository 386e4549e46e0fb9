"""Units of images; astropy knows what is right."""

import numpy as np
import pytest
from astropy import units as u
from deblend.data.image_units import check_zero_point, counts_factor, report_units
from deblend.errors import DeblendError

SCALE = 0.06


def factor(unit, zero_point=25.96, given=None, **header):
    if unit is not None:
        header["BUNIT"] = unit
    return counts_factor(
        header, given, zero_point=zero_point, pixel_scale_arcsec=SCALE, source="a.fits"
    )


@pytest.mark.parametrize(
    "unit",
    [
        *(None, "", "  ", "ELECTRONS/S", "electrons/s", "electron / s", "electron s-1", "e-/s"),
        *("COUNTS/S", "counts/sec", "counts s**-1", "COUNTS/SEC", "ct/s", "cps", "CPS", "cts/s"),
        *("DN/s", "dn/sec", "ADU/s", "adu s^-1", "counts/s/pixel", "electrons/s/pix", "photon/s"),
    ],
)
def test_rates_are_taken_as_they_are(unit, caplog):
    assert factor(unit, EXPTIME=100.0) == 1
    assert not caplog.records


@pytest.mark.parametrize("unit", ["none", "UNKNOWN", "dimensionless", "1"])
def test_a_unit_that_is_none_is_said(unit, caplog):
    assert factor(unit) == 1
    assert f"a.fits is in {unit!r}, which is no unit: taken as counts/s" in caplog.text


@pytest.mark.parametrize("unit", ["ELECTRONS", "electron", "e-", "counts", "COUNTS", "DN", "adu"])
def test_counts_are_divided_by_the_exposure_time(unit, caplog):
    assert factor(unit, EXPTIME=3000.0) == pytest.approx(1 / 3000)
    assert factor(unit, TEXPTIME=1500) == pytest.approx(1 / 1500)
    assert f"a.fits is in {unit} (BUNIT): divided by EXPTIME = 3000 s" in caplog.text


def test_files_of_one_unit_are_told_once(caplog):
    notes = []
    options = {"zero_point": 25.96, "pixel_scale_arcsec": SCALE, "notes": notes}
    for seconds in (1000.0, 3000.0, 2000.0):
        header = {"BUNIT": "ELECTRONS", "EXPTIME": seconds}
        found = counts_factor(header, None, source=f"{seconds:g}.fits", **options)
        assert found == pytest.approx(1 / seconds)
    assert not caplog.records
    report_units(notes, "the stamps")
    (record,) = caplog.records
    assert record.getMessage().startswith(
        "the stamps: 3 of 3 files (such as 1000.fits) are in ELECTRONS (BUNIT): divided by EXPTIME "
        "= 1000 to 3000 s to be per second"
    )
    caplog.clear()
    counts_factor({}, None, source="b.fits", **options)
    report_units(notes, "the stamps")
    text = "the stamps: the files have different units (3 in ELECTRONS, 1 in no unit): check them"
    assert [record.getMessage() for record in caplog.records][1:] == [text]


@pytest.mark.parametrize("exposure", [None, 0.0, -1, "unknown", np.nan])
def test_counts_without_an_exposure_time(exposure, caplog):
    header = {} if exposure is None else {"EXPTIME": exposure}
    assert factor("adu", **header) == 1
    assert "zero_point is taken as the magnitude of one of these counts" in caplog.text
    with pytest.raises(DeblendError, match="in ELECTRONS .BUNIT., not per second, .* no EXPTIME"):
        factor("ELECTRONS", **header)
    # What the remedy says.
    assert factor("ELECTRONS", given="counts/s", **header) == 1
    with pytest.raises(DeblendError, match="in electrons .unit., not per second"):
        factor(None, given="electrons")


@pytest.mark.parametrize(
    ("unit", "quantity"),
    [
        ("nJy", 1 * u.nJy),
        ("NJY", 1 * u.nJy),
        ("nanoJansky", 1 * u.nJy),
        ("uJy", 1 * u.uJy),
        ("microJy", 1 * u.uJy),
        ("UJY", 1 * u.uJy),
        ("muJy", 1 * u.uJy),
        ("mJy", 1 * u.mJy),
        ("Jy", 1 * u.Jy),
        ("JY/PIXEL", 1 * u.Jy),
        ("10**-9 Jy", 1 * u.nJy),
        ("MJy/sr", 1 * u.MJy / u.sr * (SCALE * u.arcsec) ** 2),
        ("MJY/SR", 1 * u.MJy / u.sr * (SCALE * u.arcsec) ** 2),
        ("MJy sr-1", 1 * u.MJy / u.sr * (SCALE * u.arcsec) ** 2),
        ("mJy/arcsec2", SCALE**2 * u.mJy),
        ("erg / (s cm2 Hz)", 1 * u.erg / u.s / u.cm**2 / u.Hz),
        ("nanomaggy", 3630.78e-9 * u.Jy),
        ("nanomaggies", 3630.78e-9 * u.Jy),
        ("maggies", 3630.78 * u.Jy),
    ],
)
@pytest.mark.parametrize("zero_point", [22.5, 25.96])
def test_flux_densities_keep_their_magnitudes(unit, quantity, zero_point):
    magnitude = quantity.to_value(u.ABmag)
    in_counts = zero_point - 2.5 * np.log10(factor(unit, zero_point))
    assert in_counts == pytest.approx(magnitude, abs=2e-4)


def test_nanomaggies_have_the_zero_point_22_5():
    assert factor("nanomaggies", 22.5) == pytest.approx(1)


@pytest.mark.parametrize(
    "unit",
    [
        *("K", "Jy/beam", "mag", "mag/arcsec2", "mag(AB)", "ABmag", "erg/s/cm2/A", "W/m2", "MJY"),
        *("flux", "counts/h", "electrons per furlong"),
    ],
)
def test_other_units_are_refused_by_name(unit):
    with pytest.raises(DeblendError, match="which is not known as a unit of flux: give") as caught:
        factor(unit)
    assert repr(unit) in str(caught.value)
    assert factor(unit, given="counts/s") == 1


def zero_points(offset, n, scatter=0.1):
    """Zero points of n galaxies around 25.96 + offset; their median is that."""
    return 25.96 + offset + scatter * np.linspace(-1, 1, n)


@pytest.mark.parametrize("offset", [0.0, 0.29, -0.29])
def test_zero_points_that_are_near_pass(offset, caplog):
    check_zero_point(zero_points(offset, 50), 25.96)
    assert not caplog.records


@pytest.mark.parametrize(
    ("offset", "n", "scatter"), [(0.31, 50, 0.1), (-0.49, 50, 0.1), (0.9, 4, 2.0), (3.0, 1, 0.0)]
)
def test_zero_points_that_differ_are_warned_of(offset, n, scatter, caplog):
    check_zero_point(zero_points(offset, n, scatter), 25.96)
    assert "and that of the images is 25.96" in caplog.text
    assert "correct unit or zero_point" in caplog.text


@pytest.mark.parametrize(("offset", "n"), [(0.51, 50), (-0.51, 50), (8.43, 4)])
def test_zero_points_that_are_far_stop(offset, n):
    with pytest.raises(DeblendError, match=f"zero point {25.96 + offset:.2f}, .* is 25.96") as e:
        check_zero_point(zero_points(offset, n), 25.96)
    assert f"the pixels are {10 ** (0.4 * offset):.3g} times as bright" in str(e.value)


def test_a_few_odd_galaxies_do_not_hide_a_wrong_zero_point():
    values = zero_points(1.0, 40)
    values[:3] = 0
    with pytest.raises(DeblendError, match="times as bright"):
        check_zero_point(values, 25.96)
