"""Fill in the numbers that a page quotes from the files in `evidence/`.

    python tools/quote_evidence.py README.md

A page has the text with placeholders in a comment, and below it the text that readers see:

    <!-- evidence boucaud2020/small
    | blend2flux, central | {fig5_stats.csv; network=blend2flux; galaxy=central; sigma; .3f} |
    -->
    | blend2flux, central | 0.112 |
    <!-- /evidence -->

A placeholder names a table, conditions on its columns that select one row, a column and how to
format its value (as in Python; without a format the text is copied). For a JSON file: the names of
the keys, from the outermost one on. A test checks that the text is what this program writes.
"""

import csv
import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
#: A quotation: what is in the comment, the text that is seen, and the end.
BLOCK = re.compile(
    r"(?P<head><!-- evidence (?P<run>\S+)\n(?P<template>.*?)-->\n).*?(?P<end><!-- /evidence -->)",
    re.DOTALL,
)


class QuoteError(Exception):
    """A placeholder that no single value of the evidence belongs to."""


def same(value: str, wanted: str) -> bool:
    """Whether two texts, or the numbers that they are, are equal."""
    try:
        return float(value) == float(wanted)
    except ValueError:
        return value == wanted


def table_value(path: Path, conditions: list[str], column: str) -> str:
    """Value of a column in the only row of a CSV file that meets conditions such as `a=b`."""
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [condition.split("=", 1) for condition in conditions]
    names = rows[0].keys() if rows else []
    for name in (*(key for key, _ in pairs), column):
        if name not in names:
            raise QuoteError(f"{path} has no column {name!r}; it has {', '.join(names)}")
    found = [row for row in rows if all(same(row[key], value) for key, value in pairs)]
    if len(found) != 1:
        raise QuoteError(f"{len(found)} rows of {path} have {'; '.join(conditions)}: select one")
    return found[0][column]


def value(folder: Path, placeholder: str) -> str:
    """Text for a placeholder.

    Parameters
    ----------
    folder : path
        Of the run.
    placeholder : str
        Without the braces.

    Raises
    ------
    QuoteError
        There is no such value, or it is not a number but has a format.
    """
    name, *parts = (part.strip() for part in placeholder.split(";"))
    path = folder / name
    if not path.is_file():
        raise QuoteError(f"there is no {path}")
    if path.suffix == ".json":
        found = json.loads(path.read_text())
        spec = parts.pop() if parts and re.fullmatch(r"[.,+]?\d*[.]?\d*[dfge%]", parts[-1]) else ""
        for key in parts:
            if not isinstance(found, dict) or key not in found:
                raise QuoteError(f"{path} has no {'; '.join(parts)}")
            found = found[key]
        text = str(found)
    else:
        conditions = [part for part in parts if "=" in part]
        column, spec = ([part for part in parts if "=" not in part] + ["", ""])[:2]
        text = table_value(path, conditions, column)
    if not spec:
        return text
    try:
        return format(float(text), spec)
    except ValueError as error:
        raise QuoteError(f"{{{placeholder}}} is {text!r}: {error}") from error


def quoted(text: str, evidence: Path = ROOT / "evidence") -> str:
    """A page with the values that its placeholders stand for.

    Parameters
    ----------
    text : str
        Content of the page.
    evidence : path
        Folder of the evidence, which the names of runs are relative to.

    Raises
    ------
    QuoteError
        See `value`.
    """

    def fill(block: re.Match[str]) -> str:
        folder = evidence / block["run"]
        lines = re.sub(r"\{(.*?)\}", lambda match: value(folder, match[1]), block["template"])
        return f"{block['head']}{lines}{block['end']}"

    if len(re.findall("<!-- evidence ", text)) != len(BLOCK.findall(text)):
        raise QuoteError("a block of evidence has no end: <!-- /evidence -->")
    return BLOCK.sub(fill, text)


def main(pages: list[str]) -> None:
    """Fill in the values of pages."""
    for page in map(Path, pages):
        before = page.read_text()
        try:
            after = quoted(before)
        except QuoteError as error:
            sys.exit(f"{page}: {error}")
        if after != before:
            page.write_text(after)
            print(f"{page}: numbers are now those of the evidence")


if __name__ == "__main__":
    main(sys.argv[1:])
