"""Scenes of two Sersic galaxies each, whose fluxes are known."""

import galsim
import numpy as np
import pandas as pd
import pytest
from deblend.data.profiles import moffat_psf
from deblend.scenes.scenes import Scenes

SCALE, ZERO_POINT, SIGMA = 0.06, 25.96, 0.006
MAGS = (20.5, 21.3)


def psf_image(fwhm=0.17, scale=SCALE, side=41):
    image = moffat_psf(fwhm, 2.5).drawImage(nx=side, ny=side, scale=scale, method="no_pixel").array
    return (image / image.sum()).astype(float)


def two_galaxies(n=6, side=72, mags=MAGS, radius=0.25, scale=SCALE, fwhm=0.17, seed=3):
    rng = np.random.default_rng(seed)
    images, rows = rng.normal(0, SIGMA, (n, 1, side, side)), []
    for i in range(n):
        angle = rng.uniform(0, 2 * np.pi)
        centre = np.array([side // 2, side // 2]) + rng.uniform(-1, 1, 2)
        away = 14 * np.array([np.sin(angle), np.cos(angle)])
        for k, (mag, place) in enumerate(zip(mags, (centre, centre + away), strict=True)):
            flux = 10 ** (0.4 * (ZERO_POINT - mag))
            galaxy = galsim.Exponential(half_light_radius=radius, flux=flux)
            image = galsim.ImageD(side, side, scale=scale)
            position = galsim.PositionD(place[1] + 1, place[0] + 1)
            whole = galsim.Convolve(galaxy, moffat_psf(fwhm, 2.5))
            whole.drawImage(image, center=position, method="no_pixel")
            images[i, 0] += image.array
            rows.append({"scene": i, "source": k, "x_px": place[1], "y_px": place[0], "mag": mag})
    truth = pd.DataFrame(rows).assign(half_light_radius_px=radius / scale, other_sources=0)
    return Scenes(
        images.astype(np.float32),
        ("f160w",),
        pixel_scale_arcsec=scale,
        zero_points=np.array([ZERO_POINT]),
        noise_sigma=np.full((n, 1), SIGMA),
        psf=psf_image(fwhm, scale)[None],
        truth=truth,
    )


@pytest.fixture(scope="session")
def scenes():
    return two_galaxies()


@pytest.fixture(scope="session")
def placed(scenes):
    """The same with the true positions."""
    from deblend.scenes.scenes import position_lists

    return scenes.with_positions(position_lists(scenes.truth, len(scenes)))
