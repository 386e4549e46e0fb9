# Boucaud et al. 2020: fluxes and masks of two blended CANDELS galaxies. From top to bottom: stamps,
# blends, the SEP baseline, networks, the catalogue of test blends, figures and tables, results.
BOUCAUD = config["boucaud2020"]
EDGE = BOUCAUD["blending"]["companion_edge"]
SEP_MODES = {mode: BOUCAUD["sep"][mode] for mode in ("cold", "hot")}
BOUCAUD_DATA = f"<results>/datasets/{BOUCAUD['dataset']}"
# Joint networks, whose fluxes the catalogue has columns for: one or none.
JOINT = [BOUCAUD["blend2mask2flux"]] if BOUCAUD["blend2mask2flux"] else []
# Networks that predict masks, by the paper's names.
MASK_ROLES = [role for role in ("unet", "blend2mask2flux") if BOUCAUD[role]]
MASK_FOLDERS = [f"<results>/predictions/{BOUCAUD[r]}/{BOUCAUD['dataset']}" for r in MASK_ROLES]
HAS_MASK_FIGURES = len(MASK_ROLES) == 2
# Further networks with figures of their own; those of joint networks show masks too.
COMPARED_JOINT = [
    name
    for name in BOUCAUD["compared"]
    if config["networks"][name]["architecture"] == "blend2mask2flux"
]


def baselines(name):
    """Predictions of the baselines on a data set. The fit needs the PSF, which not all have."""
    entry = config["datasets"][name]
    # Simulated and resampled images have the PSF that the configuration describes.
    has_psf = entry["source"] in ("simulated", "real_galaxy") or entry["psf"]
    methods = ["sep", "sep_self", *(["forced"] if has_psf else [])]
    return [f"<results>/predictions/{method}/{name}.csv" for method in methods]


# Predictions of the baselines in a supplementary figure, in this order.
BASELINES = baselines(BOUCAUD["dataset"])
# Whether the run includes the authors' catalogue, whose curves Figures 7 to 9 show too: where the
# configuration names one, and where its download is there already.
HAS_PUBLISHED = bool(BOUCAUD["published_catalogue"]) or IS_DOWNLOADED
AUTHORS_CURVES = (
    expand("<results>/published/figures/fig{n}.csv", n=(7, 8, 9)) if HAS_PUBLISHED else []
)
# Figures from a catalogue of test blends: the paper's, and bias against recovered magnitudes.
PHOTOMETRY_FIGURES = [5, 6, 7, 8, "8_predicted", 9]
BOOTSTRAP = {"seed": SEED, "n_resamples": BOUCAUD["bootstrap_resamples"]}
# Joint networks whose masks are compared: they may differ in the weights of their losses.
JOINT_NETWORKS = [*JOINT, *COMPARED_JOINT]
# The paper's networks: its names and their folders.
PAPER_ROLES = [
    (role, BOUCAUD[key])
    for key, role in (
        ("network", "blend2flux"),
        ("unet", "unet"),
        ("blend2mask2flux", "blend2mask2flux"),
    )
    if BOUCAUD[key]
]
# Networks that are compared with the paper's have their own names.
TRAINED["boucaud2020"] = PAPER_ROLES + [
    (name, name) for name in BOUCAUD["compared"] if name not in dict(PAPER_ROLES).values()
]
# Data sets of the numbers that are compared with the paper's: of the test, and of the training.
DATASETS_COMPARED = [
    BOUCAUD["dataset"],
    *(
        config["networks"][name]["dataset"]
        for name in [*dict(PAPER_ROLES).values(), *BOUCAUD["table2"]]
    ),
]
# Only the paper's own galaxies make its numbers comparable: the archive has this name.
PAPERS_DATA = all(
    config["datasets"][name].get("archive") == "boucaud2020_candels" for name in DATASETS_COMPARED
)
TARGETS["boucaud2020"] = [
    *expand(
        "<results>/figures/fig{n}.{ext}",
        n=[1, 2, 3, *([4] if BOUCAUD["unet"] else []), *PHOTOMETRY_FIGURES]
        + ([10, 11, 12] if HAS_MASK_FIGURES else []),
        ext=["pdf", "png", "csv"],
    ),
    *expand("<results>/tables/table{n}.{ext}", n=[1, 2, 3], ext=["csv", "tex"]),
    "<results>/tables/fig5_stats.csv",
    "<results>/boucaud2020/output_catalog.csv",
    "<results>/boucaud2020/photometry.csv",
    "<results>/tables/baselines_stats.csv",
    f"{BOUCAUD_DATA}/published_comparison.pdf",
    *expand("<results>/figures/fig5_baselines.{ext}", ext=["pdf", "png", "csv"]),
    *expand(
        "<results>/boucaud2020/{network}/{dataset}/fig{n}.{ext}",
        network=BOUCAUD["compared"],
        dataset=BOUCAUD["dataset"],
        n=PHOTOMETRY_FIGURES,
        ext=["pdf", "png", "csv"],
    ),
    *expand(
        "<results>/boucaud2020/{network}/{dataset}/fig{n}.{ext}",
        network=COMPARED_JOINT,
        dataset=BOUCAUD["dataset"],
        n=range(10, 13),
        ext=["pdf", "png", "csv"],
    ),
]
# From the authors' catalogue, at any scale; by default where the configuration names one.
PUBLISHED_TARGETS = [
    *expand(
        "<results>/published/figures/fig{n}.{ext}",
        n=PHOTOMETRY_FIGURES,
        ext=["pdf", "png", "csv"],
    ),
    *expand("<results>/published/tables/{name}.csv", name=["fig5_stats", "claims", "findings"]),
]
if HAS_PUBLISHED:
    TARGETS["boucaud2020"] += PUBLISHED_TARGETS


