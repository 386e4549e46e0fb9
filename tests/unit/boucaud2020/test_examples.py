import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.examples import (
    GRID,
    NEAR_PX,
    blend_examples,
    cleaning_examples,
    is_alone,
    read_examples,
    write_examples,
)
from deblend.boucaud2020.render import render
from deblend.data.stamps import open_stamps, write_stamps
from deblend.errors import DeblendError

from tests.conftest import make_stamps


def stamp_of(*galaxies, size=64, noise=0.0065):
    """Noise and Gaussian galaxies (x, y, peak) of 3 pixels."""
    y, x = np.indices((size, size))
    image = np.random.default_rng(3).normal(0, noise, (size, size))
    for x0, y0, peak in galaxies:
        image += peak * np.exp(-((x - x0) ** 2 + (y - y0) ** 2) / (2 * 3.0**2))
    return image.astype(np.float32)


@pytest.mark.parametrize(
    ("others", "alone"),
    [((), True), (((50, 40, 0.05),), False), (((46, 32, 0.1),), False)],
    ids=["none", "far", "in the outskirts"],
)
def test_a_faint_object_beside_the_galaxy_is_noticed(others, alone):
    assert is_alone(stamp_of((32, 32, 1.0), *others)) is alone


def test_figure_1_shows_galaxies_next_to_which_most_was_replaced():
    """Of the brighter disks, b lost a near neighbour, c a larger but far one, d kept one."""
    galaxy = (32, 32, 1.0)
    before = {
        "a": stamp_of(galaxy),
        "b": stamp_of(galaxy, (46, 32, 0.5)),
        "c": stamp_of(galaxy, (57, 60, 5.0)),
        "d": stamp_of(galaxy, (46, 32, 0.5), (18, 32, 0.5)),
        "e": stamp_of(galaxy, (46, 32, 0.5), (18, 32, 0.5)),
    }
    after = {name: stamp_of(galaxy) for name in before}
    after["d"] = stamp_of(galaxy, (18, 32, 0.5))
    columns = {"mag": [20.0, 20.1, 20.2, 20.3, 22.0], "morphology": "disk", "id": list(before)}
    segmaps = np.zeros((5, 64, 64), np.int16)
    segmaps[:, 26:39, 26:39] = 1
    for name, image in after.items():
        # Cleaning replaces what is above the noise.
        kept = np.abs(before[name] - image) < 0.01
        after[name] = np.where(kept, before[name], image)
    stamps = [
        make_stamps(np.array(list(images.values())), segmaps, **columns)
        for images in (before, after)
    ]
    examples = cleaning_examples(*stamps)
    assert examples.table["id"].tolist() == ["b"]
    from_galaxy = np.hypot(*(np.maximum(np.abs(i - 32) - 6, 0) for i in np.indices((64, 64))))
    sigma = stamps[0].noise()[0]
    replaced = (np.abs(before["b"] - after["b"]) > 5 * sigma) & (from_galaxy <= NEAR_PX)
    assert examples.table["replaced_px"][0] == replaced.sum()


def test_noise_that_cleaning_adds_is_no_neighbour(cleaned_chunk):
    parents, cleaned = cleaned_chunk
    noise = np.random.default_rng(0).normal(0, parents.noise()[0], cleaned.images.shape)
    cleaned = cleaned.take(slice(None))
    cleaned.images = (cleaned.images + noise).astype(np.float32)
    examples = cleaning_examples(parents, cleaned)
    assert examples.table["id"].tolist() == ["g1", "g3", "g4"]
    assert examples.table["replaced_px"].tolist() == [4, 4, 4]


def test_figure_1_has_a_galaxy_of_each_class_with_neighbours(cleaned_chunk):
    examples = cleaning_examples(*cleaned_chunk)
    # g2, the brighter of the disks, had no neighbours; no galaxy has both components.
    assert examples.table["id"].tolist() == ["g1", "g3", "g4"]
    assert examples.table["morphology"].tolist() == ["sph", "disk", "irr"]
    assert examples.table["replaced_px"].tolist() == [4, 4, 4]
    difference = examples.images["cleaned"] - examples.images["original"]
    assert (np.abs(difference[:, 0, :4] - 1) < 1e-6).all()
    assert examples.images["segmap"].sum() == 48


def test_figure_2_shows_no_blend_with_another_object(stamps_and_blends):
    stamps, table = stamps_and_blends
    kept = np.arange(len(stamps)) % 2 == 0
    for i in np.flatnonzero(~kept):
        stamps.images[i, 0] = stamp_of((16, 16, 1.0), (26, 26, 0.1), size=32)
    shown = blend_examples(stamps, table, companion_edge="zero").table
    clean = set(stamps.galaxies["id"][kept])
    assert len(shown) == GRID[0] * GRID[1]
    assert set(shown["central_id"]) | set(shown["companion_id"]) <= clean


def test_figure_2_is_that_of_stamps_on_disk(stamps_and_blends, tmp_path):
    stamps, table = stamps_and_blends
    write_stamps(tmp_path / "stamps.h5", stamps)
    opened = open_stamps(tmp_path / "stamps.h5")
    ours, theirs = (blend_examples(s, table, companion_edge="zero") for s in (opened, stamps))
    pd.testing.assert_frame_equal(ours.table, theirs.table)
    np.testing.assert_array_equal(ours.images["blend"], theirs.images["blend"])


def test_figure_2_has_gaps_if_most_blends_have_other_objects(stamps_and_blends):
    stamps, table = stamps_and_blends
    for i in range(len(stamps)):
        stamps.images[i, 0] = stamp_of((16, 16, 1.0), (26, 26, 0.1), size=32)
    assert blend_examples(stamps, table, companion_edge="zero").table.empty
    first = table[["central", "companion"]].iloc[0]
    for i in first:
        stamps.images[i, 0] = stamp_of((16, 16, 1.0), size=32)
    shown = blend_examples(stamps, table, companion_edge="zero").table
    assert 1 <= len(shown) < GRID[0] * GRID[1]
    assert table["blend"].iloc[0] in set(shown["blend"])


def test_the_edge_has_the_noise_of_the_stamps(stamps_and_blends):
    stamps, table = stamps_and_blends
    stamps.noise_correlation = np.array([[[0, 0, 0], [0.4, 1, 0.4], [0, 0, 0]]])
    examples = blend_examples(stamps, table, companion_edge="noise")
    chosen = table.set_index("blend", drop=False).loc[examples.table["blend"]]
    noise = {"noise_sigma": 0.0065, "noise_correlation": stamps.noise_correlation[0]}
    expected = render(stamps.images[:, 0], chosen, companion_edge="noise", **noise)
    np.testing.assert_array_equal(examples.images["blend"], expected)
    # That of two stamps, away from the edge of the companion.
    assert examples.attributes["noise_sigma"] == pytest.approx(np.hypot(0.0065, 0.0065))


def test_figure_2_shows_the_blends_nearest_to_a_grid(stamps_and_blends):
    stamps, table = stamps_and_blends
    examples = blend_examples(stamps, table, companion_edge="zero")
    shown = examples.table
    assert len(shown) == GRID[0] * GRID[1]
    assert shown["blend"].is_unique
    by_row = shown.groupby("row")["distance_px"].mean()
    by_column = shown["delta_mag"].abs().groupby(shown["column"]).mean()
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
    with pytest.raises(DeblendError, match="there are 9 test blends and Figure 2 shows 16"):
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
