"""Adapter: draw the blends of one split."""

import numpy as np
from deblend.boucaud2020.blends import COLUMNS, BlendConfig, draw_blends
from deblend.run import logs
from deblend.tables import read_ecsv, write_ecsv

with logs.script(snakemake):
    galaxies = read_ecsv(snakemake.input.galaxies, ["mag", "half_light_radius_px", "split"])
    split = snakemake.wildcards.split
    blends = draw_blends(
        galaxies,
        np.flatnonzero(galaxies["split"] == split),
        0,
        snakemake.params.n_blends,
        stamp_size=snakemake.params.stamp_size,
        seed=snakemake.params.seed,
        split=split,
        config=BlendConfig(**snakemake.params.blending, orientations=False),
    )
    write_ecsv(snakemake.output.blends, blends, COLUMNS, split=split)
