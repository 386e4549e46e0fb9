"""Adapter: check the authors' catalogue, and describe it for the figures."""

from deblend.boucaud2020.catalog import describe_published, read_catalog
from deblend.boucaud2020.compared_tables import authorship
from deblend.files import read_yaml, write_json
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    inputs, out = snakemake.input, snakemake.output
    published = read_yaml(inputs.published)["boucaud2020"]
    catalog = read_catalog(inputs.catalog)
    about = describe_published(catalog, published["zero_points"])
    write_json(out.description, about | authorship(inputs.catalog, snakemake.params.checksum))
    write_csv(out.catalog, catalog)
