"""Adapter: compare all files of a finished run with their checksums."""

from pathlib import Path

from deblend.run import logs
from deblend.run.checksums import report, verify

with logs.script(snakemake):
    results = Path(snakemake.log[0]).parents[1]
    found = verify(results, results / "benchmarks/checksums.csv")
    print(report(found, results), flush=True)
