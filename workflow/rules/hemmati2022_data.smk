# Hemmati et al. 2022: cut-outs in one to seven bands, simulated, the user's own or from mosaics.
# A catalogue is split and cut first; only who is in is drawn, read or cut out, chunk by chunk.
HEMMATI = config["hemmati2022"]
CUTOUTS_SRC = ["cutouts.py", "degrade.py", "simulate.py", "seeds.py", *STAMPS_SRC]
INGEST_CUTOUTS_SRC = ["cutouts_ingest.py", "ingest.py", "mosaics.py", *CUTOUTS_SRC]
SIMULATED_CUTOUTS_SRC = ["cutouts_simulate.py", "simulate.py", "priors.py", *CUTOUTS_SRC]


wildcard_constraints:
    cutouts="|".join(HEMMATI["cutouts"]),


# Both write excluded.csv; this one's sets are named in the configuration.
ruleorder: cutouts_assemble > assemble_dataset


rule cutouts_catalogue_simulated:
    input:
        priors=f"{BASE}/config/priors.yaml",
        src=src(*SIMULATED_CUTOUTS_SRC),
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_of_source("simulated"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=config["seed"],
        n_galaxies=lambda wildcards: cutouts_entry(wildcards)["n_galaxies"],
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        options=cutouts_options,
    message:
        "Draw the catalogue of the cut-outs {wildcards.cutouts}, split and cut it"
    script:
        "../scripts/hemmati2022/catalogue_simulated.py"


rule cutouts_simulate:
    input:
        selected="<results>/datasets/{cutouts}/selected.csv",
        priors=f"{BASE}/config/priors.yaml",
        src=src(*SIMULATED_CUTOUTS_SRC),
    output:
        stamps=temp("<results>/datasets/{cutouts}/parents/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{cutouts}/parents/{chunk}.csv"),
    log:
        "<results>/logs/hemmati2022/simulate_{cutouts}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/hemmati2022/simulate_{cutouts}_{chunk}.tsv"
    wildcard_constraints:
        cutouts=cutouts_of_source("simulated"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        seed=config["seed"],
        chunk_size=lambda wildcards: cutouts_entry(wildcards)["chunk_size"],
        options=cutouts_options,
    message:
        "Simulate chunk {wildcards.chunk} of the cut-outs {wildcards.cutouts}"
    script:
        "../scripts/hemmati2022/cutouts_simulate.py"


rule cutouts_catalogue_files:
    input:
        images=lambda wildcards: cutouts_entry(wildcards)["images"],
        catalog=lambda wildcards: cutouts_entry(wildcards)["catalog"],
        src=src(*INGEST_CUTOUTS_SRC),
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_of_source("files"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        files=lambda wildcards: {
            key: cutouts_entry(wildcards)[key] for key in ("images_key", "columns", "radius_unit")
        },
        options=cutouts_options,
    message:
        "Read the catalogue of the cut-outs {wildcards.cutouts}, split and cut it"
    script:
        "../scripts/hemmati2022/catalogue_files.py"


rule cutouts_files:
    input:
        images=lambda wildcards: cutouts_entry(wildcards)["images"],
        psfs=cutouts_psfs,
        selected="<results>/datasets/{cutouts}/selected.csv",
        src=src(*INGEST_CUTOUTS_SRC),
    output:
        stamps=temp("<results>/datasets/{cutouts}/parents/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{cutouts}/parents/{chunk}.csv"),
    log:
        "<results>/logs/hemmati2022/ingest_{cutouts}_{chunk}.log",
    wildcard_constraints:
        cutouts=cutouts_of_source("files"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        seed=config["seed"],
        files=lambda wildcards: {
            key: cutouts_entry(wildcards)[key] for key in ("images_key", "add_noise", "recentre")
        },
        options=cutouts_options,
    message:
        "Read the cut-outs {wildcards.cutouts}"
    script:
        "../scripts/hemmati2022/cutouts_files.py"


# From VizieR or a file; who is in does not depend on the mosaics, but for those whose cut-out has no
# data, which are counted when it is made.
rule cutouts_catalogue_archive:
    input:
        catalog=lambda wildcards: table_file(cutouts_entry(wildcards)["catalog"]),
        redshifts=lambda wildcards: (
            table_file(cutouts_entry(wildcards)["redshift_catalog"])
            if cutouts_entry(wildcards)["redshift_catalog"]
            else []
        ),
        src=src(*INGEST_CUTOUTS_SRC),
    output:
        selected="<results>/datasets/{cutouts}/selected.csv",
    log:
        "<results>/logs/hemmati2022/catalogue_{cutouts}.log",
    wildcard_constraints:
        cutouts=cutouts_of_source("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=30,
    params:
        seed=config["seed"],
        cuts=lambda wildcards: cutouts_entry(wildcards)["cuts"],
        columns=lambda wildcards: cutouts_entry(wildcards)["columns"],
        redshift_columns=lambda wildcards: cutouts_entry(wildcards)["redshift_columns"],
        radius_unit=lambda wildcards: cutouts_entry(wildcards)["radius_unit"],
        pixel_scale_arcsec=lambda wildcards: cutouts_entry(wildcards)["pixel_scale_arcsec"],
    message:
        "Read the catalogue of the cut-outs {wildcards.cutouts}, split and cut it"
    script:
        "../scripts/hemmati2022/catalogue_archive.py"


rule cutouts_archive:
    input:
        mosaics=lambda wildcards: [
            mosaic_file(band["mosaic"]) for band in cutouts_entry(wildcards)["bands"]
        ],
        psfs=cutouts_psfs,
        selected="<results>/datasets/{cutouts}/selected.csv",
        src=src(*INGEST_CUTOUTS_SRC),
    output:
        stamps=temp("<results>/datasets/{cutouts}/parents/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{cutouts}/parents/{chunk}.csv"),
    log:
        "<results>/logs/hemmati2022/ingest_{cutouts}_{chunk}.log",
    wildcard_constraints:
        cutouts=cutouts_of_source("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=240,
    params:
        options=cutouts_options,
    message:
        "Cut {wildcards.cutouts} out of the mosaics"
    script:
        "../scripts/hemmati2022/cutouts_archive.py"


rule cutouts_assemble:
    input:
        stamps=lambda wildcards: cutouts_parts(wildcards, "h5"),
        exclusions=lambda wildcards: cutouts_parts(wildcards, "csv"),
        selected="<results>/datasets/{cutouts}/selected.csv",
        src=src(*CUTOUTS_SRC),
    output:
        stamps="<results>/datasets/{cutouts}/cutouts.h5",
        split="<results>/datasets/{cutouts}/split.csv",
        excluded="<results>/datasets/{cutouts}/excluded.csv",
    log:
        "<results>/logs/hemmati2022/assemble_{cutouts}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=16000,
        runtime=30,
    params:
        detection_band=lambda wildcards: cutouts_entry(wildcards)["detection_band"],
    message:
        "Put the cut-outs {wildcards.cutouts} together"
    script:
        "../scripts/hemmati2022/cutouts_assemble.py"
