# From archives, the user's files or the simulator to clean stamps, splits and blends.


# An edit of download.py is no reason to download again: it is not among the inputs.
rule download_archive:
    output:
        archive="<resources>/{archive}/archive.tar.gz",
    log:
        "<results>/logs/download/{archive}.log",
    wildcard_constraints:
        archive="|".join(ARCHIVES),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        entry=lambda wildcards: {
            key: ARCHIVES[wildcards.archive].get(key)
            for key in ("doi", "kaggle", "filename", "url", "checksum", "max_bytes")
        },
    message:
        "Download {wildcards.archive}"
    script:
        "../scripts/data/download_archive.py"


rule ingest_archive:
    input:
        archive=lambda wildcards: f"<resources>/{dataset(wildcards)['archive']}/archive.tar.gz",
        src=src("ingest.py", "download.py", "simulate.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=of_source("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        entry=lambda wildcards: {
            key: ARCHIVES[dataset(wildcards)["archive"]][key]
            for key in ("members", "columns", "radius_unit", "max_bytes")
        },
        archive=lambda wildcards: dataset(wildcards)["archive"],
        options=options(*COMMON_OPTIONS),
    message:
        "Read the archive of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_archive.py"


rule simulate:
    input:
        priors=f"{BASE}/config/priors.yaml",
        src=src("simulate.py", "priors.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/simulate/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/simulate/{dataset}_{chunk}.tsv"
    wildcard_constraints:
        dataset=of_source("simulated"),
    conda:
        "../../envs/analysis.yaml"
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
    message:
        "Simulate chunk {wildcards.chunk} of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/simulate.py"


rule ingest_files:
    input:
        images=lambda wildcards: dataset(wildcards)["images"],
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        segmaps=lambda wildcards: dataset(wildcards).get("segmaps") or [],
        src=src("ingest.py", "simulate.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=of_source("files"),
    conda:
        "../../envs/analysis.yaml"
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
    message:
        "Read the stamps and the catalogue of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_files.py"


rule download_mosaic:
    output:
        mosaic="<resources>/mosaics/{mosaic}",
    log:
        "<results>/logs/download/{mosaic}.log",
    wildcard_constraints:
        mosaic="|".join(map(re.escape, MOSAICS)) or "(?!)",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=480,
    params:
        url=lambda wildcards: MOSAICS[wildcards.mosaic]["url"],
        checksum=lambda wildcards: MOSAICS[wildcards.mosaic]["checksum"],
        max_bytes=lambda wildcards: MOSAICS[wildcards.mosaic]["max_bytes"],
    message:
        "Download {wildcards.mosaic}"
    script:
        "../scripts/data/download_mosaic.py"


rule fetch_vizier:
    output:
        table="<resources>/vizier/{table}.ecsv",
    log:
        "<results>/logs/vizier/{table}.log",
    # As in the schema.
    wildcard_constraints:
        table=r"[A-Z]+/[A-Za-z0-9+_/-]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    message:
        "Fetch {wildcards.table} from VizieR"
    script:
        "../scripts/data/fetch_vizier.py"


# A chunk is a field.
rule ingest_mosaic:
    input:
        mosaic=lambda wildcards: mosaic_file(field(wildcards)["mosaic"]),
        catalog=lambda wildcards: table_file(field(wildcards)["catalog"]),
        morphology=lambda wildcards: (
            table_file(field(wildcards)["morphology"]) if field(wildcards)["morphology"] else []
        ),
        src=src("mosaics.py", "ingest.py", "simulate.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=of_source("mosaics"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=60,
    params:
        field=lambda wildcards: {
            key: field(wildcards)[key]
            for key in ("name", "extension", "columns", "radius_unit", "morphology_columns")
        },
        options=options(*COMMON_OPTIONS, "match_radius_arcsec"),
    message:
        "Cut field {wildcards.chunk} of {wildcards.dataset} out of its mosaic"
    script:
        "../scripts/data/ingest_mosaic.py"


rule ingest_real_galaxies:
    input:
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        fits_catalog=lambda wildcards: dataset(wildcards)["fits_catalog"],
        src=src("ingest.py", "simulate.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=of_source("real_galaxy"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=240,
    params:
        seed=config["seed"],
        options=options(*COMMON_OPTIONS, *PSF_OPTIONS),
    message:
        "Resample the RealGalaxy catalogue of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_real_galaxies.py"


rule clean:
    input:
        stamps="<results>/datasets/{dataset}/parents/{chunk}.h5",
        rejected=REJECTED,
        src=src("clean.py", "photometry.py", "seeds.py", *STAMPS_SRC),
    output:
        stamps=temp("<results>/datasets/{dataset}/cleaned/{chunk}.h5"),
        exclusions=temp("<results>/datasets/{dataset}/cleaned/{chunk}.csv"),
    log:
        "<results>/logs/clean/{dataset}_{chunk}.log",
    benchmark:
        "<results>/benchmarks/clean/{dataset}_{chunk}.tsv"
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=4000,
        runtime=60,
    params:
        seed=config["seed"],
        limits=options("mag_min", "mag_max"),
        cleaning={
            key: value
            for key, value in config["boucaud2020"]["cleaning"].items()
            if key != "rejected"
        },
        sep={mode: config["boucaud2020"]["sep"][mode] for mode in ("cold", "hot")},
    message:
        "Clean chunk {wildcards.chunk} of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/clean.py"


rule assemble_dataset:
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
        rejected=REJECTED,
        src=src("datasets.py", "clean.py", "blends.py", "seeds.py", "tables.py", *STAMPS_SRC),
    output:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        exclusions="<results>/datasets/{dataset}/exclusions.csv",
        excluded="<results>/datasets/{dataset}/excluded.csv",
    log:
        "<results>/logs/assemble/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=8000,
        runtime=30,
    params:
        seed=config["seed"],
        fractions=lambda wildcards: dataset(wildcards)["split"],
        delta_mag_max=config["boucaud2020"]["blending"]["delta_mag_max"],
    message:
        "Put {wildcards.dataset} together and split its galaxies"
    script:
        "../scripts/boucaud2020/assemble_dataset.py"


rule contact_sheets:
    input:
        stamps="<results>/datasets/{dataset}/stamps.h5",
        src=src("contact_sheets.py", "plots.py", "paper.mplstyle", "stamps.py"),
    output:
        pdf="<results>/datasets/{dataset}/inspect.pdf",
    log:
        "<results>/logs/inspect/{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=30,
    params:
        label=lambda wildcards: f"{config['scale']} scale, data set {wildcards.dataset}",
    message:
        "Contact sheets of {wildcards.dataset}'s clean stamps, to inspect"
    script:
        "../scripts/boucaud2020/contact_sheets.py"


rule inspect:
    input:
        "<results>/datasets/{dataset}/inspect.pdf".format(**config["boucaud2020"]),
    message:
        "Look through {input}; ids to leave out go to config/rejected.csv"


rule table1_of_dataset:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        excluded="<results>/datasets/{dataset}/excluded.csv",
        published=f"{BASE}/config/published.yaml",
        src=src("table1.py", "tables.py"),
    output:
        table="<results>/datasets/{dataset}/table1.csv",
    log:
        "<results>/logs/boucaud2020/table1_{dataset}.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=10,
    params:
        scale=config["scale"],
    message:
        "Count the galaxies of {wildcards.dataset} by class"
    script:
        "../scripts/boucaud2020/table1_of_dataset.py"


rule draw_blends:
    input:
        galaxies="<results>/datasets/{dataset}/galaxies.ecsv",
        src=src("blends.py", "seeds.py", "tables.py"),
    output:
        blends="<results>/datasets/{dataset}/blends_{split}.ecsv",
    log:
        "<results>/logs/blends/{dataset}_{split}.log",
    # Training draws its own blends, without end if need be.
    wildcard_constraints:
        split="validation|test",
    conda:
        "../../envs/analysis.yaml"
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
    message:
        "Draw the {wildcards.split} blends of {wildcards.dataset}"
    script:
        "../scripts/boucaud2020/draw_blends.py"
