"""Adapter: train a GAN of Hemmati et al. 2022."""

import torch
from deblend.files import write_json
from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.networks import HIGH_PX, LOW_PX, SrConfig, build_discriminator
from deblend.hemmati2022.pairs import make_pair_maker, read_cutouts
from deblend.hemmati2022.training import Validation, train
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint, write_weights
from deblend.training.torch_layers import trace_layers

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed)
    config, blending = SrConfig(**params.network), HemmatiBlendConfig(**params.blending)
    stamps, rows = read_cutouts(inputs.cutouts, inputs.split)
    maker = make_pair_maker(stamps, rows, **params.maker)
    band = maker.bands.index(params.maker["detection_band"])
    detection = Detection(**params.detection)
    n_blends = params.n_validation_blends
    validation = Validation(maker, rows["validation"], n_blends, blending, detection, band)
    decisive = ("code", "network", "blending", "detection", "maker")
    configuration = {key: params[key] for key in decisive}
    configuration |= {"n": n_blends, "threads": params.threads}
    # The fingerprint does not include the name of the GPU, since a retry may get another one.
    configuration |= {"backend": versions["backend_version"], "device": device.type}
    files = [inputs.cutouts, inputs.split]
    checkpoint = Checkpoint(params.checkpoint, fingerprint(configuration, files))
    generator, history, record = train(
        config, maker, rows["train"], validation, blending, device=device, checkpoint=checkpoint
    )
    write_weights(out.weights, generator)
    write_csv(out.history, history)
    bands, generator = len(maker.bands), generator.cpu()
    low, high = torch.zeros(1, bands, LOW_PX, LOW_PX), torch.zeros(1, bands, HIGH_PX, HIGH_PX)
    example_input = torch.zeros(1, config.n_latent) if config.kind == "vanilla" else low
    write_csv(out.layers_generator, trace_layers(generator, example_input))
    discriminator = build_discriminator(config, bands)
    write_csv(out.layers_discriminator, trace_layers(discriminator, high, low))
    write_json(out.timing, {"seconds": record.pop("seconds"), "n_epochs": record["n_epochs"]})
    record |= versions | {"scale": params.scale, "threads": params.threads, "seed": params.seed}
    write_json(out.description, record | {"dataset": params.maker["name"]})
    # Cleared last, so that a job that is killed earlier can resume.
    checkpoint.clear()
