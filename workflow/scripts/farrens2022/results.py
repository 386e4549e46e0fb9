"""Adapter: the numbers of Farrens et al. 2022 beside ours, its claims, and findings about it."""

import logging

import pandas as pd
from deblend.farrens2022.claims import CLAIMS
from deblend.farrens2022.findings import FINDINGS, published_table
from deblend.farrens2022.reproduction import close_shares, our_rows, run_label
from deblend.files import read_json
from deblend.report.claims import claims_table, read_bars
from deblend.report.findings import findings_table
from deblend.report.networks import read_networks
from deblend.report.numbers import read_published, reproduction_table
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    names = ("parametric", "by_distance", "realistic")
    tables = {name: pd.read_csv(inputs[name]) for name in names}
    published = read_published(inputs.published)["farrens2022"]
    close = close_shares(params.samples, inputs.samples)
    rows = our_rows(published, tables, close, [read_json(path) for path in inputs.records])
    label = run_label(params.scale, params.samples, params.vgg_weights)
    reproduction = reproduction_table({label: rows}, "farrens2022", params.papers_data)
    tables["realistic"]["realistic_noise_sigma"] = params.noise_sigma
    authors = dict(
        zip(("parametric", "by_distance"), map(pd.read_csv, inputs.authors), strict=False)
    )
    stated = {"published": published_table(published)}
    claims = claims_table(
        tables | stated,
        params.scale,
        CLAIMS,
        "farrens2022",
        bars=read_bars(inputs.bars, params.scale, "farrens2022"),
        networks=read_networks(inputs.records),
        authors=(authors, params.authors_source),
    )
    findings = findings_table(stated, FINDINGS, "farrens2022", published.get("findings", {}))
    logging.info("\n%s", reproduction.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.reproduction, reproduction)
    write_csv(out.claims, claims)
    write_csv(out.findings, findings)
