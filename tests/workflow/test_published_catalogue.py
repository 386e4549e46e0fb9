"""The authors' catalogue as input, from a path or a server, and the messages for wrong input."""

import hashlib
import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from deblend.boucaud2020.catalog import COLUMNS

from tests.run import ROOT, planned, snakemake
from tests.server import serving

STATS = "results/published/tables/fig5_stats.csv"
FIGURES = [
    f"results/published/figures/fig{n}.{e}"
    for n in (*range(5, 10), "8_predicted")
    for e in ("pdf", "csv")
]
#: Rows of the catalogue of these tests.
N_BLENDS = 200
TABLES = [f"results/published/tables/{name}.csv" for name in ("claims", "findings")]


@pytest.fixture
def catalogue(tmp_path):
    """A file in the published format, with detection codes as floats, as in some tables."""
    rng = np.random.default_rng(1)
    n = N_BLENDS
    table = pd.DataFrame({"id": range(n), "distance": rng.uniform(5, 30, n)})
    for g in ("g1", "g2"):
        table[f"{g}_id"] = rng.integers(0, 80, n)
        table[f"{g}_mag"] = rng.uniform(20, 22, n)
        table[f"{g}_rad"] = rng.uniform(3, 10, n)
        table[f"{g}_z"] = 1.0
        table[f"{g}_type"] = rng.choice(["sph", "disk", "sphd", "irr"], n)
        table[f"{g}_flux"] = 10 ** (0.4 * (25.96 - table[f"{g}_mag"]))
        for suffix, zero_point, sigma in (("b2f", 25.96, 0.1), ("b2m2f", 25.96, 0.1)):
            dmag = rng.normal(0, sigma, n)
            table[f"{g}_flux_{suffix}"] = 10 ** (0.4 * (zero_point - table[f"{g}_mag"] - dmag))
        table[f"{g}_flux_sex"] = 10 ** (0.4 * (25.67 - table[f"{g}_mag"] - rng.normal(0, 0.6, n)))
        table[f"{g}_sex_mag"] = table[f"{g}_mag"]
    table["detection"] = rng.choice([0.0, 1.0, 2.0, 3.0], n, p=[0.1, 0.15, 0.7, 0.05])
    path = tmp_path / "served" / "output_catalog.csv"
    path.parent.mkdir()
    table[list(COLUMNS)].to_csv(path, index=False)
    return path


def test_figures_and_numbers_from_a_path(tmp_path, catalogue, overlay):
    config = overlay(boucaud2020={"published_catalogue": str(catalogue), "bootstrap_resamples": 5})
    snakemake("--cores", 2, "published", "--configfile", config, directory=tmp_path)
    table = pd.read_csv(tmp_path / STATS).set_index(["figure", "network", "galaxy"])
    assert len(table) == 11
    # The zero points of the networks and of SExtractor are the published ones: there is no bias.
    assert table["mean"].abs().max() < 0.15
    assert table.loc[("fig5", "blend2flux", "central"), "sigma"] == pytest.approx(0.1, rel=0.2)
    assert table.loc[("fig5", "sextractor", "companion"), "sigma"] == pytest.approx(0.6, rel=0.2)
    for name in FIGURES:
        assert (tmp_path / name).stat().st_size > 500
    findings = pd.read_csv(tmp_path / TABLES[1]).set_index("finding")
    claims = pd.read_csv(tmp_path / TABLES[0]).set_index(["claim", "bound"])
    assert claims["holds"].notna().sum() > 50
    # Another file is not the authors': their numbers are those of the published panels.
    theirs = claims[claims["holds_in_authors_catalogue"].notna()]
    assert set(theirs["authors_source"]) == {"panel numbers in published.yaml"}
    computed = findings[findings["basis"] == "computed in this run"]
    assert set(computed["source"]) == {"catalogue output_catalog.csv"}
    assert findings["confirmed"].isna().all()
    assert findings["numbers"]["test_blends"].startswith("200 rows; not confirmed: 200 blends")
    # Ids are drawn from 80: nearly all companions are central galaxies of other blends.
    assert findings["basis"]["companions_outside_test"] == "computed in this run"
    assert findings["basis"]["loss_weights"].startswith("stated in")
    about = json.loads((tmp_path / "results/published/output_catalog.json").read_text())
    assert about["sextractor_zero_point"] == 25.67
    assert (about["is_authors"], about["label"]) == (False, "catalogue output_catalog.csv")
    # If the catalogue is given, its figures are among the default targets.
    everything = snakemake("-n", "--forceall", "--configfile", config, directory=tmp_path)
    assert {"boucaud2020_figures_of_published", "boucaud2020_claims"} <= planned(everything.text)


