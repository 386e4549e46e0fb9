"""Say when a job cannot use the GPU that it was given; stop where one is required."""

import atexit
import functools
import logging
import os

from deblend.errors import DeblendError

#: Variables in which schedulers and drivers name the GPUs of a job.
ALLOCATED = (
    "CUDA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "SLURM_STEP_GPUS",
    "SLURM_JOB_GPUS",
)
#: Values of these variables that stand for no GPU.
NONE_ALLOCATED = ("", "-1", "NoDevFiles")
#: Set by the workflow if `require_gpu` is true in the configuration.
REQUIRE = "DEBLEND_REQUIRE_GPU"

log = logging.getLogger(__name__)


def allocated_gpus() -> str:
    """GPUs that the scheduler has given to this job; empty if none."""
    values = (os.environ.get(name, "") for name in ALLOCATED)
    return next((value for value in values if value not in NONE_ALLOCATED), "")


def report_gpu(framework: str, *, used: bool, wanted: bool) -> None:
    """Log which GPUs the job was given; warn at once and at the end of the process if none is used.

    Parameters
    ----------
    framework : str
        Name and version of what computes, for messages.
    used : bool
        Whether it uses a GPU.
    wanted : bool
        Whether the rule of the job asks for a GPU.

    Raises
    ------
    DeblendError
        The job wants a GPU, does not use one, and the configuration has `require_gpu: true`.
    """
    given = allocated_gpus()
    remedy = "install its build for GPUs (docs/platforms.md)"
    if wanted and not used and os.environ.get(REQUIRE):
        which = (
            f"GPU {given} is allocated, but" if given else "no GPU is allocated to this job, and"
        )
        raise DeblendError(
            f"{which} {framework} sees none, and the configuration has require_gpu: true: "
            f"{remedy}, check what the partition offers, or set require_gpu to false"
        )
    if given and not used:
        _warn_now_and_at_the_end(
            f"a GPU is allocated ({given}), but {framework} cannot use it: the job runs on "
            f"the CPU; {remedy}"
        )
    log.info("GPUs allocated by the scheduler (CUDA_VISIBLE_DEVICES): %s", given or "none")


@functools.cache
def _warn_now_and_at_the_end(message: str) -> None:
    """Warn once now, and once when Python ends, so that the last line of the log says it too."""
    log.warning("%s", message)
    atexit.register(log.warning, "%s", message)
