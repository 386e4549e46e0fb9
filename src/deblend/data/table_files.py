"""Tables of users and archives: one reader for FITS, ECSV, CSV, VOTable and columns of text.

What surveys write where they have no value is known here, and so are the names that they give to
units. A number that cannot be read is an error that says where it is; one that stands for nothing
is NaN, counted and logged. Rows of two tables that belong together are found by their ids.
"""

import logging
import re
import warnings
import zlib
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
from astropy import units as u
from astropy.coordinates import Angle
from astropy.io import ascii as text_tables
from astropy.io.votable.exceptions import VOWarning
from astropy.table import Table
from deblend.data.delimited import delimiter_of, read_delimited
from deblend.data.image_units import NAMES
from deblend.data.unpacked import LEAST_TABLE, open_unpacked, refuse_bomb, unpacked_size
from deblend.data.votables import refuse_references
from deblend.errors import DeblendError, TransientError
from deblend.hdf5 import arrays_in, refuse_other_files

log = logging.getLogger(__name__)


#: Texts, in lower case, that stand for no value.
NO_VALUE = frozenset(
    ("", "null", "none", "nan", "n/a", "#n/a", "na", "nil", "masked", "<na>", "undef", "undefined")
    + ("-", "--", "---", "----", ".", "..", "...", "?", "\\n")
    + ("inf", "+inf", "-inf", "infinity", "+infinity", "-infinity")
)


#: Numbers that stand for no value in a column whose numbers are never below zero.
NEGATIVE_SENTINELS = (-99.0, -99.9, -99.99, -999.0, -999.9, -999.99, -9999.0, -9999.9, -9999.99)


#: The same where large numbers have no meaning either.
SENTINELS = (*NEGATIVE_SENTINELS, *(-value for value in NEGATIVE_SENTINELS))


#: Names of units, in lower case, that astropy does not know or takes for something else.
UNIT_NAMES: dict[str, u.UnitBase] = {
    **dict.fromkeys(("abmag", "magab", "ab", "mag_ab", "ab_mag", "abmagnitude"), u.mag),
    **dict.fromkeys(("mags", "magnitude", "magnitudes", "ab magnitude", "ab mag"), u.mag),
    **dict.fromkeys(("pixels", "pixel", "px"), u.pix),
    **dict.fromkeys(("arcsecs", "arcseconds", "arcs", "asec", "''", "″"), u.arcsec),
    **dict.fromkeys(("arcmins", "arcminutes", "amin", "′"), u.arcmin),
    **dict.fromkeys(("degree", "degrees", "°", "d:m:s", "dms", "degs"), u.deg),
    **dict.fromkeys(("h:m:s", "hms", "hours", "hour angle"), u.hourangle),
    **dict.fromkeys(("nmgy", "nanomaggy", "nanomaggies"), u.Unit(3.631 * u.uJy)),
}


#: Names of units, in lower case, of columns that have none.
NO_UNIT = frozenset(("", "-", "--", "---", "none", "null", "n/a", "unitless", "dimensionless"))


#: An angle in hours or degrees, minutes and seconds: 10:00:28.6, -27 48 12, 10h00m28.6s.
SEXAGESIMAL = re.compile(r"\d\s*[:\s]\s*\d|\d\s*[hHdD°]\s*\d+\s*[mM'′:]")


#: Kinds of values that a message of the log names.
MAX_NAMED = 4


@dataclass(frozen=True)
class Quantity:
    """What the numbers of a column are.

    Attributes
    ----------
    unit : Unit, optional
        Unit that they are converted to; without one, units do not matter.
    given : Unit, optional
        Unit of a column that states none, if it is not `unit`.
    low, high : float
        Smallest and largest plausible value, in `unit`. Others are unknown.
    sentinels : tuple of float
        Numbers that stand for no value, in the unit of the column.
    sexagesimal : Unit, optional
        Unit of the first part of sexagesimal angles, which are read if it is given.
    equivalencies : tuple
        As astropy has them: other units that can be converted to `unit`.
    """

    unit: u.UnitBase | None = None
    given: u.UnitBase | None = None
    low: float = -np.inf
    high: float = np.inf
    sentinels: tuple[float, ...] = ()
    sexagesimal: u.UnitBase | None = None
    equivalencies: tuple[tuple[u.UnitBase, u.UnitBase, Callable, Callable], ...] = ()


