import json
import re
import subprocess
import sys

import pytest
import yaml

from tests.conftest import ROOT
from tests.profiles import with_site
from tests.rules import declared
from tests.run import ONE_NETWORK, planned, snakemake
from tools.lint_workflow import remarks

#: Packages that a dry run must not import.
HEAVY = (
    "tensorflow",
    "keras",
    "torch",
    "galsim",
    "sep",
    "matplotlib",
    "sklearn",
    "astropy",
    "astroquery",
)


#: Rules from the galaxies of a data set to Figure 5, for any source.
STAMPS = {"boucaud2020_clean", "boucaud2020_assemble_dataset", "boucaud2020_draw_blends"}
CHAIN = STAMPS | {"boucaud2020_sep"}
NETWORKS = {"boucaud2020_train", "boucaud2020_predict", "boucaud2020_predict_both"}
FIG5 = (
    CHAIN
    | NETWORKS
    | {
        "boucaud2020_sep_self",
        "boucaud2020_catalog_of_paper",
        "boucaud2020_figures",
    }
)
BOUCAUD = FIG5 | {
    "boucaud2020_baselines",
    "boucaud2020_predict_masks",
    "boucaud2020_mask_figures",
    "boucaud2020_network_figures",
    "boucaud2020_cleaning_examples",
    "boucaud2020_example_figures",
    "boucaud2020_published_sample",
    "boucaud2020_baselines_figure",
    "boucaud2020_tables_of_paper",
    "boucaud2020_table2",
    "boucaud2020_results",
}
HUNTER = {"farrens2022_draw_stamps", "farrens2022_vgg", "farrens2022_train"}
FARRENS = HUNTER | {
    "farrens2022_sep",
    "farrens2022_sep_of_sample",
    "farrens2022_label",
    "farrens2022_network_figures",
    "farrens2022_figures",
    "farrens2022_sample_figures_of_paper",
    "farrens2022_roc",
    "farrens2022_magnitudes_of_paper",
    "farrens2022_tables",
    "farrens2022_results",
}
REIMAN = {
    "reiman2019_frames",
    "reiman2019_train",
    "reiman2019_predict",
    "reiman2019_failures",
    "reiman2019_several_galaxies",
    "reiman2019_network_figures",
    "reiman2019_figures_of_paper",
    "reiman2019_results",
}
HEMMATI = {
    "hemmati2022_train",
    "hemmati2022_detect",
    "hemmati2022_photometry",
    "hemmati2022_network_figure",
    "hemmati2022_figures",
    "hemmati2022_ladder_figure",
    "hemmati2022_photometry_figure",
    "hemmati2022_results",
}
REPORT = {"report_summary", "report_training", "report_pages"}
EVERYTHING = BOUCAUD | FARRENS | REIMAN | HEMMATI | REPORT | {"record_checksums", "all"}
#: Short trainings with and without burn-in, which the toy run has none of.
STARTS = {"reiman2019_train_starts", "reiman2019_starts"}
#: Only drawn galaxies of the paper's data set have an image of the PSF.
DRAWN = {
    "boucaud2020_simulate",
    "boucaud2020_forced_fit",
    "reiman2019_simulate",
    "hemmati2022_catalogue_simulated",
    "hemmati2022_cutouts_simulate",
    "hemmati2022_assemble_cutouts",
}
MOSAICS = {
    "fetch_vizier",
    "download_mosaic",
    "hemmati2022_catalogue_archive",
    "hemmati2022_cutouts_archive",
}
ARCHIVE = {"download_archive", "ingest_archive"}
# From the authors' catalogue.
PUBLISHED = {
    "boucaud2020_published_catalogue",
    "boucaud2020_figures_of_published",
    "boucaud2020_claims",
}
# Figures of the networks that are compared with the paper's, which the toy run has none of.
COMPARED = {
    "boucaud2020_catalog",
    "boucaud2020_figures_of_dataset",
    "boucaud2020_mask_figures_of_network",
}
COSMOS = {"download_archive", "unpack_catalog"}
FIG1_OF_FARRENS = COSMOS | {
    "farrens2022_draw_stamps",
    "download_vgg",
    "farrens2022_vgg",
    "farrens2022_network_figures",
}
# For any sample: figures of other samples and the accuracy on parametric stamps are not needed.
FIG5_OF_SAMPLE = HUNTER | {
    "download_vgg",
    "farrens2022_sep_of_sample",
    "farrens2022_label",
    "farrens2022_sample_figures",
}
#: Networks that are trained for each of the 38 figures.
BLENDHUNTER = sorted(f"blendhunter/sigma{sigma}_0" for sigma in (5, 15, 35))
#: Ablations are trained only where their table is asked for.
ABLATIONS = HUNTER | {
    "download_vgg",
    "farrens2022_label",
    "farrens2022_ablation_inputs",
    "farrens2022_train_ablation",
    "farrens2022_ablations",
}
GAN, BOTH_GANS = ["deblender_gan"], ["deblender_gan", "deblender_mse"]
FLUXES = ["blend2flux", "blend2mask2flux", "unet"]  # blend2mask2flux starts from the U-Net
RESOLUTIONS = ["sr", "sr_content", "sr_multi", "vanilla"]
TRAININGS = {
    **{f"fig{n}": [] for n in range(1, 5)},
    **{f"fig{n}": FLUXES for n in range(5, 13)},
    "fig5_baselines": [],
    "fig8_predicted": FLUXES,
    **{f"farrens2022/fig{n}": [] for n in (1, 2)},
    **{f"farrens2022/fig{n}": BLENDHUNTER for n in (*range(3, 7), "5_magnitudes")},
    **{f"farrens2022/roc_{sample}": BLENDHUNTER for sample in ("parametric", "realistic")},
    **{f"reiman2019/fig{n}": GAN for n in (1, 2)},
    **{f"reiman2019/fig{n}": BOTH_GANS for n in range(3, 7)},
    "hemmati2022/fig1": ["sr", "sr_multi", "vanilla"],
    **{f"hemmati2022/fig{n}": RESOLUTIONS for n in range(2, 10)},
}
TARGET_PAPERS = ("boucaud2020", "farrens2022", "reiman2019", "hemmati2022")
SIMULATED = "results/datasets/simulated/published_comparison.pdf"
#: More baselines than the paper's.
BASELINES = [f"results/predictions/{name}/simulated.csv" for name in ("forced", "sep_self")]


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        (
            [],
            EVERYTHING
            | STARTS
            | COMPARED
            | ARCHIVE
            | COSMOS
            | MOSAICS
            | PUBLISHED
            | {"download_vgg", "download_table"},
        ),
        (
            ["--configfile", ROOT / "config/small.yaml"],
            EVERYTHING | STARTS | COMPARED | DRAWN | {"download_vgg"},
        ),
        (["--configfile", ROOT / "config/toy.yaml"], EVERYTHING | DRAWN),
        # The authors' catalogue is downloaded where it is asked for, at any scale.
        (
            ["published", "--configfile", ROOT / "config/toy.yaml"],
            PUBLISHED | {"download_table", "published"},
        ),
        # A figure of one paper.
        (["results/figures/farrens2022/fig1.pdf"], FIG1_OF_FARRENS),
        # A figure makes only what it needs. The job that draws it also draws Figures 7 to 9, with
        # the curves of the authors' catalogue.
        (
            ["results/figures/fig5.pdf"],
            FIG5 | ARCHIVE | PUBLISHED - {"boucaud2020_claims"} | {"download_table"},
        ),
        # To look at a data set, no network is trained and nothing is downloaded.
        ([SIMULATED], CHAIN | {"boucaud2020_simulate", "boucaud2020_published_sample"}),
        (BASELINES[:1], CHAIN | {"boucaud2020_simulate", "boucaud2020_forced_fit"}),
        (BASELINES[1:], CHAIN | {"boucaud2020_simulate", "boucaud2020_sep_self"}),
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
    assert planned(result.text) == rules


