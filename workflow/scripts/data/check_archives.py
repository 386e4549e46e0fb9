"""Adapter: ask each archive whether its files are there."""

from deblend.data.addresses import looked_up
from deblend.data.check_archives import as_text, ask_all, check_answers, wanted
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params = snakemake.params
    named = (params.archives, params.weights, params.downloads)
    archives, weights, downloads = looked_up(named, snakemake.config["address_files"])
    answers = ask_all(wanted(archives, weights, downloads, params.tables))
    write_csv(snakemake.log.table, answers)
    print(as_text(answers), flush=True)
    check_answers(answers)
