import pytest
from deblend.benchmark.config import KINDS, SET_NAMES, Benchmark
from deblend.errors import DeblendError
from deblend.run.config import validated
from pydantic import ValidationError

from tests.unit.run.test_config import ARCHIVES, CONFIG


def changed(**benchmark):
    return CONFIG | {"benchmark": CONFIG["benchmark"] | benchmark}


def test_defaults_are_complete():
    config = Benchmark()
    assert config.sets == SET_NAMES
    assert config.n_galaxies == 4000
    assert config.methods == {}


def test_the_shipped_configuration_has_each_kind_that_needs_nothing_of_the_user():
    methods = validated(CONFIG, ARCHIVES)["benchmark"]["methods"].values()
    assert {entry["kind"] for entry in methods} == KINDS.keys() - {"function", "recalibrated"}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"dataset": "none"}, "benchmark > dataset: there is no 'none' under datasets"),
        ({"dataset": "candels"}, "benchmark > dataset: 'candels' is of source archive"),
        (
            {"companion_edge": "noise"},
            "benchmark > companion_edge: 'noise' is not that of the training of .*, 'zero'",
        ),
        (
            {"methods": {"a": {"kind": "recalibrated"}}},
            "benchmark > methods > a: a method of the kind recalibrated needs a data set of real",
        ),
        (
            {"real": "simulated", "methods": {"a": {"kind": "recalibrated", "network": "b"}}},
            "benchmark > methods > a > network: there is no method 'b' of the kind blend2posterior",
        ),
        ({"real": "none"}, "benchmark > real: there is no 'none' under datasets"),
        ({"methods": {"a": {"kind": "magic"}}}, "benchmark > methods > a > kind: 'magic' is not"),
        (
            {"methods": {"a": {"kind": "boucaud2020", "network": "b"}}},
            "benchmark > methods > a > network: there is no 'b' under networks",
        ),
        (
            {"methods": {"a": {"kind": "super_resolution", "network": "b"}}},
            "benchmark > methods > a > network: 'b' is not one of",
        ),
        (
            {"methods": {"a": {"kind": "function", "function": "mine"}}},
            "'mine' does not match: it has to be a file and a function",
        ),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    with pytest.raises(DeblendError, match=message):
        validated(changed(**change), ARCHIVES)


def test_null_leaves_the_benchmark_or_a_method_out():
    assert validated(CONFIG | {"benchmark": None}, ARCHIVES)["benchmark"] is None
    config = validated(changed(methods={"sep_default": None}), ARCHIVES)
    assert config["benchmark"]["methods"] == {"sep_default": None}


def test_an_edge_of_its_own_needs_no_network_of_another_one():
    methods = {
        name: None
        for name, entry in CONFIG["benchmark"]["methods"].items()
        if entry["kind"] == "boucaud2020"
    }
    config = changed(companion_edge="noise", methods=CONFIG["benchmark"]["methods"] | methods)
    assert validated(config, ARCHIVES)["benchmark"]["companion_edge"] == "noise"


def test_edges_of_bins_increase():
    with pytest.raises(ValidationError, match="do not increase"):
        Benchmark(bins={"snr": [0, 5, 5]})
