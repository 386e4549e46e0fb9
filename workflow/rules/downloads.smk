# All downloads: archives, mosaics, tables and weights. These rules have no digest of code, since a
# change of the code must not lead to new downloads of terabytes.
import hashlib
import os
import re

from deblend.data.addresses import hidden
from deblend.data.addresses import shown as public
from deblend.files import name_in_address
from deblend.run.config import AUTHORS_CATALOGUE

# Snakemake records params, writes the configuration into the scripts of jobs, and its report copies files
# of the configuration. None of these may have passwords and signatures: from here on, addresses are without.
# Those that download look them up in the files of the configuration.
ADDRESS_FILES = [
    *workflow.configfiles,
    *(BASE / "config" / name for name in ("config.yaml", "datasets.yaml", "weights.yaml")),
]
HIDDEN = hidden([config, ARCHIVES, WEIGHTS])
PUBLIC_CONFIG, ARCHIVES, WEIGHTS = public([config, ARCHIVES, WEIGHTS])
config = PUBLIC_CONFIG | {"address_files": [os.path.abspath(path) for path in ADDRESS_FILES]}
workflow.configfiles[:] = [path for path in workflow.configfiles if not hidden(read_yaml(path))]


def download_name(address):
    """Name for a downloaded mosaic; a hash of the whole address makes it unique."""
    whole = HIDDEN.get(address, address)
    return f"{hashlib.sha256(whole.encode()).hexdigest()[:8]}_{name_in_address(whole)}"


def mosaic_file(address):
    """Path of a mosaic: as configured, or of its download."""
    if "://" in address:
        return f"<resources>/mosaics/{download_name(address)}"
    return address


def table_file(name):
    """Path of a table: as configured, or of its download from VizieR, an archive or an address."""
    kind, _, rest = name.partition(":")
    if kind == "vizier":
        return f"<resources>/vizier/{rest}.ecsv"
    if kind == "archive":
        archive, _, member = rest.partition("/")
        return f"<resources>/{archive}/tables/{member}"
    return mosaic_file(name)


def named_psf_file(name):
    """Path of a PSF: as configured, or of the download of an entry of datasets.yaml."""
    return mosaic_file(ARCHIVES[name]["url"] if name in ARCHIVES else name)


def vgg_file(source):
    """Path of the download of VGG's weights; empty for random weights."""
    return [] if source == "random" else f"<resources>/vgg16/{source}"


# What datasets.yaml knows about addresses, and about tables at VizieR.
FACTS = {entry["url"]: entry for entry in ARCHIVES.values() if entry.get("url")}
TABLE_FACTS = {entry["vizier"]: entry for entry in ARCHIVES.values() if entry.get("vizier")}
# What a download is checked for, beside its largest size.
CHECKED = ("checksum", "n_bytes", "n_rows")


def facts(url, checksum, max_bytes):
    """Address, largest size and known facts of a download; the configuration's checksum is first."""
    known = {key: FACTS.get(url, {}).get(key) for key in CHECKED}
    return known | {"url": url, "checksum": checksum or known["checksum"], "max_bytes": max_bytes}


def rows_of(archive, member):
    """Number of rows of a table of an archive; None where only that of another table is known."""
    entry = ARCHIVES[archive]
    catalog = (entry.get("members") or {}).get("catalog", member)
    n_rows = entry.get("n_rows") if member == catalog else None
    return n_rows if isinstance(n_rows, int) else None


