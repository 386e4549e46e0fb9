import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "src"))

from deblend.boucaud2020.simulate import SimulatorConfig
from deblend.data.stamps import (
    GALAXY_COLUMNS,
    TEXT_COLUMNS,
    Stamps,
    band_table,
)
from deblend.photometry.sep import Detection

from tests.run import TOY, snakemake

COLD = Detection(threshold=5.0, min_area=10, contrast=0.01, n_thresholds=64)
HOT = Detection(threshold=4.0, min_area=6, contrast=0.0001, n_thresholds=64)
#: Folder of real galaxies for some tests; they are not part of the project.
REAL_DATA = Path(os.environ.get("DEBLEND_REAL_DATA", ROOT.parent / "shared" / "data"))


#: Name of a folder on PATH whose `scontrol` and `squeue` fail at once.
NO_CLUSTER = "no-cluster"


@pytest.fixture(scope="session", autouse=True)
def no_cluster(tmp_path_factory):
    """Keep Snakemake from looking for a Slurm controller where there is none.

    Its Slurm plugin asks `scontrol` whenever it is imported. Where Slurm is installed but no
    controller runs, each call of Snakemake would wait nine seconds for an answer, and so would
    tools/unlock.py for one of `squeue`.
    """
    folder = tmp_path_factory.mktemp("stub") / NO_CLUSTER
    folder.mkdir()
    for name in ("scontrol", "squeue"):
        (folder / name).write_text("#!/bin/sh\nexit 1\n")
        (folder / name).chmod(0o755)
    os.environ["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def small_disk(tmp_path):
    """Folder that is a disk of 1 MB."""
    folder = tmp_path / "small disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    if shutil.which("mount") is None or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("only root on Linux can make a small disk")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture(scope="session")
def real_data():
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data at {REAL_DATA}: set DEBLEND_REAL_DATA to the folder of the data")
    return REAL_DATA


def galaxy_table(n, mag=None, radius=5.0):
    """Table of galaxies with all columns; by default with magnitudes from 20 to 22."""
    table = pd.DataFrame(index=range(n))
    for column in GALAXY_COLUMNS:
        table[column] = "" if column in TEXT_COLUMNS else np.nan
    table["id"] = [f"g{i}" for i in range(n)]
    table["mag"] = np.linspace(20, 22, n) if mag is None else mag
    table["half_light_radius_px"] = radius
    table["morphology"] = "disk"
    return table


def make_stamps(images, segmaps=None, **columns):
    """Data set with given images (n, y, x)."""
    n = len(images)
    galaxies = galaxy_table(n).assign(**columns)
    if segmaps is None:
        segmaps = np.zeros(images.shape, np.int16)
    bands = band_table("f160w", 0.06, 25.96, 0.0065)
    return Stamps(images[:, None].astype(np.float32), segmaps, galaxies, bands)


def simulator_config(**changes):
    values = {
        "stamp_size": 64,
        "pixel_scale_arcsec": 0.06,
        "zero_point": 25.96,
        "noise_sigma": 0.0065,
        "noise": "white",
        "exposure_time_s": 3300.0,
        "psf_fwhm_arcsec": 0.17,
        "psf_moffat_beta": 2.5,
        "mag_min": 18.0,
        "mag_max": 23.0,
        "n_neighbours_mean": 4.0,
        "neighbour_mag_min": 20.0,
        "neighbour_mag_max": 25.5,
    }
    return SimulatorConfig(**{**values, **changes})


@pytest.fixture(scope="session")
def priors():
    from deblend.data.priors import read_priors

    return read_priors(ROOT / "config" / "priors.yaml")


#: Files and folders that the workflow needs.
COPIED = ("Snakefile", "config", "workflow", "src", "envs", "slurm", "profiles")


def copy_project(folder):
    """Copy the files that the workflow needs to a new folder."""
    folder.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, folder / name)
    return folder


@pytest.fixture
def project(tmp_path):
    """A copy of the project that a test may change."""
    return copy_project(tmp_path / "project")


@pytest.fixture(scope="module")
def module_project(tmp_path_factory):
    """A copy of the project for all tests of a module."""
    return copy_project(tmp_path_factory.mktemp("copy") / "project")


@pytest.fixture(scope="session")
def toy_project(tmp_path_factory):
    """A copy of the project with a finished toy run (`make toy`), which all tests share."""
    folder = copy_project(tmp_path_factory.mktemp("toy") / "project")
    snakemake(*TOY, directory=folder, project=folder)
    return folder


@pytest.fixture(scope="session")
def toy(toy_project):
    """Results of the toy run."""
    return toy_project / "results/toy"
