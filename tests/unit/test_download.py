"""Downloads, from a server on this machine."""

import hashlib
import io
import json
import tarfile
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from deblend.download import check_url, download, extract_members, zenodo_checksum
from deblend.errors import DeblendError

MEMBERS = {"images": "candels.npy", "catalog": "candels.csv"}
LIMIT = 1_000_000


@pytest.fixture
def server(tmp_path):
    folder = tmp_path / "served"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

        def do_GET(self):
            if self.path == "/truncated":
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

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    thread = threading.Thread(target=httpd.serve_forever, daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()
    thread.join()


def sha256(data):
    return "sha256:" + hashlib.sha256(data).hexdigest()


def test_a_good_file_arrives(server, tmp_path):
    folder, url = server
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
        ("truncated", "cannot download|ended after"),
        ("large.bin", "over the limit of 1000000"),
        ("endless", "beyond the limit"),
    ],
)
def test_a_bad_file_leaves_nothing(server, tmp_path, path, message):
    folder, url = server
    (folder / "data.bin").write_bytes(b"something else")
    (folder / "large.bin").write_bytes(b"x" * (LIMIT + 1))
    target = tmp_path / "out" / "data.bin"
    with pytest.raises(DeblendError, match=message):
        download(f"{url}/{path}", target, sha256(b"galaxies"), LIMIT)
    assert list(target.parent.iterdir()) == []


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"]
)
def test_only_https(url):
    with pytest.raises(DeblendError, match="is not https"):
        check_url(url)
    check_url("https://example.org/x")


def test_checksum_of_a_record(server):
    folder, url = server
    record = {"files": [{"key": "a.tar.gz", "checksum": "md5:abc"}]}
    (folder / "record").write_text(json.dumps(record))
    assert zenodo_checksum(f"{url}/record", "a.tar.gz") == "md5:abc"
    with pytest.raises(DeblendError, match="has no file b.tar.gz; it has a.tar.gz"):
        zenodo_checksum(f"{url}/record", "b.tar.gz")
    with pytest.raises(DeblendError, match="cannot read the record"):
        zenodo_checksum(f"{url}/nothing", "a.tar.gz")


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
    # A path that climbs out of the folder has no say in where the file lands.
    assert sorted(p.name for p in out.iterdir()) == ["candels.csv", "candels.npy"]
    assert not list(tmp_path.glob("*.csv"))


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("candels.npy", b"1")], "lacks candels.csv"),
        ([("candels.npy", b"1"), ("candels.csv", "/etc/passwd")], "lacks candels.csv"),
        ([("a/candels.npy", b"1"), ("b/candels.npy", b"1")], "has candels.npy twice"),
        ([("candels.npy", b"1" * (LIMIT + 1))], "over the limit"),
    ],
)
def test_archives_that_are_not_as_they_should_be(tmp_path, members, message):
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
