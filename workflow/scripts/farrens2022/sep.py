"""Adapter: SEP's labels of a sample of noisy stamps."""

from deblend.farrens2022.sep import label_sample
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    labels = label_sample(
        snakemake.input.sample,
        noise_sigma=params.noise_sigma,
        item=tuple(params.item),
        seed=params.seed,
        settings=params.settings,
        padding=params.padding,
        tolerance_px=params.tolerance_px,
    )
    labels.insert(0, "stamp", range(len(labels)))
    write_csv(snakemake.output.labels, labels)
