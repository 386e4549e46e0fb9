"""Files that are written completely or not at all, readers of JSON and YAML, and names."""

import contextlib
import errno
import glob
import hashlib
import json
import os
import platform
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml
from deblend.errors import DeblendError

#: Largest JSON file that is read, bytes. Those of the workflow have some kilobytes; in memory,
#: they can take fifty times as much.
MAX_JSON_BYTES = 5_000_000
#: Seconds since its last change after which a file's digest is kept, and digests that are.
SETTLED_S = 1.0
_DIGESTS: dict[tuple[Path, int, int, int], str] = {}
#: Seconds after which a file that another machine has not completed is taken for left behind.
ABANDONED_S = 86400.0


def temporary_name(path: str | Path) -> Path:
    """Name of a file while it is not complete, if a later process is to go on with it.

    It is in the same folder, with the same suffix. See `deblend.data.locks` for two processes.
    """
    return Path(path).with_name(f".{Path(path).stem}.partial{Path(path).suffix}")


@contextlib.contextmanager
def atomic(path: str | Path, temporary: Path | None = None) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; rename it to `path` when the block succeeds.

    Parameters
    ----------
    path : path
        The final name. An earlier file of this name stays until the new one is complete.
    temporary : pathlib.Path, optional
        The temporary name, if there is a file already.

    Yields
    ------
    pathlib.Path
        A name in the same folder, with the same suffix, to write to. The file is removed if the
        block raises. No other process has this name: of two that make the same file, each writes
        its own, and the last one's stays. What killed processes left behind is removed.

    Notes
    -----
    The content is on the disk before it gets its name, and the name is there when the block ends:
    also where the machine then loses its power.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    if temporary is None:
        for left in _left_behind(target):
            _remove(left)
        temporary = _unique_name(target)
    try:
        yield temporary
        for written in (*temporary.rglob("*"), temporary):
            _sync(written)
        temporary.replace(target)
        _sync(target.parent)
    except BaseException:
        _remove(temporary)
        raise


@contextlib.contextmanager
def scratch(path: str | Path, suffix: str) -> Iterator[Path]:
    """Yield a temporary name for what a file is made from; nothing of it stays.

    Parameters
    ----------
    path : path
        The file that is made.
    suffix : str
        End of the temporary name.

    Yields
    ------
    pathlib.Path
        As of `atomic`, in the folder of `path`.
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = _unique_name(target, suffix)
    try:
        yield temporary
    finally:
        _remove(temporary)


def _unique_name(path: Path, suffix: str | None = None) -> Path:
    """A temporary name that tells where the process is, and which it is."""
    owner = f"{process_space()}-{os.getpid()}-{os.urandom(4).hex()}"
    return path.with_name(f".{path.stem}.{owner}.partial{suffix or path.suffix}")


def _left_behind(path: Path) -> Iterator[Path]:
    """Files of `_unique_name` that no process is going to complete."""
    owned = re.compile(r"([0-9a-f]{6,8})-(\d+)-[0-9a-f]{8}\.partial.*")
    for found in list(path.parent.glob(f".{glob.escape(path.stem)}.*.partial*")):
        owner = owned.fullmatch(found.name.removeprefix(f".{path.stem}."))
        if owner is None:
            continue
        if owner[1] == process_space():
            is_left = not is_alive(int(owner[2]))
        else:
            is_left = _age_s(found) > ABANDONED_S
        if is_left:
            yield found


def _age_s(path: Path) -> float:
    """Seconds since a file was written; 0 if another process has just renamed it."""
    try:
        return time.time() - path.lstat().st_mtime
    except FileNotFoundError:
        return 0.0


def process_space() -> str:
    """Eight digits for where numbers of processes are valid: this machine, or this container.

    Folders may be shared with others, containers may have the name of their machine, and machines
    that of another one.
    """
    try:
        space = str(Path("/proc/self/ns/pid").readlink())
        space += Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:  # not Linux
        space = ""
    return hashlib.sha256(f"{platform.node()} {space}".encode()).hexdigest()[:8]


def is_alive(process: int) -> bool:
    """Whether this machine has a process of this number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        return True
    return True


def _remove(path: Path) -> None:
    """Remove a file or folder if that is possible: an error must not hide the one before."""
    with contextlib.suppress(OSError):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        path.unlink(missing_ok=True)


def _sync(path: Path) -> None:
    """Have a file, or the names in a folder, written to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some file systems have nothing to do for folders, and say so by an error.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


def sha256_once(path: str | Path) -> str:
    """SHA-256 of a file, in hexadecimal digits. A process reads a file once unless it changes.

    What tells a change is the time that the system sets at each, which nobody can set back.
    """
    path = Path(path).absolute()
    about = path.stat()
    key = (path, about.st_ino, about.st_size, about.st_ctime_ns)
    if key not in _DIGESTS:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        # A change soon after another one can have the same time.
        if time.time() - about.st_ctime < SETTLED_S:
            return digest
        _DIGESTS[key] = digest
    return _DIGESTS[key]


def write_json(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a record as JSON with sorted keys, completely or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Content of a JSON file that the workflow wrote, or that came with weights.

    Raises
    ------
    DeblendError
        It is missing, larger than `MAX_JSON_BYTES`, or no JSON in UTF-8; or has a key twice.
    """
    path = Path(path)
    try:
        size = path.stat().st_size
        if size > MAX_JSON_BYTES:
            raise ValueError(f"it has {size} bytes, more than {MAX_JSON_BYTES}")
        return json.loads(path.read_text(encoding="utf-8"), object_pairs_hook=_unique)
    # Parsers recurse into lists of lists.
    except (OSError, ValueError, RecursionError) as error:
        raise DeblendError(
            f"{path} cannot be read as JSON ({error}): if it was copied, copy it again; if the "
            "workflow made it, delete it and run again"
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object of JSON, whose keys have to differ: parsers would take the last one's value."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {twice[:80]!r} is there twice")
    return found


def read_yaml(path: str | Path) -> Any:
    """Content of one of the project's YAML files."""
    text = Path(path).read_text()
    # The parser in C takes an eighth of the time.
    return yaml.load(text, yaml.CSafeLoader) if yaml.__with_libyaml__ else yaml.safe_load(text)


def name_in_address(address: str) -> str:
    """Name of the file at an address, or of a path, without the query, which may be secret."""
    path = urlsplit(address).path if "://" in address else address
    return unquote(path).rsplit("/", 1)[-1]


def public_url(url: str) -> str:
    """An address for messages, without user name, password and query, which may be secret.

    A password can have characters that end it for others, as in ``https://me:a/b@host/file``: all
    before the last @ is left out.
    """
    try:
        parts = urlsplit(url)
    except ValueError:  # no address
        return f"{url.partition('://')[0][:10]}://..."
    if "@" in parts.query + parts.fragment:
        return f"{parts.scheme}://..."
    return f"{parts.scheme}://{(parts.netloc + parts.path).rpartition('@')[2]}"
