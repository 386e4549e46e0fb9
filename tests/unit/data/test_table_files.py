"""Tables as surveys, archives and people write them; what is right is written out by hand."""

import gzip
import io
import logging

import h5py
import numpy as np
import pandas as pd
import pytest
from astropy import units as u
from astropy.coordinates import Angle
from astropy.io import fits
from astropy.table import MaskedColumn, Table
from deblend.data.table_files import (
    AXIS_RATIO,
    DECLINATION,
    FLUX,
    MAGNITUDE,
    NUMBER,
    REDSHIFT,
    RIGHT_ASCENSION,
    SERSIC_INDEX,
    SHARE,
    SIZE,
    identities,
    matching_rows,
    numbers,
    open_table,
    read_columns,
    read_text,
    size_in_px,
    texts,
)
from deblend.errors import DeblendError
from hypothesis import given
from hypothesis import strategies as st

WHERE = "column x of t.csv"
NAN = float("nan")


def read(values, quantity=NUMBER, unit=None):
    column = MaskedColumn(values, unit=unit) if not isinstance(values, MaskedColumn) else values
    return numbers(column, quantity, WHERE)


# --- Values that are no values ---


@pytest.mark.parametrize(
    "text",
    ["", " ", "null", "NULL", "None", "nan", "NaN", "n/a", "N/A", "-", "--", "---", "inf", "-Inf"]
    + ["<NA>", "...", "\\N"],
)
def test_texts_without_a_value_are_unknown(text):
    np.testing.assert_array_equal(read(["20.5", text, " 21 "]), [20.5, NAN, 21.0])


@pytest.mark.parametrize("value", [-99, 99, -99.9, 99.99, -999, 999, -9999, -9999.9, 9999])
@pytest.mark.parametrize("quantity", [MAGNITUDE, REDSHIFT, SIZE, SHARE, DECLINATION, AXIS_RATIO])
def test_sentinels_are_unknown_in_numbers_of_every_kind(value, quantity):
    for kind in (np.float64, np.float32, str):
        good = np.array([0.5, value, 0.5]) * np.array([30, 1, 30] if quantity is MAGNITUDE else 1)
        found = read(good.astype(kind), quantity)
        assert np.isnan(found).tolist() == [False, True, False], kind


@pytest.mark.parametrize("value", [np.inf, -np.inf, np.nan])
def test_infinity_is_no_number(value):
    assert np.isnan(read([value, 1.0])).tolist() == [True, False]


def test_masked_numbers_are_unknown_and_integers_may_have_gaps():
    gaps = MaskedColumn([21, 1, 23], mask=[False, True, False])
    np.testing.assert_array_equal(read(gaps, MAGNITUDE), [21, NAN, 23])
    np.testing.assert_array_equal(numbers(pd.Series([1, None, 3]), NUMBER, WHERE), [1, NAN, 3])
    objects = pd.Series([1, None, pd.NA, "4", "-"], dtype=object)
    np.testing.assert_array_equal(numbers(objects, NUMBER, WHERE), [1, NAN, NAN, 4, NAN])


@pytest.mark.parametrize(
    ("quantity", "plausible", "other"),
    [
        (MAGNITUDE, [5.0, 22.5, 40.0], [4.9, 40.1, 0.0, -2.5]),
        (REDSHIFT, [0.0, 1.5, 11.0], [-1.0, -0.01, 31.0]),
        (SIZE, [0.01, 300.0], [0.0, -9.6, 1e30]),
        (SHARE, [0.0, 0.5, 1.0], [-1.0, 1.1]),
        (AXIS_RATIO, [0.1, 1.0], [0.0, 1.5]),
        (SERSIC_INDEX, [0.2, 8.0], [0.0, -1.0, 21.0]),
        (DECLINATION, [-90.0, 0.0, 90.0], [-90.5, 91.0]),
        (RIGHT_ASCENSION, [0.0, 99.0, 359.9, -30.0], [361.0, -99.0]),
        # A flux may be 99 microjansky, and noise makes it negative.
        (FLUX, [99.0, -0.5, 0.0], [-99.0, 1e20]),
        (NUMBER, [-99.0, 99.0], []),
    ],
)
def test_numbers_that_nothing_has_are_unknown(quantity, plausible, other):
    np.testing.assert_array_equal(read([*plausible, *other], quantity)[: len(plausible)], plausible)
    assert np.isnan(read([*plausible, *other], quantity)[len(plausible) :]).all()


