"""Adapter: deblend more than two galaxies, one after the other."""

from deblend.plots.style import label_line
from deblend.reiman2019.figures.several_galaxies import draw_groups_figure
from deblend.reiman2019.several_galaxies import deblend_groups
from deblend.report.networks import not_learnt, read_networks
from deblend.run import logs
from deblend.tables import write_csv
from deblend.training import torch_backend

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    images, n_galaxies = snakemake.wildcards.images, int(snakemake.wildcards.number)
    device, _ = torch_backend.configure(params.threads, params.seed, wants_gpu=True)
    scores, blends, truth, matched = deblend_groups(
        inputs.frames,
        inputs.index,
        inputs.weights,
        inputs.description,
        params.perturbation,
        images=images,
        n_blends=params.n_blends,
        n_galaxies=n_galaxies,
        seed=params.seed,
        orientations=params.orientations,
        device=device,
    )
    write_csv(out.table, scores)
    network = snakemake.wildcards.gan
    label = label_line(params.label, not_learnt(read_networks([inputs.description])))
    draw_groups_figure(scores, blends, truth, matched, network, [out.pdf, out.png], label)
