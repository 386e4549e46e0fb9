"""Numbers on a page that do not come from evidence: python tools/check_numbers.py PAGE...

A number on a page is filled in from a file of `evidence/` (see tools/quote_evidence.py), or is a
fact about the project or the papers between marks that name the files in which it is:

    <!-- facts config/small.yaml -->Stamps have 64 px.<!-- /facts -->

Such a number has to be in one of the files, as it is or in other units (%, MB, GB, thousands).
A block of evidence may name such files after its run, `<!-- evidence RUN config/published.yaml`.
References to figures, tables and sections, years of papers, names (F814W, VGG-16), code and
addresses are no numbers here.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(
    r"<!-- evidence[?]? \S+(?P<files>[^\n]*)\n(?P<template>.*?)-->\n.*?<!-- /evidence -->",
    re.DOTALL,
)
FACTS = re.compile(r"<!-- facts (?P<files>[^>]+?) -->(?P<text>.*?)<!-- /facts -->", re.DOTALL)
NUMBER = re.compile(r"(?<![\w./+-])[-+]?\d+(?:,\d{3})*(?:\.\d+)?(?!\.?\w|-[A-Za-z])")
IN_FILE = re.compile(r"(?<![\w.])-?\d[\d_]*(?:,\d{3})*(?:\.\d+)?(?:e[-+]?\d+)?")
#: A number of a file may be written on a page times one of these.
UNITS = (1, 100, 0.01, 1000, 1e-3, 1e-6, 1e-9, -1)
LIST = r"\d+(?:\.\d+)*(?:(?:,| and| to|, and| or|–|-) ?\d+(?:\.\d+)*)*"
#: What has digits and is no number, in this order.
NO_NUMBERS = (
    r"```.*?```",
    r"<!--.*?-->",
    r"`[^`\n]*`",
    r"\]\([^)]*\)",
    r"https?://\S+",
    r"\b10\.\d{4,}/\S+",
    rf"\b(?:Figures?|Figs?\.?|Tables?|Sections?|Sects?\.?|[Ee]qs?\.) {LIST}",
    r"\b(?:et al\.|[A-Z]\w+ ?& [A-Z]\w+),? \d{4}\b",
    r"(?m)^\s*\d+\. ",
    rf"\bPython {LIST}",
    r"\b(?:version|glibc|macOS|PSF|Keras|VGG|Zoo|Release|DR) \d+(?:\.\d+)*\b",
)


def numbers(text: str) -> list[str]:
    """Numbers in a text, without what only has digits."""
    for pattern in NO_NUMBERS:
        text = re.sub(pattern, " ", text, flags=re.DOTALL)
    return NUMBER.findall(text)


def known(files: list[Path]) -> list[float]:
    """Numbers in files."""
    found = []
    for path in files:
        found += [float(re.sub("[,_]", "", n)) for n in IN_FILE.findall(path.read_text())]
    return found


def found(root: Path, name: str) -> list[Path]:
    """Files of a name, in which `*` stands for anything."""
    paths = sorted(root.glob(name))
    if not paths:
        raise FileNotFoundError(f"there is no {root / name}")
    return paths


def is_in(number: str, values: list[float]) -> bool:
    """Whether a number is one of the values in some unit, to the digits that are written."""
    wanted = float(re.sub("[,_]", "", number))
    half_digit = 0.5 * 10.0 ** -len(number.partition(".")[2]) * (1 + 1e-9)
    # Only where units differ may digits be left out.
    return any(
        abs(unit * value - wanted) <= (half_digit if unit < 0.01 else 1e-9 * abs(wanted))
        for value in values
        for unit in UNITS
        if value or not wanted
    )


def loose(text: str, root: Path = ROOT) -> list[str]:
    """Numbers of a page that neither evidence nor a file has.

    Parameters
    ----------
    text : str
        Content of the page.
    root : path
        Folder that the names of files are relative to.

    Raises
    ------
    FileNotFoundError
        A file of facts is not there.
    """
    wrong: list[str] = []

    def check(files: str, passage: str) -> str:
        values = known([path for name in files.split() for path in found(root, name)])
        wrong.extend(number for number in numbers(passage) if not is_in(number, values))
        return " "

    text = BLOCK.sub(
        lambda match: check(match["files"], re.sub(r"\{.*?\}", " ", match["template"])), text
    )
    text = FACTS.sub(lambda match: check(match["files"], match["text"]), text)
    return wrong + numbers(text)


def main(pages: list[str]) -> None:
    """Print the numbers, and stop with 1 if there are any."""
    found = {page: loose(Path(page).read_text()) for page in pages}
    lines = [f"{page}: {', '.join(wrong)}" for page, wrong in found.items() if wrong]
    if lines:
        sys.exit("numbers that no file has:\n" + "\n".join(lines))


if __name__ == "__main__":
    main(sys.argv[1:])
