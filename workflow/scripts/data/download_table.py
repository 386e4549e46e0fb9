"""Adapter: download the catalogue that the authors published."""

from deblend.data.archives import download
from deblend.run import logs

with logs.script(snakemake.log[0]):
    params = snakemake.params
    download(params.url, snakemake.output.catalog, params.checksum, params.max_bytes)
