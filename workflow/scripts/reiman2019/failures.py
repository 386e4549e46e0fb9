"""Adapter: how deblended images fail, a contact sheet, and errors of flux, size and shape."""

from deblend.plots.style import label_line
from deblend.reiman2019.failures import (
    failure_rates,
    failures_of_test_blends,
    infill_table,
    misalignment_table,
)
from deblend.reiman2019.figures.failures import draw_contact_sheet, draw_failures
from deblend.reiman2019.figures.science import draw_science
from deblend.reiman2019.science import science_of_test_blends
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(params.threads, params.seed)
    predictions = dict(zip(params.methods, inputs.predictions, strict=True))
    of_blends = (inputs.frames, inputs.index, predictions, params.perturbation)
    draw = {"images": snakemake.wildcards.images, "n_blends": params.n_blends, "seed": params.seed}
    table, shown = failures_of_test_blends(*of_blends, n_shown=params.n_shown, **draw)
    rates = failure_rates(table)
    write_csv(out.table, table)
    write_csv(out.rates, rates)
    write_csv(out.infill, infill_table(table))
    write_csv(out.misalignment, misalignment_table(table, params.perturbation["reduce_by"]))
    science = science_of_test_blends(*of_blends, sep=params.sep, **draw)
    write_csv(out.science, science)
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    draw_failures(rates, [out.pdf, out.png], label)
    draw_contact_sheet(shown, [out.pdf_sheet, out.png_sheet], label)
    draw_science(science, [out.pdf_science, out.png_science], label)
