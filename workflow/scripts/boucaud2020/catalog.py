"""Adapter: the catalogue of test blends in the published format, and statistics of each method."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import describe_catalog, output_catalog
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
    predictions = {"sep_iso": sep, **dict(zip(params.columns, networks, strict=True))}
    catalog = output_catalog(stamps, blends, predictions, detection)
    about = {key: params[key] for key in ("scale", "dataset", "network")}
    description = describe_catalog(catalog, stamps, predictions) | about
    description["not_learnt"] = not_learnt(read_networks(inputs.records))
    zero_point = float(stamps.bands.zero_point[0])
    photometry = photometry_table(
        pd.concat([*networks, sep]),
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
