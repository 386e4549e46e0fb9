"""Adapter: compare a data set's test blends, measured by SEP, with the published sample."""

import pandas as pd
from deblend.boucaud2020.catalog import describe_catalog, output_catalog
from deblend.boucaud2020.figures.published_sample import draw_comparison
from deblend.boucaud2020.published_sample import compare
from deblend.data.stamps import open_stamps
from deblend.files import read_yaml, write_json
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    stamps, blends = open_stamps(inputs.stamps), read_ecsv(inputs.blends)
    detection = pd.read_csv(inputs.detections).set_index("blend")["detection"]
    predictions = {"sep": pd.read_csv(inputs.sep)}
    catalog = output_catalog(stamps, blends, predictions, detection)
    about = {"scale": params.scale, "dataset": params.dataset, "network": None}
    table = compare(catalog, read_yaml(inputs.published)["boucaud2020"]["sample"])
    draw_comparison(catalog, table, [out.pdf, out.png], f"{params.scale} scale, {params.dataset}")
    write_csv(out.catalog, catalog)
    write_json(out.description, describe_catalog(catalog, stamps, predictions["sep"]) | about)
    write_csv(out.table, table)
