"""Adapter: parent stamps from a GalSim RealGalaxyCatalog."""

from deblend.data.ingest import RealGalaxyConfig, ingest_real_galaxies
from deblend.data.stamps import write_stamps
from deblend.run import logs

with logs.script(snakemake):
    config = RealGalaxyConfig(
        catalog=snakemake.input.catalog,
        fits_catalog=snakemake.input.fits_catalog,
        **snakemake.params.options,
    )
    write_stamps(snakemake.output.stamps, ingest_real_galaxies(config, snakemake.params.seed))
