"""Adapter: the claims of Boucaud et al. 2020, tested."""

import json
import logging
from pathlib import Path

import pandas as pd
from deblend import logs
from deblend.claims import Evidence, evaluate_claims
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    about = json.loads(Path(snakemake.input.description).read_text())
    photometry = pd.read_csv(snakemake.input.photometry)
    photometry["method"] = photometry["method"].replace(dict(snakemake.params.roles))
    iou = list(snakemake.input.iou)
    evidence = Evidence(
        photometry,
        pd.read_csv(snakemake.input.catalog),
        about["network_zero_point"],
        about["sextractor_zero_point"],
        pd.read_csv(iou[0]) if iou else None,
    )
    table = evaluate_claims(evidence).assign(scale=snakemake.params.scale)
    logging.info("\n%s", table[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(snakemake.output.claims, table)
