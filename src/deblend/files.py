"""Files that are written completely or not at all, readers of JSON and YAML, and names."""

import contextlib
import errno
import json
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml


def temporary_name(path: str | Path) -> Path:
    """Name of a file, in the same folder and with the same suffix, while it is not complete."""
    return Path(path).with_name(f".{Path(path).stem}.partial{Path(path).suffix}")


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name in the folder of `path`; rename it to `path` when the block succeeds.

    Parameters
    ----------
    path : path
        The final name. An earlier file of this name stays until the new one is complete.

    Yields
    ------
    pathlib.Path
        A name in the same folder, with the same suffix, to write to. The file is removed if the
        block raises. The name is always the same, so that what a killed process left behind is
        overwritten by the next attempt.

    Notes
    -----
    The content is on the disk before it gets its name, and the name is there when the block ends:
    also where the machine then loses its power.
    """
    target, temporary = Path(path), temporary_name(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield temporary
        for written in (*temporary.rglob("*"), temporary):
            _sync(written)
        temporary.replace(target)
        _sync(target.parent)
    except BaseException:
        # An error of the removal must not hide the one before.
        with contextlib.suppress(OSError):
            if temporary.is_dir():
                shutil.rmtree(temporary)
            temporary.unlink(missing_ok=True)
        raise


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


def write_json(path: str | Path, record: Mapping[str, object]) -> None:
    """Write a record as JSON with sorted keys, completely or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Content of a JSON file that the workflow wrote."""
    return json.loads(Path(path).read_text())


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
    """An address for messages, without user name, password and query, which may be secret."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
