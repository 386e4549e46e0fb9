"""Adapter: the numbers of Boucaud et al. 2020 beside ours, and its claims."""

import logging

from deblend.boucaud2020.claims import CLAIMS
from deblend.boucaud2020.reproduction import authors_rows, our_rows, read_tables
from deblend.files import read_json, read_yaml
from deblend.report.claims import claims_table, read_bars
from deblend.report.networks import read_networks
from deblend.report.numbers import reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

TABLES = ("statistics", "points", "fig7", "fig7_points", "fig8", "fig9", "table1", "table2")

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    about = read_json(inputs.description)
    tables = read_tables(
        {name: inputs[name] for name in (*TABLES, "catalog", "photometry")},
        params.networks,
        iou=inputs.iou,
        mask_roles=params.mask_roles,
        fig12=inputs.fig12,
    )
    records = dict(zip(params.networks, map(read_json, inputs.records), strict=True))
    published = read_yaml(inputs.published)["boucaud2020"]
    label = f"{about['scale']} scale, data set {about['dataset']}"
    rows = {label: our_rows(published, tables, about, records)}
    if inputs.authors:
        rows["the authors' catalogue"] = authors_rows(published, *inputs.authors)
    reproduction = reproduction_table(rows, "boucaud2020")
    claims = claims_table(
        tables,
        about["scale"],
        CLAIMS,
        "boucaud2020",
        bars=read_bars(inputs.bars, about["scale"], "boucaud2020"),
        networks=read_networks(inputs.records),
    )
    logging.info("\n%s", reproduction.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.reproduction, reproduction)
    write_csv(out.claims, claims)
    iou = tables["iou"]
    if iou is not None:
        write_csv(out.get("iou"), iou)
