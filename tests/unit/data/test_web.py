"""Requests: which addresses are asked, and what is repeated."""

import base64
import contextlib
import io

import pytest
import requests
from deblend.data.web import (
    MAX_REDIRECTS,
    check_url,
    follow,
    is_transient,
    limited,
    retry,
    without_secrets,
)
from deblend.errors import DeblendError

from tests.server import Handler, running


class Redirecting(Handler):
    """Redirects /N to /N-1, and answers /0; other paths are missing."""

    def do_GET(self):
        self.server.asked.append((self.path, self.headers.get("Authorization")))
        number = self.path.strip("/")
        if not number.isdecimal():
            self.send_error(404)
        elif number == "0":
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"content")
        else:
            self.send_response(302)
            self.send_header("Location", f"{self.server.next}/{int(number) - 1}")
            self.end_headers()


@pytest.fixture
def server():
    with running(Redirecting, asked=[], next="") as server:
        yield server


@pytest.mark.parametrize(
    "url", ["http://example.org/x", "ftp://example.org/x", "file:///etc/passwd"]
)
def test_only_https(url):
    with pytest.raises(DeblendError, match="is not https"):
        check_url(url)
    check_url("https://example.org/x")


def test_a_port_is_a_number():
    with pytest.raises(DeblendError, match="has no valid host or port"):
        check_url("https://example.org:x/y")
    check_url("https://me:word:x@example.org:8443/y")


def test_redirects_are_followed_a_few_times(server):
    with follow(f"{server.url}/{MAX_REDIRECTS - 1}") as answer:
        assert answer.content == b"content"
    with pytest.raises(requests.TooManyRedirects, match=f"redirects {MAX_REDIRECTS} times"):
        follow(f"{server.url}/{MAX_REDIRECTS}")


def test_credentials_stay_with_their_host_and_port(server):
    with running(Redirecting, asked=[], next="") as other:
        server.next = other.url
        with follow(f"{server.url}/2", auth=requests.auth.HTTPBasicAuth("me", "word")):
            pass
    assert [path for path, _ in server.asked] == ["/2"]
    assert server.asked[0][1].startswith("Basic ")
    assert other.asked == [("/1", None), ("/0", None)]


def test_a_password_of_netrc_goes_to_its_host_alone(server, tmp_path, monkeypatch):
    path = tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login me password word\n")
    monkeypatch.setenv("NETRC", str(path))
    with running(Redirecting, asked=[], next="") as other:
        server.next = other.url.replace("127.0.0.1", "localhost")
        with follow(f"{server.url}/1"):
            pass
    credentials = base64.b64encode(b"me:word").decode()
    assert server.asked == [("/1", f"Basic {credentials}")]
    assert other.asked == [("/0", None)]


@pytest.mark.parametrize(("status", "expected"), [(503, True), (429, True), (404, False)])
def test_some_statuses_may_pass(status, expected):
    answer = requests.Response()
    answer.status_code = status
    assert is_transient(requests.HTTPError("no", response=answer)) is expected


def test_only_what_may_pass_is_repeated():
    failures = [requests.ConnectionError("lost"), requests.Timeout("late")]

    def action():
        if failures:
            raise failures.pop(0)
        return 3

    assert retry(action, "asking", [0.0] * 2) == 3
    failures.extend([requests.TooManyRedirects("around"), requests.Timeout("late")])
    with pytest.raises(requests.TooManyRedirects):
        retry(action, "asking", [0.0] * 2)
    assert len(failures) == 1


def test_an_error_has_no_query_and_no_password(server):
    address = f"{server.url}/missing?signature=SECRET".replace("//", "//me:SECRET@")
    with pytest.raises(requests.HTTPError, match="404 from .*missing") as caught:
        without_secrets(lambda: follow(address))
    assert "SECRET" not in str(caught.value)
    assert caught.value.__cause__ is None and caught.value.__context__ is None
    assert caught.value.request is None


@pytest.mark.parametrize(
    ("first", "location", "is_fine"),
    [
        ("https://a.org/x", "https://b.org/y", True),
        ("https://a.org/x", "/y", True),
        ("https://a.org/x", "http://a.org/x", False),
        ("https://a.org/x", "HTTP://a.org/x", False),
        ("https://a.org/x", "ftp://a.org/x", False),
        # Another machine must not make us ask this one.
        ("https://a.org/x", "http://127.0.0.1:8080/x", False),
        ("http://127.0.0.1:8080/x", "/y", True),
        ("http://127.0.0.1:8080/x", "http://a.org/x", False),
    ],
)
def test_redirects_of_requests_by_others_are_looked_at(first, location, is_fine):
    """Those of a library, which follows them itself."""
    answer = requests.Response()
    answer.status_code, answer.url, answer.raw = 302, first, io.BytesIO()
    answer.headers["Location"] = location
    with contextlib.nullcontext() if is_fine else pytest.raises(DeblendError, match="is not https"):
        limited(1000, 10)(answer)


@pytest.mark.parametrize(
    "location",
    [
        "https://[::1/x",
        "https://example.invalid:99999/x",
        f"https://{'a' * 70}.invalid/x",
        "https://exam℀ple.invalid/x",
        "https://exa mple.invalid/x",
    ],
)
def test_a_redirect_to_no_address_is_an_error_in_words(location):
    class To(Handler):
        def do_GET(self):
            self.send_response(302)
            self.send_header("Location", location.encode().decode("latin-1"))
            self.end_headers()

    with running(To) as server, pytest.raises((DeblendError, requests.RequestException)):
        without_secrets(lambda: follow(f"{server.url}/a"))


@pytest.mark.parametrize("url", ["https://h:0x50/a", "https://h:0/a", "https://[::1/a"])
def test_addresses_without_a_host_or_port_are_refused(url):
    with pytest.raises(DeblendError, match="no valid host or port"):
        check_url(url)
