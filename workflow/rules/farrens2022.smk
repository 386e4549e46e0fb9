# Farrens et al. 2022, BlendHunter: label stamps as isolated galaxies or blends. From top to bottom:
# stamps, networks, the SEP baseline, figures and tables, the authors' labels, results.
FARRENS = config["farrens2022"]
# How SEP detects; its labels are by all rules, and `labels` are those of the figures.
FARRENS_SEP = {key: value for key, value in FARRENS["sep"].items() if key != "labels"}
FARRENS_SETS = [
    (float(sigma), number)
    for sigma in FARRENS["noise_sigma"]
    for number in range(FARRENS["realisations"])
]
FARRENS_NAMES = [f"sigma{sigma:g}_{number}" for sigma, number in FARRENS_SETS]
# All samples except the training one: stamps to test the trained heads on.
TEST_SAMPLES = [name for name in FARRENS["samples"] if name != "parametric"]
TRAINED["farrens2022"] = [("blendhunter", f"blendhunter/{name}") for name in FARRENS_NAMES]
TARGETS["farrens2022"] = [
    *expand("<results>/figures/farrens2022/fig{n}.{ext}", n=range(1, 7), ext=["pdf", "png"]),
    *expand("<results>/figures/farrens2022/fig{n}.csv", n=[1, 3, 4, 5, 6]),
    *expand("<results>/tables/farrens2022/table{n}.{ext}", n=[1, 2], ext=["csv", "tex"]),
    "<results>/farrens2022/findings.csv",
    *expand("<results>/figures/farrens2022/fig5_magnitudes.{ext}", ext=["pdf", "png", "csv"]),
    "<results>/tables/farrens2022/magnitudes.csv",
    *expand(
        "<results>/figures/farrens2022/roc_{sample}.{ext}",
        sample=["parametric", "realistic"],
        ext=["pdf", "png", "csv"],
    ),
]
# Accuracies from the authors' labels of their own stamps, if the configuration has a table of them.
FARRENS_AUTHORS = (
    expand(
        "<results>/published/farrens2022/{name}.csv",
        name=["accuracy_parametric", "accuracy_by_distance"],
    )
    if FARRENS["published_predictions"]
    else []
)
TARGETS["farrens2022"] += FARRENS_AUTHORS


def sample_entry(wildcards):
    """Configuration of a sample of stamps."""
    return FARRENS["samples"][wildcards.sample]


def farrens_label(sample):
    """Label of a figure: scale, stamps and where they come from, and weights of VGG-16."""
    entry = FARRENS["samples"][sample]
    source = entry["archive"] if entry["source"] == "archive" else entry["source"]
    weights = FARRENS["vgg_weights"]
    return f"{SCALE} scale, {sample} stamps ({source}), VGG-16 weights: {weights}"


def catalog_of_sample(name):
    """The catalogue of a sample, if it is not simulated, as inputs of a rule."""
    entry = FARRENS["samples"][name]
    if entry["source"] == "files":
        return {"catalog": entry["catalog"]}
    if entry["source"] == "archive":
        return {"catalog": f"<resources>/{entry['archive']}/catalog"}
    return {}


def sample_catalog(wildcards):
    """Input function: the catalogue of the sample that the wildcards name."""
    return catalog_of_sample(wildcards.sample)


def sample_listing(wildcards):
    """Digest of the listing of the files that the user's catalogue of a sample names."""
    entry = sample_entry(wildcards)
    return real_galaxy_listing(entry["catalog"]) if entry["source"] == "files" else None


def magnitude_limits(sample):
    """Brightest and faintest magnitude of a sample's galaxies, as options of its stamps."""
    entry = FARRENS["samples"][sample]
    given = {key: entry[key] for key in ("mag_min", "mag_max") if entry[key] is not None}
    if entry["source"] == "simulated":
        return {key: FARRENS[key] for key in ("mag_min", "mag_max")} | given
    return {f"catalog_{key}": value for key, value in given.items()}


def realism_of_sample(sample):
    """Clumps and pairs of a sample's galaxies, for those that are simulated and not parametric."""
    entry = FARRENS["samples"][sample]
    if (entry["source"], entry["kind"]) != ("simulated", "real"):
        return {}
    return {key: FARRENS[key] for key in ("clumpiness", "pair_share")}