#: Any numbers: nothing but infinity and what is no number is unknown.
NUMBER = Quantity()

#: Smallest and largest AB magnitude that a galaxy can have.
MAG_RANGE = (5.0, 40.0)

MAGNITUDE = Quantity(u.mag, None, *MAG_RANGE, SENTINELS)

#: Flux densities in microjansky, at most that of the brightest magnitude. Noise makes them
#: negative; 99 microjansky are a bright galaxy.
FLUX = Quantity(u.uJy, None, -np.inf, 10 ** (0.4 * (23.9 - MAG_RANGE[0])), NEGATIVE_SENTINELS)

#: Right ascensions, from 0 or -180 degrees on; text with colons is in hours.
RIGHT_ASCENSION = Quantity(u.deg, None, -180.0, 360.0, NEGATIVE_SENTINELS, u.hourangle)

DECLINATION = Quantity(u.deg, None, -90.0, 90.0, SENTINELS, u.deg)

REDSHIFT = Quantity(u.dimensionless_unscaled, None, 0.0, 30.0, SENTINELS)

#: Probabilities, and SExtractor's CLASS_STAR.
SHARE = Quantity(u.dimensionless_unscaled, None, 0.0, 1.0, SENTINELS)

#: Ratios that are not zero: of axes at most 1, Sersic indices at most 20.
AXIS_RATIO = Quantity(u.dimensionless_unscaled, None, np.finfo(float).tiny, 1.0, SENTINELS)

SERSIC_INDEX = Quantity(u.dimensionless_unscaled, None, np.finfo(float).tiny, 20.0, SENTINELS)


#: Sizes in pixels, which are above zero and smaller than any image.
SIZE = Quantity(u.pix, None, np.finfo(float).tiny, 1e5, SENTINELS)


def size_in_px(pixel_scale_arcsec: float, given: str) -> Quantity:
    """Sizes that can be converted to pixels.

    Parameters
    ----------
    pixel_scale_arcsec : float
        Of the pixels that sizes in angles are converted to.
    given : {"pix", "arcsec"}
        Unit of a column that states none.
    """
    to_pixels = (
        u.arcsec,
        u.pix,
        lambda arcsec: arcsec / pixel_scale_arcsec,
        lambda pixels: pixels * pixel_scale_arcsec,
    )
    return replace(SIZE, given=u.Unit(given), equivalencies=(to_pixels,))


def read_text(path: str | Path) -> str:
    """Text of a file, which may be compressed, without a byte-order mark.

    Raises
    ------
    DeblendError
        The file cannot be read, is cut off or far larger unpacked, or is not text in UTF-8, or in
        UTF-16 with a byte-order mark.
    """
    try:
        unpacked_size(path)
        with open_unpacked(path) as file:
            data = file.read()
        encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
        text = data.decode(encoding)
        # A text in another encoding can look like one in UTF-8, with other values.
        if "\0" in text:
            raise ValueError("it has zeros between its characters: save it as UTF-8")
        return text
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise DeblendError(f"cannot read {path} ({_first_line(error)})") from error


