"""Real images of the same field from space and from the ground."""

import numpy as np
import pytest
from astropy.io import fits
from deblend.errors import DeblendError
from deblend.hemmati2022.detection import make_resolutions
from deblend.hemmati2022.networks import SuperResolver
from deblend.hemmati2022.predict import Network
from deblend.hemmati2022.real_images import compare_peaks, field_names, read_field

from tests.unit.hemmati2022.conftest import CPU, DETECTION


@pytest.fixture
def pair(tmp_path):
    """An off-centre star seen from space and from the ground, in different units."""
    rng = np.random.default_rng(2)

    def star(side, scale, sigma_arcsec, peak):
        offset = (np.arange(side) - (side - 1) / 2) * scale
        y, x = offset[:, None] + 0.6, offset[None, :] - 1.2
        light = peak * np.exp(-(x**2 + y**2) / (2 * sigma_arcsec**2))
        return light + rng.normal(3.0, 0.5, (side, side))

    fits.writeto(tmp_path / "hst_a.fits", star(267, 0.03, 0.06, 200.0))
    cube = np.stack([star(54, 0.168, 0.26, 100.0) for _ in range(5)])
    fits.writeto(tmp_path / "hsc_a.fits", cube)
    return tmp_path


OPTIONS = {"hsc_plane": 2, "hst_scale_arcsec": 0.03, "hsc_scale_arcsec": 0.168}


def test_real_pairs_get_one_grid_and_the_networks_noise(maker, pair):
    assert field_names(pair) == ["a"]
    high, low = read_field(pair, "a", maker, **OPTIONS)
    assert high.shape[0] == 3 * low.shape[0]
    for image, sigma in ((high, maker.noise_high[0]), (low, maker.noise_low[0])):
        edge = image[: len(image) // 4]
        assert np.median(edge) == pytest.approx(0, abs=0.1 * sigma)
        assert edge.std() == pytest.approx(sigma, rel=0.15)
    # The star is 1.2 and -0.6 arcsec from the middle in both images.
    for image, scale in ((high, 0.06), (low, 0.18)):
        y, x = np.unravel_index(image.argmax(), image.shape)
        middle = (len(image) - 1) / 2
        assert (x - middle) * scale == pytest.approx(1.2, abs=scale)
        assert (y - middle) * scale == pytest.approx(-0.6, abs=scale)


def test_peaks_of_a_real_pair_are_compared_on_one_grid(maker, pair):
    fields = {"a": read_field(pair, "a", maker, **OPTIONS)}
    network = Network(SuperResolver(1, 4, 1), maker, 0)
    resolutions = make_resolutions({"gan": network}, DETECTION)
    for name, threshold, noise in (("high", 8.0, None), ("low", 8.0, None), ("gan", 1e9, 1.0)):
        resolutions[name].threshold, resolutions[name].noise = threshold, noise
    table, shown = compare_peaks(network, fields, resolutions, 5.0, CPU)
    found = table.set_index("resolution")
    assert found.loc["high", ["n_peaks", "n_matched"]].tolist() == [1, 1]
    assert found.loc["low", ["n_peaks", "n_matched", "n_false"]].tolist() == [1, 1, 0]
    assert shown["a"]["gan"].shape == shown["a"]["high"].shape


def test_an_incomplete_pair_is_named(pair):
    (pair / "hsc_a.fits").unlink()
    with pytest.raises(DeblendError, match="one image of the field a"):
        field_names(pair)
