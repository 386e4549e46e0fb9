"""Adapter: VGG-16's weights and preprocessing, from the configured source."""

from deblend.run import logs
from deblend.training.vgg import weights_from, write_vgg

with logs.script(snakemake):
    params = snakemake.params
    file = snakemake.input.file or None
    weights = weights_from(params.source, file, seed=params.seed, subtract_mean=False)
    write_vgg(snakemake.output.weights, weights)
