"""The report of a finished toy run, and the numbers that `make toy` shows at its end."""

import json
import re

import pandas as pd
import pytest

from tests.run import snakemake

#: A proxy that nothing listens at: every download fails.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")


@pytest.fixture(scope="module")
def report(toy_project):
    """Contents of the report's page: for each name, what its script of that name defines."""
    # As `make report` writes it: below the results, and no target.
    name = "results/toy/report.html"
    path = toy_project / name
    options = ["--configfile", "config/toy.yaml", "--report", name]
    snakemake(*options, directory=toy_project, project=toy_project, env=OFFLINE)
    page = path.read_text()
    scripts = re.findall(r'<script id="(results|categories)">\s*var \w+ = (.+);\n', page)
    return {name: json.loads(text) for name, text in scripts}


NAMES = ("claims", "findings", "highlights", "reproduction")


def test_the_report_has_all_figures_and_tables(report, toy):
    expected = set((toy / "figures").rglob("*.pdf"))
    expected |= {toy / f"tables/{name}.csv" for name in NAMES}
    expected |= {path.with_suffix(".csv") for path in (toy / "tables").rglob("*.tex")}
    expected.add(toy / "tables/farrens2022/magnitudes.csv")
    supplements = ("failures.pdf", "contact_sheet.pdf", "science.pdf", "science.csv")
    expected |= {toy / f"reiman2019/galaxyzoo/{name}" for name in supplements}
    results = report["results"]
    assert set(results) == {str(path.relative_to(toy.parents[1])) for path in expected}
    assert len(results) > 40
    for path, result in results.items():
        assert result["data_uri"].startswith("data:"), path
        assert "toy scale" in result["caption"] or len(result["caption"]) > 40, path


def test_every_result_can_be_chosen(report):
    """A choice between two versions needs both versions of each result, or the page is empty.

    The page makes such a choice of every label but the first that has exactly two values, each for
    half of the results of a category.
    """
    assert "All papers" in report["categories"]
    for category in report["categories"].values():
        for paths in category.values():
            labels = [report["results"][path]["labels"] for path in paths]
            names = list(dict.fromkeys(name for each in labels for name in each))
            for name in names[1:]:
                counts = pd.Series([each.get(name) for each in labels]).value_counts()
                if len(counts) == 2 and (counts == len(paths) / 2).all():
                    others = [tuple(v for k, v in each.items() if k != name) for each in labels]
                    assert pd.Series(others).value_counts().eq(2).all(), paths


def test_ten_numbers_are_those_of_the_tables_of_results(toy):
    table = pd.read_csv(toy / "tables/highlights.csv").set_index(["number", "role", "method"])
    ours = table.xs("ours", level="role").droplevel("method")
    assert len(ours) == 10
    assert ours["value"].notna().all() and (ours["n"] > 0).all()
    panels = pd.read_csv(toy / "figures/fig5.csv").query("galaxy == 'central'").set_index("method")
    for method in ("blend2flux", "blend2mask2flux"):
        sigma = ours.loc[f"sigma, {method}"]
        for name, column in (("value", ""), ("low", "_low"), ("high", "_high")):
            assert sigma[name] == pytest.approx(panels.loc[method, f"sigma_mag{column}"])
        sep = table.loc[(f"sigma, {method}", "baseline", "SEP"), "value"]
        assert sep == pytest.approx(panels.loc["SExtractor", "sigma_mag"])
    overlap = pd.read_csv(toy / "figures/fig12.csv").query("pair == 'all'").set_index("network")
    assert ours.loc["mean IoU, U-Net", "value"] == pytest.approx(overlap.loc["unet", "mean_iou"])
    found = pd.read_csv(toy / "hemmati2022/simulated_bands/detections.csv")
    for role, method, column in (
        ("ours", "GAN", "detected_gan"),
        ("baseline", "low", "detected_low"),
        ("baseline", "high", "detected_high"),
    ):
        value = table.loc[("blends detected", role, method), "value"]
        assert value == pytest.approx(100 * found[column].mean())
    scores = pd.read_csv(toy / "reiman2019/galaxyzoo/scores.csv")
    mean = scores.query("method == 'gan' and galaxy == 'companion'")["psnr_db"].mean()
    assert ours.loc["PSNR, companion", "value"] == pytest.approx(mean)
    labels = pd.read_csv(toy / "predictions/farrens2022_sep/realistic.csv")
    assert ours.loc["accuracy, realistic stamps", "n"] == len(labels)


def test_the_terminal_shows_the_numbers_where_the_figures_are_and_times(toy):
    text = (toy / "tables/highlights.txt").read_text()
    assert all(len(line) <= 100 for line in text.splitlines())
    numbers = pd.read_csv(toy / "tables/highlights.csv")["number"].unique()
    assert all(number in text for number in numbers)
    folders = re.findall(r": (results/toy/figures\S*)$", text, re.MULTILINE)
    assert len(folders) == 4
    assert all((toy.parents[1] / folder / "fig1.pdf").is_file() for folder in folders)
    times = pd.read_csv(toy / "benchmarks/job_time.csv").set_index("paper")
    assert (times["seconds"] > 5).all() and len(times) == 4
    # Every benchmark belongs to a paper.
    assert times["n_jobs"].sum() == len(list((toy / "benchmarks").rglob("*.tsv")))
    for paper, networks in (
        ("boucaud2020", ("blend2flux", "unet", "blend2mask2flux")),
        ("farrens2022", ("blendhunter/*",)),
        ("reiman2019", ("deblender_gan", "deblender_mse")),
        ("hemmati2022", ("vanilla", "sr", "sr_content", "sr_multi")),
    ):
        files = [f for name in networks for f in (toy / "benchmarks/training").glob(f"{name}.json")]
        epochs = sum(json.loads(file.read_text())["seconds"] for file in files)
        assert times.loc[paper, "seconds"] > epochs > 0, paper
    assert (toy / "benchmarks/job_time.txt").read_text().count(" jobs\n") == 4
