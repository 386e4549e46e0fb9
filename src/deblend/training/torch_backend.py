"""Set up PyTorch: device, threads, seed and precision."""

import logging
import os

import torch
from deblend.errors import DeblendError
from torch import nn

log = logging.getLogger(__name__)


#: Data type of the layers' computations for each `precision` of the configuration; None stands for
#: float32. Weights are always float32.
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


def configure(threads: int, seed: int) -> tuple[torch.device, dict[str, str]]:
    """Set the number of threads and the seed, and choose the device.

    On a CPU, results are reproducible to the byte. On a GPU, the fastest algorithms are used, some
    of which are not deterministic.

    Parameters
    ----------
    threads : int
        Number of CPU threads. It comes from the configuration, not from the scheduler.
    seed : int

    Returns
    -------
    device : torch.device
    versions : dict
        `backend`, `backend_version` and `device`, to be recorded with the results.
    """
    torch.set_num_threads(threads)
    torch.manual_seed(seed)
    gpu = torch.cuda.is_available()
    if gpu:
        torch.backends.cudnn.benchmark = True
    else:
        torch.use_deterministic_algorithms(True)
    device = torch.device("cuda" if gpu else "cpu")
    versions = {
        "backend": "torch",
        "backend_version": str(torch.__version__),
        "device": torch.cuda.get_device_name() if gpu else "cpu",
    }
    if gpu:
        versions["tf32_convolutions"] = str(torch.backends.cudnn.allow_tf32)
    allocated = os.environ.get("CUDA_VISIBLE_DEVICES")
    log.info("GPUs allocated by the scheduler (CUDA_VISIBLE_DEVICES): %s", allocated or "none")
    if allocated and not gpu:
        log.warning(
            "a GPU is allocated, but this PyTorch (%s) cannot use it: training continues on the "
            "CPU; see docs/platforms.md",
            torch.__version__,
        )
    log.info("PyTorch %s on %s", versions["backend_version"], versions["device"])
    return device, versions


def move_to_device(network: nn.Module, device: torch.device) -> None:
    """Move a network to a device, with the memory layout that is fastest for convolutions."""
    network.to(device)
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def autocast(device: torch.device, precision: str) -> torch.autocast:
    """Context in which layers compute with the given precision.

    Raises
    ------
    DeblendError
        The precision is unknown.
    """
    if precision not in PRECISIONS:
        raise DeblendError(f"precision is {precision!r}; it can be {', '.join(PRECISIONS)}")
    dtype = PRECISIONS[precision]
    return torch.autocast(device.type, dtype=dtype or torch.bfloat16, enabled=dtype is not None)
