"""Adapter: Figures 10 to 12 of Boucaud et al. 2020."""

import pandas as pd
from deblend.boucaud2020.figures.fig10_12_masks import (
    blend_noise,
    draw_fig10,
    draw_fig11,
    draw_fig12,
    examples_table,
    fig12_data,
    fig12_statistics,
    mask_label,
    read_examples,
)
from deblend.boucaud2020.masks import gather_iou
from deblend.files import read_json
from deblend.report.networks import read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    about, records = read_json(inputs.description), read_networks(inputs.records)
    run_columns = {key: about[key] for key in ("scale", "dataset")}
    # The U-Net and the joint network: what figures call them, and their folders.
    _, joint = params.networks
    folders = list(params.networks.values())
    label, both = (mask_label(about, names, records) for names in (folders[1:], folders))
    examples = dict(zip(params.networks, map(read_examples, inputs.masks), strict=True))
    data = fig12_data(gather_iou(list(params.networks), inputs.iou), pd.read_csv(inputs.catalog))
    numbers = fig12_statistics(data, **params.bootstrap)
    scale, noise = params.pixel_scale_arcsec, blend_noise(about, records[1])
    draw_fig10(examples[joint], noise, scale, [out.pdf10, out.png10], label, joint)
    draw_fig11(examples, scale, [out.pdf11, out.png11], both)
    draw_fig12(data, numbers, [out.pdf12, out.png12], both)
    examples_iou = examples_table(examples).assign(**run_columns)
    write_csv(out.table10, examples_iou[examples_iou["network"] == joint])
    write_csv(out.table11, examples_iou)
    write_csv(out.table12, numbers.assign(**run_columns))
