"""Adapter: Figures 5 to 9 of Boucaud et al. 2020 from a catalogue of test blends."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import read_catalog
from deblend.boucaud2020.figures.fig5_9_photometry import FIGURES, draw_figure
from deblend.boucaud2020.recovered import published_curves, statistics_table
from deblend.files import read_json
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    inputs, out, bootstrap = snakemake.input, snakemake.output, snakemake.params.bootstrap
    about = read_json(inputs.description)
    catalog = read_catalog(inputs.catalog, about["n_blends"])
    curves = published_curves(map(pd.read_csv, inputs.published), about)
    tables = {}
    for n in FIGURES:
        files = [out[f"pdf{n}"], out[f"png{n}"]]
        points, tables[n] = draw_figure(n, catalog, about, files, curves.get(n), **bootstrap)
        logging.info("Figure %s\n%s", n, tables[n].iloc[:, :9].to_string(index=False))
        write_csv(out[f"table{n}"], tables[n])
        write_csv(out[f"points{n}"], points)
    write_csv(out.statistics, statistics_table(tables[5], tables[6]))
