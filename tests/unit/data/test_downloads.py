"""Downloads from a server on this machine."""

import contextlib
import gzip
import hashlib
import io
import json
import logging
import random
import re
import threading
import time
import traceback
from email.utils import formatdate
from functools import partial
from http.server import SimpleHTTPRequestHandler
from pathlib import Path
from typing import NamedTuple

import pooch
import pytest
import requests
from deblend.data.downloads import download, find_file, locate
from deblend.errors import DeblendError, TransientError
from deblend.files import temporary_name

from tests.server import Handler, Polite, running, send, send_endless, send_slowly

LIMIT = 1_000_000
DOI = "10.5281/zenodo.2604740"


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0, 0.0))


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
    assert f"{server.url}/a.csv is a web page" in str(caught.value)
    assert "partial" not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("size", [10, LIMIT])
def test_a_full_disk_is_said_in_words(server, tmp_path, size):
    (server.folder / "data.bin").write_bytes(b"x" * size)
    folder = tmp_path / "full"
    folder.mkdir()
    # What is written before it is complete goes to a device without space.
    temporary_name(folder / "data.bin").symlink_to("/dev/full")
    with pytest.raises(DeblendError, match=rf"no space for {size} bytes in .*full: make some"):
        download(f"{server.url}/data.bin", folder / "data.bin", None, LIMIT)


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


class Api(Handler):
    """Zenodo's API whose answer `server.answer` gives."""

    def do_GET(self):
        self.server.asked.append(self.path)
        self.server.answer(self)


@pytest.fixture
def api(zenodo, monkeypatch):
    with running(Api, asked=[], record=(zenodo.folder / "2604740").read_bytes()) as server:
        monkeypatch.setattr(pooch.downloaders.ZenodoRepository, "base_api_url", server.url)
        yield server


def read_record(**limits):
    return find_file(DOI, "data.tar.gz", **limits)


@pytest.mark.parametrize("status", [201, 202, 203, 206, 300, 400, 403])
def test_only_200_is_an_answer_of_a_record(api, status):
    api.answer = lambda handler: send(handler, status, api.record)
    with pytest.raises(DeblendError, match=f"cannot read the record {DOI} .*{status}"):
        read_record()
    assert len(api.asked) == 1


def test_the_record_of_a_doi_has_a_largest_size(api):
    api.answer = send_endless
    with pytest.raises(DeblendError, match=f"record {DOI} .*larger than the limit of 1000000 byte"):
        read_record(max_bytes=LIMIT)
    api.answer = lambda handler: send(
        handler, 200, gzip.compress(b" " * 10 * LIMIT), Content_Encoding="gzip"
    )
    with pytest.raises(DeblendError, match=f"record {DOI} .*larger than the limit of 1000000 byte"):
        read_record(max_bytes=LIMIT)
    assert len(api.asked) == 2


def test_the_record_of_a_doi_has_a_longest_time(api):
    api.answer = send_slowly
    begun = time.monotonic()
    with pytest.raises(DeblendError, match=rf"record {DOI} .*is not complete after 0\.3 s"):
        read_record(longest_s=0.3)
    assert time.monotonic() - begun < 5
    assert len(api.asked) == 1


def test_the_api_of_a_doi_does_not_redirect_to_http(api):
    api.answer = lambda handler: send_endless(handler, 302, Location="http://example.org/2604740")
    with pytest.raises(DeblendError, match=r"http://example\.org/2604740 is not https"):
        read_record()


def test_the_api_of_a_doi_may_redirect(api):
    def answer(handler):
        if handler.path == "/new":
            send(handler, 200, api.record)
        else:
            send_endless(handler, 302, Location="/new")

    api.answer = answer
    assert read_record()[0].endswith("/data.tar.gz")
    assert api.asked == ["/2604740", "/new"]


def test_a_busy_api_of_a_doi_is_waited_for(api):
    def answer(handler):
        busy = len(api.asked) == 1
        send(handler, *((429, b"") if busy else (200, api.record)), Retry_After="1")

    api.answer = answer
    begun = time.monotonic()
    read_record()
    assert time.monotonic() - begun >= 1
    api.answer = lambda handler: send(handler, 429, Retry_After="100000")
    with pytest.raises(DeblendError, match=r"127\.0\.0\.1 asks to wait 100000 s .*run again after"):
        read_record()
    assert len(api.asked) == 3


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


