"""Adapter: Figures 3 and 4 of Farrens et al. 2022 from labels in the authors' format."""

from pathlib import Path

from deblend.farrens2022.figures.fig3_4_accuracy import draw_fig3, draw_fig4
from deblend.farrens2022.metrics import confusion_table, parametric_accuracies, summarise
from deblend.farrens2022.published import curves, read_predictions
from deblend.files import read_yaml
from deblend.run import logs
from deblend.tables import write_csv

with logs.script(snakemake):
    params, inputs, out = snakemake.params, snakemake.input, snakemake.output
    label = f"labels of {Path(str(inputs.predictions)).name}, parametric stamps"
    table, predictions, sep_labels = read_predictions(inputs.predictions)
    accuracy, by_distance = parametric_accuracies(table, predictions, sep_labels, params.bins_px)
    by_noise = summarise(accuracy)
    published = curves(read_yaml(inputs.published)["farrens2022"])[4]
    draw_fig3(by_distance, [out.pdf3, out.png3], label)
    draw_fig4(by_noise, accuracy, [out.pdf4, out.png4], label, published)
    for path, rows in (
        (out.accuracy, accuracy),
        (out.by_distance, by_distance),
        (out.confusion, confusion_table(accuracy)),
        (out.table3, by_distance),
        (out.table4, by_noise),
    ):
        write_csv(path, rows)