def test_what_is_unknown_is_counted_in_the_log(caplog):
    with caplog.at_level("INFO"):
        read(["20", "-99", "-99.0", "", "null", "99", "-99"], MAGNITUDE)
        read(["1", "", "-"])
        read([1.0, 2.0])
    assert [record.levelno for record in caplog.records] == [logging.WARNING, logging.INFO]
    first, second = caplog.messages
    listed = "2 x -99, 1 x -99.0, 1 x empty, 1 x null, 1 more"
    assert first == f"{WHERE}: 6 of 7 values are unknown ({listed})"
    assert second == f"{WHERE}: 2 of 3 values are unknown (1 x empty, 1 x -)"


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("faint", "correct it, or leave it empty"),
        ("20,5", "write it with a point"),
        ("1_000", "correct it"),
        ("20.5?", "correct it"),
        ("10:00:28.6", "correct it"),  # an angle where none belongs
    ],
)
def test_other_texts_are_named_with_their_row(text, remedy):
    message = f"^column x of t.csv has '{text.replace('?', '.')}' in row 3, which is not .*{remedy}"
    with pytest.raises(DeblendError, match=message):
        read(["1", "null", text, "also wrong"])


@given(st.lists(st.floats(6, 39) | st.sampled_from(["null", "", "-99", "99", "inf", "-"])))
def test_any_mixture_keeps_exactly_the_numbers(values):
    column = [str(value) for value in values]
    expected = [value if isinstance(value, float) else NAN for value in values]
    np.testing.assert_array_equal(numbers(np.array(column, str), MAGNITUDE, WHERE), expected)


# --- Angles ---


def test_sexagesimal_angles_are_hours_and_degrees():
    # 10h + 0.5 min + 3.6 s: 150 + 0.125 + 0.015 degrees.
    hours = ["10:00:33.6", "10 00 33.6", "10h00m33.6s", "150.14", "150d08m24s", ""]
    np.testing.assert_allclose(read(hours, RIGHT_ASCENSION), [150.14] * 5 + [NAN], rtol=1e-12)
    degrees = ["-27:48:36", "-27 48 36", "\N{MINUS SIGN}27d48m36s", "-27.81", "-00:30:00", "+2:30"]
    np.testing.assert_allclose(
        read(degrees, DECLINATION), [-27.81] * 4 + [-0.5, 2.5], rtol=0, atol=1e-12
    )


@given(st.integers(0, 23), st.integers(0, 59), st.integers(0, 59_999))
def test_angles_agree_with_arithmetic(hours, minutes, milliseconds):
    text = f"{hours:02d}:{minutes:02d}:{milliseconds / 1000:06.3f}"
    expected = 15 * (hours + minutes / 60 + milliseconds / 3.6e6)
    assert read([text], RIGHT_ASCENSION)[0] == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("text", ["10:61:00", "10:00:75", "10:xx:00", "ten"])
def test_what_is_no_angle_is_refused(text):
    with pytest.raises(DeblendError, match=f"has '{text}' in row 1, which is not a number"):
        read([text], RIGHT_ASCENSION)


# --- Units ---


