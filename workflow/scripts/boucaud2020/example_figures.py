"""Adapter: Figures 1 and 2 of Boucaud et al. 2020."""

from deblend.boucaud2020.examples import blend_examples, read_examples, write_examples
from deblend.boucaud2020.figures.fig1_2_examples import draw_fig1, draw_fig2
from deblend.data.stamps import open_stamps
from deblend.run import logs
from deblend.tables import read_ecsv, write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    blends = blend_examples(
        open_stamps(inputs.stamps), read_ecsv(inputs.blends), companion_edge=params.companion_edge
    )
    write_examples(out.examples, blends)
    blends, cleaning = read_examples(out.examples), read_examples(inputs.cleaning)
    label = f"{params.scale} scale, {params.dataset}"
    draw_fig1(cleaning, [out.pdf1, out.png1], label)
    draw_fig2(blends, [out.pdf2, out.png2], label)
    for path, examples in ((out.table1, cleaning), (out.table2, blends)):
        write_csv(path, examples.table.assign(scale=params.scale, dataset=params.dataset))
