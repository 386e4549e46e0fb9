"""Adapter: unpack a table of an archive."""

from pathlib import Path

from deblend.data.archives import extract_members
from deblend.data.facts import check_count
from deblend.data.table_files import open_table
from deblend.run import logs

with logs.script(snakemake):
    table = Path(snakemake.output.table)
    archive, member = Path(snakemake.input.archive), snakemake.wildcards.member
    extract_members(archive, {"table": member}, table.parent, snakemake.params.max_bytes)
    if snakemake.params.n_rows is not None:
        check_count(table, len(open_table(table)), snakemake.params.n_rows, "rows", "n_rows")
