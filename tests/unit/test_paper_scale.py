"""Trainings at paper scale for a limited time: tools/paper_scale.py."""

import argparse
import importlib.util
import json
import re
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import psutil
import pytest
import yaml

from tests.rules import declared
from tests.run import ROOT, SMALLEST

SPEC = importlib.util.spec_from_file_location("paper_scale", ROOT / "tools/paper_scale.py")
tool = importlib.util.module_from_spec(SPEC)
sys.modules["paper_scale"] = tool  # dataclasses look their module up
SPEC.loader.exec_module(tool)

FIRST = tool.Training("boucaud2020", "blend2flux", 3)
HEAD = tool.Training("farrens2022", "blendhunter/sigma15_0")
GAN = tool.Training("reiman2019", "deblender_gan", 4)
TRAININGS = (FIRST, HEAD, GAN)


@pytest.mark.parametrize(("text", "expected"), [("25m", 1500), ("1.5h", 5400), ("0m", 0)])
def test_times(text, expected):
    assert tool.seconds(text) == expected


@pytest.mark.parametrize("text", ["25", "m", "-1m", "25 m", "nan"])
def test_what_is_no_time(text):
    with pytest.raises(argparse.ArgumentTypeError, match="is no time: write 25m"):
        tool.seconds(text)


def test_each_training_has_its_share_of_what_is_left():
    assert tool.time_of(TRAININGS, 80) == 30
    # The first has taken less.
    assert tool.time_of(TRAININGS[1:], 75) == 15
    assert tool.time_of(TRAININGS[2:], 60) == 60


def test_all_papers_come_before_a_second_network_of_any():
    papers = [training.paper for training in tool.ORDER]
    assert len(set(papers[:4])) == 4
    assert len({training.network for training in tool.ORDER}) == len(papers)


def save_checkpoint(results, name, rows):
    """A checkpoint as Keras' trainings write it, of 100 seconds."""
    path = results / "checkpoints" / f"{name}.npz"
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"record": {"history": rows, "seconds": 100.0}})
    np.savez(path, allow_pickle=False, state=np.array(text), variable0=np.zeros(3))


def test_learning_curves_are_kept_from_checkpoints_and_finished_trainings(tmp_path):
    torch = pytest.importorskip("torch", reason="PyTorch is not installed: make env")
    results, evidence = tmp_path / "results", tmp_path / "evidence"
    save_checkpoint(results, "blendhunter-sigma15_0", [{"epoch": 1, "val_loss": 0.25}])
    record = {"history": [{"iteration": 5, "psnr": 20.0, "note": None}], "seconds": 36.0}
    text = json.dumps({"record": record})
    torch.save({"record": text}, results / "checkpoints/deblender_gan.pt")
    states = [row["state"] for row in tool.flush(evidence, results, TRAININGS)]
    assert states == ["not begun", "begun", "begun"]
    table = pd.read_csv(evidence / "progress.csv", index_col="network")
    assert table.loc["deblender_gan", ["done", "hours", "last_row"]].tolist() == [
        5,
        0.01,
        "iteration=5 psnr=20",
    ]
    folder = evidence / "farrens2022/budget/networks/blendhunter/sigma15_0"
    assert pd.read_csv(folder / "history.csv").val_loss.tolist() == [0.25]
    # Later, with more epochs.
    save_checkpoint(results, "blendhunter-sigma15_0", [{"epoch": i, "val_loss": 0} for i in (1, 2)])
    assert tool.flush(evidence, results, TRAININGS)[1]["done"] == 2
    # And when it is finished.
    network = results / "networks/blendhunter/sigma15_0"
    network.mkdir(parents=True)
    (network / "history.csv").write_text("epoch,val_loss\n1,0.5\n2,0.25\n3,0.125\n")
    (network / "network.json").write_text("{}")
    (network / "head.weights.h5").touch()
    timing = results / "benchmarks/training/blendhunter/sigma15_0.json"
    timing.parent.mkdir(parents=True)
    timing.write_text(json.dumps({"seconds": 7200.0}))
    # The checkpoint goes last.
    assert tool.flush(evidence, results, TRAININGS)[1]["state"] == "begun"
    (results / "checkpoints/blendhunter-sigma15_0.npz").unlink()
    row = tool.flush(evidence, results, TRAININGS)[1]
    assert (row["state"], row["done"], row["hours"]) == ("finished", 3, 2.0)
    assert (folder / "network.json").read_text() == "{}"


@pytest.mark.parametrize("there", [True, False], ids=["with a checkpoint", "without"])
def test_a_training_without_weights_is_not_finished(tmp_path, there):
    """It was killed between its outputs."""
    network = tmp_path / "results/networks/blend2flux"
    network.mkdir(parents=True)
    (network / "history.csv").write_text("epoch,val_loss\n1,0.5\n2,0.25\n")
    timing = tmp_path / "results/benchmarks/training/blend2flux.json"
    timing.parent.mkdir(parents=True)
    timing.write_text(json.dumps({"seconds": 7200.0}))
    if there:
        save_checkpoint(tmp_path / "results", "blend2flux", [{"epoch": 1}, {"epoch": 2}])
    row = tool.flush(tmp_path / "evidence", tmp_path / "results", [FIRST])[0]
    assert (row["state"], row["done"]) == (("begun", 2) if there else ("not begun", 0))


