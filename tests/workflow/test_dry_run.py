import pytest

from tests.conftest import ROOT
from tests.run import snakemake

#: What a dry run must not import.
HEAVY = ("tensorflow", "keras", "torch", "galsim", "sep", "matplotlib", "sklearn", "astropy")


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ([], {"download_archive", "train", "fig5"}),
        (["--configfile", ROOT / "config/small.yaml"], {"simulate", "train", "fig5"}),
        (["--configfile", ROOT / "config/toy.yaml"], {"simulate", "train", "fig5"}),
        (["results/figures/fig5.pdf"], {"download_archive", "train", "fig5"}),
        (["results/datasets/simulated/published_comparison.pdf"], {"simulate", "sep"}),
        (["results/predictions/blend2flux/simulated.csv"], {"simulate", "train", "predict"}),
    ],
)
def test_dry_runs_need_no_network_and_no_heavy_import(tmp_path, arguments, rules):
    traps = tmp_path / "traps"
    traps.mkdir()
    for name in HEAVY:
        (traps / f"{name}.py").write_text(f"raise SystemExit('{name} was imported')")
    offline = dict.fromkeys(("http_proxy", "https_proxy", "all_proxy"), "http://127.0.0.1:9")
    env = {"PYTHONPATH": str(traps), **offline}
    result = snakemake("-n", *arguments, directory=tmp_path, env=env)
    for rule in rules:
        assert rule in result.text
    if arguments == ["results/datasets/simulated/published_comparison.pdf"]:
        assert "train" not in result.text.split("Job stats")[1]
        assert "download_archive" not in result.text


def test_one_figure_makes_just_what_it_needs(tmp_path):
    result = snakemake("-n", "results/figures/fig5.pdf", directory=tmp_path)
    stats = result.text.split("Job stats")[1]
    assert "published_comparison" not in stats
    assert "photometry" not in stats


def test_the_cluster_profile_plans_the_training(project):
    result = snakemake("-n", "--cores", 8, "--profile", "slurm", directory=project, project=project)
    assert "train " in result.text.split("Job stats")[1]


def test_lint(tmp_path):
    assert "good condition" in snakemake("--lint", directory=tmp_path).text
