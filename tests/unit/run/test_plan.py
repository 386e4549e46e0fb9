"""What a run needs, from measured rates."""

import json

import pytest
import yaml
from deblend.run.disk import Size
from deblend.run.plan import Job, Rate, larger, measured, plan_table, work

CONFIG = {
    "datasets": {"deep_field": {"chunk_size": 10, "stamp_size": 64}},
    "networks": {
        "net": {
            "architecture": "blend2flux",
            "dataset": "deep_field",
            "epochs": 4,
            "steps_per_epoch": None,
            "n_train_blends": 100,
            "batch_size": 10,
            "filters": 8,
        },
    },
    "boucaud2020": {"blending": {"n_blends": {"validation": 3, "test": 20}}},
}
PIXELS = 64**2


@pytest.mark.parametrize(
    ("step", "kind", "amount"),
    [
        ("clean/deep_field_12", "clean", 10 * PIXELS),
        ("sep/deep_field", "sep", 20 * PIXELS),
        ("predict/net_deep_field", "predict blend2flux", 20 * PIXELS),
        ("train/net", "train blend2flux", 4 * 100 * PIXELS * 8**2),
    ],
)
def test_work_is_what_there_is_to_do(step, kind, amount):
    assert work(step, CONFIG) == (kind, amount)


@pytest.mark.parametrize("step", ["", "clean/another_0", "train/another", "draw/deep_field"])
def test_work_that_the_configuration_does_not_know(step):
    assert work(step, CONFIG) is None


def test_hours_are_those_that_were_measured_in_proportion():
    rates = [
        Rate("sep", 10 * PIXELS, 2.0, False, memory_mb=5000),
        Rate("sep", 1000 * PIXELS, 1.0, False),  # further away
        Rate("train blend2flux", 4 * 100 * PIXELS * 8**2, 3.0, True),
        Rate("train blend2flux", 4 * 100 * PIXELS * 8**2, 50.0, False),
    ]
    jobs = [
        Job("boucaud2020", "sep/deep_field", 1000, 1.0),
        Job("boucaud2020", "train/net", 2000, 8.0, on_gpu=True),
        Job("boucaud2020", "clean/deep_field_0", 1000, 0.5),
        Job("boucaud2020", "", 1000, 1.0),
        Job("report", "", 1000, 1.0),
    ]
    row, other = plan_table(jobs, CONFIG, rates)
    assert row == {
        **{"paper": "boucaud2020", "jobs": 4, "core_hours": 4.0, "gpu_hours": 3.0},
        **{"not_measured": 1, "limit_hours": 0.5, "memory_gb": 5.0},
        **{"disk_gb": 0, "unknown_files": 0},
    }
    assert (other["paper"], other["jobs"], other["core_hours"]) == ("report", 1, 0)
    # Ten times as many: chunks, test blends and training blends.
    row = plan_table(jobs, CONFIG, rates, 10)[0]
    assert (row["jobs"], row["not_measured"]) == (13, 10)
    assert row["gpu_hours"] == pytest.approx(30)
    # 200 blends are nearer to the second measurement.
    assert row["core_hours"] == pytest.approx(0.2)


def test_a_training_without_a_measured_gpu_is_one_on_cores():
    rates = [Rate("train blend2flux", 4 * 100 * PIXELS * 8**2, 50.0, False)]
    (row,) = plan_table([Job("a", "train/net", 0, 8.0, on_gpu=True)], CONFIG, rates)
    assert (row["core_hours"], row["gpu_hours"]) == (50, 0)


def test_disk_is_that_of_the_files_that_stay():
    sizes = [Size("masks", 20 * PIXELS, 500.0), Size("other files", 1.0, 100.0)]
    masks, table = "predictions/net/deep_field/masks.h5", "tables/table1.csv"
    jobs = [Job("a", "", 0, 0, outputs=(masks, table)), Job("a", "", 0, 0, outputs=(table,))]
    jobs.append(Job("b", "", 0, 0, outputs=("datasets/deep_field/stamps.h5",)))
    a, b = plan_table(jobs, CONFIG, [], sizes=sizes)
    assert (a["disk_gb"], a["unknown_files"]) == (pytest.approx(0.7), 0)
    # The data set has no number of galaxies.
    assert (b["disk_gb"], b["unknown_files"]) == (0, 1)
    assert plan_table(jobs, CONFIG, [], 10, sizes)[0]["disk_gb"] == pytest.approx(5.2)


def test_a_larger_configuration_has_chunks_of_the_same_size():
    found = larger(CONFIG, 10)
    assert found["datasets"] == CONFIG["datasets"]
    assert found["boucaud2020"]["blending"]["n_blends"] == {"validation": 30, "test": 200}
    assert found["networks"]["net"]["n_train_blends"] == 1000
    assert found["networks"]["net"]["steps_per_epoch"] is None


def test_rates_are_read_from_the_evidence(tmp_path):
    folder = tmp_path / "boucaud2020/small"
    folder.mkdir(parents=True)
    record = {"networks": {"net": {"device": "NVIDIA H200", "threads": 4}}}
    (folder / "run.json").write_text(json.dumps(record))
    (folder / "configuration.yaml").write_text(yaml.safe_dump(CONFIG))
    jobs = {"sep/deep_field": (0.5, 700.0), "train/net": (0.25, 900.0), "other/x": (1.0, 1.0)}
    lines = [f"{job},{hours},{memory}" for job, (hours, memory) in jobs.items()]
    (folder / "jobs.csv").write_text("\n".join(["job,hours,max_memory_mb", *lines]))
    assert measured(tmp_path) == [
        Rate("sep", 20 * PIXELS, 1.0, False, 700.0),  # on two cores
        Rate("train blend2flux", 4 * 100 * PIXELS * 8**2, 0.25, True, 900.0),
    ]
