from dataclasses import replace

import galsim
import numpy as np
import pytest
from deblend.data.noise import noise_images
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.forced_fit import measure
from deblend.scenes.scenes import MEASURED, Scenes

from tests.unit.scenes.conftest import MAGS, SCALE, ZERO_POINT


def test_fluxes_are_unbiased_within_their_errors(placed):
    table = measure(placed)
    assert list(table.columns) == list(MEASURED)
    true = 10 ** (0.4 * (25.96 - np.tile(MAGS, len(placed))))
    pull = (table["flux"] - true) / table["flux_error"]
    assert abs(np.median(table["flux"] / true) - 1) < 0.02
    # Of normal errors it is 0.67; there are twelve galaxies.
    assert np.abs(pull).median() < 1.3
    assert table["role"].tolist() == ["central", "companion"] * len(placed)


def test_smaller_images_are_fitted_where_they_have_data(placed):
    images = placed.images.copy()
    images[0, 0, :4] = np.nan
    images[1, 0, 30:34, 30:34] = np.nan
    table = measure(replace(placed, images=images))
    assert table.loc[table["scene"] == 0, "flux"].notna().all()
    # The hole is in the central galaxy; its companion is measured, and both are flagged.
    holed = table[table["scene"] == 1]
    assert holed["flux"].isna().tolist() == [True, False]
    assert ((holed["flags"] & bit("no_data")) > 0).all()


def hst_like_psf(side=131):
    """The wings and the ring of the Hubble Space Telescope, on drizzled images of its detector."""
    core = galsim.Airy(lam=1600, diam=2.4, obscuration=0.33, scale_unit=galsim.arcsec)
    whole = galsim.Convolve(core, galsim.Pixel(0.13), galsim.Gaussian(fwhm=0.1))
    image = whole.drawImage(nx=side, ny=side, scale=SCALE, method="no_pixel").array
    return (image / image.sum()).astype(float)


def faint_galaxies(n=60, sky=0.05, seed=11):
    """Single galaxies of a signal-to-noise ratio of 10 to 100, with correlated noise and a sky."""
    rng, sigma, side = np.random.default_rng(seed), 0.006, 80
    kernel = np.outer([0.1, 0.4, 1.0, 0.4, 0.1], [0.1, 0.4, 1.0, 0.4, 0.1])
    psf = galsim.InterpolatedImage(galsim.Image(hst_like_psf()), scale=SCALE, flux=1.0)
    images = noise_images(rng, (n, 1, side, side), sigma, kernel) + sky * sigma
    rows = []
    for i in range(n):
        mag, radius = rng.uniform(22.5, 25.0), rng.uniform(0.1, 0.3)
        flux = 10 ** (0.4 * (ZERO_POINT - mag))
        place = side / 2 + rng.uniform(-1, 1, 2)
        galaxy = galsim.Exponential(half_light_radius=radius, flux=flux)
        galaxy = galaxy.shear(q=0.7, beta=0.3 * i * galsim.radians)
        drawn = galsim.ImageD(side, side, scale=SCALE)
        centre = galsim.PositionD(place[1] + 1, place[0] + 1)
        galsim.Convolve(galaxy, psf).drawImage(drawn, center=centre, method="no_pixel")
        images[i, 0] += drawn.array
        rows.append((flux, place))
    scenes = Scenes(
        images.astype(np.float32),
        ("f160w",),
        SCALE,
        np.array([ZERO_POINT]),
        np.full((n, 1), sigma),
        psf=hst_like_psf()[None],
        positions=tuple(place[None] for _, place in rows),
        noise_correlation=kernel[None],
    )
    return scenes, np.array([flux for flux, _ in rows])


def test_errors_are_those_of_the_scatter_with_wings_a_sky_and_correlated_noise():
    scenes, true = faint_galaxies()
    table = measure(scenes)
    good = ((table["flags"] & bit("fit")) == 0).to_numpy()
    assert good.mean() > 0.7
    pull = ((table["flux"] - true) / table["flux_error"])[good]
    low, high = np.percentile(pull, (16, 84))
    assert 0.7 < (high - low) / 2 < 1.4
    assert abs(np.median(pull)) < 0.5


def test_neighbours_that_are_not_fitted_are_taken_out(placed):
    """Four bright neighbours around a pair, of which two are fitted too."""
    alone = measure(placed)
    images, positions = placed.images.copy(), []
    spots = [(8, 8), (8, 64), (64, 8), (64, 64)]
    y, x = np.indices(images.shape[2:])
    for i, places in enumerate(placed.positions):
        for v, u in spots:
            images[i, 0] += 3 * np.exp(-((y - v) ** 2 + (x - u) ** 2) / 8)
        positions.append(np.vstack([places, spots]))
    crowded = replace(placed, images=images).with_positions(positions)
    table = measure(crowded)
    pairs = table[table["source"] < 2].reset_index(drop=True)
    assert ((pairs["flags"] & bit("crowded")) > 0).all()
    np.testing.assert_allclose(pairs["flux"], alone["flux"], rtol=0.1)


def test_a_sky_that_could_not_be_measured_and_narrow_windows_are_flagged(placed):
    measured = np.ones((len(placed), 1), bool)
    measured[2] = False
    table = measure(replace(placed, sky_measured=measured))
    assert set(table.loc[(table["flags"] & bit("sky")) > 0, "scene"]) == {2}
    assert ((table["flags"] & bit("no_data")) == 0).all()
    images = placed.images.copy()
    images[0, 0, :16] = np.nan
    cut = measure(replace(placed, images=images))
    assert set(cut.loc[(cut["flags"] & bit("no_data")) > 0, "scene"]) == {0}


def test_bands_with_a_psf_are_fitted_and_those_without_data_flagged(placed):
    images = np.repeat(placed.images, 2, axis=1)
    images[0, 1] = np.nan
    both = replace(
        placed,
        images=images,
        bands=("f160w", "f814w"),
        zero_points=np.repeat(placed.zero_points, 2),
        noise_sigma=np.repeat(placed.noise_sigma, 2, axis=1),
        psf=np.repeat(placed.psf, 2, axis=0),
    )
    table = measure(both)
    lacking = table[(table["band"] == "f814w") & (table["scene"] == 0)]
    assert ((lacking["flags"] & bit("no_data")) > 0).all()
    unknown = both.psf.copy()
    unknown[0] = np.nan
    assert set(measure(replace(both, psf=unknown))["band"]) == {"f814w"}


def test_without_a_psf_nothing_is_fitted(placed):
    with pytest.raises(DeblendError, match="the PSF of f160w is unknown"):
        measure(replace(placed, psf=None))
