"""Adapter: read a survey's catalogue and redshifts, split it and cut it."""

from deblend.hemmati2022.cutouts import select
from deblend.hemmati2022.ingest import add_redshifts, read_cutout_catalogue
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    catalogue = read_cutout_catalogue(
        snakemake.input.catalog, params.columns, params.pixel_scale_arcsec, params.radius_unit
    )
    if snakemake.input.get("redshifts"):
        catalogue = add_redshifts(catalogue, snakemake.input.redshifts, params.redshift_columns)
    write_csv(snakemake.output.selected, select(catalogue, params.cuts, params.seed))
