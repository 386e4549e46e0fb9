"""Training that is killed (-9) at any time."""

import json
import os
import random
import re
import shutil
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
import yaml

from tests.conftest import ROOT
from tests.run import assert_same_weights, kill_training, snakemake
from tests.workflow.conftest import TINY

EPOCHS = 12
LOG = "results/logs/train/blend2flux.log"
#: First epoch after which the learning rate drops, since no improvement is large enough.
FIRST_DROP = 4


def configuration(**changes):
    config = json.loads(json.dumps(TINY))
    config["networks"]["blend2flux"] |= {
        "epochs": EPOCHS,
        "n_train_blends": 512,
        "schedule": "plateau",
        "min_delta": 1000.0,
        "drop_patience": 2,
        "drop_cooldown": 1,
        "stop_patience": EPOCHS + 1,
        **changes,
    }
    return config


def arguments(folder, config):
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(config))
    target = "results/networks/blend2flux/history.csv"
    return ["--cores", "2", target, "--configfile", str(path)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Folder with the data set, which is made once."""
    folder = tmp_path_factory.mktemp("data")
    targets = [
        "results/datasets/simulated/stamps.h5",
        "results/datasets/simulated/blends_validation.ecsv",
    ]
    path = folder / "overlay.yaml"
    path.write_text(yaml.safe_dump(configuration()))
    snakemake("--cores", 2, *targets, "--configfile", path, directory=folder)
    return folder


@pytest.fixture(scope="module")
def uninterrupted(data, tmp_path_factory):
    folder = copy(data, tmp_path_factory.mktemp("whole") / "run")
    snakemake(*arguments(folder, configuration()), directory=folder)
    return folder


def copy(data, folder):
    shutil.copytree(data, folder)
    return folder


def kill_after_epoch(folder, config, epoch, **kwargs):
    log = folder / LOG
    line = f"epoch {epoch}/{EPOCHS}:"
    kill_training(*arguments(folder, config), directory=folder, log=log, line=line, **kwargs)
    return log


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_training_ends_like_an_uninterrupted_one(data, uninterrupted, tmp_path, when):
    expected = pd.read_csv(uninterrupted / "results/networks/blend2flux/history.csv")
    drops = np.flatnonzero(np.diff(expected["learning_rate"]) < 0) + 1
    assert drops[0] + 1 == FIRST_DROP
    low, high = (1, FIRST_DROP - 2) if when == "before" else (FIRST_DROP, EPOCHS - 2)
    epoch = random.Random(time.time_ns()).randint(low, high)
    print(f"killed after epoch {epoch}")
    folder = copy(data, tmp_path / "run")
    text = kill_after_epoch(folder, configuration(), epoch).read_text()
    assert re.search(r"resuming after epoch \d+ of results/checkpoints/blend2flux.npz", text)
    assert text.count(f"epoch {EPOCHS}/{EPOCHS}:") == 1
    again = pd.read_csv(folder / "results/networks/blend2flux/history.csv")
    pd.testing.assert_frame_equal(again, expected, check_exact=True)
    name = "results/networks/blend2flux/network.weights.h5"
    assert_same_weights(uninterrupted / name, folder / name)
    assert not list((folder / "results/checkpoints").glob("*"))


@pytest.mark.full
def test_a_changed_hyperparameter_starts_afresh_and_says_so(data, tmp_path):
    folder = copy(data, tmp_path / "run")
    log = kill_after_epoch(folder, configuration(), 3, scheduler_too=True)
    assert not (folder / "results/networks/blend2flux/history.csv").exists()
    changed = configuration(learning_rate=0.0005)
    locked = snakemake(*arguments(folder, changed), directory=folder, check=False)
    assert "Directory cannot be locked" in locked.text
    subprocess.run([sys.executable, ROOT / "tools/unlock.py"], cwd=folder, check=True)
    result = snakemake(*arguments(folder, changed), directory=folder)
    assert "starting afresh" in result.text
    assert (folder / "results/checkpoints").is_dir()
    assert "config changed" in result.text
    assert "resuming" not in log.read_text()
    history = pd.read_csv(folder / "results/networks/blend2flux/history.csv")
    assert len(history) == EPOCHS
    assert history["learning_rate"][0] == 0.0005


def test_a_training_that_can_only_fail_is_not_tried_again(data, tmp_path):
    folder = copy(data, tmp_path / "run")
    stamps = folder / "results/datasets/simulated/stamps.h5"
    command = arguments(folder, configuration())
    snakemake(*command, "--until", "boucaud2020_draw_blends", directory=folder)
    good, stat = stamps.read_bytes(), stamps.stat()
    os.truncate(stamps, stat.st_size // 2)
    os.utime(stamps, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    run = snakemake(*command, directory=folder, check=False)
    assert run.returncode != 0
    assert run.text.count("stamps.h5 has other bytes") == 1
    # Snakemake starts the other attempts, which its rule has for jobs that were killed.
    assert run.text.count("Error: not tried again") == 2
    assert "stamps.h5 has other bytes" in (folder / LOG).read_text()
    # The next run tries again.
    stamps.write_bytes(good)
    snakemake(*command, directory=folder)
