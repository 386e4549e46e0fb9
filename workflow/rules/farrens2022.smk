# Farrens et al. 2022, BlendHunter: is it a blend?
FARRENS = config["farrens2022"]
FARRENS_SETS = [
    (float(sigma), number)
    for sigma in FARRENS["noise_sigma"]
    for number in range(FARRENS["realisations"])
]
FARRENS_NAMES = [f"sigma{sigma:g}_{number}" for sigma, number in FARRENS_SETS]
#: Every sample but the one that is trained on: stamps to test the trained heads on.
TEST_SAMPLES = "|".join(name for name in FARRENS["samples"] if name != "parametric")
WEIGHTS = yaml.safe_load((BASE / "config" / "weights.yaml").read_text())
#: Modules that decide what a stamp is, and what the networks see of it.
COSMOS_SRC = ["cosmos.py", "simulate.py", "priors.py", "seeds.py", "units.py"]
HUNTER_SRC = ["backend.py", "blendhunter.py", "vgg.py", "vgg_keras.py", "cosmos.py", "seeds.py"]


wildcard_constraints:
    sample="|".join(FARRENS["samples"]),
    split="train|validation|test",
    sigma=r"[\d.]+",
    realisation=r"\d+",
    vgg="|".join(WEIGHTS),


rule farrens_chunk:
    input:
        unpack(farrens_catalog),
        src=src(*COSMOS_SRC),
    output:
        chunk=temp("<results>/farrens2022/{sample}/{split}/{chunk}.h5"),
    log:
        "<results>/logs/farrens2022/{sample}_{split}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/{sample}_{split}_{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        seed=config["seed"],
        chunk_size=FARRENS["chunk_size"],
        n_stamps=lambda wildcards: farrens_entry(wildcards)["n_stamps"][wildcards.split],
        fractions=farrens_fractions,
        # Of the archive's folder, the catalogue; its companions lie beside it.
        archived=lambda wildcards: (
            ARCHIVES[farrens_entry(wildcards)["archive"]]["members"]["catalog"]
            if farrens_entry(wildcards)["source"] == "archive"
            else None
        ),
        config=lambda wildcards: {
            "kind": farrens_entry(wildcards)["kind"],
            "exclusion_level": farrens_entry(wildcards)["exclusion_level"],
            "close_fraction": farrens_entry(wildcards)["close_fraction"],
            **{
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
                    "mag_min",
                    "mag_max",
                )
            },
        },
    message:
        "Draw chunk {wildcards.chunk} of the {wildcards.sample} {wildcards.split} stamps"
    script:
        "../scripts/farrens2022/draw_stamps.py"


rule unpack_catalog:
    input:
        archive="<resources>/{archive}/archive.tar.gz",
    output:
        folder=directory("<resources>/{archive}/catalog"),
    log:
        "<results>/logs/download/{archive}_catalog.log",
    wildcard_constraints:
        archive="|".join(ARCHIVES),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        catalog=lambda wildcards: ARCHIVES[wildcards.archive]["members"]["catalog"],
        max_bytes=lambda wildcards: ARCHIVES[wildcards.archive]["max_bytes"],
    message:
        "Unpack the catalogue {wildcards.archive}"
    script:
        "../scripts/data/unpack_catalog.py"


rule farrens_sample:
    input:
        chunks=lambda wildcards: expand(
            "<results>/farrens2022/{sample}/{split}/{chunk}.h5",
            sample=wildcards.sample,
            split=wildcards.split,
            chunk=range(
                n_chunks(
                    farrens_entry(wildcards)["n_stamps"][wildcards.split], FARRENS["chunk_size"]
                )
            ),
        ),
        src=src("cosmos.py", "bh_metrics.py"),
    output:
        sample="<results>/farrens2022/{sample}/{split}.h5",
    log:
        "<results>/logs/farrens2022/{sample}_{split}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    message:
        "Join the {wildcards.sample} {wildcards.split} stamps"
    script:
        "../scripts/farrens2022/join_stamps.py"


rule vgg_download:
    output:
        file="<resources>/vgg16/{vgg}",
    log:
        "<results>/logs/download/vgg16_{vgg}.log",
    retries: 3
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        entry=lambda wildcards: WEIGHTS[wildcards.vgg],
    message:
        "Get VGG-16's weights ({wildcards.vgg})"
    script:
        "../scripts/data/vgg_download.py"