# Properties of all stamps.
SURVEY = {
    key: FARRENS[key]
    for key in (
        "stamp_size",
        "pixel_scale_arcsec",
        "exposure_s",
        "telescope_diameter_m",
        "telescope_obscuration",
        "moffat_beta",
        "moffat_fwhm_arcsec",
        "moffat_ellipticity_sigma",
        "kolmogorov_fwhm_arcsec",
        "kolmogorov_ellipticity_sigma",
    )
}


def sample_fractions(wildcards):
    """Share of a catalogue's galaxies in each split."""
    # Catalogues may share galaxies. With these shares no galaxy of a training is in a test sample.
    # If one of the two is simulated, all galaxies of the catalogue are available for the test.
    if catalog_of_sample(wildcards.sample) and catalog_of_sample("parametric"):
        return FARRENS["split"]
    return {"train": 0, "validation": 0, "test": 1}


# Ablations are not among the targets: farrens2022/ablations.csv has to be named. Their noise:
ABLATION_SIGMA = float(
    FARRENS["ablation_noise_sigma"]
    or min(FARRENS["noise_sigma"], key=lambda sigma: abs(sigma - FARRENS["realistic_noise_sigma"]))
)


def ablation_sets(noise):
    """Sets of stamps of ablations: sample and split, and name, noise levels and item of its seed.

    The test sets are those of the paper's heads of the first realisation.
    """
    all_levels = [float(sigma) for sigma in FARRENS["noise_sigma"]]
    levels = all_levels if noise == "all" else [ABLATION_SIGMA]
    # With one level, the noise is that of the paper's head.
    key = ["all"] if noise == "all" else [ABLATION_SIGMA, 0]
    sets = [
        (f"parametric/{split}", split, levels, ["parametric", split, *key])
        for split in ("train", "validation")
    ]
    for sigma in levels:
        item = ["parametric", "test", sigma, 0]
        sets.append(("parametric/test", f"test/sigma{sigma:g}_0", [sigma], item))
    noise_of_sample = [FARRENS["realistic_noise_sigma"]]
    return [*sets, ("realistic/test", "test/realistic", noise_of_sample, ["realistic", "test"])]


def inputs_of_ablation(wildcards):
    """Features of an ablation, which others may share."""
    entry = FARRENS["ablations"][wildcards.ablation]
    name = f"{entry['features']}_{entry['scaling']}_{entry['noise']}"
    return f"<results>/farrens2022/ablation_inputs/{name}.h5"


