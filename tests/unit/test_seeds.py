"""Random numbers of an item."""

import subprocess
import sys

import numpy as np
from deblend.seeds import generator, uniform
from scipy import stats

from tests.conftest import ROOT


def test_draws_depend_on_the_item_only():
    first = [generator(1, "noise", "set", i).normal(size=3) for i in range(4)]
    last = [generator(1, "noise", "set", i).normal(size=3) for i in reversed(range(4))]
    np.testing.assert_array_equal(first, last[::-1])


def test_another_process_draws_the_same():
    code = (
        "from deblend.seeds import generator, uniform\n"
        "print(generator(1, 'noise', 'set', 3).random(), uniform(1, 'split', 'g3'))"
    )
    env = {"PYTHONPATH": str(ROOT / "src"), "PYTHONHASHSEED": "1"}
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, env=env, check=True)
    here = generator(1, "noise", "set", 3).random(), uniform(1, "split", "g3")
    assert tuple(map(float, done.stdout.split())) == here


def test_seed_purpose_and_item_all_count():
    """The texts of two items may not run together, such as "ab", "c" and "a", "bc"."""
    items = [
        *[(1, "noise", "set", 1), (2, "noise", "set", 1), (1, "shape", "set", 1)],
        *[(1, "noise", "set", 2), (1, "noise", "set"), (1, "noise", "se", "t1")],
        *[(1, "noise", "set1"), (1, "noises", "et", 1), (1, "noise", "set", 1, 1), (11, "noise")],
    ]
    draws = {generator(*item).random() for item in items} | {uniform(*item) for item in items}
    assert len(draws) == 2 * len(items)


def test_draws_of_different_items_are_independent():
    draws = np.array([generator(1, "noise", i).normal(size=2) for i in range(2000)])
    assert stats.kstest(draws.ravel(), "norm").pvalue > 0.01
    shifted = np.array([generator(1, "shift", i).normal() for i in range(2000)])
    for first, second in (
        (draws[:, 0], draws[:, 1]),
        (draws[:-1, 0], draws[1:, 0]),
        (draws[:, 0], shifted),
    ):
        # The correlation of 2000 independent pairs has a standard deviation of 0.022.
        assert abs(np.corrcoef(first, second)[0, 1]) < 0.08


def test_numbers_of_items_are_uniform():
    numbers = np.array([uniform(1, "split", i) for i in range(2000)])
    assert numbers.min() >= 0
    assert numbers.max() < 1
    assert stats.kstest(numbers, "uniform").pvalue > 0.01
    assert abs(np.corrcoef(numbers[:-1], numbers[1:])[0, 1]) < 0.08
