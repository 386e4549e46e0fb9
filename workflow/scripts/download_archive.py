"""Adapter: download an archive."""

from deblend import logs
from deblend.download import download, zenodo_checksum

with logs.script(snakemake.log[0]):
    entry = snakemake.params.entry
    checksum = entry["checksum"]
    if checksum == "zenodo":
        checksum = zenodo_checksum(entry["record_api"], entry["filename"])
    download(entry["url"], snakemake.output.archive, checksum, entry["max_bytes"])
