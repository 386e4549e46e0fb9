"""Adapter: Figures 3 to 6 of Reiman & Goehre 2019 for a set of images, and their numbers."""

from pathlib import Path

import yaml
from deblend.hdf5 import open_file
from deblend.plots.style import label_line
from deblend.reiman2019.figures import fig4_5_scores as scores_figures
from deblend.reiman2019.figures.fig3_6_examples import draw_examples, example_table
from deblend.reiman2019.metrics import read_scores
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    label = label_line(params.label, not_learnt(read_networks(snakemake.input.records)))
    published = yaml.safe_load(Path(snakemake.input.published).read_text())["reiman2019"]
    scores = read_scores(snakemake.input.scores)
    with open_file(snakemake.input.examples) as file:
        images = {name: file[name][:] for name in ("blend", "true", "predicted")}
        examples = example_table(file["number"][:], file["kind"].asstr()[:], scores)
    for number, kind, title in (
        (3, "success", "evenly spaced over the best quarter"),
        (6, "failure", "lowest PSNR"),
    ):
        table = examples[examples["kind"] == kind]
        outputs = [out[f"pdf{number}"], out[f"png{number}"]]
        draw_examples(table, images, title, outputs, label)
        write_csv(out[f"table{number}"], table.drop(columns="place").assign(scale=params.scale))
    for number, quantities in ((4, scores_figures.FIG4), (5, scores_figures.FIG5)):
        table = scores_figures.distributions(scores, quantities)
        outputs = [out[f"pdf{number}"], out[f"png{number}"]]
        scores_figures.draw_distributions(table, published[f"fig{number}"], outputs, label)
        write_csv(out[f"table{number}"], table.assign(scale=params.scale))
