"""Adapter: download a file as it is."""

from deblend.data.archives import download
from deblend.run import logs

with logs.script(snakemake.log[0]):
    wanted = snakemake.params
    download(wanted.url, snakemake.output.catalog, wanted.checksum, wanted.max_bytes)
