import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.conftest import ROOT


def snakemake(*arguments, directory, project=ROOT, env=None, check=True):
    """Run Snakemake as a user would, in a folder of its own."""
    command = [sys.executable, "-m", "snakemake", "--snakefile", str(Path(project) / "Snakefile")]
    command += ["--directory", str(directory), *map(str, arguments)]
    result = subprocess.run(
        command, capture_output=True, text=True, env={**os.environ, **(env or {})}, cwd=directory
    )
    result.text = result.stdout + result.stderr
    if check and result.returncode:
        raise AssertionError(f"{' '.join(command)}\n{result.text[-6000:]}")
    return result


@pytest.fixture
def overlay(tmp_path):
    """Function that writes an overlay and returns its path."""

    def write(**content):
        path = tmp_path / "overlay.yaml"
        path.write_text(yaml.safe_dump(content))
        return path

    return write


@pytest.fixture
def project(tmp_path):
    """A copy of the project that a test may change."""
    copy = tmp_path / "project"
    for name in ("Snakefile", "config", "workflow", "envs", "slurm"):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            copy.mkdir(exist_ok=True)
            shutil.copy(source, copy / name)
    return copy


#: The smallest run there is: proves that the rules fit together.
TINY = {
    "scale": "custom",
    "pathvars": {"results": "results"},
    "threads": {"training": 2},
    "datasets": {"simulated": {"n_galaxies": 60, "chunk_size": 60, "stamp_size": 64}},
    "networks": {
        "blend2flux": {
            "dataset": "simulated",
            "filters": 4,
            "dense_units": 16,
            "asinh_softening": 0.02,
            "flux_scale": 50.0,
            "output": "exponential",
            "n_train_blends": 64,
            "batch_size": 16,
            "epochs": 2,
            "learning_rate": 0.001,
        }
    },
    "boucaud2020": {
        "dataset": "simulated",
        "blending": {"n_blends": {"train": 64, "validation": 40, "test": 40}},
        "sep": {"chunk_size": 40},
        "bootstrap_resamples": 10,
    },
}
