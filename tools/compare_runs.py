"""Compare two finished results folders: python tools/compare_runs.py BEFORE AFTER [RENAMES].

Every file but logs, benchmarks and checkpoints is compared byte for byte; HDF5 files that differ in
bytes (they may hold times) by content. RENAMES is a CSV of `before,after` paths, for a comparison
across a change of names; an empty `after` is a file that is not made any more. From version 0.1 to
0.2 they are tools/renamed_outputs.csv. Exit status 1 says that something differs or is missing.
"""

import csv
import sys
from pathlib import Path

import h5py
import numpy as np

#: Written anew in every run: when things happened and how long they took.
VOLATILE = ("logs", "benchmarks", "checkpoints")


def files(folder: Path) -> set[str]:
    """Paths, relative to the folder, of everything that two runs should have alike."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    return {str(p) for p in found if p.parts[0] not in VOLATILE}


def content(path: Path) -> dict[str, object]:
    """Arrays and attributes of an HDF5 file by name."""
    found: dict[str, object] = {}

    def keep(name: str, item: h5py.Group | h5py.Dataset) -> None:
        found.update({f"{name}@{key}": value for key, value in item.attrs.items()})
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(path) as file:
        keep("", file)
        file.visititems(keep)
    return found


def same(first: Path, second: Path) -> bool:
    """Whether two files are the same, in bytes or, for HDF5, in content."""
    if first.read_bytes() == second.read_bytes():
        return True
    if first.suffix != ".h5":
        return False
    one, other = content(first), content(second)
    return one.keys() == other.keys() and all(
        equal(np.asarray(one[key]), np.asarray(other[key])) for key in one
    )


def equal(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two arrays hold the same values; NaN equals NaN."""
    return np.array_equal(one, other, equal_nan=one.dtype.kind == "f" == other.dtype.kind)


def compare(before: Path, after: Path, renames: dict[str, str]) -> dict[str, list[str]]:
    """Compare two results folders.

    Parameters
    ----------
    before, after : path
    renames : dict
        Name before to name after, of files that have another one; "" if it is not made any more.

    Returns
    -------
    dict of str to list of str
        Files that ``differ``, that are ``gone`` and that are ``new``.
    """
    old, new = files(before), files(after)
    moved = {name: renames.get(name, name) for name in old if renames.get(name) != ""}
    return {
        "differ": sorted(
            name
            for name, now in moved.items()
            if now in new and not same(before / name, after / now)
        ),
        "gone": sorted(name for name, now in moved.items() if now not in new),
        "new": sorted(new - set(moved.values())),
    }


def main() -> None:
    """Print what differs."""
    before, after = map(Path, sys.argv[1:3])
    renames = {}
    if len(sys.argv) > 3:
        with open(sys.argv[3], newline="") as file:
            renames = {row["before"]: row["after"] for row in csv.DictReader(file)}
    found = compare(before, after, renames)
    print(f"{len(files(before))} files before, {len(files(after))} after")
    for kind, names in found.items():
        print(f"{kind}: {len(names)}", *names, sep="\n  ")
    raise SystemExit(bool(found["differ"] or found["gone"]))


if __name__ == "__main__":
    main()
