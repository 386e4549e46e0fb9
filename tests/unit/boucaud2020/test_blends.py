import numpy as np
import pytest
from deblend.boucaud2020.blends import (
    BLOCK,
    BlendConfig,
    check_splits,
    draw_blends,
    split_galaxies,
    without_partner,
)
from deblend.errors import DeblendError
from deblend.seeds import generator, uniform
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import kstest

from tests.conftest import galaxy_table

AUTHORS = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}


def draw(galaxies, rows=None, start=0, stop=500, split="train", config=AUTHORS, seed=1, size=128):
    rows = np.arange(len(galaxies)) if rows is None else rows
    return draw_blends(
        galaxies, rows, start, stop, stamp_size=size, seed=seed, split=split, config=config
    )


@pytest.fixture(scope="module")
def galaxies():
    rng = np.random.default_rng(5)
    return galaxy_table(300, mag=rng.uniform(18, 23, 300), radius=10 ** rng.normal(0.8, 0.25, 300))


def test_any_part_of_the_sequence_is_the_same(galaxies):
    whole = draw(galaxies, stop=2 * BLOCK + 10)
    part = draw(galaxies, start=BLOCK - 3, stop=2 * BLOCK + 10)
    assert part.equals(whole.iloc[BLOCK - 3 :].reset_index(drop=True))


def test_splits_and_seeds_give_other_blends(galaxies):
    tables = [draw(galaxies), draw(galaxies, split="test"), draw(galaxies, seed=2)]
    assert not tables[0][["central", "dx"]].equals(tables[1][["central", "dx"]])
    assert not tables[0][["central", "dx"]].equals(tables[2][["central", "dx"]])


def test_pairs_keep_the_rules_of_section_2_2(galaxies):
    table = draw(galaxies, stop=5000)
    mag = galaxies["mag"].to_numpy()
    radius = galaxies["half_light_radius_px"].to_numpy()
    r1, r2 = radius[table["central"]], radius[table["companion"]]
    distance = np.hypot(table["dx"], table["dy"])
    assert (table["central"] != table["companion"]).all()
    assert (np.abs(mag[table["central"]] - mag[table["companion"]]) < 2).all()
    largest = np.minimum(4 * np.minimum(r1, r2), 64)
    smallest = np.maximum(r1, r2)
    smallest = np.where(smallest >= largest, 0.8 * largest, smallest)
    assert (distance <= largest + 1e-9).all()
    assert (distance >= smallest - 1e-9).all()
    # The upper edge of the square is excluded, as in the authors' code; the lower one is not.
    reach = np.floor(largest)
    for shift in (table["dx"], table["dy"]):
        assert (shift < reach).all()
        assert (shift == -reach).any()
    # The companion's central pixel is on the stamp.
    assert (64 + table[["dx", "dy"]]).max(axis=None) < 128
    assert (64 + table[["dx", "dy"]]).min(axis=None) >= 0


def test_companions_are_uniform_among_those_allowed():
    # Of five galaxies, the first can only pair with the second.
    galaxies = galaxy_table(5, mag=[18.0, 19.5, 21.0, 22.0, 22.5])
    table = draw(galaxies, stop=20000)
    with_first = table[table["central"] == 0]
    assert set(with_first["companion"]) == {1}
    with_third = table.loc[table["central"] == 2, "companion"].value_counts(normalize=True)
    assert with_third.index.sort_values().tolist() == [1, 3, 4]
    assert with_third.to_numpy() == pytest.approx(1 / 3, abs=0.03)


def test_shift_rule_of_the_text(galaxies):
    table = draw(
        galaxies,
        stop=5000,
        config=BlendConfig(delta_mag_max=2.0, shift_rule="section_2_2", orientations=False),
    )
    radius = galaxies["half_light_radius_px"].to_numpy()
    smallest = 0.5 * np.maximum(radius[table["central"]], radius[table["companion"]])
    for shift in (table["dx"], table["dy"]):
        assert (np.abs(shift) >= np.minimum(smallest, 63)).all()
        assert np.abs(shift).max() < 64
        assert np.abs(np.mean(np.sign(shift))) < 0.05


