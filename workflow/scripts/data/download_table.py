"""Adapter: download the catalogue that the authors published."""

from pathlib import Path

from deblend.data.addresses import restored
from deblend.data.downloads import download
from deblend.run import logs

with logs.script(snakemake):
    output = snakemake.output.catalog
    entry = restored(snakemake.params.entry, snakemake.config["addresses"])
    download(output=output, record=Path(output).parents[1], **entry)
