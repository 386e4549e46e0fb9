# Boucaud et al. 2020: fluxes and masks of two blended CANDELS galaxies.
BOUCAUD = config["boucaud2020"]
EDGE = BOUCAUD["blending"]["companion_edge"]
TRAINING_SRC = src(
    "backend.py",
    "networks.py",
    "masks.py",
    "steering.py",
    "training.py",
    "fingerprints.py",
    "predict.py",
    *RENDER_SRC,
)
FIGURE_SRC = ["recovered.py", "catalog.py", "units.py", "plots.py", "paper.mplstyle"]
BOOTSTRAP = {"seed": config["seed"], "n_resamples": BOUCAUD["bootstrap_resamples"]}
# The joint network's columns in the catalogue, where there is one.
JOINT = [BOUCAUD["blend2mask2flux"]] if BOUCAUD["blend2mask2flux"] else []


rule train:
    input:
        stamps=lambda wildcards: f"<results>/datasets/{trained_on(wildcards)}/stamps.h5",
        galaxies=lambda wildcards: f"<results>/datasets/{trained_on(wildcards)}/galaxies.ecsv",
        validation=lambda wildcards: (
            f"<results>/datasets/{trained_on(wildcards)}/blends_validation.ecsv"
        ),
        unet=unet_of,
        src=TRAINING_SRC,
    output:
        weights="<results>/networks/{network}/network.weights.h5",
        description="<results>/networks/{network}/network.json",
        history="<results>/networks/{network}/history.csv",
        timing="<results>/benchmarks/training/{network}.json",
    log:
        "<results>/logs/train/{network}.log",
    benchmark:
        "<results>/benchmarks/train/{network}.tsv"
    retries: 2
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=16000,
        runtime=1440,
        gpu=1,
    params:
        seed=config["seed"],
        scale=config["scale"],
        backend=config["backend"],
        threads=config["threads"]["training"],
        network=lambda wildcards: config["networks"][wildcards.network],
        blending={
            key: BOUCAUD["blending"][key]
            for key in ("delta_mag_max", "shift_rule", "companion_edge")
        },
        # Outside the outputs, which Snakemake deletes when a job fails. Path variables are not
        # replaced in params.
        checkpoint=f"{config['pathvars']['results']}/checkpoints/{{network}}.npz",
    message:
        "Train {wildcards.network}"
    script:
        "../scripts/boucaud2020/train.py"


rule predict:
    input:
        weights="<results>/networks/{network}/network.weights.h5",
        description="<results>/networks/{network}/network.json",
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        trained_on=lambda wildcards: (f"<results>/datasets/{trained_on(wildcards)}/galaxies.ecsv"),
        src=src(
            "backend.py", "networks.py", "masks.py", "predict.py", "predictions.py", *RENDER_SRC
        ),
    output:
        predictions="<results>/predictions/{network}/{dataset}.csv",
    log:
        "<results>/logs/predict/{network}_{dataset}.log",
    benchmark:
        "<results>/benchmarks/predict/{network}_{dataset}.tsv"
    wildcard_constraints:
        network=networks_with("blend2flux", "blend2mask2flux"),
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        seed=config["seed"],
        backend=config["backend"],
        threads=config["threads"]["training"],
        companion_edge=EDGE,
    message:
        "Fluxes of {wildcards.dataset}'s test blends by {wildcards.network}"
    script:
        "../scripts/boucaud2020/predict.py"


rule predict_masks:
    input:
        weights="<results>/networks/{network}/network.weights.h5",
        description="<results>/networks/{network}/network.json",
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        trained_on=lambda wildcards: (f"<results>/datasets/{trained_on(wildcards)}/galaxies.ecsv"),
        src=src(
            "backend.py", "networks.py", "masks.py", "predict.py", "predictions.py", *RENDER_SRC
        ),
    output:
        iou="<results>/predictions/{network}/{dataset}/iou.csv",
        examples="<results>/predictions/{network}/{dataset}/masks.h5",
    log:
        "<results>/logs/predict/{network}_{dataset}_masks.log",
    benchmark:
        "<results>/benchmarks/predict/{network}_{dataset}_masks.tsv"
    wildcard_constraints:
        network=networks_with("unet", "blend2mask2flux"),
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        seed=config["seed"],
        backend=config["backend"],
        threads=config["threads"]["training"],
        companion_edge=EDGE,
    message:
        "Masks of {wildcards.dataset}'s test blends by {wildcards.network}"
    script:
        "../scripts/boucaud2020/predict_masks.py"


