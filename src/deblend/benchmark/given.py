"""Trained networks that the benchmark is given (`benchmark > weights`), which it does not train.

No large packages are imported here, since the rules of the workflow use this module.
"""

from collections.abc import Collection
from pathlib import Path

from deblend.errors import DeblendError
from deblend.scenes.weights import WEIGHTS, kind_of
from deblend.training.description import read_description


def given_networks(
    folders: Collection[str],
    names: Collection[str],
    *,
    companion_edge: str,
    stamp_size: int | None,
) -> dict[str, str]:
    """Folders of the networks that are given.

    Parameters
    ----------
    folders : collection of str
        Folders of networks, each in a folder of its name. The first that has a network counts.
    names : collection of str
        Networks that are wanted.
    companion_edge : {"zero", "noise"}
        Of the blends of the benchmark.
    stamp_size : int or None
        Side of its scenes, px; None if it is not known.

    Returns
    -------
    dict of str
        Folder of each network that is there, by name.

    Raises
    ------
    DeblendError
        One of the folders is none, or a network is not complete or is for other blends.
    """
    for folder in folders:
        if not Path(folder).is_dir():
            raise DeblendError(
                f"benchmark > weights names {folder!r}, which is no folder: give folders such as "
                "evidence/weights, or [] to train all networks"
            )
    given: dict[str, str] = {}
    for name in names:
        found = [f"{f}/{name}" for f in folders if (Path(f) / name / "network.json").is_file()]
        if not found:
            continue
        kind = kind_of(read_description(Path(found[0]) / "network.json"))
        weights = WEIGHTS.get(str(kind))
        if weights is None or not (Path(found[0]) / weights).is_file():
            raise DeblendError(
                f"benchmark > weights: {found[0]}/network.json is of a network without weights "
                f"({weights or 'of no known kind'}): add them, or take the folder away to train it"
            )
        _check(found[0], companion_edge, stamp_size)
        given[name] = found[0]
    return given


def _check(folder: str, companion_edge: str, stamp_size: int | None) -> None:
    """Check that a network was trained on blends like those of the benchmark."""
    record = read_description(Path(folder) / "network.json")
    if kind_of(record) not in ("boucaud2020", "benchmark"):
        return
    edge = record.get("companion_edge", record.get("blending", {}).get("companion_edge"))
    for key, trained, wanted in (
        ("companion_edge", edge, companion_edge),
        ("stamp_size", record.get("stamp_size"), stamp_size),
    ):
        if None not in (trained, wanted) and trained != wanted:
            raise DeblendError(
                f"benchmark > weights: {folder} was trained with {key}: {trained}, and the blends "
                f"of the benchmark have {wanted}: take it out of the folder to train it, or set "
                f"{key} so"
            )
