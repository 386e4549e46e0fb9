"""Adapter: download a mosaic."""

from deblend.data.archives import download
from deblend.run import logs

with logs.script(snakemake.log[0]):
    download(output=snakemake.output.mosaic, **snakemake.params.entry)
