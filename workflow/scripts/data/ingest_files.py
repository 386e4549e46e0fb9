"""Adapter: parent stamps from the user's files."""

from deblend.data.ingest import FilesConfig, ingest_files
from deblend.data.stamps import write_stamps
from deblend.run import logs

with logs.script(snakemake):
    config = FilesConfig(
        images=snakemake.params.pattern or snakemake.input.images,
        catalog=snakemake.input.catalog,
        segmaps=snakemake.params.segmaps_pattern or snakemake.input.get("segmaps") or None,
        psf=snakemake.input.get("psf") or None,
        **snakemake.params.options,
    )
    write_stamps(snakemake.output.stamps, ingest_files(config, snakemake.params.seed))