rule network_layers:
    input:
        src=src("backend.py", "networks.py", "training.py"),
    output:
        layers="<results>/networks/{network}/layers.csv",
    log:
        "<results>/logs/networks/{network}_layers.log",
    conda:
        "../../envs/keras.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        backend=config["backend"],
        network=lambda wildcards: config["networks"][wildcards.network],
        unet=lambda wildcards: config["networks"].get(
            config["networks"][wildcards.network].get("unet")
        ),
        stamp_size=lambda wildcards: config["datasets"][trained_on(wildcards)]["stamp_size"],
    message:
        "Layers of {wildcards.network}"
    script:
        "../scripts/boucaud2020/network_layers.py"


rule sep_zero_points:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        src=src("baseline.py", "photometry.py", "seeds.py", *STAMPS_SRC),
    output:
        zero_points="<results>/predictions/sep/{dataset}/zero_points.csv",
    log:
        "<results>/logs/sep/{dataset}_zero_points.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        cold=BOUCAUD["sep"]["cold"],
        hot=BOUCAUD["sep"]["hot"],
    message:
        "Fit SEP's zero points on isolated galaxies of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/sep_zero_points.py"


rule sep_measure:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        src=src("baseline.py", "photometry.py", *RENDER_SRC),
    output:
        measured=temp("<results>/predictions/sep/{dataset}/chunks/{chunk}.csv"),
    log:
        "<results>/logs/sep/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/sep/{dataset}_{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        chunk_size=BOUCAUD["sep"]["chunk_size"],
        cold=BOUCAUD["sep"]["cold"],
        hot=BOUCAUD["sep"]["hot"],
        companion_edge=EDGE,
    message:
        "Measure chunk {wildcards.chunk} of {wildcards.dataset}'s test blends with SEP"
    script:
        "../scripts/boucaud2020/sep_measure.py"


rule sep:
    input:
        measured=lambda wildcards: expand(
            "<results>/predictions/sep/{dataset}/chunks/{chunk}.csv",
            dataset=wildcards.dataset,
            chunk=range(
                n_chunks(BOUCAUD["blending"]["n_blends"]["test"], BOUCAUD["sep"]["chunk_size"])
            ),
        ),
        zero_points="<results>/predictions/sep/{dataset}/zero_points.csv",
        src=src("baseline.py", "predictions.py"),
    output:
        predictions="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
    log:
        "<results>/logs/sep/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    message:
        "Gather SEP's measurements of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/sep_gather.py"


# The same rules serve any network on any data set; the paper's own pair has the paper's names.
rule catalog_of_dataset:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        blend2flux="<results>/predictions/{network}/{dataset}.csv",
        sep="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        src=src("catalog.py", "predictions.py", *STAMPS_SRC, "tables.py"),
    output:
        catalog="<results>/boucaud2020/{network}/{dataset}/output_catalog.csv",
        description="<results>/boucaud2020/{network}/{dataset}/output_catalog.json",
    log:
        "<results>/logs/boucaud2020/catalog_{network}_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        scale=config["scale"],
        dataset=lambda wildcards: wildcards.dataset,
        network=lambda wildcards: wildcards.network,
    message:
        "Catalogue of {wildcards.dataset}'s test blends, by {wildcards.network}"
    script:
        "../scripts/boucaud2020/output_catalog.py"


use rule catalog_of_dataset as output_catalog with:
    input:
        stamps=f"<results>/datasets/{BOUCAUD['dataset']}/stamps.h5",
        blends=f"<results>/datasets/{BOUCAUD['dataset']}/blends_test.ecsv",
        blend2flux=f"<results>/predictions/{BOUCAUD['network']}/{BOUCAUD['dataset']}.csv",
        blend2mask2flux=expand(
            "<results>/predictions/{network}/{dataset}.csv",
            network=JOINT,
            dataset=BOUCAUD["dataset"],
        ),
        sep=f"<results>/predictions/sep/{BOUCAUD['dataset']}.csv",
        detections=f"<results>/predictions/sep/{BOUCAUD['dataset']}/detections.csv",
        src=src("catalog.py", "predictions.py", *STAMPS_SRC, "tables.py"),
    output:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
    log:
        "<results>/logs/boucaud2020/catalog.log",
    params:
        scale=config["scale"],
        dataset=BOUCAUD["dataset"],
        network=BOUCAUD["network"],
    message:
        "Catalogue of the test blends"


