"""Write the overview of the evidence, evidence/README.md, from the runs' records and notes.yaml.

python tools/list_evidence.py
"""

import json
import sys
from pathlib import Path

import yaml

EVIDENCE = Path(__file__).parents[1] / "evidence"
HEAD = """\
# Evidence

<!-- Written by tools/list_evidence.py from run.json of each folder and notes.yaml. -->

Tables and small pictures of finished runs. Pages quote their numbers from here; `index.csv` has
each with its file, its commit and its command, `disk.csv` the sizes of results, `weights/`
[trained networks](weights/README.md). Where trainings or other parts rest on an earlier commit, the
command says so, in brackets. The page of a folder has its hardware and pictures.

| folder | what | commit | made by | to be known |
|---|---|---|---|---|
"""


def overview(evidence: Path = EVIDENCE) -> str:
    """Text of the page.

    Parameters
    ----------
    evidence : path, optional
        The folder of the evidence, with `notes.yaml`: for each run, `what` it is, a `note`, and the
        `page` that shows it where it has none of its own.

    Raises
    ------
    KeyError
        A run has no entry in `notes.yaml`.
    """
    notes = yaml.safe_load((evidence / "notes.yaml").read_text())
    lines = []
    for path in sorted(evidence.rglob("run.json")):
        run = str(path.parent.relative_to(evidence))
        record = json.loads(path.read_text())
        if run not in notes:
            raise KeyError(f"evidence/notes.yaml says nothing about {run}: add what it is")
        page = path.parent / "README.md"
        name = f"[{run}]({run}/README.md)" if page.is_file() else f"[{run}]({notes[run]['page']})"
        command = record["command"]
        if "`" not in command and not command.startswith("the "):
            # What follows the command in brackets is text.
            line, bracket, rest = command.partition(" (")
            command = f"`{line}`{bracket}{rest}"
        cells = [name, notes[run]["what"], f"`{record['commit'][:8]}`", command]
        cells.append(notes[run].get("note", "").strip())
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |\n")
    return HEAD + "".join(lines)


def main() -> None:
    """Write the page."""
    try:
        text = overview()
    except KeyError as error:
        sys.exit(error.args[0])
    (EVIDENCE / "README.md").write_text(text)


if __name__ == "__main__":
    main()
