"""Adapter: fluxes of a data set's test blends from a trained network."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake.log[0]):
    backend.configure(snakemake.params.backend, snakemake.params.threads, snakemake.params.seed)

    from deblend.boucaud2020.predict import load_network, predict_fluxes, refuse_known_galaxies
    from deblend.data.stamps import read_stamps
    from deblend.tables import read_ecsv, write_csv

    model, record = load_network(snakemake.input.weights, snakemake.input.description)
    stamps, blends = read_stamps(snakemake.input.stamps), read_ecsv(snakemake.input.blends)
    refuse_known_galaxies(
        snakemake.wildcards.network, read_ecsv(snakemake.input.trained_on), stamps.galaxies, blends
    )
    predictions = predict_fluxes(
        model,
        record,
        stamps,
        blends,
        method=snakemake.wildcards.network,
        companion_edge=snakemake.params.companion_edge,
    )
    write_csv(snakemake.output.predictions, predictions)
