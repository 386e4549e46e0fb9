"""Comparison of a run with the evidence: tools/check_evidence.py."""

import importlib.util
import json
import sys

import numpy as np
import pandas as pd
import pytest

from tests.conftest import ROOT


def load(name):
    spec = importlib.util.spec_from_file_location(name, ROOT / f"tools/{name}.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


load("collect_evidence")
load("paper_scale")
TOOL = load("check_evidence")

HISTORY = pd.DataFrame({"epoch": [1, 2, 3], "loss": [0.5, 0.25, 0.125], "seconds": [9, 9, 9]})
NUMBERS = pd.DataFrame({"method": ["sep", "net"], "sigma": [0.5, 0.2], "n": [10, np.nan]})


@pytest.fixture
def folders(tmp_path):
    """Evidence of Farrens et al. and a finished run with the same numbers."""
    evidence, results = tmp_path / "evidence", tmp_path / "results"
    network = "blendhunter/sigma5_0"
    for folder in (evidence, results / "networks"):
        kept = folder / "networks" if folder == evidence else folder
        (kept / network).mkdir(parents=True)
        HISTORY.to_csv(kept / network / "history.csv", index=False)
    (evidence / "run.json").write_text(json.dumps({"paper": "farrens2022"}))
    NUMBERS.to_csv(evidence / "fig4.csv", index=False)
    (results / "figures/farrens2022").mkdir(parents=True)
    NUMBERS.to_csv(results / "figures/farrens2022/fig4.csv", index=False)
    return evidence, results


def differences(folders):
    return dict(TOOL.check(*folders)[["table", "differs"]].to_numpy())


def test_the_same_numbers_do_not_differ(folders, capsys):
    assert differences(folders) == {"fig4.csv": "", "networks/blendhunter/sigma5_0/history.csv": ""}
    assert TOOL.main([str(folder) for folder in folders]) == 0
    assert "2 of 2 tables have the numbers of the evidence" in capsys.readouterr().out


def test_the_largest_difference_is_named(folders):
    changed = NUMBERS.assign(sigma=[0.5, 0.25])
    changed.to_csv(folders[1] / "figures/farrens2022/fig4.csv", index=False)
    assert differences(folders)["fig4.csv"] == "sigma: by 20 %"
    assert TOOL.main([str(folder) for folder in folders]) == 1


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (NUMBERS.assign(n=[10, 1]), "n: numbers are missing"),
        (NUMBERS.assign(method=["sep", "other"]), "method: other words"),
        (NUMBERS.head(1), "1 rows instead of 2"),
        (NUMBERS.rename(columns={"n": "m"}), "other columns: m, n"),
    ],
)
def test_other_differences_are_said(folders, changed, said):
    changed.to_csv(folders[1] / "figures/farrens2022/fig4.csv", index=False)
    assert differences(folders)["fig4.csv"] == said


def test_times_are_not_compared(folders):
    name = "networks/blendhunter/sigma5_0/history.csv"
    HISTORY.assign(seconds=1).to_csv(folders[1] / name, index=False)
    assert differences(folders)[name] == ""


@pytest.mark.parametrize(("loss", "said"), [(0.25, ""), (0.3, "loss: by 17 %")])
def test_a_training_that_goes_on_is_compared_with_the_first_rows(folders, loss, said):
    evidence, results = folders
    (results / "networks/blendhunter/sigma5_0/history.csv").unlink()
    rows = HISTORY.head(2).assign(loss=[0.5, loss]).to_dict("records")
    state = {"record": {"history": rows, "seconds": 18.0}}
    (results / "checkpoints").mkdir()
    np.savez(results / "checkpoints/blendhunter-sigma5_0.npz", state=json.dumps(state))
    table = TOOL.check(evidence, results).set_index("table")
    assert table.loc["networks/blendhunter/sigma5_0/history.csv"].tolist() == [2, said]


def test_a_run_without_any_of_the_tables_is_no_agreement(folders, tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    assert TOOL.main([str(folders[0]), str(tmp_path / "empty")]) == 2
    assert "has none of the tables" in capsys.readouterr().err


def test_a_folder_that_is_no_evidence_is_named(tmp_path, capsys):
    with pytest.raises(SystemExit):
        TOOL.main([str(tmp_path), str(tmp_path)])
    assert "has no run.json: give a folder evidence/PAPER/NAME" in capsys.readouterr().err