def test_weights_have_the_names_that_the_rules_give_them():
    rules = declared()["rules"]
    for training in tool.ORDER:
        for path in training.outputs("results"):
            made = rules[f"{training.paper}_train"]["made"]
            assert any(re.fullmatch(pattern, str(path)) for pattern in made), path


@pytest.mark.parametrize("name", ["blend2flux.npz", "deblender_gan.pt"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 and no more", b"\x80\x02}q\x00."])
def test_a_broken_checkpoint_is_named_and_ends_nothing(tmp_path, capsys, name, content):
    pytest.importorskip("torch", reason="PyTorch is not installed: make env")
    results, evidence = tmp_path / "results", tmp_path / "evidence"
    save_checkpoint(results, "blendhunter-sigma15_0", [{"epoch": 1, "val_loss": 0.25}])
    (results / "checkpoints" / name).write_bytes(content)
    for _ in range(2):
        states = [row["state"] for row in tool.flush(evidence, results, TRAININGS)]
        assert states == ["not begun", "begun", "not begun"]
    # Once, though it is looked at every few seconds.
    assert capsys.readouterr().err.count(f"{name} cannot be read") == 1


def test_a_checkpoint_that_goes_while_it_is_read_is_that_of_a_finished_training(
    tmp_path, monkeypatch
):
    results = tmp_path / "results"
    save_checkpoint(results, "blend2flux", [{"epoch": 1}])
    network = results / "networks/blend2flux"
    network.mkdir(parents=True)
    (network / "network.weights.h5").touch()
    (network / "history.csv").write_text("epoch,val_loss\n1,0.5\n2,0.25\n")
    timing = results / "benchmarks/training/blend2flux.json"
    timing.parent.mkdir(parents=True)
    timing.write_text(json.dumps({"seconds": 7200.0}))
    read = tool.read_checkpoint

    def remove_and_read(path, written):
        path.unlink()
        return read(path, written)

    monkeypatch.setattr(tool, "read_checkpoint", remove_and_read)
    row = tool.flush(tmp_path / "evidence", results, [FIRST])[0]
    assert (row["state"], row["done"], row["hours"]) == ("finished", 2, 2.0)


def test_a_look_that_fails_does_not_end_the_training(tmp_path, capsys):
    def look():
        raise OSError("no space left")

    program = (
        f"import time, pathlib; time.sleep(2); pathlib.Path({str(tmp_path / 'end')!r}).touch()"
    )
    assert tool.run_for([sys.executable, "-c", program], 99, look, 0.2) == 0
    assert (tmp_path / "end").exists()
    assert "no space left" in capsys.readouterr().err


def test_a_command_that_takes_too_long_is_killed_with_what_it_started(tmp_path):
    child = f"import time, pathlib; pathlib.Path({str(tmp_path / 'on')!r}).touch(); time.sleep(99)"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    looks = []
    begun = time.monotonic()
    status = tool.run_for([sys.executable, "-c", parent], 8, lambda: looks.append(1), 0.5)
    assert status is None
    assert time.monotonic() - begun < 60
    assert len(looks) > 2
    assert (tmp_path / "on").exists()
    for process in psutil.process_iter(["cmdline"]):
        assert str(tmp_path / "on") not in " ".join(process.info["cmdline"] or [])


def test_the_status_of_a_command_is_that_it_ends_with():
    assert tool.run_for([sys.executable, "-c", "raise SystemExit(3)"], 99, lambda: None, 0.1) == 3


@pytest.mark.full
def test_two_steps_of_each_paper(tmp_path):
    """Data, trainings and learning curves of one network of each paper, on a CPU."""
    networks = ["blend2flux", "blendhunter/sigma15_0", "sr", "deblender_gan"]
    overlay = dict(SMALLEST) | {"pathvars": {"results": str(tmp_path / "results")}}
    small = {"epochs": 2, "steps_per_epoch": 1}
    overlay["networks"] = SMALLEST["networks"] | {"blend2flux": {"filters": 4, **small}}
    overlay["farrens2022"] = SMALLEST["farrens2022"] | {"network": {"epochs": 2}}
    gan = {"burn_in_iterations": 1, "iterations": 1, "adversarial_start": 0, "trace_interval": 1}
    overlay["reiman2019"] = SMALLEST["reiman2019"] | {"network": gan}
    overlay["hemmati2022"] = SMALLEST["hemmati2022"] | {"network": small}
    (tmp_path / "overlay.yaml").write_text(yaml.safe_dump(overlay))
    command = [sys.executable, ROOT / "tools/paper_scale.py", "60m", "--cores", "2"]
    command += ["--configfile", "config/toy.yaml", tmp_path / "overlay.yaml"]
    command += ["--evidence", tmp_path / "evidence", "--networks", *networks]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    table = pd.read_csv(tmp_path / "evidence/progress.csv")
    assert table.network.tolist() == networks
    assert set(table.state) == {"finished"}
    assert (table.done == 2).all()
    for row in table.itertuples():
        folder = tmp_path / "evidence" / row.paper / "budget/networks" / row.network
        assert len(pd.read_csv(folder / "history.csv")) >= 1
