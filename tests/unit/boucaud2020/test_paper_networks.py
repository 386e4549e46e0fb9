"""Numbers of parameters, against the published ones."""

import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend

keras_backend.configure("tensorflow", 2, 0)

from deblend.boucaud2020.paper_networks import paper_options, parameter_table
from deblend.files import read_yaml

from tests.conftest import ROOT

PUBLISHED = read_yaml(ROOT / "config/published.yaml")["boucaud2020"]
SIZES = PUBLISHED["network_sizes"]


def test_networks_of_the_paper_have_the_published_numbers():
    # The network of 512 filters has 100 million: its count follows from the same layers.
    sizes = SIZES | {"blend2flux": {"filters": [64]}}
    table = parameter_table(sizes).set_index(["architecture", "filters"])["n_parameters"] / 1e6
    assert table["blend2flux", 64] == pytest.approx(
        PUBLISHED["n_parameters_million"][64], abs=0.051
    )
    assert table["blend2mask2flux", 159] == pytest.approx(
        PUBLISHED["parameters_million"]["blend2mask2flux"], abs=0.051
    )
    assert table["unet", 32] < table["blend2mask2flux", 159]


def test_all_sizes_of_table_2_are_counted():
    filters = [o["filters"] for name, o in paper_options(SIZES) if name == "blend2flux"]
    assert filters == list(PUBLISHED["n_parameters_million"])


def test_sizes_of_other_networks_are_counted_as_given():
    sizes = {"stamp_px": 64, "blend2flux": {"filters": [8]}, "blend2mask2flux": {"filters": 8}}
    table = parameter_table(sizes | {"unet": {"filters": 4, "depth": 2}})
    counts = table.set_index("architecture")["n_parameters"]
    # The joint network has its U-Net and a network for the fluxes, whose input is the masks too.
    assert counts["blend2mask2flux"] > counts["unet"] + counts["blend2flux"]
