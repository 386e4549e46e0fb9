"""Adapter: compare all files of a finished run with their checksums and with its record."""

from pathlib import Path

from deblend.run import logs
from deblend.run.checksums import report, verify
from deblend.run.provenance import unlike_provenance

with logs.script(snakemake):
    results = Path(snakemake.log[0]).parents[1]
    found = verify(results, results / "benchmarks/checksums.csv")
    print(report(found, results, unlike_provenance(results)), flush=True)