@pytest.mark.parametrize(
    ("target", "answer"),
    [
        ("boucaud2020_figurs", "there is no rule boucaud2020_figurs; did you mean boucaud2020_fig"),
        (
            "results/toy/figures/fig5x.pdf",
            "did you mean results/toy/figures/fig5.pdf (make figure F=boucaud2020/fig5)",
        ),
        (
            "results/small/figures/fig5_baselines.csv",
            "did you mean results/toy/figures/fig5_baselines.csv",
        ),
        (
            "results/toy/datasets/simulatd/stamps.h5",
            "there is no 'simulatd' under datasets; did you mean simulated?",
        ),
    ],
)
def test_a_misspelt_target_is_answered_with_the_nearest_names(tmp_path, target, answer):
    toy = ("--configfile", ROOT / "config/toy.yaml")
    result = snakemake("-n", target, *toy, directory=tmp_path, check=False)
    assert result.returncode == 1
    assert answer in result.text
    assert "MissingRule" not in result.text


def test_ablations_with_the_same_features_share_them(tmp_path):
    small = ROOT / "config/small.yaml"
    target = "results/small/farrens2022/ablations.csv"
    result = snakemake("-n", target, "--configfile", small, directory=tmp_path)
    assert planned(result.text) == ABLATIONS
    entries = yaml.safe_load((ROOT / "config/config.yaml").read_text())["farrens2022"]["ablations"]
    trained = re.findall(r"Train the ablation (\w+) of", result.text)
    assert sorted(trained) == sorted(entries)
    keys = (("features", "vgg16"), ("scaling", "paper"), ("noise", "one"))
    needed = {tuple(entry.get(*key) for key in keys) for entry in entries.values()}
    made = re.findall(r"What ablations get: (\w+), scaling (\w+), noise (\w+)", result.text)
    assert len(needed) < len(entries) and sorted(made) == sorted(needed)


