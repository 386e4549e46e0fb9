"""Pickles of arrays, and such as crash or fill the memory where pickle reads them."""

import pickle
import subprocess
import sys
import time
import tracemalloc

import numpy as np
import pytest
from deblend.training.array_pickle import MAX_STEPS, read_arrays

ERRORS = (ValueError, LookupError, TypeError)
RNG = np.random.default_rng(3)


class Made:
    """An object that is pickled as any call, with any state."""

    def __init__(self, *reduced):
        self.reduced = reduced

    def __reduce__(self):
        return self.reduced


def dtype_of(state):
    return Made(np.dtype, ("O8", False, True), state)


def array_of(shape, dtype, data):
    reconstruct = np.zeros(1).__reduce__()[0]
    return Made(reconstruct, (np.ndarray, (0,), b"b"), (1, shape, dtype, False, data))


@pytest.mark.parametrize("protocol", [3, 4])
@pytest.mark.parametrize("kind", ["f2", "<f4", ">f4", "f8", "i1", "<i8", ">u2", "?"])
def test_arrays_are_those_that_were_written(protocol, kind):
    values = (100 * RNG.random((3, 4, 5))).astype(kind)
    tree = {"a": {"b": values, "c": values[0, 0]}, "d": np.asfortranarray(values), "e": values}
    found = read_arrays(pickle.dumps(tree, protocol=protocol))
    for read, written in [
        (found["a"]["b"], values),
        (found["a"]["c"], values[0, 0]),
        (found["d"], values),
        (found["e"], values),
    ]:
        assert read.values.dtype == written.dtype
        np.testing.assert_array_equal(read.values, written)
    assert found["e"] is found["a"]["b"]


#: Numbers that NumPy takes for addresses of objects, with the flags of such a type.
CRASHING = array_of(
    (2,),
    dtype_of((3, "|", None, None, None, -1, -1, 0x3D)),
    b"\x41\x42\x43\x44\x45\x46\x47\x48" * 2,
)
LARGE = [Made(np.ndarray, ((200, 1000, 1000),)) for _ in range(2)]


def test_numpy_itself_crashes():
    """So that the next test means something."""
    program = "import pickle, sys; repr(pickle.loads(sys.stdin.buffer.read()))"
    done = subprocess.run(
        [sys.executable, "-c", program], input=pickle.dumps({"a": CRASHING}), capture_output=True
    )
    assert done.returncode < 0


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (pickle.dumps({"a": CRASHING}), "no plain numbers"),
        (pickle.dumps({"a": dict(enumerate("xy")), "b": LARGE[0]}), "keys are no texts|objects"),
        (pickle.dumps({"a": LARGE[0], "b": LARGE[1]}), "other objects than arrays"),
        (pickle.dumps({"a": array_of((10**9, 10**9), np.dtype("f4"), b"1234")}), "are not 4 bytes"),
        (pickle.dumps({"a": array_of((-1, -1), np.dtype("f4"), b"1234")}), "shape is none"),
        (pickle.dumps({"a": array_of((True,), np.dtype("f4"), b"1234")}), "shape is none"),
        (pickle.dumps({"a": array_of((0, 10**40), np.dtype("f4"), b"")}), r"\(LONG1\)"),
        (pickle.dumps({"a": array_of((1,), np.dtype("f4"), [1.0])}), r"\(EMPTY_LIST\)"),
        (pickle.dumps({"a": np.array([{}], dtype=object)}), "no plain numbers"),
        (pickle.dumps({"a": np.zeros(2, "f4,f4")}), "no plain numbers"),
        (pickle.dumps({"a": np.array(["text"])}), "no plain numbers"),
        (pickle.dumps({"a": Made(print, ("this must not run",))}), "asks for builtins.print"),
        (pickle.dumps({"a": Made(np.dtype, ("f4",), "state")}), "no plain numbers"),
        (pickle.dumps({"a": [1]}), r"other objects .*\(EMPTY_LIST\)"),
        # Room for 2^31 marks in the memo; a text and an array of bytes of 2^60 bytes.
        (b"\x80\x04}r\xff\xff\xff\x7f(K\x01K\x02u.", "keys are no texts"),
        (b"\x80\x05\x96" + (1 << 60).to_bytes(8, "little") + b"ab.", "expected"),
        (b"\x80\x04\x8d" + (1 << 60).to_bytes(8, "little") + b"ab.", "expected"),
        (b"\x80\x04" + b"}" * (MAX_STEPS + 1) + b".", "more than"),
        # The hash of a tuple of 90,000 tuples in one another takes a larger stack than there is.
        (b"\x80\x04}()" + b"\x85" * 90_000 + b"K\x01u.", "keys are no texts"),
        (b"\x80\x04", "exhausted"),
        (b"", "exhausted"),
        (b"\x80\x04u.", "pop from empty"),
        (b"\x80\x04h\x07.", "7"),
        (b"\x80\x04.", "pop from empty"),
    ],
)
def test_other_pickles_are_refused(content, message, capsys):
    tracemalloc.start()
    start = time.monotonic()
    with pytest.raises(ERRORS, match=message):
        read_arrays(content)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 30_000_000
    assert time.monotonic() - start < 20
    assert capsys.readouterr().out == ""


def test_changed_bytes_end_in_an_array_or_an_error():
    content = pickle.dumps({"a": {"kernel": RNG.random((3, 4)), "bias": RNG.random(4)}})
    outcomes = set()
    for place in range(len(content)):
        for bit in range(8):
            broken = bytearray(content)
            broken[place] ^= 1 << bit
            try:
                read_arrays(bytes(broken))
                outcomes.add("read")
            except ERRORS:
                outcomes.add("error")
    assert outcomes == {"read", "error"}
