"""Adapter: train a GAN of Hemmati et al. 2022."""

from pathlib import Path

from deblend.files import write_json
from deblend.hemmati2022.networks import SrConfig
from deblend.hemmati2022.training import layer_tables, train_from_config
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend
from deblend.training.torch_checkpoint import write_weights

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed)
    settings = {"code": params.code, "threads": params.threads}
    generator, history, record = train_from_config(
        inputs.cutouts,
        inputs.split,
        params.network,
        params.blending,
        params.detection,
        params.maker,
        n_validation_blends=params.n_validation_blends,
        device=device,
        checkpoint=params.checkpoint,
        fingerprinted=settings | {"backend": versions["backend_version"]},
    )
    write_weights(out.weights, generator)
    write_csv(out.history, history)
    layers = layer_tables(SrConfig(**params.network), generator, len(params.maker["bands"]))
    write_csv(out.layers_generator, layers[0])
    write_csv(out.layers_discriminator, layers[1])
    write_json(out.timing, {"seconds": record.pop("seconds"), "n_epochs": record["n_epochs"]})
    record |= versions | {"scale": params.scale, "threads": params.threads, "seed": params.seed}
    write_json(out.description, record | {"dataset": params.maker["name"]})
    # Last, so that a job killed before this line can resume from the checkpoint.
    Path(params.checkpoint).unlink(missing_ok=True)