def open_table(path: str | Path) -> Table:
    """Read a table: FITS, ECSV, CSV, VOTable, text in columns, or what else astropy knows.

    Parameters
    ----------
    path : path
        What the file is follows from its content. It may be gzipped; text may have a byte-order
        mark, and lines that begin with # are comments, of which the last one can be the header.

    Returns
    -------
    Table
        Columns of CSV and plain text are texts as they stand in the file.

    Raises
    ------
    DeblendError
        The file cannot be read or is cut off, or has no rows.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            table = _read_any(Path(path))
        # Units matter where columns are read; how well a VOTable keeps to the standard does not.
        unsaid = (u.UnitsWarning, VOWarning)
        said = [str(w.message) for w in caught if not issubclass(w.category, unsaid)]
        if any("truncated" in message for message in said):
            raise ValueError("it is cut off: copy or download it again")
    except DeblendError:
        raise
    except MemoryError as error:
        raise TransientError(f"the catalogue {path} needs more memory than there is") from error
    except Exception as error:  # astropy raises many types
        raise DeblendError(f"cannot read the catalogue {path} ({_first_line(error)})") from error
    for message in dict.fromkeys(said):
        log.warning("%s: %s", path, message)
    if not len(table):
        raise DeblendError(f"the catalogue {path} has no rows")
    return table


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def _read_any(path: Path) -> Table:
    """A table in the format that the content of the file shows."""
    unpacked_size(path)  # to its end, where checksums are
    with open_unpacked(path) as file:
        start = file.read(4096)
    if start.startswith(b"SIMPLE  ="):
        return Table.read(path, format="fits")
    if h5py.is_hdf5(path):
        with h5py.File(path) as file:
            refuse_other_files(file)
            # Rows of which nothing is stored take no room in the file.
            refuse_bomb(path, sum(array.nbytes for array in arrays_in(file)), LEAST_TABLE)
        return Table.read(path, format="hdf5")
    if b"\0" in start and not start.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise ValueError("it is neither FITS nor HDF5 nor text in UTF-8: save it as one of them")
    if re.match(rb"(\xef\xbb\xbf)?\s*<(html|!doctype)", start, re.IGNORECASE):
        raise ValueError("it is a web page: download the table itself")
    if re.match(rb"(\xef\xbb\xbf)?\s*<", start):
        with open_unpacked(path) as file:
            refuse_references(file)
        # Names as their authors wrote them, such as S/G, not the identifiers made of them.
        return Table.read(path, format="votable", use_names_over_ids=True)
    lines = read_text(path).splitlines()
    if lines and lines[0].lstrip().startswith("<"):
        raise ValueError("it is XML, but not in UTF-8: save it as UTF-8")
    if lines and lines[0].startswith("# %ECSV"):
        return _read_ecsv(lines)
    # Machine-readable tables and those of IPAC have commas in the lines above the data.
    described = any(re.match(r"Byte-by-byte|[\\|]", line) for line in lines)
    delimiter = None if described else delimiter_of(lines, path)
    if delimiter:
        return read_delimited(lines, delimiter)
    as_text = {"*": [text_tables.convert_numpy(str)]}
    try:
        return text_tables.read(lines, converters={} if described else as_text)
    except text_tables.InconsistentTableError as error:
        raise ValueError("it is not FITS, ECSV, CSV, a VOTable or columns of text") from error


def _read_ecsv(lines: list[str]) -> Table:
    """A table in ECSV; texts where a column of numbers has some that are not."""
    try:
        return text_tables.read(lines, format="ecsv")
    except ValueError:
        texts = [re.sub(r"\bdatatype: \w+", "datatype: string", line) for line in lines]
        head = [
            new if line.startswith("#") else line for line, new in zip(lines, texts, strict=True)
        ]
        return text_tables.read(head, format="ecsv")


def _name_in(table: Table, name: str) -> str | None:
    """Name of a column of a table: as it is given, or else in another case; None without one."""
    same = [other for other in table.colnames if other.lower() == name.lower()]
    return name if name in table.colnames else same[0] if len(same) == 1 else None


def read_columns(
    path: str | Path,
    columns: Mapping[str, str],
    quantities: Mapping[str, Quantity | None],
    optional: Collection[str] = (),
) -> pd.DataFrame:
    """Read some columns of a table.

    Parameters
    ----------
    path : path
        See `open_table`.
    columns : dict
        Name of the table's column for each of ours.
    quantities : dict
        What each of ours is; None for texts. `id` is an identity: none is missing or repeated.
    optional : collection of str
        Those of ours that the table need not have; the result lacks them too.

    Returns
    -------
    DataFrame
        Our columns, a row for each of the table: numbers as from `numbers`, texts from `texts`.

    Raises
    ------
    DeblendError
        The table cannot be read or lacks a column, or see `numbers` and `identities`.
    """
    table = open_table(path)
    found = {theirs: _name_in(table, theirs) for theirs in columns.values()}
    missing = [
        theirs for ours, theirs in columns.items() if ours not in optional and not found[theirs]
    ]
    if missing:
        raise DeblendError(
            f"the catalogue {path} lacks the columns {', '.join(missing)}; it has "
            f"{', '.join(table.colnames)}"
        )
    values = {}
    for ours, theirs in columns.items():
        if not found[theirs]:
            continue
        column, where = table[found[theirs]], f"column {theirs} of {path}"
        if np.ndim(column) != 1:
            shape = " x ".join(map(str, column.shape[1:]))
            raise DeblendError(
                f"{where} has {shape} values in each row: give one with a single one"
            )
        quantity = quantities[ours]
        if ours == "id":
            values[ours] = identities(column, where)
        else:
            values[ours] = texts(column) if quantity is None else numbers(column, quantity, where)
    return pd.DataFrame(values, index=range(len(table)))


def texts(column: Any) -> np.ndarray:
    """Texts of a column without blanks around them, "" where one stands for no value.

    Whole numbers have no decimal places, which they get where a column of integers has gaps.

    Parameters
    ----------
    column : Column, Series or ndarray, shape (n,)

    Returns
    -------
    ndarray of str, shape (n,)
    """
    values, masked = _parts(column)
    if values.dtype.kind == "f":
        values = np.array([f"{v:.0f}" if float(v).is_integer() else str(v) for v in values], str)
    result = [
        "" if no_value or text.lower() in NO_VALUE else re.sub(r"^(\d+)\.0+$", r"\1", text)
        for text, no_value in zip(map(_clean, values.tolist()), masked, strict=True)
    ]
    return np.array(result, str)


def _parts(column: Any) -> tuple[np.ndarray, np.ndarray]:
    """Values of a column, and where it has none by its mask or as pandas marks them."""
    masked = np.ma.getmaskarray(np.ma.asarray(column))
    values = np.asarray(np.ma.getdata(column))
    if values.dtype.kind == "O":
        masked = masked | np.array([v is None or v is pd.NA or v is np.ma.masked for v in values])
    return values, masked


def _clean(value: object) -> str:
    """A value as text: bytes decoded, the minus sign of typesetters made a hyphen."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else str(value)
    return text.strip().replace("\N{MINUS SIGN}", "-")


