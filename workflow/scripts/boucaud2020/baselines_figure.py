"""Adapter: several baselines in the layout of Figure 5 of Boucaud et al. 2020."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import read_catalog
from deblend.boucaud2020.figures.fig5_magnitudes import baselines_data, draw_fig5, fig5_statistics
from deblend.boucaud2020.figures.panels import figure_label, sample_text
from deblend.boucaud2020.methods import baseline_methods
from deblend.files import read_json
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    inputs, out = snakemake.input, snakemake.output
    about = read_json(inputs.description)
    catalog = read_catalog(inputs.catalog, about["n_blends"])
    about = {key: about[key] for key in ("scale", "dataset")}
    predictions = pd.concat(map(pd.read_csv, inputs.predictions))
    methods = baseline_methods(predictions["method"].unique())
    points = baselines_data(predictions, catalog)
    statistics = fig5_statistics(points, methods, **snakemake.params.bootstrap)
    logging.info("\n%s", statistics.iloc[:, :9].to_string(index=False))
    label = figure_label(about, sample_text(catalog["g1_id"], catalog["g2_id"]))
    draw_fig5(points, statistics, [out.pdf, out.png], label, methods)
    write_csv(out.table, statistics.assign(**about))
    write_csv(out.points, points)
