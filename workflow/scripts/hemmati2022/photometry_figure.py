"""Adapter: Figure 7 of Hemmati et al. 2022: photometry and its Gaussian process regression."""

import pandas as pd
from deblend.hemmati2022.figures.fig7_photometry import draw_fig7, photometry_points
from deblend.hemmati2022.regression import regressions
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

#: Names of the engines of `deblend.photometry.forced` in the figure.
FITTERS = {"builtin": "the built-in fitter", "ngmix": "NGMIX"}


with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    warning = not_learnt(read_networks(snakemake.input.records))
    photometry = pd.read_csv(snakemake.input.photometry)
    fits = regressions(photometry, params.seed)
    for name in ("curves", "scatter", "bins"):
        write_csv(out[name], fits[name])
    points = photometry_points(photometry)
    engines = sorted(photometry["engine"].dropna().unique())
    fitters = ", ".join(FITTERS[engine] for engine in engines)
    draw_fig7(
        points,
        fits["curves"],
        fits["scatter"],
        fits["bins"],
        [out.pdf7, out.png7],
        label_line(params.label, fitters and f"fits by {fitters}", warning),
    )
    write_csv(out.table7, points.assign(scale=params.scale))
