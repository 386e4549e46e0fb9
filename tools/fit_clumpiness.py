"""Find the clumpiness of simulated galaxies with which SEP errs as in Farrens et al. 2022.

    python tools/fit_clumpiness.py > evidence/farrens2022/sep_fits/clumpiness.csv

SEP, by the authors' rules, labels 95.8 % of the isolated realistic stamps rightly (Fig. 6). Each
row has one limit of magnitude, that of config.yaml or toy.yaml, and one value of
`farrens2022.clumpiness`: the share of isolated stamps that SEP labels rightly, its binomial error,
and the share without a detection, in per cent. All else is as for the realistic stamps of
config.yaml.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.farrens2022.config import SampleConfig, Survey
from deblend.farrens2022.galaxies import SimulatedGalaxies
from deblend.farrens2022.metrics import FAILED
from deblend.farrens2022.sep import label_stamps
from deblend.farrens2022.stamps import draw_stamp, noisy
from deblend.files import read_yaml

ROOT = Path(__file__).parents[1]
CLUMPINESS = (0.1, 0.2, 0.3, 0.5)
#: Seed and name of stamps that belong to no sample of the workflow.
SEED, NAME = 20220102, "clumpiness"


def shares_right(
    config: dict[str, Any], values: Sequence[float], n_stamps: int
) -> Iterator[dict[str, float]]:
    """The rows of the table for one limit of magnitude, the configuration's."""
    survey = {name: config[name] for name in Survey.model_fields}
    for clumpiness in values:
        sample = SampleConfig(**survey | {"clumpiness": clumpiness}, kind="real")
        galaxies = SimulatedGalaxies(sample, NAME, SEED)
        # Stamps with even numbers are isolated galaxies.
        drawn = [draw_stamp(sample, galaxies, NAME, 2 * i, SEED) for i in range(n_stamps)]
        images = np.stack([image for image, _ in drawn])
        table = pd.DataFrame([row for _, row in drawn])
        noise = np.random.default_rng(SEED)
        stamps = noisy(images, config["realistic_noise_sigma"], config["padding_px"], noise)
        labels = label_stamps(stamps, table, config["sep"], config["tolerance_px"])["authors"]
        right = (labels == 0).mean()
        yield {
            "mag_max": config["mag_max"],
            "clumpiness": clumpiness,
            "n": n_stamps,
            "right_percent": 100 * right,
            "error_percent": 100 * np.sqrt(right * (1 - right) / n_stamps),
            "no_detection_percent": 100 * (labels == FAILED).mean(),
        }


def main() -> None:
    """Draw, label and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=int, default=2000, help="for each value")
    parser.add_argument("--clumpiness", type=float, nargs="+", default=CLUMPINESS)
    arguments = parser.parse_args()
    config, toy = (
        read_yaml(ROOT / f"config/{name}.yaml")["farrens2022"] for name in ("config", "toy")
    )
    rows = [
        row
        for limit in (config["mag_max"], toy["mag_max"])
        for row in shares_right(config | {"mag_max": limit}, arguments.clumpiness, arguments.stamps)
    ]
    print(pd.DataFrame(rows).to_csv(index=False, float_format="%.4g"), end="")


if __name__ == "__main__":
    main()