@pytest.mark.parametrize(
    ("quantity", "unit", "factor"),
    [
        *((MAGNITUDE, unit, 1) for unit in ("mag", "mag(AB)", "ABmag", "ABMAG", "AB", "mags", "")),
        *((MAGNITUDE, unit, 1) for unit in (None, "---", "AB mag", "Mag", u.ABmag)),
        (MAGNITUDE, "mmag", 1e-3),
        (RIGHT_ASCENSION, "degrees", 1),
        (RIGHT_ASCENSION, "DEG", 1),
        (RIGHT_ASCENSION, "h", 15),
        (RIGHT_ASCENSION, "hourangle", 15),
        (RIGHT_ASCENSION, "rad", 180 / np.pi),
        (DECLINATION, "arcmin", 1 / 60),
        (REDSHIFT, "", 1),
        (REDSHIFT, "dimensionless", 1),
        (SHARE, "%", 0.01),
        (FLUX, "uJy", 1),
        (FLUX, "nJy", 1e-3),
        (FLUX, "erg / (s cm2 Hz)", 1e29),
        (FLUX, "nanomaggy", 3.631),
        *((size_in_px(0.06, "arcsec"), unit, 1 / 0.06) for unit in (None, "arcsec", "arcseconds")),
        (size_in_px(0.06, "arcsec"), "pix", 1),
        (size_in_px(0.06, "pix"), "arcsec", 1 / 0.06),
        (size_in_px(0.06, "pix"), "arcmin", 60 / 0.06),
        *((size_in_px(0.06, "pix"), unit, 1) for unit in (None, "pixels", "PIXEL", "px", "pix")),
        (NUMBER, "km", 1),
    ],
)
def test_units_by_all_their_names(quantity, unit, factor):
    value = 6.0 / factor if quantity is MAGNITUDE else 0.5 / max(factor, 1)
    column = Table({"x": [value]})["x"]
    column.unit = u.Unit(unit, parse_strict="silent") if isinstance(unit, str) else unit
    expected = column.data * factor
    np.testing.assert_allclose(numbers(column, quantity, WHERE), expected, rtol=1e-12)


def test_a_flux_may_be_in_magnitudes_of_the_ab_system():
    np.testing.assert_allclose(read([23.9, 21.4], FLUX, u.ABmag), [1, 10], rtol=2e-4)


def units_in_a_file(path, magnitude, flux):
    """A table with two columns in a file, whose units are written as texts."""
    if path.suffix == ".fits":
        columns = [
            fits.Column("mag", "D", array=[21.5]),
            fits.Column("flux", "D", array=[9.0]),
        ]
        hdu = fits.BinTableHDU.from_columns(columns)
        hdu.header["TUNIT1"], hdu.header["TUNIT2"] = magnitude, flux
        hdu.writeto(path)
    elif path.suffix == ".xml":
        path.write_text(
            '<?xml version="1.0"?><VOTABLE version="1.4"><RESOURCE><TABLE>'
            f'<FIELD name="mag" datatype="double" unit="{magnitude}"/>'
            f'<FIELD name="flux" datatype="double" unit="{flux}"/>'
            "<DATA><TABLEDATA><TR><TD>21.5</TD><TD>9.0</TD></TR></TABLEDATA></DATA>"
            "</TABLE></RESOURCE></VOTABLE>"
        )
    else:
        path.write_text(
            "# %ECSV 1.0\n# ---\n# datatype:\n"
            f"# - {{name: mag, unit: {magnitude}, datatype: float64}}\n"
            f"# - {{name: flux, unit: {flux}, datatype: float64}}\n"
            "# schema: astropy-2.0\nmag flux\n21.5 9.0\n"
        )
    return path


@pytest.mark.parametrize("name", ["a.fits", "a.xml", "a.ecsv"])
@pytest.mark.parametrize("magnitude", ["mag(AB)", "MAG(AB)", "mag", "ABmag", "AB"])
@pytest.mark.parametrize("flux", ["uJy", "UJY", "microJy", "muJy"])
def test_units_in_files_of_every_kind(tmp_path, name, magnitude, flux):
    path = units_in_a_file(tmp_path / name, magnitude, flux)
    columns = {"mag": "mag", "flux": "flux"}
    found = read_columns(path, columns, {"mag": MAGNITUDE, "flux": FLUX})
    assert found.to_numpy().tolist() == [[21.5, 9.0]]


