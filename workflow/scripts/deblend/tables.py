"""Small tables: ECSV with units for catalogues, CSV for results."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from astropy.table import Table

from .errors import DeblendError
from .files import atomic


def write_ecsv(
    path: str | Path, table: pd.DataFrame, units: dict[str, str] | None = None, **meta: object
) -> None:
    """Write a table as ECSV with units and metadata.

    Parameters
    ----------
    path : path
    table : DataFrame
    units : dict, optional
        Column name to unit, as astropy spells it ("" for none).
    **meta
        Plain values for the header.
    """
    result = Table.from_pandas(table)
    for name, unit in (units or {}).items():
        if unit and name in result.colnames:
            result[name].unit = unit
    result.meta.update(meta)
    with atomic(path) as temporary:
        result.write(temporary, format="ascii.ecsv", overwrite=True)


def read_ecsv(path: str | Path, columns: Iterable[str] = ()) -> pd.DataFrame:
    """Read an ECSV table and check that it has the columns asked for.

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
    frame = pd.DataFrame({c: np.asarray(table[c]) for c in table.colnames})
    frame.attrs.update(table.meta)
    return frame


def write_csv(path: str | Path, table: pd.DataFrame) -> None:
    """Write a results table as CSV, whole or not at all."""
    with atomic(path) as temporary:
        table.to_csv(temporary, index=False, lineterminator="\n")
