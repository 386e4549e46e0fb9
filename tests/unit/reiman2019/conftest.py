"""Made-up galaxies, scores and histories, for the tests of several modules."""

import functools

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.reiman2019.config import GanConfig, PerturbConfig
from deblend.reiman2019.metrics import score_images
from deblend.training.vgg import random_weights

from tests.conftest import ROOT

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["reiman2019"]
N, SIDE = 24, 24
#: Perturbations of the small frames below, for images of 16 x 16 pixels.
PAIRS = PerturbConfig(
    order="authors", shift_px=(3, 8), log_scale=(-1.0, 0.5), blending="max", crop_px=48, reduce_by=3
)
#: A GAN that trains in milliseconds on them.
TINY = GanConfig(
    root_blocks=1,
    branch_blocks=1,
    filters=4,
    coordinates=True,
    discriminator_filters=2,
    discriminator_units=8,
    adversarial_weight=1e-3,
    adversarial="non_saturating",
    burn_in_iterations=3,
    vgg_input_px=16,
    iterations=9,
    learning_rate=1e-3,
    discriminator_learning_rate=1e-4,
    drop_factor=0.1,
    drop_iteration=6,
    n_train_blends=None,
    batch_size=4,
    precision="float32",
    trace_interval=2,
    checkpoint_interval=2,
)


def galaxies():
    """Central galaxies and companions as smooth spots on a dark sky."""
    rng = np.random.default_rng(3)
    y, x = np.mgrid[:SIDE, :SIDE] - (SIDE - 1) / 2
    true = np.empty((N, 2, SIDE, SIDE, 3), np.float32)
    for i in range(N):
        for galaxy, offset in enumerate((0, rng.uniform(5, 10))):
            angle, width = rng.uniform(0, 2 * np.pi), rng.uniform(2, 5)
            dy, dx = offset * np.sin(angle), offset * np.cos(angle)
            spot = np.exp(-((y - dy) ** 2 + (x - dx) ** 2) / (2 * width**2))
            true[i, galaxy] = spot[..., None] * rng.uniform(0.3, 0.9, 3)
    return true


TRUE = galaxies()
BLEND = np.repeat(TRUE.max(axis=1, keepdims=True), 2, axis=1)
#: Each image shows a different galaxy.
FRAMES = np.arange(2 * N)
OTHER_FRAMES = FRAMES.reshape(-1, 2)[:, ::-1].ravel()
GOOD = np.clip(TRUE + np.random.default_rng(4).normal(0, 0.002, TRUE.shape), 0, 1)
MUTATIONS = {
    "good": GOOD,
    "permuted": GOOD[np.random.default_rng(5).permutation(N)],
    "swapped branches": GOOD[:, ::-1],
    "black": np.zeros_like(GOOD),
    "the blend itself": BLEND,
    "one branch twice": np.repeat(GOOD[:, :1], 2, axis=1),
    "the blend as companion": np.stack([GOOD[:, 0], BLEND[:, 1]], axis=1),
}


def scored(method, answer):
    return score_images(answer.astype(np.float32), TRUE).assign(
        method=method, frame=FRAMES, other_frame=OTHER_FRAMES
    )


@functools.cache
def baselines():
    answers = {
        "mse": np.clip(GOOD + 0.001, 0, 1),
        "blend": BLEND,
        "black": np.zeros_like(GOOD),
        "sky": np.full_like(GOOD, 0.02),
    }
    return tuple(scored(method, answer) for method, answer in answers.items())


@functools.cache
def answer_of(name):
    return scored("gan", MUTATIONS[name])


def tables(name="good", course=None):
    return {
        "scores": pd.concat([answer_of(name), *baselines()], ignore_index=True),
        "history": history() if course is None else course,
        "speed": pd.DataFrame(
            {"method": ["gan"], "blends_per_second": [42.0], "device": ["cpu"], "threads": [2]}
        ).assign(orientations=1),
        "rates": pd.DataFrame(
            {"method": "gan", "by": "all", "kind": "odd_colour", "n": 400, "n_failed": [1, 3]}
        ),
        "misalignment": pd.DataFrame(
            {
                "method": "gan",
                "offset": ["red_x", "blue_x"],
                "true_mean_px": [0.3, 0.001],
                "true_error_px": 0.01,
                "mean_px": [0.25, 0.02],
                "error_px": 0.01,
            }
        ),
    }


def history(burn_in=600, total=3000, step=20):
    iteration = np.arange(step, total + 1, step)
    early = iteration <= burn_in
    return pd.DataFrame(
        {
            "iteration": iteration,
            "phase": np.where(early, "burn_in", "gan"),
            "mse": 0.3 * np.exp(-iteration / 500) + 0.003,
            "adversarial": np.where(early, np.nan, 1 + iteration / 3000),
            "discriminator": np.where(early, np.nan, 1.2 - iteration / 6000),
            "d_real": np.where(early, np.nan, 0.8),
            "d_fake": np.where(early, np.nan, 0.3),
            "vgg": np.where(early, 0.5 * np.exp(-iteration / 400), np.nan),
            "brightness_ratio": 1 + 2 * np.exp(-iteration / 150),
            "val_psnr_db": np.where(
                iteration % 300 == 0, 33 - 10 * np.exp(-iteration / 900), np.nan
            ),
        }
    )


@pytest.fixture(scope="session")
def one_thread():
    # Imported here, since most tests of this folder do without PyTorch.
    from deblend.training import torch_backend

    torch_backend.configure(1, 1)


@pytest.fixture(scope="session")
def small_vgg():
    """VGG-16 with random weights and all its filters."""
    return random_weights(1)


@pytest.fixture(scope="session")
def frames():
    """Blobs in the middle of 31 x 31 pixels."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:31, :31] - 15.0
    width = rng.uniform(1.5, 4, (12, 1, 1))
    light = np.exp(-(x**2 + y**2) / (2 * width**2))
    return (light[..., None] * rng.uniform(100, 250, (12, 1, 1, 3))).astype(np.uint8)


def source_of(frames, seed=1):
    """Training blends of such frames; PyTorch is imported here, since few tests need it."""
    from deblend.reiman2019.batches import PairSource

    return PairSource(frames, np.arange(8), PAIRS, seed=seed, batch_size=TINY.batch_size)


def validation_of(frames):
    """Six validation blends of such frames, and their true images."""
    import torch
    from deblend.reiman2019.blends import blend, draw_blends, perturbation_tensor

    pairs = draw_blends(1, "galaxyzoo", "validation", np.arange(8, 12), 6, PAIRS)
    central, companion = (torch.from_numpy(frames[pairs[c]]) for c in ("central", "companion"))
    return blend(central, companion, perturbation_tensor(pairs), PAIRS)
