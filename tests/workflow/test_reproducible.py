"""The same bytes from another copy, with another number of cores, and after a kill."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from tests.run import SMALLEST, assert_same_weights, kill_training, snakemake

# Two runs of everything.
pytestmark = pytest.mark.full

#: Folders with times, which differ from run to run.
VOLATILE = {"logs", "benchmarks"}
#: Records with the commit: the copy is not a git checkout.
CIRCUMSTANCES = {"provenance.json", "circumstances.json"}
#: The claim about the time of training: the only verdict that a clock decides.
CLOCK_CLAIM = b"joint_time,"


@pytest.fixture(scope="module")
def overlay_of_smallest(tmp_path_factory):
    path = tmp_path_factory.mktemp("overlay") / "smallest.yaml"
    path.write_text(yaml.safe_dump(SMALLEST))
    return path


@pytest.fixture(scope="module")
def runs(overlay_of_smallest, tmp_path_factory, module_project):
    """Results of the smallest run of everything, twice, at the same time.

    The first is by this project on two cores. The second is by a copy elsewhere, on one core, and a
    training is killed once.
    """
    here = tmp_path_factory.mktemp("here")
    there = tmp_path_factory.mktemp("elsewhere") / "deeper"
    there.mkdir()
    options = ["--configfile", "{project}/config/toy.yaml", overlay_of_smallest]
    log = there / "results/toy/logs/train/blend2flux.log"
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(snakemake, "--cores", 2, *options, directory=here)
        arguments = ["--cores", 1, *options]
        line = "epoch 4/8:"
        kill_training(*arguments, directory=there, project=module_project, log=log, line=line)
        first.result()
    assert "resuming after epoch" in log.read_text()
    return here / "results/toy", there / "results/toy"


def compared(path):
    """What is compared of a file.

    Not the verdict on times in a table of claims, and not the commit in the description of a
    network: the copy is not a git checkout.
    """
    content = path.read_bytes()
    if path.name == "network.json":
        description = json.loads(content)
        assert "commit" in description
        return {key: value for key, value in description.items() if key != "commit"}
    if path.name != "claims.csv":
        return content
    lines = content.splitlines()
    kept = [line for line in lines if not line.startswith(CLOCK_CLAIM)]
    assert len(kept) >= len(lines) - 1
    return kept


def test_every_file_is_the_same(runs):
    first, other = runs

    def files(folder):
        found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        # The digests of files that are compared below are hidden.
        return sorted(p for p in found if p.parts[0] not in VOLATILE and p.name[0] != ".")

    names = files(other)
    assert names == files(first)
    assert len(names) > 200
    weights = [name for name in names if name.name.endswith(".weights.h5")]
    assert {"blend2flux", "unet", "blend2mask2flux"} <= {name.parts[1] for name in weights}
    for name in weights:
        assert_same_weights(first / name, other / name)
    different = [
        str(name)
        for name in names
        if name not in weights
        and name.name not in CIRCUMSTANCES
        and compared(first / name) != compared(other / name)
    ]
    assert not different


def test_the_run_is_recorded(runs):
    first, other = runs
    first_record, other_record = (
        json.loads((f / "provenance.json").read_text()) for f in (first, other)
    )
    assert first_record["config"] == other_record["config"]
    assert first_record["config"]["scale"] == "toy"
    assert first_record["seed"] == first_record["config"]["seed"]
    assert first_record["packages"] == other_record["packages"]
    assert {"numpy", "galsim", "keras"} <= first_record["packages"].keys()
    network = first_record["networks"]["blend2flux"]
    assert network["backend"] in ("tensorflow", "torch", "jax")
    assert network["device"] in ("cpu", "gpu")
    # The copy is not a git checkout, which is recorded.
    unknown = other_record["git"]
    assert (unknown["commit"], unknown["modified"]) == (None, None)
    assert "not a git checkout" in unknown["unknown_because"]
    assert str(first) not in (first / "provenance.json").read_text()
