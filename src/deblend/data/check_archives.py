"""Ask archives whether their files are there, without downloading them.

Each address gets one request for its first byte, whose answer has the size and the name of the
file. A record of a DOI and a table at VizieR are asked as their downloads do. No token is shown.
"""

import re
import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from email.message import Message
from typing import Any

import pandas as pd
import requests
from deblend.data.downloads import find_file
from deblend.data.facts import known
from deblend.data.kaggle import API, file_url, read_token, remedies
from deblend.data.package_index import offered_by_pip
from deblend.data.vizier import ask_vizier
from deblend.data.web import follow, quiet_requests, without_secrets
from deblend.errors import DeblendError
from deblend.files import name_in_address, public_url
from requests.auth import AuthBase

#: Seconds to wait for an answer.
TIMEOUT_S = 30.0


#: Astroquery's settings are those of all threads.
ONE_AT_A_TIME = threading.Lock()


#: Addresses that are asked at the same time.
N_THREADS = 8


#: Largest relative difference from a size that is not known exactly.
SIZE_TOLERANCE = 0.2


#: Statuses of what is as it should be, and of what nothing can be said about.
FINE = ("there", "not asked")


NOT_REACHED = "not reached"


#: Archives that an error names.
MAX_NAMED = 5


#: Where the addresses that have no entry stand.
CONFIGURED = "(configuration)"


@dataclass(frozen=True)
class Wanted:
    """A file that the workflow can download, and what is known about it.

    Attributes
    ----------
    archive : str
        Name of its entry in config/datasets.yaml or weights.yaml.
    file : str
    entry : mapping
        Keys of that entry: where it is (one of url, doi, kaggle, vizier, requirement), and facts.
    columns : tuple of str
        For a table at VizieR: the columns that the configuration reads.
    """

    archive: str
    file: str
    entry: Mapping[str, Any]
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class Found:
    """What an archive answered.

    Attributes
    ----------
    address : str
        Without user name, password and query.
    status : str
        "there", "not asked", or what is wrong.
    n_bytes : int, optional
    checksum : str
        Where the checksum is from, with which a download is compared.
    remark : str
        What to do.
    """

    address: str
    status: str
    n_bytes: int | None = None
    checksum: str = ""
    remark: str = ""


@dataclass(frozen=True)
class _Answer:
    """Size, name and type of the file at an address; None where the server does not say."""

    n_bytes: int | None
    name: str | None
    content_type: str = field(default="")


def wanted(
    archives: Mapping[str, Mapping[str, Any]],
    weights: Mapping[str, Mapping[str, Any]],
    downloads: Iterable[Mapping[str, Any]],
    tables: Mapping[str, Iterable[str]],
) -> list[Wanted]:
    """Files to ask for: all entries, and what else the configuration names.

    Parameters
    ----------
    archives, weights : mapping
        Content of config/datasets.yaml and weights.yaml.
    downloads : iterable of mapping
        Addresses in the configuration (`url`), with `max_bytes` and `checksum`.
    tables : mapping
        Tables at VizieR in the configuration, with the columns that are read.
    """
    found = []
    for name, entry in [*archives.items(), *weights.items()]:
        file = entry.get("vizier") or entry.get("filename") or name
        if entry.get("url"):
            file = name_in_address(str(entry["url"]))
        columns = tuple(tables.get(entry.get("vizier") or "", ()))
        found.append(Wanted(name, file, entry, columns))
    urls = {w.entry.get("url") for w in found}
    for download in downloads:
        if download["url"] not in urls:
            urls.add(download["url"])
            found.append(Wanted(CONFIGURED, name_in_address(download["url"]), download))
    entries = {w.entry.get("vizier") for w in found}
    for table, wanted in tables.items():
        if table not in entries:
            found.append(Wanted(CONFIGURED, table, {"vizier": table}, tuple(wanted)))
    return found


def ask_all(files: Iterable[Wanted], kaggle_api: str = API) -> pd.DataFrame:
    """Ask for all files.

    Parameters
    ----------
    files : iterable of Wanted
    kaggle_api : str
        Address of Kaggle's interface.

    Returns
    -------
    DataFrame
        archive, file, address, status, expected_bytes and found_bytes (texts; "unknown", and "about
        ..." for sizes that are not known exactly), checksum, licence, remark.
    """
    files = list(files)
    with quiet_requests(), ThreadPoolExecutor(N_THREADS) as pool:
        answers = list(pool.map(lambda file: ask(file, kaggle_api), files))
    return pd.DataFrame(
        {
            "archive": file.archive,
            "file": file.file,
            "address": found.address,
            "status": found.status,
            "expected_bytes": _expected(file.entry),
            "found_bytes": "unknown" if found.n_bytes is None else str(found.n_bytes),
            "checksum": found.checksum,
            "licence": file.entry.get("licence", "unknown"),
            "remark": found.remark,
        }
        for file, found in zip(files, answers, strict=True)
    )


