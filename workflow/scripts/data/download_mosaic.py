"""Adapter: download a mosaic."""

from pathlib import Path

from deblend.data.addresses import restored
from deblend.data.downloads import download
from deblend.run import logs

with logs.script(snakemake):
    output = snakemake.output.mosaic
    entry = restored(snakemake.params.entry, snakemake.config["addresses"])
    download(output=output, record=Path(output).parents[1], **entry)