rule vgg_weights:
    input:
        file=(
            []
            if FARRENS["vgg_weights"] == "random"
            else f"<resources>/vgg16/{FARRENS['vgg_weights']}"
        ),
        src=src("vgg.py", "seeds.py"),
    output:
        weights="<results>/farrens2022/vgg16.h5",
    log:
        "<results>/logs/farrens2022/vgg16.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        source=FARRENS["vgg_weights"],
        subtract_mean=False,  # as the authors
        seed=config["seed"],
    message:
        "VGG-16's weights with their preprocessing"
    script:
        "../scripts/data/vgg_weights.py"


rule blendhunter_train:
    input:
        train="<results>/farrens2022/parametric/train.h5",
        validation="<results>/farrens2022/parametric/validation.h5",
        test="<results>/farrens2022/parametric/test.h5",
        vgg="<results>/farrens2022/vgg16.h5",
        src=src(*HUNTER_SRC, "training.py", "fingerprints.py", "steering.py"),
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
    retries: 2
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=1,
    params:
        seed=config["seed"],
        scale=config["scale"],
        backend=config["backend"],
        threads=config["threads"]["training"],
        padding=FARRENS["padding_px"],
        network=FARRENS["network"],
        checkpoint=(
            f"{config['pathvars']['results']}/checkpoints/"
            "blendhunter_sigma{sigma}_{realisation}.npz"
        ),
    message:
        "BlendHunter at noise {wildcards.sigma}, realisation {wildcards.realisation}"
    script:
        "../scripts/farrens2022/train.py"


rule farrens_sep:
    input:
        sample="<results>/farrens2022/parametric/test.h5",
        src=src("bh_sep.py", "photometry.py", "cosmos.py", "seeds.py"),
    output:
        labels="<results>/predictions/farrens2022_sep/sigma{sigma}_{realisation}.csv",
    log:
        "<results>/logs/farrens2022/sep_sigma{sigma}_{realisation}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=config["seed"],
        noise_sigma=lambda wildcards: float(wildcards.sigma),
        item=lambda wildcards: [
            "parametric",
            "test",
            float(wildcards.sigma),
            int(wildcards.realisation),
        ],
        settings=FARRENS["sep"],
        padding=FARRENS["padding_px"],
        tolerance_px=FARRENS["tolerance_px"],
    message:
        "SEP at noise {wildcards.sigma}, realisation {wildcards.realisation}"
    script:
        "../scripts/farrens2022/sep.py"


use rule farrens_sep as farrens_sep_realistic with:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        src=src("bh_sep.py", "photometry.py", "cosmos.py", "seeds.py"),
    output:
        labels="<results>/predictions/farrens2022_sep/{sample}.csv",
    log:
        "<results>/logs/farrens2022/sep_{sample}.log",
    wildcard_constraints:
        sample=TEST_SAMPLES,
    params:
        seed=config["seed"],
        noise_sigma=FARRENS["realistic_noise_sigma"],
        item=lambda wildcards: [wildcards.sample, "test"],
        settings=FARRENS["sep"],
        padding=FARRENS["padding_px"],
        tolerance_px=FARRENS["tolerance_px"],
    message:
        "SEP on the {wildcards.sample} stamps"


rule farrens_realistic:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        vgg="<results>/farrens2022/vgg16.h5",
        heads=expand("<results>/networks/blendhunter/{name}/head.weights.h5", name=FARRENS_NAMES),
        src=src(*HUNTER_SRC),
    output:
        predictions="<results>/predictions/blendhunter/{sample}.csv.gz",
    log:
        "<results>/logs/farrens2022/labels_{sample}.log",
    benchmark:
        "<results>/benchmarks/farrens2022/labels_{sample}.tsv"
    wildcard_constraints:
        sample=TEST_SAMPLES,
    conda:
        "../../envs/keras.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=4000,
        runtime=240,
        gpu=1,
    params:
        seed=config["seed"],
        backend=config["backend"],
        threads=config["threads"]["training"],
        heads=FARRENS_NAMES,
        dropout=FARRENS["network"]["dropout"],
        noise_sigma=FARRENS["realistic_noise_sigma"],
        item=lambda wildcards: [wildcards.sample, "test"],
        padding=FARRENS["padding_px"],
    message:
        "The {wildcards.sample} stamps by every trained head"
    script:
        "../scripts/farrens2022/label.py"


