"""Folders with spaces and brackets, and home folders that cannot be written."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.run.environment import (
    CACHES,
    caches_elsewhere,
    installed_version,
    prepare_environment,
    shell_word,
)

#: Home folders that cannot be written, whoever the user is.
NO_HOMES = ["/dev/null", "/proc/absent"]


@pytest.mark.parametrize("name", ["python", "my python", "a[1](é)", "it's", "a&b;c", "$HOME"])
def test_a_path_becomes_one_word_of_a_shell_command(tmp_path, name):
    path = str(tmp_path / name)
    (tmp_path / name).symlink_to("/bin/echo")
    word = shell_word(path)
    done = subprocess.run(f"{word} started", shell=True, capture_output=True, text=True)
    assert done.stdout == "started\n"
    assert shell_word(word) == word
    assert shlex.split(word) == [path]


def test_caches_stay_where_they_are_if_the_home_folder_can_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    assert caches_elsewhere({}, tmp_path / "folder") == {}
    assert not (tmp_path / "folder").exists()


@pytest.mark.parametrize("home", NO_HOMES)
def test_caches_are_in_the_project_if_the_home_folder_cannot_be_written(
    tmp_path, monkeypatch, home
):
    monkeypatch.setenv("HOME", home)
    caches = caches_elsewhere({"KERAS_HOME": "/mine"}, tmp_path)
    assert caches.keys() == CACHES.keys() - {"KERAS_HOME"}
    assert all(tmp_path in Path(path).parents and Path(path).is_dir() for path in caches.values())


def test_packages_keep_their_files_there(tmp_path, monkeypatch):
    """The packages say where, or have written a file there."""
    monkeypatch.setenv("HOME", NO_HOMES[0])
    code = """
import keras, matplotlib
from astropy.config import paths
print(matplotlib.get_configdir(), matplotlib.get_cachedir())
print(paths.get_config_dir(), paths.get_cache_dir())
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **caches_elsewhere({}, tmp_path)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    folders = done.stdout.split()
    assert len(folders) == 4
    assert all(folder.startswith(f"{tmp_path}/caches/") for folder in folders)
    assert (tmp_path / "caches/keras/keras.json").is_file()
    assert "temporary" not in done.stderr


def test_a_project_in_a_folder_with_braces_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "executable", sys.executable)
    monkeypatch.setattr(os, "environ", dict(os.environ))
    prepare_environment("/home/me/my [project]")
    with pytest.raises(DeblendError, match=r"/home/me/\{project\}, has braces.*rename the folder"):
        prepare_environment("/home/me/{project}")


def test_an_optional_package_has_a_version_or_is_absent():
    assert installed_version("numpy") == np.__version__
    assert installed_version("no-such-package-at-all") == "absent"
