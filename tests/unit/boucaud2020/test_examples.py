import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.examples import (
    GRID,
    blend_examples,
    cleaning_examples,
    read_examples,
    write_examples,
)
from deblend.boucaud2020.figures.fig1_2_examples import draw_fig1, draw_fig2
from deblend.boucaud2020.render import render
from deblend.errors import DeblendError

from tests.conftest import make_stamps


@pytest.fixture
def chunk():
    """Five galaxies, of which g0 is excluded and g1, g3 and g4 had neighbours."""
    images = np.random.default_rng(0).normal(0, 0.0065, (5, 16, 16)).astype(np.float32)
    columns = {
        "mag": [19.0, 20.0, 21.0, 22.0, 21.5],
        "morphology": ["sph", "sph", "disk", "disk", "irr"],
    }
    parents = make_stamps(images, **columns)
    images = images.copy()
    images[[1, 3, 4], 0, :4] += 1
    segmaps = np.zeros(images.shape, np.int16)
    segmaps[:, 6:10, 6:10] = 1
    return parents, make_stamps(images, segmaps, **columns).take(np.arange(1, 5))


@pytest.fixture
def blends():
    rng = np.random.default_rng(1)
    stamps = make_stamps(rng.normal(0, 0.0065, (40, 32, 32)), half_light_radius_px=3.0)
    config = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    return stamps, draw_blends(
        stamps.galaxies, np.arange(40), 0, 400, stamp_size=32, seed=1, split="test", config=config
    )


def test_figure_1_shows_the_brightest_whose_neighbours_were_replaced(chunk):
    examples = cleaning_examples(*chunk)
    # g2, the brighter of the disks, had no neighbours; no galaxy has both components.
    assert examples.table["id"].tolist() == ["g1", "g3", "g4"]
    assert examples.table["morphology"].tolist() == ["sph", "disk", "irr"]
    assert examples.table["replaced_px"].tolist() == [4, 4, 4]
    difference = examples.images["cleaned"] - examples.images["original"]
    assert (np.abs(difference[:, 0, :4] - 1) < 1e-6).all()
    assert examples.images["segmap"].sum() == 48


def test_figure_2_shows_the_blends_nearest_to_a_grid(blends):
    stamps, table = blends
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


def test_too_few_blends_are_refused(blends):
    stamps, table = blends
    with pytest.raises(DeblendError, match="there are 9 test blends and Figure 2 shows 30"):
        blend_examples(stamps, table[:9], companion_edge="zero")


def test_figures_are_drawn_from_the_stored_examples_alone(chunk, blends, tmp_path):
    cases = (
        (cleaning_examples(*chunk), draw_fig1),
        (blend_examples(*blends, companion_edge="zero"), draw_fig2),
    )
    for examples, draw in cases:
        write_examples(tmp_path / "examples.h5", examples)
        again = read_examples(tmp_path / "examples.h5")
        pd.testing.assert_frame_equal(again.table, examples.table, check_dtype=False)
        assert again.attributes == examples.attributes
        files = []
        for name in ("one", "two"):
            outputs = [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"]
            draw(again, outputs, "toy scale")
            files.append([path.read_bytes() for path in outputs])
        assert files[0] == files[1]


def test_no_neighbours_at_all_is_said_in_the_figure(chunk, tmp_path):
    parents, _ = chunk
    examples = cleaning_examples(parents, parents)
    assert len(examples.table) == 0
    write_examples(tmp_path / "examples.h5", examples)
    draw_fig1(read_examples(tmp_path / "examples.h5"), [tmp_path / "fig1.pdf"])
    assert (tmp_path / "fig1.pdf").stat().st_size > 1000


def test_a_broken_file_is_named(tmp_path):
    (tmp_path / "e.h5").write_bytes(b"half")
    with pytest.raises(DeblendError, match=r"e\.h5 is not a complete file of examples"):
        read_examples(tmp_path / "e.h5")
