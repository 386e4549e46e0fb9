"""Adapter: join cleaned chunks, count exclusions, split the galaxies."""

import logging
from functools import partial

import pandas as pd
from deblend.boucaud2020.clean import CRITERIA, read_rejected
from deblend.boucaud2020.dataset import assemble
from deblend.data.stamps import GALAXY_COLUMNS, ISOLATED_COLUMNS, open_stamps, write_stamps
from deblend.run import logs
from deblend.tables import write_csv, write_ecsv

with logs.script(snakemake):
    read = partial(pd.read_csv, dtype=str, keep_default_na=False)
    stamps, excluded, counts, criteria = assemble(
        [open_stamps(path, kept_bytes=0) for path in snakemake.input.stamps],
        pd.concat([read(path) for path in snakemake.input.exclusions]),
        fractions=snakemake.params.fractions,
        delta_mag_max=snakemake.params.delta_mag_max,
        seed=snakemake.params.seed,
        applied=[name for name in CRITERIA if snakemake.params.cleaning[name]],
        rejected=read_rejected(snakemake.input.rejected),
    )
    logging.info("galaxies:\n%s", counts[counts["n"] > 0].to_string(index=False))
    band = stamps.bands.iloc[0]
    write_ecsv(
        snakemake.output.galaxies,
        stamps.galaxies,
        {**GALAXY_COLUMNS, **ISOLATED_COLUMNS},
        zero_point=float(band.zero_point),
        pixel_scale_arcsec=float(band.pixel_scale_arcsec),
    )
    write_stamps(snakemake.output.stamps, stamps)
    write_csv(snakemake.output.exclusions, counts)
    write_csv(snakemake.output.excluded, excluded)
    write_csv(snakemake.output.criteria, criteria)
