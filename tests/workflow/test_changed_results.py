"""Files between rules whose bytes change after they were made: never read without a word."""

import os
import shutil

import h5py
import pytest
import yaml

from tests.run import planned, snakemake
from tests.workflow.conftest import TINY

BLENDS = "results/datasets/simulated/blends_test.ecsv"
PREDICTIONS = "results/predictions/sep/simulated.csv"


def make(folder, *options, **kwargs):
    arguments = ("--cores", 2, PREDICTIONS, "--configfile", folder / "overlay.yaml")
    return snakemake(*arguments, *options, directory=folder, **kwargs)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Folder with photometry of the test blends."""
    # As deep as the copies: some inputs are the project's, with relative paths.
    folder = tmp_path_factory.mktemp("made") / "run"
    folder.mkdir()
    (folder / "overlay.yaml").write_text(yaml.safe_dump(TINY))
    make(folder)
    return folder


def flip(content):
    """Another digit in a number of the last row."""
    at = content.rindex(b".") + 1
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


def cut(content):
    """Half of the rows."""
    rows = content.splitlines(keepends=True)
    return b"".join(rows[: len(rows) - 20])


STAMPS = "results/datasets/simulated/stamps.h5"


def test_other_images_of_the_same_time_are_an_error(made, tmp_path):
    """The file is whole: its own checksums are right."""
    folder = tmp_path / "run"
    shutil.copytree(made, folder)
    stamps = folder / STAMPS
    stat = stamps.stat()
    with h5py.File(stamps, "r+") as file:
        file["images"][0] *= 2
    os.utime(stamps, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    for path in (folder / PREDICTIONS).parent.rglob("*.csv"):
        path.unlink()
    text = make(folder, check=False).text
    assert f"Error: {STAMPS} has other bytes than when it was made: delete it and run" in text
    assert not (folder / PREDICTIONS).exists()


@pytest.mark.parametrize("change", [flip, cut])
def test_a_table_that_changed_between_jobs_is_an_error_until_it_is_deleted(made, tmp_path, change):
    folder = tmp_path / "run"
    shutil.copytree(made, folder)
    expected = (folder / PREDICTIONS).read_bytes()
    table = folder / BLENDS
    content, stat = table.read_bytes(), table.stat()
    table.write_bytes(change(content))
    # With its old time, Snakemake sees nothing.
    os.utime(table, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert planned(make(folder, "-n").text) == set()
    for path in (folder / PREDICTIONS).parent.rglob("*.csv"):
        path.unlink()
    text = make(folder, check=False).text
    assert f"Error: {BLENDS} has other bytes than when it was made: delete it and run" in text
    assert "results/datasets/simulated/.blends_test.ecsv.sha256" in text
    assert "Traceback" not in text
    assert not (folder / PREDICTIONS).exists()
    # The first remedy; without the digest, this table would be read.
    table.unlink()
    make(folder)
    assert table.read_bytes() == content
    assert (folder / PREDICTIONS).read_bytes() == expected
