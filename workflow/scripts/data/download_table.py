"""Adapter: download the catalogue that the authors published."""

from pathlib import Path

from deblend.data.downloads import download
from deblend.run import logs

with logs.script(snakemake.log[0]):
    output = snakemake.output.catalog
    download(output=output, record=Path(output).parents[1], **snakemake.params.entry)
