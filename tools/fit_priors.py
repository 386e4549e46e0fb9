"""Fit the simulator's priors and write them as YAML.

    python tools/fit_priors.py GALFIT FAST PUBLISHED > priors.yaml

GALFIT and FAST are the files `*_f160w.galfit` and `*.fout` of a 3D-HST v4.1 field (gzipped or not).
PUBLISHED is the catalogue that Boucaud et al. published, or a part of its rows.
"""

import argparse
import sys
from pathlib import Path

import pandas as pd
import yaml

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.data import priors

#: The file's own comments are kept.
PRIORS = Path(__file__).parents[1] / "config" / "priors.yaml"


def main() -> None:
    """Read the three catalogues and print the priors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("galfit", "fast", "published"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    fitted = priors.fit(
        priors.read_3dhst(arguments.galfit, arguments.fast), pd.read_csv(arguments.published)
    )
    comments = [line for line in PRIORS.read_text().splitlines(keepends=True) if line[0] == "#"]
    print("".join(comments) + yaml.safe_dump(_rounded(fitted), sort_keys=False), end="")


def _rounded(value):
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
