"""Adapter: Figure 1 of Hemmati et al. 2022."""

import pandas as pd
from deblend.hemmati2022.figures.fig1_networks import draw_fig1
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    layers = {
        network: {"generator": pd.read_csv(generator), "discriminator": pd.read_csv(discriminator)}
        for network, generator, discriminator in zip(
            params.networks, inputs.generators, inputs.discriminators, strict=True
        )
    }
    draw_fig1(layers, params.loss, [out.pdf1, out.png1], params.label)
    parts = [
        part.assign(network=network, part=name)
        for network, both in layers.items()
        for name, part in both.items()
    ]
    write_csv(out.table1, pd.concat(parts, ignore_index=True))