rule fig5_of_dataset:
    input:
        catalog="<results>/boucaud2020/{network}/{dataset}/output_catalog.csv",
        description="<results>/boucaud2020/{network}/{dataset}/output_catalog.json",
        src=src("fig5.py", "metrics.py", *FIGURE_SRC),
    output:
        pdf="<results>/boucaud2020/{network}/{dataset}/fig5.pdf",
        png="<results>/boucaud2020/{network}/{dataset}/fig5.png",
        statistics="<results>/boucaud2020/{network}/{dataset}/fig5.csv",
        points="<results>/boucaud2020/{network}/{dataset}/fig5_points.csv",
    log:
        "<results>/logs/boucaud2020/fig5_{network}_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        figure="fig5",
        bootstrap=BOOTSTRAP,
    message:
        "Figure 5 for {wildcards.network} on {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/catalog_figure.py"


use rule fig5_of_dataset as fig5 with:
    input:
        catalog="<results>/boucaud2020/output_catalog.csv",
        description="<results>/boucaud2020/output_catalog.json",
        src=src("fig5.py", "metrics.py", *FIGURE_SRC),
    output:
        pdf=report(
            "<results>/figures/fig5.pdf",
            caption="../report/fig5.rst",
            category="Boucaud et al. 2020",
            labels={"figure": "5", "shows": "recovered magnitudes"},
        ),
        png="<results>/figures/fig5.png",
        statistics="<results>/figures/fig5.csv",
        points="<results>/figures/fig5_points.csv",
    log:
        "<results>/logs/boucaud2020/fig5.log",
    message:
        "Figure 5: recovered against isolated magnitudes"


rule photometry:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        predictions=lambda wildcards: expand(
            "<results>/predictions/{method}/{dataset}.csv",
            # The joint network stands beside blend2flux wherever it was trained.
            method=list(dict.fromkeys([wildcards.network, *joint_beside(wildcards), "sep"])),
            dataset=wildcards.dataset,
        ),
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        src=src("metrics.py", "predictions.py", "tables.py", "units.py"),
    output:
        table="<results>/boucaud2020/{network}/{dataset}/photometry.csv",
    log:
        "<results>/logs/boucaud2020/photometry_{network}_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=20,
    params:
        seed=config["seed"],
        scale=config["scale"],
        n_resamples=BOUCAUD["bootstrap_resamples"],
    message:
        "Statistics of {wildcards.network} and SEP on {wildcards.dataset}'s test blends"
    script:
        "../scripts/boucaud2020/statistics.py"


rule published_comparison:
    input:
        catalog="<results>/datasets/{dataset}/comparison_catalog.csv",
        published=f"{BASE}/config/published.yaml",
        src=src("comparison.py", "catalog.py", "plots.py", "paper.mplstyle"),
    output:
        table="<results>/datasets/{dataset}/published_comparison.csv",
        pdf="<results>/datasets/{dataset}/published_comparison.pdf",
        png="<results>/datasets/{dataset}/published_comparison.png",
    log:
        "<results>/logs/boucaud2020/comparison_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        label=lambda wildcards: f"{wildcards.dataset}, {config['scale']} scale",
    message:
        "Compare {wildcards.dataset} with the published sample"
    script:
        "../scripts/boucaud2020/published_sample.py"


# A data set can be compared with the published sample before any network is trained.
use rule catalog_of_dataset as comparison_catalog with:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        blends="<results>/datasets/{dataset}/blends_test.ecsv",
        sep="<results>/predictions/sep/{dataset}.csv",
        detections="<results>/predictions/sep/{dataset}/detections.csv",
        src=src("catalog.py", "predictions.py", *STAMPS_SRC, "tables.py"),
    output:
        catalog="<results>/datasets/{dataset}/comparison_catalog.csv",
        description="<results>/datasets/{dataset}/comparison_catalog.json",
    log:
        "<results>/logs/boucaud2020/comparison_catalog_{dataset}.log",
    params:
        scale=config["scale"],
        dataset=lambda wildcards: wildcards.dataset,
        network=None,
    message:
        "Catalogue of {wildcards.dataset}'s test blends, SEP only"
