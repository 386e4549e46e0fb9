"""Jobs that end when the run that started them has ended.

A run that is killed (-9, out of memory) cannot end its jobs. They would go on with nobody to take
their results, beside those of the next run.
"""

import _thread
import logging
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from deblend.files import is_alive

log = logging.getLogger(__name__)


#: Environment variable with the process number of Snakemake and the time of its start, which jobs
#: inherit.
RUN = "DEBLEND_RUN"
#: Seconds between looks at the run.
INTERVAL_S = 1.0
#: Seconds that a job has to remove what is not complete.
GRACE_S = 10.0
#: Ancestors that are looked at: job, shells, container, Snakemake.
MAX_ANCESTORS = 20


def announce_run() -> None:
    """Let the jobs that this process starts know that it is their run."""
    os.environ[RUN] = f"{os.getpid()}-{time.time_ns()}"


def present_run() -> str:
    """Name of the run that this process is a job of, different for each; empty if there is none."""
    return os.environ.get(RUN, "")


def end_with_run() -> None:
    """Have this process end soon after its run, if it is a job.

    It is interrupted as by Ctrl-C, so that it removes what is not complete; and ends at once if it
    still lives after `GRACE_S`.
    """
    number = present_run().partition("-")[0]
    # A process of this number that is no ancestor is another one: that of another machine or
    # container, or of an earlier run.
    if number.isdecimal() and int(number) in _ancestors(os.getpid()):
        watch = threading.Thread(target=_watch, args=(int(number), os.getppid()), daemon=True)
        watch.start()


def _watch(run: int, parent: int) -> None:
    """Wait for the end of the run, then end this process."""
    # An orphan gets another parent at once, even if nobody takes note of the end of the run.
    while os.getppid() == parent and is_alive(run):
        time.sleep(INTERVAL_S)
    log.critical(
        "Snakemake (process %d), which started this job, has ended (was it killed, or out of "
        "memory?): so does this job. To go on: make unlock, and the same command again",
        run,
    )
    _thread.interrupt_main(signal.SIGINT)
    time.sleep(GRACE_S)
    os._exit(1)


def _ancestors(process: int) -> Iterator[int]:
    """Numbers of the parent of a process, of its parent, and so on."""
    for _ in range(MAX_ANCESTORS):
        process = _parent(process)
        if process < 1:
            break
        yield process


def _parent(process: int) -> int:
    """Number of the parent of a process; 0 if it cannot be found."""
    try:
        # The name of the program, in brackets, can have any characters.
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        return int(fields[1])
    except OSError:
        pass  # not Linux
    try:
        command = ["ps", "-o", "ppid=", "-p", str(process)]
        return int(subprocess.run(command, capture_output=True, text=True).stdout or 0)
    except (OSError, ValueError):
        return 0
