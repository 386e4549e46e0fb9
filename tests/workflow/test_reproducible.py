"""The same bytes from another clone, with other cores, and after a kill."""

import json
from pathlib import Path

import pytest
import yaml

from tests.run import (
    ONE_NETWORK,
    TOY,
    assert_same_weights,
    kill_training,
    without_joint_network,
)

#: Written anew in every run: when things happened and how long they took.
VOLATILE = {"logs", "benchmarks"}


#: What the second run makes: on PyTorch a whole paper, on Keras Figure 5. All four would take long.
PAPERS = ["reiman2019"]
KERAS = [
    "figures/fig5.pdf",
    "networks/blend2flux/history.csv",
]
#: Of all papers and networks that ran.
JOINED = {"tables/reproduction.csv", "tables/claims.csv", "provenance.json"}
JOINED |= {"boucaud2020/output_catalog.csv", "figures/fig5.csv", "figures/fig5_points.csv"}
JOINED |= {"figures/fig5.pdf", "figures/fig5.png"}


@pytest.fixture(scope="module")
def other(tmp_path_factory, module_project):
    """The toy run of a copy elsewhere, on one core, its training killed once."""
    folder = tmp_path_factory.mktemp("elsewhere") / "deeper"
    folder.mkdir()
    results = folder / "results/toy"
    log = results / "logs/train/blend2flux.log"
    overlay = folder / "one_network.yaml"
    overlay.write_text(yaml.safe_dump(ONE_NETWORK))
    arguments = [*({2: 1}.get(a, a) for a in TOY), overlay]
    assert arguments[:2] == ["--cores", 1]
    targets = ["all", *(f"results/toy/{name}" for name in KERAS)]
    arguments = [*targets, *arguments, "--config", f"papers={json.dumps(PAPERS)}"]
    kill_training(*arguments, directory=folder, project=module_project, log=log, line="epoch 7/15:")
    assert "resuming after epoch" in log.read_text()
    return results


def test_every_file_is_the_same(toy, other):
    def files(folder):
        found = (p.relative_to(folder) for p in folder.rglob("*") if p.is_file())
        return sorted(p for p in found if p.parts[0] not in VOLATILE)

    names = files(other)
    assert set(names) <= set(files(toy))
    assert set(map(Path, KERAS)) <= set(names)
    for paper in PAPERS:
        assert any(paper in name.parts for name in names)
    assert len(names) > 60
    weights = [name for name in names if name.name.endswith(".weights.h5")]
    for name in weights:
        assert_same_weights(toy / name, other / name)
    different = [
        str(name)
        for name in names
        if name not in weights
        and str(name) not in JOINED
        and (toy / name).read_bytes() != (other / name).read_bytes()
    ]
    assert not different
    first, second = (without_joint_network(folder / "figures/fig5.csv") for folder in (toy, other))
    assert len(first) == 5 and first == second


def test_provenance_says_what_ran(toy, other):
    first, second = (json.loads((f / "provenance.json").read_text()) for f in (toy, other))
    expected = first["config"] | {"papers": PAPERS}
    expected["boucaud2020"] |= ONE_NETWORK["boucaud2020"]
    assert expected == second["config"]
    assert first["config"]["scale"] == "toy"
    assert first["seed"] == first["config"]["seed"]
    assert first["packages"] == second["packages"]
    assert {"numpy", "galsim", "keras"} <= first["packages"].keys()
    network = first["networks"]["blend2flux"]
    assert network["backend"] in ("tensorflow", "torch", "jax")
    assert network["device"] in ("cpu", "gpu")
    # The copy is no checkout, which is said rather than guessed.
    assert second["git"] == {"commit": None, "modified": None}
    assert str(toy) not in (toy / "provenance.json").read_text()
