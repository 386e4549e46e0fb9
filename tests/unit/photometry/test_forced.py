"""One interface to two fitters: tables, workers, and NGMIX where it is installed."""

import sys

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.photometry.forced import BUILTIN_VERSION, COLUMNS, choose_engine, fit_photometry
from deblend.photometry.mixtures import (
    covariance_from_shape,
    shape_from_covariance,
)

from tests.unit.photometry.test_mixture_fit import draw, exact_psf, galaxies, galsim_psf, noisy

SETTINGS = {"pixel_scale_arcsec": 0.2, "noise_sigma": 1.0}


@pytest.fixture(scope="module")
def sample():
    """Ten single galaxies and ten pairs, alternating."""
    single, p_single = noisy(10, 21)
    pairs, p_pairs = noisy(10, 22, galaxies_per_stamp=2, low=60)
    images = np.stack([single, pairs], axis=1).reshape(20, *single.shape[1:])
    p = [q[i] for i in range(10) for q in (p_single, p_pairs)]
    return images, [np.round(q[:, :2]) for q in p], p


def test_there_is_one_row_per_position(sample):
    images, positions, p = sample
    table = fit_photometry(images, exact_psf(), positions, engine="builtin", **SETTINGS)
    assert tuple(table.columns) == COLUMNS
    assert len(table) == 30
    assert table["stamp"].tolist() == [s for s in range(20) for _ in range(1 + s % 2)]
    assert (table.groupby("stamp")["galaxy"].max() == np.arange(20) % 2).all()
    assert (table["engine"] == "builtin").all()
    assert (table["engine_version"] == BUILTIN_VERSION).all()
    truth = np.concatenate(p)
    good = (table["flags"] == 0).to_numpy()
    assert good.mean() > 0.9
    pull = ((table["flux"] - truth[:, 5]) / table["flux_err"])[good]
    assert abs(pull).max() < 4
    # T in square arcsec, positions in pixels.
    size = (truth[:, 2] + truth[:, 4]) * 0.2**2
    assert np.median(table["T_arcsec2"] / size) == pytest.approx(1, abs=0.15)
    assert abs(table["y_px"] - truth[:, 0])[good].max() < 1.5


def test_chunks_and_workers_do_not_matter(sample):
    images, positions, _ = sample
    psfs = np.stack([draw(galsim_psf(), size=25)] * 20)
    options = {"engine": "builtin", **SETTINGS}
    one = fit_photometry(images, psfs, positions, chunk_size=4, **options)
    assert one.equals(fit_photometry(images, psfs, positions, chunk_size=4, n_workers=2, **options))
    assert one.equals(fit_photometry(images, psfs, positions, **options))
    # One image for all is the same PSF.
    assert one.equals(fit_photometry(images, psfs[0], positions, **options))


def test_padded_positions_and_two_profiles(sample):
    images, positions, _ = sample
    padded = np.full((20, 2, 2), np.nan)
    for i, mine in enumerate(positions):
        padded[i, : len(mine)] = mine
    options = {"engine": "builtin", "profile": "exp", **SETTINGS}
    lists = fit_photometry(images, exact_psf(), positions, **options)
    assert lists.equals(fit_photometry(images, exact_psf(), padded, **options))
    two = options | {"profile": ("exp", "gauss")}
    other = fit_photometry(images, exact_psf(), padded, **two)
    alone = lists["stamp"] % 2 == 0
    assert lists[alone].equals(other[alone])
    assert (other["flux"] < lists["flux"])[lists["galaxy"] == 1].all()


def test_the_better_profile_is_kept():
    """Exponential galaxies, and de Vaucouleurs ones up to where the mixture ends."""
    exponential, flux, _, _ = galaxies("exp", 5, 4)
    bulges, flux_dev, _, _ = galaxies("dev", 5, 5)
    images = np.stack([draw(one, galsim_psf(), size=96) for one in (*exponential, *bulges)])
    images = images + np.random.default_rng(6).normal(0, 0.01, images.shape)
    options = {"pixel_scale_arcsec": 0.2, "noise_sigma": 0.01, "engine": "builtin"}
    centre = np.full((10, 1, 2), 47.5)
    found = fit_photometry(images, exact_psf(), centre, **options)
    assert found["profile"].tolist() == ["exp"] * 5 + ["dev"] * 5
    assert (found["flags"] == 0).all()
    np.testing.assert_allclose(found["flux"], [*flux, *flux_dev], rtol=0.02)
    for profile in ("exp", "dev"):
        fixed = fit_photometry(images, exact_psf(), centre, profile=profile, **options)
        assert (fixed["profile"] == profile).all()
        assert (fixed["chi2_per_dof"] >= found["chi2_per_dof"]).all()
        same = found["profile"] == profile
        pd.testing.assert_frame_equal(fixed[same], found[same])


def test_no_stamps_make_an_empty_table():
    table = fit_photometry(
        np.zeros((0, 9, 9)), np.ones((9, 9)), np.zeros((0, 1, 2)), engine="builtin", **SETTINGS
    )
    assert tuple(table.columns) == COLUMNS
    assert table.empty


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"engine": "sextractor"},
            "engine is 'sextractor': it must be one of auto, ngmix, builtin",
        ),
        ({"positions": [np.zeros((3, 2))] * 2}, "stamp 0 has 3 positions"),
        ({"positions": [np.zeros((1, 2)), []]}, "stamp 1 has 0 positions"),
        ({"positions": [np.zeros((1, 2))]}, "positions of 1 stamps, and 2 images"),
        ({"psfs": np.ones((3, 9, 9))}, "3 PSFs for 2 stamps"),
        ({"psfs": np.zeros((9, 9))}, "PSF image 0 has no light"),
        ({"pixel_scale_arcsec": 0.0}, "pixel_scale_arcsec is 0"),
        ({"profile": "sersic"}, "profile 'sersic'"),
        ({"images": np.ones((40, 40))}, r"images have the shape \(40, 40\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    arguments = {
        "images": np.ones((2, 40, 40)),
        "psfs": exact_psf(),
        "positions": [np.full((1, 2), 20.0)] * 2,
        "engine": "builtin",
        **SETTINGS,
    }
    with pytest.raises(DeblendError, match=message):
        fit_photometry(**(arguments | change))


def test_ngmix_is_requested_and_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "ngmix", None)
    assert choose_engine("auto")[0] == "builtin"
    with pytest.raises(DeblendError, match="install it from conda-forge, or take 'builtin'"):
        choose_engine("ngmix")


def test_shapes_have_the_conventions_of_ngmix():
    """The covariance is T/2 (1 - e1, e2, 1 + e1), with e = 2 g / (1 + g^2)."""
    covariance = covariance_from_shape(0.5, 0.0, 2.0)
    np.testing.assert_allclose(covariance, [0.2, 0, 1.8])
    np.testing.assert_allclose(shape_from_covariance(covariance), [0.5, 0, 2])
