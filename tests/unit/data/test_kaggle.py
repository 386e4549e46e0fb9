"""Downloads from Kaggle, with a server on this machine: the files, and secrecy of the token."""

import base64
import json
import logging
import traceback
from typing import NamedTuple

import pytest
from deblend.data.downloads import download
from deblend.data.kaggle import Token, download_competition_file, read_token
from deblend.errors import DeblendError
from deblend.files import public_url
from deblend.run import logs

from tests.server import Handler, running

USER, KEY, SIGNATURE = "astronomer-name", "0123456789abcdef-the-key", "X-Goog-Signature=let-me-in"
BASIC = base64.b64encode(f"{USER}:{KEY}".encode()).decode()
SECRETS = (USER, KEY, BASIC, SIGNATURE, "let-me-in")
PATH = "/competitions/data/download/galaxies/images.zip"
CONTENT = b"PK\x03\x04" + b"galaxies" * 1000
LIMIT = 100_000


class Server(NamedTuple):
    """A server; `answers` has (status, headers, body) by path, `asked` the requests so far.

    A request is (path, Authorization).
    """

    url: str
    answers: dict
    asked: list


def serve():
    class Answer(Handler):
        def do_GET(self):
            self.server.asked.append((self.path, self.headers.get("Authorization")))
            answers = self.server.answers.get(self.path, [(404, {}, b"")])
            status, headers, body = answers[0] if len(answers) == 1 else answers.pop(0)
            self.send_response(status)
            for key, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(body)

    with running(Answer, asked=[], answers={}) as httpd:
        yield Server(httpd.url, httpd.answers, httpd.asked)


@pytest.fixture
def kaggle():
    yield from serve()


@pytest.fixture
def storage():
    yield from serve()


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    monkeypatch.setattr("deblend.data.web.RETRY_PAUSES_S", (0.0, 0.0))
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("KAGGLE_USERNAME", USER)
    monkeypatch.setenv("KAGGLE_KEY", KEY)


def leaks(*texts):
    return [secret for secret in SECRETS for text in texts if secret in text]


def all_texts(error):
    """All texts that could be shown of an exception and its causes."""
    texts = []
    while error is not None:
        texts += [str(error), repr(error), repr(vars(error))]
        texts += traceback.format_exception(error)
        texts.append(getattr(getattr(error, "response", None), "url", None) or "")
        error = error.__cause__ or error.__context__
    return texts


def fetch(server, target, caplog, capfd):
    """Download, check that no secret is shown anywhere, and return the error if there is one."""
    caplog.set_level(logging.DEBUG)
    error = None
    try:
        with LogTo(target.with_name("script.log")):
            download_competition_file("galaxies", "images.zip", target, None, LIMIT, api=server.url)
    except DeblendError as caught:
        error = caught
    out = capfd.readouterr()
    log = target.with_name("script.log").read_text()
    assert not leaks(caplog.text, out.out, out.err, log, *all_texts(error))
    return error


class LogTo:
    """Write to a file what `deblend.run.logs.script` would log, but at all levels."""

    def __init__(self, path):
        self.handler = logging.FileHandler(path, mode="w")
        self.handler.setFormatter(logging.Formatter(logs.FORMAT))

    def __enter__(self):
        logging.getLogger().addHandler(self.handler)

    def __exit__(self, kind, error, _):
        if error:
            logging.getLogger().exception("%s", error)
        logging.getLogger().removeHandler(self.handler)
        self.handler.close()


def redirect(server, storage, **answers):
    address = f"{storage.url}/bucket/images.zip?{SIGNATURE}&X-Goog-Date=1"
    server.answers[PATH] = [(302, {"Location": address}, b"")]
    storage.answers[f"/bucket/images.zip?{SIGNATURE}&X-Goog-Date=1"] = answers["answers"]


def test_a_file_is_downloaded_with_the_token(kaggle, tmp_path, caplog, capfd):
    kaggle.answers[PATH] = [(200, {}, CONTENT)]
    assert fetch(kaggle, tmp_path / "images.zip", caplog, capfd) is None
    assert (tmp_path / "images.zip").read_bytes() == CONTENT
    assert kaggle.asked == [(PATH, f"Basic {BASIC}")]


def test_another_host_never_gets_the_token(kaggle, storage, tmp_path, caplog, capfd):
    redirect(kaggle, storage, answers=[(200, {}, CONTENT)])
    assert fetch(kaggle, tmp_path / "images.zip", caplog, capfd) is None
    assert (tmp_path / "images.zip").read_bytes() == CONTENT
    assert kaggle.asked == [(PATH, f"Basic {BASIC}")]
    ((path, authorization),) = storage.asked
    assert SIGNATURE in path
    assert authorization is None


def test_kaggle_itself_gets_the_token_again(kaggle, tmp_path, caplog, capfd):
    kaggle.answers[PATH] = [(307, {"Location": "/elsewhere"}, b"")]
    kaggle.answers["/elsewhere"] = [(200, {}, CONTENT)]
    assert fetch(kaggle, tmp_path / "images.zip", caplog, capfd) is None
    assert kaggle.asked[1] == ("/elsewhere", f"Basic {BASIC}")


