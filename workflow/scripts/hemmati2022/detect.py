"""Adapter: peaks of the test blends in every resolution, and images for the figures."""

from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.detection import run_detection
from deblend.hemmati2022.pairs import read_cutouts
from deblend.hemmati2022.predict import load_networks
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, _ = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    stamps, rows = read_cutouts(inputs.cutouts, inputs.split)
    files = {
        name: (inputs[f"{entry['network']}_weights"], inputs[f"{entry['network']}_record"])
        for name, entry in params.networks.items()
    }
    tables = run_detection(
        load_networks(params.networks, files, stamps, rows, params.maker, device),
        rows,
        blending=HemmatiBlendConfig(**params.blending),
        detection=Detection(**params.detection),
        n_blends=params.n_blends,
        n_shown=params.n_shown,
        seed=params.seed,
        device=device,
        examples=out.examples,
        galleries=out.galleries,
    )
    write_csv(out.detections, tables["detections"])
    write_csv(out.false_positives, tables["false_positives"])
    write_csv(out.peaks, tables["peaks"])
    write_csv(out.quality, tables["quality"])
    write_csv(out.ladder, tables["ladder"])
    write_csv(out.curves, tables["curves"])