def baselines_of_dataset(wildcards):
    """Predictions of the baselines on the data set that a target names."""
    dataset(wildcards)  # which has an error message if there is none of that name
    return baselines(wildcards.dataset)


def stamp_chunks(wildcards):
    """Numbers (from 0) of the chunks of a data set's parent stamps."""
    entry = dataset(wildcards)
    if entry["source"] == "simulated":
        return range(n_chunks(entry["n_galaxies"], entry["chunk_size"]))
    if entry["source"] == "mosaics":
        return range(len(entry["fields"]))
    return range(1)


def cleaning(wildcards):
    """How a data set is cleaned: as all data sets, but with its own switches."""
    own = {k: v for k, v in dataset(wildcards)["cleaning"].items() if v is not None}
    return {k: v for k, v in BOUCAUD["cleaning"].items() if k != "rejected"} | own


def networks_with(architecture):
    """Regular expression that matches the networks of an architecture."""
    return any_of(n for n, d in config["networks"].items() if d["architecture"] == architecture)


def trained_on(wildcards):
    """Folder of the data set that a network is trained on."""
    return f"<results>/datasets/{config['networks'][wildcards.network]['dataset']}"


def unet_files(wildcards):
    """Files of the U-Net that a network's training starts from, if there is one."""
    unet = config["networks"][wildcards.network].get("unet")
    return (
        [f"<results>/networks/{unet}/network.{e}" for e in ("weights.h5", "json")] if unet else []
    )


def network_to_draw(role):
    """Configuration and stamp size of the network of a role, to build it untrained."""
    network = config["networks"][BOUCAUD[role]]
    return {
        "network": network,
        "stamp_size": config["datasets"][network["dataset"]]["stamp_size"],
    }


def published_catalogue(wildcards):
    """File of the authors' catalogue: the user's or the downloaded one."""
    downloaded = "<resources>/boucaud2020_published/output_catalog.csv"
    return downloaded if "://" in PUBLISHED_ENTRY["url"] else PUBLISHED_CATALOGUE


def mask_files(name, roles=("unet", "blend2mask2flux")):
    """Input function: files of a name beside the masks of the paper's networks."""

    def find(wildcards):
        for role in roles:
            if BOUCAUD[role] is None:
                raise WorkflowError(
                    f"boucaud2020 > {role} is null: the requested files need it, so name a network there"
                )
        return [f"<results>/predictions/{BOUCAUD[r]}/{BOUCAUD['dataset']}/{name}" for r in roles]

    return find


def unet_of(wildcards):
    """Name of the U-Net that a joint network's training starts from."""
    return config["networks"][wildcards.network]["unet"]


def mask_files_of_network(pattern):
    """Input function: files of a joint network and of its U-Net; `{name}` is the network."""
    return lambda wildcards: expand(
        pattern,
        name=[unet_of(wildcards), wildcards.network],
        dataset=wildcards.dataset,
    )


wildcard_constraints:
    network=any_of(config["networks"]),


# --- Stamps ---


rule boucaud2020_simulate:
    input:
        priors=project_file("config/priors.yaml"),
        noise=project_file("config/noise.yaml"),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/simulate/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/simulate/{dataset}_{chunk}.tsv"
    wildcard_constraints:
        dataset=datasets_from("simulated"),
    # The U-Net, the joint network and what waits for them are the longest row of jobs of a run.
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory("simulate/{dataset}_{chunk}", 2000),
        runtime=minutes("simulate/{dataset}_{chunk}", 60),
    params:
        code=code("boucaud2020/simulate.py"),
        seed=SEED,
        n_galaxies=lambda wildcards: dataset(wildcards)["n_galaxies"],
        chunk_size=lambda wildcards: dataset(wildcards)["chunk_size"],
        options=dataset_options(
            *DATASET_OPTIONS,
            *PSF_OPTIONS,
            "noise",
            "exposure_time_s",
            "mag_min",
            "mag_max",
            "n_neighbours_mean",
            "neighbour_mag_min",
            "neighbour_mag_max",
        ),
    message:
        "Simulate chunk {wildcards.chunk} of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/simulate.py"