def test_ablations_of_a_generator_are_trained_where_they_are_asked_for(tmp_path):
    target = "results/toy/reiman2019/galaxyzoo/ablations.csv"
    result = snakemake("-n", target, "--configfile", ROOT / "config/toy.yaml", directory=tmp_path)
    frames = {"reiman2019_simulate", "reiman2019_frames"}
    assert planned(result.text) == frames | {"reiman2019_train", "reiman2019_ablations"}
    trained = re.findall(r"Train deblender_(\w+)", result.text)
    parts = ["without_gate", "without_residual"]
    assert sorted(trained) == ["full_resolution", "mse", "tanh", *parts]


def test_another_sample_is_labelled_by_the_same_networks(tmp_path):
    catalog = tmp_path / "resources/cosmos/real_galaxy_catalog_26_extension_example.fits"
    catalog.parent.mkdir(parents=True)
    catalog.touch()
    small = ROOT / "config/small.yaml"
    overlays = ("--configfile", small, ROOT / "config/examples/blendhunter_cosmos.yaml")
    target = "results/small/farrens2022/cosmos/fig5.pdf"
    result = snakemake("-n", target, *overlays, directory=tmp_path)
    assert planned(result.text) == FIG5_OF_SAMPLE
    settings = yaml.safe_load(small.read_text())["farrens2022"]
    heads = re.findall(r"BlendHunter at noise ([\d.]+), realisation (\d+)", result.text)
    expected = [
        (float(s), r) for s in settings["noise_sigma"] for r in range(settings["realisations"])
    ]
    assert sorted((float(s), int(r)) for s, r in heads) == expected
    # The realistic stamps themselves are not drawn.
    assert "the realistic test stamps" not in result.text
    assert "Draw the cosmos test stamps" in result.text
    # Against magnitude, for galaxies fainter than those of the training too.
    target = "results/small/farrens2022/cosmos_deep/fig5_magnitudes.pdf"
    deep = snakemake("-n", target, *overlays, directory=tmp_path)
    expected_rules = FIG5_OF_SAMPLE - {"farrens2022_sample_figures"} | {"farrens2022_magnitudes"}
    assert planned(deep.text) == expected_rules


@pytest.fixture(scope="module")
def toy_jobs():
    return declared(ROOT / "config/toy.yaml")


@pytest.mark.parametrize("figure", TRAININGS)
def test_a_figure_trains_no_more_networks_than_it_shows(toy_jobs, figure):
    upstream = toy_jobs["trained_for"][f"results/toy/figures/{figure}.pdf"]
    assert upstream == TRAININGS[figure]


def test_without_the_joint_network_figure_5_trains_one_network(tmp_path):
    overlay = tmp_path / "one_network.yaml"
    overlay.write_text(yaml.safe_dump(ONE_NETWORK))
    jobs = declared(ROOT / "config/toy.yaml", overlay)
    assert jobs["trained_for"]["results/toy/figures/fig5.pdf"] == ["blend2flux"]


