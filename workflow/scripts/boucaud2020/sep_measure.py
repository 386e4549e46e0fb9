"""Adapter: measure one chunk of blends with SEP."""

from deblend.boucaud2020.sep import measure_blends
from deblend.data.stamps import read_stamps
from deblend.photometry.sep import Detection
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake.log[0]):
    size = snakemake.params.chunk_size
    start = int(snakemake.wildcards.chunk) * size
    measured = measure_blends(
        read_stamps(snakemake.input.stamps),
        read_ecsv(snakemake.input.blends).iloc[start : start + size],
        Detection(**snakemake.params.cold),
        Detection(**snakemake.params.hot),
        snakemake.params.companion_edge,
    )
    write_csv(snakemake.output.measured, measured)
