"""Downloads: https only, with checksums and size limits; large files are resumed."""

import contextlib
import errno
import hashlib
import logging
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pooch
import requests
from deblend.data.checksums import check_digest, record_digest
from deblend.data.contents import check_content
from deblend.data.facts import check_count, known
from deblend.data.locks import only_one
from deblend.data.table_files import open_table
from deblend.data.web import (
    CHUNK,
    LONGEST_ANSWER_S,
    MAX_ANSWER,
    TIMEOUT_S,
    BusyError,
    check_url,
    follow,
    is_here,
    is_transient,
    limited,
    pieces,
    retry,
    without_secrets,
)
from deblend.errors import DeblendError, TransientError
from deblend.files import atomic, public_url, read_json, temporary_name, write_json
from deblend.space import need_disk
from requests.auth import AuthBase
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


#: Slowest transfer that is waited for, bytes per second, on average over `PATIENCE_S` seconds.
SLOWEST, PATIENCE_S = 1000, 60.0


#: Longest time for a download with all attempts and pauses, seconds: enough for 6 GB at 0.07 MB a
#: second. The next run goes on from what has come.
LONGEST_S = 86_400.0


#: Encodings of an answer that are those of the file itself, if its name ends so.
OWN_ENCODINGS, OWN_SUFFIXES = ("gzip", "x-gzip"), (".gz", ".tgz")


#: Header of a part of a file whose size is known: first and last byte, and that size.
PART = re.compile(r"bytes (\d+)-(\d+)/(\d+)")


def find_file(
    doi: str,
    filename: str,
    pauses_s: Sequence[float] | None = None,
    *,
    max_bytes: int = MAX_ANSWER,
    longest_s: float = LONGEST_ANSWER_S,
) -> tuple[str, str]:
    """Address and checksum of a file, from the record of a DOI.

    Parameters
    ----------
    doi : str
        DOI of a record at Zenodo, figshare or a Dataverse, which pooch supports.
    filename : str
    pauses_s : sequence of float, optional
        See `deblend.data.web.retry`.
    max_bytes : int
        Largest size of an answer.
    longest_s : float
        Longest time for all answers, with all attempts.

    Returns
    -------
    url : str
    checksum : str
        Like ``md5:9e107d...``.

    Raises
    ------
    DeblendError
        The record cannot be read, or has no such file.
    """
    asked: list[str] = []

    def note(answer: requests.Response, *_: object, **__: object) -> None:
        asked.append(answer.url)

    hooks = {"response": [limited(max_bytes, longest_s), note]}
    options = {"timeout": TIMEOUT_S, "hooks": hooks}
    until = time.monotonic() + longest_s

    def read_record() -> tuple[Any, dict[str, str]]:
        repository = pooch.downloaders.doi_to_repository(doi, **options)
        record = SimpleNamespace(registry={})  # the only attribute that populate_registry uses
        try:
            repository.populate_registry(record)
        except KeyError:
            # An API can tell a failure in the body of its answer alone.
            answer = requests.Response()
            answer.status_code = int(repository.api_response.get("status", 404))
            answer.url, answer.reason = f"the record's API ({doi})", "no list of files"
            answer.raise_for_status()
            raise
        return repository, record.registry

    try:
        repository, files = retry(read_record, f"reading the record {doi}", pauses_s, until)
        if filename not in files:
            raise DeblendError(
                f"the record {doi} has no file {filename}; it has {', '.join(files)}"
            )
        url = repository.download_url(filename)
        # Other machines must not make us ask this one.
        check_url(url, loopback=any(map(is_here, asked)))
        return url, files[filename]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise TransientError(
            f"cannot read the record {doi} ({error}): try again later, or set url and checksum of "
            "a mirror in config/datasets.yaml"
        ) from error


def locate(entry: dict[str, Any]) -> tuple[str, str]:
    """Address and checksum of an archive: of a mirror if `url` is set, else of the record.

    Parameters
    ----------
    entry : dict
        With `doi` and `filename`; `url` and `checksum` may be None. A `checksum` without `url` is
        that of the record's file; "unknown" stands for the record's own.

    Returns
    -------
    url : str
    checksum : str

    Raises
    ------
    DeblendError
        There is a `url` and no `checksum`, or the record cannot be read.
    """
    url, checksum = entry.get("url"), entry.get("checksum")
    # Unknown is an answer for an address, of which the file is then not checked; nothing is not.
    if url and not checksum:
        raise DeblendError(f"{public_url(url)} has no checksum: set it in config/datasets.yaml")
    if url and checksum:
        return url, checksum
    record_url, record_checksum = find_file(entry["doi"], entry["filename"])
    return record_url, known(checksum) or record_checksum


