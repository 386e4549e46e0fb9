"""The map of blends, compared with measures of SOMPY and known clusters."""

import logging

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022 import som as module
from deblend.hemmati2022.som import cell_means, learn_som, map_of_blends, occupancy, summary
from scipy.spatial.distance import cdist

COLUMNS = ["separation", "flux_ratio", "fwhm_sum", "delta_z"]
SHAPE = (8, 6)


def sample(n=400):
    rng = np.random.default_rng(0)
    return pd.DataFrame(
        {
            "separation": rng.rayleigh(10, n),
            "flux_ratio": rng.exponential(2, n) + 1,
            "fwhm_sum": rng.lognormal(2.5, 0.3, n),
            "delta_z": np.abs(rng.normal(0, 1, n)),
        }
    )


@pytest.fixture(scope="module")
def table():
    return sample()


@pytest.fixture(scope="module")
def som(table):
    return learn_som(table, COLUMNS, SHAPE, seed=1)


def test_every_sample_has_one_cell(som):
    count = occupancy(som)
    assert count.shape == SHAPE
    assert count.sum() == 400
    numbers = summary(som)
    assert numbers["n_samples"] == 400
    assert numbers["mean"] == pytest.approx(400 / 48)
    assert numbers["dispersion"] == pytest.approx(count.std())
    assert numbers["empty_fraction"] < 0.1


def test_errors_and_cells_are_sompys(som, table):
    normalised = ((table - table.mean()) / table.std(ddof=0)).to_numpy()
    sompy = module._import_sompy()
    theirs = sompy.SOMFactory.build(normalised, mapsize=list(SHAPE), normalization=None)
    codebook = (som.codebook - table.mean().to_numpy()) / table.std(ddof=0).to_numpy()
    theirs.codebook.matrix = codebook.reshape(-1, 4)
    best, squared = theirs.find_bmu(normalised)
    np.testing.assert_array_equal(best.astype(int), som.cell)
    distance = np.sqrt(squared + (normalised**2).sum(1))
    assert som.quantisation_error == pytest.approx(distance.mean())
    # SOMPY does not sort the two nearest cells, so the errors agree only approximately.
    assert som.topographic_error == pytest.approx(theirs.calculate_topographic_error(), abs=0.02)
    first, second = cdist(normalised, theirs.codebook.matrix).argsort(axis=1)[:, :2].T
    row, column = np.abs(np.array(divmod(first, 6)) - np.array(divmod(second, 6)))
    assert som.topographic_error == pytest.approx(np.mean(row + column > 1))
    assert 0 < som.quantisation_error < 1  # 1.8 for a map with one cell


def test_the_map_is_reproducible_and_changes_no_global_state(som, table):
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    again = learn_som(table, COLUMNS, SHAPE, seed=1)
    np.testing.assert_array_equal(again.codebook, som.codebook)
    np.testing.assert_array_equal(again.cell, som.cell)
    assert (root.level, root.handlers) == (level, handlers)
    assert not hasattr(np, "Inf")


def test_training_writes_no_messages(table, capfd, caplog):
    with caplog.at_level(logging.DEBUG):
        learn_som(table, COLUMNS, SHAPE, seed=1)
    assert capfd.readouterr() == ("", "")
    assert not caplog.records


def test_cells_show_means_of_samples(som, table):
    values = table["separation"].to_numpy()
    means = cell_means(som, values)
    for row, column in [(0, 0), (3, 5), (7, 2)]:
        mine = values[som.cell == row * SHAPE[1] + column]
        expected = mine.mean() if len(mine) else np.nan
        np.testing.assert_allclose(means[row, column], expected)
    assert np.isnan(means).sum() == (occupancy(som) == 0).sum()
    fraction = cell_means(som, values > 10)
    assert np.nanmin(fraction) == 0
    assert np.nanmax(fraction) == 1
    # Neighbouring cells have similar means, which is not the case for shuffled samples.
    shuffled = cell_means(som, np.random.default_rng(0).permutation(values))
    spread = [
        np.nanstd(np.nanmean(m, axis=0)) + np.nanstd(np.nanmean(m, axis=1))
        for m in (means, shuffled)
    ]
    assert spread[0] > 2 * spread[1]
    with pytest.raises(DeblendError, match="3 values do not belong to 400"):
        cell_means(som, np.zeros(3))


def test_two_clusters_share_no_cell():
    rng = np.random.default_rng(1)
    centre = np.repeat([[0, 0, 0], [9, 9, 9]], 100, axis=0)
    table = pd.DataFrame(centre + rng.normal(size=(200, 3)), columns=list("abc"))
    som = learn_som(table, list("abc"), (6, 5), seed=1)
    assert not set(som.cell[:100]) & set(som.cell[100:])


def test_invalid_samples_are_refused(table):
    with pytest.raises(DeblendError, match="lacks the columns mass"):
        learn_som(table, ["separation", "mass"], SHAPE, seed=1)
    with pytest.raises(DeblendError, match="400 samples are too few for 32 x 24"):
        learn_som(table, COLUMNS, seed=1)
    with pytest.raises(DeblendError, match="delta_z has one value only"):
        learn_som(table.assign(delta_z=1.0), COLUMNS, SHAPE, seed=1)
    with pytest.raises(DeblendError, match="1 of 400 values of delta_z are not finite"):
        learn_som(
            table.assign(delta_z=table["delta_z"].where(table.index > 0)), COLUMNS, SHAPE, seed=1
        )
    with pytest.raises(DeblendError, match="at least 2 x 2 cells"):
        learn_som(table, COLUMNS[:1], SHAPE, seed=1)


def test_the_map_has_the_shares_of_blends_without_a_peak(table):
    n_peaks = np.random.default_rng(1).integers(0, 3, len(table))
    blends = table.assign(separation_arcsec=0.0, delta_mag=0.0, detected_low=n_peaks == 2)
    blends = blends.assign(n_peaks_low=n_peaks, n_peaks_high=2)
    cells, _ = map_of_blends(blends, COLUMNS, SHAPE, 1)
    occupied = cells[cells["n"] > 0]
    assert (occupied["none_low"] * occupied["n"]).sum() == pytest.approx((n_peaks == 0).sum())
    assert (occupied["none_low"] + occupied["detected_low"] <= 1 + 1e-9).all()
    assert (occupied["none_high"] == 0).all()
