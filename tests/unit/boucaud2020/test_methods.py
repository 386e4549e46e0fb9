"""Methods of a catalogue, and of predictions of baselines."""

import pytest
from deblend.boucaud2020.catalog import COLUMNS
from deblend.boucaud2020.methods import (
    BASELINE_LABELS,
    PAPER_METHODS,
    SEXTRACTOR,
    Method,
    baseline_methods,
    catalog_methods,
    network_method,
    run_methods,
)
from deblend.errors import DeblendError
from deblend.plots.style import COLOURS


def pair(suffix):
    """Columns of fluxes of a method."""
    return [f"g1_flux_{suffix}", f"g2_flux_{suffix}"]


def test_the_published_columns_are_those_of_the_paper_s_methods():
    assert catalog_methods(COLUMNS) == PAPER_METHODS
    assert [m.name for m in PAPER_METHODS] == ["blend2flux", "blend2mask2flux", "SExtractor"]
    assert [m.is_network for m in PAPER_METHODS] == [True, True, False]


@pytest.mark.parametrize(
    ("suffixes", "names"),
    [
        (["joint_text", "sex"], ["joint_text", "SExtractor"]),
        (["b2f", "sex", "b2m2f", "third"], ["blend2flux", "blend2mask2flux", "third"]),
        (["second", "b2m2f", "first"], ["blend2mask2flux", "second", "first"]),
        ([], []),
    ],
)
def test_networks_are_found_by_their_columns_and_sextractor_comes_last(suffixes, names):
    columns = ["id", "g1_flux", "g2_flux", *(column for s in suffixes for column in pair(s))]
    found = catalog_methods(columns)
    assert [method.name for method in found] == [*(n for n in names if n != "SExtractor")] + [
        "SExtractor"
    ]
    assert found[-1] == SEXTRACTOR
    for method in found:
        published = {"blend2flux": "b2f", "blend2mask2flux": "b2m2f", "SExtractor": "sex"}
        assert method.suffix == published.get(method.name, method.name)


def test_the_title_says_which_fluxes_of_sextractor_there_are():
    for flux, title in (("isophotal", "SExtractor"), ("auto", "SExtractor (AUTO)")):
        *networks, sextractor = catalog_methods(COLUMNS, flux)
        assert (sextractor.name, sextractor.title) == ("SExtractor", title)
        assert [m.title for m in networks] == ["blend2flux", "blend2mask2flux"]


def test_the_networks_of_a_run_have_their_own_names_unless_they_are_the_paper_s():
    assert run_methods(["blend2flux"], of_paper=True) == PAPER_METHODS
    own = run_methods(["small", "joint_text"], of_paper=False)
    assert [(m.name, m.suffix) for m in own] == [("small", "small"), ("joint_text", "joint_text")]


def test_two_pairs_of_columns_of_one_network_are_refused():
    with pytest.raises(DeblendError, match="g._flux_b2f, g._flux_blend2flux are all fluxes of"):
        catalog_methods([*pair("b2f"), *pair("blend2flux")])


def test_networks_and_other_methods_show_different_ranges_of_errors():
    assert [m.shown_mag for m in PAPER_METHODS] == [0.7, 0.7, 3.2]
    assert [m.shown_mag for m in baseline_methods(["forced_true"])] == [3.2]


def test_a_network_has_its_own_name_and_the_paper_s_their_colours():
    assert network_method("joint_text").title == "joint_text"
    paper = {m.name: m.colour for m in PAPER_METHODS}
    assert network_method("blend2mask2flux", 3).colour == paper["blend2mask2flux"]
    # Lines of up to four further networks differ from each other and from the paper's.
    colours = [network_method(f"net_{i}", i).colour for i in range(4)]
    assert len({*colours, *paper.values()}) == 7
    assert {paper["SExtractor"], paper["blend2mask2flux"]} <= set(COLOURS.values())


def test_baselines_have_labels_and_unknown_ones_their_names():
    methods = baseline_methods(["sep_auto", "sep_iso", "mine"])
    assert [m.title for m in methods] == [
        *(BASELINE_LABELS["sep_auto"], BASELINE_LABELS["sep_iso"], "mine")
    ]
    assert not any(m.is_network for m in methods)
    assert Method("a", "b", "#000000").title == "a"
