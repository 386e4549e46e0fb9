"""Choose and set up the backend of Keras, before Keras is imported."""

import importlib
import logging
import os
from typing import Any

from deblend.errors import DeblendError

BACKENDS = ("tensorflow", "torch", "jax")


log = logging.getLogger(__name__)


def configure(backend: str, threads: int, seed: int) -> dict[str, str]:
    """Import Keras with a backend, a fixed number of threads, a seed and deterministic operations.

    Parameters
    ----------
    backend : {"tensorflow", "torch", "jax"}
        The environment variable KERAS_BACKEND, if set, overrides it.
    threads : int
        Number of CPU threads. It comes from the configuration, not from the scheduler, since
        results may depend on it.
    seed : int

    Returns
    -------
    dict
        `backend` that is used, `backend_version`, `keras_version` and `device`, to be recorded with
        the results.

    Raises
    ------
    DeblendError
        The backend is unknown or not installed.
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
    try:
        framework: Any = importlib.import_module(chosen)
    except ImportError as error:
        raise DeblendError(
            f"the Keras backend {chosen} is not installed: set backend in the configuration to one "
            "that is installed, or see 'GPUs' in the README"
        ) from error
    if chosen == "tensorflow":
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
    import keras

    keras.utils.set_random_seed(seed)
    versions = {
        "backend": chosen,
        "backend_version": str(framework.__version__),
        "keras_version": str(keras.__version__),
        "device": device,
    }
    allocated = os.environ.get("CUDA_VISIBLE_DEVICES")
    log.info("GPUs allocated by the scheduler (CUDA_VISIBLE_DEVICES): %s", allocated or "none")
    log.info(
        "Keras %(keras_version)s on %(backend)s %(backend_version)s, device %(device)s", versions
    )
    return versions
