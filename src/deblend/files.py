"""Files that appear whole or not at all."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml


@contextlib.contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """Yield a temporary name beside `path`; move it there when the block succeeds.

    Parameters
    ----------
    path : path
        The name that readers will see. An earlier file there stays until the new
        one is complete.

    Yields
    ------
    pathlib.Path
        A name in the same folder, with the same suffix, to write to. It is
        removed when the block raises. It is always the same name, so that what a killed
        process left is overwritten and not piled up.
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
    """Write a record as JSON, its keys in order, whole or not at all."""
    with atomic(path) as temporary:
        temporary.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")


def read_json(path: str | Path) -> Any:
    """Content of a JSON file that the workflow wrote."""
    return json.loads(Path(path).read_text())


def read_yaml(path: str | Path) -> Any:
    """Content of one of the project's YAML files."""
    return yaml.safe_load(Path(path).read_text())
