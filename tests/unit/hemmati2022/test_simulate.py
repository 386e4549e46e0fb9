"""Simulated cut-outs: noise, colours and population of the galaxies."""

import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from deblend.hemmati2022.blends import neighbours_of
from deblend.hemmati2022.degrade import fwhm_from_area, psf_image
from deblend.hemmati2022.simulate import (
    BANDS,
    CutoutSimulatorConfig,
    colours,
    draw_galaxy,
    draw_planes,
    noise_sigma,
    simulate_cutouts,
    simulated_catalogue,
    simulator_config,
)
from deblend.seeds import generator
from deblend.units import flux_from_mag
from pydantic import ValidationError

SCALE = 0.06


def simulator(names=tuple(BANDS), **changes):
    bands = tuple(
        {
            "name": name,
            "zero_point": 25.0 + i / 4,
            "depth_mag": 28.5,
            "psf_fwhm_arcsec": 0.17 if name in ("f125w", "f160w") else 0.08,
        }
        for i, name in enumerate(names)
    )
    values = {
        "bands": bands,
        "detection_band": "f775w",
        "parent_px": 128,
        "pixel_scale_arcsec": SCALE,
        "psf_moffat_beta": 2.5,
        "mag_min": 20.0,
        "mag_max": 25.5,
        "counts_slope": 0.3,
        "neighbours_per_arcmin2": 0.0,
    }
    return CutoutSimulatorConfig(**{**values, **changes})


def test_galaxies_do_not_depend_on_the_size_of_pixels(priors):
    for number in range(4):
        (fine, shape), (coarse, same_shape) = (
            draw_galaxy(np.random.default_rng(number), priors, simulator(pixel_scale_arcsec=scale))
            for scale in (0.03, 0.12)
        )
        assert same_shape == shape
        assert fine.pop("half_light_radius_px") == 4 * coarse.pop("half_light_radius_px")
        np.testing.assert_equal(coarse, fine)


def test_the_noise_gives_the_depth():
    """A point source of the limiting magnitude is seen at 5 sigma in the aperture."""
    rng = np.random.default_rng(0)
    sigma = noise_sigma(28.5, 25.69, 0.08, 2.5, SCALE)
    assert sigma == pytest.approx(0.00282, rel=0.01)
    # With finer pixels the outline of the aperture does not matter.
    psf = psf_image(0.08, 2.5, SCALE / 5, 255)
    y, x = np.indices(psf.shape) - 127
    aperture = np.hypot(y, x) * SCALE / 5 < 0.17
    flux = flux_from_mag(28.5, 25.69) * psf[aperture].sum()
    noise = rng.normal(0, sigma / 5, (400, int(aperture.sum()))).sum(1).std()
    assert flux / noise == pytest.approx(5, rel=0.1)


def test_colours_follow_the_law():
    bands = list(BANDS)
    for kind in ("old", "young"):
        for z in (0.2, 1.0, 3.0):
            flux = colours(z, kind, 0.0, "f775w")
            assert flux["f775w"] == 1
            # The flux rises towards longer wavelengths at all redshifts.
            assert np.all(np.diff([flux[b] for b in bands]) > 0)
    old, young = (colours(0.7, kind, 0.0, "f775w") for kind in ("old", "young"))
    assert old["f435w"] < young["f435w"] < 1 < young["f160w"] < old["f160w"]
    # The break moves through the detection band; at high redshift F435W has no light.
    assert colours(1.5, "old", 0, "f775w")["f160w"] > 2 * colours(0.3, "old", 0, "f775w")["f160w"]
    assert colours(4.5, "young", 0, "f775w")["f435w"] < 0.01
    assert colours(3.0, "young", 0, "f775w")["f435w"] > 0.2


def test_the_flux_of_each_band_is_its_magnitudes(priors):
    config = simulator(parent_px=512)
    n_seen = dict.fromkeys(("sph", "disk", "sphd"), 0)
    for index in range(12):
        galaxy, shape = draw_galaxy(generator(1, "hemmati2022", "t", index), priors, config)
        galaxy["half_light_radius_px"] = min(galaxy["half_light_radius_px"], 6.0)
        planes = draw_planes(galaxy, shape, config)
        mags = [galaxy[f"mag_{band.name}"] for band in config.bands]
        zero_points = [band.zero_point for band in config.bands]
        expected = [flux_from_mag(m, z) for m, z in zip(mags, zero_points, strict=True)]
        # The wings of a de Vaucouleurs profile reach beyond the stamp.
        tolerance = 0.01 if galaxy["morphology"] == "disk" else 0.08
        np.testing.assert_allclose(planes.sum((1, 2)), expected, rtol=tolerance)
        assert galaxy["mag"] == galaxy["mag_f775w"]
        n_seen[galaxy["morphology"]] += 1
    assert all(n_seen.values())


def test_bulge_and_disk_have_colours_of_their_own(priors):
    config = simulator()
    for index in range(100):
        galaxy, shape = draw_galaxy(generator(1, "hemmati2022", "t", index), priors, config)
        if galaxy["morphology"] == "sphd" and galaxy["half_light_radius_px"] > 6:
            break
    planes = draw_planes(galaxy, shape, config)
    y, x = np.indices(planes.shape[1:]) - 64
    inner, outer = np.hypot(y, x) < 3, np.hypot(y, x) > 8
    f606w, f850lp = planes[1], planes[4]  # bands with the same PSF
    assert f606w[inner].sum() / f850lp[inner].sum() < f606w[outer].sum() / f850lp[outer].sum()
    assert np.unravel_index(planes[2].argmax(), planes[2].shape) == (64, 64)


