"""Adapter: VGG-16's weights and preprocessing, from the configured source."""

from deblend.data.checksums import check_downloads
from deblend.run import logs
from deblend.training.vgg import weights_from, write_vgg

with logs.script(snakemake):
    params = snakemake.params
    file = snakemake.input.file or None
    check_downloads(file)
    weights = weights_from(params.source, file, seed=params.seed, subtract_mean=False)
    write_vgg(snakemake.output.weights, weights)
