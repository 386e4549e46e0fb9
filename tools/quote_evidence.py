"""Fill in the numbers that pages quote from the files in `evidence/`, and list them.

    python tools/quote_evidence.py          # README.md and docs/*.md, or the pages that are named

A page has the text with placeholders in a comment, and below it the text that readers see:

    <!-- evidence boucaud2020/small
    | blend2flux, central | {fig5_stats.csv; network=blend2flux; galaxy=central; sigma; .3f} |
    -->
    | blend2flux, central | 0.112 |
    <!-- /evidence -->

A placeholder names a table, conditions on its columns that select one row, a column and how to
format its value (as in Python; without a format the text is copied). For a JSON or YAML file: the
names of the keys, from the outermost one on; conditions select the entry of a list. The file is in
the folder of the block's run, a folder of `evidence/` (`.`: that one itself). Files below `config/`
are the project's, as `config/published.yaml`.

`{* table.csv; set=simulated}` at the beginning of a line repeats it for each such row of the table;
`{*nmad_mag; .3f}` is then a column of the row. A block `evidence? RUN` is empty as long as there is
no such run.

`evidence/index.csv` has each number of the pages: its text and value, the file and where in it, the
commit and the command that made it, and the pages. A test checks that pages and index are what this
program writes, and that pages have no other numbers (see tools/check_numbers.py).
"""

import csv
import functools
import io
import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).parents[1]
#: A quotation: what is in the comment, the text that is seen, and the end.
BLOCK = re.compile(
    r"(?P<head><!-- evidence(?P<optional>\??) (?P<run>\S+)[^\n]*\n(?P<template>.*?)-->\n).*?"
    r"(?P<end><!-- /evidence -->)",
    re.DOTALL,
)
PLACEHOLDER = re.compile(r"\{(.*?)\}")
#: A line that is repeated: the rows, and the text for each.
REPEATED = re.compile(r"^\{\* (.+?)\} ?(.*\n)", re.MULTILINE)
SPEC = re.compile(r"[.,+]*\d*[.]?\d*[dfge%]")
COLUMNS = ("number", "value", "file", "where", "commit", "command", "pages")


class QuoteError(Exception):
    """A placeholder that no single value of the evidence belongs to."""


