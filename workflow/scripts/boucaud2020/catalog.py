"""Adapter: the catalogue of test blends, and statistics of each method."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import describe_catalog, describe_networks, output_catalog
from deblend.boucaud2020.methods import PAPER_METHODS, network_method
from deblend.boucaud2020.metrics import photometry_table
from deblend.boucaud2020.predictions import truth
from deblend.data.stamps import read_stamps
from deblend.files import write_json
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    stamps, blends = read_stamps(inputs.stamps), read_ecsv(inputs.blends)
    detection = pd.read_csv(inputs.detections).set_index("blend")["detection"]
    networks = [pd.read_csv(path) for path in inputs.predictions]
    sep = pd.read_csv(inputs.sep)
    # Without roles in the paper, networks have columns under their own names.
    names = params.roles or params.networks
    methods = PAPER_METHODS if params.roles else [network_method(name) for name in names]
    predictions = {"sep_iso": sep, **dict(zip(names, networks, strict=True))}
    catalog = output_catalog(stamps, blends, predictions, detection, methods)
    records = read_networks(inputs.records)
    description = {"scale": params.scale, "dataset": params.dataset}
    description |= describe_catalog(catalog, stamps, predictions)
    description |= describe_networks(records, bool(params.roles))
    description["not_learnt"] = not_learnt(records)
    zero_point = float(stamps.bands.zero_point[0])
    photometry = photometry_table(
        pd.concat([*networks, *map(pd.read_csv, inputs.baselines)]),
        truth(stamps.galaxies, blends, zero_point),
        detection,
        n_resamples=params.n_resamples,
        seed=params.seed,
    )
    logging.info("\n%s", photometry.iloc[:, :10].to_string(index=False))
    photometry.insert(0, "scale", params.scale)
    write_csv(out.catalog, catalog)
    write_json(out.description, description)
    write_csv(out.photometry, photometry)
