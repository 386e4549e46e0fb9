"""Adapter: the claims of Boucaud et al. 2020, tested on the authors' own catalogue."""

import logging

import pandas as pd
from deblend.boucaud2020.claims import CLAIMS
from deblend.files import read_json
from deblend.report.claims import claims_table
from deblend.run import logs
from deblend.tables import write_csv

TABLES = ("statistics", "points", "fig7", "fig7_points", "fig8", "fig9")

with logs.script(snakemake.log[0]):
    inputs = snakemake.input
    tables = {name: pd.read_csv(inputs[name]) for name in TABLES}
    scale = read_json(inputs.description)["scale"]
    table = claims_table(tables, scale, CLAIMS, "boucaud2020")
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.claims, table)
