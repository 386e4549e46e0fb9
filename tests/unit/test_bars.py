"""The bars of config/bars.yaml, and the claims of the four papers that they belong to."""

from importlib import import_module

import pytest
import yaml
from deblend.report.claims import claims_table, read_bars

from tests.conftest import ROOT

BARS = ROOT / "config/bars.yaml"
#: Sources of images whose bars differ.
SOURCES = {"reiman2019": ("simulated", "files", "archive")}
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")


def claims_of(paper):
    return import_module(f"deblend.{paper}.claims").CLAIMS


def test_bars_are_of_known_scales_and_papers():
    bars = yaml.safe_load(BARS.read_text())
    assert set(bars) <= {"toy", "small", "paper"}
    assert all(set(papers) <= set(PAPERS) for papers in bars.values())


def every_bars(paper):
    """Scales, and the bars of each of them and of each source of images."""
    for scale in yaml.safe_load(BARS.read_text()):
        for source in SOURCES.get(paper, (None,)):
            yield scale, read_bars(BARS, scale, paper, source)


def test_only_known_sources_have_bars():
    for papers in yaml.safe_load(BARS.read_text()).values():
        for paper, bars in papers.items():
            named = {name for name, bound in bars.items() if isinstance(bound, dict)}
            assert named <= set(SOURCES.get(paper, ()))


def test_bars_of_real_images_are_not_those_of_simulated_ones():
    real, archive, simulated = (
        read_bars(BARS, "small", "reiman2019", name) for name in ("files", "archive", "simulated")
    )
    assert real == archive
    assert not real.keys() & simulated.keys()
    assert (real["bar_psnr_central"], real["bar_psnr_companion"]) == (30.0, 28.5)


@pytest.mark.parametrize("paper", PAPERS)
def test_each_bar_has_a_claim_and_a_bound_at_a_scale(paper):
    names = {claim.name for claim in claims_of(paper) if claim.is_bar}
    assert set().union(*(bars for _, bars in every_bars(paper))) == names


@pytest.mark.parametrize("paper", PAPERS)
def test_each_bar_of_the_toy_has_its_row(paper):
    bars = read_bars(BARS, "toy", paper, "simulated")
    assert bars
    assert all(isinstance(bound, float | int) for bound in bars.values())
    # Without results no bar is tested, but each has its row.
    found = claims_table({}, "toy", claims_of(paper), paper, bars=bars)
    rows = found[found["bound"] == "bar"]
    assert rows["claim"].tolist() == [c.name for c in claims_of(paper) if c.name in bars]
    assert rows["holds"].isna().all()


@pytest.mark.parametrize("paper", PAPERS)
def test_bars_of_every_scale_have_claims(paper):
    for scale, bars in every_bars(paper):
        found = claims_table({}, scale, claims_of(paper), paper, bars=bars)
        assert (found["bound"] == "bar").sum() == len(bars)
