"""Measure the correlation of the background noise in cut-outs of a mosaic and write it as YAML.

    python tools/fit_noise.py CUTOUTS 'F160W_*_sci' > noise.yaml

CUTOUTS is an .npz file with an image in each array; the second argument is a pattern for the
arrays' names. Pixels without data are 0 or not finite.
"""

import argparse
import fnmatch
import sys
from pathlib import Path

import numpy as np
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.data import noise

#: The file's own comments are kept.
NOISE = Path(__file__).parents[1] / "config" / "noise.yaml"


def main() -> None:
    """Read the cut-outs and print the correlation."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("cutouts", type=Path)
    parser.add_argument("arrays", nargs="?", default="*")
    arguments = parser.parse_args()
    with np.load(arguments.cutouts, allow_pickle=False) as file:
        names = fnmatch.filter(file.files, arguments.arrays)
        measured = noise.measure_correlation([file[name] for name in names])
    comments = [line for line in NOISE.read_text().splitlines(keepends=True) if line[0] == "#"]
    numbers = {
        **measured,
        "sigma": round(measured["sigma"], 5),
        **{
            name: [[round(value, 3) for value in row] for row in measured[name]]
            for name in ("correlation", "error")
        },
    }
    text = yaml.safe_dump(numbers, sort_keys=False, default_flow_style=None)
    print("".join(comments) + text, end="")


if __name__ == "__main__":
    main()
