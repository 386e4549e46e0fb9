"""Adapter: unpack a RealGalaxy catalogue with its companions."""

from pathlib import Path

from deblend.data.archives import extract_catalog
from deblend.data.facts import check_count
from deblend.data.table_files import open_table
from deblend.run import logs

with logs.script(snakemake):
    params, folder = snakemake.params, Path(snakemake.output.folder)
    archive = Path(snakemake.input.archive)
    extract_catalog(archive, params.catalog, folder, params.max_bytes)
    table = folder / params.catalog
    check_count(table, len(open_table(table)), params.n_rows, "rows", "n_rows")