@pytest.fixture
def server(catalogue):
    """Address of a server of the catalogue's folder on this machine."""

    with serving(catalogue.parent) as running:
        yield f"{running.url}/output_catalog.csv"


def checksum(path):
    return "sha256:" + hashlib.sha256(path.read_bytes()).hexdigest()


def test_from_a_server_with_a_checksum(tmp_path, catalogue, server, overlay):
    config = overlay(
        boucaud2020={
            "published_catalogue": server,
            "published_checksum": checksum(catalogue),
            "bootstrap_resamples": 0,
        }
    )
    snakemake("--cores", 2, STATS, "--configfile", config, directory=tmp_path)
    assert len(pd.read_csv(tmp_path / STATS)) == 11


@pytest.fixture
def project(tmp_path, catalogue, server):
    """A copy of the project whose entry of datasets.yaml is on the server."""
    copy = tmp_path / "project"
    for name in ("config", "src", "workflow", "envs"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Snakefile", copy)
    path = copy / "config/datasets.yaml"
    archives = yaml.safe_load(path.read_text())
    facts = {"url": server, "checksum": checksum(catalogue), "n_rows": N_BLENDS}
    facts["n_bytes"] = catalogue.stat().st_size
    archives["boucaud2020_catalogue"] |= facts
    path.write_text(yaml.safe_dump(archives))
    return copy


TABLE = "resources/boucaud2020_published/output_catalog.csv"


@pytest.mark.parametrize("named", [None, "boucaud2020_catalogue"])
def test_the_entry_of_the_archives_is_downloaded_also_where_it_is_not_configured(
    tmp_path, catalogue, project, overlay, named
):
    config = overlay(boucaud2020={"published_catalogue": named})
    everything = snakemake(
        *("-n", "--forceall", "--configfile", config), directory=tmp_path, project=project
    )
    rules = {"boucaud2020_figures_of_published", "boucaud2020_claims"}
    assert rules & planned(everything.text) == (rules if named else set())
    arguments = ("--cores", 1, TABLE, "--configfile", config)
    snakemake(*arguments, directory=tmp_path, project=project)
    assert (tmp_path / TABLE).read_bytes() == catalogue.read_bytes()


def test_a_download_that_is_there_is_used(tmp_path, overlay):
    """Figures 7 to 9 have the authors' lines then, though the configuration names no catalogue."""
    config = overlay(boucaud2020={"published_catalogue": None})
    rules = {"boucaud2020_figures_of_published", "boucaud2020_claims"}
    arguments = ("-n", "--forceall", "--configfile", config)
    assert not rules & planned(snakemake(*arguments, directory=tmp_path).text)
    path = tmp_path / TABLE
    path.parent.mkdir(parents=True)
    path.touch()
    assert rules <= planned(snakemake(*arguments, directory=tmp_path).text)


def test_another_file_at_the_address_is_not_kept(tmp_path, catalogue, project, overlay):
    catalogue.write_bytes(catalogue.read_bytes()[:-2] + b"0\n")
    result = snakemake("--cores", 1, TABLE, directory=tmp_path, project=project, check=False)
    assert result.returncode == 1
    assert "is not the file it should be: its checksum is not sha256:" in result.text
    assert not (tmp_path / TABLE).exists()


def test_what_is_missing_is_named(tmp_path, overlay):
    config = overlay(boucaud2020={"published_catalogue": "not/there.csv"})
    result = snakemake("-n", STATS, "--configfile", config, directory=tmp_path, check=False)
    assert result.returncode == 1
    assert "not/there.csv" in result.text


def test_another_table_is_refused(tmp_path, overlay):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    config = overlay(boucaud2020={"published_catalogue": str(path)})
    result = snakemake("--cores", 1, STATS, "--configfile", config, directory=tmp_path, check=False)
    assert result.returncode == 1
    assert "other.csv lacks the columns id, distance" in result.text
