"""Adapter: how deblended images fail, what they copy and infill, and a contact sheet."""

from deblend.plots.style import label_line
from deblend.reiman2019.failures import (
    failure_rates,
    failures_of_test_blends,
    infill_table,
    misalignment_table,
)
from deblend.reiman2019.figures.failures import draw_contact_sheet, draw_failures
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    torch_backend.configure(params.threads, params.seed)
    table, shown = failures_of_test_blends(
        inputs.frames,
        inputs.index,
        dict(zip(params.methods, inputs.predictions, strict=True)),
        params.perturbation,
        images=snakemake.wildcards.images,
        n_blends=params.n_blends,
        n_shown=params.n_shown,
        seed=params.seed,
    )
    rates = failure_rates(table)
    write_csv(out.table, table)
    write_csv(out.rates, rates)
    write_csv(out.infill, infill_table(table))
    write_csv(out.misalignment, misalignment_table(table, params.perturbation["reduce_by"]))
    label = label_line(params.label, not_learnt(read_networks(inputs.records)))
    draw_failures(rates, [out.pdf, out.png], label)
    draw_contact_sheet(shown, [out.pdf_sheet, out.png_sheet], label)
