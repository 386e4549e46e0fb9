"""Files of source distributions, from the package index that pip is set up with.

A distribution is found, compared with its checksum and read; nothing of it is installed, built or
run. pip itself would run its setup to download it.
"""

import ast
import contextlib
import logging
import os
import re
import shutil
import subprocess
import sys
import tempfile
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import requests
from deblend.data.archives import open_tar
from deblend.data.checksums import check_digest
from deblend.data.downloads import download, enough_space
from deblend.data.web import check_url, content_of, follow, is_here, retry, without_secrets
from deblend.errors import DeblendError, TransientError
from deblend.files import atomic, public_url

log = logging.getLogger(__name__)


#: The index where pip has no other.
PYPI = "https://pypi.org/simple"


#: A line of `pip config list`, such as ``global.index-url='https://...'``.
SETTING = re.compile(r"([\w:-]+)\.([\w-]+)=(['\"].*)")


#: Sections of pip's settings; those of a later one replace those of an earlier one.
SECTIONS = ("global", "install", "download", ":env:")


#: Settings of pip's connections that are not used here, and what to set in the environment instead.
NOT_USED = {
    "cert": "REQUESTS_CA_BUNDLE",
    "client-cert": None,
    "proxy": "HTTPS_PROXY",
    "trusted-host": None,
}


#: Largest size of a source distribution, bytes.
MAX_BYTES = 500_000_000


class _Links(HTMLParser):
    """Addresses of all links of a page of an index (PEP 503)."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep the address of a link."""
        self.found += [value for name, value in attrs if (tag, name) == ("a", "href") and value]


def _settings() -> dict[str, str]:
    """Settings of pip under their names."""
    command = [sys.executable, "-m", "pip", "config", "list"]
    listed = subprocess.run(command, capture_output=True, text=True).stdout
    lines = [found.groups() for found in map(SETTING.fullmatch, listed.splitlines()) if found]
    settings: dict[str, str] = {}
    for section in SECTIONS:
        values = {name: ast.literal_eval(value) for place, name, value in lines if place == section}
        # pip ignores what is empty.
        settings |= {name: value for name, value in values.items() if value}
    return settings


def places() -> tuple[list[str], list[str]]:
    """Indexes, and folders or pages with distributions, that pip is set up with."""
    settings = _settings()
    for name, variable in NOT_USED.items():
        if name in settings and (variable is None or variable not in os.environ):
            remedy = f"set {variable}" if variable else "if the index needs it, give find-links"
            log.warning("pip's setting %s is not used here: %s", name, remedy)
    indexes = [*settings.get("index-url", PYPI).split()]
    indexes += settings.get("extra-index-url", "").split()
    if settings.get("no-index", "0").lower() in ("1", "true", "t", "yes", "y", "on"):
        indexes = []
    others = settings.get("find-links", "").split()
    return list(dict.fromkeys(indexes)), list(dict.fromkeys(others))


def find_sdist(requirement: str) -> str | None:
    """Address or path of the source distribution of a requirement; None if no place has it.

    Parameters
    ----------
    requirement : str
        Package and version, ``name==1.2.3``.

    Raises
    ------
    DeblendError
        A place that has to be asked is not https.
    """
    name, _, version = requirement.partition("==")
    project = _normalised(name)
    indexes, others = places()
    pages = [*others, *(f"{index.rstrip('/')}/{project}/" for index in indexes)]
    for page in pages:
        for address in _links(page):
            file = unquote(urlsplit(address).path).rpartition("/")[2]
            stem = file.removesuffix(".tar.gz")
            found, _, found_version = stem.rpartition("-")
            if stem != file and (_normalised(found), found_version) == (project, version):
                return address
    return None


def _normalised(name: str) -> str:
    """Name of a project as indexes have it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _local(place: str) -> Path | None:
    """Path of a place on this machine; None if it is elsewhere."""
    if place.startswith("file:"):
        return Path(unquote(urlsplit(place).path))
    return None if "://" in place else Path(place)


def _links(page: str) -> list[str]:
    """Addresses of the files in a folder, or on a page, which need not exist."""
    folder = _local(page)
    if folder is not None:
        if (folder / "index.html").is_file():
            folder = folder / "index.html"
        if folder.is_dir():
            return [path.as_uri() for path in sorted(folder.resolve().iterdir())]
        if not folder.is_file():
            return []
        return _links_in(folder.read_text(), folder.resolve().as_uri())
    try:
        check_url(page)
    except DeblendError as error:
        raise DeblendError(
            f"cannot use a package index that pip is set up with: {error}, or find-links"
        ) from error
    try:
        return retry(lambda: without_secrets(lambda: _ask(page)), "asking the package index")
    except (requests.RequestException, DeblendError) as error:
        log.warning("the package index %s gives no answer (%s)", public_url(page), error)
        return []


def _ask(page: str) -> list[str]:
    answer = follow(page, headers={"Accept": "text/html"})
    links = _links_in(content_of(answer).decode(errors="replace"), answer.url)
    return [link for link in links if _may_be_asked(link, answer.url)]


def _may_be_asked(link: str, page: str) -> bool:
    """Other machines must not make us ask this one, or read its files."""
    try:
        check_url(link, loopback=is_here(page))
    except DeblendError:
        return False
    return True


def _links_in(text: str, address: str) -> list[str]:
    links = _Links()
    links.feed(text)
    found = []
    for link in links.found:
        with contextlib.suppress(ValueError):  # no address
            found.append(urljoin(address, link))
    return found


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
        No index has the distribution, or it has another checksum, or no such file; or an index
        is not https.
    """
    address = find_sdist(requirement)
    if address is None:
        raise TransientError(
            f"the package index that pip is set up with has no source distribution of {requirement}"
            ", or does not answer: check the connection and run again"
        )
    with tempfile.TemporaryDirectory() as folder:
        path = _local(address)
        if path is None:
            path = Path(folder) / "sdist.tar.gz"
            download(address.partition("#")[0], path, checksum, MAX_BYTES)
        else:
            check_digest(path, checksum, requirement)
        with (
            open_tar(path, MAX_BYTES) as archive,
            enough_space(Path(output), 0),
            atomic(output) as temporary,
        ):
            found = (file for file in archive if file.name == member and file.isfile())
            if (info := next(found, None)) is None:
                raise DeblendError(f"{requirement} has no file {member}")
            content = archive.extractfile(info)
            assert content is not None
            with temporary.open("wb") as target:
                shutil.copyfileobj(content, target)


def offered_by_pip(requirement: str) -> bool:
    """Whether the index that pip is set up with lists the source distribution of a requirement.

    Parameters
    ----------
    requirement : str
        Package and version, ``name==1.2.3``.
    """
    return find_sdist(requirement) is not None