@pytest.mark.parametrize(
    ("quantity", "unit", "target"),
    [
        (MAGNITUDE, "Jy", "mag"),
        (MAGNITUDE, "mag(ST)", "mag"),
        (MAGNITUDE, "vegamag", "mag"),
        (MAGNITUDE, "dB", "mag"),
        (MAGNITUDE, "mag / arcsec2", "mag"),
        (SIZE, "arcsec", "pix"),
        (size_in_px(0.06, "pix"), "kpc", "pix"),
        (size_in_px(0.06, "pix"), "bananas", "pix"),
        (FLUX, "ct / s", "uJy"),
        (FLUX, "mag", "uJy"),
        (REDSHIFT, "km / s", "no unit"),
        (RIGHT_ASCENSION, "mag", "deg"),
    ],
)
def test_other_units_are_refused(quantity, unit, target):
    given = u.Unit(unit, parse_strict="silent")
    with pytest.raises(DeblendError, match=rf"^{WHERE} is in .*, which cannot .* in {target}"):
        read([20.0], quantity, given)


def test_sentinels_are_recognised_in_the_unit_of_the_column():
    found = read([-99.0, 600.0], size_in_px(0.06, "pix"), u.Unit("marcsec"))
    np.testing.assert_allclose(found, [NAN, 10.0])


# --- Ids ---


def test_ids_are_the_same_in_every_kind_of_column():
    expected = ["1", "20", "300"]
    for values in ([1, 20, 300], [1.0, 20.0, 300.0], ["1", " 20", "300 "], ["1.0", "20", "300.0"]):
        assert identities(np.array(values), WHERE).tolist() == expected
    assert identities(np.array([b"g1 ", b"g2"]), WHERE).tolist() == ["g1", "g2"]
    assert texts(np.array(["007", "1.5", "NULL", "disk"])).tolist() == ["007", "1.5", "", "disk"]
    assert texts(pd.Series([7, None, 9])).tolist() == ["7", "", "9"]


def test_missing_and_repeated_ids_are_named():
    with pytest.raises(DeblendError, match="has no id in 2 of 4 rows .the first: row 2"):
        identities(np.array(["a", "", "null", "d"]), WHERE)
    with pytest.raises(DeblendError, match="has no id in 1 of 2 rows .the first: row 1"):
        identities(MaskedColumn([5, 6], mask=[True, False]), WHERE)
    with pytest.raises(DeblendError, match="2 ids more than once .the first: b, in the rows 2, 3"):
        identities(np.array(["a", "b", "b", "c", "c"]), WHERE)


@given(st.lists(st.integers(0, 99), unique=True), st.randoms(use_true_random=False))
def test_rows_are_matched_by_identity_in_any_order(ids, random):
    others = [*ids, 100, 200, 200]
    random.shuffle(others)
    rows = matching_rows([str(i) for i in ids], np.array(others, float), WHERE)
    assert [others[row] for row in rows] == ids


def test_rows_without_a_partner_and_with_two():
    assert matching_rows(["a", "b"], ["b", "c"], WHERE).tolist() == [-1, 0]
    with pytest.raises(DeblendError, match="1 ids of the catalogue more than once .the first: b"):
        matching_rows(["a", "b"], ["b", "c", "b"], WHERE)


# --- Files ---

