"""Adapter: unpack a table of an archive."""

from pathlib import Path

from deblend.data.archives import extract_members
from deblend.run import logs

with logs.script(snakemake.log[0]):
    table = Path(snakemake.output.table)
    extract_members(
        snakemake.input.archive,
        {"table": snakemake.wildcards.member},
        table.parent,
        snakemake.params.max_bytes,
    )
