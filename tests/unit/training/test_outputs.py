"""What a training leaves: all its outputs, and then no checkpoint."""

import json
import logging

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.checkout import commit_of_code
from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import torch
from deblend.boucaud2020 import training as boucaud
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.data.stamps import write_stamps
from deblend.farrens2022 import training as farrens
from deblend.farrens2022.stamps import TABLE_COLUMNS, write_sample
from deblend.hemmati2022 import training as hemmati
from deblend.reiman2019 import training as reiman
from deblend.tables import write_ecsv
from deblend.training import torch_backend
from deblend.training.outputs import training_outputs
from deblend.training.vgg import random_weights, write_vgg

from tests.conftest import make_stamps

STEERING = {
    "learning_rate": 1e-3,
    "schedule": "cosine",
    "drop_factor": 0.5,
    "drop_patience": 2,
    "drop_cooldown": 1,
    "min_learning_rate": 0.0,
    "stop_patience": 2,
    "min_delta": 0.0,
    "epochs": 1,
}


def test_the_duration_is_in_the_timing_and_not_in_the_description(tmp_path):
    timing, checkpoint = tmp_path / "timing.json", tmp_path / "c.npz"
    checkpoint.touch()
    record = {"n_iterations": 7, "seconds": 2.5, "device": "unknown"}
    recorded = {"scale": "toy", "device": "cpu"}
    checkpoints = [checkpoint, tmp_path / "never_written.h5"]
    with training_outputs(timing, record, recorded, checkpoints) as description:
        assert checkpoint.exists()
    assert description.pop("commit") == commit_of_code()["commit"]
    assert description == {"n_iterations": 7, "scale": "toy", "device": "cpu"}
    assert json.loads(timing.read_text()) == {"n_iterations": 7, "seconds": 2.5}
    assert not checkpoint.exists()


def test_the_last_line_of_the_log_says_what_a_network_has_not_learnt(tmp_path, caplog):
    record = {"n_epochs": 3, "seconds": 2.5, "problem": "its masks are empty (mean IoU 0.002)"}
    with training_outputs(tmp_path / "t.json", record, {}, []) as description:
        logging.getLogger("deblend").warning("the outputs are written")
    last = caplog.records[-1]
    assert last.levelno == logging.WARNING
    assert last.getMessage() == f"the network has not learnt: {record['problem']}"
    assert description["problem"] == record["problem"]


@pytest.mark.parametrize("problem", [{}, {"problem": None}])
def test_nothing_is_logged_of_a_network_that_has_learnt(tmp_path, caplog, problem):
    with training_outputs(tmp_path / "t.json", {"n_epochs": 3, "seconds": 1.0} | problem, {}, []):
        pass
    assert caplog.records == []


@pytest.mark.parametrize("interruption", [OSError, KeyboardInterrupt])
def test_checkpoints_stay_if_an_output_is_not_written(tmp_path, interruption):
    checkpoint = tmp_path / "c.npz"
    checkpoint.write_text("state")
    record = {"n_epochs": 1, "seconds": 1.0}
    with (
        pytest.raises(interruption),
        training_outputs(tmp_path / "timing.json", record, {}, [checkpoint]),
    ):
        raise interruption
    assert checkpoint.read_text() == "state"


