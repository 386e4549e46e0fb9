"""Adapter: claims of Boucaud et al. 2020 and findings about it, from the authors' own catalogue."""

import logging

from deblend.boucaud2020.claims import CLAIMS
from deblend.boucaud2020.compared_tables import authors_tables, read_authors
from deblend.boucaud2020.findings import FINDINGS, sources
from deblend.report.claims import claims_table
from deblend.report.findings import findings_table
from deblend.report.numbers import read_published
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    inputs, out = snakemake.input, snakemake.output
    published = read_published(inputs.published)["boucaud2020"]
    tables = read_authors(inputs.authors)
    authors = authors_tables(tables, published["panels"])
    scale = tables["about"]["scale"].iloc[0]
    claims = claims_table(tables, scale, CLAIMS, "boucaud2020", authors=authors)
    logging.info("\n%s", claims[["claim", "bound", "numbers", "holds"]].to_string(index=False))
    write_csv(out.claims, claims)
    facts = published["findings"]
    findings = findings_table(tables, FINDINGS, "boucaud2020", facts, sources(tables))
    logging.info("\n%s", findings[["finding", "numbers", "basis"]].to_string(index=False))
    write_csv(out.findings, findings)
