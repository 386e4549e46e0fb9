# Hemmati et al. 2022: GANs that raise the resolution. From top to bottom: cut-outs in one to seven
# bands (a catalogue is split and cut first; only the selected galaxies are simulated, read or cut
# out), networks, detections, photometry, figures, results.
from deblend.hemmati2022.config import check_cutouts_cover_frames

HEMMATI = config["hemmati2022"]
# The set of cut-outs on which networks are trained.
HEMMATI_SET = HEMMATI["cutouts_set"]
HEMMATI_FOLDER = f"<results>/hemmati2022/{HEMMATI_SET}"
HEMMATI_LABEL = f"{SCALE} scale, cut-outs {HEMMATI_SET}"
# The paper's loss has no content term.
if HEMMATI["network"]["content_weight"]:
    HEMMATI_LABEL += f", sr with content weight {HEMMATI['network']['content_weight']:g} (ours)"
BANDS = [band["name"] for band in HEMMATI["cutouts"][HEMMATI_SET]["bands"]]
DETECTION_BAND = HEMMATI["cutouts"][HEMMATI_SET]["detection_band"]
CUTOUTS = {
    "cutouts": f"<results>/datasets/{HEMMATI_SET}/cutouts.h5",
    "split": f"<results>/datasets/{HEMMATI_SET}/split.csv",
}


def covering_cutouts(wildcards):
    """Cut-outs of the networks, which have to be large enough for blends."""
    try:
        check_cutouts_cover_frames(HEMMATI)
    except DeblendError as error:
        raise WorkflowError(str(error)) from None
    return CUTOUTS["cutouts"]


# Networks, and the names of their images as resolutions.
RESOLUTIONS = {
    name: name.replace("sr", "gan")
    for name in HEMMATI["networks"]
    if len(BANDS) > 1 or "multi" not in name
}
# Networks that Figure 1 shows.
SHOWN_NETWORKS = ["vanilla", "sr"]
if "sr_multi" in RESOLUTIONS:
    SHOWN_NETWORKS.append("sr_multi")
# Options of the detection of peaks that the choice of an epoch depends on.
TRAINING_DETECTION = ["radius_px", "false_positive_rate", "fwhm_arcsec", "peaks"]
# Options of the object that renders pairs of high- and low-resolution images.
PAIR_MAKER = {
    "bands": [DETECTION_BAND],
    "detection_band": DETECTION_BAND,
    "low": HEMMATI["low"],
    "seed": SEED,
    "name": HEMMATI_SET,
}
TRAINED["hemmati2022"] = [(name, name) for name in RESOLUTIONS]
TARGETS["hemmati2022"] = [
    *expand("<results>/figures/hemmati2022/fig{n}.{ext}", n=range(1, 10), ext=["pdf", "png"]),
    *expand("<results>/figures/hemmati2022/fig{n}.csv", n=[1, 5, 6, 7, 9]),
    *expand(
        "<results>/tables/hemmati2022/{name}.{ext}",
        name=["detection", "ladder"],
        ext=["csv", "tex"],
    ),
    *expand("<results>/figures/hemmati2022/ladder_curves.{ext}", ext=["pdf", "png", "csv"]),
]


def cutouts_entry(wildcards):
    """Configuration of a set of cut-outs."""
    return HEMMATI["cutouts"][wildcards.cutouts]


def cutouts_from(source):
    """Regular expression of the names of the sets of cut-outs with a given source."""
    return any_of(n for n, s in HEMMATI["cutouts"].items() if s["source"] == source)


def cutouts_options(wildcards):
    """Options of a set of cut-outs: bands, size, and magnitudes of simulated galaxies."""
    entry = cutouts_entry(wildcards)
    names = ["detection_band", "parent_px", "pixel_scale_arcsec", "psf_moffat_beta"]
    if entry["source"] == "simulated":
        names += ["mag_min", "mag_max", "counts_slope", "neighbours_per_arcmin2"]
    # Mosaics are left out, since they are inputs of the rule; PSFs are named if they are measured.
    bands = [
        {key: value for key, value in band.items() if key not in ("mosaic", "checksum")}
        for band in entry["bands"]
    ]
    return {name: entry[name] for name in names} | {"bands": bands}


