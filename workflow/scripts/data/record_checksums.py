"""Adapter: record the circumstances of a finished run, and the checksums of all its files."""

from pathlib import Path

from deblend.run import logs
from deblend.run.checksums import record_checksums
from deblend.run.provenance import write_provenance

with logs.script(snakemake):
    results = Path(snakemake.output.provenance).parent
    # Before the checksums, which have that of this file too.
    write_provenance(snakemake.input.circumstances, results)
    record_checksums(results, snakemake.input.made, snakemake.output.checksums)
