"""The authors' catalogue as input, from a path or a server, and the messages for wrong input."""

import hashlib
import json
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.catalog import COLUMNS

from tests.run import planned, snakemake

STATS = "results/published/tables/fig5_stats.csv"
FIGURES = [f"results/published/figures/fig{n}.{e}" for n in range(5, 10) for e in ("pdf", "csv")]


@pytest.fixture
def catalogue(tmp_path):
    """A file in the published format, with detection codes as floats, as in some tables."""
    rng = np.random.default_rng(1)
    n = 200
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
    snakemake("--cores", 2, STATS, *FIGURES, "--configfile", config, directory=tmp_path)
    table = pd.read_csv(tmp_path / STATS).set_index(["figure", "network", "galaxy"])
    assert len(table) == 11
    # The zero points of the networks and of SExtractor are the published ones: there is no bias.
    assert table["mean"].abs().max() < 0.15
    assert table.loc[("fig5", "blend2flux", "central"), "sigma"] == pytest.approx(0.1, rel=0.2)
    assert table.loc[("fig5", "sextractor", "companion"), "sigma"] == pytest.approx(0.6, rel=0.2)
    for name in FIGURES:
        assert (tmp_path / name).stat().st_size > 500
    about = json.loads((tmp_path / "results/published/output_catalog.json").read_text())
    assert about["sextractor_zero_point"] == 25.67
    # If the catalogue is given, its figures are among the default targets.
    everything = snakemake("-n", "--forceall", "--configfile", config, directory=tmp_path)
    assert {"boucaud2020_figures_of_published", "boucaud2020_claims"} <= planned(everything.text)


def test_from_a_server_with_a_checksum(tmp_path, catalogue, overlay):
    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    digest = "sha256:" + hashlib.sha256(catalogue.read_bytes()).hexdigest()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=catalogue.parent))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        config = overlay(
            boucaud2020={
                "published_catalogue": f"http://127.0.0.1:{server.server_port}/output_catalog.csv",
                "published_checksum": digest,
                "bootstrap_resamples": 0,
            }
        )
        snakemake("--cores", 2, STATS, "--configfile", config, directory=tmp_path)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
    assert len(pd.read_csv(tmp_path / STATS)) == 11


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, "boucaud2020 > published_catalogue is null: set it to the path or https address"),
        ({"published_catalogue": "not/there.csv"}, "not/there.csv"),
    ],
)
def test_what_is_missing_is_named(tmp_path, overlay, change, message):
    config = overlay(boucaud2020=change)
    result = snakemake("-n", STATS, "--configfile", config, directory=tmp_path, check=False)
    assert result.returncode == 1
    assert message in result.text


def test_another_table_is_refused(tmp_path, overlay):
    path = tmp_path / "other.csv"
    path.write_text("a,b\n1,2\n")
    config = overlay(boucaud2020={"published_catalogue": str(path)})
    result = snakemake("--cores", 1, STATS, "--configfile", config, directory=tmp_path, check=False)
    assert result.returncode == 1
    assert "other.csv lacks the columns id, distance" in result.text
