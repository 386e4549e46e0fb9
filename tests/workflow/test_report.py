"""The report of a finished toy run, and the numbers that `make toy` shows at its end."""

import html
import json
import os
import re
import shutil
import subprocess
import sys

import pandas as pd
import pytest

from tests.run import ROOT

#: A proxy that nothing listens at: every download fails.
OFFLINE = dict.fromkeys(("http_proxy", "https_proxy"), "http://127.0.0.1:9")
PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")


BROWSER = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
#: Clicks at each result of each category, and leaves a page with what was shown: the name of each
#: result with the width of its picture, or with 0 where a page was loaded.
VISITOR = """
<script>
const after = test => new Promise(done => {
  const look = () => test() ? done(test()) : setTimeout(look, 10);
  look();
});
const one = (selector, text) => [...document.querySelectorAll(selector)].find(
  element => element.textContent.trim() === text);
const loaded = new WeakSet();
document.addEventListener("load", event => loaded.add(event.target), true);
async function visit() {
  const seen = {};
  await after(() => app && document.querySelector("nav"));
  for (const category of Object.keys(categories)) {
    app.setView({navbarMode: "menu"});
    (await after(() => one("nav li a", category))).click();
    await after(() => document.querySelector("nav tbody tr"));
    seen[category] = [];
    for (const row of document.querySelectorAll("nav tbody tr")) {
      app.setView({content: "stats"});
      await after(() => !document.querySelector(".grow > div > img, iframe"));
      row.querySelector("a").click();
      const shown = await after(() => document.querySelector(".grow > div > img, iframe"));
      await after(() => loaded.has(shown));
      seen[category].push([row.innerText.trim(), shown.naturalWidth || 0]);
    }
  }
  document.head.textContent = "";
  document.body.textContent = JSON.stringify(seen);
}
visit().catch(error => { document.body.textContent = error; });
</script>
"""


