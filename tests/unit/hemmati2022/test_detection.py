"""Filters, thresholds and detections of blends in each resolution."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.hemmati2022.blends import true_positions, with_neighbours
from deblend.hemmati2022.detection import all_peaks, detect
from deblend.hemmati2022.networks import SuperResolver, build_generator
from deblend.hemmati2022.pairs import BATCH
from deblend.hemmati2022.predict import Network, all_images
from deblend.hemmati2022.resolutions import make_resolutions

from tests.unit.hemmati2022.conftest import (
    BLENDING,
    CPU,
    DETECTION,
    SPLITS,
    TINY,
    Oracle,
    maker_of,
)


def test_a_perfect_network_detects_the_same_blends_as_the_high_resolution(detected):
    table = detected.detections
    assert table["detected_high"].mean() > 0.6
    assert table["detected_high"].mean() > table["detected_low"].mean() + 0.3
    # The same images, and filters to choose from in both, although in other scales.
    assert (table["detected_gan"] == table["detected_high_best"]).mean() > 0.95
    assert (table["detected_gan"] == table["detected_high"]).mean() > 0.85


def test_false_positives_are_counted_for_each_resolution(detected):
    false = detected.false_positives.set_index(["resolution", "sample"])
    assert set(false.loc[(slice(None), "unblended"), :].index.get_level_values(0)) == {
        "high",
        "high_best",
        "low",
        "low_best",
        "low_rl",
        "low_sep",
        "gan",
    }
    assert (false["n_false"] <= false["n"]).all()
    unblended = false.xs("unblended", level="sample")
    assert (unblended["n_false"] / unblended["n"]).max() < 0.25


def test_the_best_filter_detects_at_least_as_many_blends(detected):
    """The images' own PSF in flux is also among the filters of the best one."""
    table, false = detected.detections, detected.false_positives
    for name in ("high", "low"):
        # The filter is chosen on other blends, so it can be slightly worse on these.
        assert table[f"detected_{name}_best"].mean() > table[f"detected_{name}"].mean() - 0.1
    own = false.set_index("resolution").loc[["high", "low"]]
    assert own["fwhm_arcsec"].isna().all()
    assert set(own["filter"]) == {"psf"} and set(own["image_scale"]) == {"flux"}


def test_all_peaks_are_in_pixels_of_the_frame(detected):
    peaks = detected.peaks
    matched = peaks[peaks["galaxy"] == 0].pivot_table(
        index="blend", columns="resolution", values="x_px"
    )
    for name in ("low", "gan"):
        assert abs((matched[name] - matched["high"]).median()) < 0.5


def test_peaks_without_a_galaxy_are_false(maker, detected):
    """Counted again from the positions of the peaks and of the galaxies."""
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    truth = true_positions(blends)
    false = detected.false_positives.set_index(["resolution", "sample"])["n_false"]
    for name, own in detected.peaks.groupby("resolution"):
        alone = [
            (np.hypot(*(truth[blend] - at).T) > DETECTION.radius_px).all()
            for blend, at in zip(own["blend"], own[["x_px", "y_px"]].to_numpy(), strict=True)
        ]
        assert own["false"][alone].all()
        assert not own["false"][own["galaxy"] >= 0].any()
        assert false[name, "blends"] == own.loc[own["false"], "blend"].nunique()


def test_peaks_of_neighbours_are_neither_false_nor_of_the_blend(stamps):
    """Every second galaxy has a neighbour, as bright as itself, at (14, -12) px."""
    images, light = stamps.images.copy(), stamps.images - np.median(stamps.images)
    around = [np.empty((0, 3))] * 24
    for i in range(0, 24, 2):
        images[i] += np.roll(light[i], (-12, 14), axis=(1, 2))
        around[i] = np.array([[14.0, -12.0, 22.0]])
    galaxies = with_neighbours(stamps.galaxies, around)
    crowded = maker_of(replace(stamps, images=images, galaxies=galaxies))
    detection = DETECTION.model_copy(
        update={"richardson_lucy_iterations": 0, "sep_contrasts": (), "fwhm_arcsec": (0.15,)}
    )
    network = Network(SuperResolver(1, 2, 1), crowded, 0)
    n = {"validation": 34, "test": 60}
    found = detect({"gan": network}, SPLITS, n, BLENDING, detection, torch.device("cpu"))
    high = found.peaks[found.peaks["resolution"] == "high"]
    assert high["neighbour"].sum() > 30
    # They are where the galaxies have been turned and moved to, with their neighbours.
    assert not high["false"][high["neighbour"]].any()
    assert (high["galaxy"][high["neighbour"]] == -1).all()
    assert high["false"].mean() < 0.03
    table = found.detections
    assert table["n_peaks_high"].max() == 2
    assert (table["n_peaks_high"][table["detected_high"]] == 2).all()
    assert (high.groupby("blend").size() > 2).sum() > 20


def test_the_ladder_has_the_numbers_of_the_table(detected):
    ladder = detected.ladder[detected.ladder["step"] == ""].set_index("resolution")
    for name, row in ladder.iterrows():
        assert row["detected"] == pytest.approx(
            100 * detected.detections[f"detected_{name}"].mean()
        )
        assert row["low"] <= row["detected"] <= row["high"]
    gain = detected.ladder.set_index(["step", "resolution"]).loc[("network", "gan"), "detected"]
    assert gain == pytest.approx(ladder["detected"]["gan"] - ladder["detected"]["low_best"])


def test_peaks_are_those_of_each_blend_whatever_is_rendered_with_it(maker):
    """More blends than are rendered at a time: the numbers of the stamps go on."""
    n = BATCH + 20
    networks = {"gan": Network(build_generator(TINY, 1).eval(), maker, 0)}
    resolutions = make_resolutions(networks, DETECTION)
    resolutions = {name: resolutions[name] for name in ("high", "low")}
    blends = maker.draw(SPLITS["test"], 0, n, "test", BLENDING)
    device = torch.device("cpu")
    whole = all_peaks(networks, resolutions, blends, "test", device)
    end = all_peaks(networks, resolutions, blends.iloc[BATCH:], "test", device)
    for name, peaks in whole.items():
        assert peaks["stamp"].max() == n - 1
        last = peaks[peaks["stamp"] >= BATCH].reset_index(drop=True)
        pd.testing.assert_frame_equal(last.assign(stamp=last["stamp"] - BATCH), end[name])


def test_images_that_do_not_fit_into_memory_are_said(maker, needs_memory):
    """Of more than a batch, whose images tell."""
    blends = maker.draw(SPLITS["test"], 0, BATCH + 3, "test", BLENDING)
    high = maker.scaled(blends, "test")[0]

    def images():
        networks = {"gan": Network(Oracle(high[:, None]), maker, 0)}
        return all_images(networks, blends, "test", CPU)

    needs_memory(images, dict.values, "fewer blends (hemmati2022 > n_blends)")
