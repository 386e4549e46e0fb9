"""Adapter: photometry at the positions from each resolution."""

import pandas as pd
from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.pairs import make_pair_maker, read_cutouts
from deblend.hemmati2022.photometry import measure_photometry
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    stamps, rows = read_cutouts(inputs.cutouts, inputs.split)
    maker = make_pair_maker(stamps, rows, **params.maker)
    detections = pd.read_csv(inputs.detections)
    blending = HemmatiBlendConfig(**params.blending)
    table = measure_photometry(
        maker,
        maker.bands.index(params.maker["detection_band"]),
        maker.draw(rows["test"], 0, len(detections), "test", blending),
        detections,
        pd.read_csv(inputs.peaks),
        engine=params.engine,
        profile=params.profile,
        n_workers=snakemake.threads,
    )
    write_csv(snakemake.output.table, table)
