"""Adapter: parent stamps of one field, cut from its mosaic."""

from deblend.data.mosaics import FieldConfig, cut_field
from deblend.data.stamps import write_stamps
from deblend.run import logs

with logs.script(snakemake):
    config = FieldConfig(
        **snakemake.params.field,
        **snakemake.params.options,
        mosaic=snakemake.input.mosaic,
        weight=snakemake.input.get("weight") or None,
        catalog=snakemake.input.catalog,
        morphology=snakemake.input.get("morphology") or None,
        psf=snakemake.input.get("psf") or None,
    )
    write_stamps(snakemake.output.stamps, cut_field(config))
