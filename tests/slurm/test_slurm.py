"""The Slurm profile, on a real cluster of one node."""

import filecmp
import re
import subprocess
import sys
import time

import pytest
import yaml

from tests.run import ONE_NETWORK, without_joint_network

COMMAND = (
    *("--cores", "8", "--profile", "slurm"),
    *("--configfile", "config/toy.yaml", "one_network.yaml"),
)
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
    (project / "one_network.yaml").write_text(yaml.safe_dump(ONE_NETWORK))
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *TARGETS, *COMMAND, *QUICK],
            cwd=project, env=cluster.env, stdout=file, stderr=file,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + 900
            while process.poll() is None and time.monotonic() < deadline:
                if cancelled is None and log.exists() and "epoch 5/" in log.read_text():
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
    assert log.count("epoch 15/15:") == 1
    assert "Trying to restart job" in text


def test_the_training_gets_its_gpu(run):
    _, log, _ = run
    assert log.count("(CUDA_VISIBLE_DEVICES): 0") == 1


def test_jobs_went_through_the_scheduler(run):
    _, _, text = run
    assert len(re.findall(r"has been submitted with SLURM jobid \d+", text)) >= 10


def test_figure_5_is_that_of_a_local_run(run, toy):
    project, _, _ = run
    first, second = (
        without_joint_network(folder / "figures/fig5.csv")
        for folder in (project / "results/toy", toy)
    )
    assert len(first) == 4 and first == second
    assert (project / "results/toy/figures/fig5.pdf").stat().st_size > 500


@pytest.mark.parametrize(
    "name",
    [
        "predictions/blend2flux/simulated.csv",
        "predictions/sep/simulated.csv",
        "predictions/sep/simulated/zero_points.csv",
        "networks/blend2flux/history.csv",
        "datasets/simulated/galaxies.ecsv",
    ],
)
def test_outputs_equal_those_of_a_local_run(run, toy, name):
    project, _, _ = run
    # For different bytes, pytest would compute a difference for minutes.
    assert filecmp.cmp(project / "results/toy" / name, toy / name, shallow=False)
