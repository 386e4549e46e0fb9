"""Adapter: Figures 2 to 6, 8 and 9 of Hemmati et al. 2022, from detections and stored images."""

from deblend.hemmati2022.figures.all_figures import write_figures
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    write_figures(
        {n: [out[f"pdf{n}"], out[f"png{n}"]] for n in (2, 3, 4, 5, 6, 8, 9)},
        {n: out[f"table{n}"] for n in (5, 6, 9)},
        inputs.galleries,
        inputs.examples,
        inputs.detections,
        som_columns=params.som_columns,
        som_shape=tuple(params.som_shape),
        seed=params.seed,
        cells=out.cells,
        som=out.som,
        pixel_scale_arcsec=params.pixel_scale_arcsec,
        label=label_line(params.label, not_learnt(read_networks(inputs.records))),
        scale=params.scale,
    )
