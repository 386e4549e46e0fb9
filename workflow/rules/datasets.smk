# Data sets: parent stamps from an archive, the user's files, mosaics or a RealGalaxy catalogue. The
# rules of simulations and of the cleaning are in the files of the papers.
from deblend.config_base import did_you_mean
from deblend.data.listing import (
    JPEG_SUFFIXES,
    files_listing,
    folder_listing,
    folder_of_pattern,
    is_pattern,
    real_galaxy_listing,
    stamps_listing,
)
from deblend.run.inputs import check_inputs
from snakemake.logging import logger

# Where this workflow is a module, the other one can have rules that make the inputs.
if workflow.is_main_process and Path(workflow.main_snakefile).resolve().parent == BASE:
    try:
        for _message in check_inputs(config, ARCHIVES, BASE, "configuration"):
            logger.warning(_message)
    except DeblendError as error:
        raise WorkflowError(str(error)) from None

DATASET_OPTIONS = ("band", "pixel_scale_arcsec", "zero_point", "noise_sigma", "stamp_size")
PSF_OPTIONS = ("psf_fwhm_arcsec", "psf_moffat_beta")


def dataset(wildcards):
    """Configuration of the data set that a target names."""
    if wildcards.dataset not in config["datasets"]:
        known = sorted(config["datasets"])
        meant = did_you_mean(wildcards.dataset, known) or f"; there are {', '.join(known)}"
        raise WorkflowError(
            f"the target names a data set: there is no {wildcards.dataset!r} under datasets{meant}"
        )
    return config["datasets"][wildcards.dataset]


def datasets_from(source):
    """Regular expression of the names of all data sets with a source."""
    return any_of(n for n, d in config["datasets"].items() if d["source"] == source)


def dataset_options(*names):
    """Function of wildcards that returns some keys of the data set's configuration."""
    return lambda wildcards: {name: dataset(wildcards)[name] for name in names}


def psf_file(wildcards):
    """The image of the PSF of a data set, if it has one."""
    return dataset(wildcards)["psf"] or []


def folder_input(path):
    """A folder as an input whose time stamp does not count; params have a listing of its files."""
    return ancient(path) if Path(path).is_dir() else path


def stamp_files_input(files):
    """Stamps as inputs: a file, a list of files or a folder, also that of a pattern."""
    if not isinstance(files, str):
        return files
    return folder_input(str(folder_of_pattern(files)[0]) if is_pattern(files) else files)


def stamps_pattern(files):
    """The pattern of stamps, if they are given so."""
    return files if isinstance(files, str) and is_pattern(files) else None


def field(wildcards):
    """Configuration of a field of a survey: each chunk of such a data set is a field."""
    return dataset(wildcards)["fields"][int(wildcards.chunk)]


wildcard_constraints:
    dataset="[a-z][a-z0-9_]*",


rule ingest_archive:
    input:
        archive=lambda wildcards: f"<resources>/{dataset(wildcards)['archive']}/archive.tar.gz",
        psf=psf_file,
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=datasets_from("archive"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("data/ingest_archive.py"),
        entry=lambda wildcards: {
            key: ARCHIVES[dataset(wildcards)["archive"]].get(key)
            for key in ("members", "columns", "radius_unit", "max_bytes", "n_rows")
        },
        archive=lambda wildcards: dataset(wildcards)["archive"],
        options=dataset_options(*DATASET_OPTIONS),
    message:
        "Read the archive of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_archive.py"


rule ingest_files:
    input:
        images=lambda wildcards: stamp_files_input(dataset(wildcards)["images"]),
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        segmaps=lambda wildcards: stamp_files_input(dataset(wildcards)["segmaps"] or []),
        psf=psf_file,
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=datasets_from("files"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("data/ingest_files.py"),
        listing=lambda wildcards: [
            *(stamps_listing(dataset(wildcards)[key] or []) for key in ("images", "segmaps")),
            files_listing(
                dataset(wildcards)[key] for key in ("catalog", "psf") if dataset(wildcards)[key]
            ),
        ],
        pattern=lambda wildcards: stamps_pattern(dataset(wildcards)["images"]),
        segmaps_pattern=lambda wildcards: stamps_pattern(dataset(wildcards)["segmaps"]),
        seed=SEED,
        options=lambda wildcards: {
            key: value
            for key, value in dataset(wildcards).items()
            if key
            not in (
                *("source", "images", "catalog", "segmaps", "psf"),
                *("mag_min", "mag_max", "cleaning", "split"),
            )
        },
    message:
        "Read the stamps and the catalogue of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_files.py"


# Each chunk is a field of the survey.
rule ingest_mosaic:
    input:
        mosaic=lambda wildcards: mosaic_file(field(wildcards)["mosaic"]),
        weight=lambda wildcards: (
            mosaic_file(field(wildcards)["weight"]) if field(wildcards)["weight"] else []
        ),
        catalog=lambda wildcards: table_file(field(wildcards)["catalog"]),
        morphology=lambda wildcards: (
            table_file(field(wildcards)["morphology"]) if field(wildcards)["morphology"] else []
        ),
        psf=psf_file,
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=datasets_from("mosaics"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(60),
    params:
        code=code("data/ingest_mosaic.py"),
        field=lambda wildcards: {
            key: field(wildcards)[key]
            for key in (
                *("name", "extension", "unit", "apply_sip", "mask_bits"),
                *("columns", "radius_unit", "max_values", "morphology_columns"),
            )
        },
        options=dataset_options(*DATASET_OPTIONS, "match_radius_arcsec"),
    message:
        "Cut field {wildcards.chunk} of {wildcards.dataset} out of its mosaic"
    script:
        "../scripts/data/ingest_mosaic.py"


rule ingest_real_galaxies:
    input:
        catalog=lambda wildcards: dataset(wildcards)["catalog"],
        fits_catalog=lambda wildcards: dataset(wildcards)["fits_catalog"],
    output:
        stamps=temp("<results>/datasets/{dataset}/parents/{chunk}.h5"),
    log:
        "<results>/logs/ingest/{dataset}_{chunk}.log",
    wildcard_constraints:
        dataset=datasets_from("real_galaxy"),
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(8000),
        runtime=growing(240),
    params:
        code=code("data/ingest_real_galaxies.py"),
        listing=lambda wildcards: [
            real_galaxy_listing(dataset(wildcards)["catalog"]),
            files_listing([dataset(wildcards)["fits_catalog"]]),
        ],
        seed=SEED,
        options=dataset_options(*DATASET_OPTIONS, *PSF_OPTIONS),
    message:
        "Resample the RealGalaxy catalogue of {wildcards.dataset}"
    script:
        "../scripts/data/ingest_real_galaxies.py"
