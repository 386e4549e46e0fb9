"""Adapter: BlendHunter's layers, and features of one blend, to draw."""

import h5py
import pandas as pd
from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake.log[0]):
    params = snakemake.params
    backend.configure(params.backend, 1, 0)

    from deblend.farrens2022.features import feature_examples
    from deblend.farrens2022.networks import head
    from deblend.files import atomic
    from deblend.tables import write_csv
    from deblend.training.keras_layers import layer_table
    from deblend.training.vgg import read_vgg
    from deblend.training.vgg_keras import feature_extractor

    extractor = feature_extractor(params.side, read_vgg(snakemake.input.vgg))
    classifier = head(extractor.output.shape[1] * extractor.output.shape[2] * 512)
    layers = pd.concat([layer_table(extractor), layer_table(classifier).iloc[1:]])
    write_csv(snakemake.output.layers, layers)
    shown = feature_examples(
        extractor, snakemake.input.sample, params.noise_sigma, params.padding, params.seed
    )
    with atomic(snakemake.output.examples) as temporary, h5py.File(temporary, "w") as file:
        for name, values in shown.items():
            file[name] = values
