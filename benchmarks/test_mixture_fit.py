"""Fits of Gaussian mixtures: batched, against the same fitter one stamp at a time: `make bench`.

Nothing else should run meanwhile, with one BLAS thread: OMP_NUM_THREADS=1.
"""

import galsim
import numpy as np
import pytest
from deblend.photometry.mixture_fit import fit_mixtures, fit_psf

N_STAMPS = 512
SIDE = 32


@pytest.fixture(scope="session")
def stamps():
    """Exponentials at S/N of about 20 to 300, each with the image of its PSF."""
    rng = np.random.default_rng(1)
    images, psfs = [], []
    for _ in range(N_STAMPS):
        psf = galsim.Gaussian(sigma=1.3, flux=0.8) + galsim.Gaussian(sigma=2.6, flux=0.2)
        psf = psf.shear(g1=rng.normal(0, 0.02), g2=rng.normal(0, 0.02))
        galaxy = galsim.Exponential(half_light_radius=rng.uniform(1, 3), flux=rng.uniform(1, 10))
        galaxy = galaxy.shear(g1=rng.uniform(-0.4, 0.4), g2=rng.uniform(-0.4, 0.4))
        options = {"nx": SIDE, "ny": SIDE, "scale": 1.0, "method": "no_pixel", "dtype": float}
        images.append(galsim.Convolve(galaxy, psf).drawImage(**options).array)
        psfs.append(psf.drawImage(**options).array)
    return np.stack(images) + rng.normal(0, 3e-3, (N_STAMPS, SIDE, SIDE)), np.stack(psfs)


def fit(images, psfs):
    """PSF and galaxy, both free."""
    mixture, _ = fit_psf(psfs, 2)
    positions = np.full((len(images), 1, 2), SIDE / 2 - 0.5)
    return fit_mixtures(images, positions, mixture, noise_sigma=3e-3)


@pytest.mark.parametrize("what", ["baseline: one stamp a call", "fit_psf, fit_mixtures"])
@pytest.mark.benchmark(group="Gaussian mixtures")
def test_photometry(benchmark, stamps, what):
    """An exponential and its PSF of two Gaussians, 32 x 32 pixels; wanted: 170 fits/s a core."""
    images, psfs = stamps
    benchmark.extra_info["items"] = N_STAMPS

    def one_by_one():
        for i in range(N_STAMPS):
            fit(images[i : i + 1], psfs[i : i + 1])

    run = one_by_one if "baseline" in what else lambda: fit(images, psfs)
    benchmark.pedantic(run, rounds=3, warmup_rounds=1)