@contextlib.contextmanager
def enough_space(path: Path, n_bytes: int) -> Iterator[None]:
    """Say in words that a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        size = f" for {n_bytes} bytes" if n_bytes else ""
        raise DeblendError(f"there is no space{size} in {path.parent}: make some there") from error


@dataclass(frozen=True)
class _Left:
    """What an earlier attempt left of a file, and what says that the rest belongs to it.

    Attributes
    ----------
    path : Path
    name : str
        Address of the file without secrets.
    address : str
        SHA-256 of the whole address, which has secrets.
    """

    path: Path
    name: str
    address: str

    @property
    def note(self) -> Path:
        """File with `address`, and the validator (RFC 9110, Sect. 13.1.5) of its content."""
        return self.path.with_name(f"{self.path.name}.json")

    def headers(self) -> dict[str, str]:
        """Headers that ask for the rest; empty if there is nothing to go on from."""
        try:
            note = read_json(self.note)
            size = self.path.stat().st_size
        except (OSError, DeblendError):
            return {}
        found = note if isinstance(note, dict) else {}
        validator = found.get("validator")
        if not size or found.get("address") != self.address or not isinstance(validator, str):
            return {}
        return {"Range": f"bytes={size}-", "If-Range": validator}

    def begin(self, answer: requests.Response) -> None:
        """Empty the file, and note the validator of a new answer, if it has one."""
        self.note.unlink(missing_ok=True)
        self.path.write_bytes(b"")
        etag, encoding = answer.headers.get("ETag", ""), answer.headers.get("Content-Encoding")
        validator = etag if etag.startswith('"') else answer.headers.get("Last-Modified")
        if validator and encoding in (None, "identity"):
            write_json(self.note, {"address": self.address, "validator": validator})

    def remove(self) -> None:
        """Remove all."""
        for path in (self.path, self.note):
            path.unlink(missing_ok=True)

    def is_worth_keeping(self) -> bool:
        """Whether the next attempt can go on from here, and saves something."""
        return self.note.exists() and self.path.exists() and self.path.stat().st_size >= CHUNK


def _fetch(url: str, auth: AuthBase | None, left: _Left, limits: Mapping[str, Any]) -> str:
    """Make one attempt at a download, which goes on from what an earlier one left.

    Parameters
    ----------
    url : str
    auth : AuthBase or None
    left : _Left
    limits : mapping
        `max_bytes`, `n_bytes`, `patience_s`, `longest_s` and `until`, the time at which that ends.

    Returns
    -------
    str
        What the server calls the content (Content-Type).
    """
    headers = left.headers()
    try:
        answer = follow(url, auth=auth, headers=headers)
    except requests.HTTPError as error:
        # The server has no such range: the file is another one now.
        if not headers or error.response is None or error.response.status_code != 416:
            raise
        left.remove()
        headers, answer = {}, follow(url, auth=auth)
    with answer:
        start, total = 0, None
        if answer.status_code == requests.codes.partial_content:
            start = left.path.stat().st_size
            found = PART.fullmatch(answer.headers.get("Content-Range", ""))
            if found is None or int(found[1]) != start:
                left.remove()
                raise requests.ConnectionError(f"{left.name} did not go on at byte {start}")
            # The part may end before the file does.
            total = int(found[3])
            log.info("%s: going on after %d bytes", left.name, start)
        else:
            left.begin(answer)
        _write(answer, left, (start, total), limits)
        return answer.headers.get("Content-Type", "")


def _write(
    answer: requests.Response, left: _Left, part: tuple[int, int | None], limits: Mapping[str, Any]
) -> None:
    """Write the content of an answer to a file, within its limits.

    Parameters
    ----------
    answer : requests.Response
    left : _Left
    part : int and int or None
        Number of bytes before the content, and of the whole file if the answer is a part of it.
    limits : mapping
        See `_fetch`.
    """
    name, max_bytes, (start, of_file) = left.name, limits["max_bytes"], part
    encoding = answer.headers.get("Content-Encoding", "identity").lower()
    if encoding in OWN_ENCODINGS and name.endswith(OWN_SUFFIXES):
        # The server tells how the file itself is compressed: it is not to be unpacked.
        answer.raw.headers.pop("Content-Encoding", None)
        encoding = "identity"
    # The size of a compressed answer is not that of the file.
    length = answer.headers.get("Content-Length", "") if encoding == "identity" else ""
    total = of_file or (int(length) if re.fullmatch("[0-9]{1,18}", length) else 0)
    if total > max_bytes:
        raise DeblendError(
            f"{name} has {total} bytes, over the limit of {max_bytes}: raise max_bytes "
            "in config/datasets.yaml if that is right"
        )
    if total > 0:
        check_count(name, total, limits["n_bytes"], "bytes", "n_bytes")
        need_disk(left.path, total - start)
    n_bytes, since, n_then = start, time.monotonic(), start
    with (
        enough_space(left.path, total),
        open(left.path, "ab") as file,
        tqdm(total=total or None, initial=start, unit="B", unit_scale=True, disable=None) as bar,
    ):
        for chunk in pieces(answer):
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise DeblendError(f"{name} is larger than the limit of {max_bytes} bytes")
            file.write(chunk)
            bar.update(len(chunk))
            now = time.monotonic()
            if now > limits["until"]:
                raise requests.RequestException(
                    f"after {limits['longest_s']:g} s it has {n_bytes} of {total or '?'} bytes"
                )
            seconds = now - since
            if seconds >= limits["patience_s"]:
                if n_bytes - n_then < SLOWEST * seconds:
                    raise requests.Timeout(f"{name} sends fewer than {SLOWEST} bytes a second")
                since, n_then = now, n_bytes
    # On the disk is more if another process wrote too.
    size = left.path.stat().st_size
    if size != (total or n_bytes):
        raise requests.ConnectionError(f"{name} ended after {size} of {total or n_bytes} bytes")
    check_count(name, n_bytes, limits["n_bytes"], "bytes", "n_bytes")


def download(
    url: str,
    output: str | Path,
    checksum: str | None,
    max_bytes: int,
    *,
    n_bytes: int | str | None = None,
    n_rows: int | str | None = None,
    record: str | Path | None = None,
    auth: AuthBase | None = None,
    remedies: Mapping[int, str] | None = None,
    patience_s: float = PATIENCE_S,
    longest_s: float = LONGEST_S,
) -> None:
    """Download a file. It is there only once it is complete and as it should be.

    Failures that may be transient (a server error, a lost connection) lead to another attempt after
    a pause; a missing file or a wrong checksum does not. Each attempt goes on from what the one
    before has left, if the server says that the file is still the same; so does the next run of
    the workflow after a lost connection, or when it was killed. Neither credentials nor the query
    of an address (after `?`) appear in logs or messages.

    Parameters
    ----------
    url : str
        An https address.
    output : path
    checksum : str or None
        Algorithm and digest, ``sha256:...`` or ``md5:...``. With None or "unknown" the file is not
        checked, and its checksum is logged for later use.
    max_bytes : int
        Largest size that is allowed.
    n_bytes, n_rows : int, "unknown" or None
        Size of the file, and number of rows of a table, where they are known.
    record : path, optional
        Folder of the table of checksums, see `deblend.data.checksums.record_digest`.
    auth : AuthBase, optional
        Credentials. They are not sent to other hosts that the address redirects to.
    remedies : mapping, optional
        For HTTP status codes: what the user can do about them.
    patience_s : float
        Seconds after which a transfer of less than `SLOWEST` bytes per second is a failure.
    longest_s : float
        Seconds after which any transfer is one, with all attempts, and with pauses that the server
        asks for. What came until then is kept for the next run.

    Raises
    ------
    DeblendError
        The server does not answer, or the file is a web page, too large, truncated or has another
        checksum, size or number of rows, or another process downloads it; or the server asks to
        wait longer than `longest_s`.
    """
    check_url(url)
    digest = hashlib.sha256(url.encode()).hexdigest()
    left = _Left(temporary_name(output), public_url(url), digest)
    left.path.parent.mkdir(parents=True, exist_ok=True)
    limits: dict[str, Any] = {"max_bytes": max_bytes, "n_bytes": n_bytes}
    until = time.monotonic() + longest_s
    limits |= {"patience_s": patience_s, "longest_s": longest_s, "until": until}
    lock = left.path.with_name(f"{left.path.name}.lock")
    with only_one(lock, f"downloading {left.name} to {output}"):
        try:
            kind = retry(
                lambda: without_secrets(lambda: _fetch(url, auth, left, limits)),
                f"downloading {left.name}",
                until=until,
            )
            _check(left, checksum, n_rows, kind)
            if record is not None:
                record_digest(
                    record,
                    output,
                    left.path,
                    address=left.name,
                    is_known=known(checksum) is not None,
                )
        except (requests.RequestException, BusyError) as error:
            if not left.is_worth_keeping():
                left.remove()
            if isinstance(error, BusyError):
                raise
            status = error.response.status_code if error.response is not None else None
            remedy = (remedies or {}).get(status or 0, "check the connection and run again")
            error_type = TransientError if is_transient(error) else DeblendError
            raise error_type(f"cannot download {left.name} ({error}): {remedy}") from error
        except Exception:
            left.remove()
            raise
        with atomic(output, left.path):
            left.note.unlink(missing_ok=True)
    log.info("downloaded %s (%s)", left.name, known(checksum))


def _check(left: _Left, checksum: str | None, n_rows: int | str | None, kind: str) -> None:
    """Check that a file is what it should be; `kind` is its Content-Type."""
    check_content(left.path, left.name, kind, is_known=known(checksum) is not None)
    check_digest(left.path, checksum, left.name)
    if known(n_rows) is not None:
        try:
            n_found = len(open_table(left.path))
        except DeblendError as error:
            raise DeblendError(str(error).replace(str(left.path), left.name)) from error
        check_count(left.name, n_found, n_rows, "rows", "n_rows")
