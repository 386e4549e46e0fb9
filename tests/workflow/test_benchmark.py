"""The benchmark with a method of one's own, from the simulation to the page."""

import json
import re

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.truth import read_truth

from tests.run import ROOT, snakemake
from tests.workflow.conftest import TINY

# Methods of the shipped configuration that are left out here.
SHIPPED = ("sep_iso", "sep_auto", "forced_sep", "scarlet2", "blend2flux", "blend2mask2flux")
SHIPPED += ("joint_text", "separator", "super_resolution", "blendhunter", "blend2posterior")

METHODS = ("sep_default", "photutils", "forced_true", "circle")


def documented(language, name):
    """The block of code in docs/extend.md that begins with a comment with the name of a file."""
    text = (ROOT / "docs" / "extend.md").read_text()
    blocks = re.findall(rf"```{language}\n(# {re.escape(name)}.*?)```", text, re.DOTALL)
    assert len(blocks) == 1
    return blocks[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark")
    (path / "my_method.py").write_text(documented("python", "my_method.py"))
    (path / "my_benchmark.yaml").write_text(documented("yaml", "my_benchmark.yaml"))
    benchmark = {
        "n_galaxies": 40,
        "n_outside": 6,
        "sets": ["simulated", "one"],
        # The fit takes seconds a blend.
        "methods": {**dict.fromkeys(SHIPPED), "forced_true": {"subset": 8}},
        "bootstrap_resamples": 20,
    }
    (path / "config.yaml").write_text(json.dumps({**TINY, "benchmark": benchmark}))
    run(path)
    return path


def run(folder, *arguments):
    files = ("--configfile", "config.yaml", "my_benchmark.yaml")
    return snakemake("benchmark", "--cores", 1, *files, *arguments, directory=folder)


@pytest.fixture(scope="module")
def table(folder):
    return pd.read_csv(folder / "results/benchmark/table.csv").set_index(["set", "method"])


def test_all_methods_have_measured_all_sets(table):
    assert set(table.index) == {(s, m) for s in ("simulated", "one") for m in METHODS}
    assert table["note"].isna().all()
    positions = dict.fromkeys(METHODS, "detected") | {"forced_true": "true"}
    assert table.loc["simulated", "positions"].to_dict() == positions
    assert (table["n_blends"] >= 5).all()


def test_a_fit_at_the_true_positions_is_better_than_sep(folder, table):
    simulated = table.loc["simulated"]
    assert simulated.loc["forced_true", "nmad_mag"] < simulated.loc["sep_default", "nmad_mag"]
    assert abs(simulated.loc["forced_true", "bias_mag"]) < 0.1
    paired = pd.read_csv(folder / "results/benchmark/paired.csv")
    paired = paired[paired["set"] == "simulated"].set_index(["first", "second"])
    # The order of the methods is that of the configuration.
    assert paired.loc[("sep_default", "forced_true"), "ratio"] > 1


def test_what_a_method_does_not_say_is_empty(table):
    simulated = table.loc["simulated"]
    assert simulated["completeness"].isna().to_dict() == {
        **dict.fromkeys(METHODS, False),
        "forced_true": True,
    }
    assert simulated["iou"].notna().tolist() == [m in METHODS[:2] for m in simulated.index]
    assert 0.5 < simulated.loc["photutils", "completeness"] <= 1
    # A detector that divided single galaxies would call them blends.
    assert table.loc[("one", "sep_default"), "called_blend"] < 0.8


def test_a_method_of_ones_own_stands_beside_the_others(folder, table):
    own = table.loc[("simulated", "circle")]
    assert own["n_measured"] > 20
    # A circle of 5 pixels misses light.
    assert own["bias_mag"] > 0
    text = (folder / "results/benchmark/which.md").read_text()
    assert "| `simulated` | `" in text
    assert any(f"`{name}`" in text for name in METHODS)
    # It gets the true positions.
    assert "`forced_true`" not in text
    assert (folder / "results/benchmark/figure.png").stat().st_size > 10000
    assert r"circle" in (folder / "results/benchmark/table.tex").read_text()


def test_a_changed_method_alone_is_measured_again(folder):
    path = folder / "my_method.py"
    path.write_text(path.read_text().replace("radius_px=5.0", "radius_px=6.0"))
    planned = run(folder, "-n").text
    jobs = dict(re.findall(r"^(benchmark\w*) +(\d+)$", planned, re.MULTILINE))
    again = ("benchmark_measure", "benchmark_score", "benchmark_figure", "benchmark")
    assert jobs == dict.fromkeys(again, "1")
    assert re.search(r"^total +4$", planned, re.MULTILINE)


@pytest.mark.full
def test_blend2posterior_is_trained_calibrated_and_corrected(tmp_path):
    posterior = {"kind": "blend2posterior", "filters": 4, "blocks": 1, "iterations": 60}
    posterior |= {"batch_size": 16, "n_profiles": 50}
    benchmark = {
        "n_galaxies": 40,
        "n_outside": 6,
        "n_calibration": 128,
        "n_real_blends": 30,
        "sets": ["simulated"],
        "real": "simulated",
        "methods": {
            **dict.fromkeys((*SHIPPED, "sep_default", "photutils", "forced_true")),
            "blend2posterior": posterior,
            "corrected": {"kind": "recalibrated"},
        },
        "bootstrap_resamples": 20,
    }
    (tmp_path / "config.yaml").write_text(json.dumps({**TINY, "benchmark": benchmark}))
    snakemake("benchmark", "--cores", 1, "--configfile", "config.yaml", directory=tmp_path)
    results = tmp_path / "results/benchmark"
    table = pd.read_csv(results / "table.csv").set_index(["set", "method"])
    names = ("blend2posterior", "corrected")
    assert set(table.index) == {(s, m) for s in ("simulated", "real") for m in names}
    assert table["note"].isna().all()
    assert table["coverage_68"].between(0.05, 1).all()
    # Few iterations already tell bright galaxies from faint ones.
    measured = pd.read_csv(results / "measured/blend2posterior.csv").query("set == 'simulated'")
    truth = read_truth(results / "sets/simulated_truth.h5", pixels=False).galaxies
    both = measured.merge(truth, on=["scene", "galaxy"], suffixes=("", "_true"))
    assert both[["flux", "flux_true"]].corr(method="spearman").iloc[0, 1] > 0.5
    with (
        h5py.File(results / "networks/blend2posterior/calibration.h5") as one,
        h5py.File(results / "networks/corrected/calibration.h5") as other,
    ):
        assert {key for key in one if not np.array_equal(one[key], other[key])} == {"shape"}
