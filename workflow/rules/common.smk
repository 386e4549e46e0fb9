# Shared helpers: validation, paths of the library, lists of what there is to make.
import hashlib
import re
import sys
from pathlib import Path

import yaml
from snakemake.exceptions import WorkflowError

BASE = Path(workflow.basedir)
# The library is importable here too; only what imports nothing heavy is.
sys.path.append(str(BASE / "src"))
from deblend.errors import DeblendError
from deblend.run.config import refuse_duplicate_keys, validated, validated_archives
from deblend.run.provenance import git_state

try:
    for _path in workflow.configfiles:
        refuse_duplicate_keys(_path)
    ARCHIVES = validated_archives(
        yaml.safe_load((BASE / "config" / "datasets.yaml").read_text())
    )
    config.update(validated(config, ARCHIVES))
except DeblendError as _error:
    raise WorkflowError(str(_error)) from None
PUBLISHED = yaml.safe_load((BASE / "config" / "published.yaml").read_text())


def known(kind, name, where):
    """A name in the configuration that has to be defined there."""
    if name not in config[kind]:
        there = ", ".join(sorted(config[kind]))
        raise WorkflowError(f"{where}: there is no {name!r} under {kind}; there are {there}")
    return name


def catalog_of_sample(name):
    """The catalogue of a sample of stamps, where it is not simulated."""
    entry = config["farrens2022"]["samples"][name]
    if entry["source"] == "files":
        return {"catalog": entry["catalog"]}
    if entry["source"] == "archive":
        return {"catalog": f"<resources>/{entry['archive']}/catalog"}
    return {}


