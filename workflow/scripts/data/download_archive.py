"""Adapter: download an archive."""

from deblend.data.archives import download, locate
from deblend.data.kaggle import download_competition_file
from deblend.run import logs

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
