"""Brightness of images with and without burn-in (Reiman & Goehre 2019, Sect. 2.2.2)."""

import numpy as np
import pandas as pd
from deblend.plots.style import COLOURS, ONE_COLUMN_IN, Outputs, label_line, paper_figure
from deblend.reiman2019.reproduction import MIN_BRIGHTNESS_RATIO, burn_in_batches

#: Colour and line of trainings, by whether they have a burn-in.
LOOKS = {True: (COLOURS["ours"], "-"), False: (COLOURS["companion"], "--")}


def draw_starts(histories: list[pd.DataFrame], outputs: Outputs, label: str) -> None:
    """Draw the brightness of each training's images against the number of batches.

    Parameters
    ----------
    histories : list of DataFrame
        `iteration`, `phase`, `brightness_ratio`.
    outputs : list of path
    label : str
        Scale and data.
    """
    line = label_line(label, len(histories), "short trainings")
    with paper_figure(outputs, line, ONE_COLUMN_IN, 2.6) as figure:
        axis = figure.subplots()
        named: set[bool] = set()
        for history in histories:
            has_burn_in = burn_in_batches(history) > 0
            colour, style = LOOKS[has_burn_in]
            name = None if has_burn_in in named else f"with{'' if has_burn_in else 'out'} burn-in"
            named.add(has_burn_in)
            # Black images have the brightness 0, which a logarithm cannot show.
            ratio = np.maximum(history["brightness_ratio"], 1e-3)
            axis.plot(history["iteration"], ratio, style, color=colour, lw=0.9, label=name)
        axis.axhspan(MIN_BRIGHTNESS_RATIO, 1 / MIN_BRIGHTNESS_RATIO, color="0.93", lw=0, zorder=0)
        axis.set(xlabel="batches", ylabel="light of the images / true light")
        axis.set_xscale("log")
        axis.set_yscale("log")
        axis.legend()
