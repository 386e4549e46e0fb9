"""Adapter: join cleaned chunks, count what was excluded, split the galaxies."""

import logging

import numpy as np
import pandas as pd
from deblend import logs
from deblend.blends import split_galaxies, without_partner
from deblend.clean import count_exclusions
from deblend.stamps import GALAXY_COLUMNS, ISOLATED_COLUMNS, concatenate, read_stamps, write_stamps
from deblend.tables import write_csv, write_ecsv

with logs.script(snakemake.log[0]):
    stamps = concatenate([read_stamps(path) for path in snakemake.input.stamps])
    excluded = pd.concat(
        [pd.read_csv(path, dtype=str) for path in snakemake.input.exclusions], ignore_index=True
    )
    n_parents = len(stamps) + len(excluded)
    count_exclusions(excluded, n_parents)  # an error where nothing is left
    split = split_galaxies(len(stamps), snakemake.params.fractions, snakemake.params.seed)
    lonely = without_partner(
        stamps.galaxies["mag"].to_numpy(), split, snakemake.params.delta_mag_max
    )
    unpaired = stamps.galaxies.loc[lonely, ["id"]].assign(reason="no_partner")
    excluded = pd.concat([excluded, unpaired], ignore_index=True)
    counts = count_exclusions(excluded, n_parents)
    logging.info("galaxies:\n%s", counts[counts["n"] > 0].to_string(index=False))
    stamps = stamps.take(np.flatnonzero(~lonely))
    galaxies = stamps.galaxies.assign(split=split[~lonely])
    band = stamps.bands.iloc[0]
    write_stamps(snakemake.output.stamps, stamps)
    write_ecsv(
        snakemake.output.galaxies,
        galaxies,
        {**GALAXY_COLUMNS, **ISOLATED_COLUMNS},
        zero_point=float(band.zero_point),
        pixel_scale_arcsec=float(band.pixel_scale_arcsec),
    )
    write_csv(snakemake.output.exclusions, counts)
    write_csv(snakemake.output.excluded, excluded)
