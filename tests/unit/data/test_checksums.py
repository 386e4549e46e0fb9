"""Checksums of files, and the table of those of downloads."""

import csv
import hashlib

import pytest
from deblend.data.checksums import check_digest, check_recorded, record_digest
from deblend.errors import DeblendError


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
