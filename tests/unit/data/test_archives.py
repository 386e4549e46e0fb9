"""Downloads from a server on this machine, and archives."""

import hashlib
import io
import json
import tarfile
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pooch
import pytest
import requests
from deblend.data.archives import (
    check_url,
    download,
    extract_catalog,
    extract_members,
    find_file,
    locate,
)
from deblend.errors import DeblendError
from deblend.files import atomic

from tests.server import Polite, running

MEMBERS = {"images": "candels.npy", "catalog": "candels.csv"}
LIMIT = 1_000_000
DOI = "10.5281/zenodo.2604740"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("deblend.data.archives.RETRY_PAUSES_S", (0.0, 0.0))


class Server(NamedTuple):
    """A server; `failures` has, for each path, the HTTP statuses of its first answers."""

    folder: Path
    url: str
    asked: list
    failures: dict


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()
    failures = {}

    class Quiet(Polite, SimpleHTTPRequestHandler):
        def do_GET(self):
            self.server.asked.append(self.path)
            if failures.get(self.path):
                self.send_error(failures[self.path].pop(0))
            elif self.path == "/truncated":
                self.send_response(200)
                self.send_header("Content-Length", "5000")
                self.end_headers()
                self.wfile.write(b"only this")
            elif self.path == "/endless":
                self.send_response(200)
                self.end_headers()
                for _ in range(4):
                    self.wfile.write(b"x" * LIMIT)
            else:
                super().do_GET()

    with running(partial(Quiet, directory=str(folder)), asked=[]) as httpd:
        yield Server(folder, httpd.url, httpd.asked, failures)


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_a_good_file_is_downloaded(server, tmp_path):
    folder, url, *_ = server
    (folder / "data.bin").write_bytes(b"galaxies" * 1000)
    target = tmp_path / "out" / "data.bin"
    download(f"{url}/data.bin", target, sha256(b"galaxies" * 1000), LIMIT)
    assert target.read_bytes() == b"galaxies" * 1000
    assert [p.name for p in target.parent.iterdir()] == ["data.bin"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data.bin", "tampered with"),
        ("missing.bin", "cannot download .*404"),
        ("truncated", "cannot download"),
        ("large.bin", "over the limit of 1000000"),
        ("endless", "larger than the limit"),
    ],
)
def test_a_bad_file_leaves_nothing(server, tmp_path, path, message):
    folder, url, *_ = server
    (folder / "data.bin").write_bytes(b"something else")
    (folder / "large.bin").write_bytes(b"x" * (LIMIT + 1))
    target = tmp_path / "out" / "data.bin"
    with pytest.raises(DeblendError, match=message):
        download(f"{url}/{path}", target, sha256(b"galaxies"), LIMIT)
    assert list(target.parent.iterdir()) == []


def test_a_table_that_cannot_be_read_is_called_by_its_address(server, tmp_path):
    (server.folder / "a.csv").write_text("<html>sign in</html>")
    with pytest.raises(DeblendError) as caught:
        download(f"{server.url}/a.csv?key=secret", tmp_path / "t.csv", None, LIMIT, n_rows=3)
    assert f"cannot read the catalogue {server.url}/a.csv (it is a web page" in str(caught.value)
    assert "partial" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("size", [10, LIMIT])
def test_a_full_disk_is_said_in_words(server, tmp_path, size):
    (server.folder / "data.bin").write_bytes(b"x" * size)
    folder = tmp_path / "full"
    folder.mkdir()
    # What is written before it is complete goes to a device without space.
    with atomic(folder / "data.bin") as temporary:
        name = temporary.name
        temporary.touch()
    (folder / name).symlink_to("/dev/full")
    with pytest.raises(DeblendError, match=rf"no space for {size} bytes in .*full: make some"):
        download(f"{server.url}/data.bin", folder / "data.bin", None, LIMIT)
    (folder / name).symlink_to("/dev/full")
    archive(tmp_path / "a.tar", [("data.bin", b"x" * size)])
    with pytest.raises(DeblendError, match=rf"no space for {size} bytes in .*full: make some"):
        extract_members(tmp_path / "a.tar", {"data": "data.bin"}, folder, LIMIT)


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"]
)
def test_only_https(url):
    with pytest.raises(DeblendError, match="is not https"):
        check_url(url)
    check_url("https://example.org/x")


