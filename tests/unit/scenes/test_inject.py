from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.scenes import forced_fit, sep_photometry
from deblend.scenes.inject import RECOVERY_COLUMNS, inject, match_truth, recovery
from deblend.scenes.scenes import concatenated, measured_table


def test_the_fit_recovers_what_was_injected(placed):
    injected = inject(placed, 12, seed=1, mag_min=20.0, mag_max=22.0)
    assert len(injected) == 12
    assert injected.truth["mag"].between(20.0, 22.0).all()
    measured = concatenated([sep_photometry.measure(injected), forced_fit.measure(injected)])
    table = recovery(injected, measured)
    assert list(table.columns) == list(RECOVERY_COLUMNS)
    fit = table[(table["method"] == "forced_fit") & (table["selection"] == "both_found")].iloc[0]
    assert fit["n_injected"] == fit["n_selected"] == 24
    assert fit["share_merged"] == 0
    assert abs(fit["bias_mag"]) < max(3 * fit["bias_error_mag"], 0.05)
    assert fit["scatter_mag"] < 0.2


def test_the_same_seed_injects_the_same(placed):
    first, second = (inject(placed, 3, seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.images, second.images)
    assert not np.array_equal(first.images, inject(placed, 3, seed=5).images)


def test_sources_are_replaced_by_noise_or_stay(placed):
    faint = {"mag_min": 27.0, "mag_max": 28.0}
    replaced = inject(placed, 6, seed=1, **faint)
    kept = inject(placed, 6, seed=1, keep_sources=True, **faint)
    assert replaced.images.max() < 0.1 < kept.images.max()
    assert [len(p) for p in kept.positions] == [4] * 6
    assert (kept.truth["other_sources"] == 2).all()


def test_positions_are_detected_if_those_of_the_scenes_are(scenes):
    assert inject(scenes, 2, seed=1).positions is None


def test_what_injection_needs(placed):
    with pytest.raises(DeblendError, match="needs the PSF"):
        inject(replace(placed, psf=None), 3, seed=1)
    empty = np.random.default_rng(0).normal(0, 0.006, placed.images.shape).astype(np.float32)
    with pytest.raises(DeblendError, match="SEP finds no source"):
        inject(replace(placed, images=empty, positions=None), 3, seed=1)


def test_nothing_is_injected_without_a_psf_if_none_is_asked_for(placed):
    assert len(inject(replace(placed, psf=None), 0, seed=1)) == 0


def with_truth(scenes, places):
    """Scenes of two galaxies of 20 and 21 mag each, at given places (y, x)."""
    truth = pd.DataFrame(
        [
            {"scene": i, "source": k, "y_px": y, "x_px": x, "mag": 20.0 + k}
            for i, pair in enumerate(places)
            for k, (y, x) in enumerate(pair)
        ]
    )
    truth = truth.assign(half_light_radius_px=3.0, other_sources=0)
    return replace(scenes, truth=truth)


def of_method(rows):
    columns = ["scene", "source", "y_px", "x_px", "flux"]
    table = pd.DataFrame(rows, columns=columns).assign(band="f160w", flux_error=1.0)
    return measured_table(table, "sep")


def test_merged_blends_are_compared_with_the_light_of_both(placed):
    both = [10 ** (0.4 * (25.96 - mag)) for mag in (20.0, 21.0)]
    scenes = with_truth(placed, [((30.0, 30.0), (30.0, 40.0))] * len(placed))
    # The first scene has two sources, the others one with the light of both galaxies.
    rows = [(0, 0, 30.0, 30.0, both[0]), (0, 1, 30.0, 40.0, both[1])]
    rows += [(i, 0, 30.0, 31.0, sum(both)) for i in range(1, len(placed))]
    table = recovery(scenes, of_method(rows)).set_index("selection")
    assert table.loc["both_found", "bias_mag"] == pytest.approx(0, abs=1e-6)
    assert table.loc["both_found", ["n_injected", "n_selected"]].tolist() == [12, 2]
    assert table.loc["merged", "bias_mag"] == pytest.approx(0, abs=1e-6)
    assert table.loc["merged", ["n_injected", "n_selected"]].tolist() == [6, 5]
    assert table.loc["merged", "share_merged"] == pytest.approx(5 / 6)
    assert table.loc["all", "bias_mag"] < -0.1
    # Two galaxies say little about the scatter.
    assert table.loc["both_found", "bias_error_mag"] > 0.2


def test_a_source_that_is_nearest_to_both_galaxies_leaves_the_other_one_to_its_neighbour(placed):
    scenes = with_truth(placed, [((30.0, 30.0), (30.0, 32.0))] * len(placed))
    table = match_truth(scenes, of_method([(0, 0, 30.0, 31.2, 5.0), (0, 1, 30.0, 29.0, 7.0)]))
    first = table[table["scene"] == 0]
    assert first["flux"].tolist() == [7.0, 5.0]
    assert (first["n_found"] == 2).all()


def test_parts_of_padded_images_have_data(placed):
    images = np.full((2, 1, 300, 300), np.nan, np.float32)
    images[0, 0, :72, :72], images[1, 0, 220:292, 220:292] = placed.images[0], placed.images[1]
    padded = replace(
        placed, images=images, noise_sigma=placed.noise_sigma[:2], positions=None, names=()
    )
    injected = inject(padded, 6, seed=2, mag_min=20.0, mag_max=22.0)
    assert np.isfinite(injected.images).sum(axis=(1, 2, 3)).tolist() == [72 * 72] * 6
    y, x = injected.truth[["y_px", "x_px"]].round().astype(int).to_numpy().T
    assert np.isfinite(injected.images[injected.truth["scene"], 0, y, x]).all()
    distance = np.hypot(
        *np.diff(injected.truth[["y_px", "x_px"]].to_numpy().reshape(6, 2, 2), axis=1).T
    )
    fwhm = 0.17 / 0.06
    assert 0.9 * fwhm < distance.min() < distance.max() < 4.1 * fwhm


def test_blends_without_room_are_left_out_or_refused(placed, caplog):
    images = placed.images.copy()
    images[:3, :, ::5], images[:3, :, :, ::5] = np.nan, np.nan
    few = inject(replace(placed, images=images), 8, seed=1, mag_min=20.0, mag_max=22.0)
    assert 0 < len(few) < 8
    assert few.truth["scene"].max() == len(few) - 1
    assert "no room with data" in caplog.text
    images[:, :, ::5], images[:, :, :, ::5] = np.nan, np.nan
    with pytest.raises(DeblendError, match="no image has room"):
        inject(replace(placed, images=images), 3, seed=1, mag_min=20.0, mag_max=22.0)
