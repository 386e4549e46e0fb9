"""Adapter: assemble a set of cut-outs from its chunks."""

from functools import partial

import pandas as pd
from deblend.data.stamps import write_stamps
from deblend.hemmati2022.cutouts import assemble_cutouts, read_selected
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    output = snakemake.output
    read = partial(pd.read_csv, dtype=str, keep_default_na=False)
    stamps, split, excluded = assemble_cutouts(
        snakemake.input.stamps,
        pd.concat([read(path) for path in snakemake.input.exclusions]),
        read_selected(snakemake.input.selected),
        snakemake.params.detection_band,
    )
    write_stamps(output.stamps, stamps)
    write_csv(output.split, split)
    write_csv(output.excluded, excluded)
