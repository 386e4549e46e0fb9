# Deblending of galaxies with deep learning: four papers, one workflow.
from snakemake.utils import min_version

min_version("9.12")


# The base configuration is found relative to this file, independent of the working directory.
# Overlays (--configfile config/toy.yaml) change some of its values.
configfile: f"{workflow.current_basedir}/config/config.yaml"


# Of `--sdm apptainer` alone, in the working directory: see docs/platforms.md.
container: "deblend.sif"


include: "workflow/rules/common.smk"
include: "workflow/rules/limits.smk"
include: "workflow/rules/downloads.smk"
include: "workflow/rules/datasets.smk"
include: "workflow/rules/boucaud2020.smk"
include: "workflow/rules/farrens2022.smk"
include: "workflow/rules/reiman2019.smk"
include: "workflow/rules/hemmati2022.smk"
include: "workflow/rules/scenes.smk"
include: "workflow/rules/benchmark.smk"
include: "workflow/rules/report.smk"


rule all:
    """All results of the papers in the configuration."""
    default_target: True
    input:
        ALL_MADE,
        "<results>/benchmarks/checksums.csv",
        "<results>/provenance.json",
    message:
        "All results of the papers in the configuration"


include: "workflow/rules/targets.smk"


# The sentences of --list-target-rules: the message, where a rule has none of its own.
for _rule in workflow.rules:
    _rule.docstring = _rule.docstring or f"{_rule.message}."
