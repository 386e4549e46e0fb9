"""Pickles of nested dicts of arrays, read without pickle.

Unpickling runs what a file asks for. Also where only NumPy's own functions are allowed, their
arguments can make it crash, or take memory without limit. Here the few steps that such files
consist of are followed one by one, and nothing of the file is called.
"""

import math
import pickletools
import re
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Steps that a pickle may have; one of VGG-16 has some thousand.
MAX_STEPS = 100_000
#: Types of numbers.
NUMBERS = re.compile(r"f[248]|[iu][1248]|b1")
#: What arrays are made with.
MAKERS = {
    "numpy.core.multiarray _reconstruct": "array",
    "numpy._core.multiarray _reconstruct": "array",
    "numpy ndarray": "class",
    "numpy dtype": "dtype",
}
#: Steps that put their own argument, or a constant, on the stack.
ARGUMENTS = {"BININT", "BININT1", "BININT2", "SHORT_BINBYTES", "BINBYTES", "BINBYTES8"} | {
    "SHORT_BINUNICODE",
    "BINUNICODE",
    "BINUNICODE8",
}
CONSTANTS = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False, "EMPTY_TUPLE": ()}
#: Steps that make a tuple of the last values.
TUPLES = {"TUPLE1": 1, "TUPLE2": 2, "TUPLE3": 3}
_MARK = object()


@dataclass(frozen=True)
class _Maker:
    """A function or class that a pickle names: see `MAKERS`."""

    kind: str


class _Type:
    """Type of numbers; its byte order comes after it is made."""

    def __init__(self, arguments: Any) -> None:
        code = arguments[0] if isinstance(arguments, tuple) and arguments else None
        if not isinstance(code, str) or not NUMBERS.fullmatch(code):
            raise ValueError("it has values that are no plain numbers")
        self.dtype = np.dtype(code)

    def build(self, state: Any) -> None:
        """Set the byte order."""
        order = state[1] if isinstance(state, tuple) and len(state) == 8 else None
        if order not in ("<", ">", "|", "=") or state != (3, order, None, None, None, -1, -1, 0):
            raise ValueError("it has values that are no plain numbers")
        self.dtype = self.dtype.newbyteorder(order)


class PickledArray:
    """An array of a pickle.

    Attributes
    ----------
    values : ndarray
        It cannot be written to.
    """

    values: np.ndarray

    def build(self, state: Any) -> None:
        """Set the values."""
        version, shape, dtype, is_fortran, data = state
        if version != 1 or not isinstance(dtype, _Type) or not isinstance(data, bytes):
            raise ValueError("it has an array of another kind than numbers")
        if not isinstance(shape, tuple) or not all(type(n) is int and n >= 0 for n in shape):
            raise ValueError("it has an array whose shape is none")
        if math.prod(shape) * dtype.dtype.itemsize != len(data) or not data:
            raise ValueError(f"it has an array whose values are not {len(data)} bytes")
        values = np.frombuffer(data, dtype.dtype)
        self.values = values.reshape(shape, order="F" if is_fortran is True else "C")


def read_arrays(content: bytes) -> Any:
    """Read a pickle of nested dicts of arrays.

    Parameters
    ----------
    content : bytes
        Protocol 2 to 4. Arrays have numbers.

    Returns
    -------
    dict
        Keys are texts; what is not a dict is a `PickledArray`, or a text or number.

    Raises
    ------
    ValueError, LookupError, TypeError
        It is broken, or has something else.
    """
    stack: list[Any] = []
    memo: dict[int, Any] = {}
    for n_steps, (step, argument, _) in enumerate(pickletools.genops(content)):
        if n_steps >= MAX_STEPS:
            raise ValueError(f"it has more than {MAX_STEPS} steps")
        _follow(step.name, argument, stack, memo)
    return stack.pop()


def _follow(step: str, argument: Any, stack: list[Any], memo: dict[int, Any]) -> None:
    """Follow one step of a pickle."""
    if step in ARGUMENTS:
        stack.append(argument)
    elif step in CONSTANTS:
        stack.append(CONSTANTS[step])
    elif step == "EMPTY_DICT":
        stack.append({})
    elif step == "MARK":
        stack.append(_MARK)
    elif step in ("BINPUT", "LONG_BINPUT"):
        memo[argument] = stack[-1]
    elif step == "MEMOIZE":
        memo[len(memo)] = stack[-1]
    elif step in ("BINGET", "LONG_BINGET"):
        stack.append(memo[argument])
    elif step == "TUPLE":
        stack.append(tuple(_since_mark(stack)))
    elif step in TUPLES:
        values = [stack.pop() for _ in range(TUPLES[step])]
        stack.append(tuple(reversed(values)))
    elif step in ("SETITEM", "SETITEMS"):
        items = [stack.pop(), stack.pop()][::-1] if step == "SETITEM" else _since_mark(stack)
        _set_items(stack[-1], items)
    elif step in ("GLOBAL", "STACK_GLOBAL"):
        stack.append(_maker(argument if step == "GLOBAL" else [stack.pop(), stack.pop()][::-1]))
    elif step == "REDUCE":
        arguments, maker = stack.pop(), stack.pop()
        stack.append(_made(maker, arguments))
    elif step == "BUILD":
        state = stack.pop()
        if not isinstance(stack[-1], _Type | PickledArray):
            raise ValueError("it has other objects than arrays")
        stack[-1].build(state)
    elif step not in ("PROTO", "FRAME", "STOP"):
        raise ValueError(f"it has other objects than dicts of arrays ({step})")


def _since_mark(stack: list[Any]) -> list[Any]:
    """Take the values after the last mark, and the mark, from the stack."""
    values = []
    while (value := stack.pop()) is not _MARK:
        values.append(value)
    return values[::-1]


def _set_items(target: Any, items: list[Any]) -> None:
    # Hashes of other keys can take for ever: those of tuples of tuples.
    if not isinstance(target, dict) or not all(isinstance(key, str) for key in items[::2]):
        raise ValueError("it has a dict whose keys are no texts")
    target.update(zip(items[::2], items[1::2], strict=True))


def _maker(named: Any) -> _Maker:
    """What a pickle names, if arrays need it."""
    name = named if isinstance(named, str) else " ".join(named)
    if name not in MAKERS:
        raise ValueError(f"it asks for {name.replace(' ', '.')[:100]}: only arrays are read")
    return _Maker(MAKERS[name])


def _made(maker: Any, arguments: Any) -> _Type | PickledArray:
    """A type or array that is made in a pickle."""
    kind = maker.kind if isinstance(maker, _Maker) else None
    if kind == "dtype":
        return _Type(arguments)
    if kind != "array":
        raise ValueError("it has other objects than arrays")
    return PickledArray()
