"""Adapter: the figure of the benchmark, and the page that says which method suits which blends."""

import pandas as pd
from deblend.benchmark.figures import draw_benchmark
from deblend.benchmark.page import write_page
from deblend.plots.style import label_line
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    tables = {
        name: pd.read_csv(inputs[name]) for name in ("table", "bins", "paired", "paired_bins")
    }
    scale = f"{params.scale} scale"
    draw_benchmark(
        tables["table"], tables["bins"], [out.pdf, out.png], label_line(scale, "benchmark")
    )
    write_page(out.page, tables, params.given, scale)
