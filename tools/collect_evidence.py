"""Copy small tables and pictures of a finished run into `evidence/`, with a record of the run.

    python tools/collect_evidence.py boucaud2020 results/small
    python tools/collect_evidence.py boucaud2020 results/hst --command "snakemake ..."
    python tools/collect_evidence.py benchmark results/benchmark --name small --command "..."

`evidence/PAPER/NAME` then has:

- CSV files of at most 100 kB: the paper's tables, claims, numbers of figures and learning curves,
- the paper's figures as PNG files of at most 900 pixels and 80 kB,
- `jobs.csv`: hours and memory of each job that has a benchmark,
- `configuration.yaml`: the effective configuration, which repeats the run as a `--configfile`,
- `run.json` and `README.md`: commit, date, hours, hardware, versions, command.

Documents quote these files: see tools/quote_evidence.py.
"""

import argparse
import csv
import datetime
import io
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from PIL import Image

ROOT = Path(__file__).parents[1]
#: The benchmark of all methods, which is collected as a paper is.
BENCHMARK = "benchmark"
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")
#: Larger tables are left out, and listed in the record.
MAX_TABLE_BYTES = 100_000
MAX_PICTURE_BYTES = 80_000
MAX_PICTURE_PX = 900
#: Tables of a data set that are evidence.
DATA_SET_TABLES = ("exclusions", "criteria", "table1", "published_comparison")
#: Entries of `network.json` that a run's record repeats.
CIRCUMSTANCES = (
    "dataset",
    "backend",
    "backend_version",
    "keras_version",
    "device",
    "threads",
    "scale",
)
#: Changes of these do not change results.
NO_SOURCES = ("evidence/", "docs/", "tests/", "tools/")


class EvidenceError(Exception):
    """There is no run to collect evidence from, or it does not belong to a commit."""


def hardware() -> dict[str, Any]:
    """CPU, cores, memory and GPU of this machine."""
    info = Path("/proc/cpuinfo")
    models = [
        line.partition(":")[2].strip()
        for line in (info.read_text().splitlines() if info.is_file() else [])
        if line.startswith("model name")
    ]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    try:
        done = subprocess.run(
            ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
            capture_output=True,
            text=True,
            check=True,
        )
        gpus = done.stdout.split("\n")[:-1]
    except (OSError, subprocess.CalledProcessError):
        gpus = []
    return {
        "cpu": models[0] if models else platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gb": round(memory / 1e9),
        "gpu": ", ".join(gpus) or "none",
    }


