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
    assert "resampled to 0.18" in note
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
    from dataclasses import replace

    with pytest.raises(DeblendError, match="needs the PSF"):
        measure(replace(ground, psf=None), network=network)
