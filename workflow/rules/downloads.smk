# Everything that comes from elsewhere: archives, mosaics, tables, weights. These rules have no digest
# of code: a changed download module must not fetch terabytes again.
import hashlib
import re


def remote_mosaic(address):
    """File name of a mosaic that is downloaded; a hash of its address keeps equal names apart."""
    return f"{hashlib.sha256(address.encode()).hexdigest()[:8]}_{address.rsplit('/', 1)[-1]}"


def mosaic_file(address):
    """Path of a mosaic: as given, or where it is downloaded to."""
    if "://" in address:
        return f"<resources>/mosaics/{remote_mosaic(address)}"
    return address


def table_file(name):
    """Path of a table: as given, or where it is fetched to from VizieR."""
    if name.startswith("vizier:"):
        return f"<resources>/vizier/{name.removeprefix('vizier:')}.ecsv"
    return name


def vgg_file(source):
    """Where a source of VGG's weights is downloaded to; random weights come from nowhere."""
    return [] if source == "random" else f"<resources>/vgg16/{source}"


# File name of each mosaic to download: its address, checksum and limit.
MOSAICS = {
    remote_mosaic(image["mosaic"]): {
        "url": image["mosaic"],
        "checksum": image.get("checksum"),
        "max_bytes": entry["max_bytes"],
    }
    for entry, images in [
        *((d, d["fields"]) for d in config["datasets"].values() if d["source"] == "mosaics"),
        *(
            (c, c["bands"])
            for c in config["hemmati2022"]["cutouts"].values()
            if c["source"] == "archive"
        ),
    ]
    for image in images
    if "://" in image["mosaic"]
}


wildcard_constraints:
    archive=any_of(ARCHIVES),
    vgg=any_of(WEIGHTS),


rule download_archive:
    output:
        archive="<resources>/{archive}/archive.tar.gz",
    log:
        "<results>/logs/download/{archive}.log",
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


rule download_mosaic:
    output:
        mosaic="<resources>/mosaics/{mosaic}",
    log:
        "<results>/logs/download/{mosaic}.log",
    wildcard_constraints:
        mosaic=any_of(map(re.escape, MOSAICS)),
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


# The catalogue that Boucaud et al. 2020 published.
rule download_table:
    output:
        catalog="<resources>/boucaud2020_published/output_catalog.csv",
    log:
        "<results>/logs/download/boucaud2020_published.log",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        url=config["boucaud2020"]["published_catalogue"],
        checksum=config["boucaud2020"]["published_checksum"],
        max_bytes=100_000_000,  # 5,000 blends are 1.3 MB
    message:
        "Download the catalogue that Boucaud et al. 2020 published"
    script:
        "../scripts/data/download_table.py"


rule fetch_vizier:
    output:
        table="<resources>/vizier/{table}.ecsv",
    log:
        "<results>/logs/vizier/{table}.log",
    # As in the configuration's model.
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


rule unpack_catalog:
    input:
        archive="<resources>/{archive}/archive.tar.gz",
    output:
        folder=directory("<resources>/{archive}/catalog"),
    log:
        "<results>/logs/download/{archive}_catalog.log",
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


rule download_vgg:
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
        "Get VGG's weights ({wildcards.vgg})"
    script:
        "../scripts/data/download_vgg.py"
