"""Record of a run."""

import json
import platform
import subprocess
from importlib import metadata

import numpy as np
import pytest
from deblend.run.provenance import git_state, package_versions, provenance


@pytest.fixture
def checkout(tmp_path):
    """A git repository with one commit, and the name of the commit."""
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b.c"]
    (tmp_path / "a.py").write_text("1")
    for arguments in (["init", "-q"], ["add", "a.py"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *arguments], check=True)
    shown = subprocess.run([*git, "log", "--format=%H"], capture_output=True, text=True)
    return tmp_path, shown.stdout.strip()


def test_changes_of_a_checkout_are_recorded(checkout):
    folder, commit = checkout
    assert git_state(folder) == {"commit": commit, "modified": False}
    # Results and other files that git does not know are no change of the code.
    (folder / "result.csv").write_text("1")
    assert git_state(folder) == {"commit": commit, "modified": False}
    (folder / "a.py").write_text("2")
    assert git_state(folder) == {"commit": commit, "modified": True}


def test_a_copy_without_git_has_no_commit(tmp_path):
    assert git_state(tmp_path) == {"commit": None, "modified": None}
    assert git_state(tmp_path / "absent") == {"commit": None, "modified": None}


def test_versions_are_those_of_installed_packages():
    versions = package_versions()
    assert versions["numpy"] == np.__version__
    names = {found.metadata["Name"].replace("_", "-").lower() for found in metadata.distributions()}
    assert versions.keys() <= names


def test_a_record_has_configuration_and_backends_but_no_paths(tmp_path):
    trained = {"backend": "torch", "device": "cpu", "threads": 2, "dataset": "simulated"}
    (tmp_path / "network.json").write_text(json.dumps(trained | {"options": {"filters": 4}}))
    config = {"seed": 7, "scale": "toy"}
    record = provenance(config, {"unet": tmp_path / "network.json"})
    assert (record["config"], record["seed"]) == (config, 7)
    assert record["networks"] == {"unet": trained}
    assert record["python"] == platform.python_version()
    assert record["packages"] == package_versions()
    assert str(tmp_path) not in json.dumps(record)
