"""Tables of results as HTML pages that a person reads: rounded, with units, sorted by a click."""

import base64
import html
import math
import re
from collections.abc import Iterable
from pathlib import Path

import pandas as pd
from deblend.files import atomic

#: What a table shows where there is no value.
NONE = "–"

#: For columns of numbers those of the ends of their intervals, and those of their errors, where
#: these have other names than `x_low`, `x_high` and `x_error`.
INTERVALS = {
    "Value": ("Low", "High"),
    "Detected (%)": ("Low", "High"),
    "Exactly equal rate (%)": ("Low, equal", "High, equal"),
    "Single, false peak (%)": ("Low, single", "High, single"),
    **dict.fromkeys(("accuracy", "percent", "fraction"), ("low", "high")),
}
ERRORS = {
    "Mean": "Error",
    **dict.fromkeys(("mean", "accuracy"), "error"),
    "true_positive": "positive_error",
    "true_negative": "negative_error",
}

#: Columns of what is the same for all rows of a run's table, and stands elsewhere.
LEFT_OUT = ("scale", "dataset")

#: Endings of names of columns, and the units that they stand for.
UNITS = {
    "percent": "%",
    "mag": "mag",
    "px": "px",
    "arcsec": "arcsec",
    "db": "dB",
    "dex": "dex",
    "million": "million",
    "hours": "h",
    "seconds": "s",
}

#: Names of columns that are not understood from the name alone.
HEADINGS = {
    "mean_dmag": "mean error (mag)",
    "sigma_mag": "σ (mag)",
    "nmad_mag": "NMAD (mag)",
    "half_68_mag": "half of 68 % (mag)",
    "mape_flux_percent": "flux error (%)",
    "mape_mag_percent": "magnitude error (%)",
    "median": "median error",
    "iou": "IoU",
    "mean_iou": "mean IoU",
    "ssim": "SSIM",
    "psnr_db": "PSNR (dB)",
    "n_parameters": "parameters",
    "noise_sigma": "σ of the noise",
}

STYLE = """
body { font: 13px/1.4 system-ui, sans-serif; margin: 1.5em; color: #222; }
h1 { font-size: 1.3em; } h2 { font-size: 1.1em; }
table { border-collapse: collapse; margin: 1em 0; }
th, td { padding: .25em .7em; text-align: left; vertical-align: top; }
th, td { border-bottom: 1px solid #ddd; }
th { position: sticky; top: 0; background: #eef3f7; cursor: pointer; }
th::after { content: "\\00a0↕"; color: #99a; }
td:first-child, td.good, td.bad, td.open { white-space: nowrap; }
td.number { text-align: right; white-space: nowrap; font-variant-numeric: tabular-nums; }
td.good { color: #00664b; } td.bad { color: #a63c00; } td.open { color: #666; }
"""

#: Sorts a table by the column whose heading is clicked: by its leading number or as text, with
#: Figure 2 before Figure 10; a second click reverses the order. Cells without a value are last.
SORT = """
function key(row, i) {
  const text = row.cells[i].innerText.trim(), number = parseFloat(text.replaceAll(",", ""));
  return text === "–" || text === "" ? null : isNaN(number) ? text.toLowerCase() : number;
}
for (const th of document.querySelectorAll("th")) th.onclick = () => {
  const body = th.closest("table").tBodies[0], up = th.dataset.up !== "yes";
  th.dataset.up = up ? "yes" : "no";
  const rows = Array.from(body.rows).map(row => [key(row, th.cellIndex), row]);
  rows.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null)
    : (typeof a !== typeof b ? (typeof a === "number" ? -1 : 1)
      : typeof a === "number" ? a - b : a.localeCompare(b, "en", {numeric: true})) * (up ? 1 : -1));
  body.append(...rows.map(([, row]) => row));
};
"""

#: Words of verdicts, and the class of their cells. The words alone say what is meant.
VERDICTS = {
    **dict.fromkeys(("holds", "holds as stated", "holds with a wider bound"), "good"),
    **dict.fromkeys(("agrees", "better", "confirmed"), "good"),
    **dict.fromkeys(("does not hold", "worse", "not confirmed"), "bad"),
    **dict.fromkeys(("not tested", "not run", "not comparable"), "open"),
}


def number_text(value: float) -> str:
    """A number with three significant digits, or all digits before the decimal point."""
    if not math.isfinite(value):
        return NONE if math.isnan(value) else f"{value}"
    if value == round(value) or abs(value) >= 999.5:
        return f"{value:,.0f}"
    # The alternate form (#) keeps trailing zeros.
    return f"{value:#.3g}".rstrip(".") if abs(value) >= 1e-4 else f"{value:.2e}"


def with_error(value: float, error: float) -> tuple[str, str]:
    """A number and its error as text: three digits of the number, but one or two of the error."""
    if not (math.isfinite(value) and math.isfinite(error) and error > 0):
        return number_text(value), number_text(error)
    first = -math.floor(math.log10(error))
    three = 2 - math.floor(math.log10(abs(value))) if value else first
    decimals = max(0, min(first + 1, max(three, first)))
    return f"{value:,.{decimals}f}", f"{error:,.{decimals}f}"


