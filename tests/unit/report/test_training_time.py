"""Table of training times and those in the papers."""

import math

import pytest
import yaml
from deblend.report.training_time import training_time_table

from tests.conftest import ROOT

PUBLISHED = yaml.safe_load((ROOT / "config/published.yaml").read_text())["boucaud2020"]


def test_training_times_are_compared_with_the_papers():
    about = {"device": "cpu", "threads": 2, "backend": "tensorflow", "scale": "test"}
    timings = [
        ("boucaud2020", "blend2flux", about, {"seconds": 7200, "n_epochs": 70}),
        ("boucaud2020", "unet", about, {"seconds": 36, "n_epochs": 5}),
        ("boucaud2020", "blend2mask2flux", about, {"seconds": 3600, "n_epochs": 5}),
        *(("farrens2022", "blendhunter", about, {"seconds": s, "n_epochs": s}) for s in (36, 108)),
    ]
    table = training_time_table(timings, {"boucaud2020": PUBLISHED["training"]})
    table = table.set_index("network")
    assert list(table["hours"]) == pytest.approx([2, 0.01, 1.01, 0.02])
    assert table.loc["blend2flux", "published_hours"] == 5
    assert math.isnan(table.loc["unet", "published_hours"])
    assert table.loc["blendhunter", "n_networks"] == 2
    assert table.loc["blendhunter", "n_epochs"] == 72
