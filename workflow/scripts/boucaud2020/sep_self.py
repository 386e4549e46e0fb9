"""Adapter: SEP's fluxes of test blends against its own of the same galaxies alone."""

import pandas as pd
from deblend.boucaud2020.sep import measure_isolated_galaxies
from deblend.boucaud2020.sep_self import self_predictions
from deblend.data.stamps import read_stamps
from deblend.photometry.sep import Detection
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    params, inputs = snakemake.params, snakemake.input
    cold, hot = (Detection(**params.sep[mode]) for mode in ("cold", "hot"))
    stamps = read_stamps(inputs.stamps)
    predictions = self_predictions(
        pd.read_csv(inputs.sep),
        measure_isolated_galaxies(stamps, cold, hot, params.seed),
        stamps.galaxies,
        read_ecsv(inputs.blends),
        float(stamps.bands.zero_point[0]),
    )
    write_csv(snakemake.output.predictions, predictions)
