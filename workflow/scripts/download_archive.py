"""Adapter: download an archive."""

from deblend import logs
from deblend.download import download, locate

with logs.script(snakemake.log[0]):
    entry = snakemake.params.entry
    url, checksum = locate(entry)
    download(url, snakemake.output.archive, checksum, entry["max_bytes"])
