"""Text tables whose columns are separated by a character, such as CSV."""

import csv
import re
from collections import Counter
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Table


def delimiter_of(lines: list[str], path: Path) -> str | None:
    """Character between the columns of a table with one; None if they are separated by blanks.

    Parameters
    ----------
    lines : list of str
    path : path
        In a file called .csv, a single word is the name of the only column.
    """
    header = next((line for line in lines if line.strip() and line[0] != "#"), "")
    found = next((character for character in ",\t;" if character in header), None)
    one_column = found is None and ".csv" in path.name.lower() and len(header.split()) == 1
    return "," if one_column else found


def read_delimited(lines: list[str], delimiter: str) -> Table:
    """A table whose columns are separated by a character.

    Parameters
    ----------
    lines : list of str
        Those that begin with # are comments, of which the last one can be the header. VizieR writes
        a row of units and one of dashes below the header.
    delimiter : str

    Returns
    -------
    Table
        Columns of texts.

    Raises
    ------
    ValueError
        There are no rows, or they do not fit the header.
    """
    numbered = [(n, line) for n, line in enumerate(lines, 1) if line.strip()]
    start = next((i for i, (_, line) in enumerate(numbered) if line[0] != "#"), len(numbered))
    comments = [line.lstrip("# ") for _, line in numbered[:start]]
    kept = [(n, line) for n, line in numbered[start:] if line[0] != "#"]
    rows = [
        [field.strip() for field in row]
        for row in csv.reader(
            (line for _, line in kept), delimiter=delimiter, skipinitialspace=True
        )
    ]
    if not rows:
        raise ValueError("it is empty")
    header, first = rows[0], 1
    last = [name.strip() for name in comments[-1].split(delimiter)] if comments else []
    if len(last) == len(header) and any(_is_number(name) for name in header):
        header, first = last, 0  # the header is the comment above the numbers, as numpy writes it
    units = _units_below(rows) if first == 1 else None
    if units:
        first = 3
    repeated = sorted(name for name, n in Counter(filter(None, header)).items() if n > 1)
    if repeated:
        raise ValueError(f"it has more than one column {repeated[0]!r}: rename one")
    columns: list[list[str]] = [[] for _ in header]
    for i, row in enumerate(rows[first:], first):
        if len(row) > len(header) and not any(row[len(header) :]):
            row = row[: len(header)]  # delimiters at the end of the line
        if len(row) != len(header):
            where = f"line {kept[i][0]}" if len(rows) == len(kept) else f"row {i + 1 - first}"
            raise ValueError(
                f"{where} has {len(row)} fields, the header {len(header)}: the file is cut off, or "
                "a text with the delimiter is not quoted"
            )
        for column, field in zip(columns, row, strict=True):
            column.append(field)
    names = [name or f"column {i}" for i, name in enumerate(header, 1)]
    table = Table([np.array(column, str) for column in columns], names=names)
    for name, unit in zip(names, units or [], strict=False):
        if unit:
            table[name].unit = u.Unit(unit, parse_strict="silent")
    return table


def _units_below(rows: list[list[str]]) -> list[str] | None:
    """Units in the row below the header, if a row of dashes is below them."""
    if len(rows) < 3 or not len(rows[0]) == len(rows[1]) == len(rows[2]):
        return None
    is_ruled = all(re.fullmatch("-+", field) for field in rows[2])
    return rows[1] if is_ruled and not any(map(_is_number, rows[1])) else None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
