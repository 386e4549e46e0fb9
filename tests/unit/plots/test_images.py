"""Panels with images."""

import numpy as np
import pytest
from deblend.plots.images import asinh_stretch, close_panels, image_grid, image_note
from deblend.plots.style import ONE_COLUMN_IN, paper_figure

from tests.figures import texts


def test_panels_of_a_grid(drawn):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0) as figure:
        axes = image_grid(figure, 1, 3, ("first", "second"), fontsize=5)
        close_panels(figure, between_rows=0.03, space=0.02)
        image_note(axes[0, 2], "bright", va="top")
    assert axes.shape == (1, 3)
    assert texts(drawn[0]) == ["first", "second", "bright"]
    assert axes[0, 0].title.get_fontsize() == 5
    assert all(len(axis.get_xticks()) == len(axis.get_yticks()) == 0 for axis in axes.flat)
    pads = drawn[0].get_layout_engine().get()
    assert (pads["w_pad"], pads["h_pad"], pads["wspace"]) == (0.01, 0.03, 0.02)


def test_the_stretch_shows_noise_and_peak():
    image = np.linspace(-10, 1000, 50).reshape(5, 10)
    shown = asinh_stretch(image, 1.0)
    assert shown.min() == 0
    assert shown.max() == 1
    assert (np.diff(shown.ravel()) >= 0).all()
    # With the same peak, equal counts in two images are equally bright.
    assert asinh_stretch(image[:2], 1.0, 1000.0) == pytest.approx(shown[:2])
    assert np.isfinite(asinh_stretch(np.zeros((4, 4)), 0.0)).all()
