"""What a run needs: jobs, hours of cores and GPUs, memory, disk, by paper.

Hours come from steps that were measured: `evidence/*/*/jobs.csv`. A step with more to do takes
longer in proportion to its work, a number that `work` computes from the configuration. Where a step
was measured more than once, the run with the nearest amount of work counts. This is a rough guide:
rates of one step differ between runs of the evidence by up to ten times, most where jobs are short
or trainings stop early. Disk comes from the sizes of files: see `deblend.run.disk`.
"""

import csv
import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from deblend.files import read_json
from deblend.run.disk import Size, megabytes

Config = dict[str, Any]
#: Cores on which all but the trainings of the evidence were measured.
MEASURED_CORES = 2
#: What was measured on a GPU counts if there was at least this share of the work: with a much
#: smaller network, a GPU is idle most of the time.
LEAST_GPU_SHARE = 1 / 100
#: Keys that say how many galaxies, blends or images a run has.
SIZES = ("n_galaxies", "n_blends", "n_stamps", "n_images", "n_train_blends")
#: Columns of the plan's table, in addition to the paper.
COLUMNS = (
    *("jobs", "core_hours", "gpu_hours", "not_measured", "limit_hours", "memory_gb"),
    *("disk_gb", "unknown_files"),
)
#: Steps that are done for a chunk of a fixed size: with more galaxies there are more of them.
CHUNK = re.compile(r"(.+/)?(simulate|clean)[/_].+_\d+")


@dataclass(frozen=True)
class Job:
    """A job of a run.

    Parameters
    ----------
    paper : str
        Whose job it is: name of the file of its rule.
    step : str
        Its benchmark's path below `benchmarks/`, without the suffix; empty if it has none. Jobs
        without one take seconds.
    memory_mb, limit_h : float
        Memory and time that its rule asks for at the first attempt.
    on_gpu : bool
        Whether it asks for a GPU.
    rule : str
        Name of its rule.
    threads : int
        Cores that it asks for.
    outputs : tuple of str
        Files that stay, relative to the folder of the results.
    """

    paper: str
    step: str
    memory_mb: float
    limit_h: float
    on_gpu: bool = False
    rule: str = ""
    threads: int = 1
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True)
class Rate:
    """A step that was measured.

    Parameters
    ----------
    kind : str
        What is done; see `work`.
    amount : float
        Its work.
    hours : float
        Of a GPU if it was used, otherwise of a core.
    on_gpu : bool
        Whether a GPU was used.
    memory_mb : float
        What it needed at most.
    """

    kind: str
    amount: float
    hours: float
    on_gpu: bool
    memory_mb: float = 0.0


def work(step: str, config: Config) -> tuple[str, float] | None:
    """Kind and amount of the work of a step.

    Parameters
    ----------
    step : str
        See `Job`.
    config : dict
        A complete configuration, or the part of the step's paper.

    Returns
    -------
    (str, float) or None
        Amounts of one kind are in the same unit, such as pixels of all stamps; None if the
        configuration does not say how much there is to do.
    """
    for pattern, amount in WORK:
        match = re.fullmatch(pattern, step)
        if match is None:
            continue
        try:
            kind, value = amount(config, *match.groups())
        except (
            KeyError,
            TypeError,
            StopIteration,
        ):  # a name or a number that the configuration lacks
            return None
        return kind, float(value)
    return None


def _pixels(config: Config, data_set: str) -> float:
    return float(config["datasets"][data_set]["stamp_size"] ** 2)


def _chunk(config: Config, kind: str, data_set: str) -> tuple[str, float]:
    return kind, config["datasets"][data_set]["chunk_size"] * _pixels(config, data_set)


def _test_blends(config: Config, kind: str, data_set: str) -> tuple[str, float]:
    blends = config["boucaud2020"]["blending"]["n_blends"]["test"]
    return kind, blends * _pixels(config, data_set)


def _predicted(config: Config, name: str) -> tuple[str, float]:
    """The longest name of a network with which the step's name begins."""
    network = config["networks"][
        max((n for n in config["networks"] if name.startswith(f"{n}_")), key=len, default="")
    ]
    return _test_blends(config, f"predict {network['architecture']}", network["dataset"])


