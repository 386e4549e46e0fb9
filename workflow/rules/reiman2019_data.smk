# Reiman & Goehre 2019: Galaxy Zoo images, downloaded, the user's own or simulated, to frames.
REIMAN = config["reiman2019"]


wildcard_constraints:
    images="|".join(REIMAN["image_sets"]),


# Both write excluded.csv; this one's sets are named in the configuration.
ruleorder: galaxyzoo_frames > assemble_dataset


rule galaxyzoo_simulate:
    input:
        src=src("galaxyzoo_simulate.py", "seeds.py"),
    output:
        folder=temp(directory("<results>/datasets/{images}/jpegs/{chunk}")),
    log:
        "<results>/logs/reiman2019/simulate_{images}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/simulate_{images}_{chunk}.tsv"
    wildcard_constraints:
        images=gz_of_source("simulated"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        seed=config["seed"],
        n_images=lambda wildcards: gz_entry(wildcards)["n_images"],
        chunk_size=lambda wildcards: gz_entry(wildcards)["chunk_size"],
    message:
        "Simulate chunk {wildcards.chunk} of the images {wildcards.images}"
    script:
        "../scripts/reiman2019/simulate.py"


rule galaxyzoo_frames:
    input:
        sources=gz_sources,
        src=src("galaxyzoo.py", "seeds.py"),
    output:
        frames="<results>/datasets/{images}/frames.npy",
        index="<results>/datasets/{images}/index.csv",
        excluded="<results>/datasets/{images}/excluded.csv",
    log:
        "<results>/logs/reiman2019/frames_{images}.log",
    benchmark:
        "<results>/benchmarks/reiman2019/frames_{images}.tsv"
    conda:
        "../../envs/analysis.yaml"
    # They decode; the frames do not depend on their number.
    threads: 4
    resources:
        mem_mb=2000,
        runtime=120,
    params:
        seed=config["seed"],
        split=REIMAN["split"],
        n_images=lambda wildcards: gz_entry(wildcards)["n_images"],
        grid={key: REIMAN[key] for key in ("frame_px", "crop_px", "reduce_by")},
    message:
        "Reduce the images {wildcards.images} to frames, and split them"
    script:
        "../scripts/reiman2019/frames.py"
