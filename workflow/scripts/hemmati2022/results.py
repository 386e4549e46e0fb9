"""Adapter: table of detections, comparison with published numbers, and claims of Hemmati 2022."""

import logging

import pandas as pd
from deblend.files import read_json
from deblend.hemmati2022.claims import CLAIMS
from deblend.hemmati2022.reproduction import our_rows
from deblend.hemmati2022.tables import detection_table
from deblend.report.claims import claims_table, read_bars
from deblend.report.networks import read_networks
from deblend.report.numbers import read_published, reproduction_table
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    published = read_published(inputs.published)["hemmati2022"]
    names = ("detections", "false_positives", "photometry", "quality", "ladder")
    tables = {name: pd.read_csv(inputs[name]) for name in names}
    detections = detection_table(
        tables["detections"], tables["false_positives"], tables["photometry"], published
    )
    som = read_json(inputs.som)
    networks = read_networks(inputs.records)
    rows = our_rows(published, tables, som, networks)
    reproduction = reproduction_table(
        {params.configuration: rows}, "hemmati2022", params.papers_data
    )
    tables["som"] = pd.DataFrame([som])
    claims = claims_table(
        tables,
        params.scale,
        CLAIMS,
        "hemmati2022",
        bars=read_bars(inputs.bars, params.scale, "hemmati2022"),
        networks=networks,
    )
    logging.info("\n%s", reproduction.iloc[:, 1:8].to_string(index=False))
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.csvdetection, detections)
    write_tex(out.texdetection, detections)
    write_csv(out.reproduction, reproduction)
    write_csv(out.claims, claims)