class Numbers:
    """The numbers that pages quote.

    Parameters
    ----------
    evidence : path
        Folder of the evidence.
    """

    def __init__(self, evidence: Path) -> None:
        self.root = evidence.resolve().parent
        self.rows: dict[tuple[str, str, str], dict[str, str]] = {}
        self.page = ""

    def add(self, text: str, value: str, path: Path, where: str) -> None:
        """Note a number on the present page."""
        path = path.resolve()
        file = str(path.relative_to(self.root)) if path.is_relative_to(self.root) else path.name
        record = run_of(path, self.root)
        row = self.rows.setdefault(
            (file, where, text),
            {
                "number": text,
                "value": value,
                "file": file,
                "where": where,
                "commit": record.get("commit", ""),
                "command": record.get("command", ""),
                "pages": self.page,
            },
        )
        if self.page not in row["pages"].split():
            row["pages"] += f" {self.page}"

    def table(self) -> str:
        """Text of the index."""
        buffer = io.StringIO()
        writer = csv.DictWriter(buffer, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(self.rows[key] for key in sorted(self.rows))
        return buffer.getvalue()


def run_of(path: Path, root: Path) -> dict[str, Any]:
    """Record of the run that a file is evidence of; empty for other files."""
    for folder in path.parents:
        if (folder / "run.json").is_file():
            return dict(json.loads((folder / "run.json").read_text()))
        if folder == root:
            break
    return {}


def same(value: str, wanted: str) -> bool:
    """Whether two texts, or the numbers that they are, are equal."""
    try:
        return float(value) == float(wanted)
    except ValueError:
        return value == wanted


def table_rows(path: Path, conditions: list[str], columns: list[str]) -> list[dict[str, str]]:
    """Rows of a CSV file that meet conditions such as `a=b`.

    Raises
    ------
    QuoteError
        The table lacks one of the columns.
    """
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    pairs = [condition.split("=", 1) for condition in conditions]
    names = rows[0].keys() if rows else []
    for name in (*(key for key, _ in pairs), *columns):
        if name not in names:
            raise QuoteError(f"{path} has no column {name!r}; it has {', '.join(names)}")
    return [row for row in rows if all(same(row[key], value) for key, value in pairs)]


def table_value(path: Path, conditions: list[str], column: str) -> str:
    """Value of a column in the only row of a CSV file that meets conditions such as `a=b`."""
    found = table_rows(path, conditions, [column])
    if len(found) != 1:
        raise QuoteError(f"{len(found)} rows of {path} have {'; '.join(conditions)}: select one")
    return found[0][column]


@functools.cache
def parsed(text: str) -> Any:
    """Content of a JSON or YAML file, which many placeholders name."""
    return yaml.safe_load(text)


def nested_value(path: Path, steps: list[str]) -> str:
    """Value in a JSON or YAML file below these keys; `a=b` selects entries of a list."""
    found = parsed(path.read_text())
    for step in steps:
        if isinstance(found, list) and "=" in step:
            key, wanted = step.split("=", 1)
            found = [one for one in found if same(str(one.get(key)), wanted)]
            continue
        if isinstance(found, list) and len(found) == 1:
            found = found[0]
        if isinstance(found, list) and step.isdigit() and int(step) < len(found):
            found = found[int(step)]
            continue
        keys = {str(key): key for key in found} if isinstance(found, dict) else {}
        if step not in keys:
            raise QuoteError(f"{path} has no {'; '.join(steps)}")
        found = found[keys[step]]
    return str(found)


def formatted(text: str, spec: str, placeholder: str) -> str:
    """A value as it is written on a page."""
    if not spec:
        return text
    try:
        return format(float(text), spec)
    except ValueError as error:
        raise QuoteError(f"{{{placeholder}}} is {text!r}: {error}") from error


def value(folder: Path, placeholder: str, numbers: Numbers | None = None) -> str:
    """Text for a placeholder.

    Parameters
    ----------
    folder : path
        Of the run.
    placeholder : str
        Without the braces.
    numbers : Numbers, optional
        To which the number is added.

    Raises
    ------
    QuoteError
        There is no such value, or it is not a number but has a format.
    """
    name, *parts = (part.strip() for part in placeholder.split(";"))
    path = (ROOT if name.startswith("config/") else folder) / name
    if not path.is_file():
        raise QuoteError(f"there is no {path}")
    if path.suffix in (".json", ".yaml"):
        spec = parts.pop() if parts and SPEC.fullmatch(parts[-1]) else ""
        text, where = nested_value(path, parts), parts
    else:
        conditions = [part for part in parts if "=" in part]
        column, spec = ([part for part in parts if "=" not in part] + ["", ""])[:2]
        text, where = table_value(path, conditions, column), [*conditions, column]
    written = formatted(text, spec, placeholder)
    if numbers is not None:
        numbers.add(written, text, path, "; ".join(where))
    return written


def row_key(row: dict[str, str], rows: list[dict[str, str]], columns: list[str]) -> str:
    """Conditions on the first of the columns, as many as tell a row from the others."""
    for n in range(1, len(columns) + 1):
        names = columns[:n]
        if sum(all(other[name] == row[name] for name in names) for other in rows) == 1:
            break
    return "; ".join(f"{name}={row[name]}" for name in names)


def repeated(folder: Path, rows: str, line: str, numbers: Numbers | None) -> str:
    """A line for each of the rows of a table that meet conditions."""
    name, *conditions = (part.strip() for part in rows.split(";"))
    path = folder / name
    if not path.is_file():
        raise QuoteError(f"there is no {path}")
    wanted = [part.lstrip("*").split(";") for part in PLACEHOLDER.findall(line) if part[0] == "*"]
    columns = [column.strip() for column, *_ in wanted]
    lines = []
    texts = [column.strip() for column, *spec in wanted if not spec]
    found = table_rows(path, conditions, columns)
    for row in found:
        key = row_key(row, found, texts or columns)

        def cell(match: re.Match[str], row: dict[str, str] = row, key: str = key) -> str:
            column, spec = [part.strip() for part in (match[1] + ";").split(";")][:2]
            text = row[column] and formatted(row[column], spec, f"*{match[1]}")
            if numbers is not None and spec and text:
                numbers.add(text, row[column], path, "; ".join([*conditions, key, column]))
            return text

        # A method that was left out has no numbers.
        if any(row[column] for column, *spec in wanted if spec):
            lines.append(re.sub(r"\{\*(.*?)\}", cell, line))
    return "".join(lines)


def quoted(text: str, evidence: Path = ROOT / "evidence", numbers: Numbers | None = None) -> str:
    """A page with the values that its placeholders stand for.

    Parameters
    ----------
    text : str
        Content of the page.
    evidence : path
        Folder of the evidence, which the names of runs are relative to.
    numbers : Numbers, optional
        To which the page's numbers are added.

    Raises
    ------
    QuoteError
        See `value`.
    """

    def fill(block: re.Match[str]) -> str:
        folder = evidence / block["run"]
        if block["optional"] and not folder.is_dir():
            return f"{block['head']}{block['end']}"
        lines = REPEATED.sub(
            lambda match: repeated(folder, match[1], match[2], numbers), block["template"]
        )
        lines = PLACEHOLDER.sub(lambda match: value(folder, match[1], numbers), lines)
        return f"{block['head']}{lines}{block['end']}"

    if len(re.findall("<!-- evidence[?]? ", text)) != len(BLOCK.findall(text)):
        raise QuoteError("a block of evidence has no end: <!-- /evidence -->")
    return BLOCK.sub(fill, text)


def pages(root: Path = ROOT) -> list[Path]:
    """All pages that may quote numbers."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def index(root: Path = ROOT) -> str:
    """Text of `evidence/index.csv`: the numbers on all pages."""
    numbers = Numbers(root / "evidence")
    for page in pages(root):
        numbers.page = str(page.relative_to(root))
        quoted(page.read_text(), root / "evidence", numbers)
    return numbers.table()


def rewrite(path: Path, text: Callable[[], str], what: str) -> None:
    """Write a file if its text is another one; stop with one line if there is an error."""
    try:
        after = text()
    except QuoteError as error:
        sys.exit(f"{path}: {error}")
    if not path.is_file() or path.read_text() != after:
        path.write_text(after)
        print(f"{path}: {what}")


def main(names: list[str]) -> None:
    """Fill in the values of pages; without names, of all pages, and write the index."""
    for page in map(Path, names) if names else pages():
        rewrite(page, lambda page=page: quoted(page.read_text()), "numbers are now the evidence's")
    if not names:
        rewrite(ROOT / "evidence/index.csv", index, "the numbers of all pages")


if __name__ == "__main__":
    main(sys.argv[1:])
