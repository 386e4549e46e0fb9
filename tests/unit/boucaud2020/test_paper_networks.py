"""Numbers of parameters, against the published ones."""

import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

import yaml
from deblend.boucaud2020.paper_networks import parameter_table

from tests.conftest import ROOT

NETWORKS = yaml.safe_load((ROOT / "config/config.yaml").read_text())["networks"]


def test_networks_that_differ_in_their_training_only_have_one_row():
    small = NETWORKS["blend2flux_64"]
    networks = {"a": small, "b": {**small, "learning_rate": 1.0}, "c": {**small, "filters": 32}}
    table = parameter_table(networks, 64)
    assert table[["architecture", "filters"]].to_numpy().tolist() == [
        ["blend2flux", 64],
        ["blend2flux", 32],
    ]
    assert table["n_parameters"].is_monotonic_decreasing


@pytest.mark.parametrize(("name", "million"), [("blend2flux_64", 1.6), ("blend2mask2flux", 18.5)])
def test_networks_of_the_paper_have_the_published_numbers(name, million):
    chosen = {key: NETWORKS[key] for key in ("unet", name)}
    table = parameter_table(chosen, 128).set_index("architecture")["n_parameters"]
    assert table[NETWORKS[name]["architecture"]] / 1e6 == pytest.approx(million, abs=0.051)
    assert table["unet"] < 18.5e6