def interval_text(value: float, low: float, high: float) -> str:
    """A number with its interval, such as "0.180 [0.168, 0.188]"; without one the number alone."""
    if not all(map(math.isfinite, (value, low, high))):
        return number_text(value)
    if not low < high:
        return f"{number_text(value)} [{number_text(low)}, {number_text(high)}]"
    text, half = with_error(value, (high - low) / 2)
    decimals = len(half.partition(".")[2])
    return f"{text} [{low:,.{decimals}f}, {high:,.{decimals}f}]"


def heading(name: str) -> str:
    """Heading of a column: its name in words, and its unit in brackets."""
    if name in HEADINGS:
        return HEADINGS[name]
    base, _, end = name.rpartition("_")
    if base and end in UNITS:
        return f"{heading(base)} ({UNITS[end]})"
    return re.sub(r"\bn (\w)", r"number of \1", name.replace("_", " "))


def _is_number(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def columns_of(name: str, table: pd.DataFrame) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Columns with the ends of the interval of a number, and with its error, if there are any."""
    intervals = ((f"{name}_low", f"{name}_high"), INTERVALS.get(name, ("", "")))
    errors = (f"{name}_error", ERRORS.get(name, ""))
    return (
        next((pair for pair in intervals if set(pair) <= set(table)), ()),
        next(((error,) for error in errors if error in table), ()),
    )


def readable(table: pd.DataFrame) -> pd.DataFrame:
    """A table of results as text: rounded, with intervals and errors beside their numbers.

    Parameters
    ----------
    table : DataFrame

    Returns
    -------
    DataFrame of str
        With the headings of `heading`, without `LEFT_OUT` and columns that have no value. Numbers
        have three significant digits, or at most two of their error; whole numbers have all.
    """
    found = {name: columns_of(name, table) for name in table}
    used = {column for pair in found.values() for columns in pair for column in columns}
    shown: dict[str, list[str]] = {}
    for name, (ends, error) in found.items():
        values = table[name]
        if name in used or name in LEFT_OUT or values.isna().all():
            continue
        if ends:
            rows = table[[name, *ends]].astype(float).itertuples(index=False)
            text = [interval_text(*row) for row in rows]
        elif error:
            rows = table[[name, *error]].astype(float).itertuples(index=False)
            pairs = [with_error(*row) for row in rows]
            text = [v if e == NONE else f"{v} ± {e}" for v, e in pairs]
        else:
            text = _cells(values)
        shown[heading(name)] = text
    return pd.DataFrame(shown)


def _cells(values: pd.Series) -> list[str]:
    """Cells of a column: numbers rounded, truth in words, text as it is."""
    if _is_number(values):
        return [number_text(float(value)) for value in values]
    words = {True: "yes", False: "no", "True": "yes", "False": "no", "": NONE}
    return [NONE if pd.isna(value) else words.get(value, str(value)) for value in values]


def html_table(table: pd.DataFrame) -> str:
    """A table of text in HTML; cells that begin with a number are aligned to the right."""
    head = "".join(f"<th>{html.escape(str(name))}</th>" for name in table)
    body = "\n".join(
        "<tr>" + "".join(map(_cell, row)) + "</tr>" for row in table.itertuples(index=False)
    )
    return f"<table>\n<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table>\n"


def _cell(text: str) -> str:
    kind = VERDICTS.get(text) or ("number" if re.match(r"-?\d[\d,.e+-]*( [\[±]|$)", text) else "")
    return (
        f'<td class="{kind}">{html.escape(text)}</td>' if kind else f"<td>{html.escape(text)}</td>"
    )


def page(title: str, parts: Iterable[str], source: str = "", name: str = "") -> str:
    """A page that needs no other file.

    Parameters
    ----------
    title : str
    parts : iterable of str
        Tables and paragraphs in HTML.
    source : str, optional
        Text of the file that the page shows, which readers can save.
    name : str, optional
        Name of that file.
    """
    link = ""
    if source:
        data = base64.b64encode(source.encode()).decode()
        link = (
            f'<p>All digits: <a download="{html.escape(name)}" '
            f'href="data:text/csv;base64,{data}">{html.escape(name)}</a>. '
            "A click on a heading sorts the table.</p>"
        )
    return (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f"<h1>{html.escape(title)}</h1>\n{link}\n{''.join(parts)}<script>{SORT}</script>\n"
        "</body>\n</html>\n"
    )


def table_page(table: pd.DataFrame, name: str) -> str:
    """A table of results in HTML; of `excluded.csv`, which has a galaxy a row, the counts."""
    if name == "excluded.csv":
        table = excluded_counts(table)
    return html_table(readable(table))


def excluded_counts(excluded: pd.DataFrame) -> pd.DataFrame:
    """Number of galaxies that were left out, by reason.

    Parameters
    ----------
    excluded : DataFrame
        A galaxy a row, with its `reason`.

    Returns
    -------
    DataFrame
        `reason`, `n`, and a last row with the total.
    """
    counts = excluded["reason"].value_counts(sort=False)
    return pd.DataFrame({"reason": [*counts.index, "total"], "n": [*counts, counts.sum()]})


def write_page(
    path: str | Path, title: str, parts: Iterable[str], source: str | Path | None = None
) -> None:
    """Write a page.

    Parameters
    ----------
    path : path
    title, parts
        See `page`.
    source : path, optional
        The file that the page shows, which readers can save.
    """
    shown = (Path(source).read_text(), Path(source).name) if source else ("", "")
    write_text(path, page(title, parts, *shown))


def write_text(path: str | Path, text: str) -> None:
    """Write a file of text, completely or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(text)
