"""Adapter: reduce a set of Galaxy Zoo images to frames."""

from deblend.reiman2019.images import build_frames
from deblend.run import logs

with logs.script(snakemake):
    params, output = snakemake.params, snakemake.output
    build_frames(
        snakemake.input.sources,
        output.frames,
        output.index,
        output.excluded,
        seed=params.seed,
        split=params.split,
        n_images=params.n_images,
        n_expected=params.n_expected,
        **params.grid,
        threads=snakemake.threads,
    )
