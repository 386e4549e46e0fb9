"""The record of checksums of a finished run, and the command that renews it."""

import os
import re
import shlex
import time

from deblend.run.checksums import RECORD_AGAIN

from tests.rules import declared
from tests.run import ROOT, planned, snakemake

CONFIGURATION = ("--configfile", ROOT / "config/toy.yaml")


def test_the_command_that_an_error_names_records_a_leaf_that_was_made_again(tmp_path):
    """The files are empty: Snakemake looks at their names and times alone."""
    now = time.time()
    for name in declared(ROOT / "config/toy.yaml")["trained_for"]:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        os.utime(path, (now, now))
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
