"""The record of checksums of a finished run, and the command that renews it."""

import json
import os
import re
import shlex
import time

import pytest
from deblend.run.checksums import RECORD_AGAIN
from deblend.run.digests import digest_file, record_digests

from tests.rules import declared
from tests.run import ROOT, planned, snakemake

CONFIGURATION = ("--configfile", ROOT / "config/toy.yaml")


@pytest.fixture
def finished(tmp_path):
    """A finished run of empty files: Snakemake looks at their names and times alone."""
    now = time.time()
    for name in declared(ROOT / "config/toy.yaml")["trained_for"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        if path.name == "circumstances.json":
            path.write_text('{"seed": 7}')
        os.utime(path, (now, now))
    return tmp_path


def test_the_record_of_the_run_has_digests_that_verify_compares(finished):
    """They are of what lies there when all else is made, and nothing is to be made after."""
    results = finished / "results/toy"
    stamps = results / "datasets/simulated/stamps.h5"
    record_digests([stamps])
    snakemake("--cores", 1, "--force", "record_checksums", *CONFIGURATION, directory=finished)
    record = json.loads((results / "provenance.json").read_text())
    name = "datasets/simulated/stamps.h5"
    digest = digest_file(stamps).read_text().split()[0]
    assert record["files"] == {name: {"n_bytes": 0, "sha256": digest}}
    assert record["seed"] == 7
    assert planned(snakemake("-n", *CONFIGURATION, directory=finished).text) == set()
    verify = ("--cores", 1, "verify", *CONFIGURATION)
    assert "0 have no checksum" in snakemake(*verify, directory=finished).text
    digest_file(stamps).write_text(f"{'0' * 64}  stamps.h5\n")
    text = snakemake(*verify, directory=finished, check=False).text
    assert f"1 are not: {name} (the digest beside it is not that in provenance.json)" in text


def test_the_command_that_an_error_names_records_a_leaf_that_was_made_again(finished):
    tmp_path = finished
    # No target of the run depends on it.
    leaf = tmp_path / "results/toy/published/figures/fig5.pdf"
    leaf.parent.mkdir(parents=True)
    leaf.write_text("a figure")
    record = shlex.split(RECORD_AGAIN)[1:] + list(CONFIGURATION)
    plan = planned(snakemake(*record, "-n", directory=tmp_path).text)
    assert plan == {"record_checksums"}
    snakemake(*record, directory=tmp_path)
    verify = ("--cores", 1, "verify", *CONFIGURATION)
    snakemake(*verify, directory=tmp_path)
    leaf.write_text("another figure")
    text = snakemake(*verify, directory=tmp_path, check=False).text
    assert "published/figures/fig5.pdf (made again)" in text
    # The run has nothing to do, so that it would not record the file.
    assert planned(snakemake("--cores", 1, "-n", *CONFIGURATION, directory=tmp_path).text) == set()
    command = re.search(r"snakemake (--cores 1 .*?) \(with the --configfile of the run\)", text)
    snakemake(*shlex.split(command[1]), *CONFIGURATION, directory=tmp_path)
    assert "no checksum" in snakemake(*verify, directory=tmp_path).text
