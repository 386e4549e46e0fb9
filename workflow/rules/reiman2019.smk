# Reiman & Goehre 2019: the branched GAN that separates two galaxies. From top to bottom: frames from
# Galaxy Zoo images (downloaded, the user's own or simulated), networks, figures, table and results.
from deblend.reiman2019.config import (
    ablation_networks,
    network_options,
    network_with,
    scored_methods,
    start_options,
    trained_networks,
)

REIMAN = config["reiman2019"]
REIMAN_SET = REIMAN["image_set"]
# Networks and their names in tables: the GAN, the baseline that is trained with the MSE alone, and the
# other generator.
GANS = trained_networks(REIMAN)
# Made only if reiman2019/{images}/ablations.csv is a target.
GAN_ABLATIONS = ablation_networks(REIMAN)
# Methods whose images are measured: network, and whether batch norms use statistics of the test blends.
DEBLENDERS = scored_methods(REIMAN)
GAN_FOLDER = "<results>/networks/deblender_gan"
PERTURBATION = {
    **REIMAN["perturbation"],
    "crop_px": REIMAN["crop_px"],
    "reduce_by": REIMAN["reduce_by"],
}
# Short trainings: with and without burn-in, and their seeds.
START_KINDS = ["with_burn_in", "without_burn_in"]
START_NUMBERS = range(REIMAN["starts"]["n_seeds"])
START_FOLDERS = "<results>/networks/deblender_start/{start}_{number}"
TRAINED["reiman2019"] = [(name, name) for name in GANS]
TARGETS["reiman2019"] = [
    *expand("<results>/figures/reiman2019/fig{n}.{ext}", n=range(1, 7), ext=["pdf", "png", "csv"]),
    *expand("<results>/figures/reiman2019/trace.{ext}", ext=["pdf", "png"]),
    *expand("<results>/tables/reiman2019/{t}.{ext}", t=["table1", "scores"], ext=["csv", "tex"]),
    f"<results>/reiman2019/{REIMAN_SET}/deblender_gan/galaxies3.csv",
    "<results>/reiman2019/findings.csv",
    f"<results>/reiman2019/{REIMAN_SET}/failures.csv",
]


def image_set(wildcards):
    """Configuration of a set of Galaxy Zoo images."""
    return REIMAN["image_sets"][wildcards.images]


def image_sources(wildcards):
    """Folders or archives with the JPEGs of a set of images."""
    entry = image_set(wildcards)
    if entry["source"] == "files":
        return [folder_input(entry["folder"])]
    if entry["source"] == "archive":
        return expand("<resources>/{archive}/archive.tar.gz", archive=entry["archives"])
    return expand(
        "<results>/datasets/{images}/jpegs/{chunk}",
        images=wildcards.images,
        chunk=range(n_chunks(entry["n_images"], entry["chunk_size"])),
    )


def images_listing(wildcards):
    """Digest of the listing of the user's folder of JPEGs."""
    entry = image_set(wildcards)
    if entry["source"] != "files":
        return None
    return folder_listing(entry["folder"], JPEG_SUFFIXES, below=True)


def images_expected(wildcards):
    """Number of JPEGs in each archive of a set, where it is known."""
    entry = image_set(wildcards)
    if entry["source"] != "archive":
        return None
    return [ARCHIVES[archive].get("n_images") for archive in entry["archives"]]


def gan_options(wildcards):
    """Configuration of a network."""
    return network_options(wildcards.gan, REIMAN)


def gan_vgg(wildcards):
    """Download of VGG's weights for a network with a burn-in."""
    return vgg_file(REIMAN["vgg_weights"]) if gan_options(wildcards)["burn_in_iterations"] else []


def start_network(wildcards):
    """Configuration of a short training with or without burn-in."""
    network = network_with("residual_branches", REIMAN) or REIMAN["network"]
    return start_options(network, wildcards.start, REIMAN["starts"]["iterations"])


