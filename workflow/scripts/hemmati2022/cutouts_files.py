"""Adapter: cut the selected galaxies out of the user's stamps."""

from deblend.hemmati2022.cutouts import keep_usable, read_selected, write_cutouts
from deblend.hemmati2022.ingest import cutout_config, files_cutouts
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, output = snakemake.params, snakemake.output
    config = cutout_config(params.options, psfs=snakemake.input.psfs)
    selected = read_selected(snakemake.input.selected)
    batches = files_cutouts(
        params.seed,
        snakemake.wildcards.cutouts,
        params.pattern or snakemake.input.images,
        selected,
        config,
        **params.files,
    )
    parts = (keep_usable(stamps, **params.usable) for stamps in batches)
    split, excluded = write_cutouts(output.stamps, parts, selected, config.detection_band)
    write_csv(output.split, split)
    write_csv(output.excluded, excluded)