# Address, largest size and facts of each mosaic to download, and of the tables and PSFs that belong to
# mosaics.
_CUTOUTS = config["hemmati2022"]["cutouts"].values()
_SURVEYS = [entry for entry in _CUTOUTS if entry["source"] == "archive"]
_MOSAICS = [entry for entry in config["datasets"].values() if entry["source"] == "mosaics"]
_PSFS = {band["psf"] for entry in _CUTOUTS for band in entry["bands"]}.intersection(ARCHIVES)
MOSAICS = {
    download_name(url): facts(url, checksum, max_bytes)
    for url, checksum, max_bytes in [
        *(
            (image[key], image.get("checksum") if key == "mosaic" else None, entry["max_bytes"])
            for entry, images in [
                *((entry, entry["fields"]) for entry in _MOSAICS),
                *((entry, entry["bands"]) for entry in _SURVEYS),
            ]
            for image in images
            for key in ("mosaic", "weight")
            if image[key]
        ),
        *(
            (entry[table], None, entry["max_bytes"])
            for entry in _SURVEYS
            for table in ("catalog", "redshift_catalog")
            if entry[table]
        ),
        *(
            tuple(ARCHIVES[name][key] for key in ("url", "checksum", "max_bytes"))
            for name in sorted(_PSFS)
        ),
    ]
    if "://" in url
}
# Tables at VizieR that the configuration names, with the columns that are read of each.
VIZIER_TABLES = {}
for _entry, _catalog, _columns in [
    *(
        (entry, f"{table}catalog", f"{table}columns")
        for entry in _SURVEYS
        for table in ("", "redshift_")
    ),
    *((field, "catalog", "columns") for entry in _MOSAICS for field in entry["fields"]),
    *(
        (field, "morphology", "morphology_columns")
        for entry in _MOSAICS
        for field in entry["fields"]
    ),
]:
    if (_entry[_catalog] or "").startswith("vizier:"):
        _wanted = VIZIER_TABLES.setdefault(_entry[_catalog].removeprefix("vizier:"), [])
        _wanted += [name for name in _entry[_columns].values() if name not in (None, *_wanted)]


# The authors' catalogue of Boucaud et al. 2020: a name in datasets.yaml, an address or a path. Without
# one, files that are asked for by name are made from the entry.
PUBLISHED_CATALOGUE = config["boucaud2020"]["published_catalogue"] or AUTHORS_CATALOGUE
_ENTRY = ARCHIVES.get(
    PUBLISHED_CATALOGUE,
    {
        "url": PUBLISHED_CATALOGUE,
        "checksum": config["boucaud2020"]["published_checksum"],
        "max_bytes": 100_000_000,  # 5,000 blends are 1.3 MB
    },
)
PUBLISHED_ENTRY = facts(*(_ENTRY[key] for key in ("url", "checksum", "max_bytes")))


# Whether the downloaded file is there. The main process decides for all its jobs, since they read the
# rules again, when a download may just have ended.
PUBLISHED_FILE = Path(config["pathvars"]["resources"], "boucaud2020_published/output_catalog.csv")
HAS_DOWNLOAD = "DEBLEND_HAS_PUBLISHED"  # a variable of the environment that jobs inherit
if workflow.is_main_process:
    os.environ[HAS_DOWNLOAD] = "yes" if PUBLISHED_FILE.is_file() else ""
IS_DOWNLOADED = bool(os.environ.get(HAS_DOWNLOAD))


# What jobs compare the downloads with that they read, where the table of downloads has no line.
config["downloads"] = {
    "folder": config["pathvars"]["resources"],
    "checksums": {
        **{f"{name}/archive.tar.gz": entry.get("checksum") for name, entry in ARCHIVES.items()},
        **{f"mosaics/{name}": entry["checksum"] for name, entry in MOSAICS.items()},
        # Of a file in a source distribution no checksum is known.
        **{f"vgg16/{name}": w["checksum"] for name, w in WEIGHTS.items() if "url" in w},
        "boucaud2020_published/output_catalog.csv": PUBLISHED_ENTRY["checksum"],
    },
}


wildcard_constraints:
    archive=any_of(ARCHIVES),
    vgg=any_of(WEIGHTS),


