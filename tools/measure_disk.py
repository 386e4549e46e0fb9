"""Measure the files of finished runs, for `make plan`: writes evidence/disk.csv.

    python tools/measure_disk.py results/toy results/small ...

A row for each kind of files and each amount (see `deblend.run.disk`), with the scale and the commit
of the run.
"""

import csv
import io
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
from deblend.files import read_json  # noqa: E402
from deblend.run.disk import measure  # noqa: E402

COLUMNS = ("scale", "commit", "kind", "amount", "megabytes")


def table(folders: list[Path]) -> str:
    """The table as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for folder in folders:
        run = read_json(folder / "provenance.json")
        for size in measure(folder, run["config"]):
            row = (size.kind, f"{size.amount:.0f}", f"{size.megabytes:.4g}")
            writer.writerow((run["config"]["scale"], run["git"]["commit"], *row))
    return text.getvalue()


if __name__ == "__main__":
    if not sys.argv[1:]:
        sys.exit("name folders of results of finished runs")
    (ROOT / "evidence/disk.csv").write_text(table([Path(name) for name in sys.argv[1:]]))
