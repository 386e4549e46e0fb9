"""Time and memory that jobs ask a scheduler for: from measured steps, more at each attempt.

The measurements are in `config/rates.csv`, which `tools/measured_rates.py` makes from `evidence/`.
"""

import csv
import math
from collections.abc import Iterable
from dataclasses import astuple, fields, replace
from pathlib import Path

from deblend.run.plan import Config, Job, Rate, estimate, work

#: How many times longer a job may take than what was measured. Rates of one step differ between
#: runs. GPUs were measured on a fast one (NVIDIA H200); older ones are several times slower.
TIMES_CPU, TIMES_GPU = 3.0, 8.0
#: How many times more memory a job may take.
TIMES_MEMORY = 2.0
#: Shortest time and least memory that are asked for.
LEAST_MINUTES, LEAST_MB = 30, 2000
#: Memory that was measured counts if there was at least this share of the work; with less, it is
#: a lower bound.
LEAST_SHARE = 1 / 3
#: Jobs ask for multiples of these.
MINUTES, MEGABYTES = 10, 500


def slowest(rates: Iterable[Rate]) -> list[Rate]:
    """One rate for each kind, amount and device: the longest time and the most memory.

    Parameters
    ----------
    rates : iterable of Rate
        See `deblend.run.plan.measured`.
    """
    found: dict[tuple[str, bool, float], Rate] = {}
    for rate in rates:
        key = (rate.kind, rate.on_gpu, rate.amount)
        other = found.get(key, rate)
        found[key] = replace(
            rate,
            hours=max(rate.hours, other.hours),
            memory_mb=max(rate.memory_mb, other.memory_mb),
        )
    return [found[key] for key in sorted(found)]


def write_rates(path: str | Path, rates: Iterable[Rate]) -> None:
    """Write rates as CSV."""
    with open(path, "w", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([field.name for field in fields(Rate)])
        writer.writerows(astuple(rate) for rate in rates)


def read_rates(path: str | Path) -> list[Rate]:
    """Read rates that `write_rates` wrote."""
    with open(path, newline="") as file:
        return [
            Rate(
                kind=row["kind"],
                amount=float(row["amount"]),
                hours=float(row["hours"]),
                on_gpu=row["on_gpu"] == "True",
                memory_mb=float(row["memory_mb"]),
            )
            for row in csv.DictReader(file)
        ]


def more(value: float, attempt: int) -> int:
    """What a job asks for at an attempt, from 1: twice as much each time."""
    return math.ceil(value) * 2 ** (attempt - 1)


def limit_minutes(
    step: str, config: Config, rates: Iterable[Rate], stated: float, threads: int, on_gpu: bool
) -> int:
    """Minutes that a job asks for at its first attempt.

    Parameters
    ----------
    step : str
        See `deblend.run.plan.Job`.
    config : dict
        The complete configuration.
    rates : iterable of Rate
        Measured steps.
    stated : float
        Minutes for a step like which none was measured on such a device.
    threads : int
        Number of cores of the job.
    on_gpu : bool
        Whether it asks for a GPU.
    """
    alike = [rate for rate in rates if rate.on_gpu == on_gpu]
    hours, _, _ = estimate(Job("", step, 0, 0, on_gpu), config, alike)
    if math.isnan(hours):
        return math.ceil(stated)
    hours *= TIMES_GPU if on_gpu else TIMES_CPU / threads
    return max(LEAST_MINUTES, _up(60 * hours, MINUTES))


def limit_mb(step: str, config: Config, rates: Iterable[Rate], stated: float, on_gpu: bool) -> int:
    """Megabytes that a job asks for at its first attempt.

    Parameters
    ----------
    step, config, rates, on_gpu
        See `limit_minutes`.
    stated : float
        Megabytes for a step that was not measured, or with much less to do only.
    """
    known = work(step, config)
    if known is None:
        return math.ceil(stated)
    kind, amount = known
    alike = [rate for rate in rates if (rate.kind, rate.on_gpu) == (kind, on_gpu)]
    used = [rate.memory_mb for rate in alike if rate.amount >= LEAST_SHARE * amount]
    if not used:
        # It needs no less than with less to do.
        least = max((rate.memory_mb for rate in alike), default=0)
        return max(math.ceil(stated), _up(least, MEGABYTES))
    return max(LEAST_MB, _up(TIMES_MEMORY * max(used), MEGABYTES))


def _up(value: float, step: int) -> int:
    """The next multiple of a step."""
    return step * math.ceil(value / step)
