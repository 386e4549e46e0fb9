"""Adapter: the layers of a network, for drawing it."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake.log[0]):
    backend.configure(snakemake.params.backend, 1, 0)

    from deblend.boucaud2020.networks import build
    from deblend.boucaud2020.training import network_options
    from deblend.tables import write_csv
    from deblend.training.keras_layers import layer_table

    network = snakemake.params.network
    options = network_options(network, snakemake.params.unet)
    model = build(network["architecture"], snakemake.params.stamp_size, options)
    write_csv(snakemake.output.layers, layer_table(model))