rule farrens_accuracy:
    input:
        sample="<results>/farrens2022/parametric/test.h5",
        predictions=expand("<results>/predictions/blendhunter/{name}.csv", name=FARRENS_NAMES),
        sep=expand("<results>/predictions/farrens2022_sep/{name}.csv", name=FARRENS_NAMES),
        src=src("bh_metrics.py", "cosmos.py"),
    output:
        accuracy="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
    log:
        "<results>/logs/farrens2022/accuracy_parametric.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        sets=FARRENS_SETS,
        bins_px=FARRENS["distance_bins_px"],
        scale=config["scale"],
    message:
        "Accuracies of BlendHunter and SEP on the parametric stamps"
    script:
        "../scripts/farrens2022/accuracy.py"


rule farrens_accuracy_of_sample:
    input:
        sample="<results>/farrens2022/{sample}/test.h5",
        predictions="<results>/predictions/blendhunter/{sample}.csv.gz",
        sep="<results>/predictions/farrens2022_sep/{sample}.csv",
        src=src("bh_metrics.py", "cosmos.py"),
    output:
        accuracy="<results>/farrens2022/accuracy_{sample}.csv",
        confusion="<results>/farrens2022/confusion_{sample}.csv",
    log:
        "<results>/logs/farrens2022/accuracy_{sample}.log",
    wildcard_constraints:
        sample=TEST_SAMPLES,
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=10,
    params:
        sets=FARRENS_SETS,
        scale=config["scale"],
    message:
        "Accuracies of BlendHunter and SEP on the {wildcards.sample} stamps"
    script:
        "../scripts/farrens2022/accuracy_of_sample.py"


FARRENS_LABEL = f"{config['scale']} scale, VGG-16 weights: {FARRENS['vgg_weights']}"


rule farrens_figures:
    input:
        parametric="<results>/farrens2022/accuracy_parametric.csv",
        by_distance="<results>/farrens2022/accuracy_by_distance.csv",
        src=src("bh_figures.py", "bh_metrics.py", "plots.py", "paper.mplstyle"),
    output:
        **{
            f"pdf{n}": report(
                f"<results>/figures/farrens2022/fig{n}.pdf",
                caption=f"../report/farrens2022_fig{n}.rst",
                category="Farrens et al. 2022",
                labels={"figure": f"{n}", "shows": shows},
            )
            for n, shows in ((3, "accuracy against separation"), (4, "accuracy against noise"))
        },
        **{
            f"{kind}{n}": f"<results>/figures/farrens2022/fig{n}.{ext}"
            for n in (3, 4)
            for kind, ext in (("png", "png"), ("table", "csv"))
        },
    log:
        "<results>/logs/farrens2022/figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        label=FARRENS_LABEL,
        scale=config["scale"],
    message:
        "Figures 3 and 4 of Farrens et al. 2022"
    script:
        "../scripts/farrens2022/figures.py"


rule farrens_figures_of_sample:
    input:
        accuracy="<results>/farrens2022/accuracy_{sample}.csv",
        confusion="<results>/farrens2022/confusion_{sample}.csv",
        src=src("bh_figures.py", "bh_metrics.py", "plots.py", "paper.mplstyle"),
    output:
        **{
            f"{kind}{n}": f"<results>/farrens2022/{{sample}}/fig{n}.{ext}"
            for n in (5, 6)
            for kind, ext in (("pdf", "pdf"), ("png", "png"), ("table", "csv"))
        },
    log:
        "<results>/logs/farrens2022/figures_{sample}.log",
    wildcard_constraints:
        sample=TEST_SAMPLES,
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=lambda wildcards: f"{wildcards.sample} stamps, {FARRENS_LABEL}",
        scale=config["scale"],
    message:
        "Figures 5 and 6 of Farrens et al. 2022, of the {wildcards.sample} stamps"
    script:
        "../scripts/farrens2022/figures_of_sample.py"


