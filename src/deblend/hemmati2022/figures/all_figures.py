"""Figures 2 to 6, 8 and 9 of Hemmati et al. 2022 and their tables, from files of a detection."""

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
from deblend.files import write_json
from deblend.hemmati2022.examples import read_examples, read_galleries
from deblend.hemmati2022.figures.fig2_3_4_8_images import draw_fig2, draw_fig3, draw_fig4, draw_fig8
from deblend.hemmati2022.figures.fig5_9_detections import (
    FIG5,
    FIG9,
    binned_fractions,
    draw_fractions,
)
from deblend.hemmati2022.figures.fig6_map import draw_fig6
from deblend.hemmati2022.som import map_of_blends
from deblend.plots.style import Outputs, label_line
from deblend.tables import write_csv

log = logging.getLogger(__name__)


def write_figures(
    figures: Mapping[int, Outputs],
    tables: Mapping[int, str | Path],
    galleries: str | Path,
    examples: str | Path,
    detections: str | Path,
    *,
    som_columns: Sequence[str],
    som_shape: tuple[int, int],
    seed: int,
    cells: str | Path,
    som: str | Path,
    pixel_scale_arcsec: float,
    label: str,
    scale: str,
) -> None:
    """Draw the figures; write the tables of Figures 5, 6 and 9, and the map of Figure 6.

    Parameters
    ----------
    figures : dict
        Output paths of Figures 2, 3, 4, 5, 6, 8 and 9, by number.
    tables : dict
        CSV tables of Figures 5, 6 and 9, by number.
    galleries, examples : path
        See `deblend.hemmati2022.examples`.
    detections : path
        CSV table of the test blends.
    som_columns, som_shape, seed
        See `deblend.hemmati2022.som.map_of_blends`.
    cells, som : path
        For the cells of the map (CSV) and numbers that describe it (JSON).
    pixel_scale_arcsec : float
        Pixel scale of the high-resolution images.
    label : str
        Scale and data, for the label of the figures.
    scale : str
        Name of the run's scale, for the tables.
    """
    images, bands, band = read_galleries(galleries)
    pixel, in_band = pixel_scale_arcsec, label_line(label, band)
    draw_fig2(images["real"], images["generated"], pixel, figures[2], in_band)
    draw_fig3(images["high"], images["low"], images["gan"], pixel, figures[3], in_band)
    draw_fig4(*read_examples(examples), pixel, figures[4], in_band)
    draw_fig8(images, bands, band, pixel, figures[8], label)
    blends = pd.read_csv(detections)
    for number, quantities in ((5, FIG5), (9, FIG9)):
        table = binned_fractions(blends, quantities)
        draw_fractions(table, quantities, len(blends), figures[number], label, multi=number == 9)
        write_csv(tables[number], table.assign(scale=scale))
    table, numbers = map_of_blends(blends, som_columns, som_shape, seed)
    log.info("map: %s", numbers)
    draw_fig6(table, numbers, figures[6], label)
    write_csv(cells, table)
    write_json(som, numbers)
    write_csv(tables[6], table.assign(scale=scale))
