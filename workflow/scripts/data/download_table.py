"""Adapter: download the catalogue that the authors published."""

from deblend.data.archives import download
from deblend.run import logs

with logs.script(snakemake.log[0]):
    download(output=snakemake.output.catalog, **snakemake.params.entry)
