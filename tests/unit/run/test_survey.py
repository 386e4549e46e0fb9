"""What a survey needs, from measured times of a blend."""

import math

import pytest
from deblend.run.disk import Size
from deblend.run.plan import Rate
from deblend.run.survey import stamps_tb, survey_table

BENCHMARK = [
    {"set": "simulated", "method": "sep_auto", "seconds_per_blend": "0.009"},
    {"set": "simulated", "method": "joint_text", "seconds_per_blend": "0.0036"},
    {"set": "simulated", "method": "blendhunter", "seconds_per_blend": ""},
    {"set": "isolated", "method": "sep_auto", "seconds_per_blend": "1"},
]
SIZES = [
    Size("tables of blends", 100, 0.05),
    Size("tables of blends", 1000, 0.4),
    Size("masks", 64**2 * 10, 0.01),
]
RATES = [
    Rate("label stamps", 10, 9.0, False),
    Rate("label stamps", 1000, 0.02, False),
    Rate("detect", 1000, 0.03, True),
]


def test_a_survey_takes_the_time_of_a_blend_for_each():
    table = {row["method"]: row for row in survey_table(BENCHMARK, RATES, SIZES)}
    # 0.009 s on two cores, and 400 bytes.
    assert table["sep_auto"]["core_hours"] == pytest.approx(1e9 * 0.009 * 2 / 3600)
    assert table["sep_auto"]["disk_tb"] == pytest.approx(0.4)
    assert math.isnan(table["sep_auto"]["gpu_hours"])
    assert table["joint_text"]["disk_tb"] == pytest.approx(0.4 + 1.0)
    assert "blendhunter" not in table
    hunter = table["BlendHunter (all heads of a run)"]
    assert hunter["core_hours"] == pytest.approx(1e9 * 0.02 / 1000)
    # What nobody has measured is not zero.
    peaks = table["super-resolution and its peaks"]
    assert peaks["gpu_hours"] == pytest.approx(3e4)
    assert math.isnan(peaks["core_hours"]) and math.isnan(peaks["disk_tb"])
    assert math.isnan(table["branched GAN, 8 orientations"]["core_hours"])


def test_work_is_in_the_units_of_the_rate():
    rates = [Rate("predict", 800, 0.4, False)]
    table = {row["method"]: row for row in survey_table([], rates, SIZES, 1000)}
    assert table["branched GAN, 8 orientations"]["core_hours"] == pytest.approx(1000 / 100 * 0.4)


def test_room_of_the_stamps():
    assert stamps_tb(1e9) == pytest.approx(16.384)