def _trained(config: Config, name: str) -> tuple[str, float]:
    """Pixels of all training stamps, times the square of the filters."""
    if name in config.get("networks", {}):
        network = config["networks"][name]
        steps = network["steps_per_epoch"] or network["n_train_blends"] / network["batch_size"]
        stamps = network["epochs"] * steps * network["batch_size"]
        pixels = _pixels(config, network["dataset"])
        return f"train {network['architecture']}", stamps * pixels * network["filters"] ** 2
    if name.startswith("deblender"):
        paper = config["reiman2019"]
        other = paper["other_generator"] or {}
        is_other = name == f"deblender_{other.get('generator')}"
        network = other if is_other else paper["network"]
        return _generator(network, network["iterations"])
    network = config["hemmati2022"]["network"]
    stamps = network["epochs"] * network["steps_per_epoch"] * network["batch_size"]
    return f"train {name}", stamps * network["filters"] ** 2 * network["blocks"]


def _generator(network: Config, iterations: float) -> tuple[str, float]:
    stamps = iterations * network["batch_size"]
    return f"train {network['generator']}", stamps * network["filters"] ** 2


def _start(config: Config) -> tuple[str, float]:
    """A short training of the paper's generator."""
    paper = config["reiman2019"]
    both = (paper["network"], paper["other_generator"] or {})
    network = next(one for one in both if one.get("generator") == "residual_branches")
    return _generator(network, paper["starts"]["iterations"])


def _of_farrens(config: Config, name: str, *splits: str) -> tuple[str, float]:
    stamps = config["farrens2022"]["samples"][name]["n_stamps"]
    return "", sum(stamps[split] for split in splits or stamps)


def _of_hemmati(config: Config, name: str) -> tuple[str, float]:
    paper = config["hemmati2022"]
    blends = paper["n_blends"]
    amounts = {
        "detect": (blends["test"] + blends["validation"]) * len(paper["networks"]),
        "photometry": blends["test"] * len(paper["networks"]),
    }
    return name, amounts[name]


def _of_reiman(config: Config, name: str) -> tuple[str, float]:
    paper = config["reiman2019"]
    return name, paper["n_blends"]["test"] * (paper["orientations"] if name == "predict" else 1)


#: Patterns of steps, and what there is to do.
WORK: tuple[tuple[str, Callable[..., tuple[str, float]]], ...] = (
    (r"(simulate|clean)/(.+)_\d+", _chunk),
    (r"(sep|forced_fit)/(.+)", _test_blends),
    (r"predict/(.+)", _predicted),
    (r"train/(.+)", _trained),
    (
        r"farrens2022/train_sigma.+",
        lambda config: ("train head", _of_farrens(config, "parametric")[1]),
    ),
    (
        r"farrens2022/labels_(.+)",
        lambda config, name: ("label stamps", _of_farrens(config, name, "test")[1]),
    ),
    (
        r"farrens2022/(.+)_(train|validation|test)",
        lambda config, name, split: (
            f"draw {config['farrens2022']['samples'][name]['kind']} stamps",
            _of_farrens(config, name, split)[1],
        ),
    ),
    (
        r"hemmati2022/simulate_(.+)_\d+",
        lambda config, name: (
            "simulate bands",
            config["hemmati2022"]["cutouts"][name]["chunk_size"],
        ),
    ),
    (r"hemmati2022/(detect|photometry)", _of_hemmati),
    (r"reiman2019/(predict|failures)_[^_]+", _of_reiman),
    (r"reiman2019/train_.+_\d+", _start),
)


def measured(evidence: Path) -> list[Rate]:
    """Steps of all runs in `evidence/`.

    Parameters
    ----------
    evidence : path
        The folder. A run is a folder with `run.json`, `jobs.csv` and `configuration.yaml`.
    """
    rates = []
    for record_path in sorted(evidence.rglob("run.json")):
        folder, record = record_path.parent, read_json(record_path)
        if not (folder / "jobs.csv").is_file():
            continue
        config = yaml.safe_load((folder / "configuration.yaml").read_text())
        for row in csv.DictReader((folder / "jobs.csv").read_text().splitlines()):
            known = work(row["job"], config)
            if known is None or not known[1]:
                continue
            # Heads of BlendHunter are trained by a rule of their paper.
            name = row["job"].removeprefix("train/")
            name = name.replace("farrens2022/train_", "blendhunter/")
            network = record["networks"].get(name, {})
            on_gpu = network.get("device", "cpu") != "cpu"
            cores = 1 if on_gpu else network.get("threads", MEASURED_CORES)
            rates.append(
                Rate(*known, float(row["hours"]) * cores, on_gpu, float(row["max_memory_mb"]))
            )
    return rates


