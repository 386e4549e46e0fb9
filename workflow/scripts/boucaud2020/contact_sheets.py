"""Adapter: contact sheets of a data set's clean stamps."""

import logging

from deblend.boucaud2020.figures.contact_sheets import draw_contact_sheets
from deblend.run import logs

with logs.script(snakemake):
    pages = draw_contact_sheets(
        snakemake.input.stamps, snakemake.output.pdf, snakemake.params.label
    )
    logging.info("%d pages", pages)