LIBRARY = {'__init__.py': 'src/deblend/__init__.py', 'architecture_figures.py': 'src/deblend/boucaud2020/figures/fig3_4_networks.py', 'backend.py': 'src/deblend/training/keras_backend.py', 'baseline.py': 'src/deblend/boucaud2020/sep.py', 'bh_claims.py': 'src/deblend/farrens2022/claims.py', 'bh_figures.py': 'src/deblend/farrens2022/figures.py', 'bh_metrics.py': 'src/deblend/farrens2022/metrics.py', 'bh_reproduction.py': 'src/deblend/farrens2022/reproduction.py', 'bh_sep.py': 'src/deblend/farrens2022/sep.py', 'bh_tables.py': 'src/deblend/farrens2022/tables.py', 'blendhunter.py': 'src/deblend/farrens2022/training.py', 'blends.py': 'src/deblend/boucaud2020/blends.py', 'catalog.py': 'src/deblend/boucaud2020/catalog.py', 'claims.py': 'src/deblend/boucaud2020/claims.py', 'clean.py': 'src/deblend/boucaud2020/clean.py', 'comparison.py': 'src/deblend/boucaud2020/published_sample.py', 'contact_sheets.py': 'src/deblend/boucaud2020/figures/contact_sheets.py', 'cosmos.py': 'src/deblend/farrens2022/stamps.py', 'cutouts.py': 'src/deblend/hemmati2022/cutouts.py', 'cutouts_ingest.py': 'src/deblend/hemmati2022/ingest.py', 'cutouts_simulate.py': 'src/deblend/hemmati2022/simulate.py', 'datasets.py': 'src/deblend/boucaud2020/dataset.py', 'degrade.py': 'src/deblend/hemmati2022/degrade.py', 'download.py': 'src/deblend/data/archives.py', 'errors.py': 'src/deblend/errors.py', 'examples.py': 'src/deblend/boucaud2020/examples.py', 'fig1_fig2.py': 'src/deblend/boucaud2020/figures/fig1_2_examples.py', 'fig5.py': 'src/deblend/boucaud2020/figures/fig5_magnitudes.py', 'fig6.py': 'src/deblend/boucaud2020/figures/fig6_pairs.py', 'fig7.py': 'src/deblend/boucaud2020/figures/fig7_errors.py', 'fig8.py': 'src/deblend/boucaud2020/figures/fig8_bias_scatter.py', 'fig9.py': 'src/deblend/boucaud2020/figures/fig9_morphology.py', 'files.py': 'src/deblend/files.py', 'fingerprints.py': 'src/deblend/training/fingerprints.py', 'galaxyzoo.py': 'src/deblend/reiman2019/images.py', 'galaxyzoo_simulate.py': 'src/deblend/reiman2019/simulate.py', 'gan.py': 'src/deblend/reiman2019/networks.py', 'gan_claims.py': 'src/deblend/reiman2019/claims.py', 'gan_figures.py': 'src/deblend/reiman2019/figures/fig4_5_scores.py', 'gan_iterate.py': 'src/deblend/reiman2019/several_galaxies.py', 'gan_predict.py': 'src/deblend/reiman2019/predict.py', 'gan_reproduction.py': 'src/deblend/reiman2019/reproduction.py', 'gan_scores.py': 'src/deblend/reiman2019/scores.py', 'gan_tables.py': 'src/deblend/reiman2019/tables.py', 'gan_training.py': 'src/deblend/reiman2019/training.py', 'gpr.py': 'src/deblend/hemmati2022/regression.py', 'hemmati_blends.py': 'src/deblend/hemmati2022/blends.py', 'image_metrics.py': 'src/deblend/reiman2019/metrics.py', 'ingest.py': 'src/deblend/data/ingest.py', 'kaggle.py': 'src/deblend/data/kaggle.py', 'logs.py': 'src/deblend/run/logs.py', 'mask_figures.py': 'src/deblend/boucaud2020/figures/fig10_12_masks.py', 'masks.py': 'src/deblend/boucaud2020/masks.py', 'metrics.py': 'src/deblend/boucaud2020/metrics.py', 'mixture_fit.py': 'src/deblend/photometry/mixture_fit.py', 'mixtures.py': 'src/deblend/photometry/mixtures.py', 'mosaics.py': 'src/deblend/data/mosaics.py', 'networks.py': 'src/deblend/boucaud2020/networks.py', 'ngmix_fit.py': 'src/deblend/photometry/forced.py', 'peaks.py': 'src/deblend/hemmati2022/peaks.py', 'perturb.py': 'src/deblend/reiman2019/blends.py', 'photometry.py': 'src/deblend/photometry/sep.py', 'plots.py': 'src/deblend/plots/style.py', 'predict.py': 'src/deblend/boucaud2020/predict.py', 'predictions.py': 'src/deblend/boucaud2020/predictions.py', 'priors.py': 'src/deblend/data/priors.py', 'provenance.py': 'src/deblend/run/provenance.py', 'recovered.py': 'src/deblend/boucaud2020/recovered.py', 'render.py': 'src/deblend/boucaud2020/render.py', 'reproduction.py': 'src/deblend/boucaud2020/reproduction.py', 'seeds.py': 'src/deblend/seeds.py', 'simulate.py': 'src/deblend/boucaud2020/simulate.py', 'som.py': 'src/deblend/hemmati2022/som.py', 'sr_claims.py': 'src/deblend/hemmati2022/claims.py', 'sr_data.py': 'src/deblend/hemmati2022/pairs.py', 'sr_detect.py': 'src/deblend/hemmati2022/detection.py', 'sr_figures.py': 'src/deblend/hemmati2022/figures/fig7_photometry.py', 'sr_gan.py': 'src/deblend/hemmati2022/networks.py', 'sr_pairs.py': 'src/deblend/hemmati2022/real_images.py', 'sr_photometry.py': 'src/deblend/hemmati2022/photometry.py', 'sr_reproduction.py': 'src/deblend/hemmati2022/reproduction.py', 'sr_setup.py': 'src/deblend/hemmati2022/predict.py', 'sr_tables.py': 'src/deblend/hemmati2022/tables.py', 'sr_training.py': 'src/deblend/hemmati2022/training.py', 'stamps.py': 'src/deblend/data/stamps.py', 'steering.py': 'src/deblend/training/schedule.py', 'table1.py': 'src/deblend/boucaud2020/tables.py', 'tables.py': 'src/deblend/tables.py', 'torch_backend.py': 'src/deblend/training/torch_backend.py', 'training.py': 'src/deblend/boucaud2020/training.py', 'units.py': 'src/deblend/units.py', 'vgg.py': 'src/deblend/training/vgg.py', 'vgg_keras.py': 'src/deblend/training/vgg_keras.py', 'vizier.py': 'src/deblend/data/vizier.py', 'sr_regression.py': 'src/deblend/hemmati2022/regression.py', 'table2.py': 'src/deblend/boucaud2020/tables.py', 'table3.py': 'src/deblend/boucaud2020/tables.py'}