def test_the_population_is_that_of_a_survey(priors):
    config = simulator()
    table = simulated_catalogue(1, "sim", 600, priors, config)
    counts = np.histogram(table["mag"], [20, 22, 23, 24, 25])[0] / [2, 1, 1, 1]
    assert np.all(np.diff(counts) > 0)
    assert table["mag"].between(20, 25.5).all()
    assert table["redshift"].between(0.1, 5).all()
    assert set(table["morphology"]) == {"sph", "disk", "sphd"}
    faint = table["mag"] > 24.5
    assert table["redshift"][faint].median() > table["redshift"][~faint].median()
    assert table["class_star"].between(0, 1).all()
    assert (table["class_star"] >= 0.95).mean() < 0.1


def test_one_band_is_the_same_galaxies(priors):
    seven = simulated_catalogue(1, "sim", 5, priors, simulator())
    one = simulated_catalogue(1, "sim", 5, priors, simulator(names=("f775w",)))
    pd.testing.assert_frame_equal(seven, one)
    with pytest.raises(ValidationError, match="'f435w'"):
        simulator(names=("f777w",))


def cutouts(priors, n=12, **changes):
    """Cut-outs of the first galaxies of a set."""
    config = simulator(names=("f775w",), **changes)
    catalogue = simulated_catalogue(1, "sim", n, priors, config)
    return simulate_cutouts(1, "sim", catalogue, np.arange(n), priors, config)


def test_neighbours_are_where_the_table_says(priors):
    """The difference from the cut-outs without them; the noise is the same."""
    alone, crowded = cutouts(priors), cutouts(priors, neighbours_per_arcmin2=100.0)
    around = neighbours_of(crowded.galaxies)
    assert neighbours_of(alone.galaxies).shape == (12, 0, 3)
    # 100 per square arcmin in 12 cut-outs of 7.68 arcsec: 19.7.
    assert 8 < np.isfinite(around[..., 0]).sum() < 33
    light = crowded.images[:, 0].astype(float) - alone.images[:, 0]
    y, x = np.indices((128, 128)) - 64
    for image, own in zip(light, around, strict=True):
        own = own[np.isfinite(own[:, 0])]
        flux = flux_from_mag(own[:, 2], 25.0).sum()
        if not len(own):
            assert image == pytest.approx(0, abs=1e-6)
        elif (np.abs(own[:, :2]) < 40).all():
            assert image.sum() == pytest.approx(flux, rel=0.15)
        if len(own) == 1 and (np.abs(own[0, :2]) < 60).all():
            top = np.unravel_index(image.argmax(), image.shape)
            assert np.hypot(x[top] - own[0, 0], y[top] - own[0, 1]) < 1.5


def test_bright_galaxies_have_poisson_noise(priors):
    """The variance of the light over the time; the noise of the sky is the same in both."""
    dark = cutouts(priors, n=30, mag_max=21.0)
    bands = [band.model_dump() | {"exposure_s": 100.0} for band in simulator(("f775w",)).bands]
    noisy = cutouts(priors, n=30, mag_max=21.0, bands=tuple(bands))
    sky = float(noisy.bands["noise_sigma"].iloc[0])
    config = simulator(("f775w",), mag_max=21.0)
    drawn = [draw_galaxy(generator(1, "hemmati2022", "sim", i), priors, config) for i in range(30)]
    clean = np.stack([draw_planes(*galaxy, config) for galaxy in drawn])
    bright = clean > 20 * sky**2 * 100
    assert bright.sum() > 500
    pull = (noisy.images - clean) / np.sqrt(sky**2 + np.maximum(clean, 0) / 100)
    assert pull[bright].std() == pytest.approx(1, abs=0.05)
    assert ((dark.images - clean) / sky)[bright].std() == pytest.approx(1, abs=0.05)


def test_a_measured_psf_is_that_of_the_light(priors, tmp_path):
    """A tiny galaxy has the shape of the file's PSF."""
    measured = psf_image(0.15, 4.0, SCALE, 65)
    fits.PrimaryHDU(measured).writeto(tmp_path / "psf.fits")
    options = {**simulator(names=("f775w", "f160w"), parent_px=66).model_dump()}
    options["bands"][0]["psf"] = "hst_psf"
    config = simulator_config(options, [str(tmp_path / "psf.fits")])
    shape = {
        "components": [("old", 1.0, 1.0, 1e-3)],
        "colours": {"old": {"f775w": 1.0, "f160w": 1.0}},
        "angle_rad": 0.0,
    }
    planes = draw_planes({"axis_ratio": 1.0, "mag": 20.0}, shape, config)
    expected = flux_from_mag(20.0, 25.0) * measured[:, :]
    np.testing.assert_allclose(planes[0, 1:, 1:], expected, atol=0.01 * expected.max())
    assert fwhm_from_area(planes)[1] == pytest.approx(0.17 / SCALE, abs=0.6)
    stamps = simulate_cutouts(
        1, "sim", simulated_catalogue(1, "sim", 1, priors, config), np.arange(1), priors, config
    )
    np.testing.assert_allclose(stamps.psf[0], measured, atol=1e-6)


def test_a_chunk_that_does_not_fit_into_memory_is_said(priors, needs_memory):
    needs_memory(
        lambda: cutouts(priors, 3),
        lambda stamps: (stamps.images, stamps.segmaps),
        "a smaller chunk_size",
    )
