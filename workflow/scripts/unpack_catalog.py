"""Adapter: unpack a RealGalaxy catalogue with its companions."""

from deblend import logs
from deblend.download import extract_catalog

with logs.script(snakemake.log[0]):
    params = snakemake.params
    extract_catalog(
        snakemake.input.archive, params.catalog, snakemake.output.folder, params.max_bytes
    )
