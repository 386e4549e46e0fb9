"""Adapter: what ran."""

from deblend.files import write_json
from deblend.run import logs
from deblend.run.provenance import provenance

with logs.script(snakemake.log[0]):
    networks = dict(zip(snakemake.params.networks, snakemake.input.networks, strict=True))
    record = provenance(snakemake.params.config, snakemake.params.git, networks)
    write_json(snakemake.output.provenance, record)