def cutouts_psfs(wildcards):
    """Files of the measured PSFs of a set of cut-outs."""
    return [
        named_psf_file(band["psf"]) for band in cutouts_entry(wildcards)["bands"] if band["psf"]
    ]


def cutouts_weights(wildcards):
    """Weight maps of the mosaics of a set of cut-outs."""
    return [
        mosaic_file(band["weight"]) for band in cutouts_entry(wildcards)["bands"] if band["weight"]
    ]


def cutouts_usable(wildcards):
    """Options of `keep_usable`."""
    entry = cutouts_entry(wildcards)
    return {
        "detection_band": entry["detection_band"],
        "max_off_centre_px": entry["cuts"]["max_off_centre_px"],
    }


def cutouts_parts(ext):
    """Input function for the chunks of simulated cut-outs, files with a given extension."""

    def find(wildcards):
        entry = cutouts_entry(wildcards)
        n = n_chunks(entry["n_galaxies"], entry["chunk_size"])
        return [f"<results>/datasets/{wildcards.cutouts}/parents/{c}.{ext}" for c in range(n)]

    return find


def network_bands(network):
    """Bands of a network's images."""
    return BANDS if "multi" in network else [DETECTION_BAND]


def hemmati_network(wildcards):
    """Configuration of a network."""
    options = dict(HEMMATI["network"])
    options["kind"] = "vanilla" if wildcards.sr == "vanilla" else "super_resolution"
    if wildcards.sr == "vanilla":
        options |= {key: value for key, value in HEMMATI["vanilla"].items() if value is not None}
    if "multi" in wildcards.sr:
        options |= {key: value for key, value in HEMMATI["multi"].items() if value is not None}
    if wildcards.sr.endswith(("_content", "_l1")):
        options["content_weight"] = HEMMATI["content_weight"]
    if wildcards.sr.endswith("_l1"):
        options["adversarial_weight"] = 0.0
    return options


def with_cutouts_mb(wildcards, input, attempt):
    """Memory of a job that reads cut-outs: of each band's and of all bands' images, up to 2 GiB stay.

    The rest is what was measured at toy scale, 1 GB, for three times as many blends, and the
    libraries of a GPU.
    """
    return more(6000 + min(1.2 * input.size_mb, 4500), attempt)


def hsc_pairs(wildcards):
    """Folder of real HST and HSC images of the same fields."""
    folder = HEMMATI["hsc_pairs"]["folder"]
    if folder is None:
        raise WorkflowError(
            "hemmati2022 > hsc_pairs > folder is null: set it to a folder with hst_NAME.fits and "
            "hsc_NAME.fits of the same fields, then ask for this target again"
        )
    return folder_input(folder)


wildcard_constraints:
    cutouts=any_of(HEMMATI["cutouts"]),
    sr=any_of(RESOLUTIONS),


# All write excluded.csv; the names in the configuration select the sets of the first three rules.
ruleorder: hemmati2022_assemble_cutouts > boucaud2020_assemble_dataset
ruleorder: hemmati2022_cutouts_files > boucaud2020_assemble_dataset
ruleorder: hemmati2022_cutouts_archive > boucaud2020_assemble_dataset


# --- Cut-outs ---


rule hemmati2022_catalogue_simulated:
    input:
        priors=project_file("config/priors.yaml"),
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("simulated"),
    # Four jobs, one after another, wait for it: networks, peaks, photometry and results.
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/catalogue_simulated.py"),
        seed=SEED,
        n_galaxies=lambda wildcards: cutouts_entry(wildcards)["n_galaxies"],
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        options=cutouts_options,
    message:
        "Draw the catalogue of the cut-outs {wildcards.cutouts}, split it and cut it"
    script:
        "../scripts/hemmati2022/catalogue_simulated.py"


