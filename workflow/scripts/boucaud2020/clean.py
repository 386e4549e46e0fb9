"""Adapter: clean one chunk of parent stamps."""

from deblend.boucaud2020.clean import CleaningConfig, clean, read_rejected
from deblend.data.stamps import read_stamps, write_stamps
from deblend.photometry.sep import Detection
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake.log[0]):
    cleaning = dict(snakemake.params.cleaning)
    config = CleaningConfig(
        detection=Detection(**cleaning.pop("detection")),
        **{mode: Detection(**snakemake.params.sep[mode]) for mode in ("cold", "hot")},
        **snakemake.params.limits,
        **cleaning,
    )
    stamps, exclusions = clean(
        read_stamps(snakemake.input.stamps),
        snakemake.params.seed,
        config,
        read_rejected(snakemake.input.rejected),
    )
    write_stamps(snakemake.output.stamps, stamps)
    write_csv(snakemake.output.exclusions, exclusions)
