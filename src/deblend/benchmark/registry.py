"""From an entry under `benchmark > methods` to the function that measures."""

import importlib.util
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from deblend.benchmark.catalogue import Method
from deblend.errors import DeblendError

#: Keys of an entry that are no options of the function: what it is, what it measures, and how a
#: separator is trained.
NOT_OPTIONS = (
    *("kind", "function", "environment", "positions", "subset", "network", "options"),
    *("filters", "levels", "iterations", "batch_size", "learning_rate"),
    *("blocks", "dropout", "weight_decay", "shares", "n_neighbours_mean", "neighbour_mag"),
    "n_profiles",
)


def function_from(text: str) -> Method:
    """A function of the user's own file.

    Parameters
    ----------
    text : str
        Path of the file and name of the function: ``my_method.py:measure``.

    Raises
    ------
    DeblendError
        There is no such file or no such function.
    """
    path, _, name = text.rpartition(":")
    if not path or not Path(path).is_file():
        raise DeblendError(f"function is {text!r}: give an existing file, as my_method.py:measure")
    spec = importlib.util.spec_from_file_location(f"benchmark_method_{Path(path).stem}", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    # Where pickles and dataclasses look for it.
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    if not callable(module.__dict__.get(name)):
        raise DeblendError(f"function is {text!r}, and {path} has no function {name}")
    return module.__dict__[name]


def method_of(
    entry: Mapping[str, Any], kinds: Mapping[str, Method], files: Mapping[str, str]
) -> Method:
    """The function of an entry, with its options.

    Parameters
    ----------
    entry : dict
        Of `benchmark > methods`.
    kinds : dict
        Functions of the built-in kinds.
    files : dict
        Further arguments: files of a network.

    Raises
    ------
    DeblendError
        See `function_from`.
    """
    options = {key: value for key, value in entry.items() if key not in NOT_OPTIONS}
    options |= {**(entry.get("options") or {}), **files}
    if entry["kind"] == "function":
        return partial(function_from(entry["function"]), **options)
    return partial(kinds[entry["kind"]], **options)
