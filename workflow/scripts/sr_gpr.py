"""Adapter: Gaussian processes through the magnitude differences."""

import numpy as np
import pandas as pd
from deblend import logs
from deblend.gpr import fit_gpr
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    table = pd.read_csv(snakemake.input.photometry)
    curves, scatter, bins = [], [], []
    for position in ("low", "gan"):
        good = table[["mag_input", f"mag_{position}"]].notna().all(axis=1)
        x = table.loc[good, "mag_input"].to_numpy()
        y = table.loc[good, f"mag_{position}"].to_numpy() - x
        grid = np.linspace(*np.quantile(x, [0.01, 0.99]), 60)
        found = fit_gpr(x, y, grid, seed=snakemake.params.seed)
        curve = found.grid.rename(columns={"x": "mag"})
        curves.append(curve.assign(position=position))
        for kind, level in found.scatter.items():
            numbers = {"a": level.a, "b": level.b, "c": level.c, "x0": level.x0}
            scatter.append({"position": position, "kind": kind, **numbers})
        names = {"x": "mag", "median_squared": "median", "level_68": "p68"}
        points = found.bins.drop(columns="median", errors="ignore").rename(columns=names)
        bins.append(points.assign(position=position))
    write_csv(snakemake.output.curves, pd.concat(curves, ignore_index=True))
    write_csv(snakemake.output.scatter, pd.DataFrame(scatter))
    write_csv(snakemake.output.bins, pd.concat(bins, ignore_index=True))
