"""Adapter: the numbers of Boucaud et al. 2020 beside ours, its claims, and findings about it."""

import logging

from deblend.boucaud2020.claims import CLAIMS
from deblend.boucaud2020.compared_tables import authors_tables, read_authors, read_tables
from deblend.boucaud2020.findings import FINDINGS, sources, weights_table
from deblend.boucaud2020.reproduction import reproduction
from deblend.files import read_json
from deblend.report.claims import claims_table, read_bars
from deblend.report.findings import findings_table
from deblend.report.networks import read_networks
from deblend.report.numbers import read_published
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    paper, about = "boucaud2020", read_json(inputs.description)
    published = read_published(inputs.published)[paper]
    tables = read_tables(
        dict(zip(params.tables, inputs.tables, strict=True)),
        params.networks,
        iou=inputs.iou,
        mask_roles=params.mask_roles,
        fig12=inputs.fig12,
        timings=inputs.timings,
    )
    authors = read_authors(inputs.authors)
    claims = claims_table(
        *(tables, about["scale"], CLAIMS, paper),
        bars=read_bars(inputs.bars, about["scale"], paper),
        networks=read_networks(inputs.records),
        authors=authors_tables(authors, published["panels"]),
    )
    found = {**authors, "weights": weights_table(inputs.joint_records, inputs.joint_iou)}
    # The paper's networks come first, then those that are compared with them.
    records = dict(zip(params.networks, map(read_json, inputs.records), strict=False))
    numbers = reproduction(published, tables, about, records, authors, **params.comparison)
    logging.info("\n%s", numbers.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.reproduction, numbers)
    write_csv(out.claims, claims)
    facts = published["findings"]
    write_csv(out.findings, findings_table(found, FINDINGS, paper, facts, sources(authors)))
    if tables["iou"] is not None:
        write_csv(out.get("iou"), tables["iou"])
