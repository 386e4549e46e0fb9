"""Adapter: compare all files of a finished run with their checksums."""

from deblend.run import logs
from deblend.run.checksums import report, verify

with logs.script(snakemake.log[0]):
    results = snakemake.params.results
    found = verify(results, f"{results}/benchmarks/checksums.csv")
    print(report(found, results), flush=True)
