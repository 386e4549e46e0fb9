"""Backend of Keras."""

import logging
import os
import subprocess
import sys
from importlib import metadata

import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.errors import DeblendError

from tests.conftest import ROOT
from tests.training_on_backend import FAMILIES, POLICIES

#: Lines as abseil, TensorFlow's C++ library for logs, writes them.
INFO = "I0000 00:00:1795659886.133309   16641 port.cc:153] oneDNN custom operations are on.\n"
FIRST = "WARNING: All log messages before absl::InitializeLog() is called are written to STDERR\n"
WARNING = (
    "W0000 00:00:1795659886.133309   16641 gpu_device.cc:2433] Cannot dlopen some libraries.\n"
)
ERROR = "E0000 00:00:1795659886.133309   16641 cuda_platform.cc:51] failed call to cuInit\n"
FATAL = "F0000 00:00:1795659886.133309   16641 cpu.cc:40] AVX instructions are missing\n"


def run(program):
    """What a program that knows the backend writes to standard error, and its exit status."""
    program = f"import os\nfrom deblend.training import keras_backend as backend\n{program}"
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, env=environment
    )
    return done.stderr, done.returncode


def test_importing_keras_writes_nothing_to_the_terminal():
    assert run("backend.configure('tensorflow', 1, 0)") == ("", 0)


def test_warnings_errors_and_other_lines_still_show(capfd):
    with backend.without_chatter():
        for line in (FIRST, INFO, WARNING, ERROR, "I am not a log line: 1] \n"):
            os.write(2, line.encode())
        print("from Python", file=sys.__stderr__)
        subprocess.run([sys.executable, "-c", "import os; os.write(2, b'a child\\n')"])
    os.write(2, INFO.encode())
    shown = capfd.readouterr().err
    assert shown == f"{WARNING}{ERROR}I am not a log line: 1] \nfrom Python\na child\n{INFO}"


def test_the_last_words_of_an_aborted_process_show():
    program = f"with backend.without_chatter():\n  os.write(2, {INFO + FATAL!r}.encode())\n"
    shown, status = run(f"{program}  os.abort()")
    assert FATAL in shown and INFO not in shown
    assert status < 0


def test_an_exception_leaves_standard_error_as_it_was(capfd):
    with pytest.raises(KeyError), backend.without_chatter():
        raise KeyError("x")
    os.write(2, b"after\n")
    assert capfd.readouterr().err == "after\n"


def test_without_grep_everything_shows(capfd, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with backend.without_chatter():
        os.write(2, INFO.encode())
    assert capfd.readouterr().err == INFO


def test_freed_memory_is_used_again_and_not_cleared_by_the_kernel():
    """Some 40 MiB at a time in a thread, as TensorFlow's gradients need them.

    Cleared each time they are half a million pages; each heap's first use is ten thousand, and
    which of the two heaps a thread gets depends on when the thread before it has ended.
    """
    program = """
import ctypes, platform, resource, threading
earlier = threading.Thread(target=lambda: list(range(10000)))  # which has a heap of its own
earlier.start(); earlier.join()
backend.keep_freed_memory()
libc = ctypes.CDLL(None)
libc.malloc.restype, libc.malloc.argtypes = ctypes.c_void_p, [ctypes.c_size_t]
libc.memset.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_size_t]
libc.free.argtypes = [ctypes.c_void_p]
def use(times):
    for _ in range(times):
        buffer = libc.malloc(40 * 2**20)
        libc.memset(buffer, 1, 40 * 2**20)
        libc.free(buffer)
def faults(times):
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    thread = threading.Thread(target=use, args=(times,))
    thread.start(); thread.join()
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before
cleared = faults(50)
assert platform.libc_ver()[0] != "glibc" or cleared < 50_000, cleared
"""
    assert run(program) == ("", 0)


def weights(seed):
    backend.configure("tensorflow", 2, seed)
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(4), keras.layers.Dropout(0.5)])
    return [*model.get_weights(), np.asarray(model(np.ones((5, 8)), training=True))]


