"""Adapter: accuracies of ablations beside those of the paper's heads."""

import logging

import pandas as pd
from deblend.farrens2022.ablation_scores import Test, ablation_table, settings_text
from deblend.farrens2022.config import Ablation
from deblend.farrens2022.stamps import read_sample_table
from deblend.report.networks import read_networks
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    paths = dict(zip(params.heads, inputs.heads, strict=True))
    tests = {}
    for sigma, heads in params.levels.items():
        found = [pd.read_csv(paths[head])["probability"].to_numpy() for head in heads]
        tests[heads[0]] = Test("parametric", sigma, found[0], tuple(found))
    realistic = pd.read_csv(inputs.realistic_heads)
    found = [realistic[head].to_numpy() for head in params.levels[params.noise_sigma]]
    tests["realistic"] = Test("realistic", params.realistic_noise_sigma, found[0], tuple(found))
    defaults = Ablation().model_dump()
    table = ablation_table(
        {name: read_sample_table(inputs[name]) for name in ("parametric", "realistic")},
        tests,
        dict(zip(params.ablations, map(pd.read_csv, inputs.predictions), strict=True)),
        {name: settings_text(entry, defaults) for name, entry in params.ablations.items()},
        {network["name"]: network["problem"] for network in read_networks(inputs.records)},
        seed=params.seed,
    )
    overall = table[table["subset"] == "all"]
    logging.info(
        "\n%s", overall.drop(columns=["subset", "settings", "problem"]).to_string(index=False)
    )
    write_csv(out.table, table.assign(scale=params.scale))
