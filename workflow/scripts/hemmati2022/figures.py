"""Adapter: Figures 2 to 6, 8 and 9 of Hemmati et al. 2022, from detections and stored images."""

import logging

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
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    label = params.label
    images, bands, band = read_galleries(inputs.galleries)
    draw_fig2(images["real"], images["generated"], [out.pdf2, out.png2], label)
    draw_fig3(
        images["high"], images["low"], images["gan"], [out.pdf3, out.png3], f"{label}, {band}"
    )
    draw_fig4(*read_examples(inputs.examples), [out.pdf4, out.png4], label)
    draw_fig8(images, bands, band, [out.pdf8, out.png8], label)
    detections = pd.read_csv(inputs.detections)
    for number, quantities in ((5, FIG5), (9, FIG9)):
        table = binned_fractions(detections, quantities)
        draw_fractions(
            table, quantities, [out[f"pdf{number}"], out[f"png{number}"]], label, multi=number == 9
        )
        write_csv(out[f"table{number}"], table.assign(scale=params.scale))
    cells, numbers = map_of_blends(
        detections, params.som_columns, tuple(params.som_shape), params.seed
    )
    logging.info("map: %s", numbers)
    write_csv(out.cells, cells)
    write_json(out.som, numbers)
    draw_fig6(cells, numbers, [out.pdf6, out.png6], label)
    write_csv(out.table6, cells.assign(scale=params.scale))
