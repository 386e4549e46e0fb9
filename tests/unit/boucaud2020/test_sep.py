"""SEP's measurements of a file of blends."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import COLUMNS, BlendConfig, draw_blends
from deblend.boucaud2020.sep import (
    fit_zero_points,
    measure_blends,
    measure_file,
    measure_isolated_galaxies,
)
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.data.noise import read_correlation
from deblend.data.stamps import write_stamps
from deblend.errors import DeblendError
from deblend.tables import read_ecsv, write_ecsv

from tests.conftest import COLD, HOT, ROOT, make_stamps, simulator_config


@pytest.fixture(scope="module")
def files(tmp_path_factory, priors):
    folder = tmp_path_factory.mktemp("sep")
    stamps = simulate_chunk(3, "sim", 0, 12, priors, simulator_config())
    stamps.galaxies["half_light_radius_px"] = 5.0
    config = BlendConfig(delta_mag_max=4.0, shift_rule="authors", orientations=False)
    blends = draw_blends(
        stamps.galaxies, range(12), 0, 24, stamp_size=64, seed=1, split="test", config=config
    )
    write_stamps(folder / "stamps.h5", stamps)
    write_ecsv(folder / "blends.ecsv", blends, COLUMNS, split="test")
    return stamps, folder / "stamps.h5", folder / "blends.ecsv"


@pytest.mark.parametrize(("chunk_size", "n_workers"), [(24, 1), (10, 1), (10, 2)])
def test_measurements_depend_neither_on_chunks_nor_on_workers(files, chunk_size, n_workers):
    stamps, stamps_file, blends_file = files
    whole = measure_blends(stamps, read_ecsv(blends_file), COLD, HOT, "zero")
    options = {"chunk_size": chunk_size, "n_workers": n_workers}
    shared = measure_file(stamps_file, blends_file, COLD, HOT, "zero", **options)
    pd.testing.assert_frame_equal(shared, whole, check_exact=True)
    assert (whole["detection"] >= 0).mean() > 0.8


def test_the_second_stamp_has_the_noise_of_the_first():
    """Fluxes of equal galaxies without noise of their own scatter more if it is correlated."""
    y, x = np.indices((64, 64)) - 32
    galaxy = 0.3 * np.exp(-(x**2 + y**2) / (2 * 2.5**2))
    stamps = make_stamps(np.tile(galaxy, (60, 1, 1)), split="test", origin="drawn")
    white = measure_isolated_galaxies(stamps, COLD, HOT, 1)["flux_auto"]
    stamps.noise_correlation = read_correlation(ROOT / "config" / "noise.yaml")[None]
    correlated = measure_isolated_galaxies(stamps, COLD, HOT, 1)["flux_auto"]
    assert correlated.median() == pytest.approx(galaxy.sum(), rel=0.05)
    assert 1.5 < correlated.std() / white.std() < 3


def test_the_hot_mode_gives_the_flux_of_galaxies_that_the_cold_mode_misses():
    y, x = np.indices((64, 64)) - 32
    galaxy = np.exp(-(x**2 + y**2) / (2 * 2.5**2))
    noise = np.random.default_rng(3).normal(0, 0.0065, (3, 64, 64))
    # Peaks at 4.5 sigma of a blend's noise, far above it, and far below it.
    images = np.array([0.05, 0.5, 0.002])[:, None, None] * galaxy + noise
    table = measure_isolated_galaxies(make_stamps(images, split="test"), COLD, HOT, 1)
    assert np.isfinite(table["flux_iso_cold"]).tolist() == [False, True, False]
    assert np.isfinite(table["flux_auto_hot"]).tolist() == [True, True, False]
    assert table.loc[0, "flux_iso"] == table.loc[0, "flux_iso_hot"]
    assert table.loc[1, "flux_auto"] == table.loc[1, "flux_auto_cold"]
    assert table.loc[2, ["flux_iso", "flux_auto"]].isna().all()


@pytest.mark.parametrize("factor", [1.0, 1.38, 3000.0])
def test_images_in_another_unit_than_the_zero_point_says_stop(files, factor, caplog):
    """Truth: galaxies that were drawn with the magnitudes and the zero point that they have."""
    stamps = files[0].take(np.arange(12))
    zero_point = float(stamps.bands["zero_point"][0])
    stamps.galaxies["split"] = np.where(np.arange(12) < 8, "validation", "test")
    stamps.galaxies["origin"] = "drawn"
    stamps.images = stamps.images * np.float32(factor)
    stamps.bands = stamps.bands.assign(noise_sigma=stamps.bands["noise_sigma"] * factor)
    galaxies = measure_isolated_galaxies(stamps, COLD, HOT, 1)
    if factor > 1000:
        with pytest.raises(DeblendError, match="SEP's AUTO fluxes of 8 isolated galaxies"):
            fit_zero_points(galaxies, zero_point)
        return
    fitted = fit_zero_points(galaxies, zero_point).set_index("method")["zero_point"]
    offset = fitted["sep_auto"] - zero_point
    assert offset == pytest.approx(2.5 * np.log10(factor), abs=0.15)
    assert ("correct unit or zero_point" in caplog.text) == (abs(offset) > 0.3)
