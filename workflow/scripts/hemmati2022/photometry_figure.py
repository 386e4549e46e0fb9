"""Adapter: Figure 7 of Hemmati et al. 2022, and the points it shows."""

import pandas as pd
from deblend.hemmati2022.figures.fig7_photometry import draw_fig7, photometry_points
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    photometry = pd.read_csv(inputs.photometry)
    points = photometry_points(photometry)
    fits = [pd.read_csv(path) for path in (inputs.gpr, inputs.scatter, inputs.bins)]
    engines = ", ".join(sorted(photometry["engine"].dropna().unique()))
    label = f"{params.label}, fits by {engines}" if engines else params.label
    draw_fig7(points, *fits, [out.pdf7, out.png7], label)
    write_csv(out.table7, points.assign(scale=params.scale))
