"""Fit the simulator's priors and write them as YAML.

    python tools/fit_priors.py GALFIT FAST PUBLISHED > config/priors.yaml

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

HEADER = """\
# Priors of the simulator, written by tools/fit_priors.py: do not edit.
# catalogue: fits to the 3D-HST v4.1 COSMOS catalogue (van der Wel et al. 2012, ApJS 203, 24;
#   Skelton et al. 2014, ApJS 214, 24), for good fits with 18 < F160W < 23 and z < 1.5. Each class is
#   represented by a structural proxy. Sizes: log10(semi-major radius / 0.06 arcsec).
# selection: effect of selecting galaxies of unambiguous class, fitted to the sample that Boucaud et
#   al. 2020 published. share: share of the class in that sample.
"""


def main() -> None:
    """Read the three catalogues and print the priors."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("galfit", "fast", "published"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    fitted = priors.fit(
        priors.read_3dhst(arguments.galfit, arguments.fast), pd.read_csv(arguments.published)
    )
    print(HEADER + yaml.safe_dump(_rounded(fitted), sort_keys=False), end="")


def _rounded(value):
    if isinstance(value, dict):
        return {k: _rounded(v) for k, v in value.items()}
    if isinstance(value, list):
        return [_rounded(v) for v in value]
    return round(value, 4) if isinstance(value, float) else value


if __name__ == "__main__":
    main()
