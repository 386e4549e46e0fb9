"""The Slurm profile, on a real cluster of one node."""

import filecmp
import re
import shutil
import socket
import subprocess
import sys
import time

import psutil
import pytest
import yaml

from tests.profiles import with_site
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


LOG = "results/toy/logs/train/blend2flux.log"


def training_job(cluster):
    """Id and partition of the running job of the training; None if there is none."""
    for line in cluster.run("squeue", "-h", "-t", "RUNNING", "-o", "%i %P %k").splitlines():
        number, partition, comment = line.split(maxsplit=2)
        if "train" in comment:
            return number, partition
    return None


def submit(cluster, project, targets, fault, seconds=1800):
    """Run Snakemake on the cluster, with a fault while the training runs.

    Parameters
    ----------
    fault : callable
        Called once with the id of the job, its partition and Snakemake's process.

    Returns
    -------
    (str, int)
        Output of Snakemake and its exit status.
    """
    log, output, done = project / LOG, project / "output.txt", False
    log.unlink(missing_ok=True)
    with open(output, "w") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "snakemake", *targets, *COMMAND, *QUICK],
            cwd=project, env=cluster.env, stdout=file, stderr=file,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + seconds
            while process.poll() is None and time.monotonic() < deadline:
                if not done and log.exists() and "epoch 3/" in log.read_text():
                    fault(*training_job(cluster), process)
                    done = True
                time.sleep(0.2)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
    assert done, f"the training was never seen in the queue: {output.read_text()[-4000:]}"
    return output.read_text(), process.returncode


@pytest.fixture(scope="module")
def run(cluster, module_project):
    """A toy run on the cluster, whose training is cancelled once."""
    project, partitions = module_project, []
    (project / "one_network.yaml").write_text(yaml.safe_dump(OVERLAY))
    # Without accounting, the cluster knows no accounts.
    profile = with_site(cpu_partition="main", gpu_partition="gpu")
    profile = re.sub(r".*slurm_account.*\n", "", profile)
    (project / "slurm/config.yaml").write_text(profile)

    def cancel(number, partition, _):
        partitions.append(partition)
        cluster.run("scancel", number)

    text, status = submit(cluster, project, TARGETS, cancel)
    assert status == 0, text[-4000:]
    assert partitions == ["gpu"]
    return project, (project / LOG).read_text(), text


def test_a_cancelled_training_is_started_again_and_resumes(run):
    _, log, text = run
    assert re.search(r"resuming after epoch \d+ of results/toy/checkpoints/blend2flux.npz", log)
    assert log.count(f"epoch {EPOCHS}/{EPOCHS}:") == 1
    assert "Trying to restart job" in text


def test_the_training_gets_its_gpu(run):
    _, log, _ = run
    assert log.count("(CUDA_VISIBLE_DEVICES): 0") == 1


def test_a_gpu_that_the_training_could_not_use_is_in_its_first_and_last_line(run):
    """The cluster's GPU is only a name."""
    _, log, _ = run
    lines = [line for line in log.splitlines() if line.startswith("20")]
    for line in (lines[0], lines[-1]):
        assert "a GPU is allocated" in line


def test_jobs_went_through_the_scheduler(run):
    """Chunks as arrays, figures as a group, all others one by one."""
    _, _, text = run
    assert len(re.findall(r"has been submitted with SLURM jobid \d+", text)) >= 5
    assert "Submitted array job" in text
    assert "Group job figures" in text


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


TRAINED = "results/toy/networks/blend2flux/history.csv"


@pytest.fixture
def untrained(run):
    """The project of the run, in which only the training is left to be done."""
    project, _, _ = run
    shutil.rmtree(project / "results/toy/networks/blend2flux")
    return project


def node(cluster, state):
    """Set the state of the cluster's only node."""
    change = (f"NodeName={socket.gethostname()}", f"State={state}")
    cluster.run("scontrol", "update", *change, *(("Reason=test",) if state == "DOWN" else ()))


def processes_of_training():
    """Processes of the cluster that train."""
    found = psutil.process_iter(["cmdline"])
    training = [p for p in found if any(w.endswith(".train.py") for w in p.info["cmdline"] or ())]
    return [p for p in training if any(q.name() == "slurmstepd" for q in p.parents())]


