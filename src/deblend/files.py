"""Files that are written completely or not at all, readers of JSON and YAML, and names."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml


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
    """
    target = Path(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_name(f".{target.stem}.partial{target.suffix}")
    try:
        yield temporary
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


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