rule hemmati2022_cutouts_simulate:
    input:
        selected="<results>/datasets/{cutouts}/selected.csv",
        priors=project_file("config/priors.yaml"),
        psfs=cutouts_psfs,
    output:
        stamps=temp("<results>/datasets/{cutouts}/parents/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{cutouts}/parents/{chunk}.csv"),
    log:
        "<results>/logs/hemmati2022/simulate_{cutouts}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/simulate_{cutouts}_{chunk}.tsv"
    wildcard_constraints:
        cutouts=cutouts_from("simulated"),
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory("hemmati2022/simulate_{cutouts}_{chunk}", 4000),
        runtime=minutes("hemmati2022/simulate_{cutouts}_{chunk}", 60),
    params:
        code=code("hemmati2022/cutouts_simulate.py"),
        seed=SEED,
        chunk_size=lambda wildcards: cutouts_entry(wildcards)["chunk_size"],
        options=cutouts_options,
        usable=cutouts_usable,
    message:
        "Simulate chunk {wildcards.chunk} of the cut-outs {wildcards.cutouts}"
    script:
        "../scripts/hemmati2022/cutouts_simulate.py"


rule hemmati2022_catalogue_files:
    input:
        images=lambda wildcards: stamp_files_input(cutouts_entry(wildcards)["images"]),
        catalog=lambda wildcards: cutouts_entry(wildcards)["catalog"],
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("files"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/catalogue_files.py"),
        seed=SEED,
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        listing=lambda wildcards: [
            stamps_listing(cutouts_entry(wildcards)["images"]),
            files_listing([cutouts_entry(wildcards)["catalog"]]),
        ],
        pattern=lambda wildcards: stamps_pattern(cutouts_entry(wildcards)["images"]),
        files=lambda wildcards: {
            key: cutouts_entry(wildcards)[key]
            for key in ("images_key", "mask_bits", "columns", "radius_unit")
        },
        options=cutouts_options,
    message:
        "Read the catalogue of the cut-outs {wildcards.cutouts}, split it and cut it"
    script:
        "../scripts/hemmati2022/catalogue_files.py"


rule hemmati2022_cutouts_files:
    input:
        images=lambda wildcards: stamp_files_input(cutouts_entry(wildcards)["images"]),
        psfs=cutouts_psfs,
        selected="<results>/datasets/{cutouts}/selected.csv",
    output:
        stamps="<results>/datasets/{cutouts}/cutouts.h5",
        split="<results>/datasets/{cutouts}/split.csv",
        excluded="<results>/datasets/{cutouts}/excluded.csv",
    log:
        "<results>/logs/hemmati2022/ingest_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("files"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("hemmati2022/cutouts_files.py"),
        seed=SEED,
        listing=lambda wildcards: stamps_listing(cutouts_entry(wildcards)["images"]),
        pattern=lambda wildcards: stamps_pattern(cutouts_entry(wildcards)["images"]),
        files=lambda wildcards: {
            key: cutouts_entry(wildcards)[key]
            for key in ("images_key", "mask_bits", "add_noise", "recentre")
        },
        options=cutouts_options,
        usable=cutouts_usable,
    message:
        "Read the cut-outs {wildcards.cutouts}"
    script:
        "../scripts/hemmati2022/cutouts_files.py"


# The catalogue is from VizieR or a file. The selection does not depend on the mosaics; galaxies whose
# cut-outs have no data are excluded later, when the cut-outs are made.
rule hemmati2022_catalogue_archive:
    input:
        catalog=lambda wildcards: table_file(cutouts_entry(wildcards)["catalog"]),
        redshifts=lambda wildcards: (
            table_file(cutouts_entry(wildcards)["redshift_catalog"])
            if cutouts_entry(wildcards)["redshift_catalog"]
            else []
        ),
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/catalogue_archive.py"),
        seed=SEED,
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        columns=lambda wildcards: cutouts_entry(wildcards)["columns"],
        redshift_columns=lambda wildcards: cutouts_entry(wildcards)["redshift_columns"],
        radius_unit=lambda wildcards: cutouts_entry(wildcards)["radius_unit"],
        pixel_scale_arcsec=lambda wildcards: cutouts_entry(wildcards)["pixel_scale_arcsec"],
    message:
        "Read the catalogue of the cut-outs {wildcards.cutouts}, split it and cut it"
    script:
        "../scripts/hemmati2022/catalogue_archive.py"


rule hemmati2022_cutouts_archive:
    input:
        mosaics=lambda wildcards: [
            mosaic_file(band["mosaic"]) for band in cutouts_entry(wildcards)["bands"]
        ],
        weights=cutouts_weights,
        psfs=cutouts_psfs,
        selected="<results>/datasets/{cutouts}/selected.csv",
    output:
        stamps="<results>/datasets/{cutouts}/cutouts.h5",
        split="<results>/datasets/{cutouts}/split.csv",
        excluded="<results>/datasets/{cutouts}/excluded.csv",
    log:
        "<results>/logs/hemmati2022/ingest_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(240),
    params:
        code=code("hemmati2022/cutouts_archive.py"),
        options=cutouts_options,
        usable=cutouts_usable,
        neighbour_mag_max=lambda wildcards: cutouts_entry(wildcards)["neighbour_mag_max"],
        offset_arcsec=lambda wildcards: cutouts_entry(wildcards)["offset_arcsec"],
    message:
        "Cut {wildcards.cutouts} out of the mosaics"
    script:
        "../scripts/hemmati2022/cutouts_archive.py"


rule hemmati2022_assemble_cutouts:
    input:
        stamps=cutouts_parts("h5"),
        exclusions=cutouts_parts("csv"),
        selected="<results>/datasets/{cutouts}/selected.csv",
    output:
        stamps="<results>/datasets/{cutouts}/cutouts.h5",
        split="<results>/datasets/{cutouts}/split.csv",
        excluded="<results>/datasets/{cutouts}/excluded.csv",
    log:
        "<results>/logs/hemmati2022/assemble_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_from("simulated"),
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/assemble_cutouts.py"),
        detection_band=lambda wildcards: cutouts_entry(wildcards)["detection_band"],
    message:
        "Assemble the cut-outs {wildcards.cutouts}"
    script:
        "../scripts/hemmati2022/assemble_cutouts.py"


# --- Networks, detections and photometry ---


rule hemmati2022_train:
    input:
        cutouts=covering_cutouts,
        split=CUTOUTS["split"],
    output:
        weights="<results>/networks/{sr}/network.h5",
        description="<results>/networks/{sr}/network.json",
        history="<results>/networks/{sr}/history.csv",
        timing="<results>/benchmarks/training/{sr}.json",
        layers_generator="<results>/networks/{sr}/layers_generator.csv",
        layers_discriminator="<results>/networks/{sr}/layers_discriminator.csv",
    log:
        "<results>/logs/train/{sr}.log",
    benchmark:
        "<results>/benchmarks/train/{sr}.tsv"
    # Before figures: a run that ends with long jobs leaves cores idle.
    priority: 1
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=with_cutouts_mb,
        runtime=minutes("train/{sr}", 1440, gpu=True),
        gpu=1,
    params:
        code=code("hemmati2022/train.py"),
        seed=SEED,
        scale=SCALE,
        threads=config["threads"]["training"],
        network=hemmati_network,
        maker=lambda wildcards: PAIR_MAKER | {"bands": network_bands(wildcards.sr)},
        blending=HEMMATI["blending"],
        detection={name: HEMMATI["detection"][name] for name in TRAINING_DETECTION},
        n_validation_blends=HEMMATI["n_blends"]["validation"],
        checkpoint=checkpoint(".pt"),
    message:
        "Train {wildcards.sr}"
    script:
        "../scripts/hemmati2022/train.py"


rule hemmati2022_detect:
    input:
        **CUTOUTS,
        **{f"{name}_weights": f"<results>/networks/{name}/network.h5" for name in RESOLUTIONS},
        **{f"{name}_record": f"<results>/networks/{name}/network.json" for name in RESOLUTIONS},
    output:
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        false_positives=f"{HEMMATI_FOLDER}/false_positives.csv",
        peaks=f"{HEMMATI_FOLDER}/peaks.csv",
        quality=f"{HEMMATI_FOLDER}/image_quality.csv",
        ladder=f"{HEMMATI_FOLDER}/ladder.csv",
        curves=f"{HEMMATI_FOLDER}/ladder_curves.csv",
        examples=f"{HEMMATI_FOLDER}/examples.h5",
        galleries=f"{HEMMATI_FOLDER}/galleries.h5",
    log:
        "<results>/logs/hemmati2022/detect.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/detect.tsv"
    # Before figures: a run that ends with long jobs leaves cores idle.
    priority: 1
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=with_cutouts_mb,
        runtime=minutes("hemmati2022/detect", 120, gpu=True),
        gpu=1,
    params:
        code=code("hemmati2022/detect.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        maker=PAIR_MAKER,
        networks={
            resolution: {"network": name, "bands": network_bands(name)}
            for name, resolution in RESOLUTIONS.items()
        },
        blending=HEMMATI["blending"],
        detection=HEMMATI["detection"],
        n_blends=HEMMATI["n_blends"],
        n_shown=6,
    message:
        "Find the peaks of the test blends in high, low and GAN resolution"
    script:
        "../scripts/hemmati2022/detect.py"


# Real images of the same fields from the ground and from space. Example of a target:
# results/hemmati2022/sr/pairs.pdf
rule hemmati2022_real_images:
    input:
        **CUTOUTS,
        folder=hsc_pairs,
        weights="<results>/networks/{sr}/network.h5",
        description="<results>/networks/{sr}/network.json",
        false_positives=f"{HEMMATI_FOLDER}/false_positives.csv",
        style=STYLE,
    output:
        table="<results>/hemmati2022/{sr}/pairs.csv",
        gain="<results>/hemmati2022/{sr}/pairs_gain.csv",
        pdf="<results>/hemmati2022/{sr}/pairs.pdf",
        png="<results>/hemmati2022/{sr}/pairs.png",
    log:
        "<results>/logs/hemmati2022/real_images_{sr}.log",
    wildcard_constraints:
        sr="sr|sr_content|sr_l1",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=with_cutouts_mb,
        runtime=growing(30),
    params:
        code=code("hemmati2022/real_images.py"),
        listing=lambda wildcards: folder_listing(
            HEMMATI["hsc_pairs"]["folder"], (".fits",), prefixes=("hst_", "hsc_")
        ),
        scale=SCALE,
        threads=1,
        maker=PAIR_MAKER,
        resolution=lambda wildcards: RESOLUTIONS[wildcards.sr],
        options={key: value for key, value in HEMMATI["hsc_pairs"].items() if key != "folder"},
        detection=HEMMATI["detection"],
    message:
        "Apply {wildcards.sr} to real HSC images"
    script:
        "../scripts/hemmati2022/real_images.py"


rule hemmati2022_photometry:
    input:
        **CUTOUTS,
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        peaks=f"{HEMMATI_FOLDER}/peaks.csv",
        mixtures=project_file("src/deblend/photometry/gaussian_mixtures.csv"),
    output:
        table=f"{HEMMATI_FOLDER}/photometry.csv",
    log:
        "<results>/logs/hemmati2022/photometry.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/photometry.tsv"
    # It needs several cores: one that is free would wait for them while others train.
    priority: 1
    conda:
        "../../envs/photometry.yaml"
    threads: workers(2)
    resources:
        mem_mb=with_cutouts_mb,
        runtime=minutes("hemmati2022/photometry", 120),
    params:
        code=code("hemmati2022/photometry.py"),
        maker=PAIR_MAKER,
        blending=HEMMATI["blending"],
        engine=HEMMATI["photometry_engine"],
        profile=HEMMATI["photometry_profile"],
    message:
        "Photometry at the positions from each resolution"
    script:
        "../scripts/hemmati2022/photometry.py"


# --- Figures and results ---


rule hemmati2022_network_figure:
    input:
        generators=expand(
            "<results>/networks/{network}/layers_generator.csv", network=SHOWN_NETWORKS
        ),
        discriminators=expand(
            "<results>/networks/{network}/layers_discriminator.csv", network=SHOWN_NETWORKS
        ),
        style=STYLE,
    output:
        **figure_outputs("hemmati2022", {1: "networks"}),
    log:
        "<results>/logs/hemmati2022/network_figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("hemmati2022/network_figure.py"),
        networks=SHOWN_NETWORKS,
        loss=HEMMATI["network"]["loss"],
        label=HEMMATI_LABEL,
    message:
        "Figure 1 of Hemmati et al. 2022"
    script:
        "../scripts/hemmati2022/network_figure.py"


rule hemmati2022_figures:
    input:
        galleries=f"{HEMMATI_FOLDER}/galleries.h5",
        examples=f"{HEMMATI_FOLDER}/examples.h5",
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        records=expand("<results>/networks/{name}/network.json", name=RESOLUTIONS),
        style=STYLE,
    output:
        **figure_outputs(
            "hemmati2022",
            {
                2: "galaxies from noise",
                3: "resolutions",
                4: "peaks of blends",
                5: "detections",
                6: "map of blends",
                8: "bands",
                9: "detections with all bands",
            },
            tables=[5, 6, 9],
        ),
        cells=f"{HEMMATI_FOLDER}/som_cells.csv",
        som=f"{HEMMATI_FOLDER}/som.json",
    log:
        "<results>/logs/hemmati2022/figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/figures.py"),
        seed=SEED,
        som_shape=HEMMATI["som_shape"],
        som_columns=["separation_px", "flux_ratio", "fwhm_sum_px", "delta_z"],
        pixel_scale_arcsec=HEMMATI["cutouts"][HEMMATI_SET]["pixel_scale_arcsec"],
        label=HEMMATI_LABEL,
        scale=SCALE,
    message:
        "Figures 2 to 6, 8 and 9 of Hemmati et al. 2022: detections and their map"
    script:
        "../scripts/hemmati2022/figures.py"


rule hemmati2022_ladder_figure:
    input:
        ladder=f"{HEMMATI_FOLDER}/ladder.csv",
        curves=f"{HEMMATI_FOLDER}/ladder_curves.csv",
        records=expand("<results>/networks/{name}/network.json", name=RESOLUTIONS),
        style=STYLE,
    output:
        **figure_outputs("hemmati2022", {"ladder_curves": "completeness against purity"}),
        **table_outputs("hemmati2022", {"ladder": "what each step gains"}),
    log:
        "<results>/logs/hemmati2022/ladder_figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("hemmati2022/ladder_figure.py"),
        label=HEMMATI_LABEL,
        scale=SCALE,
    message:
        "What filters, bands and networks gain (Hemmati et al. 2022)"
    script:
        "../scripts/hemmati2022/ladder_figure.py"


rule hemmati2022_photometry_figure:
    input:
        photometry=f"{HEMMATI_FOLDER}/photometry.csv",
        records=["<results>/networks/sr/network.json"],
        style=STYLE,
    output:
        **figure_outputs("hemmati2022", {7: "photometry"}),
        curves=f"{HEMMATI_FOLDER}/gpr.csv",
        scatter=f"{HEMMATI_FOLDER}/scatter.csv",
        bins=f"{HEMMATI_FOLDER}/scatter_bins.csv",
    log:
        "<results>/logs/hemmati2022/photometry_figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("hemmati2022/photometry_figure.py"),
        seed=SEED,
        label=HEMMATI_LABEL,
        scale=SCALE,
    message:
        "Figure 7 of Hemmati et al. 2022: photometry and its Gaussian process regression"
    script:
        "../scripts/hemmati2022/photometry_figure.py"


rule hemmati2022_results:
    input:
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        false_positives=f"{HEMMATI_FOLDER}/false_positives.csv",
        photometry=f"{HEMMATI_FOLDER}/photometry.csv",
        quality=f"{HEMMATI_FOLDER}/image_quality.csv",
        ladder=f"{HEMMATI_FOLDER}/ladder.csv",
        som=f"{HEMMATI_FOLDER}/som.json",
        records=expand("<results>/networks/{name}/network.json", name=RESOLUTIONS),
        published=PUBLISHED,
        bars=BARS,
    output:
        **table_outputs("hemmati2022", {"detection": "detections, false positives, photometry"}),
        claims="<results>/hemmati2022/claims.csv",
        reproduction="<results>/hemmati2022/reproduction.csv",
    log:
        "<results>/logs/hemmati2022/results.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("hemmati2022/results.py"),
        scale=SCALE,
        configuration=HEMMATI_LABEL,
        papers_data=HEMMATI["cutouts"][HEMMATI_SET]["source"] == "archive",
    message:
        "Hemmati et al. 2022: detections, comparison with published numbers, claims that hold"
    script:
        "../scripts/hemmati2022/results.py"