def src(*modules):
    """Files of the library, as input: an edit there makes what depends on them run again."""
    return [str(BASE / LIBRARY.get(module, "src/deblend/plots/" + module)) for module in modules]


def of_source(source):
    """Regular expression of the data sets with a source."""
    names = [n for n, d in config["datasets"].items() if d["source"] == source]
    return "|".join(names) or "(?!)"


def dataset(wildcards):
    return config["datasets"][known("datasets", wildcards.dataset, "the target names a data set")]


def options(*names):
    """Function of wildcards: some keys of a data set's configuration."""
    return lambda wildcards: {name: dataset(wildcards)[name] for name in names}


# Relative to the project, since it comes with it.
REJECTED = str(BASE / config["boucaud2020"]["cleaning"]["rejected"])
COMMON_OPTIONS = ("band", "pixel_scale_arcsec", "zero_point", "noise_sigma", "stamp_size")
PSF_OPTIONS = ("psf_fwhm_arcsec", "psf_moffat_beta")


def chunks(wildcards):
    """Numbers of a data set's chunks of parent stamps."""
    entry = dataset(wildcards)
    if entry["source"] == "simulated":
        return range(n_chunks(entry["n_galaxies"], entry["chunk_size"]))
    if entry["source"] == "mosaics":
        return range(len(entry["fields"]))
    return range(1)


def networks_with(*architectures):
    """Regular expression of the networks of some architectures."""
    names = [n for n, d in config["networks"].items() if d["architecture"] in architectures]
    return "|".join(names) or "(?!)"


def unet_of(wildcards):
    """Files of the U-Net that a network's training starts from, if it does."""
    unet = config["networks"][wildcards.network].get("unet")
    return (
        expand("<results>/networks/{unet}/network.{ext}", unet=unet, ext=["weights.h5", "json"])
        if unet
        else []
    )


def of_role(role, path):
    """Function of wildcards: a path with the network of a role, `{network}`, and its data set."""

    def find(wildcards):
        paper = config["boucaud2020"]
        if paper[role] is None:
            raise WorkflowError(
                f"boucaud2020 > {role} is null: what was asked for needs it, so name a network there"
            )
        return path.format(network=paper[role], dataset=paper["dataset"])

    return find


def field(wildcards):
    """The field that is a chunk of a data set cut from mosaics."""
    return dataset(wildcards)["fields"][int(wildcards.chunk)]


def remote_mosaic(address):
    """File name of a mosaic that is to be downloaded; the address' hash keeps equal names apart."""
    return f"{hashlib.sha256(address.encode()).hexdigest()[:8]}_{address.rsplit('/', 1)[-1]}"


def mosaic_file(address):
    """Path of a mosaic: as given, or where it is downloaded to."""
    if "://" in address:
        return f"<resources>/mosaics/{remote_mosaic(address)}"
    return address


def table_file(name):
    """Path of a table: as given, or where it is fetched to from VizieR."""
    if name.startswith("vizier:"):
        return f"<resources>/vizier/{name.removeprefix('vizier:')}.ecsv"
    return name


