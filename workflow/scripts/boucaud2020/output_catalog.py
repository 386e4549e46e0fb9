"""Adapter: the catalogue of test blends in the published format."""

import pandas as pd
from deblend.boucaud2020.catalog import describe_catalog, output_catalog
from deblend.data.stamps import read_stamps
from deblend.files import write_json
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    detection = pd.read_csv(snakemake.input.detections).set_index("blend")["detection"]
    predictions = {"sep_iso": pd.read_csv(snakemake.input.sep)}
    for method in ("blend2flux", "blend2mask2flux"):
        files = snakemake.input.get(method, [])  # a list where the network may be absent
        for path in [files] if isinstance(files, str) else files:
            predictions[method] = pd.read_csv(path)
    stamps = read_stamps(snakemake.input.stamps)
    catalog = output_catalog(stamps, read_ecsv(snakemake.input.blends), predictions, detection)
    description = describe_catalog(catalog, stamps, predictions) | {
        "scale": snakemake.params.scale,
        "dataset": snakemake.params.dataset,
        "network": snakemake.params.network,
    }
    write_csv(snakemake.output.catalog, catalog)
    write_json(snakemake.output.description, description)
