"""Adapter: download an archive."""

from deblend import logs
from deblend.download import download, locate
from deblend.kaggle import download_competition_file

with logs.script(snakemake.log[0]):
    entry = snakemake.params.entry
    output, max_bytes = snakemake.output.archive, entry["max_bytes"]
    if entry["kaggle"] and not entry["url"]:
        download_competition_file(
            entry["kaggle"], entry["filename"], output, entry["checksum"], max_bytes
        )
    else:
        url, checksum = locate(entry)
        download(url, output, checksum, max_bytes)