TABLE = Table({"ID": [3, 1, 2], "RA": [150.1, 150.2, 150.3], "Mag": [20.25, -99.0, 22.5]})
TABLE["Mag"].unit = u.mag
COLUMNS = {"id": "ID", "ra": "RA", "mag": "Mag"}
QUANTITIES = {"id": None, "ra": RIGHT_ASCENSION, "mag": MAGNITUDE}
SEXTRACTOR = """\
#   1 ID      Running object number
#   2 RA      Right ascension of barycenter  [deg]
#   3 Mag     Kron-like elliptical aperture magnitude  [mag]
 3 150.1  20.25
 1 150.2 -99.0
 2 150.3  22.5
"""
VOTABLE = """\
<?xml version="1.0"?>
<VOTABLE version="1.3" xmlns="http://www.ivoa.net/xml/VOTable/v1.3"><RESOURCE><TABLE>
<FIELD ID="ID" name="ID" datatype="int"/><FIELD ID="RA_" name="RA" datatype="double" unit="deg"/>
<FIELD ID="Mag_H_" name="Mag" datatype="double" unit="ABmag"/><DATA><TABLEDATA>
<TR><TD>3</TD><TD>150.1</TD><TD>20.25</TD></TR><TR><TD>1</TD><TD>150.2</TD><TD>-99</TD></TR>
<TR><TD>2</TD><TD>150.3</TD><TD>22.5</TD></TR></TABLEDATA></DATA></TABLE></RESOURCE></VOTABLE>
"""
MACHINE_READABLE = """\
Title: Sizes, magnitudes
================================================================================
Byte-by-byte Description of file: table.txt
--------------------------------------------------------------------------------
   Bytes Format Units   Label Explanations
--------------------------------------------------------------------------------
   1-  1 I1     ---     ID    Number
   3-  7 F5.1   deg     RA    Right ascension
   9- 14 F6.2   mag     Mag   Magnitude
--------------------------------------------------------------------------------
3 150.1  20.25
1 150.2 -99.00
2 150.3  22.50
"""


def written(kind):
    """The table in a format, as bytes."""
    if kind == "fits":
        buffer = io.BytesIO()
        fits.HDUList([fits.PrimaryHDU(), fits.BinTableHDU(TABLE)]).writeto(buffer)
        return buffer.getvalue()
    text = io.StringIO()
    if kind == "ecsv":
        TABLE.write(text, format="ascii.ecsv")
        return text.getvalue().encode()
    rows = [f"{row['ID']},{row['RA']},{row['Mag']}" for row in TABLE]
    lines = {
        "csv": ["ID,RA,Mag", *rows],
        "csv with comments": ["# from a survey", "ID,RA,Mag", rows[0], "# more", *rows[1:], ""],
        "csv with a commented header": ["# made by hand, on Monday", "# ID,RA,Mag", *rows],
        "semicolons": ["ID;RA;Mag", *(row.replace(",", ";") for row in rows)],
        "trailing commas": [f"{row}," for row in ["ID,RA,Mag", *rows]],
        "quoted": ['"ID", "RA", "Mag"', *rows],
        "tabs": ["ID\tRA\tMag", *(row.replace(",", "\t") for row in rows)],
        "blanks": ["ID  RA    Mag", *(row.replace(",", "  ") for row in rows)],
        "commented header": ["# ID RA Mag", *(row.replace(",", " ") for row in rows)],
    }
    texts_of = {"sextractor": SEXTRACTOR, "votable": VOTABLE, "machine-readable": MACHINE_READABLE}
    return (texts_of.get(kind) or "\n".join(lines[kind])).encode()


KINDS = ["fits", "ecsv", "csv", "csv with comments", "csv with a commented header", "semicolons"]
KINDS += ["trailing commas", "quoted", "tabs", "blanks", "commented header", "sextractor"]
KINDS += ["votable", "machine-readable"]


