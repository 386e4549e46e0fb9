from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.scenes import PEAK_COLUMNS, Scenes
from deblend.scenes.super_resolution import measure, measure_with_peaks
from deblend.scenes.weights import read_network

from tests.unit.hemmati2022.test_own_images import (
    BANDS,
    FLUXES,
    HSC_PIXEL,
    NOISE,
    OFFSETS,
    draw,
    psfs_of,
    write_network,
)

SIDE = 41


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sr")
    write_network(folder)
    return read_network(folder / "network.json", "sr")


@pytest.fixture(scope="module")
def ground():
    """Three images of two galaxies in three bands, and their positions."""
    rng, sigma = np.random.default_rng(2), NOISE * HSC_PIXEL / 0.18
    one = np.stack(
        [
            sum(draw(FLUXES[k, b], OFFSETS[k], HSC_PIXEL, SIDE) for k in range(2))
            for b in range(len(BANDS))
        ]
    )
    images = one + rng.normal(0, sigma, (3, len(BANDS), SIDE, SIDE))
    places = SIDE // 2 + OFFSETS[:, ::-1] / HSC_PIXEL
    return Scenes(
        images.astype(np.float32),
        BANDS,
        HSC_PIXEL,
        np.full(3, 27.0),
        np.full((3, 3), sigma),
        psf=psfs_of(HSC_PIXEL),
        positions=tuple(places for _ in range(3)),
        detection_band=1,
    )


def test_peaks_and_fluxes_are_those_of_the_galaxies(ground, network):
    table, peaks, note = measure_with_peaks(ground, network=network)
    assert list(peaks.columns) == list(PEAK_COLUMNS)
    assert "resampled from 0.168 to 0.18" in note
    assert (table["n_peaks"] == 2).mean() > 0.6
    found = table[table["flux"].notna()]
    assert len(found) > 12
    true = FLUXES[found["source"], [BANDS.index(band) for band in found["band"]]]
    assert abs(np.median(found["flux"] / true) - 1) < 0.1
    away = np.hypot(
        peaks["x_px"].to_numpy()[:, None] - ground.positions[0][:, 1],
        peaks["y_px"].to_numpy()[:, None] - ground.positions[0][:, 0],
    )
    assert np.median(away.min(axis=1)) < 1


def test_a_position_without_a_peak_has_no_flux(ground, network):
    empty = tuple(np.array([[8.0, 8.0]]) for _ in range(3))
    table = measure(ground, positions=empty, network=network)
    assert ((table["flags"] & bit("not_found")) > 0).any()
    assert (table["flux"].isna() == ((table["flags"] & bit("not_found")) > 0)).all()


def test_the_psf_has_to_be_known(ground, network):
    with pytest.raises(DeblendError, match="needs the PSF"):
        measure(replace(ground, psf=None), network=network)


def test_what_differs_from_the_training_is_flagged_and_errors_are_of_the_noise(ground, network):
    plain = measure(ground, network=network)
    # HSC's pixels of 0.168 arcsec are resampled to 0.18; this network has no ranges.
    assert ((plain["flags"] & bit("resampled")) > 0).all()
    assert ((plain["flags"] & bit("range_unknown")) > 0).all()
    record = network.record | {"mag_range": [10.0, 15.0], "radius_range_arcsec": [3.0, 4.0]}
    table = np.zeros((5, 5))
    table[1:4, 1:4] = 0.3
    table[2, 2] = 1.0
    correlated = replace(ground, noise_correlation=np.stack([table] * 3))
    other = measure(correlated, network=replace(network, record=record))
    assert ((other["flags"] & bit("magnitude")) > 0).all()
    assert ((other["flags"] & bit("size")) > 0).any()
    assert ((other["flags"] & bit("range_unknown")) == 0).all()
    found = plain["flux"].notna()
    ratio = other.loc[found, "flux_error"] / plain.loc[found, "flux_error"]
    np.testing.assert_allclose(ratio, np.sqrt(1 + 8 * 0.3), rtol=1e-6)


def test_a_galaxy_without_a_companion_is_flagged(ground, network):
    alone = tuple(places[:1] for places in ground.positions)
    table = measure(ground, positions=alone, network=network)
    assert ((table["flags"] & bit("single")) > 0).all()
