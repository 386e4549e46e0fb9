import json

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.benchmark.methods.separator import measure
from deblend.benchmark.separator_training import Batches, Trainer, train_and_write
from deblend.boucaud2020.config import BlendConfig
from deblend.data.stamps import GALAXY_COLUMNS, Stamps, band_table, write_stamps
from deblend.reiman2019.networks import CopyGateGenerator

from tests.unit.scenes.conftest import two_galaxies

SIDE = 32
ENTRY = {"filters": 4, "levels": 2, "iterations": 12, "batch_size": 4, "learning_rate": 0.002}
RULES = {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "zero"}


@pytest.fixture
def stamps():
    """Gaussian galaxies, half of them for training."""
    rng = np.random.default_rng(0)
    y, x = np.indices((SIDE, SIDE)) - SIDE // 2
    sizes, flux = rng.uniform(1.5, 3, 12), rng.uniform(20, 60, 12)
    profiles = [np.exp(-(x**2 + y**2) / 2 / s**2) / (2 * np.pi * s**2) for s in sizes]
    images = [f * profile for f, profile in zip(flux, profiles, strict=True)]
    galaxies = pd.DataFrame({name: np.full(12, np.nan) for name in GALAXY_COLUMNS})
    galaxies = galaxies.assign(
        id=[f"g{i}" for i in range(12)], origin="test", morphology="disk",
        mag=25.96 - 2.5 * np.log10(flux), half_light_radius_px=1.2 * sizes,
        split=["train"] * 6 + ["test"] * 6,
    )  # fmt: skip
    return Stamps(
        (np.array(images) + rng.normal(0, 0.006, (12, SIDE, SIDE)))[:, None].astype(np.float32),
        np.zeros((12, SIDE, SIDE), np.int16),
        galaxies,
        band_table("f160w", 0.06, 25.96, 0.006),
    )


def test_batches_are_sums_of_training_galaxies(stamps):
    config = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
    batches = Batches(stamps, config, companion_edge="zero", batch_size=4, seed=1)
    assert batches.n_galaxies == 6
    later = batches.batch(3)
    images, alone = batches.batch(0)
    assert images.shape == (4, SIDE, SIDE)
    softening, limit = batches.stretch
    light = softening * np.sinh(
        np.stack([images, *alone.transpose(1, 0, 2, 3)]) * np.arcsinh(limit / softening)
    )
    np.testing.assert_allclose(light[0], light[1] + light[2], atol=1e-4)
    # Whatever was drawn before, an iteration has the same blends.
    np.testing.assert_array_equal(batches.batch(3)[0], later[0])


def test_a_trained_separator_measures(tmp_path, stamps):
    write_stamps(tmp_path / "stamps.h5", stamps)
    names = {"weights": "network.h5", "description": "network.json", "history": "history.csv"}
    outputs = {key: tmp_path / name for key, name in names.items()}
    train_and_write(
        outputs | {"timing": tmp_path / "timing.json"}, tmp_path / "stamps.h5", ENTRY, RULES,
        dataset="test", device=torch.device("cpu"), seed=0, code="abc",
        checkpoint=tmp_path / "state.pt",
        recorded={"scale": "toy"},
    )  # fmt: skip
    history = pd.read_csv(outputs["history"])
    assert history["mse"].iloc[-1] < history["mse"].iloc[0]
    record = json.loads(outputs["description"].read_text())
    assert (record["n_train_galaxies"], record["stamp_size"]) == (6, SIDE)
    assert not (tmp_path / "state.pt").exists()
    scenes = two_galaxies(n=1, side=SIDE)
    table = measure(
        scenes, weights=str(outputs["weights"]), description=str(outputs["description"])
    ).table
    assert np.isfinite(table["flux"]).all()


def test_the_learning_rate_falls_to_zero():
    trainer = Trainer(ENTRY, torch.device("cpu"), 0)
    rates = [trainer.rate(i) for i in (0, 6, 12)]
    np.testing.assert_allclose(rates, [0.002, 0.001, 0], atol=1e-12)
    assert isinstance(trainer.networks()["generator"], CopyGateGenerator)