rule boucaud2020_clean:
    input:
        stamps="<results>/datasets/{dataset}/parents/{chunk}.h5",
        rejected=project_file(BOUCAUD["cleaning"]["rejected"]),
    output:
        stamps=temp("<results>/datasets/{dataset}/cleaned/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{dataset}/cleaned/{chunk}.csv"),
    log:
        "<results>/logs/clean/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/clean/{dataset}_{chunk}.tsv"
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory("clean/{dataset}_{chunk}", 4000),
        runtime=minutes("clean/{dataset}_{chunk}", 60),
    params:
        code=code("boucaud2020/clean.py"),
        seed=SEED,
        limits=dataset_options("mag_min", "mag_max"),
        cleaning=cleaning,
        sep=SEP_MODES,
    message:
        "Clean chunk {wildcards.chunk} of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/clean.py"


# Of their sets other papers' rules make files of the same names.
SETS_OF_OTHERS = {*config["reiman2019"]["image_sets"], *config["hemmati2022"]["cutouts"]}
SETS_OF_OTHERS -= set(config["datasets"])


rule boucaud2020_assemble_dataset:
    input:
        stamps=lambda wildcards: expand(
            "<results>/datasets/{dataset}/cleaned/{chunk}.h5",
            dataset=wildcards.dataset,
            chunk=stamp_chunks(wildcards),
        ),
        exclusions=lambda wildcards: expand(
            "<results>/datasets/{dataset}/cleaned/{chunk}.csv",
            dataset=wildcards.dataset,
            chunk=stamp_chunks(wildcards),
        ),
        rejected=project_file(BOUCAUD["cleaning"]["rejected"]),
    output:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        exclusions="<results>/datasets/{dataset}/exclusions.csv",
        excluded="<results>/datasets/{dataset}/excluded.csv",
        criteria="<results>/datasets/{dataset}/criteria.csv",
    log:
        "<results>/logs/assemble/{dataset}.log",
    wildcard_constraints:
        dataset=f"(?!({any_of(SETS_OF_OTHERS)})/)[a-z][a-z0-9_]*",
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(30),
    params:
        code=code("boucaud2020/assemble_dataset.py"),
        seed=SEED,
        fractions=lambda wildcards: dataset(wildcards)["split"],
        delta_mag_max=BOUCAUD["blending"]["delta_mag_max"],
        cleaning=cleaning,
    message:
        "Put {wildcards.dataset} together and split its galaxies"
    script:
        "../scripts/boucaud2020/assemble_dataset.py"


rule boucaud2020_contact_sheets:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        style=STYLE,
    output:
        pdf="<results>/datasets/{dataset}/inspect.pdf",
    log:
        "<results>/logs/inspect/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("boucaud2020/contact_sheets.py"),
        label=lambda wildcards: f"{SCALE} scale, {wildcards.dataset}",
    message:
        "Contact sheets of {wildcards.dataset}'s clean stamps, to inspect"
    script:
        "../scripts/boucaud2020/contact_sheets.py"


rule inspect:
    """Pictures of all galaxies of a data set, to reject some by eye."""
    input:
        f"{BOUCAUD_DATA}/inspect.pdf",
    message:
        "Look through {input}; ids to leave out go to config/rejected.csv"


rule published:
    """Figures and claims from Boucaud et al.'s own catalogue (network)."""
    input:
        PUBLISHED_TARGETS,
    message:
        "Figures 5 to 9, claims and findings from the authors' catalogue of Boucaud et al. 2020"


# --- Blends and the baseline ---


rule boucaud2020_draw_blends:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
    output:
        blends="<results>/datasets/{dataset}/blends_{split}.ecsv",
    log:
        "<results>/logs/blends/{dataset}_{split}.log",
    # There are no files of training blends: the training draws its own.
    wildcard_constraints:
        split="validation|test",
    priority: 2
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("boucaud2020/draw_blends.py"),
        seed=SEED,
        n_blends=lambda wildcards: BOUCAUD["blending"]["n_blends"][wildcards.split],
        stamp_size=lambda wildcards: dataset(wildcards)["stamp_size"],
        blending={key: BOUCAUD["blending"][key] for key in ("delta_mag_max", "shift_rule")},
    message:
        "Draw the {wildcards.split} blends of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/draw_blends.py"


rule boucaud2020_sep:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
    output:
        predictions="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        zero_points="<results>/predictions/sep/{dataset}/zero_points.csv",
        isolated="<results>/predictions/sep/{dataset}/isolated.csv",
    log:
        "<results>/logs/sep/{dataset}.log",
    benchmark:
        "<results>/benchmarks/sep/{dataset}.tsv"
    # Threads share the blends; the measurements do not depend on their number.
    # It needs several cores: one that is free would wait for them while others train.
    priority: 1
    conda:
        "../../envs/analysis.yaml"
    threads: workers(2)
    resources:
        mem_mb=memory("sep/{dataset}", 4000),
        runtime=minutes("sep/{dataset}", 60),
    params:
        code=code("boucaud2020/sep.py"),
        seed=SEED,
        chunk_size=BOUCAUD["sep"]["chunk_size"],
        sep=SEP_MODES,
        companion_edge=EDGE,
    message:
        "Measure the test blends of {wildcards.dataset} with SEP"
    script:
        "../scripts/boucaud2020/sep.py"


