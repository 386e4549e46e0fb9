"""Adapter: galaxies for Figure 1."""

import logging

from deblend.boucaud2020.examples import CLASSES, cleaning_examples, write_examples
from deblend.data.stamps import read_stamps
from deblend.run import logs

with logs.script(snakemake):
    examples = cleaning_examples(
        read_stamps(snakemake.input.parents), read_stamps(snakemake.input.cleaned)
    )
    for name in CLASSES:
        if name not in set(examples.table["morphology"]):
            logging.warning("no galaxy of class %s has neighbours that were replaced", name)
    write_examples(snakemake.output.examples, examples)