def assert_trained_as_locally(project, local):
    log = (project / LOG).read_text()
    assert re.search(r"resuming after epoch \d+ of results/toy/checkpoints/blend2flux.npz", log)
    assert (project / TRAINED).read_bytes() == (
        local / "networks/blend2flux/history.csv"
    ).read_bytes()


@pytest.mark.full
def test_a_training_goes_on_after_its_node_was_down(cluster, untrained, local):
    def down_and_up(*_):
        node(cluster, "DOWN")
        time.sleep(5)
        node(cluster, "RESUME")

    text, status = submit(cluster, untrained, [TRAINED], down_and_up)
    assert status == 0, text[-4000:]
    assert_trained_as_locally(untrained, local)


@pytest.mark.full
def test_a_training_that_hangs_is_ended_by_its_time_and_goes_on(cluster, untrained, local):
    def hang(number, *_):
        for process in processes_of_training():
            process.suspend()
        cluster.run("scontrol", "update", f"JobId={number}", "TimeLimit=1")

    text, status = submit(cluster, untrained, [TRAINED], hang)
    assert status == 0, text[-4000:]
    assert "SLURM status is: 'TIMEOUT'" in text
    assert_trained_as_locally(untrained, local)


@pytest.mark.full
def test_a_job_over_its_memory_is_started_again_with_more(cluster, untrained, local):
    rules = untrained / "workflow/rules/boucaud2020.smk"
    text = rules.read_text()
    asked = re.search(r'(?<=mem_mb=)memory\("train/\{network\}".*(?=,\n)', text)[0]
    # TensorFlow needs more than the first attempt has, and less than the third.
    rules.write_text(text.replace(asked, "growing(600)"))
    command = [sys.executable, "-m", "snakemake", TRAINED, *COMMAND, *QUICK]
    given = set()
    output = untrained / "output.txt"
    with open(output, "w") as file:
        process = subprocess.Popen(
            command, cwd=untrained, env=cluster.env, stdout=file, stderr=file
        )
        while process.poll() is None:
            given |= set(cluster.run("squeue", "-h", "-o", "%m").split())
            time.sleep(0.5)
    rules.write_text(text)
    assert process.returncode == 0, output.read_text()[-4000:]
    assert {"600M", "1200M"} <= given
    history = local / "networks/blend2flux/history.csv"
    assert (untrained / TRAINED).read_bytes() == history.read_bytes()


@pytest.mark.full
def test_after_snakemake_was_killed_the_same_command_ends_the_run(cluster, untrained, local):
    def kill(number, _, process):
        process.kill()
        process.wait()
        # As docs/cluster.md says: jobs that are still in the queue are cancelled first.
        cluster.run("scancel", number)

    submit(cluster, untrained, [TRAINED], kill)
    unlock = [sys.executable, "-m", "snakemake", "--unlock", *CONFIGURATION]
    subprocess.run(unlock, cwd=untrained, env=cluster.env, check=True)
    command = [sys.executable, "-m", "snakemake", TRAINED, *COMMAND, *QUICK]
    done = subprocess.run(command, cwd=untrained, env=cluster.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert_trained_as_locally(untrained, local)


@pytest.mark.full
def test_more_chunks_than_an_array_may_have(cluster, run):
    """Their commands would not fit into one argument of a command: see slurm/config.yaml."""
    project, _, _ = run
    limit = yaml.safe_load((project / "slurm/config.yaml").read_text())["slurm-array-limit"]
    chunks = limit + 3
    overlay = {"pathvars": {"results": "results/many"}}
    overlay["datasets"] = {"simulated": {"n_galaxies": 2 * chunks, "chunk_size": 2}}
    (project / "many.yaml").write_text(yaml.safe_dump(overlay))
    targets = [f"results/many/datasets/simulated/parents/{i}.h5" for i in range(chunks)]
    command = [sys.executable, "-m", "snakemake", *targets, *COMMAND, "many.yaml", *QUICK]
    done = subprocess.run(command, cwd=project, env=cluster.env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-4000:]
    assert done.stderr.count("Submitted array job") == 2
    assert f"task IDs are 1-{limit}." in done.stderr
    assert all((project / target).is_file() for target in targets)
