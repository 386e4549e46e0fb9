"""Adapter: the self-organising map of the test blends."""

import logging

import numpy as np
import pandas as pd
from deblend.files import write_json
from deblend.hemmati2022.som import cell_means, learn_som, occupancy, summary
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.detections)
    # Galaxies without a redshift have no place on the map's fourth axis.
    columns = [c for c in snakemake.params.columns if table[c].notna().any()]
    table = table.dropna(subset=columns)
    som = learn_som(table, columns, tuple(snakemake.params.shape), seed=snakemake.params.seed)
    rows, cells = np.indices(som.shape)
    found = {"row": rows.ravel(), "column": cells.ravel(), "n": occupancy(som).ravel()}
    shown = [*snakemake.params.columns, "separation_arcsec", "delta_mag"]
    for name in dict.fromkeys([*shown, *(c for c in table if c.startswith("detected_"))]):
        found[name] = cell_means(som, table[name].to_numpy(float)).ravel()
    numbers = summary(som)
    logging.info("%s", numbers)
    write_csv(snakemake.output.cells, pd.DataFrame(found))
    record = {f"{k}_occupancy" if k in ("mean", "median") else k: v for k, v in numbers.items()}
    write_json(
        snakemake.output.summary, record | {"shape": list(som.shape), "columns": list(columns)}
    )
