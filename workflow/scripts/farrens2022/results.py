"""Adapter: the numbers of Farrens et al. 2022 beside ours, and its claims."""

import logging
import math

import pandas as pd
from deblend.farrens2022.claims import CLAIMS
from deblend.farrens2022.metrics import weighted_close_share
from deblend.farrens2022.reproduction import our_rows
from deblend.farrens2022.stamps import read_sample_table
from deblend.files import read_json, read_yaml
from deblend.report.claims import claims_table
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    names = ("parametric", "by_distance", "realistic", "confusion")
    tables = {name: pd.read_csv(inputs[name]) for name in names}
    # A share that is set in the configuration is not a result.
    close = {
        name: weighted_close_share(read_sample_table(path))
        if params.samples[name]["close_fraction"] is None
        else math.nan
        for name, path in zip(params.samples, inputs.samples, strict=True)
    }
    records = [read_json(path) for path in inputs.records]
    galaxies = ", ".join(
        f"{entry['source']} {name} galaxies ({entry['kind']})"
        for name, entry in params.samples.items()
    )
    configuration = f"{params.scale} scale, {galaxies}, VGG-16 weights: {params.vgg_weights}"
    published = read_yaml(inputs.published)["farrens2022"]
    rows = our_rows(published, tables, close, records)
    reproduction = reproduction_table({configuration: rows}, "farrens2022")
    tables["realistic"]["realistic_noise_sigma"] = params.noise_sigma
    claims = claims_table(tables, params.scale, CLAIMS, "farrens2022")
    logging.info("\n%s", reproduction.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.reproduction, reproduction)
    write_csv(out.claims, claims)