def ablation_inputs_mb(wildcards):
    """Size of the features or, for networks from scratch, of the stamps."""
    stamps = FARRENS["samples"]["parametric"]["n_stamps"]
    levels = len(FARRENS["noise_sigma"]) if wildcards.noise == "all" else 1
    n_stamps = stamps["train"] + stamps["validation"] + levels * stamps["test"]
    n_stamps += FARRENS["samples"]["realistic"]["n_stamps"]["test"]
    side = FARRENS["stamp_size"] + 2 * FARRENS["padding_px"]
    values = side**2 if wildcards.features == "scratch" else 512 * (side // 32) ** 2
    return 1 + n_stamps * values * 2 // 1_000_000


def published_predictions(wildcards):
    """Table of the authors' labels, for those who ask for what is made from it."""
    if not FARRENS["published_predictions"]:
        raise WorkflowError(
            "farrens2022.published_predictions is null, and results/published/farrens2022 is made "
            "from it: give the path of a table of the authors' labels (see config/README.md)"
        )
    return FARRENS["published_predictions"]


def labels_of_sample(method, sample, suffix):
    """Labels of a sample's test stamps: a file for each head if it is the training sample."""
    if sample == "parametric":
        return [f"<results>/predictions/{method}/{name}.csv" for name in FARRENS_NAMES]
    return [f"<results>/predictions/{method}/{sample}{suffix}"]


def features_mb(wildcards):
    """Size of the features of a training, which it keeps in files until it is finished."""
    stamps = FARRENS["samples"]["parametric"]["n_stamps"]
    n_stamps = sum(stamps.values()) + FARRENS["network"]["augment"] * stamps["train"]
    # VGG-16 halves the stamps five times and has 512 maps; a feature has 16 bits.
    n_features = 512 * ((FARRENS["stamp_size"] + 2 * FARRENS["padding_px"]) // 32) ** 2
    return 1 + n_stamps * n_features * 2 // 1_000_000


wildcard_constraints:
    sample=any_of(FARRENS["samples"]),
    split="train|validation|test",
    sigma=r"[\d.]+",
    realisation=r"\d+",


rule farrens2022_draw_stamps:
    input:
        unpack(sample_catalog),
    output:
        sample="<results>/farrens2022/{sample}/{split}.h5",
    log:
        "<results>/logs/farrens2022/{sample}_{split}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/{sample}_{split}.tsv"
    # Threads share the work; the stamps do not depend on their number.
    # It needs several cores: one that is free would wait for them while others train.
    priority: 1
    conda:
        "../../envs/analysis.yaml"
    threads: workers(8)
    resources:
        mem_mb=memory("farrens2022/{sample}_{split}", 8000),
        runtime=minutes("farrens2022/{sample}_{split}", 240),
    params:
        code=code("farrens2022/draw_stamps.py"),
        listing=sample_listing,
        seed=SEED,
        chunk_size=FARRENS["chunk_size"],
        n_stamps=lambda wildcards: sample_entry(wildcards)["n_stamps"][wildcards.split],
        # The least noise of those that the stamps are used with.
        noise_sigma=lambda wildcards: (
            min(FARRENS["noise_sigma"])
            if wildcards.sample == "parametric"
            else FARRENS["realistic_noise_sigma"]
        ),
        fractions=sample_fractions,
        # The catalogue's file in the archive's folder, where its companion files are too.
        archived=lambda wildcards: (
            ARCHIVES[sample_entry(wildcards)["archive"]]["members"]["catalog"]
            if sample_entry(wildcards)["source"] == "archive"
            else None
        ),
        config=lambda wildcards: {
            "kind": sample_entry(wildcards)["kind"],
            "exclusion_level": sample_entry(wildcards)["exclusion_level"],
            "close_fraction": sample_entry(wildcards)["close_fraction"],
            **magnitude_limits(wildcards.sample),
            **SURVEY,
            **realism_of_sample(wildcards.sample),
        },
    message:
        "Draw the {wildcards.sample} {wildcards.split} stamps"
    script:
        "../scripts/farrens2022/draw_stamps.py"


# As in the authors' code, the preprocessing subtracts no mean.
rule farrens2022_vgg:
    input:
        file=vgg_file(FARRENS["vgg_weights"]),
    output:
        weights="<results>/farrens2022/vgg16.h5",
    log:
        "<results>/logs/farrens2022/vgg16.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("farrens2022/vgg.py"),
        source=FARRENS["vgg_weights"],
        seed=SEED,
    message:
        "Prepare the weights of VGG-16"
    script:
        "../scripts/farrens2022/vgg.py"


rule farrens2022_train:
    input:
        train="<results>/farrens2022/parametric/train.h5",
        validation="<results>/farrens2022/parametric/validation.h5",
        test="<results>/farrens2022/parametric/test.h5",
        vgg="<results>/farrens2022/vgg16.h5",
    output:
        weights="<results>/networks/blendhunter/sigma{sigma}_{realisation}/head.weights.h5",
        description="<results>/networks/blendhunter/sigma{sigma}_{realisation}/network.json",
        history="<results>/networks/blendhunter/sigma{sigma}_{realisation}/history.csv",
        timing="<results>/benchmarks/training/blendhunter/sigma{sigma}_{realisation}.json",
        predictions="<results>/predictions/blendhunter/sigma{sigma}_{realisation}.csv",
    log:
        "<results>/logs/farrens2022/train_sigma{sigma}_{realisation}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/train_sigma{sigma}_{realisation}.tsv"
    # Before figures: a run that ends with long jobs leaves cores idle.
    priority: 1
    retries: 2
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("farrens2022/train_sigma{sigma}_{realisation}", 4000),
        runtime=minutes("farrens2022/train_sigma{sigma}_{realisation}", 240),
        disk_mb=features_mb,
    params:
        code=code("farrens2022/train.py"),
        seed=SEED,
        scale=SCALE,
        backend=config["backend"],
        threads=config["threads"]["training"],
        padding=FARRENS["padding_px"],
        survey=SURVEY,
        network=FARRENS["network"],
        checkpoint=checkpoint(".npz"),
    message:
        "Train BlendHunter at noise {wildcards.sigma}, realisation {wildcards.realisation}"
    script:
        "../scripts/farrens2022/train.py"


rule farrens2022_label:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        vgg="<results>/farrens2022/vgg16.h5",
        heads=expand("<results>/networks/blendhunter/{name}/head.weights.h5", name=FARRENS_NAMES),
    output:
        predictions="<results>/predictions/blendhunter/{sample}.csv.gz",
    log:
        "<results>/logs/farrens2022/labels_{sample}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/labels_{sample}.tsv"
    wildcard_constraints:
        sample=any_of(TEST_SAMPLES),
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("farrens2022/labels_{sample}", 4000),
        runtime=minutes("farrens2022/labels_{sample}", 240),
    params:
        code=code("farrens2022/label.py"),
        seed=SEED,
        backend=config["backend"],
        threads=config["threads"]["training"],
        heads=FARRENS_NAMES,
        dropout=FARRENS["network"]["dropout"],
        noise_sigma=FARRENS["realistic_noise_sigma"],
        item=lambda wildcards: [wildcards.sample, "test"],
        padding=FARRENS["padding_px"],
    message:
        "Label the {wildcards.sample} stamps with every trained head"
    script:
        "../scripts/farrens2022/label.py"


rule farrens2022_sep:
    input:
        sample="<results>/farrens2022/parametric/test.h5",
    output:
        labels="<results>/predictions/farrens2022_sep/sigma{sigma}_{realisation}.csv",
    log:
        "<results>/logs/farrens2022/sep_sigma{sigma}_{realisation}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        code=code("farrens2022/sep.py"),
        seed=SEED,
        noise_sigma=lambda wildcards: float(wildcards.sigma),
        item=lambda wildcards: [
            "parametric",
            "test",
            float(wildcards.sigma),
            int(wildcards.realisation),
        ],
        settings=FARRENS_SEP,
        padding=FARRENS["padding_px"],
        tolerance_px=FARRENS["tolerance_px"],
    message:
        "Label the stamps with SEP at noise {wildcards.sigma}, realisation {wildcards.realisation}"
    script:
        "../scripts/farrens2022/sep.py"


use rule farrens2022_sep as farrens2022_sep_of_sample with:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
    output:
        labels="<results>/predictions/farrens2022_sep/{sample}.csv",
    log:
        "<results>/logs/farrens2022/sep_{sample}.log",
    wildcard_constraints:
        sample=any_of(TEST_SAMPLES),
    params:
        code=code("farrens2022/sep.py"),
        seed=SEED,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        item=lambda wildcards: [wildcards.sample, "test"],
        settings=FARRENS_SEP,
        padding=FARRENS["padding_px"],
        tolerance_px=FARRENS["tolerance_px"],
    message:
        "Label the {wildcards.sample} stamps with SEP"


rule farrens2022_network_figures:
    input:
        vgg="<results>/farrens2022/vgg16.h5",
        sample="<results>/farrens2022/parametric/test.h5",
        style=STYLE,
    output:
        **figure_outputs("farrens2022", {1: "architecture", 2: "feature maps"}, tables=[1]),
        layers="<results>/farrens2022/layers.csv",
        features="<results>/farrens2022/features.h5",
    log:
        "<results>/logs/farrens2022/network_figures.log",
    conda:
        "../../envs/keras.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("farrens2022/network_figures.py"),
        backend=config["backend"],
        seed=SEED,
        side=FARRENS["stamp_size"] + 2 * FARRENS["padding_px"],
        noise_sigma=min(FARRENS["noise_sigma"]),
        padding=FARRENS["padding_px"],
        pixel_scale_arcsec=FARRENS["pixel_scale_arcsec"],
        label=farrens_label("parametric"),
    message:
        "Figures 1 and 2 of Farrens et al. 2022"
    script:
        "../scripts/farrens2022/network_figures.py"


rule farrens2022_figures:
    input:
        sample="<results>/farrens2022/parametric/test.h5",
        predictions=expand("<results>/predictions/blendhunter/{name}.csv", name=FARRENS_NAMES),
        sep=expand("<results>/predictions/farrens2022_sep/{name}.csv", name=FARRENS_NAMES),
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        published=PUBLISHED,
        style=STYLE,
    output:
        **figure_outputs(
            "farrens2022", {3: "accuracy against separation", 4: "accuracy against noise"}
        ),
        accuracy="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
    log:
        "<results>/logs/farrens2022/figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code("farrens2022/figures.py"),
        sep_labels=FARRENS["sep"]["labels"],
        sets=FARRENS_SETS,
        bins_px=FARRENS["distance_bins_px"],
        label=farrens_label("parametric"),
        scale=SCALE,
    message:
        "Figures 3 and 4 of Farrens et al. 2022: accuracies on the parametric stamps"
    script:
        "../scripts/farrens2022/figures.py"


rule farrens2022_sample_figures:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        predictions="<results>/predictions/blendhunter/{sample}.csv.gz",
        sep="<results>/predictions/farrens2022_sep/{sample}.csv",
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        published=[],  # whose stamps are others
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/farrens2022/{sample}", [5, 6]),
        accuracy="<results>/farrens2022/accuracy_{sample}.csv",
        confusion="<results>/farrens2022/confusion_{sample}.csv",
    log:
        "<results>/logs/farrens2022/figures_{sample}.log",
    # The rule below names the realistic stamps' figures as in the paper.
    wildcard_constraints:
        sample=any_of(name for name in TEST_SAMPLES if name != "realistic"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(10),
    params:
        code=code("farrens2022/sample_figures.py"),
        sep_labels=FARRENS["sep"]["labels"],
        sets=FARRENS_SETS,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=lambda wildcards: farrens_label(wildcards.sample),
        scale=SCALE,
    message:
        "Figures 5 and 6 of Farrens et al. 2022 for the {wildcards.sample} stamps"
    script:
        "../scripts/farrens2022/sample_figures.py"


use rule farrens2022_sample_figures as farrens2022_sample_figures_of_paper with:
    input:
        sample="<results>/farrens2022/realistic/test.h5",
        predictions="<results>/predictions/blendhunter/realistic.csv.gz",
        sep="<results>/predictions/farrens2022_sep/realistic.csv",
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        published=PUBLISHED,
        style=STYLE,
    output:
        **figure_outputs(
            "farrens2022",
            {5: "realistic stamps, accuracy minus SEP's", 6: "realistic stamps, confusion"},
        ),
        accuracy="<results>/farrens2022/accuracy_realistic.csv",
        confusion="<results>/farrens2022/confusion_realistic.csv",
    log:
        "<results>/logs/farrens2022/figures_realistic.log",
    params:
        code=code("farrens2022/sample_figures.py"),
        sep_labels=FARRENS["sep"]["labels"],
        sets=FARRENS_SETS,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=farrens_label("realistic"),
        scale=SCALE,
    message:
        "Figures 5 and 6 of Farrens et al. 2022"


# Against magnitude: this is not in the paper.
rule farrens2022_magnitudes:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        training="<results>/farrens2022/parametric/train.h5",  # for its faintest galaxies
        predictions="<results>/predictions/blendhunter/{sample}.csv.gz",
        sep="<results>/predictions/farrens2022_sep/{sample}.csv",
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        style=STYLE,
    output:
        pdf="<results>/farrens2022/{sample}/fig5_magnitudes.pdf",
        png="<results>/farrens2022/{sample}/fig5_magnitudes.png",
        table="<results>/farrens2022/{sample}/fig5_magnitudes.csv",
        limits="<results>/farrens2022/{sample}/magnitudes.csv",
    log:
        "<results>/logs/farrens2022/magnitudes_{sample}.log",
    wildcard_constraints:
        sample=any_of(name for name in TEST_SAMPLES if name != "realistic"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(20),
    params:
        code=code("farrens2022/magnitudes.py"),
        sets=FARRENS_SETS,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=lambda wildcards: farrens_label(wildcards.sample),
        scale=SCALE,
    message:
        "Accuracy on the {wildcards.sample} stamps against magnitude"
    script:
        "../scripts/farrens2022/magnitudes.py"


use rule farrens2022_magnitudes as farrens2022_magnitudes_of_paper with:
    input:
        sample="<results>/farrens2022/realistic/test.h5",
        training="<results>/farrens2022/parametric/train.h5",
        predictions="<results>/predictions/blendhunter/realistic.csv.gz",
        sep="<results>/predictions/farrens2022_sep/realistic.csv",
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        style=STYLE,
    output:
        pdf="<results>/figures/farrens2022/fig5_magnitudes.pdf",
        png=shown(
            "farrens2022",
            "<results>/figures/farrens2022/fig5_magnitudes.png",
            "5_supplement",
            "accuracy against magnitude",
        ),
        table="<results>/figures/farrens2022/fig5_magnitudes.csv",
        limits="<results>/tables/farrens2022/magnitudes.csv",
    log:
        "<results>/logs/farrens2022/magnitudes_realistic.log",
    params:
        code=code("farrens2022/magnitudes.py"),
        sets=FARRENS_SETS,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=farrens_label("realistic"),
        scale=SCALE,
    message:
        "Accuracy on the realistic stamps against magnitude"


# Not in the paper. On the parametric stamps each head has its own noise, on the others all have the same.
rule farrens2022_roc:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        predictions=lambda wildcards: labels_of_sample("blendhunter", wildcards.sample, ".csv.gz"),
        sep=lambda wildcards: labels_of_sample("farrens2022_sep", wildcards.sample, ".csv"),
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        style=STYLE,
    output:
        pdf="<results>/figures/farrens2022/roc_{sample}.pdf",
        png=shown(
            "farrens2022",
            "<results>/figures/farrens2022/roc_{sample}.png",
            "supplement",
            "ROC and calibration, {sample} stamps",
            caption="roc",
        ),
        table="<results>/figures/farrens2022/roc_{sample}.csv",
        points="<results>/farrens2022/roc_{sample}.csv",
        calibration="<results>/farrens2022/calibration_{sample}.csv",
    log:
        "<results>/logs/farrens2022/roc_{sample}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),  # of 80,000 stamps, five seconds for each head
    params:
        code=code("farrens2022/roc.py"),
        seed=SEED,
        sets=FARRENS_SETS,
        blend_shares=FARRENS["blend_shares"],
        label=lambda wildcards: farrens_label(wildcards.sample),
        scale=SCALE,
    message:
        "ROC and calibration of the heads on the {wildcards.sample} stamps"
    script:
        "../scripts/farrens2022/roc.py"


rule farrens2022_tables:
    input:
        parametric=expand(
            "<results>/farrens2022/parametric/{split}.h5", split=["train", "validation", "test"]
        ),
        realistic="<results>/farrens2022/realistic/test.h5",
        published=PUBLISHED,
    output:
        **table_outputs("farrens2022", {1: "samples", 2: "SEP's settings"}),
    log:
        "<results>/logs/farrens2022/tables.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("farrens2022/tables.py"),
        noise={
            "parametric": [FARRENS["noise_sigma"], FARRENS["realisations"]],
            "realistic": [[FARRENS["realistic_noise_sigma"]], 1],
        },
        sep=FARRENS_SEP,
    message:
        "Tables 1 and 2 of Farrens et al. 2022"
    script:
        "../scripts/farrens2022/tables.py"


rule farrens2022_ablation_inputs:
    input:
        samples=lambda wildcards: [
            f"<results>/farrens2022/{sample}.h5" for sample, *_ in ablation_sets(wildcards.noise)
        ],
        vgg=lambda wildcards: (
            "<results>/farrens2022/vgg16.h5" if wildcards.features == "vgg16" else []
        ),
    output:
        inputs=temp("<results>/farrens2022/ablation_inputs/{features}_{scaling}_{noise}.h5"),
    log:
        "<results>/logs/farrens2022/ablation_inputs_{features}_{scaling}_{noise}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/ablation_inputs_{features}_{scaling}_{noise}.tsv"
    wildcard_constraints:
        features="vgg16|random|scratch",
        scaling="paper|asinh",
        noise="one|all",
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("farrens2022/ablation_inputs_{features}_{scaling}_{noise}", 4000),
        runtime=minutes("farrens2022/ablation_inputs_{features}_{scaling}_{noise}", 240),
        disk_mb=ablation_inputs_mb,
    params:
        code=code("farrens2022/ablation_inputs.py"),
        seed=SEED,
        backend=config["backend"],
        threads=config["threads"]["training"],
        padding=FARRENS["padding_px"],
        sets=lambda wildcards: [what for _, *what in ablation_sets(wildcards.noise)],
    message:
        "What ablations get: {wildcards.features}, scaling {wildcards.scaling}, noise {wildcards.noise}"
    script:
        "../scripts/farrens2022/ablation_inputs.py"


rule farrens2022_train_ablation:
    input:
        inputs=inputs_of_ablation,
    output:
        weights="<results>/networks/farrens2022_ablations/{ablation}/network.weights.h5",
        description="<results>/networks/farrens2022_ablations/{ablation}/network.json",
        history="<results>/networks/farrens2022_ablations/{ablation}/history.csv",
        timing="<results>/benchmarks/training/farrens2022_ablations/{ablation}.json",
        predictions="<results>/predictions/farrens2022_ablations/{ablation}.csv.gz",
    log:
        "<results>/logs/farrens2022/train_ablation_{ablation}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/train_ablation_{ablation}.tsv"
    wildcard_constraints:
        ablation=any_of(FARRENS["ablations"]),
    retries: 2
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("farrens2022/train_ablation_{ablation}", 6000),
        runtime=minutes("farrens2022/train_ablation_{ablation}", 240),
    params:
        code=code("farrens2022/train_ablation.py"),
        seed=SEED,
        scale=SCALE,
        backend=config["backend"],
        threads=config["threads"]["training"],
        pixel_scale_arcsec=FARRENS["pixel_scale_arcsec"],
        ablation=lambda wildcards: FARRENS["ablations"][wildcards.ablation],
        network=FARRENS["network"],
        checkpoint=checkpoint(".npz"),
    message:
        "Train the ablation {wildcards.ablation} of BlendHunter"
    script:
        "../scripts/farrens2022/train_ablation.py"


rule farrens2022_ablations:
    input:
        parametric="<results>/farrens2022/parametric/test.h5",
        realistic="<results>/farrens2022/realistic/test.h5",
        heads=expand("<results>/predictions/blendhunter/{name}.csv", name=FARRENS_NAMES),
        realistic_heads="<results>/predictions/blendhunter/realistic.csv.gz",
        predictions=expand(
            "<results>/predictions/farrens2022_ablations/{name}.csv.gz", name=FARRENS["ablations"]
        ),
        records=expand(
            "<results>/networks/farrens2022_ablations/{name}/network.json",
            name=FARRENS["ablations"],
        ),
    output:
        table="<results>/farrens2022/ablations.csv",
    log:
        "<results>/logs/farrens2022/ablations.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
    params:
        code=code("farrens2022/ablations.py"),
        seed=SEED,
        scale=SCALE,
        heads=FARRENS_NAMES,
        levels={
            float(sigma): [f"sigma{sigma:g}_{k}" for k in range(FARRENS["realisations"])]
            for sigma in FARRENS["noise_sigma"]
        },
        noise_sigma=ABLATION_SIGMA,
        realistic_noise_sigma=FARRENS["realistic_noise_sigma"],
        ablations=FARRENS["ablations"],
    message:
        "Accuracies of the ablations of BlendHunter beside its heads'"
    script:
        "../scripts/farrens2022/ablations.py"


# The authors' labels of their own stamps, through the same metrics and figures.
rule farrens2022_published:
    input:
        predictions=published_predictions,
        published=PUBLISHED,
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/published/farrens2022", [3, 4]),
        accuracy="<results>/published/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/published/farrens2022/accuracy_by_distance.csv",
        confusion="<results>/published/farrens2022/confusion_parametric.csv",
    log:
        "<results>/logs/published/farrens2022.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(10),
    params:
        code=code("farrens2022/published.py"),
        bins_px=FARRENS["distance_bins_px"],
    message:
        "Figures 3 and 4 of Farrens et al. 2022 from the authors' labels"
    script:
        "../scripts/farrens2022/published.py"


rule farrens2022_results:
    input:
        parametric="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
        realistic="<results>/farrens2022/accuracy_realistic.csv",
        samples=expand("<results>/farrens2022/{sample}/test.h5", sample=["parametric", "realistic"]),
        records=expand("<results>/networks/blendhunter/{name}/network.json", name=FARRENS_NAMES),
        # Accuracies of the authors' labels, if they are configured.
        authors=FARRENS_AUTHORS,
        published=PUBLISHED,
        bars=BARS,
    output:
        claims="<results>/farrens2022/claims.csv",
        reproduction="<results>/farrens2022/reproduction.csv",
        findings="<results>/farrens2022/findings.csv",
    log:
        "<results>/logs/farrens2022/results.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("farrens2022/results.py"),
        scale=SCALE,
        noise_sigma=FARRENS["realistic_noise_sigma"],
        vgg_weights=FARRENS["vgg_weights"],
        authors_source=f"labels of {Path(FARRENS['published_predictions'] or '').name}",
        samples={
            name: {
                key: FARRENS["samples"][name][key] for key in ("kind", "source", "close_fraction")
            }
            for name in ("parametric", "realistic")
        },
        papers_data=all(
            FARRENS["samples"][name]["source"] == "archive" for name in ("parametric", "realistic")
        ),
    message:
        "Farrens et al. 2022: published numbers beside ours, which claims hold, and findings"
    script:
        "../scripts/farrens2022/results.py"
