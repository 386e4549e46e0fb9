"""Adapter: Figures 10 to 12 of Boucaud et al. 2020."""

import json
from pathlib import Path

import pandas as pd
from deblend.boucaud2020.figures.fig10_12_masks import (
    draw_fig10,
    draw_fig11,
    draw_fig12,
    examples_table,
    fig12_data,
    fig12_statistics,
    read_examples,
)
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    about = json.loads(Path(snakemake.input.description).read_text())
    label = f"{about['scale']} scale, data set {about['dataset']}, {about['n_blends']} test blends"
    examples = {n: read_examples(snakemake.input[n]) for n in ("unet", "blend2mask2flux")}
    data = fig12_data(pd.read_csv(snakemake.input.iou), pd.read_csv(snakemake.input.catalog))
    numbers = fig12_statistics(data)
    out = snakemake.output
    joint = examples["blend2mask2flux"]
    draw_fig10(joint, snakemake.params.noise_sigma, [out.pdf10, out.png10], label)
    draw_fig11(examples, [out.pdf11, out.png11], label)
    draw_fig12(data, numbers, [out.pdf12, out.png12], label)
    shown = examples_table(examples).assign(scale=about["scale"], dataset=about["dataset"])
    write_csv(out.table10, shown[shown["network"] == "blend2mask2flux"])
    write_csv(out.table11, shown)
    write_csv(out.table12, numbers.assign(scale=about["scale"], dataset=about["dataset"]))
