"""The Slurm profile on a cluster with accounting, where jobs belong to accounts."""

import re
import subprocess
import sys

import pytest
import yaml

from tests.profiles import with_site
from tests.slurm.conftest import ACCOUNT
from tests.slurm.test_slurm import OVERLAY, QUICK

pytestmark = pytest.mark.full

#: A run of short jobs: two chunks, as an array, and a data set of them.
TARGETS = ("results/toy/datasets/simulated/stamps.h5",)


def run(cluster, project, account, *options, arrays=True):
    """Run Snakemake with the profile, as a user fills it in."""
    names = {"cpu_partition": "main", "gpu_partition": "gpu", "my_account": account}
    profile = with_site(**names)
    if not arrays:
        profile = re.sub(r"(?m)^slurm-array-jobs:.*\n", "", profile)
    (project / "slurm/config.yaml").write_text(profile)
    (project / "overlay.yaml").write_text(yaml.safe_dump(OVERLAY))
    command = [sys.executable, "-m", "snakemake", *TARGETS, "--cores", "8", "--profile", "slurm"]
    command += ["--configfile", "config/toy.yaml", "overlay.yaml", *QUICK, *options]
    return subprocess.run(
        command, cwd=project, env=cluster.env, capture_output=True, text=True, timeout=900
    )


def jobs(cluster):
    """Account and state of the cluster's jobs, of which the database knows, without their steps."""
    text = cluster.run("sacct", "-a", "-X", "-n", "-P", "-S", "now-1days", "-o", "Account,State")
    return [tuple(line.split("|")) for line in text.splitlines()]


def test_jobs_belong_to_the_account_of_the_profile(cluster_with_accounting, project):
    done = run(cluster_with_accounting, project, ACCOUNT)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Submitted array job" in done.stderr
    found = jobs(cluster_with_accounting)
    assert len(found) >= 4
    assert set(found) == {(ACCOUNT, "COMPLETED")}


def test_another_account_is_refused_before_anything_is_submitted(cluster_with_accounting, project):
    before = jobs(cluster_with_accounting)
    done = run(cluster_with_accounting, project, "nobodys")
    assert done.returncode != 0
    assert "nobodys" in done.stderr and ACCOUNT in done.stderr
    assert jobs(cluster_with_accounting) == before


def test_sacct_can_be_asked_for_the_state_where_there_are_no_arrays(
    cluster_with_accounting, project
):
    options = ("--slurm-status-command", "sacct")
    done = run(cluster_with_accounting, project, ACCOUNT, *options, arrays=False)
    assert done.returncode == 0, done.stderr[-4000:]
    assert "Submitted array job" not in done.stderr
