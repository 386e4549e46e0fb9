"""How much disk the results of a run need, from files of other runs.

Files of one kind are larger in proportion to an amount that the configuration gives, such as
pixels of all stamps; all others are as large as they are on average. What Snakemake deletes again,
such as chunks of a data set, is not counted: while a data set is put together, it needs about twice
its room.
"""

import csv
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Config = dict[str, Any]

#: Kind of files of which nothing but their number counts.
OTHER = "other files"
#: Kind of weights, which is divided further by the architecture.
KERAS = "weights on Keras"
#: Folders whose files are no outputs of rules.
NO_OUTPUTS = ("logs", "checkpoints")


@dataclass(frozen=True)
class Size:
    """Files of a kind that were measured.

    Parameters
    ----------
    kind : str
        See `volume`.
    amount : float
    megabytes : float
        Mean size of a file.
    """

    kind: str
    amount: float
    megabytes: float


def volume(path: str, config: Config) -> tuple[str, float]:
    """Kind of a file, and the amount that its size is proportional to.

    Parameters
    ----------
    path : str
        Relative to the folder of the results.
    config : dict
        A complete configuration.

    Returns
    -------
    (str, float)
        The amount is NaN if the configuration does not say it, such as the number of galaxies in
        an archive.
    """
    for pattern, kind, amount in OUTPUTS:
        match = re.fullmatch(pattern, path)
        if match is None:
            continue
        try:
            value = float(amount(config, *match.groups()))
        except KeyError:  # an archive, whose galaxies nobody has counted
            value = math.nan
        if kind == KERAS and match[1] in config["networks"]:
            kind = f"{kind}, {config['networks'][match[1]]['architecture']}"
        return kind, value
    return OTHER, 1.0


def _stamps(config: Config, name: str) -> float:
    entry = config["datasets"][name]
    return float(entry["n_galaxies"] * entry["stamp_size"] ** 2)


def _cutouts(config: Config, name: str) -> float:
    entry = config["hemmati2022"]["cutouts"][name]
    return float(entry["n_galaxies"] * len(entry["bands"]) * entry["parent_px"] ** 2)


def _frames(config: Config, name: str) -> float:
    paper = config["reiman2019"]
    side = paper["frame_px"] // paper["reduce_by"]
    return float(paper["image_sets"][name]["n_images"] * side**2)


def _masks(config: Config, name: str) -> float:
    return float(_test_blends(config) * config["datasets"][name]["stamp_size"] ** 2)


def _test_blends(config: Config, *names: str) -> float:
    return float(config["boucaud2020"]["blending"]["n_blends"]["test"])


def _peaks(config: Config, *names: str) -> float:
    blends = config["hemmati2022"]["n_blends"]
    return float(blends["test"] + blends["validation"])


def _separated(config: Config, *names: str) -> float:
    paper = config["reiman2019"]
    return float(paper["n_blends"]["test"] * paper["orientations"])


#: Patterns of paths, their kind, and what their size is proportional to.
OUTPUTS: tuple[tuple[str, str, Callable[..., float]], ...] = (
    (r"datasets/([^/]+)/stamps\.h5", "stamps", _stamps),
    (r"datasets/([^/]+)/cutouts\.h5", "cut-outs", _cutouts),
    (r"datasets/([^/]+)/frames\.npy", "frames", _frames),
    (
        r"farrens2022/([^/]+)/(train|validation|test)\.h5",
        "stamps of Farrens et al.",
        lambda config, name, split: config["farrens2022"]["samples"][name]["n_stamps"][split],
    ),
    (r"farrens2022/vgg16\.h5", "weights of VGG-16", lambda config: 1.0),
    (r"predictions/[^/]+/([^/]+)/masks\.h5", "masks", _masks),
    (r"predictions/[^/]+/[^/]+\.h5", "separated images", _separated),
    (
        r"predictions/(?!blendhunter|farrens2022).+\.csv|figures/[^/]+_points\.csv",
        "tables of blends",
        _test_blends,
    ),
    (r"hemmati2022/[^/]+/peaks\.csv", "peaks", _peaks),
    (r"networks/blendhunter/[^/]+/head\.weights\.h5", "heads of BlendHunter", lambda config: 1.0),
    (
        r"networks/([^/]+)/network\.weights\.h5",
        KERAS,
        lambda config, name: config["networks"][name]["filters"] ** 2,
    ),
    (
        r"networks/deblender[^/]*/network\.h5",
        "weights of separators",
        lambda config: config["reiman2019"]["network"]["filters"] ** 2,
    ),
    (
        r"networks/[^/]+/network\.h5",
        "weights of super-resolution",
        lambda config: config["hemmati2022"]["network"]["filters"] ** 2,
    ),
)


def measure(results: Path, config: Config) -> list[Size]:
    """Sizes of the files of a finished run, by kind and amount.

    Parameters
    ----------
    results : path
    config : dict
        Its complete configuration.
    """
    sizes = defaultdict(list)
    for path in sorted(results.rglob("*")):
        name = path.relative_to(results)
        # Hidden files are digests of the others.
        if not path.is_file() or path.name.startswith("."):
            continue
        if len(name.parts) > 1 and name.parts[0] not in NO_OUTPUTS:
            sizes[volume(str(name), config)].append(path.stat().st_size / 1e6)
    return [
        Size(kind, amount, sum(found) / len(found))
        for (kind, amount), found in sorted(sizes.items())
        if not math.isnan(amount)
    ]


def read_sizes(path: Path) -> list[Size]:
    """Sizes that were measured, from `evidence/disk.csv`."""
    with path.open(newline="") as file:
        return [
            Size(row["kind"], float(row["amount"]), float(row["megabytes"]))
            for row in csv.DictReader(file)
        ]


def megabytes(paths: Iterable[str], config: Config, sizes: list[Size]) -> tuple[float, int]:
    """Room that files need.

    Parameters
    ----------
    paths : iterable of str
        See `volume`.
    config : dict
    sizes : list of Size

    Returns
    -------
    megabytes : float
    unknown : int
        Number of files that are not in it: their amount is not known, or nothing like them was
        measured.
    """
    total, unknown = 0.0, 0
    for path in paths:
        kind, amount = volume(path, config)
        alike = [size for size in sizes if size.kind == kind]
        if math.isnan(amount) or not alike:
            unknown += 1
            continue
        nearest = min(alike, key=lambda size: abs(math.log(max(amount, 1.0) / size.amount)))
        total += nearest.megabytes * amount / nearest.amount
    return total, unknown
