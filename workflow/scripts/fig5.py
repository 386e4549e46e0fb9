"""Adapter: Figure 5 of Boucaud et al. 2020 from a catalogue in the published format."""

import json
import logging
from pathlib import Path

import pandas as pd
from deblend import logs
from deblend.catalog import check_catalog
from deblend.fig5 import draw_fig5, fig5_data, fig5_statistics
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    catalog = check_catalog(pd.read_csv(snakemake.input.catalog), snakemake.input.catalog)
    about = json.loads(Path(snakemake.input.description).read_text())
    points = fig5_data(
        catalog,
        network_zero_point=about["network_zero_point"],
        sextractor_zero_point=about["sextractor_zero_point"],
    )
    statistics = fig5_statistics(
        points, n_resamples=snakemake.params.n_resamples, seed=snakemake.params.seed
    )
    logging.info("\n%s", statistics.iloc[:, :9].to_string(index=False))
    label = f"{about['scale']} scale, data set {about['dataset']}, {len(catalog)} test blends"
    draw_fig5(points, statistics, [snakemake.output.pdf, snakemake.output.png], label)
    write_csv(snakemake.output.statistics, statistics.assign(**about))
    write_csv(snakemake.output.points, points)
