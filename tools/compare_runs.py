"""Compare two finished results folders: python tools/compare_runs.py BEFORE AFTER [RENAMES].

All files except hidden ones, logs, benchmarks and checkpoints are compared byte for byte. HDF5
files may contain times: if their bytes differ, their contents are compared. RENAMES is a CSV file
of `before,after` paths, for files that were renamed; an empty `after` stands for a file that is no
longer made. For versions 0.1 and 0.2 it is tools/renamed_outputs.csv. The exit status is 1 if a
file differs or is missing.
"""

import csv
import sys
from pathlib import Path

import h5py
import numpy as np

#: Folders that differ in every run: they contain times and durations.
VOLATILE = ("logs", "benchmarks", "checkpoints")


def files(folder: Path) -> set[str]:
    """Paths, relative to the folder, of all files that should be equal in two runs."""
    found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
    # Hidden files are digests of the others.
    return {str(p) for p in found if p.parts[0] not in VOLATILE and not p.name.startswith(".")}


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
        New name for each old name of a renamed file; "" if the file is no longer made.

    Returns
    -------
    dict of str to list of str
        Names of files that ``differ``, of those that are ``gone`` and of those that are ``new``.
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
    """Print the differences."""
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
