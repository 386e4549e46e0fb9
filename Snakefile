# Deblending of galaxies with deep learning: four papers, one workflow.
from snakemake.utils import min_version

min_version("9.12")


# The base configuration comes from beside this file, whatever the working directory; overlays
# (--configfile config/toy.yaml) change some of its values.
configfile: f"{workflow.basedir}/config/config.yaml"


include: "workflow/rules/common.smk"
include: "workflow/rules/data.smk"
include: "workflow/rules/boucaud2020.smk"
include: "workflow/rules/boucaud2020_data.smk"
include: "workflow/rules/boucaud2020_figures.smk"
include: "workflow/rules/boucaud2020_masks.smk"
include: "workflow/rules/farrens2022.smk"
include: "workflow/rules/reiman2019_data.smk"
include: "workflow/rules/reiman2019.smk"
include: "workflow/rules/reiman2019_results.smk"
include: "workflow/rules/hemmati2022_data.smk"
include: "workflow/rules/hemmati2022.smk"
include: "workflow/rules/hemmati2022_results.smk"
include: "workflow/rules/report.smk"


rule all:
    default_target: True
    input:
        [PAPERS[paper] for paper in config["papers"]],
        expand("<results>/tables/{name}.csv", name=["reproduction", "claims"]),
        "<results>/benchmarks/training_time.csv",
        "<results>/provenance.json",