class Odd(Handler):
    """Answers that are no files, and a file of which each answer has one part only.

    `server.asked` has the headers of requests; `server.tag` is the version of the file.
    """

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(dict(self.headers))
        getattr(self, self.path.strip("/").partition("?")[0].partition(".")[0])()

    def send(self, status, content, **headers):
        self.send_response(status)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        for name, value in ({"Content-Length": str(len(content))} | headers).items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def nothing(self):
        self.send(204, b"")

    def part(self):
        self.send(206, b"gal", Content_Range="bytes 0-2/8")

    def empty(self):
        self.send(200, b"")

    def login(self):
        self.send(200, b"\xef\xbb\xbf<html>Sign in</html>", Content_Type="text/html")

    def message(self):
        self.send(200, b"Sign in", Content_Type="text/html")

    def page(self):
        self.send(200, b"<!DOCTYPE html>\n<html><body>Sign in</body></html>")

    def cut(self):
        """Less than announced, by chunks of which the last one is missing."""
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.wfile.write(b"3\r\ngal\r\n")
        self.close_connection = True

    def busy(self):
        """The first answers ask to come back later."""
        if self.server.busy:
            status, wait = self.server.busy.pop(0)
            self.send(status, b"", **({} if wait is None else {"Retry_After": wait}))
        else:
            self.send(200, self.server.content)

    def interrupted(self):
        """Two megabytes, and then the server asks to come back later."""
        if len(self.server.asked) > 1:
            self.busy()
        else:
            self.large()

    def packed(self):
        self.send(200, gzip.compress(self.server.content), Content_Encoding="x-gzip")

    def doubled(self):
        """Two compressed files, one after the other."""
        content = gzip.compress(b"gala" * 1_000_000) + gzip.compress(b"xies")
        self.send(200, content, Content_Encoding="gzip")

    def halved(self):
        """The first half of a compressed answer."""
        content = gzip.compress(random.Random(0).randbytes(500_000))
        self.send(200, content[: len(content) // 2], Content_Encoding="gzip")

    def brotli(self):
        self.send(200, b"galaxies", Content_Encoding="br")

    def uncounted(self):
        self.send_response(200)
        self.send_header("Content-Length", "10, 10")
        self.end_headers()
        self.wfile.write(b"0123456789")
        self.close_connection = True

    def slow(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000")
        self.end_headers()
        for _ in range(20):
            self.wfile.write(b"x")
            self.wfile.flush()
            time.sleep(0.05)
        self.close_connection = True

    def gated(self):
        """The second half comes once the gate is open."""
        half = len(self.server.content) // 2
        self.send_response(200)
        self.send_header("Content-Length", str(len(self.server.content)))
        self.end_headers()
        self.wfile.write(self.server.content[:half])
        self.wfile.flush()
        self.server.gate.wait(20)
        self.wfile.write(self.server.content[half:])

    def capped(self):
        """Whoever asks for the rest gets two megabytes of it, in a complete answer."""
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if found is None:
            self.large()
            return
        start, n = int(found[1]), len(self.server.content)
        part = self.server.content[start : start + 2_000_000]
        size = self.server.told_size or n
        place = f"bytes {start}-{start + len(part) - 1}/{size}"
        self.send(206, part, Content_Range=place, ETag=f'"{self.server.tag}"')

    def large(self):
        """The connection is lost after two megabytes of each answer."""
        content, start, tag = self.server.content, 0, f'"{self.server.tag}"'
        wanted = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        if wanted and self.headers["If-Range"] == tag:
            start = int(wanted[1])
        n = len(content)
        self.send_response(206 if start else 200)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{n - 1}/{n}")
        self.send_header("ETag", tag)
        self.send_header("Content-Length", str(n - start))
        self.end_headers()
        self.wfile.write(content[start : start + 2_000_000])
        self.close_connection = True


@pytest.fixture
def odd():
    content = bytes(range(256)) * 20_000
    gate = threading.Event()
    attributes = {"asked": [], "tag": "1", "content": content, "gate": gate, "busy": []}
    with running(Odd, told_size=None, **attributes) as httpd:
        yield httpd


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("nothing", "cannot download .*204"),
        ("part", "cannot download .*206"),
        ("page", "is a web page .of a log-in"),
        ("empty.fits", r"empty\.fits is empty"),
        ("login.fits", r"login\.fits is a web page .of a log-in"),
        ("message", "is text/html and not the file, according to its server"),
        ("message.fits", "is no file of the format of its name .it begins with b'Sign in'"),
        ("cut", "cannot download"),
    ],
)
def test_what_is_no_file_is_refused_without_a_checksum_too(odd, tmp_path, path, message):
    target = tmp_path / "out" / "data.bin"
    with pytest.raises(DeblendError, match=message):
        download(f"{odd.url}/{path}", target, None, LIMIT, record=tmp_path)
    assert list(target.parent.iterdir()) == []
    assert not (tmp_path / "checksums.csv").exists()
    assert len(odd.asked) == (3 if path == "cut" else 1)


def test_a_large_file_is_resumed(odd, tmp_path):
    target = tmp_path / "data.bin"
    download(f"{odd.url}/large", target, sha256(odd.content), 10**7)
    assert target.read_bytes() == odd.content
    ranges = [request.get("Range") for request in odd.asked]
    assert ranges == [None, "bytes=2000000-", "bytes=4000000-"]
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_a_part_that_ends_before_the_file_is_not_the_whole_file(odd, tmp_path, monkeypatch):
    target = tmp_path / "data.bin"
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0,))
    with pytest.raises(DeblendError, match="ended after 4000000 of 5120000 bytes"):
        download(f"{odd.url}/capped", target, None, 10**7, record=tmp_path)
    assert not target.exists()
    assert not (tmp_path / "checksums.csv").exists()
    download(f"{odd.url}/capped", target, None, 10**7, record=tmp_path)
    assert target.read_bytes() == odd.content
    ranges = [request.get("Range") for request in odd.asked]
    assert ranges == [None, "bytes=2000000-", "bytes=4000000-"]


