"""NGMIX and the built-in fitter measure the same; with a stand-in where NGMIX is not installed."""

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from deblend.photometry.forced import COLUMNS, fit_photometry
from deblend.photometry.mixture_fit import FLAG_BOUND, FLAG_NO_SHAPE, FLAG_NOT_FINITE, FLAG_ROUND
from deblend.photometry.mixtures import covariance_from_shape, profile_mixture
from scipy.optimize import leastsq

from tests.unit.photometry.test_mixture_fit import draw, galsim_psf, noisy

SETTINGS = {"pixel_scale_arcsec": 0.2, "noise_sigma": 1.0}
NO_NGMIX = "NGMIX is not installed (conda-forge has it: envs/photometry.yaml)"


class GMixRangeError(Exception):
    """A mixture that NGMIX refuses."""


class StandInJacobian:
    """`DiagonalJacobian`: from pixels to positions relative to a centre."""

    def __init__(self, *, row, col, scale):
        self.row, self.col, self.scale = row, col, scale

    def positions(self, shape):
        y, x = np.indices(shape)
        return (y - self.row) * self.scale, (x - self.col) * self.scale


class StandInMixture:
    """`GMix`; its rows are p, row, col, irr, irc, icc."""

    def __init__(self, *, pars):
        self.rows = np.array(pars, float).reshape(-1, 6)

    def get_full_pars(self):
        return self.rows.ravel()

    def convolve(self, psf):
        both = [[a[0] * b[0], a[1], a[2], *(a[3:] + b[3:])] for a in self.rows for b in psf.rows]
        return StandInMixture(pars=np.ravel(both))

    def make_image(self, dims, jacobian, *, fast=False):
        p, row, col, irr, irc, icc = (v[:, None, None] for v in self.rows.T)
        det = irr * icc - irc**2
        if (det < 1e-200).any() or (irr + icc <= 1e-200).any():
            raise GMixRangeError
        v, u = jacobian.positions(dims)
        v, u = v - row, u - col
        chi2 = (icc * v**2 + irr * u**2 - 2 * irc * v * u) / det
        if fast:
            values = np.where(chi2 < 25, approximate_exp(-0.5 * np.minimum(chi2, 25)), 0.0)
        else:
            values = np.exp(-0.5 * chi2)
        return (p / (2 * np.pi * np.sqrt(det)) * values).sum(axis=0)


def approximate_exp(x):
    """NGMIX's approximation, relative error 4e-5: a series around an integer."""
    whole = np.trunc(x - 0.5)
    return np.exp(whole) * np.polyval([1 / 120, 1 / 24, 1 / 6, 0.5, 1, 1], x - whole)


def stand_in_model(pars, model):
    """`GMixModel` of the profiles exp, dev and gauss."""
    row, col, g1, g2, size, flux = pars
    if np.hypot(g1, g2) >= 1:
        raise GMixRangeError
    profile = profile_mixture(model)
    covariance = profile.size[:, None] * covariance_from_shape(g1, g2, size)
    centre = np.tile([row, col], (len(covariance), 1))
    shares = profile.share[:, None] * flux
    return StandInMixture(pars=np.hstack([shares, centre, covariance]).ravel())


class StandInFitter:
    """`Fitter`, which runs MINPACK through scipy's `leastsq`, with its flags and failures."""

    def __init__(self, model, prior=None, fit_pars=None):
        self.model, self.fit_pars = model, fit_pars or {"maxfev": 4000, "ftol": 1e-5, "xtol": 1e-5}

    def go(self, obs, guess):
        def difference(pars):
            try:
                model = stand_in_model(pars, self.model).convolve(obs.psf.gmix)
                image = model.make_image(obs.image.shape, obs.jacobian, fast=True)
            except GMixRangeError:
                return np.full(obs.image.size, -np.inf)
            return (np.sqrt(obs.weight) * (image - obs.image)).ravel()

        with np.errstate(all="ignore"):
            pars, cov, info, _, status = leastsq(
                difference, guess, full_output=True, **self.fit_pars
            )
        # A covariance that is singular, or not positive, is a failure.
        flags = 2 ** (status - 5) if status > 4 else 16 if cov is None else 0
        if flags == 0 and (np.linalg.eigvals(cov).real < 0).any():
            flags = 32
        pars = np.full(len(guess), -9.999e9) if status > 4 else pars
        return {"flags": flags, "pars": pars, "pars_cov0": cov, "nfev": info["nfev"]}


class FailingFitter(StandInFitter):
    """A `Fitter` all of whose fits have a singular covariance."""

    def go(self, obs, guess):
        return super().go(obs, guess) | {"flags": 16, "pars_cov0": None}


def stand_in(fitter=StandInFitter):
    """The part of NGMIX 2.3 and 2.4 that is used."""

    def observation(image, weight=None, jacobian=None, psf=None, gmix=None):
        weight = np.ones_like(image) if weight is None else weight
        return SimpleNamespace(image=image, weight=weight, jacobian=jacobian, psf=psf, gmix=gmix)

    return SimpleNamespace(
        __version__="0-stand-in",
        DiagonalJacobian=StandInJacobian,
        Observation=observation,
        GMix=StandInMixture,
        GMixModel=stand_in_model,
        gexceptions=SimpleNamespace(GMixRangeError=GMixRangeError),
        fitting=SimpleNamespace(Fitter=fitter),
    )


