"""Made-up stamps and accuracies, for the tests of several modules."""

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.farrens2022.config import SampleConfig
from deblend.farrens2022.metrics import parametric_accuracies, realistic_accuracies
from deblend.farrens2022.stamps import TABLE_COLUMNS, write_sample

from tests.conftest import ROOT

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["farrens2022"]
NOISE = (5.0, 15.0, 35.0)
SETS = [(sigma, number) for sigma in NOISE for number in range(2)]


def sample_config(**changes):
    """Stamps as in the paper, of simulated galaxies to 23.5 mag."""
    values = {
        "kind": "parametric",
        "stamp_size": 51,
        "pixel_scale_arcsec": 0.187,
        "exposure_s": 300.0,
        "telescope_diameter_m": 3.6,
        "telescope_obscuration": 0.0,
        "moffat_beta": 4.765,
        "moffat_fwhm_arcsec": 0.34,
        "moffat_ellipticity_sigma": 0.05,
        "kolmogorov_fwhm_arcsec": 0.5,
        "kolmogorov_ellipticity_sigma": 0.01,
        "mag_min": 18.0,
        "mag_max": 23.5,
        "close_fraction": None,
    }
    return SampleConfig(**{**values, **changes})


def stamps(n, rng):
    """A table of stamps, half of them blends, one in eight of those close."""
    blend = np.arange(n) % 2
    close = np.arange(n) % 16 == 1
    distance = np.where(close, rng.uniform(0, 10, n), rng.uniform(10, 36, n))
    return pd.DataFrame(
        {"is_blend": blend, "distance_px": np.where(blend, distance, np.nan), "weight": 1.0}
    )


def guesses(table, rng, close, distant, isolated):
    """Labels that are right with a given probability for each kind of stamp."""
    near = table["distance_px"] < 10
    right = np.where(table["is_blend"] == 0, isolated, np.where(near, close, distant))
    hit = rng.uniform(size=len(table)) < right
    return np.where(hit, table["is_blend"], 1 - table["is_blend"])


def accuracies(mutate=lambda labels, rng: labels):
    """Accuracies as in the paper: better for close blends, as good for distant ones.

    `mutate` changes BlendHunter's labels before the accuracies are computed.
    """
    rng = np.random.default_rng(1)
    test, real = stamps(4000, rng), stamps(8000, rng)
    hunter, sep = {}, {}
    for sigma, number in SETS:
        loss = (sigma - 5) / 300
        label = mutate(guesses(test, rng, 0.95 - loss, 0.995 - loss, 0.995 - loss), rng)
        hunter[sigma, number] = pd.DataFrame({"probability": label.astype(float)})
        label = guesses(test, rng, 0.5, 0.99 - 1.1 * loss, 0.999 - 1.2 * loss)
        sep[sigma, number] = pd.DataFrame(dict.fromkeys(("authors", "section_4_1"), label))
    parametric, by_distance = parametric_accuracies(test, hunter, sep, list(range(0, 37, 2)))
    heads = {
        f"sigma{s:g}_{r}": mutate(
            guesses(real, rng, 0.78, 0.945 - 0.01 * (s != 15), 0.945 - 0.002 * s), rng
        )
        for s, r in SETS
    }
    label = guesses(real, rng, 0.45, 0.94, 0.93)
    sep_labels = pd.DataFrame(dict.fromkeys(("authors", "section_4_1"), label))
    realistic, _ = realistic_accuracies(real, pd.DataFrame(heads), sep_labels, SETS)
    return {
        "parametric": parametric,
        "by_distance": by_distance,
        "realistic": realistic.assign(realistic_noise_sigma=14.5),
        "stamps": real,
    }


@pytest.fixture(scope="session")
def tables():
    """Accuracies as in the paper; tests change copies of them only."""
    return accuracies()


def write_stamps(path, n, seed=0):
    """Write a sample of stamps of 20 x 20 pixels; every second one is a blend."""
    y, x = np.indices((20, 20))
    rng = np.random.default_rng(seed)

    def galaxies():
        places = rng.uniform(6, 14, (n, 2, 1, 1))
        return 300 * np.exp(-((y - places[:, 0]) ** 2 + (x - places[:, 1]) ** 2) / 8)

    blend = np.arange(n) % 2
    images = galaxies() + blend[:, None, None] * galaxies()
    table = pd.DataFrame(0.0, index=range(n), columns=list(TABLE_COLUMNS))
    table = table.assign(stamp=range(n), is_blend=blend, galaxy_1="a", galaxy_2="b")
    write_sample(path, [(images.astype(np.float32), table)], n)
    return path