def test_a_part_of_a_file_of_unknown_size_is_not_taken(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0,))
    odd.told_size = "*"
    with pytest.raises(DeblendError, match="did not go on at byte 2000000"):
        download(f"{odd.url}/capped", tmp_path / "data.bin", None, 10**7)
    assert list(tmp_path.iterdir()) == []


def test_two_processes_do_not_write_the_same_download(odd, tmp_path):
    target = tmp_path / "data.bin"
    first = threading.Thread(
        target=download, args=(f"{odd.url}/gated", target, sha256(odd.content), 10**7)
    )
    first.start()
    try:
        while not odd.asked:
            time.sleep(0.01)
        with pytest.raises(DeblendError, match=r"another process is downloading .*data\.bin: wait"):
            download(f"{odd.url}/gated", target, None, 10**7)
    finally:
        odd.gate.set()
        first.join()
    assert target.read_bytes() == odd.content
    assert len(odd.asked) == 1
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_what_another_process_wrote_too_is_not_taken(odd, tmp_path, monkeypatch):
    """Where the file system has no locks."""
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    target = tmp_path / "data.bin"
    first = []

    def fail():
        try:
            download(f"{odd.url}/gated", target, None, 10**7)
        except DeblendError as error:
            first.append(str(error))

    thread = threading.Thread(target=fail)
    thread.start()
    try:
        while not temporary_name(target).exists():
            time.sleep(0.01)
        with temporary_name(target).open("ab") as file:
            file.write(b"another")
    finally:
        odd.gate.set()
        thread.join()
    assert ["of 5120000 bytes" in message for message in first] == [True]
    assert not target.exists()