rule download_archive:
    output:
        archive="<resources>/{archive}/archive.tar.gz",
    log:
        "<results>/logs/download/{archive}.log",
    retries: 0  # also where a profile has more: the library itself tries again what may help
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=240,
    params:
        entry=lambda wildcards: {
            key: ARCHIVES[wildcards.archive].get(key)
            for key in ("doi", "kaggle", "filename", "url", "checksum", "max_bytes", "n_bytes")
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
    retries: 0  # also where a profile has more: the library itself tries again what may help
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=480,
    params:
        entry=lambda wildcards: MOSAICS[wildcards.mosaic],
    message:
        "Download {wildcards.mosaic}"
    script:
        "../scripts/data/download_mosaic.py"


# The catalogue that Boucaud et al. 2020 published: an entry of datasets.yaml, or the user's address.
rule download_table:
    output:
        catalog="<resources>/boucaud2020_published/output_catalog.csv",
    log:
        "<results>/logs/download/boucaud2020_published.log",
    retries: 0  # also where a profile has more: the library itself tries again what may help
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=60,
    params:
        entry=PUBLISHED_ENTRY,
    message:
        "Download the catalogue that Boucaud et al. 2020 published"
    script:
        "../scripts/data/download_table.py"


rule fetch_vizier:
    output:
        table="<resources>/vizier/{table}.ecsv",
    log:
        "<results>/logs/vizier/{table}.log",
    # The same names as in the model of the configuration.
    wildcard_constraints:
        table=r"[A-Z]+/[A-Za-z0-9+_/-]+",
    retries: 0  # also where a profile has more: the library itself tries again what may help
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=2000,
        runtime=60,
    params:
        n_rows=lambda wildcards: TABLE_FACTS.get(wildcards.table, {}).get("n_rows"),
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
        mem_mb=growing(2000),
        runtime=growing(60),
    params:
        catalog=lambda wildcards: ARCHIVES[wildcards.archive]["members"]["catalog"],
        max_bytes=lambda wildcards: ARCHIVES[wildcards.archive]["max_bytes"],
        n_rows=lambda wildcards: ARCHIVES[wildcards.archive].get("n_rows"),
    message:
        "Unpack the catalogue {wildcards.archive}"
    script:
        "../scripts/data/unpack_catalog.py"


# A table of an archive that has several.
rule unpack_table:
    input:
        archive="<resources>/{archive}/archive.tar.gz",
    output:
        table="<resources>/{archive}/tables/{member}",
    log:
        "<results>/logs/download/{archive}_{member}.log",
    wildcard_constraints:
        member="[^/]+",
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=growing(2000),
        runtime=growing(30),
    params:
        max_bytes=lambda wildcards: ARCHIVES[wildcards.archive]["max_bytes"],
        n_rows=lambda wildcards: rows_of(wildcards.archive, wildcards.member),
    message:
        "Unpack {wildcards.member} of {wildcards.archive}"
    script:
        "../scripts/data/unpack_table.py"


rule download_vgg:
    output:
        file="<resources>/vgg16/{vgg}",
    log:
        "<results>/logs/download/vgg16_{vgg}.log",
    retries: 3
    localrule: True
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


# Asks whether all these files are there; nothing is downloaded. It has no output, so that it asks each
# time. The table stays also where an address fails, since logs do.
rule check_archives:
    """Whether the archives' files are where they should be (network)."""
    log:
        "<results>/logs/download/check_archives.log",
        table="<results>/tables/archives.csv",
    retries: 0  # also where a profile has more: the library itself tries again what may help
    localrule: True
    conda:
        "../../envs/analysis.yaml"
    threads: 1
    resources:
        mem_mb=1000,
        runtime=30,
    params:
        archives=ARCHIVES,
        weights=WEIGHTS,
        downloads=[entry for entry in [*MOSAICS.values(), PUBLISHED_ENTRY] if "://" in entry["url"]],
        tables=VIZIER_TABLES,
    message:
        "Ask each archive for its files"
    script:
        "../scripts/data/check_archives.py"
