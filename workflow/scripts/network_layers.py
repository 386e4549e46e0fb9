"""Adapter: the layers of a network, for drawing it."""

from deblend import backend, logs

with logs.script(snakemake.log[0]):
    backend.configure(snakemake.params.backend, 1, 0)

    from deblend.networks import build, layer_table
    from deblend.tables import write_csv
    from deblend.training import network_options

    network = snakemake.params.network
    options = network_options(network, snakemake.params.unet)
    model = build(network["architecture"], snakemake.params.stamp_size, options)
    write_csv(snakemake.output.layers, layer_table(model))
