"""Adapter: draw one chunk of BlendHunter's stamps."""

from deblend.farrens2022.stamps import (
    CatalogGalaxies,
    SampleConfig,
    SimulatedGalaxies,
    draw_chunk,
    write_sample,
)
from deblend.run import logs

with logs.script(snakemake.log[0]):
    params = snakemake.params
    catalog = snakemake.input.get("catalog")
    if catalog and params.archived:
        catalog = f"{catalog}/{params.archived}"
    config = SampleConfig(**params.config, catalog=catalog)
    name = f"{snakemake.wildcards.sample}/{snakemake.wildcards.split}"
    galaxies = (
        CatalogGalaxies(config, snakemake.wildcards.split, params.fractions, params.seed)
        if config.catalog
        else SimulatedGalaxies(config, name, params.seed)
    )
    start = int(snakemake.wildcards.chunk) * params.chunk_size
    stop = min(start + params.chunk_size, params.n_stamps)
    chunk = draw_chunk(config, galaxies, name, start, stop, params.seed)
    write_sample(snakemake.output.chunk, [chunk])
