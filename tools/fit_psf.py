"""Find the width of the PSF that explains SEP's labels of Farrens et al. 2022.

    python tools/fit_psf.py blendhunter_predictions.csv.gz > evidence/farrens2022/sep_fits/psf.csv

The argument is a file of the authors' labels: see `farrens2022.published_predictions` in
config/README.md. Sect. 2.3 gives an average size of 0.65 arcsec and does not say of what. Simulated
parametric stamps get PSFs of several widths, and SEP labels them by the authors' rules; no network
is involved. Each row has one width, one noise level and one kind of stamp: the shares that are
labelled rightly here and by the authors, and their difference in units of its binomial error.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import galsim
import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parents[1] / "src"))

from deblend.farrens2022.config import SampleConfig, Survey
from deblend.farrens2022.galaxies import SimulatedGalaxies
from deblend.farrens2022.published import read_predictions
from deblend.farrens2022.sep import label_stamps
from deblend.farrens2022.stamps import draw_chunk, noisy
from deblend.files import read_yaml

ROOT = Path(__file__).parents[1]
FWHM_ARCSEC = (0.60, 0.65, 0.68, 0.71, 0.74, 0.78)
#: Ranges of the separation of blends (px): a wider PSF hides more of the close ones.
SEPARATIONS_PX = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 40))
#: A seed of its own: these stamps belong to no sample of the workflow.
SEED = 20220101


def combined_fwhm(moffat_arcsec: float, kolmogorov_arcsec: float, beta: float) -> float:
    """FWHM of both models together (arcsec), without the pixel."""
    psf = galsim.Convolve(
        galsim.Moffat(beta=beta, fwhm=moffat_arcsec), galsim.Kolmogorov(fwhm=kolmogorov_arcsec)
    )
    return float(psf.drawImage(nx=301, ny=301, scale=0.01, method="no_pixel").calculateFWHM())


def right_shares(table: pd.DataFrame, labels: np.ndarray) -> pd.DataFrame:
    """Number of stamps and share with the right label (NaN without any), of each kind of stamp."""
    blend = table["is_blend"].to_numpy() == 1
    distance = table["distance_px"].to_numpy()
    kinds = {"isolated": ~blend}
    for low, high in SEPARATIONS_PX:
        kinds[f"blends {low} to {high} px"] = blend & (distance >= low) & (distance < high)
    right = labels == blend
    rows = [
        (kind, int(mask.sum()), right[mask].mean() if mask.any() else np.nan)
        for kind, mask in kinds.items()
    ]
    return pd.DataFrame(rows, columns=["kind", "n", "right"])


def compare(ours: pd.DataFrame, theirs: pd.DataFrame) -> pd.DataFrame:
    """Both shares in per cent, and their difference in units of its error."""
    n = ours["n"] * theirs["n"] / (ours["n"] + theirs["n"])
    # The share of both together, which is nowhere exactly zero or one.
    pooled = (ours["n"] * ours["right"] + theirs["n"] * theirs["right"] + 1) / (
        ours["n"] + theirs["n"] + 2
    )
    error = np.sqrt(pooled * (1 - pooled) / n)
    return pd.DataFrame(
        {
            "kind": ours["kind"],
            "n": ours["n"],
            "right_percent": 100 * ours["right"],
            "n_authors": theirs["n"],
            "right_percent_authors": 100 * theirs["right"],
            "difference_sigma": (ours["right"] - theirs["right"]) / error,
        }
    )


def fit(
    config: dict[str, Any], fwhms_arcsec: Sequence[float], n_stamps: int, predictions: Path
) -> pd.DataFrame:
    """The rows of `compare` for each width of the PSF and each noise of the authors' labels."""
    their_table, _, all_labels = read_predictions(predictions)
    # The realisations of a noise level are of the same stamps.
    their_labels = {sigma: rows["authors"] for (sigma, n), rows in all_labels.items() if n == 1}
    widths = {name: config[name] for name in ("moffat_fwhm_arcsec", "kolmogorov_fwhm_arcsec")}
    present = combined_fwhm(
        widths["moffat_fwhm_arcsec"], widths["kolmogorov_fwhm_arcsec"], config["moffat_beta"]
    )
    survey = {name: config[name] for name in Survey.model_fields}
    rows = []
    for fwhm in fwhms_arcsec:
        scaled = {name: value * fwhm / present for name, value in widths.items()}
        sample = SampleConfig(**survey | scaled, kind="parametric", close_fraction=0.5)
        galaxies = SimulatedGalaxies(sample, "psf", SEED)
        images, table = draw_chunk(sample, galaxies, "psf", 0, n_stamps, SEED)
        for sigma, theirs in their_labels.items():
            noise = np.random.default_rng(SEED)
            stamps = noisy(images, sigma, config["padding_px"], noise)
            labels = label_stamps(stamps, table, config["sep"], config["tolerance_px"])
            ours = right_shares(table, labels["authors"].to_numpy())
            part = compare(ours, right_shares(their_table, theirs.to_numpy()))
            part.insert(0, "noise_sigma", sigma)
            part.insert(0, "fwhm_arcsec", fwhm)
            rows.append(part)
            chi2 = (part["difference_sigma"] ** 2).sum()
            print(f"FWHM {fwhm:g} arcsec, noise {sigma:g}: chi2 {chi2:.1f}", file=sys.stderr)
    return pd.concat(rows)


def main() -> None:
    """Draw, label, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--stamps", type=int, default=3000, help="for each width")
    arguments = parser.parse_args()
    config = read_yaml(ROOT / "config/config.yaml")["farrens2022"]
    found = fit(config, FWHM_ARCSEC, arguments.stamps, arguments.predictions)
    print(found.to_csv(index=False, float_format="%.4g"), end="")


if __name__ == "__main__":
    main()
