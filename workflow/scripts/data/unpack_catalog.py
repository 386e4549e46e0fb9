"""Adapter: unpack a RealGalaxy catalogue with its companions."""

from deblend.data.archives import extract_catalog
from deblend.run import logs

with logs.script(snakemake.log[0]):
    params = snakemake.params
    extract_catalog(
        snakemake.input.archive, params.catalog, snakemake.output.folder, params.max_bytes
    )
