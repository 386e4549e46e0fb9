"""What tests of figures share."""

import matplotlib.pyplot as plt
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
