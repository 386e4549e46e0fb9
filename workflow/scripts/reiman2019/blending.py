"""Adapter: scores of blends that are the maximum of two images, and of those that are their sum."""

from deblend.files import read_yaml
from deblend.reiman2019.metrics import read_scores
from deblend.reiman2019.tables import blending_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    published = read_yaml(inputs.published)["reiman2019"]["table1"]
    scores = {
        name: read_scores(path) for name, path in zip(params.names, inputs.scores, strict=True)
    }
    write_csv(snakemake.output.table, blending_table(scores, published, params.trained))
