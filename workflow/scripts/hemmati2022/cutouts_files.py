"""Adapter: cut the selected galaxies out of the user's stamps."""

from deblend.data.stamps import write_stamps
from deblend.hemmati2022.cutouts import keep_usable, read_selected
from deblend.hemmati2022.ingest import cutout_config, files_cutouts
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params = snakemake.params
    stamps = files_cutouts(
        params.seed,
        snakemake.wildcards.cutouts,
        snakemake.input.images,
        read_selected(snakemake.input.selected),
        cutout_config(params.options),
        **params.files,
    )
    stamps, exclusions = keep_usable(stamps)
    write_stamps(snakemake.output.stamps, stamps)
    write_csv(snakemake.output.exclusions, exclusions)
