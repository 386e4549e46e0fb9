from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.photometry.sep import FLAG_FAILED
from deblend.scenes.scenes import Scenes
from deblend.scenes.sources import find_sources, pair_sources, psf_fwhm


def test_detected_sources_are_the_galaxies(scenes):
    sources = find_sources(scenes)
    assert sources.groupby("scene").size().tolist() == [2] * len(scenes)
    merged = sources.merge(scenes.truth, on="scene", suffixes=("", "_true"))
    away = np.hypot(merged["x_px"] - merged["x_px_true"], merged["y_px"] - merged["y_px_true"])
    assert away.groupby([merged["scene"], merged["source_true"]]).min().max() < 0.5


def test_given_positions_are_kept_and_those_of_nothing_are_not_found(placed):
    shifted = [np.vstack([p, [[3.0, 3.0]]]) for p in placed.positions]
    sources = find_sources(placed, tuple(shifted))
    assert sources["found"].tolist() == [True, True, False] * len(placed)
    np.testing.assert_array_equal(sources["y_px"], np.concatenate(shifted)[:, 0])
    assert sources.loc[~sources["found"], "flux_auto_0"].isna().all()


def test_pairs_have_the_brighter_galaxy_in_the_middle(placed):
    sources = find_sources(placed)
    pairs = pair_sources(sources, 32)
    assert len(pairs) == len(placed)
    assert sources["source"].iloc[pairs["central"]].tolist() == [0] * len(placed)
    assert (pairs["companion"] >= 0).all()
    assert (pairs["n_others"] == 0).all()


def test_distant_sources_are_alone_and_a_third_is_counted():
    sources = pd.DataFrame(
        {
            "scene": [0, 0, 0, 1, 1],
            "x_px": [10, 12, 16, 0, 90],
            "y_px": [10, 10, 10, 0, 0],
            "brightness": [1.0, 3.0, np.nan, 1.0, 2.0],
        }
    )
    pairs = pair_sources(sources, 20)
    assert pairs.to_numpy().tolist() == [[0, 1, 0, 1], [0, 2, -1, 2], [1, 4, -1, 0], [1, 3, -1, 0]]


def test_no_psf_has_no_width(scenes):
    assert abs(psf_fwhm(scenes, 0) - 0.17) < 0.005
    assert psf_fwhm(replace(scenes, psf=None), 0) is None


def chequered(side=640):
    """An image of which SEP takes all pixels for one object with too many parts."""
    image = np.random.default_rng(0).normal(0, 1, (side, side)).astype(np.float32)
    y, x = np.indices(image.shape)
    image += np.where((y % 4 < 2) & (x % 4 < 2), 1000.0, 20.0).astype(np.float32)
    return image


def one_scene(image, **changes):
    return Scenes(
        image[None, None],
        ("h",),
        0.06,
        np.array([25.0]),
        np.ones((1, 1)),
        names=("mine",),
        **changes,
    )


def test_images_with_more_bright_pixels_than_seps_default_buffer_are_detected():
    y, x = np.indices((640, 640))
    # One galaxy that fills the image: 409,600 pixels above the threshold, of SEP's 300,000.
    image = 1e4 * np.exp(-np.hypot(y - 320, x - 320) / 100)
    sources = find_sources(one_scene(image.astype(np.float32)))
    assert len(sources) == 1


def test_an_image_on_which_sep_fails_is_an_error_or_has_a_flag(caplog):
    image = chequered()
    with pytest.raises(DeblendError, match="scene mine: SEP could not extract.*higher detection"):
        find_sources(one_scene(image))
    sources = find_sources(one_scene(image, positions=(np.array([[10.0, 10.0]]),)))
    assert sources["sep_flags"].tolist() == [FLAG_FAILED]
    assert "mine" in caplog.text
