# Reiman & Goehre 2019: the branched GAN that separates two galaxies.
#: Networks, and what they are called in tables: the GAN and the baseline beside it.
GANS = {"deblender_gan": "gan", "deblender_mse": "mse"}
PERTURBATION = {**REIMAN["perturbation"], "crop_px": REIMAN["crop_px"]} | {
    "reduce_by": REIMAN["reduce_by"]
}
#: Modules that decide what a blend of two images is, and what the networks are.
PAIR_SRC = ["perturb.py", "galaxyzoo.py", "seeds.py"]
GAN_SRC = ["gan.py", "gan_training.py", "torch_backend.py", "vgg.py", *PAIR_SRC]


wildcard_constraints:
    gan="|".join(GANS),
    images="|".join(REIMAN["image_sets"]),


rule reiman_vgg:
    input:
        file=(
            []
            if REIMAN["vgg_weights"] == "random"
            else f"<resources>/vgg16/{REIMAN['vgg_weights']}"
        ),
        src=src("vgg.py", "seeds.py"),
    output:
        weights="<results>/reiman2019/vgg.h5",
    log:
        "<results>/logs/reiman2019/vgg.log",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=10,
    params:
        source=REIMAN["vgg_weights"],
        subtract_mean=True,  # as the authors' code does
        seed=config["seed"],
    message:
        "VGG's weights with their preprocessing"
    script:
        "../scripts/data/vgg_weights.py"


rule gan_train:
    input:
        frames=f"<results>/datasets/{REIMAN['image_set']}/frames.npy",
        index=f"<results>/datasets/{REIMAN['image_set']}/index.csv",
        vgg=lambda wildcards: (
            "<results>/reiman2019/vgg.h5" if gan_options(wildcards)["burn_in_iterations"] else []
        ),
        src=src(*GAN_SRC, "fingerprints.py"),
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
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=16000,  # memory-mapped frames count
        runtime=2880,
        gpu=1,
    params:
        seed=config["seed"],
        scale=config["scale"],
        threads=config["threads"]["training"],
        images=REIMAN["image_set"],
        perturbation=PERTURBATION,
        n_validation_blends=REIMAN["n_blends"]["validation"],
        network=lambda wildcards: gan_options(wildcards),
        checkpoint=f"{config['pathvars']['results']}/checkpoints/{{gan}}.pt",
    message:
        "Train {wildcards.gan}"
    script:
        "../scripts/reiman2019/train.py"


rule gan_predict:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        weights="<results>/networks/{gan}/network.h5",
        description="<results>/networks/{gan}/network.json",
        src=src(*GAN_SRC, "gan_predict.py"),
    output:
        predictions="<results>/predictions/{gan}/{images}.h5",
    log:
        "<results>/logs/reiman2019/predict_{gan}_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/predict_{gan}_{images}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=4000,
        runtime=120,
        gpu=1,
    params:
        seed=config["seed"],
        threads=config["threads"]["training"],
        perturbation=PERTURBATION,
        n_blends=REIMAN["n_blends"]["test"],
    message:
        "Deblend the test blends of {wildcards.images} with {wildcards.gan}"
    script:
        "../scripts/reiman2019/predict.py"


rule gan_scores:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        predictions=[f"<results>/predictions/{gan}/{{images}}.h5" for gan in GANS],
        src=src(
            *PAIR_SRC, "gan_predict.py", "gan_scores.py", "image_metrics.py", "torch_backend.py"
        ),
    output:
        scores="<results>/reiman2019/{images}/scores.csv",
        examples="<results>/reiman2019/{images}/examples.h5",
    log:
        "<results>/logs/reiman2019/scores_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/scores_{images}.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=240,
    params:
        seed=config["seed"],
        perturbation=PERTURBATION,
        methods=list(GANS.values()),
        n_blends=REIMAN["n_blends"]["test"],
        n_examples=REIMAN["n_examples"],
    message:
        "PSNR and SSIM of the test blends of {wildcards.images}"
    script:
        "../scripts/reiman2019/scores.py"


# More than two galaxies: the scheme of Sect. 2.3, such as
# results/reiman2019/galaxyzoo/deblender_gan/galaxies3.csv
rule gan_iterate:
    input:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        weights="<results>/networks/{gan}/network.h5",
        description="<results>/networks/{gan}/network.json",
        src=src(*GAN_SRC, "gan_predict.py", "gan_iterate.py", "plots.py"),
    output:
        table="<results>/reiman2019/{images}/{gan}/galaxies{number}.csv",
        pdf="<results>/reiman2019/{images}/{gan}/galaxies{number}.pdf",
        png="<results>/reiman2019/{images}/{gan}/galaxies{number}.png",
    log:
        "<results>/logs/reiman2019/iterate_{gan}_{images}_{number}.log",
    wildcard_constraints:
        number="[3-9]",
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=4000,
        runtime=60,
        gpu=1,
    params:
        seed=config["seed"],
        scale=config["scale"],
        threads=config["threads"]["training"],
        perturbation=PERTURBATION,
        n_blends=REIMAN["n_blends"]["validation"],
    message:
        "Deblend {wildcards.number} galaxies of {wildcards.images}, one after the other"
    script:
        "../scripts/reiman2019/several_galaxies.py"
