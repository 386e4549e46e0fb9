"""Adapter: train the branched GAN, or its generator alone."""

from pathlib import Path

from deblend.files import write_json
from deblend.reiman2019.blends import PerturbConfig
from deblend.reiman2019.training import GanConfig, layer_tables, train_from_config, write_panels
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend
from deblend.training.torch_checkpoint import write_weights

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed)
    settings = {"code": params.code, "threads": params.threads}
    generator, history, panels, record = train_from_config(
        inputs.frames,
        inputs.index,
        params.network,
        params.perturbation,
        images=params.images,
        n_validation_blends=params.n_validation_blends,
        seed=params.seed,
        vgg_weights=params.vgg_weights,
        vgg_file=inputs.vgg or None,
        device=device,
        checkpoint=params.checkpoint,
        fingerprinted=settings | {"backend": versions["backend_version"]},
    )
    write_weights(out.weights, generator)
    write_csv(out.history, history)
    write_panels(out.panels, panels)
    side = PerturbConfig(**params.perturbation).side
    layers = layer_tables(GanConfig(**params.network), generator, side)
    write_csv(out.layers_generator, layers[0])
    write_csv(out.layers_discriminator, layers[1])
    timing = {"seconds": record.pop("seconds"), "n_iterations": record["n_iterations"]}
    write_json(out.timing, timing)
    record |= versions | {"scale": params.scale, "threads": params.threads, "seed": params.seed}
    write_json(out.description, record)
    # Last, so that a job killed before this line can resume from the checkpoint.
    Path(params.checkpoint).unlink(missing_ok=True)