rule boucaud2020_sep_self:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        sep="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        isolated="<results>/predictions/sep/{dataset}/isolated.csv",
        zero_points="<results>/predictions/sep/{dataset}/zero_points.csv",
    output:
        predictions="<results>/predictions/sep_self/{dataset}.csv",
    log:
        "<results>/logs/sep_self/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/sep_self.py"),
    message:
        "Compare SEP on the test blends of {wildcards.dataset} with SEP on the galaxies alone"
    script:
        "../scripts/boucaud2020/sep_self.py"


# Of data sets without an image of the PSF only when asked for, with an error that says what to do.
rule boucaud2020_forced_fit:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        mixtures=project_file("src/deblend/photometry/gaussian_mixtures.csv"),
    output:
        predictions="<results>/predictions/forced/{dataset}.csv",
    log:
        "<results>/logs/forced_fit/{dataset}.log",
    benchmark:
        "<results>/benchmarks/forced_fit/{dataset}.tsv"
    # Threads share the blends; the fits do not depend on their number.
    # Before figures: a run that ends with long jobs leaves cores idle.
    priority: 1
    conda:
        "../../envs/analysis.yaml"
    threads: workers(2)
    resources:
        mem_mb=memory("forced_fit/{dataset}", 4000),
        runtime=minutes("forced_fit/{dataset}", 120),
    params:
        code=code("boucaud2020/forced_fit.py"),
        chunk_size=100,
        companion_edge=EDGE,
    message:
        "Fit both galaxies of each test blend of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/forced_fit.py"


# --- Networks ---


rule boucaud2020_train:
    input:
        stamps=lambda wildcards: f"{trained_on(wildcards)}/stamps.h5",
        galaxies=lambda wildcards: f"{trained_on(wildcards)}/galaxies.ecsv",
        validation=lambda wildcards: f"{trained_on(wildcards)}/blends_validation.ecsv",
        unet=unet_files,
    output:
        weights="<results>/networks/{network}/network.weights.h5",
        description="<results>/networks/{network}/network.json",
        history="<results>/networks/{network}/history.csv",
        timing="<results>/benchmarks/training/{network}.json",
    log:
        "<results>/logs/train/{network}.log",
    benchmark:
        "<results>/benchmarks/train/{network}.tsv"
    priority: 2
    retries: 2
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("train/{network}", 16000, gpu=True),
        runtime=minutes("train/{network}", 1440, gpu=True),
        gpu=1,
    params:
        code=code("boucaud2020/train.py"),
        seed=SEED,
        scale=SCALE,
        backend=config["backend"],
        threads=config["threads"]["training"],
        network=lambda wildcards: config["networks"][wildcards.network],
        blending={
            key: BOUCAUD["blending"][key]
            for key in ("delta_mag_max", "shift_rule", "companion_edge")
        },
        checkpoint=checkpoint(".npz"),
    message:
        "Train {wildcards.network}"
    script:
        "../scripts/boucaud2020/train.py"


# The architecture decides whether a network predicts fluxes, masks or both.
rule boucaud2020_predict:
    input:
        weights="<results>/networks/{network}/network.weights.h5",
        description="<results>/networks/{network}/network.json",
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        trained_on=lambda wildcards: f"{trained_on(wildcards)}/galaxies.ecsv",
    output:
        predictions="<results>/predictions/{network}/{dataset}.csv",
    log:
        "<results>/logs/predict/{network}_{dataset}.log",
    benchmark:
        "<results>/benchmarks/predict/{network}_{dataset}.tsv"
    wildcard_constraints:
        network=networks_with("blend2flux"),
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("predict/{network}_{dataset}", 8000),
        runtime=minutes("predict/{network}_{dataset}", 120),
    params:
        code=code("boucaud2020/predict.py"),
        seed=SEED,
        backend=config["backend"],
        threads=config["threads"]["training"],
        companion_edge=EDGE,
    message:
        "Predict the test blends of {wildcards.dataset} with {wildcards.network}"
    script:
        "../scripts/boucaud2020/predict.py"


use rule boucaud2020_predict as boucaud2020_predict_masks with:
    output:
        iou="<results>/predictions/{network}/{dataset}/iou.csv",
        masks="<results>/predictions/{network}/{dataset}/masks.h5",
    wildcard_constraints:
        network=networks_with("unet"),


