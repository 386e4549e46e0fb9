"""Panels with images."""

import numpy as np
import pytest
from deblend.plots.images import (
    asinh_stretch,
    close_panels,
    colour_bar,
    image_grid,
    image_note,
    scale_bar,
)
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


@pytest.mark.parametrize(("scale", "length", "text"), [(0.06, 1.0, '1"'), (0.18, 0.5, '0.5"')])
@pytest.mark.parametrize("extent", [None, (10, 40, 0, 30), (40, 10, 0, 30)])
def test_a_scale_bar_has_its_length_in_pixels(drawn, scale, length, text, extent):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0) as figure:
        axis = figure.subplots()
        axis.imshow(np.zeros((64, 64)))
        if extent:  # a part of the image, also with x to the left
            axis.set(xlim=extent[:2], ylim=extent[2:])
        scale_bar(axis, scale, length, "red")
    (bar,) = axis.lines
    ends = bar.get_transform().transform(bar.get_xydata())
    (x0, y0), (x1, y1) = axis.transData.inverted().transform(ends)
    assert abs(x1 - x0) == pytest.approx(length / scale)
    assert y0 == pytest.approx(y1)
    assert bar.get_color() == "red"
    # In the lower left corner, with its label above it.
    (left, below), (right, above) = axis.bbox.min, axis.bbox.max
    assert left < ends[0, 0] < left + 0.1 * (right - left)
    assert below < ends[0, 1] < below + 0.1 * (above - below)
    assert texts(drawn[0]).count(text) == 1
    (label,) = axis.texts
    assert label.get_window_extent().y0 > ends[0, 1]


def test_a_colour_bar_shows_the_values_of_the_image(drawn):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0) as figure:
        axes = image_grid(figure, 1, 2)
        for axis in axes.flat:
            image = axis.imshow(np.arange(64.0).reshape(8, 8), vmin=-3, vmax=80)
        colour_bar(figure, image, axes, "flux (counts/s)")
    (bar,) = [axis for axis in drawn[0].axes if axis not in axes]
    assert bar.get_ylim() == (-3, 80)
    assert bar.get_ylabel() == "flux (counts/s)"
    drawn[0].draw_without_rendering()
    # Beside the panels, thin, and not over any of them.
    assert bar.bbox.x0 > max(axis.bbox.x1 for axis in axes.flat)
    assert bar.bbox.width < 0.1 * bar.bbox.height
    assert bar.get_tightbbox().x1 <= drawn[0].bbox.width


def test_the_stretch_shows_noise_and_peak():
    image = np.linspace(-10, 1000, 50).reshape(5, 10)
    shown = asinh_stretch(image, 1.0)
    assert shown.min() == 0
    assert shown.max() == 1
    assert (np.diff(shown.ravel()) >= 0).all()
    # With the same peak, equal counts in two images are equally bright.
    assert asinh_stretch(image[:2], 1.0, 1000.0) == pytest.approx(shown[:2])
    assert np.isfinite(asinh_stretch(np.zeros((4, 4)), 0.0)).all()
