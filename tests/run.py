"""Run Snakemake from the command line, as a user would."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import psutil

ROOT = Path(__file__).parents[1]
#: Options of the toy run, relative to the project's folder.
TOY = ("--cores", 2, "--configfile", "config/toy.yaml")
#: Overlay with blend2flux as the only network of Boucaud et al. 2020.
ONE_NETWORK = {"boucaud2020": {"unet": None, "blend2mask2flux": None}}
#: Overlay of the toy configuration: all papers and rules with as little work as possible.
SMALLEST = {
    "datasets": {"simulated": {"n_galaxies": 300, "chunk_size": 150}},
    "networks": {
        "blend2flux": {"filters": 4, "steps_per_epoch": 5, "epochs": 8},
        "unet": {"filters": 4, "steps_per_epoch": 4, "epochs": 2},
        "blend2mask2flux": {"filters": 4, "steps_per_epoch": 4, "epochs": 2},
    },
    "boucaud2020": {
        "blending": {"n_blends": {"validation": 60, "test": 120}},
        "sep": {"chunk_size": 50},
        "bootstrap_resamples": 20,
    },
    "farrens2022": {
        "samples": {
            "parametric": {"n_stamps": {"train": 60, "validation": 40, "test": 60}},
            "realistic": {"n_stamps": {"test": 40}},
        },
        "chunk_size": 25,
        "noise_sigma": [15],
        "realisations": 1,
        "network": {"epochs": 4},
    },
    "reiman2019": {
        "image_sets": {"galaxyzoo": {"n_images": 60, "chunk_size": 30}},
        "min_test_galaxies": 2,
        "n_blends": {"validation": 6, "test": 10},
        "network": {"iterations": 6, "adversarial_start": 3, "trace_interval": 3},
        "n_examples": {"success": 2, "failure": 2},
    },
    "hemmati2022": {
        "cutouts": {"simulated_bands": {"n_galaxies": 240, "chunk_size": 120}},
        "n_blends": {"validation": 120, "test": 60},
        # So few steps teach nothing; with this rate the threshold is reliable all the same.
        "detection": {"false_positive_rate": 0.4},
        "network": {"epochs": 2, "steps_per_epoch": 3},
        "som_shape": [4, 4],
    },
}


def command_of(arguments, directory, project):
    """Command that runs Snakemake; `{project}` in an argument stands for the project's folder."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(Path(project) / "Snakefile")]
    arguments = [str(argument).replace("{project}", str(project)) for argument in arguments]
    return [*command, "--directory", str(directory), *arguments]


def snakemake(*arguments, directory, project=ROOT, env=None, check=True):
    """Run Snakemake in a folder, and return the completed process with its output as `text`."""
    command = command_of(arguments, directory, project)
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=directory
    )
    result.text = result.stdout + result.stderr
    # Python prints a message that cannot be formatted, and goes on.
    if check and (result.returncode or "Logging error" in result.text):
        raise AssertionError(f"{' '.join(command)}\n{result.text[-6000:]}")
    return result


def planned(text):
    """Names of the rules in the job table of a dry run's output."""
    if "Nothing to be done" in text:
        return set()
    table = re.search(r"Job stats:\njob.*\n-.*\n((?:.+\n)+?)total", text)[1]
    return {line.split()[0] for line in table.splitlines()}


def kill_training(*arguments, directory, log, line, project=ROOT, scheduler_too=False):
    """Run Snakemake, and kill the process of the training (-9) once its log contains a line.

    Snakemake then starts the job again (`retries`). With `scheduler_too`, Snakemake is killed
    instead: its job has to end by itself.

    Returns
    -------
    str
        Output of Snakemake.
    """
    command = command_of(arguments, directory, project)
    output = Path(directory) / "killed.txt"
    killed = 0
    with open(output, "w") as file:
        run = subprocess.Popen(command, stdout=file, stderr=file, cwd=directory)
        try:
            deadline = time.monotonic() + 2400
            while time.monotonic() < deadline and run.poll() is None:
                if not killed and log.exists() and line in log.read_text():
                    children = [
                        child
                        for child in psutil.Process(run.pid).children(recursive=True)
                        if any(part.endswith(".train.py") for part in child.cmdline())
                    ]
                    killed += len(children)
                    if scheduler_too:
                        run.kill()
                        run.wait()
                        _, alive = psutil.wait_procs(children, timeout=60)
                        lives = [c for c in alive if c.status() != psutil.STATUS_ZOMBIE]
                        assert not lives, "the job outlives its run"
                        break
                    for child in children:
                        os.kill(child.pid, signal.SIGKILL)
                time.sleep(0.005)
        finally:
            if run.poll() is None:
                run.kill()
            run.wait()
    text = output.read_text()
    assert killed, text[-3000:]
    assert scheduler_too or run.returncode == 0, text[-3000:]
    return text


def assert_same_weights(first, second):
    """Assert that two HDF5 files have the same arrays with exactly the same values."""
    contents = []
    for path in (first, second):
        arrays = {}
        with h5py.File(path) as file:
            file.visititems(
                lambda name, item, arrays=arrays: (
                    arrays.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
                )
            )
        contents.append(arrays)
    assert contents[0].keys() == contents[1].keys()
    assert contents[0]
    for name, values in contents[0].items():
        np.testing.assert_array_equal(values, contents[1][name], err_msg=name)
