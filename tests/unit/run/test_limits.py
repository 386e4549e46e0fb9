"""Time and memory that jobs ask for."""

import pytest
from deblend.run.limits import (
    LEAST_MB,
    LEAST_MINUTES,
    TIMES_CPU,
    TIMES_GPU,
    TIMES_MEMORY,
    limit_mb,
    limit_minutes,
    more,
    read_rates,
    slowest,
    write_rates,
)
from deblend.run.plan import Rate, measured

from tests.conftest import ROOT

CONFIG = {
    "datasets": {"deep": {"stamp_size": 10}},
    "boucaud2020": {"blending": {"n_blends": {"test": 1000}}},
}
#: Work of the step: pixels.
AMOUNT = 1000 * 100


def minutes(rates, stated=77, threads=2, on_gpu=False, step="sep/deep"):
    return limit_minutes(step, CONFIG, rates, stated, threads, on_gpu)


def test_time_is_what_was_measured_in_proportion_with_a_margin():
    rates = [Rate("sep", AMOUNT / 2, 5.0, False), Rate("sep", AMOUNT / 2, 0.5, True)]
    assert minutes(rates) == 60 * 2 * 5 * TIMES_CPU / 2
    assert minutes(rates, threads=10) == 60 * 2 * 5 * TIMES_CPU / 10
    # A GPU's hours do not depend on the number of cores.
    assert minutes(rates, on_gpu=True, threads=10) == 60 * 2 * 0.5 * TIMES_GPU


def test_short_jobs_have_time_for_their_start():
    assert minutes([Rate("sep", AMOUNT, 1e-4, False)]) == LEAST_MINUTES


def test_times_are_round():
    assert minutes([Rate("sep", AMOUNT, 1.2345, False)], threads=1) == 230


@pytest.mark.parametrize(
    "rates", [[], [Rate("clean", AMOUNT, 5.0, False)], [Rate("sep", AMOUNT, 5.0, True)]]
)
def test_what_was_not_measured_on_such_a_device_has_the_stated_time(rates):
    assert minutes(rates) == 77
    assert minutes(rates, step="another/deep") == 77
    assert limit_mb("sep/deep", CONFIG, rates, 1234, False) == 1234


def test_memory_is_what_was_measured_with_a_margin():
    rates = [
        Rate("sep", AMOUNT, 1, False, 3000.0),
        Rate("sep", AMOUNT * 10, 1, False, 4000.0),
        Rate("sep", AMOUNT / 10, 1, False, 9000.0),  # of another size
        Rate("sep", AMOUNT, 1, True, 8000.0),
    ]
    assert limit_mb("sep/deep", CONFIG, rates, 1234, False) == 4000 * TIMES_MEMORY
    # A tenth of the work does not tell what all of it needs, but not less.
    assert limit_mb("sep/deep", CONFIG, rates[2:3], 12345, False) == 12345
    assert limit_mb("sep/deep", CONFIG, rates[2:3], 1234, False) == 9000
    small = [Rate("sep", AMOUNT, 1, False, 10.0)]
    assert limit_mb("sep/deep", CONFIG, small, 1234, False) == LEAST_MB


def test_each_attempt_asks_for_twice_as_much():
    assert [more(30, attempt) for attempt in (1, 2, 3)] == [30, 60, 120]


def test_of_the_same_work_the_slowest_counts():
    rates = [
        Rate("sep", 10.0, 1.0, False, 5.0),
        Rate("sep", 10.0, 0.5, False, 7.0),
        Rate("sep", 10.0, 0.1, True, 1.0),
        Rate("clean", 10.0, 0.2, False, 2.0),
    ]
    assert slowest(rates) == [rates[3], Rate("sep", 10.0, 1.0, False, 7.0), rates[2]]


def test_rates_are_written_and_read(tmp_path):
    rates = [Rate("train unet", 1e15, 0.1234, True, 5.5), Rate("sep", 10.0, 1.0, False)]
    write_rates(tmp_path / "rates.csv", rates)
    assert read_rates(tmp_path / "rates.csv") == rates


def test_the_file_of_rates_is_that_of_the_evidence():
    """If not: python tools/measured_rates.py."""
    assert read_rates(ROOT / "config/rates.csv") == slowest(measured(ROOT / "evidence"))
