"""What tests of figures share."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest


def keep_figures(monkeypatch):
    """List of the figures that are saved, and so closed, from now on, to look at."""
    kept = []
    close = plt.close

    def keep(figure):
        kept.append(figure)
        close(figure)

    monkeypatch.setattr(plt, "close", keep)
    return kept


def texts(figure):
    """Everything that is written in a figure."""
    found = [*figure.findobj(plt.Text), *(t for s in figure.subfigs for t in s.findobj(plt.Text))]
    return [text.get_text() for text in found if text.get_text()]


def opens(path, width, height=0):
    image = plt.imread(path)
    assert image.shape[1] == pytest.approx(width, abs=2)
    assert image.shape[0] > height
    assert image[..., :3].std() > 0.02  # something is on it


def layer_table(columns, rows):
    """A table of layers, with as many parameters as its convolutions have weights."""
    table = pd.DataFrame(rows, columns=columns)
    weights = table["in_channels"] * table["out_channels"] * table["kernel"] ** 2
    return table.assign(n_parameters=weights)


def to_bytes(images):
    return np.round(255 * images).astype(np.uint8)
