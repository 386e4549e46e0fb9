"""Adapter: cut the selected galaxies out of mosaics."""

from deblend.data.stamps import write_stamps
from deblend.hemmati2022.cutouts import keep_usable, read_selected
from deblend.hemmati2022.ingest import archive_cutouts, cutout_config
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    config = cutout_config(snakemake.params.options, snakemake.input.mosaics)
    selected = read_selected(snakemake.input.selected)
    stamps, reasons = archive_cutouts(selected, config, snakemake.params.neighbour_mag_max)
    stamps, exclusions = keep_usable(stamps, reasons)
    write_stamps(snakemake.output.stamps, stamps)
    write_csv(snakemake.output.exclusions, exclusions)