use rule boucaud2020_predict as boucaud2020_predict_both with:
    output:
        predictions="<results>/predictions/{network}/{dataset}.csv",
        iou="<results>/predictions/{network}/{dataset}/iou.csv",
        masks="<results>/predictions/{network}/{dataset}/masks.h5",
    wildcard_constraints:
        network=networks_with("blend2mask2flux"),


# --- The catalogue of test blends, and its statistics ---


# For any network and data set, under its own name. The rule below names files and columns of the
# paper's pair as in the paper.
rule boucaud2020_catalog:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        predictions=["<results>/predictions/{network}/{dataset}.csv"],
        records=["<results>/networks/{network}/network.json"],
        sep="<results>/predictions/sep/{dataset}.csv",
        baselines=baselines_of_dataset,
        detections="<results>/predictions/sep/{dataset}/detections.csv",
    output:
        catalog="<results>/boucaud2020/{network}/{dataset}/output_catalog.csv",
        description="<results>/boucaud2020/{network}/{dataset}/output_catalog.json",
        photometry="<results>/boucaud2020/{network}/{dataset}/photometry.csv",
    log:
        "<results>/logs/boucaud2020/catalog_{network}_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("boucaud2020/catalog.py"),
        seed=SEED,
        scale=SCALE,
        dataset=lambda wildcards: wildcards.dataset,
        networks=lambda wildcards: [wildcards.network],
        roles=[],
        sextractor_flux=BOUCAUD["sextractor_flux"],
        n_resamples=BOUCAUD["bootstrap_resamples"],
    message:
        "Catalogue and statistics of {wildcards.dataset}'s test blends, with {wildcards.network}"
    script:
        "../scripts/boucaud2020/catalog.py"


use rule boucaud2020_catalog as boucaud2020_catalog_of_paper with:
    input:
        stamps=f"{BOUCAUD_DATA}/stamps.h5",
        blends=f"{BOUCAUD_DATA}/blends_test.ecsv",
        predictions=[
            f"<results>/predictions/{network}/{BOUCAUD['dataset']}.csv"
            for network in [BOUCAUD["network"], *JOINT]
        ],
        records=expand("<results>/networks/{name}/network.json", name=[BOUCAUD["network"], *JOINT]),
        sep=f"<results>/predictions/sep/{BOUCAUD['dataset']}.csv",
        baselines=BASELINES,
        detections=f"<results>/predictions/sep/{BOUCAUD['dataset']}/detections.csv",
    output:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        photometry="<results>/boucaud2020/photometry.csv",
    log:
        "<results>/logs/boucaud2020/catalog.log",
    params:
        code=code("boucaud2020/catalog.py"),
        seed=SEED,
        scale=SCALE,
        dataset=BOUCAUD["dataset"],
        networks=[BOUCAUD["network"], *JOINT],
        roles=["blend2flux", "blend2mask2flux"][: 1 + len(JOINT)],
        sextractor_flux=BOUCAUD["sextractor_flux"],
        n_resamples=BOUCAUD["bootstrap_resamples"],
    message:
        "Catalogue and statistics of the test blends"


# Isophotes, tails and blending told apart.
rule boucaud2020_baselines:
    input:
        isolated=f"<results>/predictions/sep/{BOUCAUD['dataset']}/isolated.csv",
        zero_points=f"<results>/predictions/sep/{BOUCAUD['dataset']}/zero_points.csv",
        photometry="<results>/boucaud2020/photometry.csv",
    output:
        table="<results>/tables/baselines_stats.csv",
    log:
        "<results>/logs/boucaud2020/baselines.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/baselines.py"),
        dataset=BOUCAUD["dataset"],
        bootstrap=BOOTSTRAP,
        left_out=(
            [] if len(BASELINES) == 3 else ["no fit of both galaxies: the data set has no psf"]
        ),
    message:
        "What the errors of baselines and networks come from"
    script:
        "../scripts/boucaud2020/baselines.py"


# The authors' own catalogue, for the same figures.
rule boucaud2020_published_catalogue:
    input:
        catalog=published_catalogue,
        published=PUBLISHED,
    output:
        catalog="<results>/published/output_catalog.csv",
        description="<results>/published/output_catalog.json",
    log:
        "<results>/logs/published/catalog.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("boucaud2020/published_catalogue.py"),
        # Of the authors' file: any other one is not theirs.
        checksum=ARCHIVES.get(AUTHORS_CATALOGUE, {}).get("checksum"),
    message:
        "Check the catalogue that Boucaud et al. 2020 published"
    script:
        "../scripts/boucaud2020/published_catalogue.py"


# A data set can be compared with the published sample before any network is trained.
rule boucaud2020_published_sample:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        sep="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        published=PUBLISHED,
        style=STYLE,
    output:
        catalog="<results>/datasets/{dataset}/comparison_catalog.csv",
        description="<results>/datasets/{dataset}/comparison_catalog.json",
        table="<results>/datasets/{dataset}/published_comparison.csv",
        pdf="<results>/datasets/{dataset}/published_comparison.pdf",
        png="<results>/datasets/{dataset}/published_comparison.png",
    log:
        "<results>/logs/boucaud2020/published_sample_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/published_sample.py"),
        scale=SCALE,
        dataset=lambda wildcards: wildcards.dataset,
    message:
        "Compare {wildcards.dataset} with the published sample"
    script:
        "../scripts/boucaud2020/published_sample.py"