def identities(column: Any, where: str) -> np.ndarray:
    """Ids of the rows of a table, as texts.

    Parameters
    ----------
    column : Column, Series or ndarray, shape (n,)
    where : str
        Column and file, for messages.

    Returns
    -------
    ndarray of str, shape (n,)

    Raises
    ------
    DeblendError
        An id is missing, or occurs more than once.
    """
    found = texts(column)
    missing = np.flatnonzero(found == "")
    if len(missing):
        raise DeblendError(
            f"{where} has no id in {len(missing)} of {len(found)} rows (the first: row "
            f"{missing[0] + 1}): give each row one, or leave such rows out"
        )
    repeated = [name for name, n in Counter(found.tolist()).items() if n > 1]
    if repeated:
        rows = ", ".join(str(row + 1) for row in np.flatnonzero(found == repeated[0])[:MAX_NAMED])
        raise DeblendError(
            f"{where} has {len(repeated)} ids more than once (the first: {repeated[0]}, in the "
            f"rows {rows}): ids have to be unique"
        )
    return found


def matching_rows(
    ids: Sequence[str] | np.ndarray | pd.Series, others: Any, where: str
) -> np.ndarray:
    """Rows of another table that belong to galaxies: those with the same ids.

    Parameters
    ----------
    ids : sequence of str, length n
        From `identities` or `texts`.
    others : Column, Series or ndarray, shape (m,)
        Ids of the other table, in any order; it can have more of them.
    where : str
        Their column and file, for messages.

    Returns
    -------
    ndarray of int, shape (n,)
        -1 where the other table does not have the id.

    Raises
    ------
    DeblendError
        The other table has one of the ids more than once.
    """
    found = texts(others)
    counts = Counter(found.tolist())
    repeated = [name for name in ids if counts[name] > 1]
    if repeated:
        raise DeblendError(
            f"{where} has {len(repeated)} ids of the catalogue more than once (the first: "
            f"{repeated[0]}): it is not known which row belongs to the galaxy, leave one of each"
        )
    row_of = {name: row for row, name in enumerate(found.tolist())}
    return np.array([row_of.get(name, -1) for name in ids], int)


