"""Figures 1 and 2: galaxies before and after cleaning, and blends."""

import numpy as np
import pytest
from deblend.boucaud2020.examples import (
    blend_examples,
    cleaning_examples,
    read_examples,
    write_examples,
)
from deblend.boucaud2020.figures.fig1_2_examples import draw_fig1, draw_fig2

from tests.figures import texts


@pytest.fixture
def stored(tmp_path):
    """Function that returns examples as they are read from a file."""

    def store(examples):
        write_examples(tmp_path / "examples.h5", examples)
        return read_examples(tmp_path / "examples.h5")

    return store


def test_figures_are_drawn_from_the_stored_examples_alone(
    stored, cleaned_chunk, stamps_and_blends, tmp_path
):
    cases = (
        (cleaning_examples(*cleaned_chunk), draw_fig1),
        (blend_examples(*stamps_and_blends, companion_edge="zero"), draw_fig2),
    )
    for examples, draw in cases:
        again = stored(examples)
        files = []
        for name in ("one", "two"):
            outputs = [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"]
            draw(again, outputs, "toy scale")
            files.append([path.read_bytes() for path in outputs])
        assert files[0] == files[1]


def test_each_blend_has_its_distance_and_magnitude_difference(drawn, stamps_and_blends):
    examples = blend_examples(*stamps_and_blends, companion_edge="zero")
    draw_fig2(examples, [], "toy scale")
    found = texts(drawn[0])
    for blend in examples.table.itertuples():
        assert (
            rf"D = {blend.distance_px:.0f} px, |$\Delta$mag| = {abs(blend.delta_mag):.1f}" in found
        )
    assert {"toy scale, n = 16", '1"'} <= set(found)


def test_equal_counts_are_equally_bright_in_all_panels(drawn, stamps_and_blends):
    stamps, blends = stamps_and_blends
    stamps.images[:] *= np.linspace(1, 30, len(stamps))[:, None, None, None]
    examples = blend_examples(stamps, blends, companion_edge="zero")
    draw_fig2(examples, [], "toy scale")
    images = [axis.images[0].get_array() for axis in drawn[0].axes]
    counts = np.concatenate([image.ravel() for image in examples.images["blend"]])
    shown = np.concatenate([np.asarray(image).ravel() for image in images])
    assert (np.diff(shown[np.argsort(counts)]) >= 0).all()


def test_no_neighbours_at_all_is_said_in_the_figure(stored, drawn, cleaned_chunk, tmp_path):
    parents, _ = cleaned_chunk
    examples = cleaning_examples(parents, parents)
    assert len(examples.table) == 0
    draw_fig1(stored(examples), [tmp_path / "fig1.pdf"])
    assert (tmp_path / "fig1.pdf").stat().st_size > 1000
    assert texts(drawn[0]).count("no galaxy with\nneighbours replaced") == 4
