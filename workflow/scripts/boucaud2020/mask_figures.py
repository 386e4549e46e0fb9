"""Adapter: Figures 10 to 12 of Boucaud et al. 2020."""

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
from deblend.boucaud2020.masks import gather_iou
from deblend.files import read_json
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    about = read_json(inputs.description)
    run_columns = {key: about[key] for key in ("scale", "dataset")}
    warning = not_learnt(read_networks(inputs.records))
    # The U-Net and the joint network: what figures call them, and their folders.
    _, joint = params.networks
    folders = list(params.networks.values())
    run = label_line(f"{about['scale']} scale", about["dataset"])
    label, both = (label_line(run, *names, warning) for names in (folders[1:], folders))
    examples = dict(zip(params.networks, map(read_examples, inputs.masks), strict=True))
    data = fig12_data(gather_iou(list(params.networks), inputs.iou), pd.read_csv(inputs.catalog))
    numbers = fig12_statistics(data, **params.bootstrap)
    scale, noise = params.pixel_scale_arcsec, params.noise_sigma
    draw_fig10(examples[joint], noise, scale, [out.pdf10, out.png10], label, joint)
    draw_fig11(examples, scale, [out.pdf11, out.png11], both)
    draw_fig12(data, numbers, [out.pdf12, out.png12], both)
    examples_iou = examples_table(examples).assign(**run_columns)
    write_csv(out.table10, examples_iou[examples_iou["network"] == joint])
    write_csv(out.table11, examples_iou)
    write_csv(out.table12, numbers.assign(**run_columns))