# File name to address and checksum of the mosaics to download.
MOSAICS = {
    remote_mosaic(_field["mosaic"]): {
        "url": _field["mosaic"],
        "checksum": _field.get("checksum"),
        "max_bytes": _dataset["max_bytes"],
    }
    for _dataset in config["datasets"].values()
    if _dataset["source"] == "mosaics"
    for _field in _dataset["fields"]
    if "://" in _field["mosaic"]
}
for _name, _set in config["hemmati2022"]["cutouts"].items():
    if _set["source"] == "archive":
        for _band in _set["bands"]:
            if "://" in _band["mosaic"]:
                MOSAICS[remote_mosaic(_band["mosaic"])] = {
                    "url": _band["mosaic"],
                    "checksum": _band.get("checksum"),
                    "max_bytes": _set["max_bytes"],
                }


def trained_on(wildcards):
    """Data set that a network is trained on."""
    return config["networks"][wildcards.network]["dataset"]


def joint_beside(wildcards):
    """The joint network, for tables of the paper's own network and data set."""
    paper = config["boucaud2020"]
    own = (wildcards.network, wildcards.dataset) == (paper["network"], paper["dataset"])
    return [paper["blend2mask2flux"]] if own and paper["blend2mask2flux"] else []


def farrens_entry(wildcards):
    """Configuration of a sample of stamps."""
    return config["farrens2022"]["samples"][wildcards.sample]


def farrens_catalog(wildcards):
    """The catalogue of a sample, where it is not simulated."""
    return catalog_of_sample(wildcards.sample)


def farrens_fractions(wildcards):
    """Shares of a catalogue's galaxies for each split, of which a sample takes one."""
    # Catalogues may share galaxies: none is in any test that a network was trained on.
    if catalog_of_sample(wildcards.sample) and catalog_of_sample("parametric"):
        return config["farrens2022"]["split"]
    return {"train": 0, "validation": 0, "test": 1}


def gz_entry(wildcards):
    """Configuration of a set of Galaxy Zoo images."""
    return config["reiman2019"]["image_sets"][wildcards.images]


def gz_of_source(source):
    """Regular expression of the sets of images with a source."""
    sets = config["reiman2019"]["image_sets"]
    return "|".join(n for n, s in sets.items() if s["source"] == source) or "(?!)"


def gz_sources(wildcards):
    """Folders or archives that have the JPEGs of a set of images."""
    entry = gz_entry(wildcards)
    if entry["source"] == "files":
        return [entry["folder"]]
    if entry["source"] == "archive":
        return expand("<resources>/{archive}/archive.tar.gz", archive=entry["archives"])
    return expand(
        "<results>/datasets/{images}/jpegs/{chunk}",
        images=wildcards.images,
        chunk=range(n_chunks(entry["n_images"], entry["chunk_size"])),
    )


def gan_options(wildcards):
    """Configuration of the GAN, or of the baseline that is trained with the MSE alone."""
    network = dict(config["reiman2019"]["network"])
    # The same burn-in: a baseline gets its best chance.
    if wildcards.gan == "deblender_mse":
        network["adversarial_weight"] = 0
    return network


def cutouts_entry(wildcards):
    """Configuration of a set of cut-outs."""
    return config["hemmati2022"]["cutouts"][wildcards.cutouts]


def cutouts_of_source(source):
    """Regular expression of the sets of cut-outs with a source."""
    sets = config["hemmati2022"]["cutouts"]
    return "|".join(n for n, s in sets.items() if s["source"] == source) or "(?!)"


def cutouts_options(wildcards):
    """What a set's cut-outs are: bands, size, and for simulated ones their magnitudes."""
    entry = cutouts_entry(wildcards)
    names = ["detection_band", "parent_px", "pixel_scale_arcsec", "psf_moffat_beta"]
    if entry["source"] == "simulated":
        names += ["mag_min", "mag_max", "counts_slope"]
    # Mosaics are inputs of the rule.
    bands = [
        {key: value for key, value in band.items() if key not in ("mosaic", "checksum")}
        for band in entry["bands"]
    ]
    return {name: entry[name] for name in names} | {"bands": bands}


