"""Adapter: the catalogue of test blends, and statistics of each method."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import describe_catalog, describe_networks, output_catalog
from deblend.boucaud2020.methods import run_methods
from deblend.boucaud2020.metrics import photometry_table
from deblend.boucaud2020.predictions import truth
from deblend.data.stamps import open_stamps
from deblend.files import write_json
from deblend.report.networks import read_networks
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    stamps, blends = open_stamps(inputs.stamps), read_ecsv(inputs.blends)
    detection = pd.read_csv(inputs.detections).set_index("blend")["detection"]
    networks = [pd.read_csv(path) for path in inputs.predictions]
    sep = pd.read_csv(inputs.sep)
    # Without roles in the paper, networks have columns under their own names.
    names, of_paper = params.roles or params.networks, bool(params.roles)
    predictions = {"sep": sep, **dict(zip(names, networks, strict=True))}
    methods, flux = run_methods(names, of_paper), params.sextractor_flux
    catalog = output_catalog(stamps, blends, predictions, detection, methods, flux)
    description = {"scale": params.scale, "dataset": params.dataset}
    description |= describe_catalog(catalog, stamps, sep, flux)
    description |= describe_networks(read_networks(inputs.records), of_paper)
    photometry = photometry_table(
        pd.concat([*networks, *map(pd.read_csv, inputs.baselines)]),
        truth(stamps.galaxies, blends, description["network_zero_point"]),
        detection,
        n_resamples=params.n_resamples,
        seed=params.seed,
    )
    logging.info("\n%s", photometry.iloc[:, :10].to_string(index=False))
    photometry.insert(0, "scale", params.scale)
    write_csv(out.catalog, catalog)
    write_json(out.description, description)
    write_csv(out.photometry, photometry)
