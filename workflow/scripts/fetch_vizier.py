"""Adapter: a table from VizieR."""

from deblend import logs
from deblend.vizier import fetch_table

with logs.script(snakemake.log[0]):
    fetch_table(snakemake.wildcards.table, snakemake.output.table)
