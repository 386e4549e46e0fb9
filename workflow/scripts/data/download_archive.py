"""Adapter: download an archive."""

from pathlib import Path

from deblend.data.addresses import looked_up
from deblend.data.downloads import download, locate
from deblend.data.kaggle import download_competition_file
from deblend.run import logs

with logs.script(snakemake):
    entry = looked_up(snakemake.params.entry, snakemake.config["address_files"])
    output = snakemake.output.archive
    record = Path(output).parents[1]
    limits = {key: entry[key] for key in ("max_bytes", "n_bytes")}
    if entry["kaggle"] and not entry["url"]:
        download_competition_file(
            entry["kaggle"], entry["filename"], output, entry["checksum"], record=record, **limits
        )
    else:
        url, checksum = locate(entry)
        download(url, output, checksum, record=record, **limits)