def test_compared_networks_have_figures_of_their_own(tmp_path):
    joint = {"architecture": "blend2mask2flux", "dataset": "simulated", "unet": "unet"}
    overlay = tmp_path / "compared.yaml"
    settings = {"compared": ["joint_text", "small"]}
    authors = tmp_path / "output_catalog.csv"
    authors.touch()
    settings |= {"published_catalogue": str(authors)}
    small = {"architecture": "blend2flux", "dataset": "simulated"}
    networks = {"joint_text": joint, "small": small}
    overlay.write_text(yaml.safe_dump({"networks": networks, "boucaud2020": settings}))
    jobs = declared(ROOT / "config/toy.yaml", overlay)
    for network, figures in (("joint_text", range(5, 13)), ("small", range(5, 10))):
        figures = [*figures, "8_predicted"]
        folder = f"results/toy/boucaud2020/{network}/simulated"
        made = [f for f in jobs["trained_for"] if f.startswith(folder) and f.endswith(".pdf")]
        assert sorted(made) == sorted(f"{folder}/fig{n}.pdf" for n in figures)
        trained = jobs["trained_for"][f"{folder}/fig5.csv"]
        assert trained == ([network, "unet"] if network == "joint_text" else [network])
    (masks,) = jobs["jobs"]["boucaud2020_mask_figures_of_network"]
    assert masks["params"]["networks"] == {"unet": "unet", "joint_text": "joint_text"}
    predictions = "results/toy/predictions"
    assert masks["input"]["masks"] == [
        f"{predictions}/{network}/simulated/masks.h5" for network in ("unet", "joint_text")
    ]
    # The authors' catalogue is drawn as lines in all figures but its own.
    for rule, curves in (("_of_dataset", 3), ("_of_published", 0), ("", 3)):
        for job in jobs["jobs"][f"boucaud2020_figures{rule}"]:
            assert len(job["input"].get("published", [])) == curves


def test_the_toy_run_has_few_jobs(toy_jobs):
    """Each job takes seconds for imports."""
    assert sum(map(len, toy_jobs["jobs"].values())) <= 80


def test_no_job_of_the_toy_run_waits_for_several_cores(toy_jobs, tmp_path):
    """Else it would wait until the last training is done; other runs share such work."""
    for rule, jobs in toy_jobs["jobs"].items():
        assert [job["threads"] for job in jobs] == [1] * len(jobs), rule
    overlay = tmp_path / "two_workers.yaml"
    overlay.write_text(yaml.safe_dump({"threads": {"workers": 2}}))
    jobs = declared(ROOT / "config/toy.yaml", overlay)["jobs"]
    several = {rule for rule in jobs if jobs[rule][0]["threads"] == 2}
    assert several == {
        *("boucaud2020_sep", "boucaud2020_forced_fit", "farrens2022_draw_stamps"),
        *("reiman2019_frames", "hemmati2022_photometry"),
    }


def test_only_networks_ask_for_a_gpu(toy_jobs):
    """On a cluster, a job gets the resources of its rule; `tests/slurm` tests that."""
    asking = {name for name, rule in toy_jobs["rules"].items() if "gpu" in rule["resources"]}
    trainings = {f"{paper}_train" for paper in TARGET_PAPERS}
    gans = {"reiman2019_predict", "reiman2019_several_galaxies", "hemmati2022_detect"}
    # BlendHunter's heads are small: Sect. 3.2.2 has ten minutes on a CPU.
    trainings -= {"farrens2022_train"}
    on_demand = {"reiman2019_train_starts", "reiman2019_predict_blending", "reiman2019_ablations"}
    on_demand |= {"benchmark_train_separator", "benchmark_train_posterior"}
    assert asking == trainings | gans | on_demand
    # They stop without one where the configuration requires it, and other jobs do not.
    scripts = {toy_jobs["rules"][name]["script"] for name in asking}
    stopping = (ROOT / "workflow/scripts").rglob("*.py")
    stopping = {path for path in stopping if "wants_gpu=True" in path.read_text()}
    assert stopping == {ROOT / script for script in scripts}


def test_networks_that_are_given_are_not_trained_for_the_benchmark(tmp_path):
    overlays = [ROOT / "config/small.yaml", ROOT / "config/examples/benchmark.yaml"]
    given = {"benchmark": {"weights": [str(tmp_path / "none"), str(ROOT / "evidence/weights")]}}
    (tmp_path / "given.yaml").write_text(yaml.safe_dump(given))
    files = ("benchmark", "-n", "--configfile", *overlays)
    trainings = {"boucaud2020_train": 4, "hemmati2022_train": 1, "farrens2022_train": 1}
    text = snakemake(*files, directory=tmp_path).text
    assert {rule: n_jobs(text, rule) for rule in trainings} == trainings
    refused = snakemake(*files, "given.yaml", directory=tmp_path, check=False)
    assert refused.returncode
    assert "none', which is no folder: give folders such as evidence/weights" in refused.text
    (tmp_path / "none").mkdir()
    posterior = tmp_path / "none/blend2posterior"
    posterior.mkdir()
    record = {"blocks": 2, "shares": [0.1, 0.8, 0.1], "n_profiles": 9, "stamp_size": 64}
    (posterior / "network.json").write_text(json.dumps(record))
    (posterior / "network.h5").touch()
    # joint_text, and the U-Net that it starts from, are not among them.
    trainings |= {"boucaud2020_train": 2, "hemmati2022_train": 0}
    trainings |= {"benchmark_train_posterior": 0, "benchmark_calibrate_posterior": 1}
    text = snakemake(*files, "given.yaml", directory=tmp_path).text
    assert {rule: n_jobs(text, rule) for rule in trainings} == trainings


