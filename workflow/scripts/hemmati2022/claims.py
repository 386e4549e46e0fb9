"""Adapter: the claims of Hemmati et al. 2022, tested."""

import json
import logging
from pathlib import Path

import pandas as pd
from deblend.hemmati2022.claims import CLAIMS
from deblend.report.claims import claims_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    inputs = snakemake.input
    tables = {
        name: pd.read_csv(inputs[name]) for name in ("detections", "false_positives", "photometry")
    }
    tables["som"] = pd.DataFrame([json.loads(Path(inputs.som).read_text())])
    table = claims_table(tables, snakemake.params.scale, CLAIMS, "hemmati2022")
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.table, table)
