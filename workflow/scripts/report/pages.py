"""Adapter: pages of the report, and numbers for the captions of its figures."""

from deblend.report.site import write_pages
from deblend.run import logs

with logs.script(snakemake):
    write_pages(snakemake.input, snakemake.output, snakemake.params.papers)
