"""Digests of files between jobs."""

import hashlib
import os
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.run.digests import check_digests, digest_file, record_digests


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "datasets" / "blends test.ecsv"
    path.parent.mkdir()
    path.write_text("id mag\n" + "".join(f"{i} 20.5\n" for i in range(600)))
    record_digests([path])
    return path


def test_a_digest_is_that_of_sha256sum(table):
    assert digest_file(table).name == ".blends test.ecsv.sha256"
    digest = hashlib.sha256(table.read_bytes()).hexdigest()
    assert digest_file(table).read_text() == f"{digest}  blends test.ecsv\n"
    # Nothing temporary is left.
    assert set(table.parent.iterdir()) == {table, digest_file(table)}
    check_digests([table])


def flipped(content):
    """One bit in the middle."""
    content = bytearray(content)
    content[len(content) // 2] ^= 4
    return bytes(content)


@pytest.mark.parametrize(
    "change",
    [flipped, lambda c: c[: c.index(b"300 ")], lambda c: c + b"600 20.5\n", lambda c: b""],
    ids=["one bit", "cut at a line", "longer", "empty"],
)
def test_other_bytes_are_an_error_that_names_the_remedies(table, change):
    stat = table.stat()
    table.write_bytes(change(table.read_bytes()))
    os.utime(table, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DeblendError) as error:
        check_digests([table])
    assert str(error.value) == (
        f"{table} has other bytes than when it was made: delete it and run again; or, if you "
        f"changed it on purpose, delete {digest_file(table)}, which has its digest"
    )
    # The second remedy.
    digest_file(table).unlink()
    check_digests([table])


def test_one_bit_of_an_array_is_noticed(tmp_path):
    path = tmp_path / "frames.npy"
    np.save(path, np.arange(3000, dtype=np.uint8).reshape(10, 10, 10, 3))
    record_digests([path])
    check_digests([path])
    path.write_bytes(flipped(path.read_bytes()))
    np.load(path)
    with pytest.raises(DeblendError, match=r"frames\.npy has other bytes"):
        check_digests([path])


def test_a_digest_that_is_broken_itself_is_named(table):
    digest_file(table).write_bytes(b"\xff\x00")
    with pytest.raises(DeblendError, match=r"delete .*\.blends test\.ecsv\.sha256"):
        check_digests([table])


def test_a_new_file_gets_a_new_digest(table):
    table.write_text("id mag\n")
    record_digests([table])
    check_digests([table])


def test_archives_have_no_digest(tmp_path):
    (tmp_path / "archive.tar.gz").write_text("content")
    record_digests(tmp_path / name for name in ("archive.tar.gz", "not made.csv"))
    assert {path.name for path in tmp_path.iterdir()} == {"archive.tar.gz"}


@pytest.fixture
def catalog(tmp_path):
    """A folder that was unpacked, as Snakemake leaves it."""
    folder = tmp_path / "cosmos" / "catalog"
    (folder / "images").mkdir(parents=True)
    (folder / "real galaxies.fits").write_bytes(b"SIMPLE  = catalogue")
    (folder / "images" / "1.fits").write_bytes(b"SIMPLE  = image")
    record_digests([folder])
    (folder / ".snakemake_timestamp").touch()
    return folder


def test_the_digest_of_a_folder_is_that_of_sha256sum(catalog):
    digest = digest_file(catalog)
    assert digest.name == ".catalog.sha256"
    names = [line.partition("  ")[2] for line in digest.read_text().splitlines()]
    assert names == ["catalog/images/1.fits", "catalog/real galaxies.fits"]
    if shutil.which("sha256sum"):
        command = ["sha256sum", "--check", "--strict", digest.name]
        subprocess.run(command, cwd=catalog.parent, check=True, capture_output=True)
    check_digests([catalog])
    # What systems leave in folders is not read.
    (catalog / ".DS_Store").touch()
    (catalog / "images" / ".nfs0001").touch()
    check_digests([catalog])


def flip_in_place(path):
    """Change one bit, and keep the times of the file and of its folder."""
    times = {place: place.stat() for place in (path, path.parent)}
    path.write_bytes(flipped(path.read_bytes()))
    for place, about in times.items():
        os.utime(place, ns=(about.st_atime_ns, about.st_mtime_ns))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda folder: flip_in_place(folder / "images/1.fits"), "catalog/images/1.fits"),
        (lambda folder: flip_in_place(folder / "real galaxies.fits"), "catalog/real galaxies.fits"),
        (lambda folder: (folder / "images/1.fits").unlink(), "catalog/images/1.fits"),
        (lambda folder: (folder / "images/2.fits").touch(), "catalog/images/2.fits"),
    ],
    ids=["image", "catalogue", "gone", "added"],
)
def test_a_changed_file_of_a_folder_is_named(catalog, change, named):
    change(catalog)
    with pytest.raises(DeblendError) as error:
        check_digests([catalog])
    assert str(error.value) == (
        f"{catalog.parent / named} has other bytes than when it was made: delete {catalog} and run "
        f"again; or, if you changed it on purpose, delete {digest_file(catalog)}, which has its "
        "digest"
    )


def test_a_folder_of_the_users_is_not_compared(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    check_digests([folder])


def test_a_digest_of_a_folder_that_is_broken_itself_is_named(catalog):
    digest_file(catalog).write_bytes(b"\xff\x00")
    with pytest.raises(DeblendError, match=r"delete .*\.catalog\.sha256"):
        check_digests([catalog])


def test_another_hdf5_file_of_the_same_time_is_noticed(tmp_path):
    """Its own checksums are right, since it is whole."""
    paths = [tmp_path / name for name in ("stamps.h5", "older.h5")]
    for k, path in enumerate(paths):
        with h5py.File(path, "w") as file:
            file.create_dataset("images", data=np.full((4, 4), k), fletcher32=True)
    record_digests(paths[:1])
    check_digests(paths[:1])
    stat = paths[0].stat()
    paths[1].replace(paths[0])
    os.utime(paths[0], ns=(stat.st_atime_ns, stat.st_mtime_ns))
    with pytest.raises(DeblendError, match=r"stamps\.h5 has other bytes than when it was made"):
        check_digests(paths[:1])


def test_files_without_a_digest_are_not_compared(tmp_path, table):
    mine = tmp_path / "mine.csv"
    mine.write_text("id\n")
    check_digests([mine, tmp_path, tmp_path / "not there.csv"])
    # What a job that failed left behind.
    table.unlink()
    check_digests([table])
