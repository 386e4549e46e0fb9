"""Worker processes that share a job's items."""

import os

import pytest
from deblend.errors import DeblendError
from deblend.workers import in_order

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