def estimate(
    job: Job, config: Config, rates: Iterable[Rate], times: float = 1.0
) -> tuple[float, bool, float]:
    """Hours of a job, whether they are a GPU's, and the memory (MB) of the step that was measured.

    Parameters
    ----------
    job, config, rates
        See `plan_table`.
    times : float, optional
        How many times more data than usual the configuration has, for the same networks.

    Returns
    -------
    (float, bool, float)
        Hours are NaN if nothing like the job was measured.
    """
    kind, amount = work(job.step, config) or ("", 0.0)
    alike = [
        rate
        for rate in rates
        if rate.kind == kind
        and not (rate.on_gpu and times * rate.amount < LEAST_GPU_SHARE * amount)
    ]
    # What a GPU does is estimated from GPUs, where one was measured.
    alike = [rate for rate in alike if rate.on_gpu == job.on_gpu] or alike
    if not alike:
        return math.nan, False, 0.0
    nearest = min(alike, key=lambda rate: abs(math.log(max(amount, 1.0) / rate.amount)))
    return nearest.hours * amount / nearest.amount, nearest.on_gpu, nearest.memory_mb


def larger(config: Config, times: float) -> Config:
    """The configuration with more galaxies, blends and images."""

    def scaled(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: scaled(item) for key, item in value.items()}
        return value * times if isinstance(value, int | float) else value

    def walk(value: Any) -> Any:
        if not isinstance(value, dict):
            return value
        return {k: scaled(v) if k in SIZES else walk(v) for k, v in value.items()}

    found: Config = walk(config)
    return found


def plan_table(
    jobs: Iterable[Job],
    config: Config,
    rates: Iterable[Rate],
    times: float = 1.0,
    sizes: Iterable[Size] = (),
) -> list[dict[str, Any]]:
    """What the jobs need, by paper.

    Parameters
    ----------
    jobs : iterable of Job
        All jobs of the configuration.
    config : dict
        The complete configuration.
    rates : iterable of Rate
        What was measured.
    times : float, optional
        How many times as many galaxies, blends and images there are. The number of chunks
        grows, and the work of other steps; trainings with a fixed number of steps stay.
    sizes : iterable of Size, optional
        Of files that were measured.

    Returns
    -------
    list of dict
        Rows with `paper`, `jobs`, `core_hours` and `gpu_hours` of the steps that were measured,
        `not_measured` (jobs with a benchmark like none that was measured) and
        `limit_hours` (the time that their rules allow them), `memory_gb` (of the largest job: what
        its rule asks for, or what was measured), `disk_gb` of the files that stay and
        `unknown_files`, which are not in it.
    """
    config, rates, sizes = larger(config, times), list(rates), list(sizes)
    table: dict[str, dict[str, Any]] = {}
    for job in jobs:
        n = times if CHUNK.fullmatch(job.step) else 1.0
        time, on_gpu, memory_mb = estimate(job, config, rates, times)
        row = table.setdefault(job.paper, {"paper": job.paper} | dict.fromkeys(COLUMNS, 0.0))
        row["jobs"] += n
        if not math.isnan(time):
            row["gpu_hours" if on_gpu else "core_hours"] += n * time
        elif job.step:
            row["not_measured"] += n
            row["limit_hours"] += n * job.limit_h
        row["memory_gb"] = max(row["memory_gb"], job.memory_mb / 1000, memory_mb / 1000)
        room, unknown = megabytes(job.outputs, config, sizes)
        row["disk_gb"] += room / 1000
        row["unknown_files"] += unknown
    return list(table.values())


def asked_table(jobs: Iterable[Job]) -> list[dict[str, Any]]:
    """What the jobs ask a scheduler for at the first attempt, by rule.

    Parameters
    ----------
    jobs : iterable of Job
        Those without a benchmark are left out: they take seconds.

    Returns
    -------
    list of dict
        Rows with `rule`, `jobs`, of the largest job `cores`, `gpus`, `minutes` and `memory_gb`
        (NaN if it depends on files that are not there yet), and of all jobs together `core_hours`
        and `gpu_hours`.
    """
    table: dict[str, dict[str, Any]] = {}
    for job in jobs:
        if not job.step:
            continue
        asked = {
            "cores": job.threads,
            "gpus": int(job.on_gpu),
            "minutes": round(60 * job.limit_h),
            "memory_gb": job.memory_mb / 1000,
        }
        sums = {"jobs": 1, "core_hours": job.limit_h * job.threads}
        sums["gpu_hours"] = job.limit_h * job.on_gpu
        row = table.setdefault(
            job.rule, {"rule": job.rule, "jobs": 0} | asked | {"core_hours": 0.0, "gpu_hours": 0.0}
        )
        row.update({key: max(row[key], value) for key, value in asked.items()})
        row.update({key: row[key] + value for key, value in sums.items()})
    return [row | {"memory_gb": row["memory_gb"] or math.nan} for row in table.values()]