def numbers(column: Any, quantity: Quantity, where: str, *, log_unknown: bool = True) -> np.ndarray:
    """Numbers of a column, NaN where there is none; the log has how many of what kind.

    Parameters
    ----------
    column : Column, Series or ndarray, shape (n,)
        Of numbers, or of texts. What is masked, infinite, one of `NO_VALUE`, one of the quantity's
        sentinels, or not plausible is unknown.
    quantity : Quantity
    where : str
        Column and file, for messages.
    log_unknown : bool

    Returns
    -------
    ndarray of float, shape (n,)
        In the unit of the quantity.

    Raises
    ------
    DeblendError
        A text is no number, or the unit of the column cannot be converted.
    """
    given, masked = _parts(column)
    values, angles = np.full(len(given), np.nan), np.zeros(len(given), bool)
    if given.dtype.kind in "fiub":
        values[~masked] = given[~masked]
    else:
        for row in np.flatnonzero(~masked):
            values[row], angles[row] = _parse(_clean(given[row]), quantity, where, int(row))
    result = values.copy()
    # Before units are converted: an unknown number has none.
    sentinels = np.array(quantity.sentinels)[:, None]
    result[np.isclose(values, sentinels, rtol=1e-6, atol=0).any(axis=0) & ~angles] = np.nan
    unit = _unit_of(getattr(column, "unit", None), quantity)
    if unit is not None:
        result[~angles] = _convert(result[~angles], unit, quantity, where)
    result[~((result >= quantity.low) & (result <= quantity.high) & np.isfinite(result))] = np.nan
    unknown = np.flatnonzero(np.isnan(result))
    if len(unknown) and log_unknown:
        _report(where, given, masked, values, unknown)
    return result


def _parse(text: str, quantity: Quantity, where: str, row: int) -> tuple[float, bool]:
    """Number of a text, NaN for no value, and whether it was a sexagesimal angle (degrees)."""
    if text.lower() in NO_VALUE:
        return np.nan, False
    if quantity.sexagesimal is not None and SEXAGESIMAL.search(text):
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # 60 minutes or seconds
            try:
                return Angle(text, unit=quantity.sexagesimal).deg, True
            except (ValueError, u.UnitsError, Warning):
                pass
    elif "_" not in text:  # which Python takes for a separator
        try:
            return float(text), False
        except ValueError:
            pass
    remedy = "write it with a point" if re.fullmatch(r"[+-]?\d+,\d+", text) else "correct it"
    raise DeblendError(
        f"{where} has {text!r} in row {row + 1}, which is not a number: {remedy}, or leave it empty"
    )


def _unit_of(unit: Any, quantity: Quantity) -> u.UnitBase | u.FunctionUnitBase | None:
    """Unit of a column; that of the quantity where it states none; None where none matters."""
    if quantity.unit is None:
        return None
    name = "" if unit is None else str(unit).strip(" '\"[]").lower()
    if name in NO_UNIT:
        return quantity.given or quantity.unit
    if quantity.sexagesimal is not None and name in ("h", "hr", "hour"):
        return u.hourangle
    if name in UNIT_NAMES:
        return UNIT_NAMES[name]
    # As it stands first: FITS and VOTables know fewer units, and mJy and MJy differ in case only.
    for spelling in (str(unit), NAMES.get(name, name), name, unit):
        known = u.Unit(spelling, parse_strict="silent")
        if not isinstance(known, u.UnrecognizedUnit):
            break
    return known


def _convert(
    values: np.ndarray,
    unit: u.UnitBase | u.FunctionUnitBase,
    quantity: Quantity,
    where: str,
) -> np.ndarray:
    target = quantity.unit
    try:
        if target == u.mag:
            # Of logarithmic units only magnitudes: decibels are no fluxes of galaxies.
            if isinstance(unit, u.MagUnit):
                return (values * unit).to_value(u.ABmag)
            if "mag" not in unit.to_string():
                raise u.UnitConversionError
        if unit == target:
            return values
        return (values * unit).to_value(target, list(quantity.equivalencies))
    except (u.UnitsError, TypeError, ValueError) as error:
        also = f" or {quantity.equivalencies[0][0]}" if quantity.equivalencies else ""
        raise DeblendError(
            f"{where} is in {unit}, which cannot be converted to {target}: give a column in "
            f"{str(target) or 'no unit'}{also}, or correct the unit in the file"
        ) from error


def _report(
    where: str, given: np.ndarray, masked: np.ndarray, values: np.ndarray, unknown: np.ndarray
) -> None:
    """Log how many values of a column are unknown, and how they are written."""
    kinds = Counter(
        "masked" if masked[row] else _clean(given[row]) or "empty" for row in unknown.tolist()
    )
    named = [f"{n} x {kind}" for kind, n in kinds.most_common(MAX_NAMED)]
    rest = len(unknown) - sum(n for _, n in kinds.most_common(MAX_NAMED))
    listed = ", ".join([*named, f"{rest} more"] if rest else named)
    # Numbers that are not taken for such are more than an empty cell.
    level = logging.WARNING if np.isfinite(values[unknown]).any() else logging.INFO
    log.log(level, "%s: %d of %d values are unknown (%s)", where, len(unknown), len(given), listed)
