"""Text tables whose columns are separated by a character."""

from pathlib import Path

import pytest
from astropy import units as u
from deblend.data.delimited import delimiter_of, read_delimited
from deblend.data.table_files import MAGNITUDE, RIGHT_ASCENSION, read_columns, size_in_px

#: As VizieR writes tables with tabulators.
VIZIER = """#
#   VizieR Astronomical Server vizier.cds.unistra.fr
#Column\tSeq\t(I5)\tSequence number
#Column\tHmag\t(F6.3)\tMagnitude

_RAJ2000\tSeq\tHmag\tRe\tS/G
deg\t \tmag\tarcsec\t
----------\t-----\t------\t-----\t-
053.122751\t    1\t21.321\t 0.30\t1
053.129312\t    2\t      \t 0.60\t0

#END#
"""


@pytest.mark.parametrize("delimiter", ["\t", ";"])
def test_units_and_dashes_below_the_header_are_no_rows(tmp_path, delimiter):
    path = tmp_path / "asu.tsv"
    path.write_text(VIZIER.replace("\t", delimiter))
    columns = {"id": "Seq", "ra": "_RAJ2000", "mag": "Hmag", "size": "Re"}
    quantities = {
        "id": None,
        "ra": RIGHT_ASCENSION,
        "mag": MAGNITUDE,
        "size": size_in_px(0.06, "pix"),
    }
    table = read_columns(path, columns, quantities)
    assert table["id"].tolist() == ["1", "2"]
    assert table["ra"].tolist() == [53.122751, 53.129312]
    assert table["mag"].isna().tolist() == [False, True]
    # The unit is that of the file, not the one that is given.
    assert table["size"].tolist() == pytest.approx([5, 10])


def test_rows_without_values_are_rows():
    """Only dashes below a row of units are a line, not those of values that are missing."""
    table = read_delimited(["id,mag", "1,21", "-,-", "2,22"], ",")
    assert (len(table), table["mag"].unit) == (3, None)
    table = read_delimited(["id,mag", ",mag", "--,--", "2,22"], ",")
    assert (len(table), table["mag"].unit) == (1, u.mag)


@pytest.mark.parametrize(
    ("lines", "name", "expected"),
    [
        (["# a, b", "id;mag"], "a.txt", ";"),
        (["id\tmag"], "a.txt", "\t"),
        (["id mag"], "a.csv", None),
        (["id"], "a.csv", ","),
        (["id"], "a.txt", None),
    ],
)
def test_the_character_between_columns(lines, name, expected):
    assert delimiter_of(lines, Path(name)) == expected


def test_lines_of_another_length_are_named():
    with pytest.raises(ValueError, match="line 3 has 1 fields, the header 2"):
        read_delimited(["id,mag", "1,21", "2"], ",")
