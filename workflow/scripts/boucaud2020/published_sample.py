"""Adapter: a data set's distributions beside those of the published sample."""

from pathlib import Path

import yaml
from deblend.boucaud2020.catalog import read_catalog
from deblend.boucaud2020.figures.published_sample import draw_comparison
from deblend.boucaud2020.published_sample import compare
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    catalog = read_catalog(snakemake.input.catalog)
    published = yaml.safe_load(Path(snakemake.input.published).read_text())
    table = compare(catalog, published["boucaud2020"]["sample"])
    outputs = [snakemake.output.pdf, snakemake.output.png]
    draw_comparison(catalog, table, outputs, snakemake.params.label)
    write_csv(snakemake.output.table, table)