def changed_sources(root: Path) -> list[str]:
    """Tracked files that differ from the commit and can change results."""
    done = subprocess.run(
        ["git", "-C", str(root), "status", "--porcelain", "--untracked-files=no"],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = [line[3:] for line in done.stdout.splitlines()]
    return [path for path in paths if not path.startswith(NO_SOURCES) and path[-3:] != ".md"]


def shrink(source: Path, target: Path) -> None:
    """Write a smaller copy of a picture, with a palette of colours."""
    with Image.open(source) as picture:
        image = picture.convert("RGBA")
    flat = Image.new("RGB", image.size, "white")
    flat.paste(image, mask=image.getchannel("A"))
    width = min(MAX_PICTURE_PX, flat.width)
    for _ in range(15):
        size = (width, round(flat.height * width / flat.width))
        small = flat.resize(size, Image.Resampling.LANCZOS)
        for colours in (128, 64, 32):
            buffer = io.BytesIO()
            # The default method spends the palette on shades near white, and thin lines turn grey.
            palette = small.quantize(colours, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
            palette.save(buffer, "PNG", optimize=True)
            if buffer.tell() < MAX_PICTURE_BYTES:
                target.write_bytes(buffer.getvalue())
                return
        width = round(0.9 * width)
    raise EvidenceError(f"{source} does not fit into {MAX_PICTURE_BYTES} bytes")


def trained(paper: str, results: Path, config: dict[str, Any]) -> list[str]:
    """Networks of a paper that a run has trained."""
    if paper == BENCHMARK:
        records = [*results.glob("networks/*/network.json")]
        records += results.glob(f"{BENCHMARK}/networks/*/network.json")
        return sorted(path.parent.name for path in records)
    if paper == "boucaud2020":
        names = list(config["networks"])
    elif paper == "farrens2022":
        # Heads of each noise level, and those of the ablations.
        records = sorted(results.glob("networks/*/*/network.json"))
        heads = [f"{path.parts[-3]}/{path.parts[-2]}" for path in records]
        names = [name for name in heads if name.startswith(("blendhunter/", "farrens2022_"))]
    else:
        times = pd.read_csv(results / "benchmarks/training_time.csv")
        names = times.loc[times["paper"] == paper, "network"].tolist()
    return [name for name in names if (results / f"networks/{name}/network.json").is_file()]


def circumstances(results: Path, network: str) -> dict[str, Any]:
    """What `network.json` says about where a network was trained."""
    record = json.loads((folder_of(results, network) / "network.json").read_text())
    return {key: record[key] for key in CIRCUMSTANCES if key in record}


def folder_of(results: Path, network: str) -> Path:
    """Folder of a network: of a paper, or trained for the benchmark."""
    own = results / BENCHMARK / "networks" / network
    return own if own.is_dir() else results / "networks" / network


def iou_summary(iou: pd.DataFrame) -> pd.DataFrame:
    """IoU by network and galaxy: mean, median, and how many masks have vanished."""
    groups = iou.groupby(["network", "galaxy"], sort=False)
    return groups.agg(
        n=("iou", "size"),
        mean_iou=("iou", "mean"),
        median_iou=("iou", "median"),
        n_vanished=("area_predicted_px", lambda area: int((area == 0).sum())),
    ).reset_index()


def sources(paper: str, results: Path, networks: list[str]) -> Iterator[tuple[Path, str]]:
    """Files of a run that are evidence, with their names in the folder of the evidence."""
    if paper == BENCHMARK:
        folder = results / BENCHMARK
        for path in sorted([*folder.glob("*.csv"), *folder.glob("*.json"), *folder.glob("*.md")]):
            yield path, path.name
        yield folder / "figure.png", "figure.png"
        for network in networks:
            yield folder_of(results, network) / "history.csv", f"networks/{network}/history.csv"
        for path in sorted(folder.glob("networks/*/calibration.json")):
            yield path, str(path.relative_to(folder))
        return
    lead = paper == "boucaud2020"  # its figures and tables have no folder of their own
    figures = results / "figures" / ("" if lead else paper)
    tables = results / "tables" / ("" if lead else paper)
    for suffix in (".csv", ".png"):
        for path in sorted((results / paper).rglob(f"*{suffix}")):
            yield path, str(path.relative_to(results / paper))
        for path in sorted([*figures.glob(f"*{suffix}"), *tables.glob(f"*{suffix}")]):
            yield path, path.name
    yield results / "tables/highlights.csv", "highlights.csv"
    yield results / "benchmarks/training_time.csv", "training_time.csv"
    for network in networks:
        yield results / f"networks/{network}/history.csv", f"networks/{network}/history.csv"
    if lead:
        for path in sorted((results / "datasets").glob("*/*.*")):
            if path.stem in DATA_SET_TABLES and path.suffix in (".csv", ".png"):
                yield path, str(path.relative_to(results))
        for path in sorted((results / "published/tables").glob("*.csv")):
            yield path, f"published/{path.name}"
        for path in sorted((results / "predictions/sep").glob("*/zero_points.csv")):
            yield path, str(path.relative_to(results / "predictions"))


def copy_table(paper: str, source: Path, target: Path) -> bool:
    """Copy a table, without rows of other papers; masks' IoU are summarised, and bins chosen.

    Returns
    -------
    bool
        False for a table that is too large: it is not copied.
    """
    if source.name == "iou.csv":
        iou_summary(pd.read_csv(source)).to_csv(target, index=False, lineterminator="\n")
        return True
    if source.name in ("bins.csv", "paired.csv") and paper == BENCHMARK:
        # Fewer digits, and the bins of the first set alone.
        table = pd.read_csv(source)
        if source.name == "bins.csv":
            table = table[table["set"] == table["set"].iloc[0]].dropna(axis=1, how="all")
        table.to_csv(target, index=False, lineterminator="\n", float_format="%.5g")
        return True
    if source.stat().st_size > MAX_TABLE_BYTES:
        return False
    if source.suffix != ".csv":
        shutil.copyfile(source, target)
        return True
    with source.open(newline="") as file:
        rows = list(csv.reader(file))
    if rows and "paper" in rows[0]:
        column = rows[0].index("paper")
        rows = [rows[0], *(row for row in rows[1:] if row[column] == paper)]
    with target.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)
    return True


def job_table(
    paper: str, results: Path, networks: list[str], *, waited: bool = False
) -> pd.DataFrame:
    """Hours and largest memory of each job of a paper that has a benchmark.

    With `waited` hours are processor time where that is shorter: jobs waited for other programs.
    """
    rows = []
    for path in sorted((results / "benchmarks").rglob("*.tsv")):
        name = path.relative_to(results / "benchmarks").with_suffix("")
        folder, rest = name.parts[0], "/".join(name.parts[1:])
        if folder == "train":
            mine = rest in networks
        else:
            mine = folder == paper or (paper == PAPERS[0] and folder not in (*PAPERS, BENCHMARK))
        if mine:
            times = pd.read_csv(path, sep="\t")
            memory = pd.to_numeric(times["max_rss"], errors="coerce").max()
            seconds = times["s"].sum()
            if waited:
                seconds = min(seconds, times["cpu_time"].sum())
            rows.append((str(name), round(seconds / 3600, 4), memory))
    return pd.DataFrame(rows, columns=["job", "hours", "max_memory_mb"])


def collect(
    paper: str,
    results: Path,
    target: Path,
    *,
    root: Path = ROOT,
    command: str | None = None,
    machine: str | dict[str, Any] | None = None,
    allow_dirty: bool = False,
    waited: bool = False,
) -> dict[str, Any]:
    """Copy the evidence of a run.

    Parameters
    ----------
    paper : str
        One of `PAPERS`, or `BENCHMARK`.
    results : path
        Folder of the results of a finished run.
    target : path
        Folder to write. If it has older evidence, that is removed.
    root : path
        Checkout of the project that made the run.
    command : str, optional
        What makes the run again; default: `make` and the scale.
    machine : str or dict, optional
        Hardware of the run; default: of this machine.
    allow_dirty : bool
        Collect from a run whose code is not that of a commit.
    waited : bool
        Whether jobs waited for other programs: see `job_table`.

    Returns
    -------
    dict
        The record, as in `run.json`.

    Raises
    ------
    EvidenceError
        The run is not finished, its code differs from the commit, or `target` has something else.
    """
    record_file = results / "provenance.json"
    if not record_file.is_file():
        raise EvidenceError(f"there is no {record_file}: finish the run first")
    provenance = json.loads(record_file.read_text())
    changed = changed_sources(root)
    if (changed or provenance["git"]["modified"]) and not allow_dirty:
        what = f"{', '.join(changed)} changed since the commit" if changed else "changed files"
        raise EvidenceError(
            f"{results} was made with code that is in no commit ({what}): commit, run again, or "
            "give --allow-dirty"
        )
    if target.exists():
        if any(target.iterdir()) and not (target / "run.json").is_file():
            raise EvidenceError(f"{target} has files, but no run.json: give another name")
        shutil.rmtree(target)
    target.mkdir(parents=True)
    config = provenance["config"]
    networks = trained(paper, results, config)
    left_out = []
    for source, name in sources(paper, results, networks):
        copy = target / name
        if copy.exists() or not source.is_file():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        if source.suffix == ".png":
            shrink(source, copy)
        elif not copy_table(paper, source, copy):
            left_out.append(name)
    jobs = job_table(paper, results, networks, waited=waited)
    jobs.to_csv(target / "jobs.csv", index=False, lineterminator="\n")
    others = [*PAPERS, "papers"] if paper == PAPERS[0] else [*PAPERS, "papers", "datasets"]
    kept = {k: v for k, v in config.items() if k == paper or k not in others} | {"papers": [paper]}
    if paper == BENCHMARK:
        kept = dict(config)
    elif paper != PAPERS[0]:
        kept.pop("networks", None)
    (target / "configuration.yaml").write_text(yaml.safe_dump(kept, sort_keys=False))
    finished = datetime.datetime.fromtimestamp(record_file.stat().st_mtime, datetime.UTC)
    record = {
        "paper": paper,
        "scale": config["scale"],
        "commit": provenance["git"]["commit"],
        "modified": bool(changed or provenance["git"]["modified"]),
        "date": finished.date().isoformat(),
        "command": command or f"make {config['scale']}",
        "hours": round(float(jobs["hours"].sum()), 3),
        "hardware": hardware() if machine is None else machine,
        "networks": {name: circumstances(results, name) for name in networks},
        "python": provenance["python"],
        "packages": provenance["packages"],
        "left_out": left_out,
    }
    (target / "run.json").write_text(json.dumps(record, indent=1) + "\n")
    (target / "README.md").write_text(page(record, target, jobs))
    return record


def page(record: dict[str, Any], target: Path, jobs: pd.DataFrame) -> str:
    """README.md of the evidence."""
    machine = record["hardware"]
    if isinstance(machine, dict):
        machine = (
            f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB of memory, "
            f"GPU: {machine['gpu']}"
        )
    modified = ", with changed files" if record["modified"] else ""
    lines = [
        f"# {record['paper']}: evidence of the run {target.name!r}",
        "",
        "<!-- Written by tools/collect_evidence.py. -->",
        "",
        "| | |",
        "|---|---|",
        f"| scale | {record['scale']} |",
        f"| commit | `{record['commit']}`{modified} |",
        f"| finished | {record['date']} (UTC) |",
        f"| again | `{record['command']}`, with `configuration.yaml` |",
        f"| hardware | {machine} |",
        f"| time | {record['hours']:.2f} h, summed over {len(jobs)} jobs (`jobs.csv`) |",
        "",
    ]
    for path in sorted(target.rglob("*.png"), key=lambda path: (len(path.name), path.name)):
        name = path.relative_to(target)
        lines.append(f"![{name.with_suffix('')}]({name})")
    if record["left_out"]:
        lines += ["", f"Too large to be here: {', '.join(record['left_out'])}."]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Collect evidence as the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("paper", choices=(*PAPERS, BENCHMARK))
    parser.add_argument("results", type=Path, help="folder of the results of a finished run")
    parser.add_argument("--name", help="name of the run; default: that of the folder")
    parser.add_argument("--to", type=Path, default=ROOT / "evidence", help="default: evidence")
    parser.add_argument("--command", help="what makes the run again; default: make SCALE")
    parser.add_argument("--hardware", help="of the run; default: this machine")
    parser.add_argument("--allow-dirty", action="store_true", help="even if files have changed")
    parser.add_argument(
        "--waited",
        action="store_true",
        help="jobs waited for other programs: hours are processor time where that is shorter",
    )
    options = parser.parse_args()
    target = options.to / options.paper / (options.name or options.results.name)
    try:
        record = collect(
            options.paper,
            options.results,
            target,
            command=options.command,
            machine=options.hardware,
            allow_dirty=options.allow_dirty,
            waited=options.waited,
        )
    except EvidenceError as error:
        sys.exit(str(error))
    files = [path for path in target.rglob("*") if path.is_file()]
    size = sum(path.stat().st_size for path in files)
    print(f"{target}: {len(files)} files, {size / 1000:.0f} kB, commit {record['commit'][:7]}")


if __name__ == "__main__":
    main()