# --- Figures and tables ---


# Parent stamps are temporary, so this rule keeps those that Figure 1 shows. If it ran again, parent
# stamps would be made again, and all that depends on them too, even networks. So the rule has no
# digest of its code. After an edit of it, run with `--forcerun boucaud2020_cleaning_examples`.
rule boucaud2020_cleaning_examples:
    input:
        parents=f"{BOUCAUD_DATA}/parents/0.h5",
        cleaned=f"{BOUCAUD_DATA}/cleaned/0.h5",
    output:
        examples="<results>/boucaud2020/cleaning_examples.h5",
    log:
        "<results>/logs/boucaud2020/cleaning_examples.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(10),
    message:
        "Choose galaxies for Figure 1"
    script:
        "../scripts/boucaud2020/cleaning_examples.py"


rule boucaud2020_example_figures:
    input:
        cleaning="<results>/boucaud2020/cleaning_examples.h5",
        stamps=f"{BOUCAUD_DATA}/stamps.h5",
        blends=f"{BOUCAUD_DATA}/blends_test.ecsv",
        style=STYLE,
    output:
        **figure_outputs("boucaud2020", {1: "galaxies before and after cleaning", 2: "blends"}),
        examples="<results>/boucaud2020/blend_examples.h5",
    log:
        "<results>/logs/boucaud2020/example_figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/example_figures.py"),
        scale=SCALE,
        dataset=BOUCAUD["dataset"],
        companion_edge=EDGE,
    message:
        "Figures 1 and 2: cleaning and blends"
    script:
        "../scripts/boucaud2020/example_figures.py"


rule boucaud2020_network_figures:
    input:
        published=PUBLISHED,
        style=STYLE,
    output:
        **(
            {"layers4": f"<results>/networks/{BOUCAUD['unet']}/layers.csv"}
            if BOUCAUD["unet"]
            else {}
        ),
        **figure_outputs(
            "boucaud2020", {3: "blend2flux"} | ({4: "U-Net"} if BOUCAUD["unet"] else {})
        ),
        layers3=f"<results>/networks/{BOUCAUD['network']}/layers.csv",
        parameters="<results>/boucaud2020/parameters.csv",
    log:
        "<results>/logs/boucaud2020/network_figures.log",
    conda:
        "../../envs/keras.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/network_figures.py"),
        backend=config["backend"],
        networks={3: network_to_draw("network")}
        | ({4: network_to_draw("unet")} if BOUCAUD["unet"] else {}),
        label=f"{SCALE} scale, {BOUCAUD['dataset']}",
    message:
        "Figures 3 and 4: the built networks; parameters of those of the paper"
    script:
        "../scripts/boucaud2020/network_figures.py"


# Without a U-Net, Figure 4 is an error that says so.
if not BOUCAUD["unet"]:

    use rule boucaud2020_network_figures as boucaud2020_network_figures_of_unet with:
        input:
            published=PUBLISHED,
            style=STYLE,
            unet=mask_files("masks.h5", ["unet"]),
        output:
            **figure_outputs("boucaud2020", {4: "U-Net"}),


# From a catalogue in the published format. Rules below do the same for any network and data set,
# and for the authors' catalogue.
rule boucaud2020_figures:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        published=AUTHORS_CURVES,
        style=STYLE,
    output:
        **figure_outputs(
            "boucaud2020",
            {
                5: "recovered magnitudes",
                6: "magnitudes, pair detected or missed",
                7: "errors against magnitude difference",
                8: "bias and scatter",
                "8_predicted": "bias against true and recovered magnitude",
                9: "bias and scatter by morphology",
            },
        ),
        **{f"points{n}": f"<results>/figures/fig{n}_points.csv" for n in PHOTOMETRY_FIGURES},
        statistics="<results>/tables/fig5_stats.csv",
    log:
        "<results>/logs/boucaud2020/figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code("boucaud2020/figures.py"),
        bootstrap=BOOTSTRAP,
    message:
        "Figures 5 to 9: magnitudes and their errors"
    script:
        "../scripts/boucaud2020/figures.py"


use rule boucaud2020_figures as boucaud2020_figures_of_dataset with:
    input:
        catalog="<results>/boucaud2020/{network}/{dataset}/output_catalog.csv",
        description="<results>/boucaud2020/{network}/{dataset}/output_catalog.json",
        published=AUTHORS_CURVES,
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/boucaud2020/{network}/{dataset}", PHOTOMETRY_FIGURES),
        **{
            f"points{n}": f"<results>/boucaud2020/{{network}}/{{dataset}}/fig{n}_points.csv"
            for n in PHOTOMETRY_FIGURES
        },
        statistics="<results>/boucaud2020/{network}/{dataset}/fig5_stats.csv",
    log:
        "<results>/logs/boucaud2020/figures_{network}_{dataset}.log",
    message:
        "Figures 5 to 9 for {wildcards.network} on {wildcards.dataset}"


