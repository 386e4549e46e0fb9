from dataclasses import replace

import numpy as np
import pandas as pd
from deblend.benchmark.methods.sep_photometry import has_pair, measure_cold_hot, measure_default
from deblend.photometry.config import Detection
from deblend.photometry.sep import detect
from deblend.units import mag_from_flux

from tests.unit.scenes.conftest import MAGS

COLD = {"threshold": 5.0, "min_area": 10, "contrast": 0.01, "n_thresholds": 64}
HOT = COLD | {"threshold": 4.0, "contrast": 0.0001}
MODES = {"cold": COLD, "hot": HOT}


def of_galaxies(found, scenes):
    """Rows of the nearest sources of all galaxies."""
    rows = []
    for galaxy in scenes.truth.itertuples(index=False):
        own = found.table[found.table["scene"] == galaxy.scene]
        rows.append(np.hypot(own["x_px"] - galaxy.x_px, own["y_px"] - galaxy.y_px).idxmin())
    return np.array(rows)


def test_fluxes_and_places_are_those_of_the_galaxies(scenes):
    for found in (measure_default(scenes), measure_cold_hot(scenes, flux="auto", **MODES)):
        rows = of_galaxies(found, scenes)
        table = found.table.loc[rows]
        mags = mag_from_flux(table["flux"].to_numpy(), 25.96).reshape(-1, 2)
        assert np.abs(np.median(mags - MAGS, axis=0)).max() < 0.2
        assert np.abs(table["x_px"].to_numpy() - scenes.truth["x_px"]).max() < 1.5
        assert found.masks.shape == (len(found.table), 72, 72)
        # Each pixel belongs to one source at most, and the centre of each to it.
        for scene in range(len(scenes)):
            assert found.masks[(found.table["scene"] == scene).to_numpy()].sum(axis=0).max() == 1
        assert all(found.masks[k, round(t.y_px), round(t.x_px)] for k, t in table.iterrows())


def test_isophotes_miss_light_and_images_hold_it(scenes):
    iso, auto = (measure_cold_hot(scenes, flux=f, **MODES) for f in ("isophotal", "auto"))
    rows = of_galaxies(iso, scenes)
    assert (iso.table["flux"][rows] < auto.table["flux"][rows]).mean() > 0.7
    np.testing.assert_allclose(
        iso.images.sum(axis=(1, 2))[rows], iso.table["flux"][rows], rtol=0.02
    )


def test_errors_are_those_of_the_pixels_that_are_summed(scenes):
    iso, auto = (measure_cold_hot(scenes, flux=f, **MODES) for f in ("isophotal", "auto"))
    sigma = scenes.noise_sigma[iso.table["scene"], 0]
    np.testing.assert_allclose(iso.table["flux_error"], sigma * np.sqrt(iso.masks.sum(axis=(1, 2))))
    # A sum over correlated noise is noisier.
    correlation = np.zeros((3, 3))
    correlation[1], correlation[1, 1] = 0.3, 1.0
    wide = replace(scenes, noise_correlation=correlation[None])
    found = measure_cold_hot(wide, flux="isophotal", **MODES)
    ratio = found.table["flux_error"] / iso.table["flux_error"]
    np.testing.assert_allclose(ratio, np.sqrt(1.6))
    # Apertures of Kron are larger than isophotes.
    rows = of_galaxies(iso, scenes)
    assert (auto.table["flux_error"] > iso.table["flux_error"])[rows].all()


def test_zero_points_of_isolated_galaxies_correct_the_flux(tmp_path, scenes):
    path = tmp_path / "zero_points.csv"
    pd.DataFrame(
        {"method": ["sep_iso", "sep_auto"], "zero_point": [25.66, 25.9], "images_zero_point": 25.96}
    ).to_csv(path, index=False)
    plain = measure_cold_hot(scenes, flux="isophotal", **MODES).table["flux"]
    found = measure_cold_hot(scenes, flux="isophotal", zero_points=str(path), **MODES)
    # SEP's magnitudes are at 25.66: its fluxes lack 0.3 mag.
    np.testing.assert_allclose(found.table["flux"] / plain, 10 ** (0.4 * 0.3))
    assert not found.note
    # Those of another resolution lack another share of the light.
    for other in ({"pixel_scale_arcsec": 0.18}, {"psf_fwhm_arcsec": 0.6}):
        left = measure_cold_hot(scenes, flux="isophotal", zero_points=str(path), **MODES, **other)
        np.testing.assert_allclose(left.table["flux"], plain)
        assert "without zero points, which are of galaxies with" in left.note


def test_the_hot_mode_divides_what_the_cold_one_does_not(scenes):
    whole = MODES | {"cold": COLD | {"contrast": 1.0}}
    one = measure_cold_hot(scenes, flux="auto", cold=whole["cold"], hot=whole["cold"])
    two = measure_cold_hot(scenes, flux="auto", **whole)
    assert len(two.table) > len(one.table)


def test_a_neighbour_far_away_is_no_companion():
    """Two galaxies of 4 px, one in the middle, with the other one near to or far from it."""
    y, x = np.indices((96, 96))

    def blend(dx):
        places = np.stack([np.hypot(y - 48, x - 48), np.hypot(y - 48, x - 48 - dx)])
        return (10 * np.exp(-((places / 4) ** 2) / 2)).sum(axis=0).astype(np.float32)

    assert has_pair(*detect(blend(12), Detection(**COLD), 0.1))
    assert not has_pair(*detect(blend(40), Detection(**COLD), 0.1))
    assert not has_pair(*detect(blend(0), Detection(**COLD), 0.1))


def test_without_a_source_there_is_none(scenes):
    noise = np.random.default_rng(0).normal(0, 0.01, scenes.images.shape).astype(np.float32)
    found = measure_cold_hot(replace(scenes, images=noise), flux="auto", **MODES)
    assert len(found.table) == 0
    assert found.masks.shape == (0, 72, 72)