def n_jobs(text, rule):
    """Number of jobs of a rule in the output of a dry run."""
    found = re.search(rf"^{rule} +(\d+)$", text, re.MULTILINE)
    return int(found[1]) if found else 0


def test_the_profile_for_slurm_has_a_partition_for_the_rules_that_ask_for_a_gpu(toy_jobs):
    asking = {name for name, rule in toy_jobs["rules"].items() if "gpu" in rule["resources"]}
    assert yaml.safe_load(with_site())["set-resources"].keys() == asking
    # Without the site's names, the profile is complete too.
    profile = yaml.safe_load((ROOT / "slurm/config.yaml").read_text())
    assert "slurm_partition" not in profile["default-resources"]
    named = {name.strip() for name in profile["slurm-array-jobs"].split(",")}
    named |= {pair.partition("=")[0] for pair in profile["groups"]}
    assert named <= toy_jobs["rules"].keys()
    # Groups cannot be arrays, and what runs locally is neither.
    local = {name for name, rule in toy_jobs["rules"].items() if rule["local"]}
    assert not named & local
    assert not {name for name in asking if name in local}


def test_what_needs_the_internet_runs_locally(toy_jobs):
    """Compute nodes mostly have none."""
    rules = {name: rule for name, rule in toy_jobs["rules"].items() if rule["script"]}
    network = re.compile(r"data\.(downloads|package_index|vizier|check_archives|kaggle)\b")
    asking = {n for n, r in rules.items() if network.search((ROOT / r["script"]).read_text())}
    assert {n for n in asking if not rules[n]["local"]} <= {"unpack_catalog", "unpack_table"}
    assert {"download_archive", "download_mosaic", "download_vgg", "fetch_vizier"} <= asking


def test_the_vanilla_gan_has_its_own_options(toy_jobs):
    settings = yaml.safe_load((ROOT / "config/toy.yaml").read_text())["hemmati2022"]
    networks = [job["params"]["network"] for job in toy_jobs["jobs"]["hemmati2022_train"]]
    for network in networks:
        options = dict(settings["network"])
        if network["kind"] == "vanilla":
            options |= settings["vanilla"]
        elif network["content_weight"] != options["content_weight"]:
            options["content_weight"] = 100.0  # sr_content
        assert options.items() <= network.items()
    assert [network["kind"] for network in networks].count("vanilla") == 1


def test_the_plan_says_what_is_downloaded_and_what_a_survey_needs():
    command = [sys.executable, ROOT / "tools/plan.py", ROOT / "config/small.yaml", "--times", "1"]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    # VGG-16's weights, whose size config/weights.yaml has.
    assert "Downloads: 0.06 GB" in text
    assert "NaN" not in text
    asked = {line.split()[0]: line for line in text.splitlines() if line.strip()}
    assert " by size " in asked["hemmati2022_train"]
    survey = text.partition("A survey of a billion stamps")[2]
    rows = {line.split()[0]: line.split() for line in survey.splitlines() if line.strip()}
    table = (ROOT / "evidence/benchmark/small/table.csv").read_text()
    (seconds,) = re.findall(r"^simulated,sep_auto,.*,([\d.]+),[^,]*$", table, re.MULTILINE)
    assert float(rows["sep_auto"][1]) == pytest.approx(1e9 * 2 * float(seconds) / 3600, rel=0.01)
    assert {"blend2flux", "blend2posterior", "BlendHunter", "branched"} <= rows.keys()
    assert "not measured" in survey


def test_lint():
    subprocess.run([sys.executable, ROOT / "tools/lint_workflow.py"], check=True)


def test_lint_says_what_is_wrong_beyond_the_one_opinion():
    text = """Lints for snakefile rules/a.smk:
    * Mixed rules and functions in same snakefile.:
      Small one-liner functions
    * Absolute path "/a" in line 3:
      Do not define
Lints for rule b (line 2, rules/a.smk):
    * No log directive defined:
"""
    assert remarks(text) == [
        'snakefile rules/a.smk: Absolute path "/a" in line 3',
        "rule b (line 2, rules/a.smk): No log directive defined",
    ]
