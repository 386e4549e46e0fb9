"""Evidence of runs: how it is collected, that pages quote it, and that it is small and complete."""

import csv
import importlib.util
import json
import re
import subprocess

import numpy as np
import pytest
import yaml
from PIL import Image

from tests.rules import ROOT

EVIDENCE = ROOT / "evidence"
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def tool(name):
    """A program of tools/, imported."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


COLLECT, QUOTE = tool("collect_evidence"), tool("quote_evidence")
CHECK, LIST = tool("check_numbers"), tool("list_evidence")


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def checkout(tmp_path):
    """A repository with one commit."""
    folder = tmp_path / "project"
    write(folder / "src/code.py", "a = 1\n")
    write(folder / "README.md", "text\n")
    git = ["git", "-C", str(folder), "-c", "user.name=a", "-c", "user.email=a@b"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-q", "-m", "first"]):
        subprocess.run([*git, *command], check=True)
    return folder


@pytest.fixture
def results(tmp_path):
    """Results of a small run of two papers."""
    folder = tmp_path / "results/small"
    provenance = {
        "git": {"commit": "0" * 40, "modified": False},
        "config": {
            "scale": "small",
            "papers": ["boucaud2020", "farrens2022"],
            "datasets": {"simulated": {"n_galaxies": 9}},
            "networks": {"net": {"filters": 8}, "never_trained": {"filters": 8}},
            "boucaud2020": {"network": "net"},
            "farrens2022": {"noise_sigma": [5]},
        },
        "python": "3.11.0",
        "packages": {"numpy": "2.4"},
    }
    write(folder / "provenance.json", json.dumps(provenance))
    write(folder / "boucaud2020/claims.csv", "claim,paper\nunbiased,boucaud2020\n")
    write(folder / "boucaud2020/output_catalog.csv", "blend\n" + "1\n" * 60_000)
    write(folder / "boucaud2020/net/other/fig5_stats.csv", "sigma\n0.2\n")
    iou = "blend,galaxy,network,iou,area_true_px,area_predicted_px\n"
    iou += "0,central,unet,0.8,9,9\n1,central,unet,0.6,9,5\n0,companion,unet,0.0,9,0\n"
    write(folder / "boucaud2020/iou.csv", iou)
    write(folder / "tables/claims.csv", "claim,paper\nunbiased,boucaud2020\nsep,farrens2022\n")
    write(folder / "tables/fig5_stats.csv", "network,galaxy,sigma\nnet,central,0.1234\n")
    write(folder / "tables/highlights.csv", "paper,value\nboucaud2020,1\nfarrens2022,2\n")
    write(folder / "tables/farrens2022/table1.csv", "sample,n\nparametric,1\n")
    write(folder / "datasets/simulated/criteria.csv", "criterion,n\ntouching,1\n")
    write(folder / "datasets/simulated/excluded.csv", "id\na\n")
    write(folder / "published/tables/claims.csv", "claim,paper\nunbiased,boucaud2020\n")
    write(folder / "predictions/sep/simulated/zero_points.csv", "method\niso\n")
    for network in ("net", "blendhunter/sigma5_0", "farrens2022_ablations/sgd", "other/net"):
        write(folder / f"networks/{network}/history.csv", "epoch,loss\n0,1\n")
        write(folder / f"networks/{network}/network.json", '{"device": "cpu", "n_epochs": 1}')
    times = "paper,network,hours\nboucaud2020,net,1.0\nfarrens2022,blendhunter,2.0\n"
    write(folder / "benchmarks/training_time.csv", times)
    for name, seconds in (("train/net", 7200), ("sep/simulated", 1800), ("farrens2022/a", 36)):
        write(folder / f"benchmarks/{name}.tsv", f"s\tmax_rss\tcpu_time\n{seconds}\t100.5\t720\n")
    (folder / "figures").mkdir()
    Image.new("RGB", (40, 30), "white").save(folder / "figures/fig5.png")
    return folder


def test_evidence_of_a_run(results, checkout, tmp_path):
    target = tmp_path / "evidence/boucaud2020/small"
    record = COLLECT.collect("boucaud2020", results, target, root=checkout, machine="one GPU")
    files = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert files == {
        *("README.md", "run.json", "configuration.yaml", "jobs.csv", "training_time.csv"),
        *("claims.csv", "iou.csv", "fig5_stats.csv", "highlights.csv", "fig5.png"),
        *("net/other/fig5_stats.csv", "datasets/simulated/criteria.csv"),
        *("sep/simulated/zero_points.csv", "networks/net/history.csv", "published/claims.csv"),
    }
    # Rows of other papers are left out.
    for name in ("claims", "highlights", "training_time"):
        assert [row["paper"] for row in rows(target / f"{name}.csv")] == ["boucaud2020"]
    assert record == json.loads((target / "run.json").read_text())
    assert (record["commit"], record["modified"]) == ("0" * 40, False)
    assert record["left_out"] == ["output_catalog.csv"]
    assert record["networks"] == {"net": {"device": "cpu"}}
    assert (record["command"], record["hardware"]) == ("make small", "one GPU")
    assert re.fullmatch(r"20\d\d-\d\d-\d\d", record["date"])
    assert [(row["job"], row["hours"]) for row in rows(target / "jobs.csv")] == [
        ("sep/simulated", "0.5"),
        ("train/net", "2.0"),
    ]
    assert record["hours"] == 2.5
    config = yaml.safe_load((target / "configuration.yaml").read_text())
    assert config["papers"] == ["boucaud2020"]
    assert config.keys() == {"scale", "papers", "datasets", "networks", "boucaud2020"}
    iou = {(row["network"], row["galaxy"]): row for row in rows(target / "iou.csv")}
    assert float(iou["unet", "central"]["mean_iou"]) == pytest.approx(0.7)
    assert [row["n_vanished"] for row in iou.values()] == ["0", "1"]
    page = (target / "README.md").read_text()
    for text in ("0" * 40, "make small", "one GPU", "2.50 h", "output_catalog.csv", "fig5.png"):
        assert text in page


def test_hours_of_jobs_that_waited_are_processor_time(results, checkout, tmp_path):
    """It is not shorter where a job used several processors."""
    target = tmp_path / "evidence/farrens2022/small"
    COLLECT.collect("boucaud2020", results, target, root=checkout, waited=True)
    assert [row["hours"] for row in rows(target / "jobs.csv")] == ["0.2", "0.2"]
    COLLECT.collect("farrens2022", results, target, root=checkout, waited=True)
    assert [row["hours"] for row in rows(target / "jobs.csv")] == ["0.01"]


def test_evidence_of_another_paper(results, checkout, tmp_path):
    target = tmp_path / "evidence/farrens2022/small"
    record = COLLECT.collect("farrens2022", results, target, root=checkout)
    heads = ("blendhunter/sigma5_0", "farrens2022_ablations/sgd")
    assert record["networks"] == {name: {"device": "cpu"} for name in heads}
    assert all((target / f"networks/{name}/history.csv").is_file() for name in heads)
    assert [row["job"] for row in rows(target / "jobs.csv")] == ["farrens2022/a"]
    assert rows(target / "table1.csv") == [{"sample": "parametric", "n": "1"}]
    assert not (target / "fig5.png").exists()
    config = yaml.safe_load((target / "configuration.yaml").read_text())
    assert config.keys() == {"scale", "papers", "farrens2022"}


def test_evidence_is_made_anew(results, checkout, tmp_path):
    target = tmp_path / "evidence"
    COLLECT.collect("boucaud2020", results, target, root=checkout)
    before = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    (target / "old.csv").touch()
    COLLECT.collect("boucaud2020", results, target, root=checkout)
    after = {path: path.read_bytes() for path in target.rglob("*") if path.is_file()}
    assert after == before
    other = tmp_path / "other"
    write(other / "thesis.tex", "text")
    with pytest.raises(COLLECT.EvidenceError, match=r"has files, but no run\.json"):
        COLLECT.collect("boucaud2020", results, other, root=checkout)
    assert (other / "thesis.tex").exists()


def test_code_that_is_in_no_commit_is_no_evidence(results, checkout, tmp_path):
    target = tmp_path / "evidence"
    (checkout / "README.md").write_text("other text\n")
    assert not COLLECT.collect("boucaud2020", results, target, root=checkout)["modified"]
    (checkout / "src/code.py").write_text("a = 2\n")
    with pytest.raises(COLLECT.EvidenceError, match=r"in no commit \(src/code.py changed"):
        COLLECT.collect("boucaud2020", results, target, root=checkout)
    arguments = {"root": checkout, "allow_dirty": True}
    assert COLLECT.collect("boucaud2020", results, target, **arguments)["modified"]
    (checkout / "src/code.py").write_text("a = 1\n")
    provenance = results / "provenance.json"
    write(provenance, provenance.read_text().replace('"modified": false', '"modified": true'))
    with pytest.raises(COLLECT.EvidenceError, match="in no commit"):
        COLLECT.collect("boucaud2020", results, target, root=checkout)
    provenance.unlink()
    with pytest.raises(COLLECT.EvidenceError, match="finish the run first"):
        COLLECT.collect("boucaud2020", results, target, root=checkout)


def test_pictures_become_small(tmp_path):
    y, x = np.indices((1000, 1600))
    image = np.stack([x % 256, y % 256, (x + y) // 11 % 256], -1).astype(np.uint8)
    image[400:600, 700:900] = (255, 0, 0)
    Image.fromarray(image).save(tmp_path / "big.png")
    COLLECT.shrink(tmp_path / "big.png", tmp_path / "small.png")
    assert (tmp_path / "small.png").stat().st_size < 80_000
    small = Image.open(tmp_path / "small.png")
    assert small.width <= 900
    assert small.width / small.height == pytest.approx(1.6, rel=0.01)
    centre = small.convert("RGB").getpixel((small.width // 2, small.height // 2))
    np.testing.assert_allclose(centre, (255, 0, 0), atol=16)


def test_a_thin_line_among_many_shades_keeps_its_colour(tmp_path):
    image = np.random.default_rng(0).integers(225, 256, (260, 400, 3)).astype(np.uint8)
    image[200:202, 300:400] = pink = (204, 121, 167)
    Image.fromarray(image).save(tmp_path / "figure.png")
    COLLECT.shrink(tmp_path / "figure.png", tmp_path / "small.png")
    found = Image.open(tmp_path / "small.png").convert("RGB").getpixel((350, 201))
    np.testing.assert_allclose(found, pink, atol=16)


def test_transparent_pixels_become_white(tmp_path):
    Image.new("RGBA", (20, 10), (0, 0, 0, 0)).save(tmp_path / "clear.png")
    COLLECT.shrink(tmp_path / "clear.png", tmp_path / "small.png")
    small = Image.open(tmp_path / "small.png")
    assert small.size == (20, 10)
    assert small.convert("RGB").getcolors() == [(200, (255, 255, 255))]


def test_the_hardware_of_this_machine():
    found = COLLECT.hardware()
    assert found.keys() == {"cpu", "cores", "memory_gb", "gpu"}
    assert found["cores"] >= 1
    assert found["memory_gb"] >= 1


# Pages ---------------------------------------------------------------------------------

TABLE = """\
figure,network,galaxy,sigma
fig5,blend2flux,central,0.11249
fig5,blend2flux,companion,0.2
fig6,blend2flux,,
"""
CENTRAL = "{fig5.csv; network=blend2flux; galaxy=central; sigma; .3f}"


@pytest.fixture
def runs(tmp_path):
    write(tmp_path / "boucaud2020/small/fig5.csv", TABLE)
    write(tmp_path / "boucaud2020/small/run.json", '{"hours": 2.25, "hardware": {"cpu": "A"}}')
    return tmp_path


def block(template, text="old\n"):
    return f"before\n<!-- evidence boucaud2020/small\n{template}-->\n{text}<!-- /evidence -->\n"


@pytest.mark.parametrize(
    ("placeholder", "text"),
    [
        (CENTRAL, "0.112"),
        ("{fig5.csv; galaxy=companion; sigma; .1%}", "20.0%"),
        ("{fig5.csv; sigma=0.20; galaxy}", "companion"),
        ("{run.json; hours; .1f}", "2.2"),
        ("{run.json; hardware; cpu}", "A"),
    ],
)
def test_numbers_are_filled_in(runs, placeholder, text):
    before = block(f"| a | {placeholder} | {placeholder} |\n")
    after = QUOTE.quoted(before + before, runs)
    assert after.count(f"-->\n| a | {text} | {text} |\n<!-- /evidence -->\n") == 2
    assert "old" not in after
    assert QUOTE.quoted(after, runs) == after


@pytest.mark.parametrize(
    ("placeholder", "message"),
    [
        ("{fig7.csv; sigma}", r"there is no .*fig7\.csv"),
        ("{fig5.csv; galaxy=central; scatter}", "has no column 'scatter'; it has figure, network"),
        ("{fig5.csv; class=irr; sigma}", "has no column 'class'"),
        ("{fig5.csv; network=blend2flux; sigma}", "3 rows of .* have network=blend2flux"),
        ("{fig5.csv; galaxy=both; sigma}", "0 rows of "),
        ("{fig5.csv; figure=fig6; sigma; .3f}", "is '': could not convert"),
        ("{run.json; minutes; .1f}", "has no minutes"),
    ],
)
def test_a_number_that_is_not_in_the_evidence_is_an_error(runs, placeholder, message):
    with pytest.raises(QUOTE.QuoteError, match=message):
        QUOTE.quoted(block(f"{placeholder}\n"), runs)


def test_a_block_needs_its_end(runs):
    with pytest.raises(QUOTE.QuoteError, match="has no end"):
        QUOTE.quoted(block("text\n").replace("<!-- /evidence -->", ""), runs)


def test_a_page_is_rewritten(runs, capsys):
    page = runs / "page.md"
    page.write_text("no evidence\n")
    QUOTE.main([str(page)])
    assert page.read_text() == "no evidence\n"
    page.write_text(block("{no_such_table.csv; sigma}\n"))
    with pytest.raises(SystemExit, match=r"page\.md: there is no"):
        QUOTE.main([str(page)])
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_quoted_numbers_are_those_of_the_evidence(page):
    """If this fails, run: make readme."""
    text = page.read_text()
    assert QUOTE.quoted(text) == text


#: Generated from the models of the configuration: its numbers are their limits and defaults.
GENERATED = ("configuration.md",)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_has_no_number_that_no_file_has(page):
    """If this fails: quote the number from evidence, or name the file that has it."""
    if page.name in GENERATED:
        pytest.skip("written from the models of the configuration")
    assert CHECK.loose(page.read_text()) == []


def test_the_index_has_all_numbers_of_the_pages():
    """If this fails, run: make readme."""
    assert (EVIDENCE / "index.csv").read_text() == QUOTE.index()
    for row in rows(EVIDENCE / "index.csv"):
        assert (ROOT / row["file"]).is_file(), row
        assert row["file"].startswith("config/") or re.fullmatch("[0-9a-f]{40}", row["commit"])


def test_a_number_that_is_written_by_hand_is_found(tmp_path):
    write(tmp_path / "facts.yaml", "size: 64\nbytes: 17_056_320_000\nshare: 0.15\n")
    page = block("NMAD {fig5.csv; sigma; .3f}, published 0.82\n") + "Better by 3.5 dB.\n"
    assert CHECK.loose(page, tmp_path) == ["0.82", "3.5"]
    known = "<!-- facts facts.yaml -->64 px, 17 GB, 15 %, and 65<!-- /facts -->"
    assert CHECK.loose(known, tmp_path) == ["65"]
    assert CHECK.loose("Figures 1 to 12 of Farrens et al. 2022, `0.5`, VGG-16, F814W") == []
    with pytest.raises(FileNotFoundError):
        CHECK.loose("<!-- facts none.yaml -->64<!-- /facts -->", tmp_path)


def test_a_block_of_a_run_that_is_not_there_is_empty(runs):
    text = "<!-- evidence? benchmark\n| a |\n{* table.csv; set=one} | {*m} | {*nmad; .2f} |\n-->\n"
    end = "<!-- /evidence -->\n"
    assert QUOTE.quoted(text + "old\n" + end, runs) == text + end
    write(runs / "benchmark/table.csv", "set,m,nmad\none,sep,0.123\none,x,\ntwo,sep,0.5\n")
    assert QUOTE.quoted(text + end, runs) == text + "| a |\n| sep | 0.12 |\n" + end


#: Runs that may be missing: the long tests delete these, and make them again.
MAY_BE_MISSING = {"reliability/faults", "reliability/hostile"}


def test_only_named_runs_may_be_missing():
    """Numbers of any other run would vanish from the pages without a word."""
    pages = [page.read_text() for page in PAGES]
    optional = {m["run"] for text in pages for m in QUOTE.BLOCK.finditer(text) if m["optional"]}
    assert optional <= MAY_BE_MISSING


def test_the_overview_is_that_of_the_runs():
    """If this fails, add the run to evidence/notes.yaml, and run: make readme."""
    text = (EVIDENCE / "README.md").read_text()
    assert text == LIST.overview()
    for link in re.findall(r"^\| \[.*?\]\((.*?)\)", text, re.MULTILINE):
        assert (EVIDENCE / link).is_file(), link
    notes = yaml.safe_load((EVIDENCE / "notes.yaml").read_text())
    runs = {str(path.parent.relative_to(EVIDENCE)) for path in EVIDENCE.rglob("run.json")}
    assert runs <= notes.keys() <= runs | MAY_BE_MISSING


def test_a_run_that_the_notes_do_not_name(runs):
    write(runs / "notes.yaml", "another: {what: a run}\n")
    with pytest.raises(KeyError, match="says nothing about boucaud2020/small"):
        LIST.overview(runs)
    write(runs / "notes.yaml", "boucaud2020/small: {what: a run, note: too old, page: ../a.md}\n")
    write(runs / "boucaud2020/small/run.json", '{"commit": "abcdef0123", "command": "a | b (c)"}')
    row = "| [boucaud2020/small](../a.md) | a run | `abcdef01` | `a \\| b` (c) | too old |\n"
    assert LIST.overview(runs).endswith(row)


def test_readme_is_short():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 90


def test_the_evidence_is_small_and_of_a_commit():
    """Trained networks have limits of their own: see test_collect_weights."""
    files = {p for p in EVIDENCE.rglob("*.*") if "weights" not in p.relative_to(EVIDENCE).parts}
    for path in files:
        assert path.suffix in (".csv", ".png", ".json", ".yaml", ".md"), path
        assert path.stat().st_size <= (400_000 if path.name == "index.csv" else 100_000), path
        if path.suffix == ".png":
            assert path.stat().st_size < 80_000, path
            with Image.open(path) as picture:
                assert picture.width <= 900, path
    folders = [path.parent for path in EVIDENCE.rglob("run.json")]
    whole = {EVIDENCE / name for name in ("index.csv", "disk.csv", "README.md", "notes.yaml")}
    for path in files - whole:
        assert any(path.is_relative_to(folder) for folder in folders), path
    for folder in folders:
        record = json.loads((folder / "run.json").read_text())
        assert re.fullmatch("[0-9a-f]{40}", record["commit"]), folder
        assert not record["modified"], folder
        assert record["hours"] > 0, folder


def test_bins_of_the_first_set_are_evidence(tmp_path):
    table = "set,method,iou,low\nsimulated,sep,,0.123456789\nfaint,sep,0.5,1\n"
    (tmp_path / "bins.csv").write_text(table)
    assert COLLECT.copy_table("benchmark", tmp_path / "bins.csv", tmp_path / "out.csv")
    assert (tmp_path / "out.csv").read_text() == "set,method,low\nsimulated,sep,0.12346\n"