def ask(file: Wanted, kaggle_api: str = API) -> Found:
    """Ask for one file. Whatever goes wrong is in the answer."""
    entry = file.entry
    kind = next(k for k in ("url", "kaggle", "vizier", "requirement", "doi") if entry.get(k))
    functions: dict[str, Callable[[], Found]] = {
        "url": lambda: _at_address(file, str(entry["url"])),
        "kaggle": lambda: _at_kaggle(file, kaggle_api),
        "vizier": lambda: _at_vizier(file),
        "requirement": lambda: _at_index(file),
        "doi": lambda: _in_record(file),
    }
    found = functions[kind]()
    if entry.get("address") == "assembled" and found.status not in FINE:
        remark = (
            "the address was assembled from a folder and a name: look the file up at the archive"
        )
        return replace(found, remark="; ".join(filter(None, (found.remark, remark))))
    return found


def _at_address(
    file: Wanted,
    url: str,
    auth: AuthBase | None = None,
    messages: Mapping[int, str] | None = None,
) -> Found:
    """Answer of a server for one address."""
    checksum = known(file.entry.get("checksum"))
    found = Found(public_url(url), "there", None, str(checksum or "unknown").partition(":")[0])
    try:
        answer = without_secrets(lambda: _first_byte(url, auth))
    except requests.RequestException as error:
        if error.response is None:
            return replace(found, **_not_reached(error))
        code = error.response.status_code
        status = "not there" if code in (404, 410) else f"HTTP {code}"
        return replace(found, status=status, remark=(messages or {}).get(code, ""))
    except DeblendError as error:  # an address that is not https
        return replace(found, status="refused", remark=str(error))
    return replace(found, n_bytes=answer.n_bytes, **_compared(file, answer))


def _not_reached(error: BaseException | None) -> dict[str, Any]:
    """Status and remark where there is no answer; none if the error is another one."""
    if isinstance(error, requests.Timeout):
        return {"status": NOT_REACHED, "remark": f"no answer within {TIMEOUT_S:g} s"}
    if isinstance(error, requests.ConnectionError | requests.TooManyRedirects):
        return {"status": NOT_REACHED, "remark": f"no connection ({type(error).__name__})"}
    return {}


def _first_byte(url: str, auth: AuthBase | None) -> _Answer:
    """Ask for the first byte of a file. No content is read, even if a server sends all of it."""
    with follow(url, auth=auth, headers={"Range": "bytes=0-0"}, timeout_s=TIMEOUT_S) as answer:
        header = answer.headers
        size = header.get("Content-Length", "")
        if answer.status_code == requests.codes.partial_content:
            size = header.get("Content-Range", "").rpartition("/")[2]
        message = Message()
        message["Content-Disposition"] = header.get("Content-Disposition", "")
        return _Answer(
            int(size) if size.isdecimal() else None,
            message.get_filename(),
            header.get("Content-Type", ""),
        )


def _compared(file: Wanted, answer: _Answer) -> dict[str, str]:
    """Status and remark of an answer: whether it is of the file that it should be."""
    if answer.content_type.startswith("text/html"):
        return {"status": "a web page", "remark": "the server sends a page instead of the file"}
    if answer.name not in (None, file.file):
        return {"status": "another file", "remark": f"the server calls it {answer.name}"}
    size, entry = answer.n_bytes, file.entry
    if size is None:
        return {}
    exact, about = known(entry.get("n_bytes")), known(entry.get("about_bytes"))
    limit = entry.get("max_bytes")
    if exact is not None and size != exact:
        return {"status": "another size", "remark": "it is another version than the one we know"}
    if about is not None and abs(size - about) > SIZE_TOLERANCE * about:
        return {"status": "another size", "remark": "the expected size is not exact: look at both"}
    if limit is not None and size > limit:
        return {"status": "too large", "remark": f"raise max_bytes, {limit}, if that is right"}
    return {}


