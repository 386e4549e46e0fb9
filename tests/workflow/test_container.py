"""Images for containers: their recipes, and jobs that run in one."""

import os
import re
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.run import snakemake

#: Stands for Apptainer: notes its image, and runs the command of `apptainer exec ... IMAGE SHELL -c
#: COMMAND` here, with the folders that are mounted below /mnt on Python's path.
STUB = """#!/bin/sh
[ "$1" = exec ] || { echo "apptainer version 1.3.4"; exit 0; }
while [ $# -gt 4 ]; do
  case "$1" in *:/mnt/*) path="$path:${1%%:*}" ;; esac
  shift
done
echo "$1" >>images.txt
shift
PYTHONPATH=$path exec "$@"
"""
TARGET = "results/toy/datasets/simulated_bands/selected.csv"


@pytest.mark.full
def test_jobs_run_in_the_image_only_if_they_are_asked_to(tmp_path):
    stub = tmp_path / "bin/apptainer"
    stub.parent.mkdir()
    stub.write_text(STUB)
    stub.chmod(0o755)
    path = f"{stub.parent}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    arguments = ("--cores", 1, TARGET, "--configfile", ROOT / "config/toy.yaml")
    in_image = ("--sdm", "apptainer")
    snakemake(*arguments, *in_image, directory=tmp_path, env={"PATH": path})
    assert (tmp_path / "images.txt").read_text() == "deblend.sif\n"
    assert len(pd.read_csv(tmp_path / TARGET)) > 100
    again = snakemake("-n", *arguments, *in_image, directory=tmp_path, env={"PATH": path})
    assert "Nothing to be done" in again.text
    without = snakemake("-n", *arguments, directory=tmp_path)
    assert "software environment definition has changed" in without.text


def test_both_recipes_install_the_same():
    docker = (ROOT / "envs/Dockerfile").read_text()
    apptainer = (ROOT / "envs/deblend.def").read_text()
    copied = re.search(r"^COPY (.*) \./$", docker, re.M)[1].split()
    section = apptainer.partition("%files\n")[2].partition("\n\n")[0]
    assert [line.split() for line in section.splitlines()] == [
        [name, "/opt/deblend/"] for name in copied
    ]
    assert all((ROOT / name).is_file() for name in copied)
    base = re.search(r"^FROM (.*)$", docker, re.M)[1]
    assert re.search(r"^From: (.*)$", apptainer, re.M)[1] == base
    commands = re.compile(r"(?:apt-get install|\./install\.sh|-m pip) [^;&\\\n]*[^;&\\\n ]")
    found = commands.findall(docker)
    assert found == commands.findall(apptainer)
    assert len(found) == 4
    # Not only the latest patch of this Python on the latest Debian.
    python = int(re.search(r"^FROM python:3\.(\d+)\.\d+-slim-[a-z]+$", docker, re.M)[1])
    assert 11 <= python <= 13
    assert f"`{base}`" in (ROOT / "docs/platforms.md").read_text()


def test_recipes_have_what_packages_without_a_wheel_are_built_with():
    needed = re.search(r"\(Debian: `([^`]+)`\)", (ROOT / "docs/platforms.md").read_text())[1]
    for name in ("Dockerfile", "deblend.def"):
        text = (ROOT / "envs" / name).read_text()
        packages = re.search(
            r"apt-get install --yes --no-install-recommends (.*?)( \\)?$", text, re.M
        )
        assert set(needed.split()) <= set(packages[1].split()), name


@pytest.mark.parametrize("name", ["install.sh", "Dockerfile", "deblend.def"])
def test_packages_are_built_with_pinned_tools(name):
    """pip builds in an environment of its own, with the latest setuptools unless told otherwise."""
    text = (ROOT / "envs" / name).read_text()
    commands = re.findall(r"(?:^|-m )pip (?:install|download|wheel) .*", text, re.M)
    assert commands
    for command in commands:
        builds = "--require-hashes" not in command and "--no-deps" not in command
        assert ("--build-constraint constraints.txt" in command) is builds, command
