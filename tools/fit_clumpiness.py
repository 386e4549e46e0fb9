r"""Find the clumps and pairs of simulated galaxies with which SEP errs as in Farrens et al. 2022.

    python tools/fit_clumpiness.py --real gals201_f606w_f814w_f125w.npz \
        > evidence/farrens2022/sep_fits/clumpiness.csv

SEP, by the authors' rules, labels 95.8 % of the isolated realistic stamps rightly (Fig. 6). Each
row has the share of isolated stamps that SEP labels rightly, its error, and the share without a
detection, in per cent, for one limit of magnitude and one pair of values of
`farrens2022.clumpiness` and `farrens2022.pair_share`. All else is as for the realistic stamps of
config.yaml. With `--real`, rows of real galaxies that were selected as isolated, for the
clumpiness: images of F814W, as in config/examples/real_galaxies.yaml, each at five angles.
"""

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.farrens2022.config import SampleConfig, Survey
from deblend.farrens2022.galaxies import COSMOS_ZERO_POINT, SimulatedGalaxies
from deblend.farrens2022.metrics import FAILED
from deblend.farrens2022.sep import label_stamps
from deblend.farrens2022.stamps import draw_stamp, noisy
from deblend.files import read_yaml

ROOT = Path(__file__).parents[1]
#: Clumpiness and share of pairs: first clumps alone, then pairs with the chosen clumpiness.
VALUES = ((0.0, 0.0), (0.05, 0.0), (0.1, 0.0), (0.3, 0.0), (0.05, 0.05), (0.05, 0.08), (0.05, 0.11))
#: Seed and name of stamps that belong to no sample of the workflow.
SEED, NAME = 20220102, "clumpiness"
ANGLES = 5
REAL_PIXEL_SCALE_ARCSEC, REAL_ZERO_POINT, REAL_PLANE = 0.06, 26.78212, 1


class RealGalaxies:
    """Images of isolated galaxies without noise; stamp 2 n has galaxy n, at a random angle.

    Their PSF of HST is left in: it adds 1.5 % to the width of that from the ground.
    """

    def __init__(self, images: np.ndarray) -> None:
        self.profiles, self.mags = [], []
        for image in images.astype(float):
            flux = image.sum()
            self.mags.append(REAL_ZERO_POINT - 2.5 * np.log10(flux))
            profile = galsim.InterpolatedImage(
                galsim.Image(image),
                scale=REAL_PIXEL_SCALE_ARCSEC,
                flux=10 ** (0.4 * (COSMOS_ZERO_POINT - self.mags[-1])),
                x_interpolant="linear",
            )
            self.profiles.append(profile.shift(-profile.centroid))

    def __call__(
        self, rng: np.random.Generator, stamp: int, position: int
    ) -> tuple[galsim.GSObject, str, float]:
        """Profile (HST counts/s), name and magnitude of the galaxy of a stamp."""
        galaxy = stamp // 2 % len(self.profiles)
        angle = rng.uniform(0, 2 * np.pi) * galsim.radians
        return self.profiles[galaxy].rotate(angle), str(galaxy), self.mags[galaxy]


def sample_of(config: dict[str, Any], **values: float) -> SampleConfig:
    """Realistic stamps of a configuration."""
    survey = {name: config[name] for name in Survey.model_fields}
    return SampleConfig(**survey | values, kind="real")


def isolated_labels(
    config: dict[str, Any],
    sample: SampleConfig,
    galaxies: SimulatedGalaxies | RealGalaxies,
    n_stamps: int,
) -> pd.DataFrame:
    """SEP's labels, with column `label`, of isolated stamps; stamps with even numbers are such."""
    drawn = [draw_stamp(sample, galaxies, NAME, 2 * i, SEED) for i in range(n_stamps)]
    images = np.stack([image for image, _ in drawn])
    table = pd.DataFrame([row for _, row in drawn])
    noise = np.random.default_rng(SEED)
    stamps = noisy(images, config["realistic_noise_sigma"], config["padding_px"], noise)
    labels = label_stamps(stamps, table, config["sep"], config["tolerance_px"])["authors"]
    return table.assign(label=labels)


def share_right(labels: pd.DataFrame) -> dict[str, float]:
    """The shares of a row, with the error by galaxy."""
    by_galaxy = (labels["label"] == 0).groupby(labels["galaxy_1"]).mean()
    return {
        "n_galaxies": len(by_galaxy),
        "right_percent": 100 * by_galaxy.mean(),
        "error_percent": 100 * by_galaxy.std(ddof=0) / np.sqrt(len(by_galaxy)),
        "no_detection_percent": 100 * (labels["label"] == FAILED).mean(),
    }


def shares_right(
    config: dict[str, Any], values: Sequence[tuple[float, float]], n_stamps: int
) -> Iterator[dict[str, float | str]]:
    """The rows of simulated galaxies for one limit of magnitude, the configuration's."""
    for clumpiness, pair_share in values:
        sample = sample_of(config, clumpiness=clumpiness, pair_share=pair_share)
        galaxies = SimulatedGalaxies(sample, NAME, SEED)
        yield {
            "galaxies": "simulated",
            "mag_max": config["mag_max"],
            "clumpiness": clumpiness,
            "pair_share": pair_share,
        } | share_right(isolated_labels(config, sample, galaxies, n_stamps))


def real_shares_right(
    config: dict[str, Any], images: np.ndarray, limits: Sequence[float]
) -> Iterator[dict[str, float | str]]:
    """The rows of real galaxies."""
    galaxies = RealGalaxies(images)
    labels = isolated_labels(config, sample_of(config), galaxies, ANGLES * len(images))
    for limit in limits:
        within = labels[labels["mag_1"] <= limit]
        yield {"galaxies": "real", "mag_max": limit} | share_right(within)


def main() -> None:
    """Draw, label and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--stamps", type=int, default=2000, help="for each value")
    parser.add_argument("--real", type=Path, help="file with images of 201 HST galaxies")
    arguments = parser.parse_args()
    config, toy = (
        read_yaml(ROOT / f"config/{name}.yaml")["farrens2022"] for name in ("config", "toy")
    )
    limits = (config["mag_max"], toy["mag_max"])
    rows = [
        row
        for limit in limits
        for row in shares_right(config | {"mag_max": limit}, VALUES, arguments.stamps)
    ]
    if arguments.real:
        with np.load(arguments.real, allow_pickle=False) as file:
            rows += real_shares_right(config, file["images"][:, REAL_PLANE], limits)
    print(pd.DataFrame(rows).to_csv(index=False, float_format="%.4g"), end="")


if __name__ == "__main__":
    main()
