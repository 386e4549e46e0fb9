import dataclasses
import json

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.benchmark.methods.posterior import measure
from deblend.benchmark.posterior_calibration import calibrate_and_write
from deblend.benchmark.posterior_training import Trainer, train_and_write
from deblend.benchmark.truth import COLUMNS, Truth, write_truth
from deblend.data.stamps import write_stamps
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import write_scenes

from tests.unit.benchmark.posterior import ENTRY, RULES, SIDE, round_galaxies
from tests.unit.scenes.conftest import two_galaxies

#: Scenes of each number of galaxies of the calibration.
N_SCENES = 60

FILES = ("weights", "description", "calibration")


def sets_of(n_galaxies):
    """Scenes of as many galaxies, and their truth."""
    scenes = two_galaxies(n=N_SCENES, side=SIDE)
    rng = np.random.default_rng(n_galaxies)
    # As deep as blends of two stamps of the training.
    noise = rng.normal(0, 0.006, scenes.images.shape).astype(np.float32)
    n = n_galaxies * N_SCENES
    table = pd.DataFrame({name: np.zeros(n) for name in COLUMNS}).assign(
        scene=np.repeat(np.arange(N_SCENES), n_galaxies),
        galaxy=np.tile(np.arange(n_galaxies), N_SCENES),
        id=[f"g{i}" for i in range(n)],
        flux=rng.uniform(20, 60, n),
        n_further=0,
    )
    pixels = np.zeros((n, SIDE, SIDE), np.float32)
    sigma = np.sqrt(2) * scenes.noise_sigma
    scenes = dataclasses.replace(scenes, images=scenes.images + noise, noise_sigma=sigma)
    return scenes, Truth(table, pixels, pixels)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("posterior")
    write_stamps(folder / "stamps.h5", round_galaxies())
    names = {
        **{"weights": "network.h5", "description": "network.json", "history": "history.csv"},
        **{"calibration": "calibration.h5", "checks": "calibration.json"},
    }
    outputs = {key: folder / name for key, name in names.items()}
    train_and_write(
        outputs | {"timing": folder / "timing.json"}, folder / "stamps.h5", ENTRY, RULES,
        dataset="test", device=torch.device("cpu"), seed=0, code="abc",
        checkpoint=folder / "state.pt", recorded={"scale": "toy"},
    )  # fmt: skip
    scenes, truths = [], []
    for n in (1, 2, 3):
        found = sets_of(n)
        scenes.append(folder / f"{n}.h5")
        truths.append(folder / f"{n}_truth.h5")
        write_scenes(scenes[-1], found[0])
        write_truth(truths[-1], found[1])
    calibrate_and_write(
        outputs, scenes, truths, outputs["weights"], outputs["description"],
        device=torch.device("cpu"),
    )  # fmt: skip
    return outputs


def test_a_training_learns_and_is_described(trained):
    history = pd.read_csv(trained["history"])
    assert history["flux_loss"].iloc[-5:].mean() < history["flux_loss"].iloc[:5].mean() - 0.3
    record = json.loads(trained["description"].read_text())
    checks = json.loads(trained["checks"].read_text())
    assert record["n_train_galaxies"] == 16
    assert (checks["n"], checks["n_two"]) == (3 * N_SCENES, N_SCENES)
    assert not trained["weights"].with_name("state.pt").exists()


def test_a_trained_network_measures(trained):
    files = {key: str(trained[key]) for key in FILES}
    scenes = two_galaxies(n=2, side=SIDE)
    scenes = dataclasses.replace(scenes, noise_sigma=np.sqrt(2) * scenes.noise_sigma)
    found = measure(scenes, **files)
    table = found.table
    assert table["role"].tolist() == ["central", "companion"] * 2
    assert (table["flux_p16"] < table["flux"]).all()
    assert (table["flux"] < table["flux_p84"]).all()
    np.testing.assert_allclose(table[["p_one", "p_two", "p_more"]].sum(axis=1), 1, rtol=1e-5)
    assert found.draws.shape[0] == 4
    again = measure(scenes, **files)
    np.testing.assert_array_equal(found.draws, again.draws)


def test_other_stamps_are_refused(trained):
    files = {key: str(trained[key]) for key in FILES}
    with pytest.raises(UnsuitedError, match=f"stamps of {SIDE} px, these have 40"):
        measure(two_galaxies(n=1, side=40), **files)


def test_the_rate_rises_and_falls_to_zero():
    trainer = Trainer(ENTRY, np.array([10.0, 20.0]), torch.device("cpu"), 0)
    rates = [trainer.rate(i) for i in (0, 2, 50)]
    assert rates[0] < rates[1]
    np.testing.assert_allclose(rates[2], 0, atol=1e-12)
