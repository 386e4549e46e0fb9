"""Adapter: download a mosaic."""

from deblend import logs
from deblend.download import download

with logs.script(snakemake.log[0]):
    download(
        snakemake.params.url,
        snakemake.output.mosaic,
        snakemake.params.checksum,
        snakemake.params.max_bytes,
    )