def test_the_next_run_goes_on_where_the_last_one_was_killed(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    target = tmp_path / "data.bin"
    for _ in range(2):
        with pytest.raises(DeblendError, match="cannot download"):
            download(f"{odd.url}/large", target, None, 10**7)
        assert not target.exists()
    download(f"{odd.url}/large", target, None, 10**7)
    assert target.read_bytes() == odd.content
    assert odd.asked[-1]["Range"] == "bytes=4000000-"
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_two_versions_of_a_file_are_not_mixed(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    target = tmp_path / "data.bin"
    with pytest.raises(DeblendError, match="cannot download"):
        download(f"{odd.url}/large", target, None, 10**7)
    odd.tag, odd.content = "2", b"new" * 100_000
    download(f"{odd.url}/large", target, None, 10**7)
    assert target.read_bytes() == odd.content


def test_addresses_that_differ_in_their_query_are_two_files(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    for version in (1, 2, 2):
        with contextlib.suppress(DeblendError):
            download(f"{odd.url}/large?v={version}", tmp_path / "data.bin", None, 10**7)
    ranges = [request.get("Range") for request in odd.asked]
    assert ranges == [None, None, "bytes=2000000-"]


@pytest.mark.parametrize("note", ["[]", "{}", "3", '{"validator": 1}', "no JSON"])
def test_a_note_that_is_not_ours_is_not_used(odd, tmp_path, note):
    left = temporary_name(tmp_path / "data.bin")
    left.write_bytes(b"something")
    left.with_name(f"{left.name}.json").write_text(note)
    download(f"{odd.url}/large", tmp_path / "data.bin", sha256(odd.content), 10**7)
    assert odd.asked[0].get("Range") is None
    assert [p.name for p in tmp_path.iterdir()] == ["data.bin"]


def test_another_machine_cannot_make_us_ask_this_one(odd, tmp_path, monkeypatch):
    get = requests.get

    def redirect(url, **options):
        if not url.startswith("https://archive.org/"):
            return get(url, **options)
        answer = requests.Response()
        answer.status_code, answer.headers["Location"] = 302, f"{odd.url}/large"
        answer.raw = io.BytesIO()
        return answer

    monkeypatch.setattr(requests, "get", redirect)
    with pytest.raises(DeblendError, match=r"127\.0\.0\.1.* is not https"):
        download("https://archive.org/a.fits", tmp_path / "a.fits", None, LIMIT)
    assert odd.asked == []


def test_a_compressed_file_stays_as_it_is_and_a_compressed_answer_does_not(odd, tmp_path):
    """Servers call a .gz file gzip-encoded; others compress answers though they must not."""
    download(f"{odd.url}/packed.tar.gz", tmp_path / "a.tar.gz", None, LIMIT)
    assert gzip.decompress((tmp_path / "a.tar.gz").read_bytes()) == odd.content
    download(f"{odd.url}/packed.csv", tmp_path / "a.csv", None, 10**7, n_bytes=len(odd.content))
    assert (tmp_path / "a.csv").read_bytes() == odd.content


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("halved", "the end of the gzip is missing"),
        ("brotli", "sends its content as 'br', not asked for"),
    ],
)
def test_content_that_is_not_complete_or_not_understood(odd, tmp_path, monkeypatch, path, message):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    with pytest.raises(DeblendError, match=f"cannot download {odd.url}/{path} .*{message}"):
        download(f"{odd.url}/{path}", tmp_path / "a.csv", None, LIMIT)
    assert not (tmp_path / "a.csv").exists()


def test_compressed_files_one_after_the_other_are_all_read(odd, tmp_path):
    download(f"{odd.url}/doubled", tmp_path / "a", None, 10 * LIMIT)
    assert (tmp_path / "a").read_bytes() == b"gala" * 1_000_000 + b"xies"


def test_a_length_that_is_no_number_is_unknown(odd, tmp_path):
    download(f"{odd.url}/uncounted", tmp_path / "a", None, LIMIT)
    assert (tmp_path / "a").read_bytes() == b"0123456789"


def test_the_limit_counts_what_is_written(odd, tmp_path):
    """5 MB are 20 kB when compressed."""
    with pytest.raises(DeblendError, match="larger than the limit of 1000000 bytes"):
        download(f"{odd.url}/packed.csv", tmp_path / "a.csv", None, LIMIT)
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_sends_hardly_anything_is_given_up(odd, tmp_path, monkeypatch):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    with pytest.raises(DeblendError, match="fewer than 1000 bytes a second"):
        download(f"{odd.url}/slow", tmp_path / "a", None, LIMIT, patience_s=0.3)


def test_a_download_has_a_longest_time(odd, tmp_path):
    with pytest.raises(DeblendError, match=r"after 0\.2 s it has \d+ of \S+ bytes.*run again"):
        download(f"{odd.url}/slow", tmp_path / "a", None, LIMIT, longest_s=0.2)
    # Another attempt would take as long.
    assert len(odd.asked) == 1


def soon(seconds):
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("status", "wait", "least"),
    [(429, lambda: "1", 1), (503, lambda: "1", 1), (503, lambda: soon(2), 1)],
)
def test_a_busy_server_is_asked_again_when_it_says(odd, tmp_path, status, wait, least):
    """The seconds of a date are whole ones: of two, at least one is left."""
    odd.busy = [(status, wait())]
    begun = time.monotonic()
    download(f"{odd.url}/busy", tmp_path / "a", sha256(odd.content), 10**7)
    assert least <= time.monotonic() - begun < least + 5
    assert len(odd.asked) == 2