def test_orientations_only_where_asked_for(galaxies):
    assert (draw(galaxies)[["central_orientation", "companion_orientation"]] == 0).all(axis=None)
    turned = draw(
        galaxies,
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True),
        stop=2000,
    )
    assert set(turned["central_orientation"]) == set(range(8))


@given(n=st.integers(10, 3000), seed=st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_no_galaxy_is_in_two_splits_and_none_is_lost(n, seed):
    ids = np.array([f"g{i}" for i in range(n)])
    split = split_galaxies(ids, FRACTIONS, seed)
    assert len(split) == n
    # The order of the galaxies does not matter.
    assert split_galaxies(ids[::-1], FRACTIONS, seed).tolist() == split[::-1].tolist()
    for name, share in FRACTIONS.items():
        assert abs(np.sum(split == name) - share * n) <= 1


def test_blends_of_a_split_have_only_its_galaxies(galaxies):
    split = split_galaxies(galaxies["id"].to_numpy(str), FRACTIONS, 4)
    seen = {}
    for name in FRACTIONS:
        rows = np.flatnonzero(split == name)
        table = draw(galaxies, rows=rows, split=name, stop=2000)
        seen[name] = set(table["central"]) | set(table["companion"])
        assert seen[name] <= set(rows)
    assert not seen["train"] & seen["test"]
    assert not seen["validation"] & seen["test"]
    assert not seen["train"] & seen["validation"]


def test_too_small_a_split_is_refused():
    split = split_galaxies(np.arange(5).astype(str), FRACTIONS, 0)
    with pytest.raises(DeblendError, match="validation split .* has 1 of 5 galaxies"):
        check_splits(split, FRACTIONS)
    with pytest.raises(DeblendError, match="add up to 0.9"):
        split_galaxies(
            np.arange(100).astype(str), {"train": 0.6, "validation": 0.2, "test": 0.1}, 0
        )


def test_no_partner_within_two_magnitudes_is_refused():
    galaxies = galaxy_table(3, mag=[18.0, 20.5, 23.0])
    with pytest.raises(DeblendError, match="no pair within 2.0 mag"):
        draw(galaxies)
    with pytest.raises(DeblendError, match="has 0 galaxies"):
        draw(galaxies, rows=np.array([], int))


def test_galaxies_without_a_partner_are_in_no_blend():
    galaxies = galaxy_table(4, mag=[18.0, 22.0, 22.5, 23.0])
    assert 0 not in set(draw(galaxies)["central"]) | set(draw(galaxies)["companion"])


def test_shifts_that_never_fit_are_refused():
    # The radii are so small that 4 min(R) is below one pixel: only a shift of 0 would be allowed.
    with pytest.raises(DeblendError, match="no shift fits"):
        draw(galaxy_table(10, radius=0.2))


def test_galaxies_without_a_partner_are_found():
    mag = np.array([18.0, 20.5, 21.0, 18.5, 23.0, 20.0])
    split = np.array(["train", "train", "train", "test", "test", "test"])
    assert without_partner(mag, split, 2.0).tolist() == [True, False, False, False, True, False]
    assert without_partner(np.array([20.0]), np.array(["test"]), 2.0).tolist() == [True]


def test_generators_belong_to_their_item():
    def first(*item):
        return generator(1, *item).uniform()

    assert first("noise", "a", 1) == first("noise", "a", 1)
    others = [first("noise", "a", 2), first("noise", "b", 1), first("clean", "a", 1)]
    assert first("noise", "a", 1) not in others
    assert first("noise", "ab", "c") != first("noise", "a", "bc")
    drawn = np.array([uniform(1, "split", i) for i in range(4000)])
    assert kstest(drawn, "uniform").pvalue > 1e-3
