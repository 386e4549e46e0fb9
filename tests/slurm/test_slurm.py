"""The Slurm profile, on a real cluster of one node."""

import filecmp
import re
import subprocess
import sys
import time

import pytest
import yaml

from tests.run import ONE_NETWORK, SMALLEST, snakemake

EPOCHS = 25
#: Overlay of the toy configuration: one small network, whose training lasts until it is cancelled.
OVERLAY = {
    **ONE_NETWORK,
    "datasets": SMALLEST["datasets"],
    "networks": {"blend2flux": {**SMALLEST["networks"]["blend2flux"], "epochs": EPOCHS}},
}
OVERLAY["boucaud2020"] = {**SMALLEST["boucaud2020"], **ONE_NETWORK["boucaud2020"]}
CONFIGURATION = ("--configfile", "config/toy.yaml", "one_network.yaml")
COMMAND = ("--cores", "8", "--profile", "slurm", *CONFIGURATION)
#: Shorter waiting times than in the profile, which would be too short for a real scheduler.
QUICK = (
    "--slurm-init-seconds-before-status-checks", "5", "--seconds-between-status-checks", "2",
)  # fmt: skip
TARGETS = ("results/toy/figures/fig5.pdf", "results/toy/figures/fig5.csv")


def training_job(cluster):
    """Id of the running job of the training."""
    for line in cluster.run("squeue", "-h", "-t", "RUNNING", "-o", "%i %k").splitlines():
        number, _, comment = line.partition(" ")
        if "train" in comment:
            return number
    return None


@pytest.fixture(scope="module")
def run(cluster, module_project):
    """A toy run on the cluster, whose training is cancelled once."""
    project = module_project
    log = project / "results/toy/logs/train/blend2flux.log"
    output = project / "output.txt"
    cancelled = None
    (project / "one_network.yaml").write_text(yaml.safe_dump(OVERLAY))
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *TARGETS, *COMMAND, *QUICK],
            cwd=project, env=cluster.env, stdout=file, stderr=file,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 900
            while process.poll() is None and time.monotonic() < deadline:
                if cancelled is None and log.exists() and "epoch 3/" in log.read_text():
                    cancelled = training_job(cluster)
                    cluster.run("scancel", cancelled)
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    text = output.read_text()
    assert process.returncode == 0, text[-4000:]
    assert cancelled, "the training was never seen in the queue"
    return project, log.read_text(), text


def test_a_cancelled_training_is_started_again_and_resumes(run):
    _, log, text = run
    assert re.search(r"resuming after epoch \d+ of results/toy/checkpoints/blend2flux.npz", log)
    assert log.count(f"epoch {EPOCHS}/{EPOCHS}:") == 1
    assert "Trying to restart job" in text


def test_the_training_gets_its_gpu(run):
    _, log, _ = run
    assert log.count("(CUDA_VISIBLE_DEVICES): 0") == 1


def test_jobs_went_through_the_scheduler(run):
    _, _, text = run
    assert len(re.findall(r"has been submitted with SLURM jobid \d+", text)) >= 10


@pytest.fixture(scope="module")
def local(run, tmp_path_factory):
    """Results of a run of the same configuration without the cluster."""
    folder = tmp_path_factory.mktemp("local")
    overlay = folder / "one_network.yaml"
    overlay.write_text(yaml.safe_dump(OVERLAY))
    files = ("--configfile", "{project}/config/toy.yaml", overlay)
    snakemake("--cores", 2, *TARGETS, *files, directory=folder)
    return folder / "results/toy"


@pytest.mark.parametrize(
    "name",
    [
        "figures/fig5.csv",
        "predictions/blend2flux/simulated.csv",
        "predictions/sep/simulated.csv",
        "predictions/sep/simulated/zero_points.csv",
        "networks/blend2flux/history.csv",
        "datasets/simulated/galaxies.ecsv",
    ],
)
def test_outputs_equal_those_of_a_local_run(run, local, name):
    project, _, _ = run
    assert (local / name).stat().st_size > 100
    # For different bytes, pytest would compute a difference for minutes.
    assert filecmp.cmp(project / "results/toy" / name, local / name, shallow=False)
