import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.examples import (
    GRID,
    blend_examples,
    cleaning_examples,
    read_examples,
    write_examples,
)
from deblend.boucaud2020.render import render
from deblend.errors import DeblendError


def test_figure_1_shows_the_brightest_whose_neighbours_were_replaced(cleaned_chunk):
    examples = cleaning_examples(*cleaned_chunk)
    # g2, the brighter of the disks, had no neighbours; no galaxy has both components.
    assert examples.table["id"].tolist() == ["g1", "g3", "g4"]
    assert examples.table["morphology"].tolist() == ["sph", "disk", "irr"]
    assert examples.table["replaced_px"].tolist() == [4, 4, 4]
    difference = examples.images["cleaned"] - examples.images["original"]
    assert (np.abs(difference[:, 0, :4] - 1) < 1e-6).all()
    assert examples.images["segmap"].sum() == 48


def test_figure_2_shows_the_blends_nearest_to_a_grid(stamps_and_blends):
    stamps, table = stamps_and_blends
    examples = blend_examples(stamps, table, companion_edge="zero")
    shown = examples.table
    assert len(shown) == GRID[0] * GRID[1]
    assert shown["blend"].is_unique
    by_row = shown.groupby("row")["distance_px"].mean()
    by_column = shown.groupby("column")["delta_mag"].mean()
    assert (np.diff(by_row) > 0).all()
    assert (np.diff(by_column) > 0).all()
    assert np.abs(shown["distance_px"] - shown["distance_grid_px"]).max() < 3
    first = table[table["blend"] == shown["blend"][7]]
    np.testing.assert_array_equal(
        examples.images["blend"][7], render(stamps.images[:, 0], first)[0]
    )
    assert shown["distance_px"][7] == np.hypot(first["dx"], first["dy"]).iloc[0]


def test_too_few_blends_are_refused(stamps_and_blends):
    stamps, table = stamps_and_blends
    with pytest.raises(DeblendError, match="there are 9 test blends and Figure 2 shows 30"):
        blend_examples(stamps, table[:9], companion_edge="zero")


def test_examples_are_read_as_they_were_written(cleaned_chunk, stamps_and_blends, tmp_path):
    for examples in (
        cleaning_examples(*cleaned_chunk),
        blend_examples(*stamps_and_blends, companion_edge="zero"),
    ):
        write_examples(tmp_path / "examples.h5", examples)
        again = read_examples(tmp_path / "examples.h5")
        pd.testing.assert_frame_equal(again.table, examples.table, check_dtype=False)
        assert again.attributes == examples.attributes
        assert again.images.keys() == examples.images.keys()
        for name, images in examples.images.items():
            np.testing.assert_array_equal(again.images[name], images)


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "e.h5").write_bytes(b"half")
    with pytest.raises(DeblendError, match=r"e\.h5 is not a complete file of examples"):
        read_examples(tmp_path / "e.h5")