def test_the_seed_sets_weights_and_random_layers():
    first, again, other = weights(3), weights(3), weights(4)
    for a, b, c in zip(first, again, other, strict=True):
        np.testing.assert_array_equal(a, b)
        # Biases start from zero, and the last array counts dropped values of other weights.
        assert not np.array_equal(a, c) or not np.any(a)


def test_versions_are_recorded():
    found = backend.configure("tensorflow", 2, 0)
    assert found["backend"] == keras.backend.backend() == "tensorflow"
    assert found["keras_version"] == metadata.version("keras")
    assert found["device"] in ("cpu", "gpu")


def test_the_environment_variable_overrides_the_configuration(monkeypatch, caplog):
    monkeypatch.setenv("KERAS_BACKEND", "tensorflow")
    with caplog.at_level(logging.INFO):
        assert backend.configure("jax", 2, 0)["backend"] == "tensorflow"
    assert "KERAS_BACKEND=tensorflow overrides the configured backend jax" in caplog.messages


def test_a_required_gpu_that_is_not_there_is_an_error(monkeypatch):
    if backend.configure("tensorflow", 2, 0)["device"] == "gpu":
        pytest.skip("there is a GPU")
    monkeypatch.setenv("DEBLEND_REQUIRE_GPU", "1")
    with pytest.raises(DeblendError, match=r"Keras on tensorflow [\d.]+ sees none.*require_gpu"):
        backend.configure("tensorflow", 2, 0, wants_gpu=True)


def test_unknown_backend_is_refused(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "theano")
    with pytest.raises(DeblendError, match=r"'theano'.*; it can be tensorflow, torch, jax"):
        backend.configure("tensorflow", 1, 0)


def test_a_backend_that_is_not_installed_is_named(monkeypatch):
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    monkeypatch.setitem(sys.modules, "jax", None)
    with pytest.raises(DeblendError, match="jax is not installed: set backend"):
        backend.configure("tensorflow", 1, 0)


#: Largest differences of TensorFlow and PyTorch on CPUs: of the losses of all steps, relative; and
#: of the outputs after the last step, relative to the largest. Five to ten times those that were
#: measured with seeds 1 to 5 on two x86-64 cores (TensorFlow 2.21, PyTorch 2.13): 1.0e-6 and 2.7e-7
#: in float32, 0.0085 and 0.015 in mixed precision, whose numbers have eight bits (0.004).
TOLERANCES = {"float32": (1e-5, 3e-6), "mixed_bfloat16": (0.05, 0.08)}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """What both backends make of the same weights and batches."""
    folder, found = tmp_path_factory.mktemp("backends"), []
    for name in ("tensorflow", "torch"):
        pytest.importorskip(name, reason=f"{name} is not installed: make env")
        command = [sys.executable, str(ROOT / "tests" / "training_on_backend.py")]
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "src"), "KERAS_BACKEND": name}
        files = [str(folder / f"{file}.npz") for file in ("start", name)]
        subprocess.run([*command, *files], env=environment, check=True)
        found.append(dict(np.load(files[1])))
    return found


@pytest.mark.full
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("family", FAMILIES)
def test_both_backends_compute_the_same(trained, family, policy):
    tensorflow, torch = trained
    names = [name for name in tensorflow if name.startswith(f"{family}/{policy}/")]
    assert tensorflow.keys() == torch.keys() and len(names) > 1
    of_losses, of_outputs = TOLERANCES[policy]
    for name in names:
        ours, theirs = torch[name], tensorflow[name]
        if name.endswith("/loss"):
            np.testing.assert_allclose(ours, theirs, rtol=of_losses)
            assert np.ptp(theirs) > 0
        else:
            np.testing.assert_allclose(ours, theirs, rtol=0, atol=of_outputs * np.abs(theirs).max())
            # On both, mixed precision is another one.
            other = name.replace(policy, next(p for p in POLICIES if p != policy))
            assert not np.array_equal(theirs, tensorflow[other])
            assert not np.array_equal(ours, torch[other])
