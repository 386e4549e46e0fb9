"""Adapter: Figures 5 to 9 of Boucaud et al. 2020 from a catalogue of test blends."""

import logging

import pandas as pd
from deblend.boucaud2020.catalog import read_catalog, zero_points
from deblend.boucaud2020.figures import fig5_magnitudes as fig5
from deblend.boucaud2020.figures import fig6_pairs as fig6
from deblend.boucaud2020.figures import fig7_errors as fig7
from deblend.boucaud2020.figures import fig8_bias_scatter as fig8
from deblend.boucaud2020.figures import fig9_morphology as fig9
from deblend.boucaud2020.figures.panels import figure_label
from deblend.boucaud2020.methods import catalog_methods
from deblend.boucaud2020.recovered import published_curves, statistics_table
from deblend.files import read_json
from deblend.run import logs
from deblend.tables import write_csv

#: For each figure, the functions for its points, their statistics, and the drawing.
PARTS = {
    5: (fig5.fig5_data, fig5.fig5_statistics, fig5.draw_fig5),
    6: (fig6.fig6_data, fig6.fig6_statistics, fig6.draw_fig6),
    7: (fig7.fig7_data, fig7.fig7_statistics, fig7.draw_fig7),
    8: (fig8.fig8_data, fig8.fig8_statistics, fig8.draw_fig8),
    9: (fig9.fig9_data, fig9.fig9_statistics, fig9.draw_fig9),
}

with logs.script(snakemake.log[0]):
    inputs, out = snakemake.input, snakemake.output
    catalog, about = read_catalog(inputs.catalog), read_json(inputs.description)
    methods = catalog_methods(catalog)
    curves = published_curves(map(pd.read_csv, inputs.published), about)
    tables = {}
    for n, (find_points, find_statistics, draw) in PARTS.items():
        points = find_points(catalog, **zero_points(about))
        statistics = find_statistics(points, methods, **snakemake.params.bootstrap)
        logging.info("Figure %d\n%s", n, statistics.iloc[:, :9].to_string(index=False))
        # Figure 8 shows only the centrals that SEP found; Figures 5 to 7 have n in each panel.
        label = figure_label(about, fig8.number_shown(statistics) if n == 8 else len(catalog))
        authors = {"published": curves[n]} if n in curves else {}
        draw(points, statistics, [out[f"pdf{n}"], out[f"png{n}"]], label, methods, **authors)
        tables[n] = statistics.assign(**about)
        write_csv(out[f"table{n}"], tables[n])
        write_csv(out[f"points{n}"], points)
    write_csv(out.statistics, statistics_table(tables[5], tables[6]))