use rule farrens_figures_of_sample as farrens_figures_realistic with:
    input:
        accuracy="<results>/farrens2022/accuracy_realistic.csv",
        confusion="<results>/farrens2022/confusion_realistic.csv",
        src=src("bh_figures.py", "bh_metrics.py", "plots.py", "paper.mplstyle"),
    output:
        **{
            f"pdf{n}": report(
                f"<results>/figures/farrens2022/fig{n}.pdf",
                caption=f"../report/farrens2022_fig{n}.rst",
                category="Farrens et al. 2022",
                labels={"figure": f"{n}", "shows": shows},
            )
            for n, shows in (
                (5, "realistic stamps, relative accuracy"),
                (6, "realistic stamps, confusion"),
            )
        },
        **{
            f"{kind}{n}": f"<results>/figures/farrens2022/fig{n}.{ext}"
            for n in (5, 6)
            for kind, ext in (("png", "png"), ("table", "csv"))
        },
    log:
        "<results>/logs/farrens2022/figures_realistic_default.log",
    params:
        noise_sigma=FARRENS["realistic_noise_sigma"],
        label=FARRENS_LABEL,
        scale=config["scale"],
    message:
        "Figures 5 and 6 of Farrens et al. 2022"


rule farrens_examples:
    input:
        vgg="<results>/farrens2022/vgg16.h5",
        sample="<results>/farrens2022/parametric/test.h5",
        src=src(*HUNTER_SRC, "networks.py"),
    output:
        layers="<results>/farrens2022/layers.csv",
        examples="<results>/farrens2022/features.h5",
    log:
        "<results>/logs/farrens2022/examples.log",
    conda:
        "../../envs/keras.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        backend=config["backend"],
        seed=config["seed"],
        side=FARRENS["stamp_size"] + 2 * FARRENS["padding_px"],
        noise_sigma=min(FARRENS["noise_sigma"]),
        padding=FARRENS["padding_px"],
    message:
        "BlendHunter's layers and features of a blend"
    script:
        "../scripts/farrens2022/features.py"


rule farrens_architecture:
    input:
        layers="<results>/farrens2022/layers.csv",
        examples="<results>/farrens2022/features.h5",
        src=src("bh_figures.py", "architecture_figures.py", "plots.py", "paper.mplstyle"),
    output:
        **{
            f"pdf{n}": report(
                f"<results>/figures/farrens2022/fig{n}.pdf",
                caption=f"../report/farrens2022_fig{n}.rst",
                category="Farrens et al. 2022",
                labels={"figure": f"{n}", "shows": shows},
            )
            for n, shows in ((1, "architecture"), (2, "feature maps"))
        },
        **{f"png{n}": f"<results>/figures/farrens2022/fig{n}.png" for n in (1, 2)},
        layers="<results>/figures/farrens2022/fig1.csv",
    log:
        "<results>/logs/farrens2022/architecture.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        label=FARRENS_LABEL,
    message:
        "Figures 1 and 2 of Farrens et al. 2022"
    script:
        "../scripts/farrens2022/network_figures.py"


rule farrens_tables:
    input:
        parametric=expand(
            "<results>/farrens2022/parametric/{split}.h5", split=["train", "validation", "test"]
        ),
        realistic="<results>/farrens2022/realistic/test.h5",
        published=f"{BASE}/config/published.yaml",
        src=src("bh_tables.py", "tables.py", "cosmos.py"),
    output:
        **{
            f"{ext}{n}": (
                report(
                    f"<results>/tables/farrens2022/table{n}.{ext}",
                    caption=f"../report/farrens2022_table{n}.rst",
                    category="Farrens et al. 2022",
                    labels={"table": f"{n}", "shows": shows},
                )
                if ext == "csv"
                else f"<results>/tables/farrens2022/table{n}.{ext}"
            )
            for n, shows in ((1, "samples"), (2, "SEP's settings"))
            for ext in ("csv", "tex")
        },
    log:
        "<results>/logs/farrens2022/tables.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        noise={
            "parametric": [FARRENS["noise_sigma"], FARRENS["realisations"]],
            "realistic": [[FARRENS["realistic_noise_sigma"]], 1],
        },
        sep=FARRENS["sep"],
    message:
        "Tables 1 and 2 of Farrens et al. 2022"
    script:
        "../scripts/farrens2022/tables.py"
