"""How memory and dry runs grow with the samples: python benchmarks/growth.py benchmarks/results.md.

Each stage runs at two sizes, each time in a process of its own, which reports by how much its peak
memory is above that before the work: libraries do not count, nor do pages of mapped files, which
the system takes back when memory is short. The exponent is that of a power law through both: 0 if
memory does not grow, 1 if it grows in proportion. Files are made beforehand, in another process.
With `--memory-only` the dry runs of the file stay, which ask for an idle machine.
"""

import contextlib
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT / "src"), str(ROOT)]

from benchmarks.stages import STAGES  # noqa: E402

#: What grows with a larger exponent, and takes more than so many MiB, is stated.
GROWS, STATED_MIB = 0.3, 32
#: A run at paper scale of simulated samples, ten times as large as the paper's.
TEN_TIMES = {
    "boucaud2020": {"dataset": "simulated"},
    "datasets": {"simulated": {"n_galaxies": 26180}},
    "networks": {
        name: {"dataset": "simulated"}
        for name in ("blend2flux", "unet", "blend2mask2flux", "joint_text")
    },
    "farrens2022": {
        "samples": {
            "parametric": {"n_stamps": {"train": 360000, "validation": 360000, "test": 80000}},
            "realistic": {"n_stamps": {"train": 0, "validation": 0, "test": 800000}},
        }
    },
    "reiman2019": {
        "image_sets": {"galaxyzoo": {"source": "simulated", "archives": None, "n_images": 1415530}}
    },
    "hemmati2022": {
        "cutouts_set": "simulated_bands",
        "cutouts": {"simulated_bands": {"n_galaxies": 200000}},
    },
}


def _memory(*names: str) -> float:
    """VmRSS, VmHWM and the like of this process together, MiB."""
    status = dict(re.findall(r"(\w+):\s+(\d+) kB", Path("/proc/self/status").read_text()))
    return sum(int(status[name]) for name in names) / 1024


@contextlib.contextmanager
def _watched() -> Iterator[list[tuple[float, float]]]:
    """Measure memory, MiB, while something else runs.

    Yields
    ------
    list of (float, float)
        Pages of files, and all others: it grows.
    """
    found, stopping = [(0.0, 0.0)], threading.Event()

    def look() -> None:
        while not stopping.wait(0.02):
            found.append((_memory("RssFile", "RssShmem"), _memory("RssAnon")))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        stopping.set()
        thread.join()


def measured(stage: str, n: int, folder: Path) -> float:
    """Peak memory of the work of a stage above that before it, MiB; for a process of its own."""
    entry, smallest = STAGES[stage], folder / "smallest"
    smallest.mkdir()
    # Imports, and what libraries set up when they are first used.
    if entry.prepare:
        entry.prepare(entry.first, smallest)
    entry.work(entry.first, smallest)
    Path("/proc/self/clear_refs").write_text("5")  # the peak begins here
    before, files, own = _memory("VmRSS"), _memory("RssFile", "RssShmem"), _memory("RssAnon")
    with _watched() as watched:
        entry.work(n, folder)
    mapped, others = (max(values) for values in zip(*watched, strict=True))
    # Both may be too low: peaks of both kinds are at other times, or between two looks.
    return max(_memory("VmHWM") - before - max(mapped - files, 0), others - own)


def _child(*arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, __file__, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "KERAS_BACKEND": "tensorflow"},
    )
    if done.returncode:
        raise SystemExit(done.stderr)
    return done.stdout.split()[-1] if done.stdout else ""


def exponent(sizes: tuple[int, int], peaks: tuple[float, float], least: float = 8.0) -> float:
    """That of a power law through two peaks (MiB); what is below `least` is that of the machine."""
    small, large = (max(peak, least) for peak in peaks)
    return float(np.log(large / small) / np.log(sizes[1] / sizes[0]))


def row_of(stage: str, peaks: tuple[float, float]) -> dict[str, Any]:
    """A row of the table, and what a million of the paper's size take, from two peaks (MiB)."""
    entry = STAGES[stage]
    slope = (peaks[1] - peaks[0]) / (entry.sizes[1] - entry.sizes[0])
    return {
        "stage": entry.title,
        "of": entry.of,
        "smaller": entry.sizes[0],
        "MiB": round(peaks[0]),
        "larger": entry.sizes[1],
        "MiB ": round(peaks[1]),
        "ratio": round(peaks[1] / max(peaks[0], 1), 2),
        "exponent": round(exponent(entry.sizes, peaks), 2) + 0.0,
        "per_million_gb": slope * entry.scale * 2**20 * 1e6 / 1e9,
    }


def peak(stage: str, n: int) -> float:
    """Peak memory of a stage at a size, MiB."""
    with tempfile.TemporaryDirectory() as folder:
        if STAGES[stage].prepare:
            _child("prepare", stage, str(n), folder)
        return float(_child("measure", stage, str(n), folder))


