"""Adapter: fluxes, masks or both of a data set's test blends from a trained network."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    network = snakemake.wildcards.network
    backend.configure(params.backend, params.threads, params.seed)

    from deblend.boucaud2020.predict import (
        load_network,
        predict_fluxes,
        predict_masks,
        refuse_training_galaxies,
        write_masks,
    )
    from deblend.data.stamps import open_stamps
    from deblend.tables import read_ecsv, write_csv

    model, record = load_network(inputs.weights, inputs.description)
    stamps, blends = open_stamps(inputs.stamps), read_ecsv(inputs.blends)
    refuse_training_galaxies(network, read_ecsv(inputs.trained_on), stamps.galaxies, blends)
    options = {"method": network, "companion_edge": params.companion_edge}
    # The network's architecture decides which of these files the rule declares.
    fluxes, iou, masks = (out.get(name) for name in ("predictions", "iou", "masks"))
    if fluxes:
        write_csv(fluxes, predict_fluxes(model, record, stamps, blends, **options))
    if masks:
        table, examples = predict_masks(model, record, stamps, blends, **options)
        write_csv(iou, table)
        write_masks(masks, examples)