@pytest.fixture
def fake_ngmix(monkeypatch):
    monkeypatch.setitem(sys.modules, "ngmix", stand_in())


def shares_that_agree(*arguments, **options):
    """Share of the fits with S/N >= 20 that both engines measure alike, for one and two galaxies.

    They are alike if both are good, and if the fluxes differ by at most 1e-3, or 0.05 standard
    deviations.
    """
    ours, theirs = (fit_photometry(*arguments, engine=e, **options) for e in ("builtin", "ngmix"))
    good = (ours["flags"] & ~FLAG_NO_SHAPE) == 0
    difference = (theirs["flux"] - ours["flux"]).abs()
    alike = difference <= np.maximum(1e-3 * ours["flux"], 0.05 * ours["flux_err"])
    alike &= (theirs["flags"] & ~FLAG_NO_SHAPE) == 0
    number = ours.groupby("stamp")["galaxy"].transform("size")
    bright = good & (ours["s2n"] >= 20)
    return {n: float(alike[bright & (number == n)].mean()) for n in (1, 2)}


def sample(n):
    """Single galaxies and pairs that GalSim drew, their PSF image and positions a pixel off."""
    single, p_single = noisy(n, 21, low=40)
    pairs, p_pairs = noisy(n, 22, galaxies_per_stamp=2, low=60)
    positions = [np.round(q[:, :2]) for q in (*p_single, *p_pairs)]
    return np.concatenate([single, pairs]), draw(galsim_psf(), size=25), positions


@pytest.mark.filterwarnings("default")  # those of other packages
@pytest.mark.parametrize("profile", ["exp", "exp_or_dev"])
def test_ngmix_and_the_built_in_fitter_agree(profile):
    pytest.importorskip("ngmix", reason=NO_NGMIX)
    shares = shares_that_agree(*sample(200), profile=profile, **SETTINGS)
    assert shares[1] >= 0.99
    assert shares[2] >= 0.95


@pytest.mark.parametrize("profile", ["exp", "exp_or_dev"])
def test_the_stand_in_and_the_built_in_fitter_agree(fake_ngmix, profile):
    assert shares_that_agree(*sample(6), profile=profile, **SETTINGS) == {1: 1, 2: 1}


def test_both_engines_weigh_pixels_alike(fake_ngmix):
    images, psf, positions = sample(4)
    noise = 1 + np.linspace(0, 3, images.shape[2]) * np.ones_like(images)
    options = {"profile": "exp", **SETTINGS, "noise_sigma": noise}
    assert shares_that_agree(images, psf, positions, **options) == {1: 1, 2: 1}


@pytest.mark.parametrize("fixed", [False, True])
def test_all_results_are_in_the_same_units(fake_ngmix, fixed):
    images, psf, positions = sample(3)
    images = np.concatenate([images, np.full_like(images[:1], np.nan)])
    positions.append(positions[0])
    options = {"fixed_positions": fixed, "profile": "exp", **SETTINGS}
    theirs = fit_photometry(images, psf, positions, **options)
    ours = fit_photometry(images, psf, positions, engine="builtin", **options)
    assert (theirs["engine"] == "ngmix").all()
    assert (theirs["engine_version"] == "0-stand-in").all()
    assert theirs["flags"].tolist() == ours["flags"].tolist()
    assert theirs["flags"].iloc[-1] == FLAG_NOT_FINITE
    fine = ours["flags"] == 0
    assert fine.sum() >= 7
    for column in COLUMNS[2:11]:
        np.testing.assert_allclose(
            theirs.loc[fine, column], ours.loc[fine, column], rtol=1e-3, atol=1e-3
        )


def test_a_failure_of_ngmixs_fitter_does_not_lose_the_fit(monkeypatch):
    """Its covariance is singular: its models are fitted without it."""
    monkeypatch.setitem(sys.modules, "ngmix", stand_in(FailingFitter))
    images, psf, positions = sample(3)
    assert shares_that_agree(images[:3], psf, positions[:3], profile="exp", **SETTINGS)[1] == 1


@pytest.mark.parametrize("engine", ["builtin", "ngmix"])
def test_both_engines_have_the_same_bounds(fake_ngmix, engine):
    images, psf, positions = sample(2)
    far = [q + np.array([[2.0, 0.0]]) for q in positions]
    options = {"profile": "exp", "engine": engine, **SETTINGS}
    free = fit_photometry(images, psf, far, **options)
    assert (free["flags"] == 0).sum() >= 5
    held = fit_photometry(images, psf, far, max_shift_px=1.0, **options)
    assert (held["flags"] & (FLAG_BOUND | FLAG_ROUND) > 0).all()
    shift = np.hypot(
        held["y_px"] - np.concatenate(far)[:, 0], held["x_px"] - np.concatenate(far)[:, 1]
    )
    assert shift.max() <= 1.0
