"""Adapter: apply a single-band network to real HSC images, and compare it with HST images."""

import logging

import pandas as pd
from deblend.hemmati2022 import real_images
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.figures.real_images import draw_pairs
from deblend.hemmati2022.pairs import make_pair_maker, read_cutouts
from deblend.hemmati2022.predict import load_network
from deblend.hemmati2022.resolutions import restore_resolutions
from deblend.plots.style import label_line
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.maker["seed"])
    maker = make_pair_maker(*read_cutouts(inputs.cutouts, inputs.split), **params.maker)
    band = params.maker["detection_band"]
    network = load_network(inputs.weights, inputs.description, maker, band, device)
    false_positives = pd.read_csv(inputs.false_positives)
    detection = Detection(**params.detection)
    restored = restore_resolutions(false_positives, {params.resolution: network}, detection)
    names = {"high": "high_best", "low": "low_best", "gan": params.resolution}
    resolutions = {name: restored[restored_name] for name, restored_name in names.items()}
    fields = {
        name: real_images.read_field(inputs.folder, name, maker, **params.options)
        for name in real_images.field_names(inputs.folder)
    }
    shown = real_images.find_field_peaks(network, fields, resolutions, device)
    table, gain = real_images.pair_numbers(shown, detection.radius_px)
    logging.info("\n%s\n%s", table.to_string(index=False), gain.to_string(index=False))
    write_csv(out.table, table)
    write_csv(out.gain, gain)
    trained = f"{snakemake.wildcards.sr} trained on {params.maker['name']}"
    warning = not_learnt(read_networks([inputs.description]))
    label = label_line(f"{params.scale} scale", "HSC and HST images", trained, warning)
    draw_pairs(shown, maker.pixel_scale_arcsec, [out.pdf, out.png], label)
