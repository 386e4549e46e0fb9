"""Adapter: train the branched GAN, or its generator alone."""

import pandas as pd
from deblend.files import write_json
from deblend.reiman2019.blends import PerturbConfig, draw_blends, render_all, rows_of_split
from deblend.reiman2019.images import open_frames
from deblend.reiman2019.networks import Discriminator, VggFeatures, layer_table
from deblend.reiman2019.training import GanConfig, PairSource, train, write_panels
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from deblend.training.vgg import weights_from

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed)
    config, perturbation = GanConfig(**params.network), PerturbConfig(**params.perturbation)
    frames, index = open_frames(inputs.frames), pd.read_csv(inputs.index)
    vgg = None
    if config.burn_in_iterations:
        # As in the authors' code, the mean is subtracted.
        options = {"seed": params.seed, "subtract_mean": True}
        weights = weights_from(params.vgg_weights, inputs.vgg or None, **options)
        vgg = VggFeatures(weights, config.vgg_input_px)
    rows = rows_of_split(index, "validation")
    n_blends = params.n_validation_blends
    pairs = draw_blends(params.seed, params.images, "validation", rows, n_blends, perturbation)
    validation = render_all(frames, pairs, perturbation)
    # The fingerprint does not include the name of the GPU, since a retry may get another one.
    backend = {"backend": versions["backend_version"], "device": device.type}
    decisive = ("code", "seed", "threads", "network", "perturbation", "vgg_weights")
    configuration = {key: params[key] for key in decisive}
    files = [inputs.frames, inputs.index, *([inputs.vgg] if inputs.vgg else [])]
    configuration |= {"n": n_blends} | backend
    checkpoint = Checkpoint(params.checkpoint, fingerprint(configuration, files))
    options = {"seed": params.seed, "batch_size": config.batch_size}
    source = PairSource(frames, rows_of_split(index, "train"), perturbation, **options)
    generator, history, panels, record = train(
        config, source, validation, device=device, vgg=vgg, checkpoint=checkpoint
    )
    write_weights(out.weights, generator)
    write_csv(out.history, history)
    write_panels(out.panels, history, panels, validation)
    write_csv(out.layers_generator, layer_table(generator.cpu(), perturbation.side))
    discriminator = Discriminator(
        perturbation.side, config.discriminator_filters, config.discriminator_units
    )
    write_csv(out.layers_discriminator, layer_table(discriminator, perturbation.side))
    timing = {"seconds": record.pop("seconds"), "n_iterations": record["n_iterations"]}
    write_json(out.timing, timing)
    record |= versions | {"scale": params.scale, "threads": params.threads, "seed": params.seed}
    record |= {"n_images": len(index), "dataset": params.images}
    write_json(out.description, record | {"perturbation": params.perturbation})
    # Cleared last, so that a job that is killed earlier can resume.
    checkpoint.clear()
