"""Adapter: read the catalogue of the user's cut-outs, split it and cut it."""

from deblend.hemmati2022.cutouts import select
from deblend.hemmati2022.ingest import cutout_config, files_catalogue
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    catalogue = files_catalogue(
        params.pattern or snakemake.input.images,
        params.files["images_key"],
        snakemake.input.catalog,
        params.files["columns"],
        params.files["radius_unit"],
        cutout_config(params.options),
        params.files["mask_bits"],
    )
    write_csv(snakemake.output.selected, select(catalogue, params.cuts, params.seed))
