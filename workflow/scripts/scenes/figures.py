"""Adapter: pictures of scenes, and errors on injected galaxies."""

from deblend.plots.style import label_line
from deblend.run import logs
from deblend.scenes.figures import draw_injections, draw_scenes
from deblend.scenes.scenes import read_scenes
from deblend.scenes.steps import read_all_masks, read_peaks, read_tables

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    label = label_line(f"{params.scale} scale", snakemake.wildcards.scene_set)
    draw_scenes(
        read_scenes(inputs.scenes),
        read_tables(inputs.tables),
        read_all_masks(inputs.masks),
        read_peaks(inputs.peaks),
        [out.pdf, out.png],
        label,
    )
    draw_injections(
        read_scenes(inputs.injected),
        read_tables(inputs.tables_injected),
        [out.injections_pdf, out.injections_png],
        label,
    )