use rule boucaud2020_figures as boucaud2020_figures_of_published with:
    input:
        catalog="<results>/published/output_catalog.csv",
        description="<results>/published/output_catalog.json",
        published=[],
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/published/figures", PHOTOMETRY_FIGURES),
        **{
            f"points{n}": f"<results>/published/figures/fig{n}_points.csv"
            for n in PHOTOMETRY_FIGURES
        },
        statistics="<results>/published/tables/fig5_stats.csv",
    log:
        "<results>/logs/published/figures.log",
    message:
        "Figures 5 to 9 from the published catalogue"


# From a catalogue without networks, so that no network has to be trained for it.
rule boucaud2020_baselines_figure:
    input:
        predictions=BASELINES,
        catalog=f"{BOUCAUD_DATA}/comparison_catalog.csv",
        description=f"{BOUCAUD_DATA}/comparison_catalog.json",
        style=STYLE,
    output:
        pdf="<results>/figures/fig5_baselines.pdf",
        png=shown(
            "boucaud2020", "<results>/figures/fig5_baselines.png", "5_supplement", "baselines"
        ),
        table="<results>/figures/fig5_baselines.csv",
        points="<results>/figures/fig5_baselines_points.csv",
    log:
        "<results>/logs/boucaud2020/baselines_figure.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(20),
    params:
        code=code("boucaud2020/baselines_figure.py"),
        bootstrap=BOOTSTRAP,
    message:
        "Baselines in the layout of Figure 5"
    script:
        "../scripts/boucaud2020/baselines_figure.py"


rule boucaud2020_mask_figures:
    input:
        iou=mask_files("iou.csv"),
        records=[f"<results>/networks/{BOUCAUD[role]}/network.json" for role in MASK_ROLES],
        masks=mask_files("masks.h5"),
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        style=STYLE,
    output:
        **figure_outputs(
            "boucaud2020",
            {10: "masks from the blend", 11: "masks of the two networks", 12: "IoU"},
        ),
    log:
        "<results>/logs/boucaud2020/mask_figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("boucaud2020/mask_figures.py"),
        networks={role: BOUCAUD[role] for role in MASK_ROLES},
        bootstrap=BOOTSTRAP,
        pixel_scale_arcsec=config["datasets"][BOUCAUD["dataset"]]["pixel_scale_arcsec"],
    message:
        "Figures 10 to 12: masks"
    script:
        "../scripts/boucaud2020/mask_figures.py"


use rule boucaud2020_mask_figures as boucaud2020_mask_figures_of_network with:
    input:
        iou=mask_files_of_network("<results>/predictions/{name}/{dataset}/iou.csv"),
        records=mask_files_of_network("<results>/networks/{name}/network.json"),
        masks=mask_files_of_network("<results>/predictions/{name}/{dataset}/masks.h5"),
        catalog="<results>/boucaud2020/{network}/{dataset}/output_catalog.csv",
        description="<results>/boucaud2020/{network}/{dataset}/output_catalog.json",
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/boucaud2020/{network}/{dataset}", range(10, 13)),
    log:
        "<results>/logs/boucaud2020/mask_figures_{network}_{dataset}.log",
    wildcard_constraints:
        network=networks_with("blend2mask2flux"),
    params:
        code=code("boucaud2020/mask_figures.py"),
        networks=lambda wildcards: {
            "unet": unet_of(wildcards),
            wildcards.network: wildcards.network,
        },
        bootstrap=BOOTSTRAP,
        pixel_scale_arcsec=lambda wildcards: dataset(wildcards)["pixel_scale_arcsec"],
    message:
        "Figures 10 to 12 for {wildcards.network} on {wildcards.dataset}"


# The counts of Table 1, for any data set.
rule boucaud2020_tables:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        excluded="<results>/datasets/{dataset}/excluded.csv",
        published=PUBLISHED,
    output:
        csv1="<results>/datasets/{dataset}/table1.csv",
    log:
        "<results>/logs/boucaud2020/tables_{dataset}.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("boucaud2020/tables.py"),
        scale=SCALE,
        dataset=lambda wildcards: wildcards.dataset,
        sep=SEP_MODES,
    message:
        "Count the galaxies of {wildcards.dataset} by class"
    script:
        "../scripts/boucaud2020/tables.py"


