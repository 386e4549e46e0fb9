"""Adapter: fetch a table from VizieR."""

from deblend.data.vizier import fetch_table
from deblend.run import logs

with logs.script(snakemake):
    fetch_table(snakemake.wildcards.table, snakemake.output.table, snakemake.params.n_rows)
