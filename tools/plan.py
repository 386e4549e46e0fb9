"""What a run needs; nothing is run.

    python tools/plan.py [CONFIGURATION...] [--times 1 10 100]

Prints jobs, hours of cores and GPUs, memory, disk and downloads, by paper, for the configuration
and for so many times as many galaxies, blends and images. Hours and disk are estimated from the
runs in `evidence/`, see `deblend.run.plan` and `deblend.run.disk`. At the end stands what a survey
of a billion stamps needs, by method: see `deblend.run.survey`.
"""

import argparse
import csv
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from snakemake.exceptions import WorkflowError

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))
from deblend.run.disk import read_sizes  # noqa: E402
from deblend.run.limits import read_rates  # noqa: E402
from deblend.run.plan import Config, Job, asked_table, measured, plan_table  # noqa: E402
from deblend.run.survey import SIDE_PX, stamps_tb, survey_table  # noqa: E402
from whole_workflow import whole_workflow  # noqa: E402

#: Instead of a number of memory.
BY_FILES = "by size"


def read_jobs(overlays: list[Path]) -> tuple[list[Job], Config, float]:
    """All jobs of the default target, the complete configuration, and bytes to download."""
    with whole_workflow(overlays) as workflow:
        results = workflow.globals["config"]["pathvars"]["results"]
        jobs = [as_job(job, results) for job in workflow.dag.jobs if job.rule.output]
        names = {
            str(name)
            for job in workflow.dag.jobs
            if job.rule.name.startswith(("download_", "fetch_"))
            for name in job.wildcards
        }
        return jobs, workflow.globals["config"], download_bytes(names)


def as_job(job: Any, results: str) -> Job:
    """A job of Snakemake; `results` is the folder of the results."""
    benchmark = str(job.benchmark or "")
    # What depends on the sizes of files that are not there yet is no number.
    asked = {key: value for key, value in job.resources.items() if isinstance(value, int | float)}
    return Job(
        paper=Path(job.rule.snakefile).stem,
        step=benchmark.partition("/benchmarks/")[2].removesuffix(".tsv"),
        memory_mb=float(asked.get("mem_mb", 0)),
        limit_h=float(asked.get("runtime", 0)) / 60,
        on_gpu=bool(asked.get("gpu", 0)),
        rule=job.rule.name,
        threads=job.threads,
        outputs=tuple(
            str(path).removeprefix(f"{results}/")
            for path in job.output
            if not path.flags.get("temp") and str(path).startswith(f"{results}/")
        ),
    )


def download_bytes(names: set[str]) -> float:
    """Sizes of archives and weights, by their names or those of their files, where known."""
    archives = {
        key: entry
        for name in ("datasets", "weights")
        for key, entry in yaml.safe_load((ROOT / f"config/{name}.yaml").read_text()).items()
    }
    found = [
        archive
        for key, archive in archives.items()
        if key in names or any(n.endswith(archive.get("filename", "/")) for n in names)
    ]
    sizes = [[a.get(key) for key in ("n_bytes", "about_bytes")] for a in found]
    return float(sum(next((s for s in both if isinstance(s, int | float)), 0) for both in sizes))


def main(arguments: list[str] | None = None) -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description="What a run needs; nothing is run.")
    parser.add_argument("overlays", nargs="*", type=Path, metavar="CONFIGURATION")
    parser.add_argument("--times", nargs="+", type=float, default=[1.0, 10.0, 100.0])
    options = parser.parse_args(arguments)
    try:
        jobs, config, n_bytes = read_jobs([path.resolve() for path in options.overlays])
    except (WorkflowError, OSError) as error:
        raise SystemExit(f"Error: {' '.join(str(error).split())}") from None
    rates, sizes = measured(ROOT / "evidence"), read_sizes(ROOT / "evidence/disk.csv")
    for times in options.times:
        print(f"\n{times:g} times as many galaxies, blends and images")
        table = plan_table(jobs, config, rates, times, sizes)
        print(pd.DataFrame(table).round(1).to_string(index=False))
    asked = pd.DataFrame(asked_table(jobs))
    print("\nWhat the larger jobs ask a scheduler for; at each further attempt, twice as much")
    memory = asked.memory_gb.map("{:.1f}".format).where(asked.memory_gb.notna(), BY_FILES)
    print(asked.round(1).assign(memory_gb=memory).to_string(index=False))
    cores, gpus = asked.core_hours.sum(), asked.gpu_hours.sum()
    print(f"Together: {cores:.0f} core hours, {gpus:.0f} GPU hours")
    print(
        f"\nDownloads: {n_bytes / 1e9:.2f} GB, of archives and weights whose size is known.\n"
        "Hours are those of the runs in evidence/ in proportion to the work: a rough guide,\n"
        "since rates differ between these runs by up to ten times. not_measured: jobs that are\n"
        "like none of them; limit_hours: the time that their rules allow these. A training that\n"
        "was measured on CPUs only, or much smaller on a GPU, counts as core_hours: many\n"
        "more than its job asks for, which has a GPU. disk_gb: room\n"
        "of the results, without unknown_files, such as stamps of an archive whose galaxies\n"
        "nobody has counted. While a data set is put together, it needs about twice its room.\n"
        "What jobs ask for has a margin, and is the rule's own number where none was measured on\n"
        f"such a device. memory_gb {BY_FILES}: of files that are not there yet."
    )
    print_survey()


def print_survey() -> None:
    """What a survey of a billion stamps needs."""
    with (ROOT / "evidence/benchmark/small/table.csv").open(newline="") as file:
        benchmark = list(csv.DictReader(file))
    rates = read_rates(ROOT / "config/rates.csv")
    table = pd.DataFrame(survey_table(benchmark, rates, read_sizes(ROOT / "evidence/disk.csv")))
    print("\nA survey of a billion stamps, to measure with trained networks and other methods")
    print(table.to_string(index=False, na_rep="not measured", float_format="{:.1f}".format))
    print(
        f"The stamps themselves, of {SIDE_PX} pixels in one band: {stamps_tb():.0f} TB (float32).\n"
        "From runs of thousands of stamps on two cores, in proportion, with networks as large as\n"
        "at small scale; the start of a program counts where a method was not in the benchmark.\n"
        "A U-Net alone takes less than blend2mask2flux, which has one. disk_tb: what is written.\n"
        "No prediction was timed on a GPU."
    )


if __name__ == "__main__":
    main()
