"""One interface to two fitters: tables, workers, and NGMIX where it is installed."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.photometry.forced import BUILTIN_VERSION, COLUMNS, choose_engine, fit_photometry
from deblend.photometry.mixture_fit import FLAG_NOT_FINITE, FLAG_SINGULAR
from deblend.photometry.mixtures import (
    PsfMixture,
    covariance_from_shape,
    profile_mixture,
    render,
    shape_from_covariance,
)
from scipy.optimize import leastsq

from tests.unit.photometry.test_mixture_fit import draw, exact_psf, galsim_psf, noisy

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
    options = {"engine": "builtin", **SETTINGS}
    lists = fit_photometry(images, exact_psf(), positions, **options)
    assert lists.equals(fit_photometry(images, exact_psf(), padded, **options))
    other = fit_photometry(images, exact_psf(), padded, profile=("exp", "gauss"), **options)
    alone = lists["stamp"] % 2 == 0
    assert lists[alone].equals(other[alone])
    assert (other["flux"] < lists["flux"])[lists["galaxy"] == 1].all()


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


class FakeMixture:
    """Replacement of `ngmix.GMix` and `GMixModel`; its rows are p, row, col, irr, irc, icc."""

    def __init__(self, rows):
        self.rows = np.reshape(rows, (-1, 6))

    @classmethod
    def of_model(cls, p, name):
        if np.hypot(p[2], p[3]) >= 1:
            raise FloatingPointError
        profile = profile_mixture(name)
        covariance = profile.size[:, None] * covariance_from_shape(*p[2:5])
        shares = (profile.share * p[5])[:, None]
        centre = np.tile(p[:2], (len(shares), 1))
        return cls(np.hstack([shares, centre, covariance]))

    def convolve(self, psf):
        both = [[a[0] * b[0], a[1], a[2], *(a[3:] + b[3:])] for a in self.rows for b in psf.rows]
        return FakeMixture(both)

    def set_flux(self, flux):
        self.rows[:, 0] *= flux / self.rows[:, 0].sum()

    def make_image(self, shape, jacobian):
        p = self.rows[:, None, [1, 2, 3, 4, 5, 0]] + [jacobian.row, jacobian.col, 0, 0, 0, 0]
        none = PsfMixture(np.ones((len(p), 1)), np.zeros((len(p), 1, 3)))
        return render(p, [profile_mixture("gauss")], none, shape).sum(axis=0)


class FakeFit(dict):
    """Replacement of NGMIX's `Fitter` and `CoellipFitter`, with their dictionary of results."""

    def __init__(self, model=None, ngauss=None):
        self.model, self.ngauss = model, ngauss

    def mixture(self, p):
        if self.model:
            return FakeMixture.of_model(p, self.model)
        n = self.ngauss
        covariance = covariance_from_shape(p[2], p[3], p[4 : 4 + n])
        centre = np.tile(p[:2], (n, 1))
        return FakeMixture(np.hstack([p[4 + n :, None], centre, covariance]))

    def go(self, observation, guess):
        def residual(p):
            model = self.mixture(p)
            model = model.convolve(observation.psf.gmix) if observation.psf else model
            image = model.make_image(observation.image.shape, observation.jacobian)
            return ((image - observation.image) * np.sqrt(observation.weight)).ravel()

        p, inverse, info, _, status = leastsq(residual, guess, full_output=True)
        self.update(flags=int(status > 4), pars=p, pars_cov0=inverse, nfev=info["nfev"])
        return self

    def get_gmix(self):
        return self.mixture(self["pars"])


def fake_observation(image, weight=None, jacobian=None, psf=None, gmix=None):
    return SimpleNamespace(image=image, weight=weight, jacobian=jacobian, psf=psf, gmix=gmix)


@pytest.fixture
def fake_ngmix(monkeypatch):
    """The part of NGMIX 2's interface that is used, according to its documentation."""
    fake = SimpleNamespace(
        __version__="0-fake",
        DiagonalJacobian=lambda row, col, scale: SimpleNamespace(row=row, col=col, scale=scale),
        Observation=fake_observation,
        GMix=lambda pars: FakeMixture(np.array(pars)),
        GMixModel=FakeMixture.of_model,
        gexceptions=SimpleNamespace(GMixRangeError=FloatingPointError),
        fitting=SimpleNamespace(Fitter=FakeFit, CoellipFitter=FakeFit),
    )
    monkeypatch.setitem(sys.modules, "ngmix", fake)


@pytest.mark.parametrize("fixed", [False, True])
def test_parameters_are_converted_for_ngmix(sample, fake_ngmix, fixed):
    """Order, units, frames and errors, with a replacement of NGMIX."""
    images, positions, _ = sample
    images = np.concatenate([images[:4], np.full_like(images[:1], np.nan)])
    arguments = (images, exact_psf(), [*positions[:4], positions[0]])
    options = {"fixed_positions": fixed, **SETTINGS}
    theirs = fit_photometry(*arguments, **options)
    ours = fit_photometry(*arguments, engine="builtin", **options)
    assert (theirs["engine"] == "ngmix").all()
    assert (theirs["engine_version"] == "0-fake").all()
    assert theirs["flags"].iloc[-1] == FLAG_NOT_FINITE
    fine = ours["flags"] == 0
    assert fine.sum() >= 5
    for column in COLUMNS[2:11]:
        np.testing.assert_allclose(
            theirs.loc[fine, column], ours.loc[fine, column], rtol=2e-3, atol=2e-3
        )


def test_the_ngmix_branch_fits_psf_images(sample, fake_ngmix):
    images, positions, _ = sample
    psf = draw(galsim_psf(), size=25)
    theirs = fit_photometry(images[:1], psf, positions[:1], n_psf_gaussians=2, **SETTINGS)
    ours = fit_photometry(images[:1], exact_psf(), positions[:1], engine="builtin", **SETTINGS)
    assert theirs["flux"][0] == pytest.approx(ours["flux"][0], rel=2e-3)
    assert theirs["flags"][0] & ~FLAG_SINGULAR == 0


def test_ngmix_and_the_built_in_fitter_agree():
    """Both get the same PSF mixtures, first guesses and galaxies."""
    pytest.importorskip("ngmix", reason="NGMIX is not installed (conda-forge has it)")
    images, _ = noisy(20, 31, low=50, high=200)
    arguments = (images, exact_psf(), np.full((20, 1, 2), 19.5))
    theirs = fit_photometry(*arguments, engine="ngmix", **SETTINGS)
    ours = fit_photometry(*arguments, engine="builtin", **SETTINGS)
    assert (theirs["flags"] == 0).all()
    np.testing.assert_allclose(ours["flux"], theirs["flux"], rtol=1e-3)
    np.testing.assert_allclose(ours["flux_err"], theirs["flux_err"], rtol=0.05)
    np.testing.assert_allclose(ours[["g1", "g2"]], theirs[["g1", "g2"]], atol=0.01)


def test_shapes_have_the_conventions_of_ngmix():
    """The covariance is T/2 (1 - e1, e2, 1 + e1), with e = 2 g / (1 + g^2)."""
    covariance = covariance_from_shape(0.5, 0.0, 2.0)
    np.testing.assert_allclose(covariance, [0.2, 0, 1.8])
    np.testing.assert_allclose(shape_from_covariance(covariance), [0.5, 0, 2])
