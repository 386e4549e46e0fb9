"""Adapter: Figures 2, 3, 4 and 8 of Hemmati et al. 2022."""

import h5py
from deblend.hemmati2022.figures import fig2_3_4_8_images as figures
from deblend.run import logs

with logs.script(snakemake.log[0]):
    label, out = snakemake.params.label, snakemake.output
    with h5py.File(snakemake.input.galleries, "r") as file:
        shown = {name: file[name][:] for name in file if name not in ("band", "bands")}
        band = file["band"].asstr()[()]
        bands = list(file["bands"].asstr()[:]) if "bands" in file else []
    figures.draw_fig2(shown["real"], shown["generated"], [out.pdf2, out.png2], label)
    figures.draw_fig3(
        *(shown[name] for name in ("high", "low", "gan")),
        [out.pdf3, out.png3],
        f"{label}, {band}",
    )
    figures.draw_fig8(shown, bands, band, [out.pdf8, out.png8], label)
    with h5py.File(snakemake.input.examples, "r") as file:
        blends = {name: file[name][:] for name in file if name != "kind"}
        kinds = list(file["kind"].asstr()[:])
    figures.draw_fig4(blends, kinds, [out.pdf4, out.png4], label)
