"""Adapter: blends for Figure 2."""

from deblend.boucaud2020.examples import blend_examples, write_examples
from deblend.data.stamps import read_stamps
from deblend.run import logs
from deblend.tables import read_ecsv

with logs.script(snakemake.log[0]):
    examples = blend_examples(
        read_stamps(snakemake.input.stamps),
        read_ecsv(snakemake.input.blends),
        companion_edge=snakemake.params.companion_edge,
    )
    write_examples(snakemake.output.examples, examples)
