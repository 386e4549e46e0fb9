# Hemmati et al. 2022: GANs that raise the resolution; peaks, SOM, photometry, GPR.
HEMMATI_SET = HEMMATI["cutouts_set"]
HEMMATI_FOLDER = f"<results>/hemmati2022/{HEMMATI_SET}"
CUTOUTS = {
    "cutouts": f"<results>/datasets/{HEMMATI_SET}/cutouts.h5",
    "split": f"<results>/datasets/{HEMMATI_SET}/split.csv",
}
#: Networks, and the name of their images among the resolutions.
SR_ROLES = {"vanilla": "vanilla", "sr": "gan", "sr_content": "gan_content", "sr_multi": "gan_multi"}
if len(SR_BANDS) == 1:
    del SR_ROLES["sr_multi"]
#: Modules that decide what a blend is in either resolution, and what the networks are.
SR_PAIR_SRC = [
    "sr_data.py",
    "hemmati_blends.py",
    "degrade.py",
    "simulate.py",
    *STAMPS_SRC,
    "seeds.py",
]
SR_SRC = [
    "sr_gan.py",
    "sr_training.py",
    "peaks.py",
    "torch_backend.py",
    *SR_PAIR_SRC,
]
SR_MAKER = {
    "bands": [SR_SET["detection_band"]],
    "detection_band": SR_SET["detection_band"],
    "low": HEMMATI["low"],
    "seed": config["seed"],
    "name": HEMMATI_SET,
}


wildcard_constraints:
    sr="|".join(SR_ROLES),


rule sr_train:
    input:
        **CUTOUTS,
        src=src(*SR_SRC, "gan.py", "gan_training.py", "fingerprints.py"),
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
    retries: 2
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=16000,
        runtime=1440,
        gpu=1,
    params:
        seed=config["seed"],
        scale=config["scale"],
        threads=config["threads"]["training"],
        network=lambda wildcards: sr_options(wildcards.sr),
        maker=lambda wildcards: SR_MAKER | {"bands": sr_bands(wildcards.sr)},
        blending=HEMMATI["blending"],
        detection={k: v for k, v in HEMMATI["detection"].items() if k != "low_fwhm_arcsec"},
        n_validation_blends=HEMMATI["n_blends"]["validation"],
        checkpoint=f"{config['pathvars']['results']}/checkpoints/{{sr}}.pt",
    message:
        "Train {wildcards.sr}"
    script:
        "../scripts/hemmati2022/train.py"


rule sr_detect:
    input:
        **CUTOUTS,
        **{f"{name}_weights": f"<results>/networks/{name}/network.h5" for name in SR_ROLES},
        **{f"{name}_record": f"<results>/networks/{name}/network.json" for name in SR_ROLES},
        src=src(*SR_SRC, "sr_setup.py", "sr_detect.py", "gan.py", "gan_training.py"),
    output:
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        false_positives=f"{HEMMATI_FOLDER}/false_positives.csv",
        peaks=f"{HEMMATI_FOLDER}/peaks.csv",
        examples=f"{HEMMATI_FOLDER}/examples.h5",
        galleries=f"{HEMMATI_FOLDER}/galleries.h5",
    log:
        "<results>/logs/hemmati2022/detect.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/detect.tsv"
    conda:
        "../../envs/torch.yaml"
    threads: config["threads"]["training"]
    resources:
        mem_mb=16000,
        runtime=120,
        gpu=1,
    params:
        seed=config["seed"],
        threads=config["threads"]["training"],
        maker=SR_MAKER,
        networks={
            role: {"network": name, "bands": sr_bands(name)} for name, role in SR_ROLES.items()
        },
        blending=HEMMATI["blending"],
        detection=HEMMATI["detection"],
        n_blends=HEMMATI["n_blends"],
        n_shown=6,
    message:
        "Peaks of the test blends in high, low and GAN resolution"
    script:
        "../scripts/hemmati2022/detect.py"


# Real images of the same fields from the ground and from space, such as
# results/hemmati2022/sr/pairs.pdf
rule sr_pairs:
    input:
        **CUTOUTS,
        folder=lambda wildcards: hsc_pairs(),
        weights="<results>/networks/{sr}/network.h5",
        description="<results>/networks/{sr}/network.json",
        false_positives=f"{HEMMATI_FOLDER}/false_positives.csv",
        src=src(
            *SR_SRC, "sr_setup.py", "sr_pairs.py", "sr_detect.py", "gan_training.py", "plots.py"
        ),
    output:
        table="<results>/hemmati2022/{sr}/pairs.csv",
        pdf="<results>/hemmati2022/{sr}/pairs.pdf",
        png="<results>/hemmati2022/{sr}/pairs.png",
    log:
        "<results>/logs/hemmati2022/pairs_{sr}.log",
    wildcard_constraints:
        sr="sr|sr_content",
    conda:
        "../../envs/torch.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        scale=config["scale"],
        threads=1,
        maker=SR_MAKER,
        role=lambda wildcards: SR_ROLES[wildcards.sr],
        folder=HEMMATI["hsc_pairs"]["folder"],
        options={key: value for key, value in HEMMATI["hsc_pairs"].items() if key != "folder"},
        detection=HEMMATI["detection"],
    message:
        "{wildcards.sr} on real HSC images"
    script:
        "../scripts/hemmati2022/real_images.py"


rule sr_som:
    input:
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        src=src("som.py"),
    output:
        cells=f"{HEMMATI_FOLDER}/som_cells.csv",
        summary=f"{HEMMATI_FOLDER}/som.json",
    log:
        "<results>/logs/hemmati2022/som.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=config["seed"],
        shape=HEMMATI["som_shape"],
        columns=["separation_px", "flux_ratio", "fwhm_sum_px", "delta_z"],
    message:
        "Self-organising map of the test blends"
    script:
        "../scripts/hemmati2022/som.py"


rule sr_photometry:
    input:
        **CUTOUTS,
        detections=f"{HEMMATI_FOLDER}/detections.csv",
        peaks=f"{HEMMATI_FOLDER}/peaks.csv",
        mixtures=f"{BASE}/config/gaussian_mixtures.csv",
        src=src("sr_photometry.py", "ngmix_fit.py", "mixture_fit.py", "mixtures.py", *SR_PAIR_SRC),
    output:
        table=f"{HEMMATI_FOLDER}/photometry.csv",
    log:
        "<results>/logs/hemmati2022/photometry.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/photometry.tsv"
    conda:
        "../../envs/photometry.yaml"
    threads: 2
    resources:
        mem_mb=8000,
        runtime=120,
    params:
        maker=SR_MAKER,
        blending=HEMMATI["blending"],
        engine=HEMMATI["photometry_engine"],
        n_workers=2,
    message:
        "Photometry at the positions of each resolution"
    script:
        "../scripts/hemmati2022/photometry.py"


rule sr_gpr:
    input:
        photometry=f"{HEMMATI_FOLDER}/photometry.csv",
        src=src("gpr.py", "sr_regression.py", "sr_tables.py"),
    output:
        curves=f"{HEMMATI_FOLDER}/gpr.csv",
        scatter=f"{HEMMATI_FOLDER}/scatter.csv",
        bins=f"{HEMMATI_FOLDER}/scatter_bins.csv",
    log:
        "<results>/logs/hemmati2022/gpr.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=config["seed"],
    message:
        "Gaussian processes through the magnitude differences"
    script:
        "../scripts/hemmati2022/regression.py"
