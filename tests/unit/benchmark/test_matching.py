import numpy as np
import pandas as pd
from deblend.benchmark.catalogue import as_catalogue
from deblend.benchmark.matching import count_sources, match, scored, with_calls

RADIUS = 2.5


def catalogue(scenes, **columns):
    return as_catalogue(pd.DataFrame({"flux": 1.0, **columns}), scenes, "m")


def called(truth, found, rows):
    """What a method says about both scenes, if it looks for positions where it has any."""
    looks = bool(found.table["x_px"].notna().any()) or not len(found.table)
    return with_calls(count_sources(truth, found, rows, 2)[0], looks=looks)


def test_the_sum_of_distances_is_the_smallest(scenes, truth):
    # In scene 0 galaxies are at x = 12 and 17: the source at 14.4 is nearer to the first, for which
    # there is another one.
    found = catalogue(scenes, scene=[0, 0, 1], x_px=[14.6, 10.5, 12.0], y_px=[12.0, 12.0, 7.0])
    rows = match(truth, found, RADIUS)
    assert rows.tolist() == [1, 0, -1, 2]


def test_nothing_is_matched_beyond_the_radius(scenes, truth):
    found = catalogue(scenes, scene=[0], x_px=[12.0], y_px=[15.0])
    assert match(truth, found, RADIUS).tolist() == [-1, -1, -1, -1]
    large = truth.galaxies.assign(half_light_radius_px=8.0)
    wide = type(truth)(large, truth.images, truth.masks)
    assert match(wide, found, RADIUS).tolist() == [0, -1, -1, -1]


def test_without_positions_roles_decide(scenes, truth):
    found = catalogue(scenes, scene=[1, 1, 0], role=["companion", "central", "central"])
    assert match(truth, found, RADIUS).tolist() == [2, -1, 1, 0]
    counts = called(truth, found, match(truth, found, RADIUS))
    assert counts[["n_found", "n_false", "is_blend"]].isna().all().all()


def test_only_sources_on_the_galaxies_are_false(scenes, truth):
    # Scene 0: both found, one more on a galaxy, a neighbour elsewhere. Scene 1: one found.
    found = catalogue(
        scenes, scene=[0, 0, 0, 0, 1], x_px=[12, 17, 18.4, 2, 12.0], y_px=[12, 12, 11, 2, 12.0]
    )
    counts = called(truth, found, match(truth, found, RADIUS))
    assert counts["n_found"].tolist() == [2, 1]
    assert counts["n_false"].tolist() == [1, 0]
    assert counts["is_blend"].tolist() == [1, 0]


def test_false_sources_count_with_the_nearest_galaxy(scenes, truth):
    found = catalogue(scenes, scene=[0, 0, 0, 0], x_px=[12, 17, 18.4, 2], y_px=[12, 12, 11, 2])
    n_false = count_sources(truth, found, match(truth, found, RADIUS), 2)[1]
    assert n_false.tolist() == [0, 1, 0, 0]


def test_of_three_galaxies_a_companion_is_none(scenes, truth):
    third = truth.galaxies.iloc[[1]].assign(galaxy=2, x_px=5.0)
    table = pd.concat([truth.galaxies.iloc[:2], third, truth.galaxies.iloc[2:]], ignore_index=True)
    three = type(truth)(table, truth.images[[0, 1, 1, 2, 3]], truth.masks[[0, 1, 1, 2, 3]])
    found = catalogue(scenes, scene=[0, 0, 1, 1], role=["central", "companion"] * 2)
    assert match(three, found, RADIUS).tolist() == [0, -1, -1, 2, 3]
    assert scored(table, by_role=True).tolist() == [True, False, False, True, True]
    assert scored(table, by_role=False).all()


def test_who_finds_nothing_calls_no_blend(scenes, truth):
    nothing = catalogue(scenes, scene=np.zeros(0, int), x_px=np.zeros(0), y_px=np.zeros(0))
    counts = called(truth, nothing, match(truth, nothing, RADIUS))
    assert counts["n_found"].tolist() == [0, 0]
    assert counts["is_blend"].tolist() == [0, 0]


def test_a_probability_calls_a_blend(scenes, truth):
    found = catalogue(scenes, scene=[0, 1], p_blend=[0.8, 0.3])
    found.table["flux"] = np.nan
    counts = called(truth, found, np.full(4, -1))
    assert counts["is_blend"].tolist() == [1, 0]
    assert counts["n_found"].isna().all()
