"""What a survey needs: stamps that trained networks, SEP and the other methods measure.

Hours come from measured runs of prediction, on cores: most methods from the time of a blend in the
benchmark's table, the others from the rates of the papers' rules (`config/rates.csv`). Networks
have the size of those runs, that of small scale. A rough guide: the runs had thousands of stamps.
"""

import math
from collections.abc import Iterable
from typing import Any

from deblend.run.disk import Size
from deblend.run.plan import MEASURED_CORES, Rate

#: Methods that the benchmark does not time: the kind of their rate, units of its work in
#: a stamp, and the files that it writes.
BY_RATE = (
    ("BlendHunter (all heads of a run)", "label stamps", 1, "tables of blends"),
    ("branched GAN, 8 orientations", "predict", 8, "separated images"),
    ("super-resolution and its peaks", "detect", 1, "peaks"),
)
#: Networks of the benchmark that give masks too; each has a U-Net in it.
WITH_MASKS = ("blend2mask2flux", "joint_text")
#: Side of a stamp of the benchmark, pixels.
SIDE_PX = 64


def survey_table(
    benchmark: Iterable[dict[str, str]],
    rates: Iterable[Rate],
    sizes: Iterable[Size],
    n_stamps: float = 1e9,
) -> list[dict[str, Any]]:
    """Hours and disk of measuring so many stamps, by method.

    Parameters
    ----------
    benchmark : iterable of dict
        Rows of the benchmark's table, of which `set`, `method` and `seconds_per_blend` are read.
    rates : iterable of Rate
    sizes : iterable of Size
        Of files that were measured.
    n_stamps : float, optional

    Returns
    -------
    list of dict
        Rows with `method`, `core_hours`, `gpu_hours` and `disk_tb` of what is written. NaN is what
        nobody has measured.
    """
    rates, sizes = list(rates), list(sizes)
    tables = _megabytes(sizes, "tables of blends")
    masks = SIDE_PX**2 * _megabytes(sizes, "masks")
    found = []
    for row in benchmark:
        if row["set"] != "simulated" or not row["seconds_per_blend"]:
            continue
        hours = float(row["seconds_per_blend"]) * MEASURED_CORES / 3600
        room = tables + (masks if row["method"] in WITH_MASKS else 0.0)
        found.append((row["method"], hours, math.nan, room))
    for method, kind, units, files in BY_RATE:
        hours, gpu = (units * _hours(rates, kind, on_gpu) for on_gpu in (False, True))
        room = _megabytes(sizes, files)
        found.append((method, hours, gpu, room))
    return [
        {
            "method": method,
            "core_hours": n_stamps * hours,
            "gpu_hours": n_stamps * gpu,
            "disk_tb": n_stamps * room / 1e6,
        }
        for method, hours, gpu, room in found
    ]


def stamps_tb(n_stamps: float = 1e9) -> float:
    """Disk of the stamps themselves in one band, of `SIDE_PX` and float32, TB."""
    return n_stamps * SIDE_PX**2 * 4 / 1e12


def _hours(rates: list[Rate], kind: str, on_gpu: bool) -> float:
    """Hours of a unit of work in the largest run, where the start counts least; else NaN."""
    alike = [rate for rate in rates if rate.kind == kind and rate.on_gpu == on_gpu]
    if not alike:
        return math.nan
    largest = max(alike, key=lambda rate: rate.amount)
    return largest.hours / largest.amount


def _megabytes(sizes: list[Size], kind: str) -> float:
    """Megabytes of a unit of the largest files of a kind; NaN if there are none."""
    alike = [size for size in sizes if size.kind == kind]
    if not alike:
        return math.nan
    largest = max(alike, key=lambda size: size.amount)
    return largest.megabytes / largest.amount