def cutouts_psfs(wildcards):
    """Files of the measured PSFs of a set of cut-outs."""
    return [band["psf"] for band in cutouts_entry(wildcards)["bands"] if band.get("psf")]


def cutouts_parts(wildcards, ext):
    """Chunks of a set of cut-outs."""
    entry = cutouts_entry(wildcards)
    chunks = 1
    if entry["source"] == "simulated":
        chunks = n_chunks(entry["n_galaxies"], entry["chunk_size"])
    return expand(
        "<results>/datasets/{cutouts}/parents/{chunk}.{ext}",
        cutouts=wildcards.cutouts,
        chunk=range(chunks),
        ext=ext,
    )


GAN_SHOWS = {
    1: "generator",
    2: "discriminator",
    3: "successful predictions",
    4: "PSNR",
    5: "SSIM",
    6: "failed predictions",
}


def gan_label(images):
    """What a figure says of its images and network."""
    return f"{config['scale']} scale, images {images}, network deblender_gan"


def gan_figure_outputs(*numbers):
    """Outputs of the paper's figures, with their captions."""
    return {
        **{
            f"pdf{n}": report(
                f"<results>/figures/reiman2019/fig{n}.pdf",
                caption=f"../report/reiman2019_fig{n}.rst",
                category="Reiman & Goehre 2019",
                labels={"figure": f"{n}", "shows": GAN_SHOWS[n]},
            )
            for n in numbers
        },
        **{
            f"{kind}{n}": f"<results>/figures/reiman2019/fig{n}.{ext}"
            for n in numbers
            for kind, ext in (("png", "png"), ("table", "csv"))
        },
    }


#: The set of cut-outs that networks are trained on.
SR_SET = config["hemmati2022"]["cutouts"][config["hemmati2022"]["cutouts_set"]]
SR_BANDS = [_band["name"] for _band in SR_SET["bands"]]
#: Networks that Figure 1 shows; with all bands where there are several.
SR_NETWORKS = ["vanilla", "sr", *(["sr_multi"] if len(SR_BANDS) > 1 else [])]


def sr_bands(network):
    """Bands of a network's images."""
    return SR_BANDS if network == "sr_multi" else [SR_SET["detection_band"]]


def hsc_pairs():
    """Folder of real HST and HSC images of the same fields."""
    folder = config["hemmati2022"]["hsc_pairs"]["folder"]
    if folder is None:
        raise WorkflowError(
            "hemmati2022 > hsc_pairs > folder is null: set it to a folder with hst_NAME.fits and "
            "hsc_NAME.fits of the same fields, then ask for this target again"
        )
    return folder


def sr_options(network):
    """Configuration of a network."""
    paper = config["hemmati2022"]
    options = dict(paper["network"])
    options["kind"] = "vanilla" if network == "vanilla" else "super_resolution"
    if network == "sr_content":
        options["content_weight"] = paper["content_weight"]
    return options


SR_SHOWS = {
    1: "networks",
    2: "galaxies from noise",
    3: "resolutions",
    4: "peaks of blends",
    5: "detections",
    6: "map of blends",
    7: "photometry",
    8: "bands",
    9: "detections with all bands",
}
# Figures that show numbers, which are in a table beside them.
SR_WITH_TABLE = [1, 5, 6, 7, 9]


def sr_label(cutouts):
    """What a figure says of its cut-outs."""
    return f"{config['scale']} scale, cut-outs {cutouts}"


def sr_figure_outputs(*numbers):
    """Outputs of the paper's figures, with their captions."""
    return {
        **{
            f"pdf{n}": report(
                f"<results>/figures/hemmati2022/fig{n}.pdf",
                caption=f"../report/hemmati2022_fig{n}.rst",
                category="Hemmati et al. 2022",
                labels={"figure": f"{n}", "shows": SR_SHOWS[n]},
            )
            for n in numbers
        },
        **{f"png{n}": f"<results>/figures/hemmati2022/fig{n}.png" for n in numbers},
        **{
            f"table{n}": f"<results>/figures/hemmati2022/fig{n}.csv"
            for n in numbers
            if n in SR_WITH_TABLE
        },
    }


