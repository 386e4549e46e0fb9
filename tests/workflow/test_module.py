"""The workflow as a module of another workflow."""

import json

import pandas as pd
import pytest

from tests.conftest import ROOT
from tests.run import planned, snakemake
from tests.workflow.conftest import TINY

SNAKEFILE = """
module deblending:
    snakefile: {snakefile!r}
    {options}

use rule * from deblending as deblending_*

rule mine:
    default_target: True
    input: {target!r}
"""


@pytest.fixture
def other_workflow(tmp_path):
    """Function that writes a workflow, which uses this one as a module to make one of its files."""

    def write(target, options):
        text = SNAKEFILE.format(snakefile=str(ROOT / "Snakefile"), target=target, options=options)
        (tmp_path / "Snakefile").write_text(text)
        return tmp_path

    return write


def test_another_workflow_makes_table_1_with_a_configuration_of_its_own(other_workflow):
    """The configuration is an overlay of config.yaml, as with `--configfile`."""
    config = TINY | {"pathvars": {"results": "mine"}}
    target = "mine/tables/table1.csv"
    folder = other_workflow(target, f"config: {json.loads(json.dumps(config))!r}")
    snakemake("--cores", 2, directory=folder, project=folder)
    counts = pd.read_csv(folder / target).set_index("morphology")
    assert 0 < counts.loc["total", "after"] <= 60
    again = snakemake("-n", directory=folder, project=folder)
    assert "Nothing to be done" in again.text


@pytest.mark.parametrize("options", ["", 'prefix: "sub"'])
def test_another_workflow_can_ask_for_a_figure_at_paper_scale(other_workflow, options):
    target = "sub/results/figures/fig2.pdf" if options else "results/figures/fig2.pdf"
    folder = other_workflow(target, options)
    plan = planned(snakemake("-n", directory=folder, project=folder).text)
    assert {"mine", "deblending_boucaud2020_example_figures", "deblending_ingest_archive"} <= plan


@pytest.mark.full
def test_the_file_that_catalogues_look_for_makes_everything(tmp_path):
    """An included Snakefile does not say which rule is the default one."""
    options = ("-n", "--configfile", ROOT / "config/toy.yaml")
    result = snakemake(*options, directory=tmp_path, project=ROOT / "workflow")
    assert planned(result.text) > {"everything", "report_summary", "record_checksums"}
