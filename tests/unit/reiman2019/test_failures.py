"""Failures of deblended images: made-up galaxies of which each fails in one known way."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.blends import draw_pairs
from deblend.reiman2019.failures import (
    KINDS,
    VISIBLE,
    colour_offsets,
    copied_and_hidden,
    failure_rates,
    failures_of_test_blends,
    failures_table,
    infill_table,
    leak,
    misalignment_table,
    missing,
    neighbours,
    odd_area,
)

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")

SIDE = 40


def spot(row, column, sigma=3.0, peak=0.8):
    y, x = np.mgrid[:SIDE, :SIDE]
    return peak * np.exp(-((y - row) ** 2 + (x - column) ** 2) / (2 * sigma**2))


CENTRAL, COMPANION, NEIGHBOUR = spot(20, 20), spot(20, 30), spot(5, 8, 1.5)


def visible_share(share):
    """Visible light of a Gaussian of a height of 0.8 times `share`, as a share of the whole one's.

    The light of a Gaussian above a level is the height above that level times its area.
    """
    return max(share * 0.8 - VISIBLE, 0) / (0.8 - VISIBLE)


@pytest.mark.parametrize("share", [0, 0.06, 0.1, 0.5, 1])
def test_the_share_of_the_other_galaxy_that_is_left(share):
    # What cannot be seen is not left: at 0.06 the peak itself.
    dark = 0 * CENTRAL
    found = leak(share * COMPANION, dark, COMPANION)
    assert found == pytest.approx(visible_share(share), abs=0.01)
    assert leak(CENTRAL + share * COMPANION, CENTRAL, dark) == 0
    both = np.maximum(CENTRAL, COMPANION)
    assert leak(both, CENTRAL, COMPANION) == pytest.approx(1)


@pytest.mark.parametrize("share", [0, 0.06, 0.3, 1])
def test_the_share_of_the_galaxy_that_is_missing(share):
    found = missing((1 - share) * CENTRAL, CENTRAL, 0.0)
    assert found == pytest.approx(visible_share(share), abs=0.01)
    assert missing(CENTRAL, 0 * CENTRAL, 0.0) == 0


def test_half_a_galaxy_is_cut_off():
    half = np.where(np.arange(SIDE) > 20, 0, CENTRAL)
    assert missing(half, CENTRAL, 0.0) == pytest.approx(0.44, abs=0.03)


def test_a_neighbour_is_given_to_the_wrong_galaxy():
    true = np.stack([CENTRAL + NEIGHBOUR, COMPANION])
    places = [(20, 20), (20, 30)]
    assert neighbours(true, true, 0, places[0]) == (1, 0)
    assert neighbours(true, true, 1, places[1]) == (0, 0)
    moved = np.stack([CENTRAL, COMPANION + NEIGHBOUR])
    assert neighbours(moved, true, 0, places[0]) == (1, 1)
    lost = np.stack([CENTRAL, COMPANION])
    assert neighbours(lost, true, 0, places[0]) == (1, 0)
    copied = true + np.stack([0 * CENTRAL, NEIGHBOUR])
    assert neighbours(copied, true, 0, places[0]) == (1, 0)
    # One that the other galaxy hides cannot be known.
    hidden = np.stack([CENTRAL + NEIGHBOUR, COMPANION + 2 * NEIGHBOUR])
    assert neighbours(moved, hidden, 0, places[0]) == (0, 0)


def test_a_green_patch_is_odd_unless_the_blend_has_it():
    true = np.repeat(CENTRAL[..., None], 3, axis=-1) * [1, 0.8, 0.6]
    green = true.copy()
    green[5:11, 5:11, 1] += 0.3
    area = odd_area(green, true, true)
    assert 36 <= area <= 64
    assert odd_area(green, true, green) == 0
    assert odd_area(true * 0.5, true, true) == 0  # as yellow as the galaxy, but darker
    small = true.copy()
    small[5, 5, 1] += 0.5
    assert odd_area(small, true, true) == 0


def test_errors_of_copied_and_of_hidden_values():
    true, other = np.full((SIDE, SIDE, 3), 0.2), np.zeros((SIDE, SIDE, 3))
    other[:10] = 0.5
    predicted = true.copy()
    predicted[:10] += 0.1
    predicted[10:] -= 0.01
    hidden, mse_copied, mse_hidden = copied_and_hidden(predicted, true, other)
    assert (hidden, mse_copied, mse_hidden) == pytest.approx((0.25, 1e-4, 1e-2))
    assert np.isnan(copied_and_hidden(predicted, true, 0 * other)[2])


def test_offsets_of_colours():
    image = np.stack([spot(20.3, 19.8), spot(20, 20), 0.5 * spot(19.9, 20.4)], axis=-1)
    assert colour_offsets(0.02 + image) == pytest.approx((0.3, -0.2, -0.1, 0.4), abs=0.03)
    assert np.isnan(colour_offsets(np.zeros((8, 8, 3)))).all()


@pytest.fixture(scope="module")
def measured(frames):
    pairs = draw_pairs(np.random.default_rng(1), np.arange(12), 20, PAIRS)
    black = np.zeros((20, 2, 16, 16, 3), np.uint8)
    return pairs, failures_table(frames, pairs, PAIRS, {"gan": black})


def test_black_images_are_cut_off_and_blends_incomplete(measured):
    pairs, table = measured
    assert len(table) == 2 * 20 * 2
    gan, blend = (table[table["method"] == name] for name in ("gan", "blend"))
    assert gan["cut_off"].all()
    assert not gan["incomplete"].any()
    visible = blend["leak"] > 0
    assert visible.mean() > 0.8
    # Nothing is removed; the maximum of each colour can be brighter than both galaxies.
    assert blend["leak"][visible].min() > 0.999
    assert not blend[["cut_off", "odd_colour", "wrong_neighbour"]].any(axis=None)
    # The companion is where the pairs say, in pixels of the reduced images.
    shift = np.hypot(pairs["shift_x_px"], pairs["shift_y_px"]) / PAIRS.reduce_by
    found = gan.drop_duplicates("blend")["separation_px"]
    assert found.to_numpy() == pytest.approx(shift.to_numpy())


def test_rates_by_separation_and_brightness_add_up(measured):
    rates = failure_rates(measured[1])
    mine = rates[(rates["method"] == "gan") & (rates["galaxy"] == "central")]
    assert set(mine["kind"]) == {*KINDS, "any"}
    cut = mine[mine["kind"] == "cut_off"].set_index("by")
    for by in ("separation_px", "brightness_ratio"):
        assert cut.loc[by, "n"].sum() == cut.loc["all", "n"] == 20
        assert cut.loc[by, "n_failed"].sum() == cut.loc["all", "n_failed"]
    assert cut.loc["all", "percent"] == 100
    # Wilson, one sigma, of as many images as there are galaxies in the blends.
    n_galaxies = len(np.unique(measured[0][["central", "companion"]]))
    assert n_galaxies < 20
    assert cut.loc["all", "low"] == pytest.approx(100 * n_galaxies / (n_galaxies + 1))
    # Images without neighbours cannot be given one that is wrong.
    assert (mine.loc[mine["kind"] == "wrong_neighbour", "n"] == 0).all()
    assert mine.loc[mine["kind"] == "wrong_neighbour", "low"].isna().all()


def test_shares_of_failures_allow_for_blends_that_share_a_galaxy():
    """Ten galaxies decide which of 400 blends fail: as good as ten blends, not 400."""
    n = 400
    fails = np.arange(n) // 40 < 5
    table = pd.DataFrame(
        {
            **dict.fromkeys(KINDS, False),
            **{"method": "gan", "galaxy": "central", "n_neighbours": 0, "incomplete": fails},
            **{"frame": np.arange(n), "other_frame": n + np.arange(n)},
            **{"separation_px": np.linspace(5, 20, n), "brightness_ratio": np.linspace(0.1, 9, n)},
        }
    )
    halves = {}
    for name, shared in (("alone", {}), ("shared", {"other_frame": 1000 + np.arange(n) // 40})):
        rates = failure_rates(table.assign(**shared))
        row = rates[(rates["kind"] == "incomplete") & (rates["by"] == "all")].iloc[0]
        assert (row["n"], row["n_failed"], row["percent"]) == (400, 200, 50)
        halves[name] = (row["high"] - row["low"]) / 2
    assert halves["alone"] == pytest.approx(50 / np.sqrt(n), rel=0.02)
    assert halves["shared"] == pytest.approx(50 / np.sqrt(10), rel=0.15)


def test_infill_and_misalignment_are_summed_over_images():
    table = pd.DataFrame(
        {
            "method": "gan",
            "galaxy": "central",
            "frame": [1, 2],
            "other_frame": [3, 4],
            "hidden": [0.5, 0.0],
            "mse_copied": [0.01, 0.01],
            "mse_hidden": [0.09, np.nan],
            **dict.fromkeys(("red_y_px", "red_x_px", "blue_y_px", "blue_x_px"), [0.1, 0.3]),
            **dict.fromkeys(
                ("true_red_y_px", "true_red_x_px", "true_blue_y_px", "true_blue_x_px"), [0.2, 0.4]
            ),
        }
    )
    row = infill_table(table).iloc[0]
    assert row["hidden_percent"] == 25
    assert (row["psnr_copied_db"], row["psnr_hidden_db"]) == pytest.approx((20, 10.458), abs=0.01)
    assert row["copied_error_percent"] == pytest.approx(100 * 0.015 / 0.06)
    offsets = misalignment_table(table, 3).set_index("offset")
    row = offsets.loc["red_x"]
    assert (row["true_mean_px"], row["mean_px"]) == pytest.approx((0.9, 0.6))
    assert row["correlation"] == pytest.approx(1)
    # Each is 0.3 px from the mean; true images are of two galaxies, deblended ones of four.
    assert row["true_error_px"] == pytest.approx(np.sqrt(2 / 1 * 2 * 0.3**2) / 2)
    assert row["error_px"] == pytest.approx(np.sqrt(4 / 3 * 2 * 0.3**2) / 2)
    # Two images of the same galaxy say nothing about the scatter of others.
    same = misalignment_table(table.assign(frame=1), 3).set_index("offset").loc["red_x"]
    assert np.isnan(same["true_error_px"])


def test_the_first_test_blends_are_shown(frames, tmp_path):
    np.save(tmp_path / "frames.npy", frames)
    pd.DataFrame({"row": np.arange(12), "split": "test"}).to_csv(tmp_path / "i.csv", index=False)
    with h5py.File(tmp_path / "gan.h5", "w") as file:
        file["images"] = np.full((6, 2, 16, 16, 3), 7, np.uint8)
    table, shown = failures_of_test_blends(
        tmp_path / "frames.npy",
        tmp_path / "i.csv",
        {"gan": tmp_path / "gan.h5"},
        PAIRS.model_dump(),
        images="galaxyzoo",
        n_blends=6,
        n_shown=4,
        seed=1,
    )
    assert len(table) == 2 * 6 * 2
    assert {name: len(images) for name, images in shown.items()} == dict.fromkeys(shown, 4)
    assert (shown["blend"] == shown["true"].max(axis=1)).all()
    assert (shown["predicted"] == 7).all()