@pytest.mark.parametrize("wait", [lambda: "3600", lambda: "9" * 5000, lambda: soon(3600)])
def test_a_server_that_is_busy_for_long_is_not_waited_for(odd, tmp_path, wait):
    odd.busy = [(429, wait())] * 9
    begun, address = time.monotonic(), f"{odd.url}/busy?key={'TOKEN'}"
    message = r"127\.0\.0\.1 asks to wait (3\d+|inf) s .*the 60 s that are left .*: run again after"
    with pytest.raises(DeblendError, match=message) as caught:
        download(address, tmp_path / "a", None, 10**7, longest_s=60)
    assert time.monotonic() - begun < 5
    assert len(odd.asked) == 1
    assert "key=TOKEN" not in "".join(traceback.format_exception(caught.value))
    # Another attempt in the same run would not wait either.
    assert not isinstance(caught.value, TransientError)


def test_all_waits_together_take_no_longer_than_a_download_may(odd, tmp_path):
    odd.busy = [(503, "2")] * 9
    begun = time.monotonic()
    with pytest.raises(DeblendError, match="asks to wait 2 s"):
        download(f"{odd.url}/busy", tmp_path / "a", None, 10**7, longest_s=3)
    assert time.monotonic() - begun < 3
    assert len(odd.asked) == 2


def test_what_came_is_kept_for_the_run_after_the_wait(odd, tmp_path):
    odd.busy = [(429, "3600")]
    with pytest.raises(DeblendError, match="asks to wait 3600 s"):
        download(f"{odd.url}/interrupted", tmp_path / "a", None, 10**7, longest_s=60)
    assert temporary_name(tmp_path / "a").stat().st_size == 2_000_000


@pytest.mark.parametrize(
    "wait",
    [
        *(None, "", "-1", "-1e9", "NaN", "inf", "1e9", "0x10", "3600, 1", "soon", "²"),
        *(
            "Mon, 01 Jan 2024 00:00:00 GMT",
            "Thu, 01 Jan 99999 00:00:00 GMT",
            "Mon, 32 Foo 2030 99:99:99 +9999",
        ),
        *("0", "Fri, 31 Dec 1999 23:59:59 -0000", "x" * 60_000),
    ],
)
def test_a_wait_that_is_none_does_no_harm(odd, tmp_path, wait):
    odd.busy = [(429, wait)]
    begun = time.monotonic()
    download(f"{odd.url}/busy", tmp_path / "a", sha256(odd.content), 10**7)
    assert time.monotonic() - begun < 5
    assert len(odd.asked) == 2


def test_other_answers_do_not_set_the_pause(odd, tmp_path):
    odd.busy = [(500, "3600")]
    download(f"{odd.url}/busy", tmp_path / "a", sha256(odd.content), 10**7)
    assert len(odd.asked) == 2


@pytest.mark.parametrize("path", ["large", "nothing", "packed.tar.gz"])
def test_secrets_of_an_address_are_nowhere(odd, tmp_path, monkeypatch, caplog, path):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", ())
    address = f"{odd.url}/{path}?X-Amz-Signature=TOKEN".replace("//", "//user:TOKEN@")
    message = ""
    with caplog.at_level(logging.DEBUG, "deblend"):
        try:
            download(address, tmp_path / "m" / "a.tar.gz", None, 10**7, record=tmp_path)
        except DeblendError as error:
            message = "".join(traceback.format_exception(error))
    texts = [message, caplog.text]
    for file in tmp_path.rglob("*"):
        texts += [file.name, file.read_bytes().decode("latin1") if file.is_file() else ""]
    assert odd.asked
    assert len(texts) > 3
    assert not [text for text in texts if "TOKEN" in text]


def test_a_file_without_a_checksum_is_compared_with_the_first_one(server, tmp_path):
    target = tmp_path / "mosaics" / "a.fits"
    (server.folder / "a.fits").write_bytes(b"SIMPLE  = first")
    download(f"{server.url}/a.fits", target, None, LIMIT, record=tmp_path)
    target.unlink()
    (server.folder / "a.fits").write_bytes(b"SIMPLE  = other")
    with pytest.raises(DeblendError, match=r"a\.fits is not the file that it was"):
        download(f"{server.url}/a.fits", target, None, LIMIT, record=tmp_path)
    assert not target.exists()
