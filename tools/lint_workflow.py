"""Snakemake's linter, but for one of its opinions: python tools/lint_workflow.py.

It wants functions in one common file. Here a paper's functions stand with its rules, and what no
paper owns in common.smk.
"""

import re
import subprocess
import sys
from pathlib import Path

#: Title of the remark that is left out.
LEFT_OUT = "Mixed rules and functions in same snakefile."


def remarks(text: str) -> list[str]:
    """Remarks of the linter, each with what it is about, but for those left out."""
    about, found = "", []
    for line in text.splitlines():
        if line.startswith("Lints for "):
            about = line.removeprefix("Lints for ").rstrip(":")
        title = re.match(r"\s+\* (.+?):?$", line)
        if title and title[1].rstrip(":") != LEFT_OUT:
            found.append(f"{about}: {title[1]}")
    return found


def main() -> None:
    """Print the remarks; exit with 1 where there are some, or where the workflow cannot be read."""
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    text = done.stdout + done.stderr
    found = remarks(text)
    if found or ("Lints for " not in text and "good condition" not in text):
        sys.exit("\n".join(found) or text)


if __name__ == "__main__":
    main()
