"""Functions for tests of figures."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


def keep_figures(monkeypatch):
    """List to which all figures are added from now on when they are saved and closed."""
    kept = []
    close = plt.close

    def keep(figure):
        kept.append(figure)
        close(figure)

    monkeypatch.setattr(plt, "close", keep)
    return kept


def texts(figure):
    """All texts in a figure."""
    found = [*figure.findobj(plt.Text), *(t for s in figure.subfigs for t in s.findobj(plt.Text))]
    return [text.get_text() for text in found if text.get_text()]


def opens(path, width, height=0):
    image = plt.imread(path)
    assert image.shape[1] == pytest.approx(width, abs=2)
    assert image.shape[0] > height
    assert image[..., :3].std() > 0.02  # it is not empty


def layer_table(columns, rows):
    """Table of layers, whose number of parameters is that of the weights of convolutions."""
    table = pd.DataFrame(rows, columns=columns)
    weights = table["in_channels"] * table["out_channels"] * table["kernel"] ** 2
    return table.assign(n_parameters=weights)


def to_bytes(images):
    return np.round(255 * images).astype(np.uint8)
