"""Adapter: Figures 3 and 4 of Boucaud et al. 2020, from the built networks; their parameters."""

from deblend.run import logs
from deblend.training import keras_backend as backend

with logs.script(snakemake):
    params, out = snakemake.params, snakemake.output
    backend.configure(params.backend, 1, 0)

    import pandas as pd
    from deblend.boucaud2020.figures.fig3_4_networks import draw_fig3, draw_fig4
    from deblend.boucaud2020.networks import build
    from deblend.boucaud2020.paper_networks import parameter_table
    from deblend.boucaud2020.training import network_options
    from deblend.files import read_yaml
    from deblend.tables import write_csv
    from deblend.training.keras_layers import layer_table

    draw = {3: draw_fig3, 4: draw_fig4}
    for n, entry in params.networks.items():
        network = entry["network"]
        model = build(network["architecture"], entry["stamp_size"], network_options(network))
        write_csv(out[f"layers{n}"], layer_table(model))
        layers = pd.read_csv(out[f"layers{n}"], keep_default_na=False)
        draw[n](layers, [out[f"pdf{n}"], out[f"png{n}"]], params.label)
        write_csv(out[f"table{n}"], layers)
    sizes = read_yaml(snakemake.input.published)["boucaud2020"]["network_sizes"]
    write_csv(out.parameters, parameter_table(sizes))