def growth() -> pd.DataFrame:
    """Measure all stages."""
    rows = []
    for stage, entry in STAGES.items():
        small, large = (peak(stage, n) for n in entry.sizes)
        rows.append(row_of(stage, (small, large)))
        print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def what_grows(rows: pd.DataFrame) -> str:
    """A line for each stage whose memory grows, with what a million samples would take."""
    grows = rows[(rows["exponent"] > GROWS) & (rows["MiB "] > STATED_MIB)]
    lines = [
        f"- {row['stage']}: {row['per_million_gb']:.3g} GB for a million {row['of']}"
        for _, row in grows.iterrows()
    ]
    return "\n".join(lines or ["- nothing"])


def _cpu_seconds(command: list[str], folder: Path) -> tuple[float, str]:
    """Seconds of processors that a command takes, and what it writes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder)
    if done.returncode:
        raise SystemExit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return seconds, done.stdout + done.stderr


def dry_runs() -> pd.DataFrame:
    """How long Snakemake takes to read the rules and to find all jobs."""
    snakemake = [sys.executable, "-m", "snakemake"]
    dry = [*snakemake, "-n", "-q", "all", "--snakefile", str(ROOT / "Snakefile")]
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "ten.yaml").write_text(json.dumps(TEN_TIMES))
        for what, command in {
            "baseline: Snakemake's own start": [*snakemake, "--version"],
            "dry run at paper scale": dry,
            "with ten times the samples, simulated": [*dry, "--configfile", "ten.yaml"],
        }.items():
            seconds, text = _cpu_seconds(command, folder)
            jobs = re.findall(r"^total +(\d+)$", text, re.MULTILINE)
            row = {"what": what, "jobs": jobs[-1] if jobs else "", "CPU s": round(seconds, 1)}
            first = rows[0]["CPU s"] if rows else row["CPU s"]
            row["without the start"] = round(row["CPU s"] - first, 1)
            rows.append({**row, "ratio": round(seconds / first, 1)})
            print(rows[-1], file=sys.stderr, flush=True)
    return pd.DataFrame(rows)


def table(rows: pd.DataFrame) -> str:
    """A table in Markdown."""
    lines = [list(map(str, rows)), ["---"] * rows.shape[1], *rows.astype(str).to_numpy().tolist()]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


PAGE = """# How memory grows

`python benchmarks/growth.py benchmarks/results.md` runs each stage at two sizes in processes of
their own, with images on disk, small images and small networks. Peak memory is that above the
memory before the work, after a run at a small size: libraries do not count, nor do pages of mapped
files. The ratio is that of the larger size to the smaller one, the baseline. The exponent is that
of a power law through both: 0 if memory does not grow, 1 if it grows in proportion; peaks below
8 MiB count as 8. The last column follows from the difference of both peaks, with images of the size
that they have in the configuration at paper scale: tables, and what the allocator keeps. SEP gets
blends in chunks of 2,000 at most, the larger size here.

{table}

What grows with the samples (an exponent above {grows} and a peak above {stated} MiB):

{lines}

Not measured, since what is in memory does not depend on the number of samples:

- simulation and cleaning of galaxies, ingestion of cut-outs and JPEGs: a job has a chunk of fixed
  size;
- forced fit (Boucaud): a process has a chunk of fixed size, and the galaxies as for SEP;
- labels of trained heads (Farrens): 1,000 stamps at a time, which are read as for SEP, and their
  features, which are not kept;
- Gaussian process regression of magnitudes (Hemmati): 1,000 points at most, drawn from all;
- figures and tables of results: they read tables, of some hundred bytes for each blend and method.

Not measured either, since they grow in proportion to what a source or a calibration has, not to the
blends of a run (`docs/reliability.md`, "Memory"): ingestion of stamps of one's own, and calibration
of blend2posterior.

"""

DRY = """# How a dry run grows

Seconds of one processor for reading the rules, finding all jobs and listing them. Each begins with
Snakemake's own start, the baseline, which needs no workflow; ratios are those to it.

{dry}
"""


def page(rows: pd.DataFrame, dry: str) -> str:
    """The whole page, from the rows of all stages and what it says of dry runs."""
    million = rows["per_million_gb"].clip(lower=0).map("{:.2g}".format)
    shown = table(rows.drop(columns="per_million_gb").assign(**{"GB for a million": million}))
    lines = what_grows(rows)
    return PAGE.format(table=shown, lines=lines, grows=GROWS, stated=STATED_MIB) + dry


def main(arguments: list[str]) -> None:
    """Measure all stages, or, in a child process, prepare or measure one."""
    if not Path("/proc/self/clear_refs").exists():
        raise SystemExit("growth.py reads memory as Linux tells it: run it there")
    if len(arguments) < 3:
        *options, path = arguments
        if options == ["--memory-only"]:
            dry = DRY[: DRY.index("\n")] + Path(path).read_text().split(DRY[: DRY.index("\n")])[1]
        elif not options:
            dry = DRY.format(dry=table(dry_runs()))
        else:
            raise SystemExit(f"{options[0]} is no option: there is --memory-only")
        Path(path).write_text(page(growth(), dry))
        return
    what, stage, n, folder = arguments
    if STAGES[stage].keras:
        from deblend.training import keras_backend

        keras_backend.configure("tensorflow", 1, 1)
    if what == "measure":
        print(measured(stage, int(n), Path(folder)))
    elif prepare := STAGES[stage].prepare:
        prepare(int(n), Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
