"""Adapter: one of Figures 5 to 9 of Boucaud et al. 2020 from a catalogue of test blends."""

import json
import logging
from pathlib import Path

from deblend.boucaud2020.catalog import read_catalog
from deblend.boucaud2020.figures import fig5_magnitudes as fig5
from deblend.boucaud2020.figures import fig6_pairs as fig6
from deblend.boucaud2020.figures import fig7_errors as fig7
from deblend.boucaud2020.figures import fig8_bias_scatter as fig8
from deblend.boucaud2020.figures import fig9_morphology as fig9
from deblend.boucaud2020.figures.panels import figure_label
from deblend.run import logs
from deblend.tables import write_csv

PARTS = {
    "fig5": (fig5.fig5_data, fig5.fig5_statistics, fig5.draw_fig5),
    "fig6": (fig6.fig6_data, fig6.fig6_statistics, fig6.draw_fig6),
    "fig7": (fig7.fig7_data, fig7.fig7_statistics, fig7.draw_fig7),
    "fig8": (fig8.fig8_data, fig8.fig8_statistics, fig8.draw_fig8),
    "fig9": (fig9.fig9_data, fig9.fig9_statistics, fig9.draw_fig9),
}

with logs.script(snakemake.log[0]):
    find_points, find_statistics, draw = PARTS[snakemake.params.figure]
    catalog = read_catalog(snakemake.input.catalog)
    about = json.loads(Path(snakemake.input.description).read_text())
    points = find_points(
        catalog,
        network_zero_point=about["network_zero_point"],
        sextractor_zero_point=about["sextractor_zero_point"],
    )
    statistics = find_statistics(points, **snakemake.params.bootstrap)
    logging.info("\n%s", statistics.iloc[:, :9].to_string(index=False))
    label = figure_label(about, len(catalog))
    draw(points, statistics, [snakemake.output.pdf, snakemake.output.png], label)
    write_csv(snakemake.output.statistics, statistics.assign(**about))
    write_csv(snakemake.output.points, points)