def generator_note():
    """Part of a label that says so if the generator is not that of the paper."""
    generator = REIMAN["network"]["generator"]
    return "" if generator == "residual_branches" else f", generator {generator} (ours)"


def reiman_configuration(images):
    """What the results are of: scale, images and network."""
    return f"{SCALE} scale, images {images}, network deblender_gan{generator_note()}{orientations_note()}"


def orientations_note():
    """Part of a label that says so if images are means of those of several orientations."""
    number = REIMAN["orientations"]
    return f", mean of {number} orientations" if number > 1 else ""


def reiman_label(images, paper_generator=False, predictions=True):
    """Label of a figure: scale, images, where they come from, and what is not the paper's."""
    source = REIMAN["image_sets"][images]["source"]
    note = "" if paper_generator else generator_note()
    note += orientations_note() if predictions else ""
    return f"{SCALE} scale, {images} images ({source}){note}"


wildcard_constraints:
    gan=any_of([*GANS, *GAN_ABLATIONS.values()]),
    images=any_of(REIMAN["image_sets"]),


# Both rules write excluded.csv; the names in the configuration select the sets of the first rule.
ruleorder: reiman2019_frames > boucaud2020_assemble_dataset


rule reiman2019_simulate:
    output:
        folder=temp(directory("<results>/datasets/{images}/jpegs/{chunk}")),
    log:
        "<results>/logs/reiman2019/simulate_{images}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/simulate_{images}_{chunk}.tsv"
    wildcard_constraints:
        images=any_of(n for n, s in REIMAN["image_sets"].items() if s["source"] == "simulated"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=memory("reiman2019/simulate_{images}_{chunk}", 2000),
        runtime=minutes("reiman2019/simulate_{images}_{chunk}", 60),
    params:
        code=code("reiman2019/simulate.py"),
        seed=SEED,
        n_images=lambda wildcards: image_set(wildcards)["n_images"],
        chunk_size=lambda wildcards: image_set(wildcards)["chunk_size"],
    message:
        "Simulate chunk {wildcards.chunk} of the images {wildcards.images}"
    script:
        "../scripts/reiman2019/simulate.py"


rule reiman2019_frames:
    input:
        sources=image_sources,
    output:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        excluded="<results>/datasets/{images}/excluded.csv",
    log:
        "<results>/logs/reiman2019/frames_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/frames_{images}.tsv"
    # The threads decode images; the frames do not depend on their number.
    # It needs several cores: one that is free would wait for them while others train.
    priority: 1
    conda:
        "../../envs/analysis.yaml"
    threads: workers(4)
    resources:
        mem_mb=memory("reiman2019/frames_{images}", 2000),
        runtime=minutes("reiman2019/frames_{images}", 120),
    params:
        code=code("reiman2019/frames.py"),
        listing=images_listing,
        seed=SEED,
        split=REIMAN["split"],
        n_images=lambda wildcards: image_set(wildcards)["n_images"],
        n_expected=images_expected,
        grid={key: REIMAN[key] for key in ("frame_px", "crop_px", "reduce_by")},
    message:
        "Reduce the images {wildcards.images} to frames and split them"
    script:
        "../scripts/reiman2019/frames.py"


rule reiman2019_train:
    input:
        frames=f"<results>/datasets/{REIMAN_SET}/frames.npy",
        index=f"<results>/datasets/{REIMAN_SET}/index.csv",
        vgg=gan_vgg,
    output:
        weights="<results>/networks/{gan}/network.h5",
        description="<results>/networks/{gan}/network.json",
        history="<results>/networks/{gan}/history.csv",
        panels="<results>/networks/{gan}/panels.h5",
        timing="<results>/benchmarks/training/{gan}.json",
        layers_generator="<results>/networks/{gan}/layers_generator.csv",
        layers_discriminator="<results>/networks/{gan}/layers_discriminator.csv",
    log:
        "<results>/logs/train/{gan}.log",
    benchmark:
        "<results>/benchmarks/train/{gan}.tsv"
    # Before figures: a run that ends with long jobs leaves cores idle.
    priority: 1
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("train/{gan}", 16000, gpu=True),  # includes the memory-mapped frames
        runtime=minutes("train/{gan}", 2880, gpu=True),
        gpu=1,
    params:
        code=code("reiman2019/train.py"),
        seed=SEED,
        scale=SCALE,
        threads=config["threads"]["training"],
        images=REIMAN_SET,
        perturbation=PERTURBATION,
        n_validation_blends=REIMAN["n_blends"]["validation"],
        network=gan_options,
        vgg_weights=REIMAN["vgg_weights"],
        max_core_days=REIMAN["max_core_days"],
        min_test_galaxies=REIMAN["min_test_galaxies"],
        checkpoint=checkpoint(".pt"),
    message:
        "Train {wildcards.gan}"
    script:
        "../scripts/reiman2019/train.py"


# Short trainings with and without burn-in: do images stay black (Sect. 2.2.2)?
use rule reiman2019_train as reiman2019_train_starts with:
    input:
        frames=f"<results>/datasets/{REIMAN_SET}/frames.npy",
        index=f"<results>/datasets/{REIMAN_SET}/index.csv",
        vgg=lambda wildcards: (
            vgg_file(REIMAN["vgg_weights"])
            if start_network(wildcards)["burn_in_iterations"]
            else []
        ),
    output:
        weights="<results>/networks/deblender_start/{start}_{number}/network.h5",
        description="<results>/networks/deblender_start/{start}_{number}/network.json",
        history="<results>/networks/deblender_start/{start}_{number}/history.csv",
        panels="<results>/networks/deblender_start/{start}_{number}/panels.h5",
        timing="<results>/benchmarks/training/deblender_start/{start}_{number}.json",
        layers_generator="<results>/networks/deblender_start/{start}_{number}/layers_generator.csv",
        layers_discriminator="<results>/networks/deblender_start/{start}_{number}/layers_discriminator.csv",
    log:
        "<results>/logs/train/deblender_start_{start}_{number}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/train_{start}_{number}.tsv"
    wildcard_constraints:
        start=any_of(START_KINDS),
        number=r"\d+",
    resources:
        mem_mb=memory("reiman2019/train_{start}_{number}", 16000, gpu=True),
        runtime=minutes("reiman2019/train_{start}_{number}", 240, gpu=True),
        gpu=1,
    params:
        code=code("reiman2019/train.py"),
        seed=lambda wildcards: SEED + int(wildcards.number),
        scale=SCALE,
        threads=config["threads"]["training"],
        images=REIMAN_SET,
        perturbation=PERTURBATION,
        n_validation_blends=REIMAN["n_blends"]["validation"],
        network=start_network,
        max_core_days=REIMAN["max_core_days"],
        min_test_galaxies=REIMAN["min_test_galaxies"],
        vgg_weights=REIMAN["vgg_weights"],
        checkpoint=checkpoint(".pt"),
    message:
        "Start training {wildcards.start}, seed {wildcards.number}"


rule reiman2019_starts:
    input:
        records=expand(f"{START_FOLDERS}/network.json", start=START_KINDS, number=START_NUMBERS),
        histories=expand(f"{START_FOLDERS}/history.csv", start=START_KINDS, number=START_NUMBERS),
        style=STYLE,
    output:
        table="<results>/reiman2019/starts.csv",
        pdf="<results>/reiman2019/starts.pdf",
        png=shown(
            "reiman2019",
            "<results>/reiman2019/starts.png",
            "supplement",
            "trainings with and without burn-in",
        ),
    log:
        "<results>/logs/reiman2019/starts.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("reiman2019/starts.py"),
        label=reiman_label(REIMAN_SET, paper_generator=True),
    message:
        "Reiman & Goehre 2019: do images stay black without burn-in?"
    script:
        "../scripts/reiman2019/starts.py"


rule reiman2019_predict:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        weights=[f"<results>/networks/{gan}/network.h5" for gan, _ in DEBLENDERS.values()],
        descriptions=[f"<results>/networks/{gan}/network.json" for gan, _ in DEBLENDERS.values()],
    output:
        predictions=[
            f"<results>/predictions/{gan}{'_batch' * of_batches}/{{images}}.h5"
            for gan, of_batches in DEBLENDERS.values()
        ],
        scores="<results>/reiman2019/{images}/scores.csv",
        examples="<results>/reiman2019/{images}/examples.h5",
        # In the folder of benchmarks, since these numbers differ from run to run.
        speed="<results>/benchmarks/prediction/{images}.csv",
    log:
        "<results>/logs/reiman2019/predict_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/predict_{images}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=memory("reiman2019/predict_{images}", 4000, gpu=True),
        runtime=minutes("reiman2019/predict_{images}", 240, gpu=True),
        gpu=1,
    params:
        code=code("reiman2019/predict.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        perturbation=PERTURBATION,
        methods=list(DEBLENDERS),
        batch_statistics=[name for name, (_, of_batches) in DEBLENDERS.items() if of_batches],
        orientations=REIMAN["orientations"],
        min_test_galaxies=REIMAN["min_test_galaxies"],
        n_blends=REIMAN["n_blends"]["test"],
        n_examples=REIMAN["n_examples"],
    message:
        "Deblend the test blends of {wildcards.images} and measure PSNR and SSIM"
    script:
        "../scripts/reiman2019/predict.py"


# Made only if it is a target: four or five more networks.
rule reiman2019_ablations:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        weights=expand("<results>/networks/{gan}/network.h5", gan=GAN_ABLATIONS.values()),
        descriptions=expand("<results>/networks/{gan}/network.json", gan=GAN_ABLATIONS.values()),
    output:
        table="<results>/reiman2019/{images}/ablations.csv",
    log:
        "<results>/logs/reiman2019/ablations_{images}.log",
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(6000),
        runtime=growing(240),
        gpu=1,
    params:
        code=code("reiman2019/ablations.py"),
        seed=SEED,
        scale=SCALE,
        threads=config["threads"]["training"],
        perturbation=PERTURBATION,
        ablations=list(GAN_ABLATIONS),
        orientations=REIMAN["orientations"],
        n_blends=REIMAN["n_blends"]["test"],
    message:
        "Scores of the generator copy_gate without each of its parts on {wildcards.images}"
    script:
        "../scripts/reiman2019/ablations.py"


# The same blends with the other blending: maximum against sum (Sect. 4). Example of a target:
# results/reiman2019/galaxyzoo/blending.csv
use rule reiman2019_predict as reiman2019_predict_blending with:
    output:
        predictions=[
            f"<results>/predictions/{gan}{'_batch' * of_batches}/{{images}}_{{blending}}.h5"
            for gan, of_batches in DEBLENDERS.values()
        ],
        scores="<results>/reiman2019/{images}/scores_{blending}.csv",
        examples="<results>/reiman2019/{images}/examples_{blending}.h5",
        speed="<results>/benchmarks/prediction/{images}_{blending}.csv",
    log:
        "<results>/logs/reiman2019/predict_{images}_{blending}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/predict_{images}_{blending}.tsv"
    wildcard_constraints:
        blending="max|sum",
    params:
        code=code("reiman2019/predict.py"),
        seed=SEED,
        threads=config["threads"]["training"],
        perturbation=lambda wildcards: {**PERTURBATION, "blending": wildcards.blending},
        methods=list(DEBLENDERS),
        batch_statistics=[name for name, (_, of_batches) in DEBLENDERS.items() if of_batches],
        orientations=REIMAN["orientations"],
        min_test_galaxies=REIMAN["min_test_galaxies"],
        n_blends=REIMAN["n_blends"]["test"],
        n_examples=REIMAN["n_examples"],
    message:
        "Deblend test blends of {wildcards.images} that are the {wildcards.blending} of two images"


rule reiman2019_blending:
    input:
        scores=[f"<results>/reiman2019/{{images}}/scores_{name}.csv" for name in ("max", "sum")],
        published=PUBLISHED,
    output:
        table="<results>/reiman2019/{images}/blending.csv",
    log:
        "<results>/logs/reiman2019/blending_{images}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("reiman2019/blending.py"),
        names=["max", "sum"],
        trained=PERTURBATION["blending"],
    message:
        "Scores of blends of {wildcards.images} that are the maximum, and the sum, of two images"
    script:
        "../scripts/reiman2019/blending.py"


# How images fail (Sect. 4, Fig. 6), a contact sheet as the paper's online catalogue, and errors of
# flux, colour, size and shape. Example of a target: results/reiman2019/galaxyzoo/failures.csv
rule reiman2019_failures:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        predictions=[
            f"<results>/predictions/{gan}{'_batch' * of_batches}/{{images}}.h5"
            for gan, of_batches in DEBLENDERS.values()
        ],
        records=expand("<results>/networks/{gan}/network.json", gan=GANS),
        style=STYLE,
    output:
        table="<results>/reiman2019/{images}/failures.csv",
        rates="<results>/reiman2019/{images}/failure_rates.csv",
        infill="<results>/reiman2019/{images}/infill.csv",
        misalignment="<results>/reiman2019/{images}/misalignment.csv",
        science="<results>/reiman2019/{images}/science.csv",
        pdf="<results>/reiman2019/{images}/failures.pdf",
        png=shown(
            "reiman2019",
            "<results>/reiman2019/{images}/failures.png",
            "supplement",
            "kinds of failures, {images}",
        ),
        pdf_sheet="<results>/reiman2019/{images}/contact_sheet.pdf",
        png_sheet=shown(
            "reiman2019",
            "<results>/reiman2019/{images}/contact_sheet.png",
            "supplement",
            "contact sheet, {images}",
        ),
        pdf_science="<results>/reiman2019/{images}/science.pdf",
        png_science=shown(
            "reiman2019",
            "<results>/reiman2019/{images}/science.png",
            "supplement",
            "flux, colour, size and shape, {images}",
        ),
    log:
        "<results>/logs/reiman2019/failures_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/failures_{images}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=memory("reiman2019/failures_{images}", 4000),
        runtime=minutes("reiman2019/failures_{images}", 120),
    params:
        code=code("reiman2019/failures.py"),
        seed=SEED,
        label=lambda wildcards: reiman_label(wildcards.images),
        threads=1,
        perturbation=PERTURBATION,
        methods=list(DEBLENDERS),
        sep=REIMAN["sep"],
        n_blends=REIMAN["n_blends"]["test"],
        n_shown=min(100, REIMAN["n_blends"]["test"]),
    message:
        "Measure how the images of {wildcards.images} fail, and flux, colour, size and shape"
    script:
        "../scripts/reiman2019/failures.py"


# Blends of more than two galaxies (Sect. 2.3). Example of a target:
# results/reiman2019/galaxyzoo/deblender_gan/galaxies3.csv
rule reiman2019_several_galaxies:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        weights="<results>/networks/{gan}/network.h5",
        description="<results>/networks/{gan}/network.json",
        style=STYLE,
    output:
        table="<results>/reiman2019/{images}/{gan}/galaxies{number}.csv",
        pdf="<results>/reiman2019/{images}/{gan}/galaxies{number}.pdf",
        png="<results>/reiman2019/{images}/{gan}/galaxies{number}.png",
    log:
        "<results>/logs/reiman2019/several_galaxies_{gan}_{images}_{number}.log",
    wildcard_constraints:
        number="[3-9]",
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=growing(4000),
        runtime=growing(60),
        gpu=1,
    params:
        code=code("reiman2019/several_galaxies.py"),
        seed=SEED,
        label=lambda wildcards: reiman_label(wildcards.images),
        threads=config["threads"]["training"],
        perturbation=PERTURBATION,
        orientations=REIMAN["orientations"],
        n_blends=REIMAN["n_blends"]["validation"],
    message:
        "Deblend {wildcards.number} galaxies of {wildcards.images}, one after the other"
    script:
        "../scripts/reiman2019/several_galaxies.py"


rule reiman2019_network_figures:
    input:
        generator=f"{GAN_FOLDER}/layers_generator.csv",
        discriminator=f"{GAN_FOLDER}/layers_discriminator.csv",
        history=f"{GAN_FOLDER}/history.csv",
        panels=f"{GAN_FOLDER}/panels.h5",
        record=f"{GAN_FOLDER}/network.json",
        style=STYLE,
    output:
        **figure_outputs(
            "reiman2019",
            {1: "generator", 2: "discriminator", "trace": "course of training"},
            tables=[1, 2],
        ),
    log:
        "<results>/logs/reiman2019/network_figures.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("reiman2019/network_figures.py"),
        label=reiman_label(REIMAN_SET, predictions=False),
    message:
        "Figures 1 and 2 of Reiman & Goehre 2019, and the course of the GAN's training"
    script:
        "../scripts/reiman2019/network_figures.py"


rule reiman2019_figures:
    input:
        scores="<results>/reiman2019/{images}/scores.csv",
        examples="<results>/reiman2019/{images}/examples.h5",
        records=expand("<results>/networks/{name}/network.json", name=GANS),
        published=PUBLISHED,
        style=STYLE,
    output:
        **plain_figure_outputs("<results>/reiman2019/{images}", range(3, 7)),
    log:
        "<results>/logs/reiman2019/figures_{images}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(1000),
        runtime=growing(10),
    params:
        code=code("reiman2019/figures.py"),
        label=lambda wildcards: reiman_label(wildcards.images),
        scale=SCALE,
    message:
        "Figures 3 to 6 of Reiman & Goehre 2019 for the images {wildcards.images}"
    script:
        "../scripts/reiman2019/figures.py"


use rule reiman2019_figures as reiman2019_figures_of_paper with:
    input:
        scores=f"<results>/reiman2019/{REIMAN_SET}/scores.csv",
        examples=f"<results>/reiman2019/{REIMAN_SET}/examples.h5",
        records=expand("<results>/networks/{name}/network.json", name=GANS),
        published=PUBLISHED,
        style=STYLE,
    output:
        **figure_outputs(
            "reiman2019",
            {3: "successful predictions", 4: "PSNR", 5: "SSIM", 6: "failed predictions"},
        ),
    log:
        "<results>/logs/reiman2019/figures.log",
    params:
        code=code("reiman2019/figures.py"),
        label=reiman_label(REIMAN_SET),
        scale=SCALE,
    message:
        "Figures 3 to 6 of Reiman & Goehre 2019"


rule reiman2019_results:
    input:
        scores=f"<results>/reiman2019/{REIMAN_SET}/scores.csv",
        history=f"{GAN_FOLDER}/history.csv",
        speed=f"<results>/benchmarks/prediction/{REIMAN_SET}.csv",
        rates=f"<results>/reiman2019/{REIMAN_SET}/failure_rates.csv",
        misalignment=f"<results>/reiman2019/{REIMAN_SET}/misalignment.csv",
        records=expand("<results>/networks/{name}/network.json", name=GANS),
        starts="<results>/reiman2019/starts.csv" if START_NUMBERS else [],
        published=PUBLISHED,
        bars=BARS,
    output:
        **table_outputs(
            "reiman2019",
            {1: "PSNR and SSIM", "scores": "all scores, methods and galaxies, and published ones"},
        ),
        claims="<results>/reiman2019/claims.csv",
        reproduction="<results>/reiman2019/reproduction.csv",
        findings="<results>/reiman2019/findings.csv",
    log:
        "<results>/logs/reiman2019/results.log",
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        code=code("reiman2019/results.py"),
        scale=SCALE,
        configuration=reiman_configuration(REIMAN_SET),
        source=REIMAN["image_sets"][REIMAN_SET]["source"],
    message:
        "Reiman & Goehre 2019: Table 1, published numbers beside ours, claims and findings"
    script:
        "../scripts/reiman2019/results.py"
