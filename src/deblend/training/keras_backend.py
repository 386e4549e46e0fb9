"""Choose and set up the backend of Keras, before Keras is imported."""

import contextlib
import ctypes
import importlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from deblend.errors import DeblendError
from deblend.training.gpu import report_gpu

BACKENDS = ("tensorflow", "torch", "jax")

#: Regular expression of lines that `without_chatter` leaves out: those of abseil's logs at level
#: INFO, such as "I0000 00:00:1700000000.000000 1 port.cc:153] oneDNN ...", and the warning before
#: the first of them. The only environment variable against them turns oneDNN off, which
#: changes results in the last digits.
CHATTER = r"^(I[0-9]{4} [0-9:. ]+[^ ]+:[0-9]+\] |WARNING: All log messages before absl::Init)"

#: Settings of glibc's `mallopt`, by its numbers: new threads share one heap (M_ARENA_MAX), which
#: serves all requests, however large (M_MMAP_MAX), grows by 64 MiB (M_TOP_PAD) and gives back what
#: is free at its end above 512 MiB (M_TRIM_THRESHOLD).
KEPT_HEAP = {-8: 1, -4: 0, -2: 2**26, -1: 2**29}

log = logging.getLogger(__name__)


def keep_freed_memory() -> None:
    """Let the C library keep freed memory for the next request, where it is glibc.

    TensorFlow asks for buffers of some 30 MiB in each gradient of a convolution. By default glibc
    returns them to the system when they are freed, and the kernel clears each page of the next
    one: 40 % of the processor time of a small U-Net's training.
    """
    with contextlib.suppress(AttributeError, OSError, TypeError):
        mallopt = ctypes.CDLL(None).mallopt
        for parameter, value in KEPT_HEAP.items():
            mallopt(parameter, value)


@contextlib.contextmanager
def without_chatter() -> Iterator[None]:
    """Leave `CHATTER` out of what this process, C++ libraries included, writes to standard error.

    All other lines appear, also if the process is aborted: another process filters them. They
    appear at the latest at the end of the block. Without the program grep, nothing is left out.
    """
    sys.stderr.flush()
    original = os.dup(2)
    try:
        grep = subprocess.Popen(
            ["grep", "-v", "-E", CHATTER], stdin=subprocess.PIPE, stdout=original
        )
    except OSError:
        os.close(original)
        yield
        return
    assert grep.stdin is not None
    os.dup2(grep.stdin.fileno(), 2)
    grep.stdin.close()
    try:
        yield
    finally:
        os.dup2(original, 2)
        os.close(original)
        # A process that was started in the block and still runs keeps the filter open.
        with contextlib.suppress(subprocess.TimeoutExpired):
            grep.wait(timeout=5)


def configure(backend: str, threads: int, seed: int, *, wants_gpu: bool = False) -> dict[str, str]:
    """Import Keras with a backend, a fixed number of threads, a seed and deterministic operations.

    Parameters
    ----------
    backend : {"tensorflow", "torch", "jax"}
        The environment variable KERAS_BACKEND, if set, overrides it.
    threads : int
        Number of CPU threads. It comes from the configuration, not from the scheduler, since
        results may depend on it.
    seed : int
    wants_gpu : bool, optional
        Whether the rule asks for a GPU: see `deblend.training.gpu`.

    Returns
    -------
    dict
        `backend` that is used, `backend_version`, `keras_version` and `device`, to be recorded with
        the results.

    Raises
    ------
    DeblendError
        The backend is unknown or not installed, or the configuration requires a GPU and there is
        none.
    """
    chosen = os.environ.get("KERAS_BACKEND", backend)
    if chosen not in BACKENDS:
        raise DeblendError(
            f"the Keras backend is {chosen!r} (KERAS_BACKEND, or backend in the configuration); "
            f"it can be {', '.join(BACKENDS)}"
        )
    if chosen != backend:
        log.info("KERAS_BACKEND=%s overrides the configured backend %s", chosen, backend)
    os.environ["KERAS_BACKEND"] = chosen
    # TensorFlow 2.21 logs a harmless note about graph versions as an error in every epoch.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_chatter():
        framework, device = _import_backend(chosen, threads)
        import keras
    keras.utils.set_random_seed(seed)
    versions = {
        "backend": chosen,
        "backend_version": str(framework.__version__),
        "keras_version": str(keras.__version__),
        "device": device,
    }
    framework_name = f"Keras on {chosen} {versions['backend_version']}"
    report_gpu(framework_name, used=device != "cpu", wanted=wants_gpu)
    log.info(
        "Keras %(keras_version)s on %(backend)s %(backend_version)s, device %(device)s", versions
    )
    return versions


def _import_backend(chosen: str, threads: int) -> tuple[Any, str]:
    """Import and set up the framework; also returns the device that it uses."""
    try:
        framework: Any = importlib.import_module(chosen)
    except ImportError as error:
        raise DeblendError(
            f"the Keras backend {chosen} is not installed: set backend in the configuration to one "
            "that is installed, or see docs/platforms.md"
        ) from error
    if chosen == "tensorflow":
        keep_freed_memory()
        framework.config.threading.set_intra_op_parallelism_threads(threads)
        framework.config.threading.set_inter_op_parallelism_threads(threads)
        framework.config.experimental.enable_op_determinism()
        gpus = framework.config.list_physical_devices("GPU")
        for gpu in gpus:
            framework.config.experimental.set_memory_growth(gpu, True)
        device = "gpu" if gpus else "cpu"
    elif chosen == "torch":
        framework.set_num_threads(threads)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        framework.use_deterministic_algorithms(True, warn_only=True)
        device = "gpu" if framework.cuda.is_available() else "cpu"
    else:
        device = framework.default_backend()
    return framework, device