@pytest.mark.parametrize(
    ("status", "message", "times"),
    [
        (401, "Kaggle does not know the token; make one at https://www.kaggle.com/settings", 1),
        (403, "accept the competition's rules at .*/competitions/galaxies/rules", 1),
        (404, "correct kaggle or filename", 1),
        (500, "check the connection", 3),
    ],
)
def test_a_refusal_says_what_to_do(kaggle, tmp_path, caplog, capfd, status, message, times):
    kaggle.answers[PATH] = [(status, {}, f"{USER} {KEY}".encode())]
    error = fetch(kaggle, tmp_path / "out" / ".." / "images.zip", caplog, capfd)
    with pytest.raises(DeblendError, match=f"cannot download .*images.zip .*{status}.*{message}"):
        raise error
    assert len(kaggle.asked) == times
    assert not (tmp_path / "images.zip").exists()


@pytest.mark.parametrize(
    "answers",
    [
        [(403, {}, b"expired")],
        [(503, {}, b"busy")],
        [(200, {"Content-Length": "5000"}, b"only this")],
        [(200, {"Content-Length": str(LIMIT + 1)}, b"")],
        [(200, {"Content-Length": "-1"}, b"x" * (LIMIT + 1))],
        [(302, {"Location": f"http://example.org/x?{SIGNATURE}"}, b"")],
        [(302, {"Location": f"ftp://{USER}:{KEY}@127.0.0.1/x?{SIGNATURE}"}, b"")],
        [(302, {"Location": f"http://127.0.0.1:1/x?{SIGNATURE}"}, b"")],
        [(302, {"Location": f"http://127.0.0.1:none/x?{SIGNATURE}"}, b"")],
        [(302, {"Location": f"/bucket/images.zip?{SIGNATURE}&X-Goog-Date=1"}, b"")],
    ],
)
def test_a_signed_address_that_fails_is_not_shown(
    kaggle, storage, tmp_path, caplog, capfd, answers
):
    redirect(kaggle, storage, answers=answers)
    error = fetch(kaggle, tmp_path / "images.zip", caplog, capfd)
    assert isinstance(error, DeblendError)
    assert not (tmp_path / "images.zip").exists()
    assert {authorization for _, authorization in storage.asked} == {None}


def test_a_server_error_is_retried_from_the_start(kaggle, storage, tmp_path, caplog, capfd):
    """Each attempt gets a new signature."""
    redirect(kaggle, storage, answers=[(503, {}, b""), (200, {}, CONTENT)])
    assert fetch(kaggle, tmp_path / "images.zip", caplog, capfd) is None
    assert len(kaggle.asked) == len(storage.asked) == 2
    assert "503 from http://127.0.0.1" in caplog.text


def test_any_address_is_shown_without_its_query(kaggle, tmp_path):
    assert (
        public_url(f"https://{USER}:{KEY}@a.org:8/b/c.zip?{SIGNATURE}#x")
        == "https://a.org:8/b/c.zip"
    )
    with pytest.raises(DeblendError, match="404") as caught:
        download(f"{kaggle.url}/x?{SIGNATURE}", tmp_path / "x", None, LIMIT)
    assert not leaks(*all_texts(caught.value))


def test_the_environment_comes_before_the_file(tmp_path, monkeypatch, caplog):
    path = tmp_path / "home/.kaggle/kaggle.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"username": "other", "key": "another"}))
    path.chmod(0o600)
    assert vars(read_token()) == vars(Token(USER, KEY))
    monkeypatch.delenv("KAGGLE_USERNAME")
    with pytest.raises(DeblendError, match="KAGGLE_USERNAME is not set"):
        read_token()
    monkeypatch.delenv("KAGGLE_KEY")
    assert vars(read_token()) == vars(Token("other", "another"))
    assert not caplog.text
    path.chmod(0o644)
    read_token()
    assert "can be read by others" in caplog.text
    assert repr(read_token()) == "Token(...)"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "no Kaggle token: .*kaggle.com/settings"),
        (f'{{"username": "{USER}", "key": "{KEY}"', "cannot be read as JSON"),
        (f'["{KEY}"]', "cannot be read as JSON"),
        (f'{{"username": "{USER}"}}', "no username or no key"),
        (f'{{"username": "{USER}", "key": ["{KEY}"]}}', "no username or no key"),
    ],
)
def test_invalid_tokens(tmp_path, monkeypatch, text, message):
    monkeypatch.delenv("KAGGLE_USERNAME")
    monkeypatch.delenv("KAGGLE_KEY")
    path = tmp_path / "home/.kaggle/kaggle.json"
    path.parent.mkdir(parents=True)
    if text:
        path.write_text(text)
        path.chmod(0o600)
    with pytest.raises(DeblendError, match=message) as caught:
        download_competition_file("galaxies", "images.zip", tmp_path / "x", None, LIMIT)
    assert not leaks(*all_texts(caught.value))


def test_a_token_never_goes_over_plain_http(tmp_path):
    with pytest.raises(DeblendError, match="is not https"):
        download_competition_file(
            "galaxies", "images.zip", tmp_path / "x", None, LIMIT, api="http://example.org/api"
        )
