"""Worker processes that share a job's items."""

import os
import subprocess
import sys
import time

import psutil
import pytest
from deblend.errors import DeblendError
from deblend.workers import in_order

from tests.conftest import ROOT

added = []


def remember(number):
    added.append(number)


def plus_added(x):
    return x + added[-1], os.getpid()


def refuse(x):
    raise DeblendError(f"{x} is no good: take another")


@pytest.mark.parametrize("n_workers", [1, 2, 8])
def test_results_are_in_order_whoever_finds_them(n_workers):
    found = list(in_order(plus_added, range(5), n_workers, remember, (10,)))
    assert [value for value, _ in found] == [10, 11, 12, 13, 14]
    processes = {process for _, process in found}
    assert (processes == {os.getpid()}) == (n_workers == 1)


def test_one_item_needs_no_other_process():
    assert list(in_order(plus_added, [1], 4, remember, (1,))) == [(2, os.getpid())]


def test_an_error_of_a_worker_is_raised_here():
    with pytest.raises(DeblendError, match="1 is no good"):
        list(in_order(refuse, [1, 2], 2))


def sleep(seconds):
    time.sleep(seconds)


def test_workers_end_when_their_job_is_killed():
    program = (
        "from deblend.workers import in_order\n"
        "from tests.unit.test_workers import sleep\n"
        "if __name__ == '__main__':\n    list(in_order(sleep, [60, 60, 60], 2))\n"
    )
    path = os.pathsep.join((str(ROOT / "src"), str(ROOT)))
    job = subprocess.Popen([sys.executable, "-c", program], env={**os.environ, "PYTHONPATH": path})
    try:
        deadline = time.monotonic() + 60
        workers = []
        while len(workers) < 2 and time.monotonic() < deadline:
            time.sleep(0.1)
            children = psutil.Process(job.pid).children()
            # Those that sleep have begun their item.
            workers = [
                w for w in children if "spawn_main" in str(w.cmdline()) and w.num_threads() > 1
            ]
        assert len(workers) == 2
    finally:
        job.kill()
        job.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert [process for process in alive if process.status() != psutil.STATUS_ZOMBIE] == []
