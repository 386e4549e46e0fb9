"""Numbers that claims are about, compared with numpy's of the same galaxies."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020 import claim_numbers as numbers
from deblend.report.claims import MissingResult


def errors_of(galaxy, n=400):
    """Points of Figure 7 whose errors grow with the distance."""
    rng = np.random.default_rng(1)
    distance = rng.uniform(0.2, 4, n)
    mag = rng.uniform(20, 23, n)
    error = rng.normal(0.1 * distance, 0.05 * mag / 20)
    table = {"method": "SExtractor", "galaxy": galaxy, "distance_over_radius": distance}
    return pd.DataFrame(table | {"mag_isolated": mag, "mag_blended": mag + error})


@pytest.fixture
def points():
    return pd.concat(map(errors_of, numbers.GALAXIES), ignore_index=True)


def test_errors_in_bins_of_distance(points):
    bins = numbers.over_distance({"fig7_points": points}, "SExtractor")
    central = points[points["galaxy"] == "central"]
    near = central[central["distance_over_radius"] <= 1]
    error = near["mag_blended"] - near["mag_isolated"]
    assert bins["central"].iloc[0].to_dict() == pytest.approx(
        {"median": np.median(error), "sigma": np.std(error), "p95": np.percentile(error, 95)}
    )
    assert len(bins["companion"]) == 3
    # One empty bin, and nothing is said of any.
    with pytest.raises(MissingResult):
        numbers.over_distance(
            {"fig7_points": points[points["distance_over_radius"] > 1]}, "SExtractor"
        )


def test_scatter_of_the_bright_and_the_faint_half(points):
    points.loc[0, "mag_blended"] = np.nan  # a flux that is not positive
    halves = numbers.scatter_of_halves({"points": points}, "SExtractor")
    measured = points.iloc[1:].sort_values("mag_isolated")
    error = (measured["mag_blended"] - measured["mag_isolated"]).to_numpy()
    # Of an odd number of galaxies, the one in the middle is in the bright half.
    half = len(error) // 2 + 1
    assert list(halves.values()) == pytest.approx([np.std(error[:half]), np.std(error[half:])])
    with pytest.raises(MissingResult):
        numbers.scatter_of_halves({"points": points}, "blend2flux")


def test_a_panel_without_galaxies_has_no_numbers():
    panels = pd.DataFrame(
        {"figure": "fig5", "network": ["unet", "sextractor"], "galaxy": "central", "n": [0, 9]}
    ).assign(sigma=[np.nan, 0.5], mean=np.nan)
    row = numbers.panel({"statistics": panels}, "fig5", "sextractor", "central")
    assert numbers.number(row, "sigma") == 0.5
    for column in ("mean", "median"):
        with pytest.raises(MissingResult):
            numbers.number(row, column)
    for network in ("unet", "blend2flux"):
        with pytest.raises(MissingResult):
            numbers.panel({"statistics": panels}, "fig5", network, "central")


def test_masks_count_if_half_of_them_overlap_the_true_ones():
    masks = pd.DataFrame({"network": "unet", "iou": [0.9, 0.8, 0.0, 0.0], "area_true_px": 50})
    masks["area_predicted_px"] = [40, 60, 0, 0]
    found = numbers.recovered_masks({"iou": masks}, "unet")
    assert numbers.area_ratio(found).tolist() == [0.8, 1.2, 0, 0]
    assert numbers.vanished(found) == "2 of 4 masks vanished"
    with pytest.raises(MissingResult):
        numbers.recovered_masks({"iou": masks.iloc[1:]}, "unet")
    assert len(numbers.masks_of({"iou": masks.iloc[1:]}, "unet")) == 3
