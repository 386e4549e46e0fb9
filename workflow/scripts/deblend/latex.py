"""Tables in LaTeX."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from .files import atomic

#: Characters that mean something to LaTeX.
TEX = {c: "\\" + c for c in "&%$#_{}"} | {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
}


def write_tex(path: str | Path, table: pd.DataFrame) -> None:
    r"""Write a table as a LaTeX tabular with the rules of booktabs, whole or not at all.

    Parameters
    ----------
    path : path
    table : DataFrame
        Column names are the header, special characters in it and in texts are escaped, numbers
        stand to the right; floats have four significant digits, missing values are "--".
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
        # The alternative form keeps trailing zeros: 8.200 and not 8.2 beside 8.117.
        digits = f"{value:#.4g}" if 1e-4 <= abs(value) < 1e5 or value == 0 else f"{value:.3e}"
        if "e" in digits:
            mantissa, exponent = digits.split("e")
            return rf"${mantissa} \times 10^{{{int(exponent)}}}$"
        digits = digits.rstrip(".")
        return f"${digits}$" if value < 0 else digits  # a minus, not a hyphen
    return "".join(TEX.get(character, character) for character in str(value))
