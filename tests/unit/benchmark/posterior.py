"""Stamps of round galaxies with a PSF, for the tests of blend2posterior."""

import numpy as np
import pandas as pd
from deblend.data.stamps import GALAXY_COLUMNS, Stamps, band_table

SIDE = 32
RULES = {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "noise"}
ENTRY = {
    **{"kind": "blend2posterior", "filters": 4, "blocks": 1, "dropout": 0.0, "iterations": 50},
    **{"batch_size": 32, "learning_rate": 0.004, "weight_decay": 0.0, "shares": (0.2, 0.6, 0.2)},
    **{"n_neighbours_mean": 4.0, "neighbour_mag": (22.0, 24.0)},
    "n_profiles": 20,
    "subset": None,
}


def round_galaxies(n=24):
    """Gaussian galaxies, two thirds of them for training, the others for validation."""
    rng = np.random.default_rng(0)
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    sizes, flux = rng.uniform(1.5, 3, n), rng.uniform(20, 60, n)
    images = [
        f * np.exp(-(x**2 + y**2) / 2 / s**2) / (2 * np.pi * s**2)
        for f, s in zip(flux, sizes, strict=True)
    ]
    galaxies = pd.DataFrame({name: np.full(n, np.nan) for name in GALAXY_COLUMNS})
    galaxies = galaxies.assign(
        id=[f"g{i}" for i in range(n)], origin="test", morphology="disk",
        mag=25.96 - 2.5 * np.log10(flux), half_light_radius_px=1.2 * sizes,
        split=(["train", "train", "validation"] * n)[:n],
    )  # fmt: skip
    psf = np.exp(-(x**2 + y**2) / 2 / 1.2**2)
    noisy = np.array(images) + rng.normal(0, 0.006, (n, SIDE, SIDE))
    return Stamps(
        noisy[:, None].astype(np.float32), np.zeros((n, SIDE, SIDE), np.int16), galaxies,
        band_table("f160w", 0.06, 25.96, 0.006), (psf / psf.sum())[None],
    )  # fmt: skip
