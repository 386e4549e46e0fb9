"""Adapter: what ran."""

import json

from deblend import logs
from deblend.files import atomic
from deblend.provenance import provenance

with logs.script(snakemake.log[0]):
    networks = dict(zip(snakemake.params.networks, snakemake.input.networks, strict=True))
    record = provenance(snakemake.params.config, snakemake.params.git, networks)
    with atomic(snakemake.output.provenance) as temporary:
        temporary.write_text(json.dumps(record, indent=2, sort_keys=True) + "\n")