PUBLISHED_CATALOGUE = config["boucaud2020"]["published_catalogue"]


def published_catalogue(wildcards):
    """File of the authors' catalogue: the user's, or where it is downloaded to."""
    if PUBLISHED_CATALOGUE is None:
        raise WorkflowError(
            "boucaud2020 > published_catalogue is null: set it to the path or https address of the "
            "catalogue that Boucaud et al. 2020 published, then ask for this target again"
        )
    if "://" in PUBLISHED_CATALOGUE:
        return "<resources>/boucaud2020_published/output_catalog.csv"
    return PUBLISHED_CATALOGUE


def n_chunks(total, size):
    return -(-total // size)


GIT = git_state(BASE)

# Modules that decide what a stamp, a blend and its image are.
STAMPS_SRC = ["stamps.py", "units.py"]
RENDER_SRC = [*STAMPS_SRC, "blends.py", "render.py", "seeds.py", "tables.py"]

DRAWN = ["fig1", "fig2", "fig3", "fig5", "fig6", "fig7", "fig8", "fig9"]
if config["boucaud2020"]["unet"]:
    DRAWN.append("fig4")
    if config["boucaud2020"]["blend2mask2flux"]:
        DRAWN += ["fig10", "fig11", "fig12"]
# What each paper's figures, tables and numbers are.
PAPERS = {}
PAPERS["boucaud2020"] = [
    *expand("<results>/figures/{figure}.{ext}", figure=DRAWN, ext=["pdf", "png", "csv"]),
    "<results>/tables/fig5_stats.csv",
    *expand("<results>/tables/table{n}.{ext}", n=[1, 2, 3], ext=["csv", "tex"]),
    "<results>/boucaud2020/output_catalog.csv",
    "<results>/boucaud2020/{network}/{dataset}/photometry.csv".format(**config["boucaud2020"]),
    "<results>/datasets/{dataset}/published_comparison.pdf".format(**config["boucaud2020"]),
]
if config["boucaud2020"]["published_catalogue"]:
    PAPERS["boucaud2020"] += [
        *expand(
            "<results>/published/figures/fig{n}.{ext}", n=range(5, 10), ext=["pdf", "png", "csv"]
        ),
        *expand("<results>/published/tables/{name}.csv", name=["fig5_stats", "claims"]),
    ]
PAPERS["farrens2022"] = [
    *expand("<results>/figures/farrens2022/fig{n}.{ext}", n=range(1, 7), ext=["pdf", "png"]),
    *expand("<results>/figures/farrens2022/fig{n}.csv", n=[1, 3, 4, 5, 6]),
    *expand("<results>/tables/farrens2022/table{n}.{ext}", n=[1, 2], ext=["csv", "tex"]),
]
PAPERS["reiman2019"] = [
    *expand("<results>/figures/reiman2019/fig{n}.{ext}", n=range(1, 7), ext=["pdf", "png", "csv"]),
    *expand("<results>/figures/reiman2019/trace.{ext}", ext=["pdf", "png"]),
    *expand("<results>/tables/reiman2019/table1.{ext}", ext=["csv", "tex"]),
    "<results>/reiman2019/{image_set}/deblender_gan/galaxies3.csv".format(**config["reiman2019"]),
]
PAPERS["hemmati2022"] = [
    *expand("<results>/figures/hemmati2022/fig{n}.{ext}", n=range(1, 10), ext=["pdf", "png"]),
    *expand("<results>/figures/hemmati2022/fig{n}.csv", n=SR_WITH_TABLE),
    *expand("<results>/tables/hemmati2022/detection.{ext}", ext=["csv", "tex"]),
]


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",
    network="|".join(config["networks"]) or "(?!)",
    chunk=r"\d+",
