"""Adapter: deblend the test blends with trained generators; PSNR, SSIM and examples."""

from deblend.reiman2019.scores import predict_and_score
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    device, versions = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    files = zip(inputs.weights, inputs.descriptions, out.predictions, strict=True)
    table, speed = predict_and_score(
        inputs.frames,
        inputs.index,
        dict(zip(params.methods, files, strict=True)),
        params.perturbation,
        images=snakemake.wildcards.images,
        n_blends=params.n_blends,
        n_examples=params.n_examples,
        seed=params.seed,
        device=device,
        attributes=versions,
        examples=out.examples,
        batch_statistics=params.batch_statistics,
        orientations=params.orientations,
        min_test_galaxies=params.min_test_galaxies,
    )
    write_csv(out.scores, table)
    write_csv(out.speed, speed)
