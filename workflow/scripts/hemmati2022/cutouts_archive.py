"""Adapter: cut the selected galaxies out of mosaics."""

from deblend.hemmati2022.cutouts import keep_usable, read_selected, write_cutouts
from deblend.hemmati2022.ingest import cutout_config
from deblend.hemmati2022.mosaic_cutouts import archive_cutouts
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, output = snakemake.params, snakemake.output
    files = snakemake.input
    config = cutout_config(params.options, files.mosaics, files.psfs, files.weights)
    selected = read_selected(snakemake.input.selected)
    batches = archive_cutouts(selected, config, params.neighbour_mag_max, params.offset_arcsec)
    parts = (keep_usable(stamps, reasons, **params.usable) for stamps, reasons in batches)
    split, excluded = write_cutouts(output.stamps, parts, selected, config.detection_band)
    write_csv(output.split, split)
    write_csv(output.excluded, excluded)