def noisy_discs(n, side):
    """Bright discs of random radii (n, y, x) on faint noise."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:side, :side] - side // 2
    discs = np.hypot(x, y) < rng.uniform(3, 6, (n, 1, 1))
    return discs + rng.normal(0, 0.01, discs.shape)


# For each paper: its function, and arguments for a very small training whose data are written to
# `folder`.


def boucaud2020(folder, made):
    stamps = make_stamps(noisy_discs(12, 32), segmaps=noisy_discs(12, 32).round().astype(np.int16))
    write_stamps(folder / "stamps.h5", stamps)
    galaxies = stamps.galaxies.assign(split=np.repeat(["train", "validation"], [8, 4]))
    write_ecsv(folder / "galaxies.ecsv", galaxies[["id", "split"]])
    blends = draw_blends(
        stamps.galaxies,
        np.arange(8, 12),
        0,
        4,
        stamp_size=32,
        seed=1,
        split="validation",
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False),
    )
    write_ecsv(folder / "blends.ecsv", blends)
    network = STEERING | {
        "architecture": "unet",
        "dataset": "simulated",
        "augment": True,
        "batch_size": 4,
        "n_train_blends": 8,
        "steps_per_epoch": None,
        "adam_epsilon": 1e-7,
        "filters": 4,
        "depth": 2,
        "dropout": 0.0,
        "dropout_after": "both",
        "flip_blends": True,
        "asinh_softening": 0.02,
        "overlap_channel": False,
    }
    return boucaud.train_and_write, {
        "stamps": folder / "stamps.h5",
        "galaxies": folder / "galaxies.ecsv",
        "validation_blends": folder / "blends.ecsv",
        "network": network,
        "unet": [],
        "blending": {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "zero"},
        "seed": 1,
    }


def farrens2022(folder, made):
    for split in ("train", "validation", "test"):
        table = pd.DataFrame({name: np.arange(6.0) for name in TABLE_COLUMNS})
        table = table.assign(is_blend=np.arange(6) % 2 == 0, galaxy_1="a", galaxy_2="b")
        write_sample(folder / f"{split}.h5", [(noisy_discs(6, 33), table)], 6)
    write_vgg(folder / "vgg.h5", random_weights(1))
    network = STEERING | {"batch_size": 3, "dropout": 0.1, "adam_epsilon": 1e-8}
    network |= {"augment": False, "keep": "best"}
    return farrens.train_and_write, {
        "samples": {split: folder / f"{split}.h5" for split in ("train", "validation", "test")},
        "vgg": folder / "vgg.h5",
        "predictions": made / "predictions.csv",
        "noise_sigma": 0.1,
        "realisation": 0,
        "padding": 0,
        "network": network,
        "survey": {},
        "seed": 1,
    }


def reiman2019(folder, made):
    frames = (200 * noisy_discs(8, 31)[..., None].clip(0, 1)).astype(np.uint8)
    np.save(folder / "frames.npy", np.repeat(frames, 3, axis=-1))
    splits = np.repeat(["train", "validation"], [4, 4])
    pd.DataFrame({"row": range(8), "split": splits}).to_csv(folder / "index.csv", index=False)
    network = {
        "root_blocks": 1,
        "branch_blocks": 1,
        "filters": 4,
        "coordinates": False,
        "discriminator_filters": 2,
        "discriminator_units": 8,
        "adversarial_weight": 1e-3,
        "adversarial": "non_saturating",
        "burn_in_iterations": 0,
        "vgg_input_px": 16,
        "iterations": 2,
        "learning_rate": 1e-3,
        "discriminator_learning_rate": 1e-3,
        "drop_factor": 0.1,
        "drop_iteration": 2,
        "batch_size": 2,
        "precision": "float32",
        "trace_interval": 1,
        "checkpoint_interval": 1,
    }
    return reiman.train_and_write, {
        "frames": folder / "frames.npy",
        "index": folder / "index.csv",
        "network": network,
        "perturbation": {
            "order": "authors",
            "shift_px": (3, 8),
            "log_scale": (-1.0, 0.5),
            "blending": "max",
            "crop_px": 48,
            "reduce_by": 3,
        },
        "images": "discs",
        "n_validation_blends": 4,
        "seed": 5,
        "vgg": ("random", None),
        "layers": (made / "generator.csv", made / "discriminator.csv"),
        "device": torch.device("cpu"),
    }


def hemmati2022(folder, made):
    stamps = make_stamps(noisy_discs(16, 128), redshift=1.0)
    stamps.psf = np.pad([[[1.0]]], ((0, 0), (15, 15), (15, 15))).astype(np.float32)
    write_stamps(folder / "cutouts.h5", stamps)
    splits = np.repeat(["train", "validation", "test"], [8, 4, 4])
    table = pd.DataFrame({"id": stamps.galaxies["id"], "split": splits})
    table.to_csv(folder / "split.csv", index=False)
    network = {
        "kind": "super_resolution",
        "filters": 4,
        "blocks": 1,
        "n_latent": 8,
        "discriminator_filters": 2,
        "conditional": True,
        "batch_norm": True,
        "loss": "minimax",
        "content_weight": 1.0,
        "blend_fraction": 0.5,
        "epochs": 1,
        "steps_per_epoch": 1,
        "batch_size": 4,
        "learning_rate": 1e-3,
        "discriminator_learning_rate": 1e-3,
        "precision": "float32",
    }
    low = {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "softening_sigma": 3.0}
    maker = {"bands": ["f160w"], "detection_band": "f160w", "seed": 5, "name": "discs"}
    return hemmati.train_and_write, {
        "cutouts": folder / "cutouts.h5",
        "split": folder / "split.csv",
        "network": network,
        "blending": {"separation_sigma_px": 6.5, "max_shift_px": 11},
        "detection": {
            "radius_px": 5.0,
            "false_positive_rate": 0.5,
            "fwhm_arcsec": (0.2,),
            "low_fwhm_arcsec": (0.5,),
        },
        "maker": maker | {"low": low},
        "n_validation_blends": 4,
        "layers": (made / "generator.csv", made / "discriminator.csv"),
        "device": torch.device("cpu"),
    }


#: Names of the files that the trainings of all papers write.
OUTPUTS = {
    "weights": "network.weights.h5",
    "description": "network.json",
    "history": "history.csv",
    "timing": "timing.json",
}


LAYERS = {"generator.csv", "discriminator.csv"}


@pytest.mark.parametrize(
    ("paper", "described", "counted", "own"),
    [
        (boucaud2020, {"dataset": "simulated"}, {"n_epochs": 1}, set()),
        (farrens2022, {"dataset": "farrens2022/parametric"}, {"n_epochs": 1}, {"predictions.csv"}),
        (reiman2019, {"dataset": "discs", "seed": 5}, {"n_iterations": 2}, {"panels.h5", *LAYERS}),
        (hemmati2022, {"dataset": "discs", "seed": 5}, {"n_epochs": 1}, LAYERS),
    ],
)
def test_a_training_resumes_until_all_its_outputs_are_written(
    paper, described, counted, own, tmp_path, caplog
):
    """The first attempt cannot write the history, and the second one does not train again."""
    caplog.set_level(logging.INFO)
    torch_backend.configure(1, 1)
    made = tmp_path / "made"
    made.mkdir()
    train_and_write, given = paper(tmp_path, made)
    outputs = {name: made / file for name, file in OUTPUTS.items()} | {"panels": made / "panels.h5"}
    recorded = {"scale": "toy", "threads": 1, "backend_version": "1.0"}
    given |= {"checkpoint": tmp_path / "state/net", "code": "abc", "recorded": recorded}
    (tmp_path / "no_folder").touch()
    with pytest.raises(OSError):
        train_and_write(outputs | {"history": tmp_path / "no_folder/history.csv"}, **given)
    assert (tmp_path / "state/net").exists()
    # Neither the scale nor the folder of the outputs matters to a checkpoint.
    recorded["scale"] = "small"
    train_and_write(outputs, **given)
    assert "resuming after" in caplog.text and "starting afresh" not in caplog.text
    assert list((tmp_path / "state").iterdir()) == []
    assert {path.name for path in made.iterdir()} == {*OUTPUTS.values(), *own}
    description = json.loads(outputs["description"].read_text())
    assert description.items() >= (recorded | described | counted).items()
    assert "seconds" not in description
    timing = json.loads(outputs["timing"].read_text())
    assert timing.pop("seconds") > 0
    assert timing == counted
    assert len(pd.read_csv(outputs["history"])) == next(iter(counted.values()))
