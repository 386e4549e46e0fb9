"""Adapter: the paper's claims, tested."""

import json
import logging
from pathlib import Path

import pandas as pd
from deblend.boucaud2020.claims import CLAIMS
from deblend.report.claims import claims_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    about = json.loads(Path(snakemake.input.description).read_text())
    tables = {
        name: pd.read_csv(path[0] if isinstance(path, list) else path)
        for name, path in snakemake.input.items()
        if name not in ("description", "src") and len(path)
    }
    if "photometry" in tables:
        tables["photometry"] = tables["photometry"].replace({"method": snakemake.params.roles})
    table = claims_table(tables, about["scale"], CLAIMS)
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.table, table)
