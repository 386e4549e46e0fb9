"""Adapter: download a file as it is."""

from deblend import logs
from deblend.download import download

with logs.script(snakemake.log[0]):
    wanted = snakemake.params
    download(wanted.url, snakemake.output.catalog, wanted.checksum, wanted.max_bytes)
