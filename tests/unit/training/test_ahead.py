"""Batches that are made while the one before is used."""

import threading

import pytest
from deblend.training.ahead import made_ahead


def test_all_are_made_once_and_in_order():
    made = []

    def make(number):
        made.append(number)
        return number**2

    assert list(made_ahead(make, 5)) == [0, 1, 4, 9, 16]
    assert made == [0, 1, 2, 3, 4]
    assert list(made_ahead(make, 0)) == []


def test_the_next_is_made_while_one_is_used():
    begun = [threading.Event() for _ in range(3)]
    for number in made_ahead(lambda n: begun[n].set() or n, 3):
        if number < 2:
            assert begun[number + 1].wait(timeout=30)


def test_an_error_comes_from_its_own_number():
    def make(number):
        if number == 1:
            raise ValueError("number 1")
        return number

    batches = made_ahead(make, 3)
    assert next(batches) == 0
    with pytest.raises(ValueError, match="number 1"):
        next(batches)
