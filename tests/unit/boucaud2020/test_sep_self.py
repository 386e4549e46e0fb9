"""SEP against itself: ratios by hand, and on galaxies that do not overlap."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.predictions import prediction_table
from deblend.boucaud2020.sep import (
    measure_blends,
    measure_isolated_galaxies,
    to_predictions,
)
from deblend.boucaud2020.sep_self import isolated_fluxes, self_predictions, self_ratios
from deblend.errors import DeblendError

from tests.conftest import COLD, HOT, make_stamps


@pytest.fixture
def by_hand():
    """Four galaxies, the first one for training, and two blends of the others."""
    galaxies = pd.DataFrame({"id": list("abcd"), "mag": [19.0, 20.0, 21.0, 22.0]})
    galaxies["split"] = ["train", "test", "validation", "test"]
    isolated = galaxies.iloc[1:][["mag", "split"]].reset_index(names="galaxy")
    isolated = isolated.assign(
        flux_iso_cold=[100.0, np.nan, 50.0],
        flux_auto_cold=[200.0, 80.0, -1.0],
        flux_iso_hot=[120.0, 40.0, 60.0],
        flux_auto_hot=[240.0, 80.0, np.nan],
    )
    # In another order than the blends.
    detections = pd.DataFrame({"blend": [3, 7], "mode": ["cold", "cold"]})
    blends = pd.DataFrame({"blend": [7, 3], "central": [1, 3], "companion": [3, 2]})
    kinds = {
        "sep_iso": np.array([[90.0, 60.0], [25.0, 10.0]]),
        "sep_auto": np.array([[np.nan, 60.0], [25.0, 120.0]]),
    }
    flags = np.array([[0, 2], [4, 0]])
    zero_point = np.full((1, 2), 25.7)
    tables = [
        prediction_table(blends["blend"].to_numpy(), flux, name, zero_point, flags)
        for name, flux in kinds.items()
    ]
    # The order of predictions does not matter.
    return pd.concat(tables).iloc[::-1], detections, isolated, galaxies, blends


def test_ratios_by_hand(by_hand):
    ratios = self_ratios(*by_hand)
    np.testing.assert_allclose(ratios["sep_iso_self"], [[0.9, 1.2], [0.5, np.nan]])
    np.testing.assert_allclose(ratios["sep_auto_self"], [[np.nan, np.nan], [np.nan, 1.5]])


def test_a_galaxy_alone_is_measured_in_the_mode_of_the_blend(by_hand):
    sep, detections, *others = by_hand
    detections.loc[detections["blend"] == 3, "mode"] = "hot"
    ratios = self_ratios(sep, detections, *others)
    np.testing.assert_allclose(ratios["sep_iso_self"], [[0.9, 1.2], [25 / 60, 0.25]])
    np.testing.assert_allclose(ratios["sep_auto_self"], [[np.nan, np.nan], [np.nan, 1.5]])


def test_as_predictions_they_are_that_much_of_the_true_flux(by_hand):
    table = self_predictions(*by_hand, 25.0)
    rows = table[(table["method"] == "sep_iso_self") & (table["blend"] == 7)]
    # Magnitudes 20 and 22 at the zero point 25: 100 and 15.85 counts/s.
    assert rows["flux"].tolist() == pytest.approx([0.9 * 100, 1.2 * 10**1.2])
    assert rows["flags"].tolist() == [0, 2]
    assert (table["zero_point"] == 25.0).all()
    assert set(table["method"]) == {"sep_iso_self", "sep_auto_self"}


def test_measurements_of_other_galaxies_are_refused(by_hand):
    _, _, isolated, galaxies, _ = by_hand
    for other in (
        isolated.iloc[:2],
        isolated.assign(mag=[20.0, 21.5, 22.0]),
        isolated.assign(galaxy=[0, 2, 3]),
    ):
        with pytest.raises(DeblendError, match="not the 3 validation and test galaxies"):
            isolated_fluxes(galaxies, other)
    fluxes = isolated_fluxes(galaxies, isolated)["flux_iso_cold"]
    np.testing.assert_array_equal(fluxes, [np.nan, 100, np.nan, 50])


@pytest.fixture(scope="module", params=[False, True])
def distant(request):
    """Galaxies in blends that hardly overlap; where some are faint, SEP needs the hot mode."""
    rng, size = np.random.default_rng(2), 64
    y, x = np.indices((size, size)) - size // 2
    width = np.linspace(2, 3, 8)[:, None, None]
    peak = np.where(request.param & (np.arange(8) >= 4), 0.08, 1.0)[:, None, None]
    images = peak * np.exp(-(y**2 + x**2) / (2 * width**2))
    images += rng.normal(0, 0.0065, images.shape)
    stamps = make_stamps(images, split="test", half_light_radius_px=3.0)
    blends = pd.DataFrame({"blend": range(8), "central": range(8), "companion": range(7, -1, -1)})
    blends = blends.assign(central_orientation=0, companion_orientation=0, seed=0)
    blends = blends.assign(dx=[20, -20] * 4, dy=[0, 8] * 4)
    cold = COLD.model_copy(update={"threshold": 12.0})
    measured = measure_blends(stamps, blends, cold, HOT, "noise")
    assert (measured["detection"] == 2).all()
    assert (measured["mode"] == ("hot" if request.param else "cold")).all()
    # Zero points drop out of the ratios.
    zero_points = pd.DataFrame({"method": ["sep_iso", "sep_auto"], "zero_point": [25.0, 26.0]})
    isolated = measure_isolated_galaxies(stamps, cold, HOT, 1)
    return to_predictions(measured, zero_points), measured, isolated, stamps.galaxies, blends


def test_a_distant_companion_changes_little(distant):
    bright = np.arange(8) < 4
    for ratio in self_ratios(*distant).values():
        assert ratio.shape == (8, 2)
        np.testing.assert_allclose(ratio[bright, 0], 1, atol=0.03)
        np.testing.assert_allclose(ratio[~bright, 1], 1, atol=0.03)
        assert np.isfinite(ratio).all()


def test_hot_isophotes_of_the_same_galaxies_are_larger(distant):
    isolated = distant[2].iloc[:4]
    assert (isolated["flux_iso_hot"] > 1.005 * isolated["flux_iso_cold"]).all()
    assert (isolated["flux_iso"] == isolated["flux_iso_cold"]).all()


def test_galaxies_alone_are_measured_with_the_same_noise_again():
    rng = np.random.default_rng(2)
    y, x = np.indices((64, 64)) - 32
    images = np.exp(-(y**2 + x**2) / 8) + rng.normal(0, 0.0065, (3, 64, 64))
    stamps = make_stamps(images, split="test")
    once, again = (measure_isolated_galaxies(stamps, COLD, HOT, 1) for _ in range(2))
    pd.testing.assert_frame_equal(once, again, check_exact=True)