def test_a_server_error_is_retried(server, tmp_path, caplog):
    folder, url, asked, failures = server
    (folder / "data.bin").write_bytes(b"galaxies")
    failures["/data.bin"] = [500, 503]
    download(f"{url}/data.bin", tmp_path / "data.bin", sha256(b"galaxies"), LIMIT)
    assert (tmp_path / "data.bin").read_bytes() == b"galaxies"
    assert asked == ["/data.bin"] * 3
    assert "again in" in caplog.text


def test_a_permanent_server_error_is_reported(server, tmp_path):
    server.failures["/data.bin"] = [500] * 9
    with pytest.raises(DeblendError, match="cannot download .*500"):
        download(f"{server.url}/data.bin", tmp_path / "data.bin", sha256(b""), LIMIT)
    assert len(server.asked) == 3


def test_permanent_failures_are_not_retried(server, tmp_path):
    folder, url, asked, _ = server
    (folder / "data.bin").write_bytes(b"something else")
    for path in ("missing.bin", "data.bin"):
        with pytest.raises(DeblendError):
            download(f"{url}/{path}", tmp_path / path, sha256(b"galaxies"), LIMIT)
    assert asked == ["/missing.bin", "/data.bin"]


def test_a_lost_connection_is_retried(server, tmp_path):
    with pytest.raises(DeblendError, match="cannot download"):
        download(f"{server.url}/truncated", tmp_path / "x", sha256(b""), LIMIT)
    assert len(server.asked) == 3


@pytest.fixture
def zenodo(server, monkeypatch):
    """A server that answers like Zenodo's API, and that the DOI resolves to."""
    content = b"stamps" * 100
    (server.folder / "data.tar.gz").write_bytes(content)
    record = {
        "id": 2604740,
        "files": [
            {
                "key": "data.tar.gz",
                "size": len(content),
                "checksum": "md5:" + hashlib.md5(content).hexdigest(),
                "links": {"self": f"{server.url}/data.tar.gz"},
            }
        ],
    }
    (server.folder / "2604740").write_text(json.dumps(record))
    downloaders = pooch.downloaders
    monkeypatch.setattr(downloaders.ZenodoRepository, "base_api_url", server.url)
    monkeypatch.setattr(
        downloaders, "doi_to_url", lambda doi, **_: "https://zenodo.org/records/2604740"
    )
    return server


def entry(**changes):
    return {"doi": DOI, "filename": "data.tar.gz", "url": None, "checksum": None, **changes}


def test_a_file_of_a_doi_is_downloaded(zenodo, tmp_path):
    url, checksum = locate(entry())
    assert url == f"{zenodo.url}/data.tar.gz"
    download(url, tmp_path / "data.tar.gz", checksum, LIMIT)
    assert (tmp_path / "data.tar.gz").read_bytes() == b"stamps" * 100
    (zenodo.folder / "data.tar.gz").write_bytes(b"other stamps")
    with pytest.raises(DeblendError, match=f"its checksum is not {checksum}"):
        download(url, tmp_path / "again.tar.gz", checksum, LIMIT)
    assert not (tmp_path / "again.tar.gz").exists()


def test_a_mirror_and_a_checksum_override_the_record(zenodo):
    pin = sha256(b"trusted")
    assert locate(entry(checksum=pin)) == (f"{zenodo.url}/data.tar.gz", pin)
    zenodo.asked.clear()
    assert locate(entry(url="https://mirror.org/x", checksum=pin)) == ("https://mirror.org/x", pin)
    assert zenodo.asked == []
    with pytest.raises(DeblendError, match="mirror.org/x has no checksum"):
        locate(entry(url="https://mirror.org/x"))


