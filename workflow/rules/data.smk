# From archives, the user's files or the simulator to clean stamps, splits and blends.


def dataset(wildcards):
    return config["datasets"][known("datasets", wildcards.dataset, "the target names a data set")]


def options(*names):
    """Function of wildcards: some keys of a data set's configuration."""
    return lambda wildcards: {name: dataset(wildcards)[name] for name in names}


COMMON_OPTIONS = ("band", "pixel_scale_arcsec", "zero_point", "noise_sigma", "stamp_size")
PSF_OPTIONS = ("psf_fwhm_arcsec", "psf_moffat_beta")


def chunks(wildcards):
    """Numbers of a data set's chunks of parent stamps."""
    entry = dataset(wildcards)
    if entry["source"] == "simulated":
        return range(n_chunks(entry["n_galaxies"], entry["chunk_size"]))
    return range(1)


rule download_archive:
    message:
        "Download {wildcards.archive}"
    output:
        archive="<resources>/{archive}/archive.tar.gz",
    log:
        "<results>/logs/download/{archive}.log",
    threads: 1
    retries: 3
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        entry=lambda wildcards: {
            key: ARCHIVES[wildcards.archive].get(key)
            for key in ("url", "filename", "checksum", "record_api", "max_bytes")
        },
    wildcard_constraints:
        archive="|".join(ARCHIVES),
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/download_archive.py"


rule ingest_archive:
    message:
        "Read the archive of {wildcards.dataset}"
    input:
        archive=lambda wildcards: f"<resources>/{dataset(wildcards)['archive']}/archive.tar.gz",
        src=src("ingest.py", "download.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        entry=lambda wildcards: {
            key: ARCHIVES[dataset(wildcards)["archive"]][key]
            for key in ("members", "columns", "radius_unit", "max_bytes")
        },
        options=options(*COMMON_OPTIONS),
    wildcard_constraints:
        dataset=of_source("archive"),
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/ingest_archive.py"


rule simulate:
    message:
        "Simulate chunk {wildcards.chunk} of {wildcards.dataset}"
    input:
        priors=f"{BASE}/config/priors.yaml",
        src=src("simulate.py", "priors.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/simulate/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/simulate/{dataset}_{chunk}.tsv"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        seed=config["seed"],
        n_galaxies=lambda wildcards: dataset(wildcards)["n_galaxies"],
        chunk_size=lambda wildcards: dataset(wildcards)["chunk_size"],
        options=options(
            *COMMON_OPTIONS,
            *PSF_OPTIONS,
            "exposure_time_s",
            "mag_min",
            "mag_max",
            "n_neighbours_mean",
            "neighbour_mag_min",
            "neighbour_mag_max",
        ),
    wildcard_constraints:
        dataset=of_source("simulated"),
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/simulate.py"


rule ingest_files:
    message:
        "Read the stamps and the catalogue of {wildcards.dataset}"
    input:
        images=lambda wildcards: dataset(wildcards)["images"],
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        segmaps=lambda wildcards: dataset(wildcards).get("segmaps") or [],
        src=src("ingest.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        seed=config["seed"],
        options=lambda wildcards: {
            key: value
            for key, value in dataset(wildcards).items()
            if key not in ("source", "images", "catalog", "segmaps", "mag_min", "mag_max", "split")
        },
    wildcard_constraints:
        dataset=of_source("files"),
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/ingest_files.py"


rule ingest_real_galaxies:
    message:
        "Resample the RealGalaxy catalogue of {wildcards.dataset}"
    input:
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        fits_catalog=lambda wildcards: dataset(wildcards)["fits_catalog"],
        src=src("ingest.py", "simulate.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        seed=config["seed"],
        options=options(*COMMON_OPTIONS, *PSF_OPTIONS),
    wildcard_constraints:
        dataset=of_source("real_galaxy"),
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/ingest_real_galaxies.py"


rule clean:
    message:
        "Clean chunk {wildcards.chunk} of {wildcards.dataset}"
    input:
        stamps="<results>/datasets/{dataset}/parents/{chunk}.h5",
        src=src("clean.py", "photometry.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/cleaned/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{dataset}/cleaned/{chunk}.csv"),
    log:
        "<results>/logs/clean/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/clean/{dataset}_{chunk}.tsv"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        seed=config["seed"],
        limits=options("mag_min", "mag_max"),
        cleaning=config["boucaud2020"]["cleaning"],
        sep={mode: config["boucaud2020"]["sep"][mode] for mode in ("cold", "hot")},
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/clean.py"


rule assemble_dataset:
    message:
        "Put {wildcards.dataset} together and split its galaxies"
    input:
        stamps=lambda wildcards: expand(
            "<results>/datasets/{dataset}/cleaned/{chunk}.h5",
            dataset=wildcards.dataset,
            chunk=chunks(wildcards),
        ),
        exclusions=lambda wildcards: expand(
            "<results>/datasets/{dataset}/cleaned/{chunk}.csv",
            dataset=wildcards.dataset,
            chunk=chunks(wildcards),
        ),
        src=src("clean.py", "blends.py", "tables.py", *STAMPS_SRC),
    output:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        exclusions="<results>/datasets/{dataset}/exclusions.csv",
        excluded="<results>/datasets/{dataset}/excluded.csv",
    log:
        "<results>/logs/assemble/{dataset}.log",
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        seed=config["seed"],
        fractions=lambda wildcards: dataset(wildcards)["split"],
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/assemble_dataset.py"


rule draw_blends:
    message:
        "Draw the {wildcards.split} blends of {wildcards.dataset}"
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        src=src("blends.py", "tables.py"),
    output:
        blends="<results>/datasets/{dataset}/blends_{split}.ecsv",
    log:
        "<results>/logs/blends/{dataset}_{split}.log",
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        seed=config["seed"],
        n_blends=lambda wildcards: config["boucaud2020"]["blending"]["n_blends"][wildcards.split],
        stamp_size=lambda wildcards: dataset(wildcards)["stamp_size"],
        blending={
            key: config["boucaud2020"]["blending"][key] for key in ("delta_mag_max", "shift_rule")
        },
    conda:
        "../../envs/analysis.yaml"
    script:
        "../scripts/draw_blends.py"
