"""Requests to servers: https only, repeated where that can help, without secrets in messages."""

import contextlib
import io
import logging
import re
import time
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar
from urllib.parse import urljoin, urlsplit

import requests
import urllib3
from deblend.data.addresses import public_text
from deblend.errors import DeblendError
from deblend.files import public_url
from requests.auth import AuthBase

log = logging.getLogger(__name__)


LOOPBACK = ("127.0.0.1", "localhost", "::1")


TIMEOUT_S = 60


#: Seconds to wait before each repetition of a failed request.
RETRY_PAUSES_S = (2.0, 10.0, 30.0)


#: Longest time for all attempts at an answer that is no file, seconds, and its largest size, bytes.
LONGEST_ANSWER_S, MAX_ANSWER = 600.0, 50_000_000


#: Statuses of a busy server, which can say until when (`Retry-After`; RFC 9110, Sect. 10.2.3).
BUSY = (429, 503)


#: Bytes that are read at a time.
CHUNK = 1 << 20


#: How servers may send content that was asked for as it is (`Content-Encoding`).
ENCODINGS = ("identity", "gzip", "x-gzip", "deflate")


#: For zlib: the content says itself whether it is of gzip or of zlib.
WBITS_GZIP_OR_ZLIB = zlib.MAX_WBITS | 32


#: Largest number of redirects that are followed.
MAX_REDIRECTS = 10


Result = TypeVar("Result")


def check_url(url: str, *, loopback: bool = True) -> None:
    """Refuse any address that is not https; http to this machine is allowed, for tests.

    Parameters
    ----------
    url : str
    loopback : bool
        Allow http to this machine.

    Raises
    ------
    DeblendError
        The address is not https, or its host or port is none.
    """
    try:
        parts = urlsplit(url)
        is_valid = parts.port is None or parts.port > 0
    except ValueError:
        is_valid = False
    if not is_valid or not re.fullmatch(r"[^:]*(:\d*)?", re.sub(r".*@|\[.*\]", "", parts.netloc)):
        raise DeblendError(f"the address {public_url(url)} has no valid host or port: correct it")
    is_local = loopback and parts.scheme == "http" and parts.hostname in LOOPBACK
    if parts.scheme != "https" and not is_local:
        raise DeblendError(f"the address {public_url(url)} is not https: give an https address")