def test_reading_the_record_is_retried_after_an_error(zenodo):
    zenodo.failures["/2604740"] = [500, 502]  # with an HTML page, as from proxies
    assert find_file(DOI, "data.tar.gz")[0].startswith(zenodo.url)
    assert zenodo.asked == ["/2604740"] * 3


@pytest.mark.parametrize(("status", "times"), [(500, 3), (404, 1)])
def test_the_api_says_in_its_body_that_it_failed(zenodo, status, times):
    (zenodo.folder / "2604740").write_text(json.dumps({"status": status, "message": "no"}))
    with pytest.raises(DeblendError, match=f"cannot read the record {DOI} .*{status}"):
        find_file(DOI, "data.tar.gz")
    assert len(zenodo.asked) == times


def test_a_file_that_is_not_in_the_record_is_named(zenodo):
    with pytest.raises(DeblendError, match=f"{DOI} has no file b.tar.gz; it has data.tar.gz"):
        find_file(DOI, "b.tar.gz")


def test_an_unknown_doi(monkeypatch):
    def lost(doi, **_):
        raise requests.HTTPError("404 Client Error", response=answer)

    answer = requests.Response()
    answer.status_code = 404
    monkeypatch.setattr(pooch.downloaders, "doi_to_url", lost)
    with pytest.raises(DeblendError, match="cannot read the record 10.5281/nothing .*404"):
        find_file("10.5281/nothing", "a")


def archive(path, members):
    with tarfile.open(path, "w:gz") as tar:
        for name, data in members:
            info = tarfile.TarInfo(name)
            if isinstance(data, str):
                info.type, info.linkname = tarfile.SYMTYPE, data
                tar.addfile(info)
            else:
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))


def test_members_are_taken_by_base_name(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(
        path,
        [("data/candels.npy", b"1"), ("data/._candels.npy", b"?"), ("../../candels.csv", b"2")],
    )
    out = tmp_path / "deep" / "out"
    found = extract_members(path, MEMBERS, out, LIMIT)
    assert {k: p.read_bytes() for k, p in found.items()} == {"images": b"1", "catalog": b"2"}
    # A path that leads out of the folder has no effect on where the file is written.
    assert sorted(p.name for p in out.iterdir()) == ["candels.csv", "candels.npy"]
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("candels.npy", b"1")], "lacks candels.csv"),
        ([("candels.npy", b"1"), ("candels.csv", "/etc/passwd")], "lacks candels.csv"),
        (
            [("a/candels.npy", b"1"), ("b/candels.npy", b"1")],
            "two files called candels.npy",
        ),
        ([("candels.npy", b"1" * (LIMIT + 1))], "over the limit"),
    ],
)
def test_invalid_archives(tmp_path, members, message):
    path = tmp_path / "a.tar.gz"
    archive(path, members)
    with pytest.raises(DeblendError, match=message):
        extract_members(path, MEMBERS, tmp_path / "out", LIMIT)


def test_a_broken_archive_is_named(tmp_path):
    path = tmp_path / "a.tar.gz"
    archive(path, [("candels.npy", bytes(range(256)) * 100)])
    path.write_bytes(path.read_bytes()[:60])
    with pytest.raises(DeblendError, match="cannot unpack"):
        extract_members(path, MEMBERS, tmp_path / "out", LIMIT)


def test_a_catalogue_comes_with_its_companions(tmp_path):
    path = tmp_path / "a.tar.gz"
    files = [
        ("s/cat.fits", b"1"),
        ("s/cat_fits.fits", b"2"),
        ("../up.fits", b"3"),
        ("s/a.txt", b""),
    ]
    archive(path, files)
    extract_catalog(path, "cat.fits", tmp_path / "out", LIMIT)
    names = sorted(p.name for p in (tmp_path / "out").iterdir())
    assert names == ["cat.fits", "cat_fits.fits", "up.fits"]
    with pytest.raises(DeblendError, match=r"lacks other.fits"):
        extract_catalog(path, "other.fits", tmp_path / "none", LIMIT)
    with pytest.raises(DeblendError, match="over the limit"):
        extract_catalog(path, "cat.fits", tmp_path / "none", 0)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.tar.gz", "out"]
