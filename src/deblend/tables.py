"""Small tables: ECSV with units for catalogues, CSV and LaTeX for results."""

import gzip
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Column, MaskedColumn, Table
from deblend.errors import DeblendError
from deblend.files import atomic

#: Special characters of LaTeX, and how they are escaped.
TEX = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def write_ecsv(
    path: str | Path, table: pd.DataFrame, units: dict[str, str] | None = None, **meta: object
) -> None:
    """Write a table as ECSV with units and metadata.

    Parameters
    ----------
    path : path
    table : DataFrame
    units : dict, optional
        Unit of each column, as astropy spells it ("" for none).
    **meta
        Plain values for the header of the file.
    """
    result = Table.from_pandas(table)
    for name, unit in (units or {}).items():
        if unit and name in result.colnames:
            result[name].unit = unit
    result.meta.update(meta)
    with atomic(path) as temporary:
        result.write(temporary, format="ascii.ecsv", overwrite=True)


def read_ecsv(path: str | Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read an ECSV table and check that it has the required columns.

    Raises
    ------
    DeblendError
        The file is missing or broken, or lacks a column.
    """
    try:
        table = Table.read(path, format="ascii.ecsv")
    except (OSError, ValueError) as error:
        raise DeblendError(f"cannot read {path} as an ECSV table: {error}") from error
    missing = [c for c in columns if c not in table.colnames]
    if missing:
        raise DeblendError(
            f"{path} lacks the columns {', '.join(missing)}; it has {', '.join(table.colnames)}"
        )
    frame = pd.DataFrame({c: _plain(table[c]) for c in table.colnames})
    frame.attrs.update(table.meta)
    return frame


def _plain(column: Column) -> np.ndarray:
    """Values of a column, NaN where a number is missing: astropy masks NaN when it writes."""
    if isinstance(column, MaskedColumn) and column.dtype.kind == "f":
        return np.asarray(column.filled(np.nan))
    return np.asarray(column)


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a results table as CSV, gzipped if the name ends with .gz, completely or not at all."""
    with atomic(path) as temporary:
        if not str(path).endswith(".gz"):
            table.to_csv(temporary, index=False, lineterminator="\n")
            return
        # Without time and temporary name in the header, the same table gives the same bytes.
        with (
            temporary.open("wb") as file,
            gzip.GzipFile("", "wb", fileobj=file, mtime=0) as zipped,
        ):
            table.to_csv(zipped, index=False, lineterminator="\n")


def write_tex(path: str | Path, table: pd.DataFrame) -> None:
    r"""Write a table as a LaTeX tabular with the rules of booktabs, completely or not at all.

    Parameters
    ----------
    path : path
    table : DataFrame
        The column names are the header. Special characters are escaped; numbers are
        right-aligned. Floats have four significant digits; missing values are "--".
    """
    numeric = [pd.api.types.is_numeric_dtype(table[c]) for c in table]
    lines = [
        rf"\begin{{tabular}}{{{''.join('r' if n else 'l' for n in numeric)}}}",
        r"\toprule",
        _tex_row(table.columns),
        r"\midrule",
        *(_tex_row(row) for row in table.astype(object).itertuples(index=False)),
        r"\bottomrule",
        r"\end{tabular}",
    ]
    with atomic(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def _tex_row(cells: Iterable[object]) -> str:
    return " & ".join(map(_tex_cell, cells)) + r" \\"


def _tex_cell(value: object) -> str:
    if value is None or value is pd.NA or (isinstance(value, float) and not np.isfinite(value)):
        return "--"
    if isinstance(value, float):
        # The alternate form (#) keeps trailing zeros, so that 8.200 has as many digits as 8.117.
        digits = f"{value:#.4g}" if 1e-4 <= abs(value) < 1e5 or value == 0 else f"{value:.3e}"
        if "e" in digits:
            mantissa, exponent = digits.split("e")
            return rf"${mantissa} \times 10^{{{int(exponent)}}}$"
        digits = digits.rstrip(".")
        return f"${digits}$" if value < 0 else digits  # in math mode: a minus sign, not a hyphen
    return "".join(TEX.get(character, character) for character in str(value))
