"""Adapter: Figure 7 of Hemmati et al. 2022: photometry and its Gaussian process regression."""

import pandas as pd
from deblend.hemmati2022.figures.fig7_photometry import draw_fig7, photometry_points
from deblend.hemmati2022.regression import regressions
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, out = snakemake.params, snakemake.output
    photometry = pd.read_csv(snakemake.input.photometry)
    fits = regressions(photometry, params.seed)
    for name in ("curves", "scatter", "bins"):
        write_csv(out[name], fits[name])
    points = photometry_points(photometry)
    engines = ", ".join(sorted(photometry["engine"].dropna().unique()))
    label = f"{params.label}, fits by {engines}" if engines else params.label
    outputs = [out.pdf7, out.png7]
    draw_fig7(points, fits["curves"], fits["scatter"], fits["bins"], outputs, label)
    write_csv(out.table7, points.assign(scale=params.scale))