def is_transient(error: BaseException) -> bool:
    """Whether a failed request may succeed if it is repeated; a 404, for example, does not."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        return status >= 500 or status in (408, 429)
    return isinstance(
        error,
        (
            requests.ConnectionError,
            requests.Timeout,
            requests.exceptions.ChunkedEncodingError,
            requests.exceptions.JSONDecodeError,
        ),
    )


class BusyError(DeblendError):
    """A server that asks to wait longer than there is time."""


def retry(
    action: Callable[[], Result],
    description: str,
    pauses_s: Sequence[float] | None = None,
    until: float | None = None,
) -> Result:
    """Run an action, and repeat it after a pause while its failures are transient.

    A pause is as long as the server asks for, at least.

    Parameters
    ----------
    action : callable
        Function that makes requests.
    description : str
        What the action does, for the log.
    pauses_s : sequence of float, optional
        Seconds before each repetition; `RETRY_PAUSES_S` by default.
    until : float, optional
        Time (`time.monotonic`) at which the last pause ends; `LONGEST_ANSWER_S` from now by
        default.

    Returns
    -------
    object
        What `action` returns.

    Raises
    ------
    requests.RequestException
        The failure of the last attempt, or the first one that is not transient.
    BusyError
        The server asks to wait longer than `until`.
    """
    until = time.monotonic() + LONGEST_ANSWER_S if until is None else until
    for pause in (*(RETRY_PAUSES_S if pauses_s is None else pauses_s), None):
        try:
            return action()
        except requests.RequestException as error:
            if not is_transient(error):
                raise
            asked, left = _asked_wait_s(error), max(0.0, until - time.monotonic())
            if asked > left:
                assert error.response is not None
                raise BusyError(
                    f"{urlsplit(error.response.url).hostname} asks to wait {asked:.0f} s before "
                    f"the next request, longer than the {left:.0f} s that are left for "
                    f"{description}: run again after that time"
                ) from error
            if pause is None:
                raise
            wait = max(pause, asked)
            log.warning("%s failed (%s): trying again in %.4g s", description, error, wait)
            time.sleep(wait)
    raise AssertionError("the last attempt returns or raises")


def _asked_wait_s(error: requests.RequestException) -> float:
    """Seconds that a busy server asks to wait; 0 if it does not, or not as it should."""
    if error.response is None or error.response.status_code not in BUSY:
        return 0.0
    value = error.response.headers.get("Retry-After", "").strip()
    if re.fullmatch("[0-9]+", value):
        return float(value)
    try:
        when = parsedate_to_datetime(value)
        # A zone of -0000 is none.
        when = when if when.tzinfo else when.replace(tzinfo=UTC)
        return max(0.0, (when - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError, IndexError, OverflowError):
        return 0.0


def _without_secrets(error: requests.RequestException) -> requests.RequestException:
    """A copy of an error, of the same type, without queries, credentials, request and cause."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = requests.Response()
        answer.status_code = error.response.status_code
        answer.url = public_url(error.response.url)
        if wait := error.response.headers.get("Retry-After"):
            answer.headers["Retry-After"] = wait
        text = f"{answer.status_code} from {answer.url}"
        return requests.HTTPError(text, response=answer)
    # Messages of libraries also have addresses without their host.
    text = re.sub(r"\?\S*", "", public_text(str(error)))
    types = (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    error_type = next((t for t in types if isinstance(error, t)), requests.RequestException)
    return error_type(text)


@contextlib.contextmanager
def quiet_requests() -> Iterator[None]:
    """Keep warnings of urllib3 out of the log, since they can have addresses with secrets."""
    logger = logging.getLogger("urllib3")
    level = logger.level
    logger.setLevel(logging.ERROR + 1)
    try:
        yield
    finally:
        logger.setLevel(level)


def is_here(url: str) -> bool:
    """Whether an address is of this machine."""
    return urlsplit(url).hostname in LOOPBACK


def joined(url: str, link: str) -> str:
    """Address of a link on a page.

    Raises
    ------
    requests.exceptions.InvalidURL
        It is no address.
    """
    try:
        return urljoin(url, link)
    except ValueError as error:
        raise requests.exceptions.InvalidURL(f"{public_url(url)} has no valid link") from error


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def follow(
    url: str,
    *,
    auth: AuthBase | None = None,
    headers: Mapping[str, str] | None = None,
    timeout_s: float = TIMEOUT_S,
) -> requests.Response:
    """Open an address, and those that it redirects to; nothing of the content is read.

    Credentials are sent to the host and port of the original address only, not to those that it
    redirects to.

    Parameters
    ----------
    url : str
    auth : AuthBase, optional
    headers : mapping, optional
    timeout_s : float
        To connect, and between any two pieces of the answer.

    Returns
    -------
    requests.Response
        The caller closes it.

    Raises
    ------
    DeblendError
        An address is not https.
    requests.RequestException
        There is no answer, or its status is not 200, or 206 where `headers` ask for a range. The
        message can contain secrets.
    """
    first = url
    answers = (200, 206) if "Range" in (headers or {}) else (200,)
    # Ask for the file uncompressed: else Content-Length is that of the compressed file.
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    for _ in range(MAX_REDIRECTS):
        # Other machines must not make us ask this one.
        check_url(url, loopback=is_here(first))
        try:
            answer = requests.get(
                url,
                stream=True,
                timeout=timeout_s,
                headers=headers,
                auth=auth if _origin(url) == _origin(first) else None,
                allow_redirects=False,
            )
        except requests.RequestException:
            raise
        except (ValueError, urllib3.exceptions.HTTPError) as error:
            # requests looks at where it would be redirected to.
            raise requests.exceptions.InvalidURL(f"no valid address: {error}") from error
        if answer.status_code in answers:
            return answer
        answer.close()
        answer.raise_for_status()
        if not answer.is_redirect:
            raise requests.HTTPError(f"{answer.status_code} is no file", response=answer)
        url = joined(url, answer.headers["Location"])
    raise requests.TooManyRedirects(f"{public_url(first)} redirects {MAX_REDIRECTS} times")


def without_secrets(request: Callable[[], Result]) -> Result:
    """Make a request that lets no query and no credentials of an address out.

    Neither are in its errors nor in warnings of urllib3.

    Raises
    ------
    requests.RequestException
        A copy of that which `request` raises.
    """
    try:
        with quiet_requests():
            return request()
    except requests.RequestException as error:
        clean = _without_secrets(error)
    # Raised outside of the handler: else the traceback would show the original error, with the
    # complete address.
    raise clean


def pieces(answer: requests.Response) -> Iterator[bytes]:
    """Content of an answer, as it comes: what came before a connection was lost is not lost.

    Raises
    ------
    requests.RequestException
        The connection is lost, or the content is compressed in another way than with gzip, or is
        not complete.
    """
    encoding = answer.raw.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding not in ENCODINGS:
        raise requests.RequestException(
            f"{public_url(answer.url)} sends its content as {encoding[:20]!r}, not asked for"
        )
    unpack = None
    try:
        while piece := answer.raw.read1(CHUNK, decode_content=False):
            if encoding == "identity":
                yield piece
                continue
            while piece:
                # Files of gzip can be one after the other.
                if unpack is None or unpack.eof:
                    unpack = zlib.decompressobj(wbits=WBITS_GZIP_OR_ZLIB)
                yield unpack.decompress(piece, CHUNK)
                piece = unpack.unused_data if unpack.eof else unpack.unconsumed_tail
    except zlib.error as error:
        raise requests.exceptions.ChunkedEncodingError(f"{encoding}: {error}") from error
    except urllib3.exceptions.TimeoutError as error:
        raise requests.Timeout(str(error)) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ChunkedEncodingError(str(error)) from error
    if unpack is not None and not unpack.eof:
        raise requests.exceptions.ChunkedEncodingError(f"the end of the {encoding} is missing")


def content_of(
    answer: requests.Response,
    max_bytes: int = MAX_ANSWER,
    longest_s: float = LONGEST_ANSWER_S,
    begun: float | None = None,
) -> bytes:
    """Content of an answer, which is closed then.

    Parameters
    ----------
    answer : requests.Response
    max_bytes : int
        Its largest size, unpacked.
    longest_s : float
        Longest time since `begun`, a time of `time.monotonic`: now by default.
    begun : float, optional

    Raises
    ------
    requests.RequestException
        It is larger, or takes longer: another attempt would too. Or the connection is lost.
    """
    begun = time.monotonic() if begun is None else begun
    content, host = bytearray(), urlsplit(answer.url).hostname
    with answer:
        for piece in pieces(answer):
            content += piece
            if len(content) > max_bytes:
                raise requests.RequestException(
                    f"the answer of {host} is larger than the limit of {max_bytes} bytes"
                )
            if time.monotonic() - begun > longest_s:
                raise requests.RequestException(
                    f"the answer of {host} is not complete after {longest_s:g} s"
                )
    return bytes(content)


def limited(max_bytes: int, longest_s: float) -> Callable[..., None]:
    """Make a hook of requests for libraries that ask servers themselves.

    The same holds for their answers as for those of `follow`. Their time begins now.

    Parameters
    ----------
    max_bytes, longest_s
        See `content_of`.

    Returns
    -------
    callable
        For the hooks of the event "response". It raises what `follow` and `content_of` do.
    """
    begun = time.monotonic()

    def look(answer: requests.Response, *_: object, **__: object) -> None:
        if answer.is_redirect:
            target = joined(answer.url, answer.headers["Location"])
            check_url(target, loopback=is_here(answer.url))
            # Else requests would read all that comes with it.
            answer.raw.close()
            return
        if answer.status_code != requests.codes.ok:
            answer.close()
            answer.raise_for_status()
            raise requests.HTTPError(f"{answer.status_code} is no answer", response=answer)
        answer.raw = io.BytesIO(content_of(answer, max_bytes, longest_s, begun))

    return look