def _in_record(file: Wanted) -> Found:
    """Answer for a file of a DOI's record, whose address and checksum the record has."""
    doi = str(file.entry["doi"])
    try:
        url, of_record = find_file(doi, file.file, pauses_s=())
    except DeblendError as error:
        found = Found(f"https://doi.org/{doi}", "not in the record", None, "unknown", str(error))
        return replace(found, **_not_reached(error.__cause__))
    found = _at_address(file, url)
    pinned = known(file.entry.get("checksum"))
    if pinned is None:
        return replace(found, checksum=f"{of_record.partition(':')[0]} (of the record)")
    if str(pinned).partition(":")[0] == of_record.partition(":")[0] and pinned != of_record:
        text = f"the record has {of_record}, config/datasets.yaml {pinned}"
        return replace(found, status="another checksum", remark=text)
    return found


def _at_kaggle(file: Wanted, api: str) -> Found:
    """Answer of Kaggle, with the user's token."""
    competition = str(file.entry["kaggle"])
    url = file_url(competition, file.file, api)
    try:
        token = read_token()
    except DeblendError as error:
        return Found(url, "not asked", None, "unknown", str(error))
    return _at_address(file, url, token, remedies(competition))


def _at_vizier(file: Wanted) -> Found:
    """Answer of VizieR for the first row of a table."""
    name, address = str(file.entry["vizier"]), f"vizier:{file.entry['vizier']}"
    try:
        with ONE_AT_A_TIME:
            table = ask_vizier(name, 1, timeout_s=round(TIMEOUT_S), pauses_s=())
    except DeblendError as error:
        found = Found(address, "not there", None, "none", str(error))
        return replace(found, **_not_reached(error.__cause__))
    lacking = [column for column in file.columns if column not in table.colnames]
    if lacking:
        remark = f"it lacks the columns {', '.join(lacking)}; it has {', '.join(table.colnames)}"
        return Found(address, "other columns", None, "none", remark)
    return Found(address, "there", None, "none")


def _at_index(file: Wanted) -> Found:
    """Answer of the package index that pip is set up with."""
    requirement = str(file.entry["requirement"])
    checksum = str(file.entry["checksum"]).partition(":")[0]
    try:
        if offered_by_pip(requirement):
            return Found(requirement, "there", None, checksum, "size: not told by pip")
    except DeblendError as error:  # an index that is not https
        return Found(requirement, "refused", None, checksum, str(error))
    remark = "the index that pip is set up with has no source distribution of it, or no answer"
    return Found(requirement, "not there", None, checksum, remark)


def _expected(entry: Mapping[str, Any]) -> str:
    exact, about = known(entry.get("n_bytes")), known(entry.get("about_bytes"))
    if exact is not None:
        return str(exact)
    return "unknown" if about is None else f"about {about}"


def as_text(answers: pd.DataFrame) -> str:
    """The table for a terminal: a line for each file, with its address and remark below it."""
    columns = ["status", "archive", "expected_bytes", "found_bytes", "checksum", "licence"]
    # Of terms of use, the first words are enough here.
    short = [
        columns,
        *answers[columns].map(lambda text: re.split(r"[;,]", text)[0][:36]).to_numpy().tolist(),
    ]
    widths = [max(map(len, column)) for column in zip(*short, strict=True)]
    header, *lines = [
        "  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip()
        for row in short
    ]
    parts = [header]
    for line, (_, row) in zip(lines, answers.iterrows(), strict=True):
        name = "" if row["address"].endswith(row["file"]) else f" ({row['file']})"
        parts += [line, f"    {row['address']}{name}"]
        parts += [f"    {row['remark']}"] if row["remark"] else []
    counts = ", ".join(f"{n} {status}" for status, n in answers["status"].value_counts().items())
    return "\n".join([*parts, f"{len(answers)} files: {counts}"])


def check_answers(answers: pd.DataFrame) -> None:
    """Raise an error if an archive lacks a file, or has another one.

    Raises
    ------
    DeblendError
        In one line, with the archives.
    """
    asked = answers[answers["status"] != "not asked"]
    wrong = answers[~answers["status"].isin(FINE)]
    if len(wrong) and (asked["status"] == NOT_REACHED).all():
        raise DeblendError(f"none of {len(asked)} addresses can be reached: check the connection")
    if len(wrong):
        names = [f"{row.archive} {row.file} ({row.status})" for row in wrong.itertuples()]
        more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
        raise DeblendError(
            f"{len(wrong)} of {len(answers)} files are not there as they should be: "
            f"{', '.join(names[:MAX_NAMED])}{more}. Correct the address where it is configured "
            "(config/datasets.yaml, config.yaml or your own file), or get the file elsewhere and "
            "give its path"
        )
