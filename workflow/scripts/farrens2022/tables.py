"""Adapter: Tables 1 and 2 of Farrens et al. 2022."""

from deblend.farrens2022.sep import used_settings
from deblend.farrens2022.stamps import read_sample_table
from deblend.farrens2022.tables import table1, table2
from deblend.files import read_yaml
from deblend.run import logs
from deblend.tables import write_csv, write_tex

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    published = read_yaml(inputs.published)["farrens2022"]
    samples = {
        "parametric": [read_sample_table(path) for path in inputs.parametric],
        "realistic": [read_sample_table(inputs.realistic)],
    }
    noise = {name: tuple(levels) for name, levels in params.noise.items()}
    tables = {
        1: table1(samples, noise, published["table1"]),
        2: table2(used_settings(params.sep), published["table2"]),
    }
    for n, table in tables.items():
        write_csv(out[f"csv{n}"], table)
        write_tex(out[f"tex{n}"], table)