@pytest.mark.parametrize("zipped", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_the_same_table_in_every_format(tmp_path, kind, zipped):
    path = tmp_path / ("table.gz" if zipped else "table")
    path.write_bytes(gzip.compress(written(kind)) if zipped else written(kind))
    found = read_columns(path, COLUMNS, QUANTITIES)
    assert found["id"].tolist() == ["3", "1", "2"]
    np.testing.assert_array_equal(found["ra"], [150.1, 150.2, 150.3])
    np.testing.assert_array_equal(found["mag"], [20.25, NAN, 22.5])


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
@pytest.mark.parametrize("kind", ["csv", "ecsv", "blanks"])
def test_byte_order_marks_are_no_part_of_a_name(tmp_path, kind, encoding):
    path = tmp_path / "t.csv"
    path.write_bytes(written(kind).decode().encode(encoding))
    assert read_columns(path, COLUMNS, QUANTITIES)["id"].tolist() == ["3", "1", "2"]


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be"])
@pytest.mark.parametrize("name", ["t.xml", "t.vot", "t.csv", "t.csv.gz"])
@pytest.mark.parametrize("kind", ["csv", "votable"])
def test_text_in_another_encoding_is_refused_with_the_remedy(tmp_path, kind, name, encoding):
    """Read by their suffix, such files had wrong values, or those of a file that they name."""
    content = written(kind).decode().replace('"1.0"?', f'"1.0" encoding="{encoding[:6]}"?')
    content = content.encode(encoding)
    path = tmp_path / name
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    with pytest.raises(DeblendError, match=rf"{name} \(it is neither .*: save it as one of them"):
        open_table(path)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_data_at_an_address_are_not_read_in_any_encoding(tmp_path, encoding):
    other = tmp_path / "other"
    other.write_bytes(np.arange(20, dtype=">i8").tobytes())
    head, _, rest = written("votable").decode().partition("<DATA>")
    tail = rest.partition("</DATA>")[2]
    stream = f'<DATA><BINARY><STREAM href="file://{other}"/></BINARY></DATA>'
    for declared in ("", 'encoding="utf-8"', 'encoding="utf-16"', f'encoding="{encoding}"'):
        text = (head + stream + tail).replace('"1.0"?', f'"1.0" {declared}?')
        for suffix in (".xml", ".vot"):
            path = tmp_path / f"t{suffix}"
            path.write_bytes(text.encode(encoding))
            with pytest.raises(DeblendError, match=f"t{suffix}"):
                open_table(path)


def test_xml_is_not_read_as_a_page(tmp_path):
    """Astropy takes it for HTML, and its first row for names."""
    (tmp_path / "t.xml").write_bytes(written("votable").decode().encode("utf-16"))
    with pytest.raises(DeblendError, match="it is XML, but not in UTF-8: save it as UTF-8"):
        open_table(tmp_path / "t.xml")
    (tmp_path / "t.xml").write_bytes(
        written("votable").replace(b"?xml version", b"!-- made", 1).replace(b"?>", b"-->", 1)
    )
    assert open_table(tmp_path / "t.xml").colnames == ["ID", "RA", "Mag"]


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_lines_may_end_as_on_other_systems(tmp_path, ending):
    path = tmp_path / "t.csv"
    path.write_bytes(written("csv").replace(b"\n", ending.encode()))
    assert read_columns(path, COLUMNS, QUANTITIES)["mag"][2] == 22.5


def test_text_in_numbers_of_an_ecsv_table_is_named_too(tmp_path):
    path = tmp_path / "t.ecsv"
    path.write_bytes(written("ecsv").replace(b"-99.0", b"null"))
    assert np.isnan(read_columns(path, COLUMNS, QUANTITIES)["mag"][1])
    path.write_bytes(written("ecsv").replace(b"-99.0", b"faint"))
    with pytest.raises(DeblendError, match=r"column Mag of .*t.ecsv has 'faint' in row 2"):
        read_columns(path, COLUMNS, QUANTITIES)


def test_masked_integers_of_fits_tables_are_unknown(tmp_path):
    columns = [
        fits.Column("ID", "K", array=[1, 2]),
        fits.Column("MAG", "J", array=[21, -32768], null=-32768, unit="ABMAG"),
        fits.Column("RA", "12A", array=["10:00:33.6", "150.14"], unit='"h:m:s"'),
    ]
    fits.BinTableHDU.from_columns(columns).writeto(tmp_path / "t.fits")
    # FITS does not tell names in capitals from others.
    found = read_columns(tmp_path / "t.fits", COLUMNS, QUANTITIES)
    np.testing.assert_array_equal(found["mag"], [21, NAN])
    assert found["ra"][0] == pytest.approx(Angle("10h0m33.6s").deg)


def test_names_that_only_differ_in_case_are_not_mixed_up(tmp_path):
    (tmp_path / "t.csv").write_text("id,Mag,MAG\n1,20,21\n")
    quantities = {"id": None, "mag": MAGNITUDE}
    found = read_columns(tmp_path / "t.csv", {"id": "ID", "mag": "MAG"}, quantities)
    assert found["mag"].tolist() == [21]
    with pytest.raises(DeblendError, match="lacks the columns mag; it has id, Mag, MAG"):
        read_columns(tmp_path / "t.csv", {"id": "id", "mag": "mag"}, quantities)
    without = read_columns(
        tmp_path / "t.csv", {"id": "id", "mag": "r"}, quantities, optional=["mag"]
    )
    assert list(without) == ["id"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (written("fits")[:3000], r"cannot read the catalogue .*t\.dat \("),
        (written("fits")[:-2000], "it is cut off: copy or download it again"),
        (gzip.compress(written("csv"), mtime=0)[:-12], "cannot read .*end-of-stream|end-of-stream"),
        (gzip.compress(written("fits"), mtime=0)[:-20], r"cannot read the catalogue .*t\.dat \("),
        (written("votable")[:-200], r"cannot read the catalogue .*t\.dat \("),
        (written("csv")[:-7], "line 4 has 2 fields, the header 3: the file is cut off"),
        (b"ID,RA,Mag\n1,150,20\n2,150,20,disk, large\n", "line 3 has 5 fields, the header 3"),
        (b"ID,RA,Mag,Mag\n1,150,20,21\n", "more than one column 'Mag'"),
        (b"ID,RA,Mag\n", "has no rows"),
        (b"", r"cannot read the catalogue .*t\.dat \("),
        (b"ID,RA,Mag\n1,150,\xff\xfa\n", "cannot read .*'utf-8' codec can't decode"),
        (b"\x00\x01\x02\x03" * 99, r"t\.dat \(it is neither FITS nor HDF5 nor text"),
        (b"<!DOCTYPE html><html>Not found</html>", "it is a web page: download the table itself"),
    ],
)
def test_a_file_that_is_no_whole_table_is_named_in_one_line(tmp_path, content, message):
    (tmp_path / "t.dat").write_bytes(content)
    with pytest.raises(DeblendError, match=message) as caught:
        read_columns(tmp_path / "t.dat", COLUMNS, QUANTITIES)
    assert "\n" not in str(caught.value)
    assert "t.dat" in str(caught.value)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(DeblendError, match=r"cannot read the catalogue .*no\.fits .*No such file"):
        open_table(tmp_path / "no.fits")
    with pytest.raises(DeblendError, match=r"cannot read .*no\.csv .*No such file"):
        read_text(tmp_path / "no.csv")


def test_several_values_a_row_and_further_tables_are_said(tmp_path, caplog):
    table = Table({"ID": [1, 2], "Mag": np.full((2, 4), 21.0), "RA": [1.0, 2.0]})
    hdus = [fits.PrimaryHDU(), fits.BinTableHDU(table), fits.BinTableHDU(TABLE)]
    fits.HDUList(hdus).writeto(tmp_path / "t.fits")
    with pytest.raises(DeblendError, match="column Mag of .* has 4 values in each row"):
        read_columns(tmp_path / "t.fits", COLUMNS, QUANTITIES)
    assert "t.fits: " in caplog.text
    assert "multiple" in caplog.text


def test_a_table_of_rows_that_are_not_in_the_file_is_refused(tmp_path):
    """HDF5 stores nothing of an array that was never written."""
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        file.create_dataset("table", (150_000_000,), np.dtype([("id", "i8")]))
    assert path.stat().st_size < 10_000
    with pytest.raises(DeblendError, match="unpacked 1200000000 or more, over the limit"):
        open_table(path)
