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
    isolated = isolated.assign(flux_iso=[100.0, np.nan, 50.0], flux_auto=[200.0, 80.0, -1.0])
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
    return pd.concat(tables).iloc[::-1], isolated, galaxies, blends


def test_ratios_by_hand(by_hand):
    ratios = self_ratios(*by_hand)
    np.testing.assert_allclose(ratios["sep_iso_self"], [[0.9, 1.2], [0.5, np.nan]])
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
    _, isolated, galaxies, _ = by_hand
    for other in (
        isolated.iloc[:2],
        isolated.assign(mag=[20.0, 21.5, 22.0]),
        isolated.assign(galaxy=[0, 2, 3]),
    ):
        with pytest.raises(DeblendError, match="not the 3 validation and test galaxies"):
            isolated_fluxes(galaxies, other)
    fluxes = isolated_fluxes(galaxies, isolated)["flux_iso"]
    np.testing.assert_array_equal(fluxes, [np.nan, 100, np.nan, 50])


def test_a_distant_companion_changes_little():
    rng, size = np.random.default_rng(2), 64
    y, x = np.indices((size, size)) - size // 2
    width = np.linspace(2, 3, 8)[:, None, None]
    images = 1.0 * np.exp(-(y**2 + x**2) / (2 * width**2))
    images += rng.normal(0, 0.0065, images.shape)
    stamps = make_stamps(images, split="test", half_light_radius_px=3.0)
    blends = pd.DataFrame({"blend": range(8), "central": range(8), "companion": range(7, -1, -1)})
    blends = blends.assign(central_orientation=0, companion_orientation=0, seed=0)
    blends = blends.assign(dx=[20, -20] * 4, dy=[0, 8] * 4)
    measured = measure_blends(stamps, blends, COLD, HOT, "noise")
    # Zero points drop out of the ratios.
    zero_points = pd.DataFrame({"method": ["sep_iso", "sep_auto"], "zero_point": [25.0, 26.0]})
    sep = to_predictions(measured, zero_points)
    isolated = measure_isolated_galaxies(stamps, COLD, HOT, 1)
    ratios = self_ratios(sep, isolated, stamps.galaxies, blends)
    for ratio in ratios.values():
        assert ratio.shape == (8, 2)
        np.testing.assert_allclose(ratio, 1, atol=0.03)
    again = self_ratios(
        sep, measure_isolated_galaxies(stamps, COLD, HOT, 1), stamps.galaxies, blends
    )
    for name, ratio in ratios.items():
        assert np.array_equal(again[name], ratio)
