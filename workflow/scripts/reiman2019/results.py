"""Adapter: Table 1 of Reiman & Goehre 2019, published numbers compared with ours, and claims."""

import logging

import pandas as pd
from deblend.reiman2019.claims import CLAIMS
from deblend.reiman2019.findings import FINDINGS
from deblend.reiman2019.metrics import read_scores
from deblend.reiman2019.reproduction import our_rows
from deblend.reiman2019.tables import all_scores_table, table1
from deblend.report.claims import claims_table, read_bars
from deblend.report.findings import findings_table
from deblend.report.networks import read_networks
from deblend.report.numbers import read_published, reproduction_table
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    published = read_published(inputs.published)["reiman2019"]
    tables = {"scores": read_scores(inputs.scores)}
    paths = {name: inputs[name] for name in ("history", "speed", "rates", "misalignment", "starts")}
    tables |= {name: pd.read_csv(path) for name, path in paths.items() if path}
    networks = read_networks(inputs.records)
    rows = our_rows(published, tables, networks[0])
    papers_data = params.source == "archive"
    reproduction = reproduction_table({params.configuration: rows}, "reiman2019", papers_data)
    claims = claims_table(
        tables,
        params.scale,
        CLAIMS,
        "reiman2019",
        bars=read_bars(inputs.bars, params.scale, "reiman2019", params.source),
        networks=networks,
    )
    logging.info("\n%s", reproduction.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    of_methods = all_scores_table(tables["scores"], published["table1"])
    for name, scores_table in (("1", table1(tables["scores"])), ("scores", of_methods)):
        write_csv(out[f"csv{name}"], scores_table)
        write_tex(out[f"tex{name}"], scores_table)
    write_csv(out.findings, findings_table(tables, FINDINGS, "reiman2019", published["findings"]))
    write_csv(out.reproduction, reproduction)
    write_csv(out.claims, claims)
