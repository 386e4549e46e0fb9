from dataclasses import replace

import numpy as np
import pytest
from deblend.benchmark.methods.super_resolution import measure
from deblend.errors import UnsuitedError
from deblend.scenes.scenes import Scenes

from tests.unit.hemmati2022.test_own_images import (
    BANDS,
    FLUXES,
    NOISE,
    OFFSETS,
    PIXEL,
    blends,
    psfs_of,
    write_network,
)

N, SIDE = 3, 28


@pytest.fixture(scope="module")
def ground():
    """Images of two galaxies in one band."""
    return Scenes(
        blends(n=N + 1, side=SIDE)[:N, 1:2].astype(np.float32),
        BANDS[1:2],
        PIXEL,
        np.array([27.0]),
        np.full((N, 1), NOISE),
        psf=psfs_of(PIXEL)[1:2],
    )


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    found = write_network(tmp_path_factory.mktemp("sr"), bands=BANDS[1:2])
    return {name: str(path) for name, path in found.items()}


def test_peaks_are_at_the_galaxies_and_have_their_fluxes(ground, files):
    table = measure(ground, **files)
    assert set(table["scene"]) == set(range(N))
    places = (SIDE - 1) / 2 + OFFSETS / PIXEL
    errors = []
    for (x, y), flux in zip(places, FLUXES[:, 1], strict=True):
        away = np.hypot(table["x_px"] - x, table["y_px"] - y)
        near = table[away < 2.5]
        errors += (near["flux"] / flux - 1).dropna().tolist()
    assert len(errors) > N
    assert np.median(np.abs(errors)) < 0.2
    assert (table["flux_error"].dropna() > 0).all()
    # Two galaxies are measured in each scene at most.
    assert table.groupby("scene")["flux"].count().max() <= 2


def test_the_psf_is_needed(ground, files):
    with pytest.raises(UnsuitedError, match="needs the PSF"):
        measure(replace(ground, psf=None), **files)
