"""Adapter: download the catalogue that the authors published."""

from pathlib import Path

from deblend.data.addresses import looked_up
from deblend.data.downloads import download
from deblend.run import logs

with logs.script(snakemake):
    output = snakemake.output.catalog
    entry = looked_up(snakemake.params.entry, snakemake.config["address_files"])
    download(output=output, record=Path(output).parents[1], **entry)
