"""Adapter: clean one chunk of parent stamps."""

from deblend.boucaud2020.clean import CleaningConfig, clean, read_rejected
from deblend.data.stamps import read_stamps, write_stamps
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    stamps, exclusions = clean(
        read_stamps(inputs.stamps),
        params.seed,
        CleaningConfig(**params.cleaning, **params.limits, **params.sep),
        read_rejected(inputs.rejected),
    )
    write_stamps(out.stamps, stamps)
    write_csv(out.exclusions, exclusions)