def make(*words, directory):
    """Output of the Makefile, with the environment of the tests and without a network."""
    command = ["make", "--no-print-directory", "--file", str(ROOT / "Makefile")]
    # The environment is not made again.
    command += [f"VENV={sys.prefix}", f"--old-file={sys.prefix}/.ready", *words]
    # The tests may have been started by make: its options are not for this one.
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    done = subprocess.run(
        command, capture_output=True, text=True, cwd=directory, env=environment | OFFLINE
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def page(toy_project):
    """The report: below the results, and no target."""
    shown = make("report", directory=toy_project)
    assert shown == "Report: results/toy/report.html\n"
    return (toy_project / "results/toy/report.html").read_text()


@pytest.fixture(scope="module")
def report(page):
    """Contents of the report's page: for each name, what its script of that name defines."""
    scripts = re.findall(
        r'<script id="(results|categories|workflow-desc)">\s*var \w+ = (.+);\n', page
    )
    return {name: json.loads(text) for name, text in scripts}


def test_a_figure_is_asked_for_by_its_name(toy_project):
    shown = make("figure", "F=hemmati2022/fig6", "SCALE=toy", directory=toy_project)
    assert shown.endswith("Figure: results/toy/figures/hemmati2022/fig6.pdf\n")


def name_of(path, toy):
    """A result's path in the report."""
    return str(path.relative_to(toy.parents[1]))


def test_the_report_has_all_figures_as_pictures_and_all_tables_as_pages(report, toy):
    expected = {path.with_suffix(".png") for path in (toy / "figures").rglob("*.pdf")}
    supplements = ("failures", "contact_sheet", "science")
    expected |= {toy / f"reiman2019/galaxyzoo/{name}.png" for name in supplements}
    expected |= {toy / f"report/{paper}/training.png" for paper in PAPERS}
    pages = {p for p in (toy / "report").rglob("*.html") if "captions" not in p.parts}
    pages |= {toy / f"benchmarks/{name}.html" for name in ("training_time", "job_time")}
    # A page for each table of the papers.
    names = {"boucaud2020": toy / "tables", **{p: toy / "tables" / p for p in PAPERS[1:]}}
    tables = {(p, path.stem) for p, folder in names.items() for path in folder.glob("*.tex")}
    tables |= {("farrens2022", "magnitudes"), ("reiman2019", "science")}
    tables |= {("boucaud2020", "exclusions"), ("boucaud2020", "fig5_stats")}
    assert tables <= {(path.parent.name, path.stem) for path in pages}
    results = report["results"]
    assert set(results) == {name_of(path, toy) for path in expected | pages}
    assert len(results) > 70
    for path, result in results.items():
        kind = "image/png" if path.endswith(".png") else "text/html"
        assert result["data_uri"].startswith(f"data:{kind};"), path
        assert len(result["caption"]) > 40, path


def test_captions_of_figures_have_the_numbers_of_this_run(report, toy):
    captions = {path: result["caption"] for path, result in report["results"].items()}
    with_numbers = {path for path, text in captions.items() if "Numbers of this run" in text}
    for csv in (toy / "figures").rglob("*.csv"):
        if not csv.stem.endswith("_points"):
            assert name_of(csv.with_suffix(".png"), toy) in with_numbers
    panels = pd.read_csv(toy / "figures/fig5.csv").query("method == 'blend2flux'")
    text = captions[name_of(toy / "figures/fig5.png", toy)]
    for row in panels.itertuples():
        assert f"{row.sigma_mag:.3f} [{row.sigma_mag_low:.3f}, {row.sigma_mag_high:.3f}]" in text
    assert not any(re.search(r"\d\.\d{10}", text) for text in captions.values())


def test_figures_are_in_the_papers_order(report, toy):
    for category, paths in report["categories"].items():
        (paths,) = paths.values()
        labels = [report["results"][path]["labels"] for path in paths]
        assert all(list(label) == ["result"] for label in labels), category
        # As browsers sort text: spaces before digits.
        shown = sorted(label["result"].replace("\u2007", " ") for label in labels)
        numbers = [int(label[7:9]) for label in shown if label.startswith("Figure ")]
        assert numbers == sorted(numbers)
        if category != "All papers":
            assert len(set(numbers)) == max(numbers) in (6, 9, 12), category


def test_the_first_page_has_what_ran_and_what_it_shows(report, toy):
    page = report["workflow-desc"]
    run = json.loads((toy / "provenance.json").read_text())
    assert f">{run['config']['scale']}</td>" in page and "tensorflow" in page and "torch" in page
    highlights = pd.read_csv(toy / "tables/highlights.csv")
    assert all(f">{number}" in page for number in highlights["number"].unique())
    for title in ("What ran", "numbers", "Claims that hold", "Findings"):
        assert re.search(f"<h2>.*{title}.*</h2>", page), title
    claims = pd.read_csv(toy / "tables/claims.csv").query("bound == 'as stated'")
    holds = claims["holds"].astype(str).eq("True").groupby(claims["paper"]).sum()
    counts = page[page.index("Claims that hold") :]
    found = re.findall(r"<tr><td>[^<]*\d{4}</td><td[^>]*>(\d+)</td>", counts)[:4]
    assert list(map(int, found)) == [holds[paper] for paper in PAPERS]


def test_pages_have_one_row_a_claim_and_a_number(toy):
    claims = pd.read_csv(toy / "tables/claims.csv").query("bound != 'bar'")
    rows = (toy / "report/claims.html").read_text().partition("<h2>Bars")[0].count("<tr>") - 1
    assert rows == len(claims[["paper", "claim"]].drop_duplicates())
    rows = (toy / "report/reproduction.html").read_text().count("<tr>") - 1
    assert rows == len(pd.read_csv(toy / "tables/reproduction.csv"))
    for path in (toy / "report").rglob("*.html"):
        text = re.sub(r'href="data:.*?"', "", path.read_text())
        assert not re.search(r"\d\.\d{10}", text), path


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


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium to open the report in")
def test_a_browser_shows_each_result_that_is_clicked_at(page, report, tmp_path):
    start, body, end = page.rpartition("</body>")
    (tmp_path / "report.html").write_text(start + VISITOR + body + end)
    # Time passes as fast as the page works it off, without a network.
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--host-resolver-rules=MAP * ~NOTFOUND",
    ]
    options += ["--virtual-time-budget=10000000", "--dump-dom"]
    done = subprocess.run(
        [BROWSER, *options, (tmp_path / "report.html").as_uri()],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    text = html.unescape(re.search("<body>(.*)</body>", done.stdout, re.DOTALL).group(1))
    shown = json.loads(text)
    assert set(shown) == set(report["categories"])
    for category, rows in shown.items():
        (paths,) = report["categories"][category].values()
        labels = {path: report["results"][path]["labels"]["result"] for path in paths}
        # A page has no width of its own.
        pictures = {" ".join(labels[path].split()): path.endswith(".png") for path in paths}
        assert {" ".join(name.split()): width > 500 for name, width in rows} == pictures, category


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
