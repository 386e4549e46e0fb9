"""Pairs of images in high and low resolution."""

from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import with_neighbours
from deblend.hemmati2022.degrade import degrade, psf_image
from deblend.hemmati2022.pairs import (
    PairMaker,
    draw_singles,
    point_source_sigma,
    single_galaxies,
)

from tests.unit.hemmati2022.conftest import BLENDING, LOW, SPLITS, maker_of


def test_a_point_source_at_the_depth_has_five_sigma():
    psf = psf_image(0.6, 3.0, 0.18, 25)
    sigma = point_source_sigma(psf, 26.2, 25.67)
    flux = 10 ** (-0.4 * (26.2 - 25.67))
    rng = np.random.default_rng(1)
    noise = rng.normal(0, sigma, (4000, *psf.shape))
    # The best unbiased estimate of a flux under a known PSF.
    measured = ((flux * psf + noise) * psf).sum(axis=(1, 2)) / (psf**2).sum()
    assert measured.mean() / measured.std() == pytest.approx(5, rel=0.05)


def test_both_resolutions_show_the_same_light_in_the_same_place(maker):
    blends = single_galaxies(maker.draw(SPLITS["test"], 0, 10, "test", BLENDING), centred=True)
    high, low = maker.pairs(blends, "test")
    assert high.shape == (10, 1, 66, 66) and low.shape == (10, 1, 22, 22)
    flux = 10 ** (-0.4 * (blends["mag_0"].to_numpy() - 25.67))
    np.testing.assert_allclose(high.sum(axis=(1, 2, 3)), flux, rtol=0.06)
    # Light that the seeing spreads beyond the frame is lost.
    np.testing.assert_allclose(low.sum(axis=(1, 2, 3)), flux, rtol=0.15)
    y = np.arange(22)[:, None]
    centre = (np.clip(low[:, 0], 0, None) ** 2 * y).sum((1, 2)) / (
        np.clip(low[:, 0], 0, None) ** 2
    ).sum((1, 2))
    assert np.abs(centre - (33 - 1) / 3).max() < 0.2


def test_scaled_images_are_in_range_and_can_be_inverted(maker):
    blends = maker.draw(SPLITS["train"], 0, 20, "train", BLENDING)
    high, low = maker.scaled(blends, "train")
    assert high.shape[-2:] == (64, 64) and low.shape[-2:] == (22, 22)
    for images in (high, low):
        assert np.abs(images).max() <= 1 and images.max() > 0.4
    fluxes = maker.pairs(blends, "train")[0][..., 1:-1, 1:-1]
    inside = np.abs(high) < 0.999
    back = maker.scale_high.unscaled(high)
    np.testing.assert_allclose(back[inside], fluxes[inside], rtol=1e-3, atol=1e-5)


def test_a_missing_band_is_named(stamps):
    with pytest.raises(DeblendError, match="f435w.*f775w, f606w"):
        maker_of(stamps, ("f435w",))


def test_unblended_stamps_have_no_neighbour_in_the_frame(stamps, maker):
    """Half of the galaxies have one beside them."""
    around = [
        np.array([[5.0, 3.0, 24.0]]) if i % 2 else np.array([[60.0, 60.0, 24.0]]) for i in range(24)
    ]
    crowded = maker_of(replace(stamps, galaxies=with_neighbours(stamps.galaxies, around)))
    rows = np.arange(24)
    singles = draw_singles(crowded, rows, 7, 50, "test", BLENDING)
    assert len(singles) == 50
    assert (singles["galaxy_0"] % 2 == 0).all()
    assert (singles["galaxy_1"] == -1).all()
    assert singles["blend"].is_unique and singles["blend"].min() >= 7
    # Without neighbours they are the blends with these numbers.
    free = draw_singles(maker, rows, 7, 50, "test", BLENDING)
    assert free["blend"].tolist() == list(range(7, 57))
    with pytest.raises(DeblendError, match="no neighbour in the frame"):
        draw_singles(crowded, rows[1::2], 0, 5, "test", BLENDING)


def test_light_as_bright_as_the_sky_has_twice_its_variance(stamps):
    sky = 22.0
    low = LOW.model_copy(update={"sky_mag_arcsec2": sky})
    options = {"seed": 1, "train_rows": SPLITS["train"], "name": "test"}
    dark, noisy = (PairMaker(stamps, ["f775w"], x, **options) for x in (LOW, low))
    blends = dark.draw(SPLITS["test"], 0, 300, "test", BLENDING)
    high, plain = dark.pairs(blends, "test")
    poisson = noisy.pairs(blends, "test")[1]
    clean = degrade(high, dark.kernel)
    per_pixel = 10 ** (-0.4 * (sky - 25.67)) * 0.18**2
    near = np.abs(clean / per_pixel - 1) < 0.1
    ratio = ((poisson - clean)[near] / (plain - clean)[near]) ** 2
    assert near.sum() > 100
    np.testing.assert_allclose(ratio, 2, atol=0.15)
    # That is the noise which photometry takes.
    pull = (poisson - clean) / noisy.low_noise(clean)
    bright = clean > per_pixel
    assert pull[bright].std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(dark.low_noise(clean), dark.noise_low[0], rtol=1e-6)
