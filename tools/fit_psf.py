"""Find the width of the PSF that explains SEP's labels of Farrens et al. 2022.

    python tools/fit_psf.py blendhunter_predictions.csv.gz > evidence/farrens2022/sep_fits/psf.csv

Sect. 2.3 gives an average size of 0.65 arcsec and does not say of what. Simulated parametric
stamps get PSFs of several widths, and SEP labels them by the authors' rules; no network is
involved. Each row has one width, one noise level and one kind of stamp: the shares that are
labelled rightly here and by the authors, and their difference in units of its error. Rows of all
stamps compare with SEP's accuracy in Figure 4, the others with the authors' labels in the file
that is the argument, of an earlier run of theirs: see `farrens2022.published_predictions` in
config/README.md. The widths are compared by the sum of the squares of the differences from Figure 4
(columns `chi2_fig4`), which the paper reports, and `chi2_labels`.
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
FWHM_ARCSEC = (0.65, 0.67, 0.69, 0.70, 0.71, 0.74)
#: Ranges of the separation of blends (px): a wider PSF hides more of the close ones.
SEPARATIONS_PX = ((0, 4), (4, 6), (6, 8), (8, 10), (10, 40))
COLUMNS = (
    *("fwhm_arcsec", "noise_sigma", "kind", "n", "right_percent"),
    *("n_authors", "right_percent_authors", "difference_sigma", "chi2_fig4", "chi2_labels"),
)
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


def accuracy(table: pd.DataFrame, labels: np.ndarray) -> tuple[float, float]:
    """Share of all stamps with the right label, close blends as frequent as by chance; its error.

    Half of the stamps are isolated, and blends count by their `weight`.
    """
    blend = table["is_blend"].to_numpy() == 1
    right = labels == blend
    weights = table["weight"].to_numpy()[blend]
    isolated, blends = right[~blend].mean(), np.average(right[blend], weights=weights)
    variance = isolated * (1 - isolated) / (~blend).sum()
    variance += (weights**2 * (right[blend] - blends) ** 2).sum() / weights.sum() ** 2
    return float(isolated + blends) / 2, float(np.sqrt(variance)) / 2


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


def compare_with_figure_4(
    table: pd.DataFrame, labels: np.ndarray, published: float, published_error: float
) -> pd.DataFrame:
    """A row like those of `compare` of all stamps; published values are in per cent."""
    right, error = accuracy(table, labels)
    difference = 100 * right - published
    return pd.DataFrame(
        {
            "kind": ["all, Figure 4"],
            "n": len(table),
            "right_percent": 100 * right,
            "right_percent_authors": published,
            "difference_sigma": difference / np.hypot(100 * error, published_error),
        }
    )


def fit(
    config: dict[str, Any],
    figure_4: dict[str, Any],
    fwhms_arcsec: Sequence[float],
    n_stamps: int,
    predictions: Path,
) -> pd.DataFrame:
    """The rows of both comparisons for each width of the PSF and each noise level."""
    their_table, _, all_labels = read_predictions(predictions)
    # The realisations of a noise level are of the same stamps.
    their_labels = {sigma: rows["authors"] for (sigma, n), rows in all_labels.items() if n == 1}
    published = dict(zip(figure_4["noise_sigma"], figure_4["SEP"], strict=True))
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
        parts = []
        for sigma in sorted({*their_labels, *published}):
            noise = np.random.default_rng(SEED)
            stamps = noisy(images, sigma, config["padding_px"], noise)
            labels = label_stamps(stamps, table, config["sep"], config["tolerance_px"])
            ours = labels["authors"].to_numpy()
            if sigma in their_labels:
                theirs = right_shares(their_table, their_labels[sigma].to_numpy())
                parts.append(compare(right_shares(table, ours), theirs).assign(noise_sigma=sigma))
            if sigma in published:
                part = compare_with_figure_4(table, ours, published[sigma], figure_4["error"])
                parts.append(part.assign(noise_sigma=sigma))
        found = pd.concat(parts)
        of_figure = found["kind"] == "all, Figure 4"
        squares = found["difference_sigma"] ** 2
        sums = {"chi2_fig4": squares[of_figure].sum(), "chi2_labels": squares[~of_figure].sum()}
        print(f"FWHM {fwhm:g} arcsec: {sums}", file=sys.stderr)
        rows.append(found.assign(fwhm_arcsec=fwhm, **sums))
    return pd.concat(rows)[list(COLUMNS)]


def main() -> None:
    """Draw, label, compare and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("predictions", type=Path)
    parser.add_argument("--stamps", type=int, default=4000, help="for each width")
    arguments = parser.parse_args()
    config, published = (
        read_yaml(ROOT / f"config/{name}.yaml")["farrens2022"] for name in ("config", "published")
    )
    found = fit(config, published["fig4"], FWHM_ARCSEC, arguments.stamps, arguments.predictions)
    print(found.to_csv(index=False, float_format="%.4g"), end="")


if __name__ == "__main__":
    main()
