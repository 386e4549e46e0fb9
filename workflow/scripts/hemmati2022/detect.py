"""Adapter: peaks of the test blends in every resolution, and images for the figures."""

import logging

import numpy as np
from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.detection import detect, write_examples, write_galleries
from deblend.hemmati2022.pairs import make_pair_maker, read_cutouts
from deblend.hemmati2022.predict import generate_images, latent_vectors, load_network
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake.log[0]):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.seed)
    stamps, rows = read_cutouts(inputs.cutouts, inputs.split)
    makers, networks = {}, {}
    for name, options in params.networks.items():
        bands = tuple(options["bands"])
        if bands not in makers:
            makers[bands] = make_pair_maker(stamps, rows, **params.maker | {"bands": list(bands)})
        files = inputs[f"{options['network']}_weights"], inputs[f"{options['network']}_record"]
        band = params.maker["detection_band"]
        networks[name] = load_network(*files, makers[bands], band, device)
    vanilla = networks.pop("vanilla")
    blending, detection = HemmatiBlendConfig(**params.blending), Detection(**params.detection)
    table, false_positives, peaks = detect(
        networks, rows, params.n_blends, blending, detection, device
    )
    fractions = table.filter(like="detected_").mean()
    logging.info(
        "detected:\n%s\nfalse positives:\n%s", fractions.to_string(), false_positives.to_string()
    )
    write_csv(out.detections, table)
    write_csv(out.false_positives, false_positives)
    write_csv(out.peaks, peaks)
    maker = networks["gan"].maker
    blends = maker.draw(rows["test"], 0, params.n_blends["test"], "test", blending)
    write_examples(out.examples, networks, blends, table, peaks, device)
    noise = latent_vectors(params.seed, 2 * params.n_shown, vanilla.n_latent, "gallery")
    vanilla_images = generate_images(vanilla.generator, noise, device)[:, vanilla.band]
    numbers = np.arange(min(params.n_shown, len(rows["train"])))
    real_galaxies = blends.iloc[numbers].assign(
        galaxy_0=rows["train"][numbers], galaxy_1=-1, dx_0=0, dy_0=0
    )
    real_images = maker.scaled(real_galaxies, "train")[0][:, networks["gan"].band]
    write_galleries(
        out.galleries, networks, vanilla_images, real_images, blends, table, peaks, device
    )
