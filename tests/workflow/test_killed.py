"""Training that is killed from outside, with -9, at any moment."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time

import h5py
import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from tests.conftest import ROOT
from tests.run import snakemake
from tests.workflow.conftest import TINY

EPOCHS = 12
#: The validation loss has to improve by more than it can: drops begin at the fourth epoch.
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
    return ["--cores", "2", "--rerun-incomplete", target, "--configfile", str(path)]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """The data set, made once."""
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
def undisturbed(data, tmp_path_factory):
    folder = copy(data, tmp_path_factory.mktemp("whole") / "run")
    snakemake(*arguments(folder, configuration()), directory=folder)
    return folder


def copy(data, folder):
    shutil.copytree(data, folder)
    return folder


def weights(folder):
    found = {}
    with h5py.File(folder / "results/networks/blend2flux/network.weights.h5") as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    return found


def kill_after_epoch(folder, config, epoch, *, scheduler_too=False):
    """Start Snakemake and kill -9 the training's own process once an epoch is in the log.

    Snakemake then starts the job again (`retries`), unless it is killed first.
    """
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(ROOT / "Snakefile")]
    command += ["--directory", str(folder), *arguments(folder, config)]
    run = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=folder
    )
    log = folder / "results/logs/train/blend2flux.log"
    deadline = time.monotonic() + 120
    killed = 0
    try:
        while time.monotonic() < deadline and run.poll() is None and not killed:
            if log.exists() and f"epoch {epoch}/{EPOCHS}:" in log.read_text():
                children = [
                    child
                    for child in psutil.Process(run.pid).children(recursive=True)
                    if any(part.endswith("train.py") for part in child.cmdline())
                ]
                if scheduler_too:
                    run.kill()
                for child in children:
                    os.kill(child.pid, signal.SIGKILL)
                    killed += 1
            time.sleep(0.005)
        text = run.communicate(timeout=120)[0]
    finally:
        run.kill()
    assert killed, text[-3000:]
    assert scheduler_too or run.returncode == 0, text[-3000:]
    return log


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_killed_training_ends_as_an_undisturbed_one(data, undisturbed, tmp_path, when):
    whole = pd.read_csv(undisturbed / "results/networks/blend2flux/history.csv")
    drops = np.flatnonzero(np.diff(whole["learning_rate"]) < 0) + 1
    assert drops[0] + 1 == FIRST_DROP
    low, high = (1, FIRST_DROP - 2) if when == "before" else (FIRST_DROP, EPOCHS - 2)
    epoch = random.Random(time.time_ns()).randint(low, high)
    print(f"killed after epoch {epoch}")
    folder = copy(data, tmp_path / "run")
    text = kill_after_epoch(folder, configuration(), epoch).read_text()
    assert "resuming after epoch" in text
    assert text.count(f"epoch {EPOCHS}/{EPOCHS}:") == 1
    again = pd.read_csv(folder / "results/networks/blend2flux/history.csv")
    pd.testing.assert_frame_equal(again, whole, check_exact=True)
    first, second = weights(undisturbed), weights(folder)
    assert first.keys() == second.keys()
    for name, values in first.items():
        np.testing.assert_array_equal(values, second[name], err_msg=name)
    assert not list((folder / "results/checkpoints").glob("*"))


def test_a_changed_hyperparameter_starts_afresh_and_says_so(data, tmp_path):
    folder = copy(data, tmp_path / "run")
    log = kill_after_epoch(folder, configuration(), 3, scheduler_too=True)
    assert not (folder / "results/networks/blend2flux/history.csv").exists()
    changed = configuration(learning_rate=0.0005)
    result = snakemake("--nolock", *arguments(folder, changed), directory=folder)
    assert "starting afresh" in result.text
    assert "config changed" in result.text
    assert "resuming" not in log.read_text()
    history = pd.read_csv(folder / "results/networks/blend2flux/history.csv")
    assert len(history) == EPOCHS
    assert history["learning_rate"][0] == 0.0005
