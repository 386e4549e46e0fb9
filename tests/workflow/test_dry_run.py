import re

import pytest
import yaml

from tests.conftest import ROOT
from tests.run import planned, snakemake

#: What a dry run must not import.
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


#: Rules from a data set's galaxies to Figure 5, whatever the source.
CHAIN = {"clean", "assemble_dataset", "draw_blends", "sep_zero_points", "sep_measure", "sep"}
FIG5 = CHAIN | {"train", "predict", "output_catalog", "fig5"}
MASKS = {"predict_masks", "gather_iou", "mask_figures", "network_layers", "fig3", "fig4"}
NUMBERS = {"fig6", "fig7", "fig8", "fig9", "fig5_stats", "table2", "table3"}
BOUCAUD = FIG5 | MASKS | NUMBERS | {"photometry", "comparison_catalog", "published_comparison"}
BOUCAUD |= {"table1_of_dataset", "table1", "cleaning_examples", "fig1", "blend_examples", "fig2"}
BOUCAUD |= {"boucaud2020_reproduction", "boucaud2020_claims"}
HUNTER = {"farrens_chunk", "farrens_sample", "vgg_weights", "blendhunter_train"}
FARRENS = HUNTER | {"farrens_sep", "farrens_sep_realistic", "farrens_realistic"}
FARRENS |= {"farrens_accuracy", "farrens_accuracy_of_sample"}
FARRENS |= {"farrens_figures", "farrens_figures_realistic"}
FARRENS |= {"farrens_examples", "farrens_architecture", "farrens_tables"}
FARRENS |= {"farrens2022_reproduction", "farrens2022_claims"}
REIMAN = {"galaxyzoo_frames", "reiman_vgg", "gan_train", "gan_predict", "gan_scores", "gan_iterate"}
REIMAN |= {"reiman2019_architecture", "reiman2019_figures", "reiman2019_trace", "reiman2019_table1"}
REIMAN |= {"reiman2019_reproduction", "reiman2019_claims"}
HEMMATI = {"cutouts_assemble", "sr_train", "sr_detect", "sr_som", "sr_photometry", "sr_gpr"}
HEMMATI |= {
    "hemmati2022_networks",
    "hemmati2022_images",
    "hemmati2022_fractions",
    "hemmati2022_map",
}
HEMMATI |= {"hemmati2022_photometry_figure", "hemmati2022_detection"}
HEMMATI |= {"hemmati2022_reproduction", "hemmati2022_claims"}
EVERYTHING = BOUCAUD | FARRENS | REIMAN | HEMMATI
EVERYTHING |= {"all", "reproduction", "claims", "training_time", "provenance"}
DRAWN = {"simulate", "galaxyzoo_simulate", "cutouts_catalogue_simulated", "cutouts_simulate"}
MOSAICS = {"fetch_vizier", "download_mosaic", "cutouts_catalogue_archive", "cutouts_archive"}
ARCHIVE = {"download_archive", "ingest_archive"}
COSMOS = {"download_archive", "unpack_catalog"}
FIG1_OF_FARRENS = {"farrens_chunk", "farrens_sample", "vgg_download", "vgg_weights"}
FIG1_OF_FARRENS |= COSMOS | {"farrens_examples", "farrens_architecture"}
# Of any sample: no figure of another is drawn, and no accuracy of the parametric stamps needed.
FIG5_OF_SAMPLE = HUNTER | {"farrens_sep_realistic", "farrens_realistic"}
FIG5_OF_SAMPLE |= {"farrens_accuracy_of_sample", "farrens_figures_of_sample", "vgg_download"}
SIMULATED = "results/datasets/simulated/published_comparison.pdf"


@pytest.mark.parametrize(
    ("arguments", "rules"),
    [
        ([], EVERYTHING | ARCHIVE | COSMOS | MOSAICS | {"vgg_download"}),
        (["--configfile", ROOT / "config/small.yaml"], EVERYTHING | DRAWN | {"vgg_download"}),
        (["--configfile", ROOT / "config/toy.yaml"], EVERYTHING | DRAWN),
        # One paper alone, its own numbers too.
        (["results/figures/farrens2022/fig1.pdf"], FIG1_OF_FARRENS),
        # One figure makes just what it needs.
        (["results/figures/fig5.pdf"], FIG5 | ARCHIVE),
        # Figures 6 to 9 redraw from the catalogue, like Figure 5.
        (["results/figures/fig8.pdf"], FIG5 - {"fig5"} | {"fig8"} | ARCHIVE),
        # No network is trained to look at a data set, and nothing downloaded.
        ([SIMULATED], CHAIN | {"simulate", "comparison_catalog", "published_comparison"}),
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


def test_another_sample_is_labelled_by_the_same_heads(tmp_path):
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
    assert "of the realistic test stamps" not in result.text
    assert "of the cosmos test stamps" in result.text


def test_only_networks_ask_for_a_gpu():
    """The cluster gives a job what its rule's resources say; `tests/slurm` sees one get it."""
    asking = []
    for path in sorted((ROOT / "workflow/rules").glob("*.smk")):
        blocks = re.split(r"^(?:use )?rule ", path.read_text(), flags=re.MULTILINE)[1:]
        asking += [re.match(r"\w+", block)[0] for block in blocks if re.search(r"\bgpu=1", block)]
    gans = ["gan_train", "gan_predict", "gan_iterate"]
    sr = ["sr_train", "sr_detect"]
    assert asking == ["train", "blendhunter_train", "farrens_realistic", *sr, *gans]


def test_lint(tmp_path):
    assert "good condition" in snakemake("--lint", directory=tmp_path).text
