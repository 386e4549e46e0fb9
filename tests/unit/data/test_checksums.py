"""Checksums of files, and the table of those of downloads."""

import csv
import hashlib
import os
import time
from concurrent.futures import ThreadPoolExecutor

import psutil
import pytest
from deblend.data.checksums import check_digest, check_downloads, check_recorded, record_digest
from deblend.errors import DeblendError
from deblend.files import SETTLED_S
from deblend.run.digests import check_digests, record_digests


def record(folder, content, *, is_known=False, name="a.fits"):
    path = folder / "mosaics" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)
    record_digest(folder, path, path, address=f"https://a.org/{name}", is_known=is_known)
    return path


def rows(folder):
    with (folder / "checksums.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
def test_a_file_with_another_checksum_is_refused(tmp_path, algorithm):
    path = tmp_path / "a"
    path.write_bytes(b"galaxies")
    right = f"{algorithm}:{hashlib.new(algorithm, b'galaxies').hexdigest()}"
    check_digest(path, right)
    path.write_bytes(b"galaxier")
    with pytest.raises(DeblendError, match=f"its checksum is not {right}"):
        check_digest(path, right)


def test_the_first_download_is_recorded(tmp_path):
    record(tmp_path, b"first")
    record(tmp_path, b"first")
    record(tmp_path, b"other", name="b, c.fits")
    digest = hashlib.sha256(b"first").hexdigest()
    first, other = rows(tmp_path)
    assert first == {
        "file": "mosaics/a.fits",
        "address": "https://a.org/a.fits",
        "n_bytes": "5",
        "checksum": f"sha256:{digest}",
    }
    assert other["file"] == "mosaics/b, c.fits"


def test_another_file_than_the_first_is_refused_unless_its_checksum_is_known(tmp_path):
    record(tmp_path, b"first")
    with pytest.raises(DeblendError, match=r"a.org/a.fits is not the file that it was .*delete"):
        record(tmp_path, b"second")
    assert len(rows(tmp_path)) == 1
    record(tmp_path, b"second", is_known=True)
    record(tmp_path, b"second")


def test_a_file_that_has_changed_since_is_refused(tmp_path):
    path = record(tmp_path, b"first")
    check_recorded(tmp_path, path)
    path.write_bytes(b"firsu")
    with pytest.raises(DeblendError, match=r"a.fits has changed since .* Delete it and run again"):
        check_recorded(tmp_path, path)
    # Files from elsewhere are not in the table.
    other = tmp_path / "mine.fits"
    other.write_bytes(b"")
    check_recorded(tmp_path, other)


def test_jobs_compare_the_downloads_that_they_read(tmp_path):
    path, mine = record(tmp_path, b"first"), tmp_path / "mine.fits"
    mine.write_bytes(b"mine")
    elsewhere = tmp_path.parent / "elsewhere.fits"
    check_downloads([path, mine, path, elsewhere], tmp_path, {})
    path.write_bytes(b"firsu")
    check_downloads([mine], tmp_path, {})
    for files in ([mine, path], [str(path)]):
        with pytest.raises(DeblendError, match=r"a.fits has changed since .* Delete it and run"):
            check_downloads(files, tmp_path, {})


@pytest.mark.parametrize("algorithm", ["md5", "sha256"])
@pytest.mark.parametrize("has_table", [True, False])
def test_a_download_without_a_line_is_compared_with_its_entry(tmp_path, algorithm, has_table):
    """One that was copied, or came before there was a table."""
    if has_table:
        record(tmp_path, b"another", name="b.fits")
    path = tmp_path / "mosaics" / "a.fits"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(b"first")
    stated = {"mosaics/a.fits": f"{algorithm}:{hashlib.new(algorithm, b'first').hexdigest()}"}
    check_downloads([path], tmp_path, stated)
    about = path.stat()
    path.write_bytes(b"firsu")
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))
    for _ in range(2):  # each time that it is read
        with pytest.raises(
            DeblendError, match=rf"a\.fits is not .*{algorithm}:.* Delete it and run"
        ):
            check_downloads([path], tmp_path, stated)
    for unknown in ({}, {"mosaics/a.fits": None}, {"mosaics/a.fits": "unknown"}):
        check_downloads([path], tmp_path, unknown)


def test_the_line_of_a_download_counts_more_than_its_entry(tmp_path):
    """The entry was compared when the file came; the line tells how it came."""
    path = record(tmp_path, b"first")
    check_downloads([path], tmp_path, {"mosaics/a.fits": "sha256:" + "0" * 64})


def test_downloads_that_end_at_the_same_time_are_all_recorded(tmp_path):
    (tmp_path / "mosaics").mkdir()
    names = [f"{i}.fits" for i in range(60)]
    with ThreadPoolExecutor(12) as pool:
        list(pool.map(lambda name: record(tmp_path, name.encode(), name=name), names))
    assert sorted(row["file"] for row in rows(tmp_path)) == sorted(f"mosaics/{n}" for n in names)
    lines = (tmp_path / "checksums.csv").read_text().splitlines()
    assert [i for i, line in enumerate(lines) if line.startswith("file,")] == [0]


@pytest.mark.parametrize(
    ("lines", "line"),
    [
        (["mosaics/a.fits,https://a.org/a.fits,5,sha256:0"] * 2, 2),
        (["file,address,n_bytes,checksum", "mosaics/a.fits,https://a.org/a.fits"], 2),
    ],
)
def test_a_table_that_is_not_as_it_was_written_is_named(tmp_path, lines, line):
    table = tmp_path / "checksums.csv"
    table.write_text("\n".join(lines) + "\n")
    with pytest.raises(DeblendError, match=rf"line {line} of .*checksums\.csv is no record"):
        record(tmp_path, b"first")
    with pytest.raises(DeblendError, match=rf"line {line} of .*checksums\.csv is no record"):
        check_recorded(tmp_path, tmp_path / "mosaics" / "a.fits")
    assert table.read_text() == "\n".join(lines) + "\n"


def test_a_mosaic_is_read_once_by_a_job_that_compares_it_twice(tmp_path):
    """With its own digest, and with the table of downloads."""
    process = psutil.Process()
    if not hasattr(process, "io_counters"):
        pytest.skip("this system does not tell what a process has read")
    content = bytes(3_000_000)
    path = record(tmp_path, content)
    record_digests([path])
    time.sleep(1.1 * SETTLED_S)
    before = process.io_counters().read_chars
    check_digests([path])
    check_downloads([path], tmp_path, {})
    assert len(content) <= process.io_counters().read_chars - before < 1.5 * len(content)
    path.write_bytes(b"1" + content[1:])
    with pytest.raises(DeblendError, match="than when it was made"):
        check_digests([path])
    with pytest.raises(DeblendError, match="has changed since"):
        check_downloads([path], tmp_path, {})


def test_the_line_after_a_cut_one_is_a_line_of_its_own(tmp_path):
    """A power cut can leave a part of the last line."""
    record(tmp_path, b"first")
    record(tmp_path, b"second", name="b.fits")
    table = tmp_path / "checksums.csv"
    table.write_bytes(table.read_bytes()[:-20])
    path = record(tmp_path, b"third", name="c.fits")
    assert [row["file"][-6:] for row in rows(tmp_path)] == ["a.fits", "b.fits", "c.fits"]
    path.write_bytes(b"fourth")
    with pytest.raises(DeblendError, match="c.fits has changed since it was downloaded"):
        check_recorded(tmp_path, path)
