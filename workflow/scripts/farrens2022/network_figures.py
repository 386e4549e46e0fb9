"""Adapter: Figures 1 and 2 of Farrens et al. 2022: BlendHunter's layers, and a blend's features."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    backend.configure(params.backend, 1, 0)

    import pandas as pd
    from deblend.farrens2022.features import feature_examples, write_features
    from deblend.farrens2022.figures.fig1_2_networks import draw_fig1, draw_fig2
    from deblend.farrens2022.networks import head
    from deblend.tables import write_csv
    from deblend.training.keras_layers import layer_table
    from deblend.training.vgg import read_vgg
    from deblend.training.vgg_keras import feature_extractor

    extractor = feature_extractor(params.side, read_vgg(inputs.vgg))
    classifier = head(extractor.output.shape[1] * extractor.output.shape[2] * 512)
    write_csv(out.layers, pd.concat([layer_table(extractor), layer_table(classifier).iloc[1:]]))
    examples = feature_examples(
        extractor, inputs.sample, params.noise_sigma, params.padding, params.seed
    )
    write_features(out.features, examples)
    layers = pd.read_csv(out.layers, keep_default_na=False)
    draw_fig1(layers, [out.pdf1, out.png1], params.label)
    draw_fig2(out.features, params.pixel_scale_arcsec, [out.pdf2, out.png2], params.label)
    write_csv(out.table1, layers)
