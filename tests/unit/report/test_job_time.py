"""Time that the jobs of each paper took."""

import pytest
from deblend.report.job_time import job_time_table, job_time_text


@pytest.fixture
def folder(tmp_path):
    for name, seconds in {
        "train/unet": 30.5,
        "train/gan": 7,
        "predict/unet_simulated": 10,
        "predict/unet_candels": 0.5,
        "training/unet": 1000,
    }.items():
        path = tmp_path / f"{name}.tsv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(f"s\th:m:s\tmax_rss\n{seconds}\t0:00:01\t-\n")
    return tmp_path


def test_times_are_summed_by_paper(folder):
    patterns = {
        "a": ["train/unet", "predict/*", "predict/unet_*"],
        "b": ["train/gan"],
        "c": ["x/*"],
    }
    table = job_time_table(folder, patterns).set_index("paper")
    assert table["seconds"].to_dict() == {"a": 41, "b": 7, "c": 0}
    assert table["n_jobs"].to_dict() == {"a": 3, "b": 1, "c": 0}


@pytest.mark.parametrize(
    ("seconds", "expected"), [(30.4, "30 s"), (599, "599 s"), (660, "11 min"), (36000, "10.0 h")]
)
def test_durations_are_in_readable_units(folder, seconds, expected):
    table = job_time_table(folder, {"b": ["train/gan"]}).assign(seconds=seconds)
    *_, line = job_time_text(table, {"b": "Authors 2020"}).splitlines()
    assert line.split("  ")[1] == "Authors 2020"
    assert expected in line and "1 jobs" in line
