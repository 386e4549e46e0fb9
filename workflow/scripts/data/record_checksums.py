"""Adapter: record the checksums of all files of a finished run."""

from pathlib import Path

from deblend.run import logs
from deblend.run.checksums import record_checksums

with logs.script(snakemake):
    output = Path(snakemake.output.checksums)
    record_checksums(output.parents[1], snakemake.input.made, output)
