"""The bars of config/bars.yaml, and the claims of the four papers that they belong to."""

from importlib import import_module

import pytest
import yaml
from deblend.report.claims import claims_table, read_bars

from tests.conftest import ROOT

BARS = ROOT / "config/bars.yaml"
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")


def claims_of(paper):
    return import_module(f"deblend.{paper}.claims").CLAIMS


def test_bars_are_of_known_scales_and_papers():
    bars = yaml.safe_load(BARS.read_text())
    assert set(bars) <= {"toy", "small", "paper"}
    assert all(set(papers) <= set(PAPERS) for papers in bars.values())


@pytest.mark.parametrize("paper", PAPERS)
def test_each_bar_has_a_claim_and_a_bound_at_a_scale(paper):
    names = {claim.name for claim in claims_of(paper) if claim.is_bar}
    scales = yaml.safe_load(BARS.read_text())
    assert set().union(*(read_bars(BARS, scale, paper) for scale in scales)) == names


@pytest.mark.parametrize("paper", PAPERS)
def test_each_bar_of_the_toy_has_its_row(paper):
    bars = read_bars(BARS, "toy", paper)
    assert bars
    assert all(isinstance(bound, float | int) for bound in bars.values())
    # Without results no bar is tested, but each has its row.
    found = claims_table({}, "toy", claims_of(paper), paper, bars=bars)
    rows = found[found["bound"] == "bar"]
    assert rows["claim"].tolist() == [c.name for c in claims_of(paper) if c.name in bars]
    assert rows["holds"].isna().all()


@pytest.mark.parametrize("paper", PAPERS)
def test_bars_of_every_scale_have_claims(paper):
    for scale in yaml.safe_load(BARS.read_text()):
        bars = read_bars(BARS, scale, paper)
        found = claims_table({}, scale, claims_of(paper), paper, bars=bars)
        assert (found["bound"] == "bar").sum() == len(bars)
