"""Adapter: the authors' catalogue, checked, with what our figures have to know about it."""

from pathlib import Path

import yaml
from deblend.boucaud2020.catalog import describe_published, read_catalog
from deblend.files import write_json
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["boucaud2020"]
    catalog = read_catalog(snakemake.input.catalog)
    description = describe_published(catalog, published["zero_points"])
    write_csv(snakemake.output.catalog, catalog)
    write_json(snakemake.output.description, description)
