"""Jobs that end when the run that started them has ended.

A run that is killed (-9, out of memory) cannot end its jobs. They would go on with nobody to take
their results, beside those of the next run.
"""

import logging
import os
import signal
import threading
import time

from deblend.files import is_alive, process_space

log = logging.getLogger(__name__)


#: Environment variable that jobs inherit: the process number of Snakemake, where that number is
#: valid, and the name of the run.
RUN = "DEBLEND_RUN"
#: Seconds between looks at the run.
INTERVAL_S = 1.0
#: Seconds that a job has to remove what is not complete.
GRACE_S = 10.0


def announce_run(is_main: bool = True) -> None:
    """Let the jobs that this process starts know that they end with it, and of which run they are.

    Parameters
    ----------
    is_main : bool
        Whether this is the process that the user has started. Others, which that one starts for
        jobs (on a cluster, for example), are of its run.
    """
    name = "" if is_main else present_run()
    os.environ[RUN] = f"{os.getpid()}-{process_space()}-{name or time.time_ns()}"


def present_run() -> str:
    """Name of the run that this process is a job of, different for each; empty if there is none."""
    return os.environ.get(RUN, "").rpartition("-")[2]


def end_with_run() -> None:
    """Have this process end soon after its run, if it is a job; called in its main thread.

    It is interrupted as by Ctrl-C, so that it removes what is not complete; and ends at once if it
    still lives after `GRACE_S`.
    """
    number, place, _ = f"{os.environ.get(RUN, '')}--".split("-", 2)
    if number.isdecimal() and place == process_space():
        # SIGINT itself is ignored in runs that `nohup` or a script has put into the background.
        signal.signal(signal.SIGUSR1, signal.default_int_handler)
        arguments = (int(number), os.getppid(), threading.get_ident())
        threading.Thread(target=_watch, args=arguments, daemon=True).start()


def _watch(run: int, parent: int, main: int) -> None:
    """Wait for the end of the run, then end this process, whose main thread is given."""
    # An orphan gets another parent at once, even if nobody takes note of the end of the run.
    while os.getppid() == parent and is_alive(run):
        time.sleep(INTERVAL_S)
    log.critical(
        "Snakemake (process %d), which started this job, has ended (was it killed, or out of "
        "memory?): so does this job. To go on: make unlock, and the same command again",
        run,
    )
    # A signal of the system also ends what the main thread waits for.
    signal.pthread_kill(main, signal.SIGUSR1)
    time.sleep(GRACE_S)
    os._exit(1)
