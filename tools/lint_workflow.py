"""Snakemake's linter, except one remark: python tools/lint_workflow.py.

It wants functions in one common file; here a paper's functions are in its rule file and shared ones
in common.smk.
"""

import re
import subprocess
import sys
from pathlib import Path

#: Title of the remark that is left out.
LEFT_OUT = "Mixed rules and functions in same snakefile."


def remarks(text: str) -> list[str]:
    """Remarks of the linter, each with the rule or file that it is about, except those left out."""
    about, found = "", []
    for line in text.splitlines():
        if line.startswith("Lints for "):
            about = line.removeprefix("Lints for ").rstrip(":")
        title = re.match(r"\s+\* (.+?):?$", line)
        if title and title[1].rstrip(":") != LEFT_OUT:
            found.append(f"{about}: {title[1]}")
    return found


def main() -> None:
    """Print the remarks; exit with 1 if there are any or the workflow cannot be read."""
    command = [sys.executable, "-m", "snakemake", "--lint"]
    done = subprocess.run(command, cwd=Path(__file__).parents[1], capture_output=True, text=True)
    text = done.stdout + done.stderr
    found = remarks(text)
    if found or ("Lints for " not in text and "good condition" not in text):
        sys.exit("\n".join(found) or text)


if __name__ == "__main__":
    main()