use rule boucaud2020_tables as boucaud2020_tables_of_paper with:
    input:
        galaxies=f"{BOUCAUD_DATA}/galaxies.ecsv",
        excluded=f"{BOUCAUD_DATA}/excluded.csv",
        published=PUBLISHED,
    output:
        **table_outputs("boucaud2020", {1: "galaxies by class", 3: "SExtractor's settings"}),
    log:
        "<results>/logs/boucaud2020/tables.log",
    # Not inherited.
    localrule: True
    params:
        code=code("boucaud2020/tables.py"),
        scale=SCALE,
        dataset=BOUCAUD["dataset"],
        sep=SEP_MODES,
    message:
        "Tables 1 and 3: galaxies by class, settings of the baseline"


rule boucaud2020_table2:
    input:
        galaxies=f"{BOUCAUD_DATA}/galaxies.ecsv",
        blends=f"{BOUCAUD_DATA}/blends_test.ecsv",
        predictions=expand(
            "<results>/predictions/{network}/{dataset}.csv",
            network=BOUCAUD["table2"],
            dataset=BOUCAUD["dataset"],
        ),
        descriptions=expand("<results>/networks/{network}/network.json", network=BOUCAUD["table2"]),
        published=PUBLISHED,
    output:
        **table_outputs("boucaud2020", {2: "flux error by filters"}),
    log:
        "<results>/logs/boucaud2020/table2.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("boucaud2020/table2.py"),
        networks=BOUCAUD["table2"],
        scale=SCALE,
        bootstrap=BOOTSTRAP,
    message:
        "Table 2: flux error of blend2flux, by number of filters"
    script:
        "../scripts/boucaud2020/table2.py"


# --- Results: the paper's numbers beside ours, its claims, and findings about it ---


# In the order of `read_authors`.
AUTHORS_FILES = expand(
    "<results>/published/{name}",
    name=[
        "tables/fig5_stats.csv",
        "figures/fig5_points.csv",
        "figures/fig7.csv",
        "figures/fig7_points.csv",
        "figures/fig8.csv",
        "figures/fig9.csv",
        "output_catalog.csv",
        "output_catalog.json",
    ],
)
# Tables of this run, by name.
RESULT_TABLES = {
    "statistics": "<results>/tables/fig5_stats.csv",
    "points": "<results>/figures/fig5_points.csv",
    "fig7": "<results>/figures/fig7.csv",
    "fig7_points": "<results>/figures/fig7_points.csv",
    "fig8": "<results>/figures/fig8.csv",
    "fig9": "<results>/figures/fig9.csv",
    "table1": "<results>/tables/table1.csv",
    "table2": "<results>/tables/table2.csv",
    "catalog": "<results>/boucaud2020/output_catalog.csv",
    "photometry": "<results>/boucaud2020/photometry.csv",
    "parameters": "<results>/boucaud2020/parameters.csv",
    "zero_points": f"<results>/predictions/sep/{BOUCAUD['dataset']}/zero_points.csv",
}


rule boucaud2020_results:
    input:
        tables=list(RESULT_TABLES.values()),
        description="<results>/boucaud2020/output_catalog.json",
        iou=[f"{folder}/iou.csv" for folder in MASK_FOLDERS],
        fig12=["<results>/figures/fig12.csv"] if HAS_MASK_FIGURES else [],
        records=[f"<results>/networks/{name}/network.json" for _, name in TRAINED["boucaud2020"]],
        timings=[f"<results>/benchmarks/training/{name}.json" for _, name in PAPER_ROLES],
        joint_records=[f"<results>/networks/{name}/network.json" for name in JOINT_NETWORKS],
        joint_iou=[
            f"<results>/predictions/{name}/{BOUCAUD['dataset']}/iou.csv" for name in JOINT_NETWORKS
        ],
        # Numbers from the authors' own catalogue, if it is configured.
        authors=AUTHORS_FILES if HAS_PUBLISHED else [],
        published=PUBLISHED,
        bars=BARS,
    output:
        **({"iou": "<results>/boucaud2020/iou.csv"} if MASK_ROLES else {}),
        claims="<results>/boucaud2020/claims.csv",
        reproduction="<results>/boucaud2020/reproduction.csv",
        findings="<results>/boucaud2020/findings.csv",
    log:
        "<results>/logs/boucaud2020/results.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("boucaud2020/results.py"),
        tables=list(RESULT_TABLES),
        networks=dict(PAPER_ROLES),
        mask_roles=MASK_ROLES,
        comparison={"papers_data": PAPERS_DATA, "bootstrap": BOOTSTRAP},
    message:
        "Boucaud et al. 2020: published numbers beside ours, which claims hold, and findings"
    script:
        "../scripts/boucaud2020/results.py"


# The authors' own catalogue has no AUTO fluxes, masks or other networks: claims on them stay empty.
rule boucaud2020_claims:
    input:
        authors=AUTHORS_FILES,
        published=PUBLISHED,
    output:
        claims="<results>/published/tables/claims.csv",
        findings="<results>/published/tables/findings.csv",
    log:
        "<results>/logs/published/claims.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("boucaud2020/claims.py"),
    message:
        "Which claims hold in the published catalogue, and what it shows about the paper"
    script:
        "../scripts/boucaud2020/claims.py"
