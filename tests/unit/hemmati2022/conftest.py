"""Galaxies, pairs of images and settings that tests of several modules share."""

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.data.stamps import Stamps, band_table
from deblend.hemmati2022.config import Detection, HemmatiBlendConfig, LowConfig, SrConfig
from deblend.hemmati2022.degrade import psf_image
from deblend.hemmati2022.detection import detect
from deblend.hemmati2022.pairs import PairMaker, single_galaxies
from deblend.hemmati2022.peaks import calibration_halves
from deblend.hemmati2022.predict import Network
from deblend.training import torch_backend

CPU = torch.device("cpu")
BLENDING = HemmatiBlendConfig(separation_sigma_px=6.5, max_shift_px=15, any_angle=False)
DETECTION = Detection(
    radius_px=5.0,
    low_radius_px=5.0,
    false_positive_rate=0.03,
    fwhm_arcsec=(0.08, 0.3),
    low_fwhm_arcsec=(0.3, 0.8),
    richardson_lucy_iterations=2,
    sep_contrasts=(0.001,),
    bootstrap_resamples=20,
)
LOW = LowConfig(
    psf_fwhm_arcsec=0.6, psf_beta=3.0, depth_mag=26.2, softening_sigma=10.0, sky_mag_arcsec2=None
)
SPLITS = {
    "train": np.arange(8),
    "validation": np.arange(8, 14),
    "calibration": np.arange(14),
    "test": np.arange(14, 24),
}
TINY = SrConfig(
    kind="super_resolution",
    filters=4,
    blocks=1,
    n_latent=8,
    discriminator_filters=2,
    conditional=True,
    batch_norm=True,
    loss="minimax",
    content_weight=1.0,
    blend_fraction=0.5,
    epochs=4,
    steps_per_epoch=3,
    batch_size=4,
    learning_rate=2e-3,
    discriminator_learning_rate=2e-3,
    precision="float32",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch_backend.configure(1, 1)


@pytest.fixture(scope="session")
def stamps():
    """Bright round galaxies of two bands on 128 pixels."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:128, :128] - 64.0
    n = 24
    width = rng.uniform(1.5, 3, (n, 1, 1))
    light = np.exp(-(x**2 + y**2) / (2 * width**2)) / (2 * np.pi * width**2)
    mag = rng.uniform(21, 23, n)
    flux = 10 ** (-0.4 * (mag - 25.67))
    images = (flux[:, None, None] * light)[:, None] * np.array([1.0, 0.6])[:, None, None]
    images = images + rng.normal(0, 0.002, images.shape)
    galaxies = pd.DataFrame(
        {"id": [f"g{i}" for i in range(n)], "mag": mag, "redshift": rng.uniform(0.2, 3, n)}
    )
    for column in (
        *["sersic_n", "axis_ratio", "p_sph", "p_disk", "p_irr", "ra", "dec"],
        "half_light_radius_px",
    ):
        galaxies[column] = 1.0
    galaxies = galaxies.assign(morphology="disk", origin="test")
    bands = pd.concat(
        [band_table(name, 0.06, 25.67, 0.002) for name in ("f775w", "f606w")], ignore_index=True
    )
    psf = np.stack([psf_image(0.08, 3.0, 0.06, 31)] * 2).astype(np.float32)
    segmaps = np.zeros((n, 128, 128), np.int16)
    return Stamps(images.astype(np.float32), segmaps, galaxies, bands, psf)


def maker_of(stamps, bands=("f775w",)):
    return PairMaker(stamps, list(bands), LOW, seed=1, train_rows=SPLITS["train"], name="test")


@pytest.fixture(scope="session")
def maker(stamps):
    return maker_of(stamps)


class Oracle(torch.nn.Module):
    """A perfect network, which returns the true images."""

    def __init__(self, answers):
        super().__init__()
        self.answers = iter(answers)

    def forward(self, low):
        return torch.from_numpy(np.concatenate([next(self.answers) for _ in low]))


@pytest.fixture(scope="session")
def detected(maker):
    n = {"validation": 40, "test": 40}

    rows = {**SPLITS, "calibration": calibration_halves(maker, SPLITS["calibration"])[1]}

    def truth(split, start, stop, alone):
        blends = maker.draw(rows[split], start, stop, split, BLENDING)
        high = maker.scaled(single_galaxies(blends) if alone else blends, split)[0]
        return [high[i : i + 1] for i in range(len(high))]

    answers = [
        *truth("calibration", 0, 80, True),
        *truth("validation", 40, 80, False),
        *truth("validation", 80, 120, True),
        *truth("test", 0, 40, False),
        *truth("test", 40, 80, True),
    ]
    networks = {"gan": Network(Oracle(answers), maker, 0)}
    return detect(networks, SPLITS, n, BLENDING, DETECTION, CPU)
