"""Images that figures show: written after the detection, and read again."""

import numpy as np
import pandas as pd
import pytest
from deblend.hemmati2022.examples import read_examples, read_galleries
from deblend.hemmati2022.figure_images import write_examples, write_galleries
from deblend.hemmati2022.networks import SuperResolver
from deblend.hemmati2022.predict import Network

from tests.unit.hemmati2022.conftest import BLENDING, CPU, SPLITS, maker_of

N = 8
#: Numbers of the blends that are detected; those of low resolution are detected in all.
BY_GAN, IN_LOW = (3, 5, 6), (5,)


@pytest.fixture(scope="module")
def blends(maker):
    return maker.draw(SPLITS["test"], 0, N, "test", BLENDING)


@pytest.fixture(scope="module")
def detections():
    numbers = pd.Series(range(N))
    gan, low = numbers.isin(BY_GAN), numbers.isin(IN_LOW)
    return pd.DataFrame(
        {
            "detected_high": True,
            "detected_gan": gan,
            "detected_gan_multi": gan,
            "detected_low": low,
        },
        index=numbers,
    )


@pytest.fixture(scope="module")
def peaks(blends):
    """In each resolution the peak of the first galaxy, exactly at its place in the 66 px frame."""
    own = pd.DataFrame({"blend": range(N), "x_px": 33.0 + blends["dx_0"]})
    own["y_px"] = 33.0 + blends["dy_0"]
    return pd.concat([own.assign(resolution=r) for r in ("high", "low", "gan", "gan_multi")])


def network(maker, bands=1):
    return Network(SuperResolver(bands, 4, 1), maker, 0)


def test_there_is_one_example_of_each_kind(maker, blends, detections, peaks, tmp_path):
    write_examples(tmp_path / "e.h5", {"gan": network(maker)}, blends, detections, peaks, CPU)
    images, kinds = read_examples(tmp_path / "e.h5")
    # The first blend of each kind.
    assert kinds == ["easy", "gained", "missed"]
    numbers = [5, 3, 0]
    flux = {name: maker.scale_high.unscaled(images[name]) for name in ("galaxy1", "galaxy2")}
    both = maker.scale_high.unscaled(images["high"])
    np.testing.assert_allclose(flux["galaxy1"] + flux["galaxy2"], both, rtol=1e-4, atol=1e-4)
    for k, name in enumerate(("galaxy1", "galaxy2")):
        y, x = np.transpose([np.unravel_index(i.argmax(), i.shape) for i in images[name]])
        # The images lack one pixel at each edge of the frame.
        np.testing.assert_allclose(x, 32 + blends[f"dx_{k}"].iloc[numbers], atol=1)
        np.testing.assert_allclose(y, 32 + blends[f"dy_{k}"].iloc[numbers], atol=1)
    first = images["positions"][:, 0]
    # Pixel k of the low resolution has the pixels 3 k to 3 k + 2 of the frame.
    for name, expected in (("high", first), ("gan", first), ("low", first / 3)):
        found = pd.DataFrame(images[f"peaks_{name}"]).set_index(0).loc[[0, 1, 2]]
        np.testing.assert_allclose(found, expected, atol=1e-6)


def test_without_detections_the_first_blend_is_the_example(
    maker, blends, detections, peaks, tmp_path
):
    none = detections.assign(detected_high=False)
    write_examples(tmp_path / "e.h5", {"gan": network(maker)}, blends, none, peaks, CPU)
    images, kinds = read_examples(tmp_path / "e.h5")
    assert kinds == ["first"]
    assert images["high"].shape == (1, 64, 64) and images["low"].shape == (1, 22, 22)


def test_galleries_without_a_network_of_several_bands(maker, blends, detections, peaks, tmp_path):
    made, real = np.full((4, 64, 64), -0.5), np.full((2, 64, 64), 0.5)
    networks = {"gan": network(maker)}
    write_galleries(
        tmp_path / "g.h5", networks, made, real, blends, detections, peaks, CPU, n_shown=3
    )
    images, bands, band = read_galleries(tmp_path / "g.h5")
    assert (bands, band) == ([], "f775w")
    np.testing.assert_array_equal(images["generated"], made)
    np.testing.assert_array_equal(images["real"], real)
    # Single galaxies in the middle, in each resolution.
    assert images["gan"].shape == (3, 64, 64)
    for image in images["high"]:
        assert np.hypot(*np.subtract(np.unravel_index(image.argmax(), image.shape), 32)) < 1.5
    for image in images["low"]:
        assert np.hypot(*np.subtract(np.unravel_index(image.argmax(), image.shape), 32 / 3)) < 1.5


def test_the_gallery_of_several_bands_shows_what_only_the_network_reveals(
    stamps, maker, blends, detections, peaks, tmp_path
):
    several = maker_of(stamps, ("f775w", "f606w"))
    networks = {"gan": network(maker), "gan_multi": network(several, 2)}
    nothing = np.zeros((2, 64, 64))
    write_galleries(
        tmp_path / "g.h5", networks, nothing, nothing, blends, detections, peaks, CPU, n_shown=1
    )
    images, bands, _ = read_galleries(tmp_path / "g.h5")
    assert bands == ["f775w", "f606w"]
    assert images["multi_gan"].shape == (2, 64, 64)
    # Blend 3 is the first that is detected by the network, but not in low resolution.
    high, low = several.scaled(blends.iloc[[3]], "test")
    np.testing.assert_array_equal(images["multi_high"], high[0])
    np.testing.assert_array_equal(images["multi_low"], low[0])
    place = 32 + blends[["dx_0", "dy_0"]].iloc[[3]]
    np.testing.assert_allclose(images["multi_peaks_gan"], place)
    np.testing.assert_allclose(images["multi_peaks_low"], place / 3)
