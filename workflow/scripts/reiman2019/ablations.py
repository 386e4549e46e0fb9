"""Adapter: scores of the ablations of the generator copy_gate."""

from deblend.reiman2019.ablations import ablation_scores
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs = snakemake.params, snakemake.input
    device, _ = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    files = zip(inputs.weights, inputs.descriptions, strict=True)
    table = ablation_scores(
        inputs.frames,
        inputs.index,
        dict(zip(params.ablations, files, strict=True)),
        params.perturbation,
        images=snakemake.wildcards.images,
        n_blends=params.n_blends,
        seed=params.seed,
        device=device,
        orientations=params.orientations,
    )
    write_csv(snakemake.output.table, table.assign(scale=params.scale))
