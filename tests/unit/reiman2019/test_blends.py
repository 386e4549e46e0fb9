"""Pairs of Galaxy Zoo images: the perturbation, compared with scikit-image, and the blending."""

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.blends import (
    PerturbConfig,
    blend,
    crop,
    draw_blends,
    draw_pairs,
    galaxy_positions,
    perturb,
    perturbation_tensor,
    sky_level,
)
from PIL import Image
from pydantic import ValidationError
from skimage.transform import AffineTransform, warp

from tests.unit.reiman2019.conftest import PAIRS

AUTHORS = PerturbConfig(
    order="authors",
    shift_px=(10, 50),
    log_scale=(-1.0, 0.5),
    blending="max",
    crop_px=240,
    reduce_by=3,
)
SECTION = PerturbConfig(
    order="section_2_3",
    shift_px=(10, 50),
    log_scale=(-1.0, 0.5),
    blending="max",
    crop_px=240,
    reduce_by=3,
)


def smooth_image():
    """A 424 x 424 RGB image of broad blobs, without symmetry."""
    y, x = np.mgrid[:424, :424]
    rng = np.random.default_rng(5)
    image = np.zeros((424, 424, 3))
    for _ in range(12):
        place, width = rng.uniform(130, 290, 2), rng.uniform(12, 40)
        profile = np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * width**2))
        image += profile[..., None] * rng.uniform(10, 60, 3)
    return np.clip(image, 0, 255)


def reduced(image):
    padded = np.pad(image, ((0, 1), (0, 1), (0, 0)), mode="edge")
    channels = [
        np.asarray(
            Image.fromarray(padded[..., c].astype(np.float32)).resize(
                (141, 141), Image.Resampling.BICUBIC, box=(2, 2, 425, 425)
            )
        )
        for c in range(3)
    ]
    return torch.from_numpy(np.stack(channels))[None]


def pair(**values):
    still = {"central": 0, "companion": 1, "flip_x": 0, "flip_y": 0, "angle_rad": 0.0}
    still |= {"shift_x_px": 0.0, "shift_y_px": 0.0, "scale": 1.0}
    return pd.DataFrame([still | values])


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"shift_x_px": 33.0, "shift_y_px": -21.0},
        {"angle_rad": 0.7},
        {"flip_x": 1, "angle_rad": 2.1, "shift_x_px": -40.0, "shift_y_px": 12.0, "scale": 0.5},
        {"flip_y": 1, "angle_rad": 4.0, "shift_x_px": 20.0, "shift_y_px": 44.0, "scale": 1.6},
    ],
)
def test_the_authors_order_is_a_warp_of_the_whole_image_then_cropped_and_reduced(values):
    pairs = pair(**values)
    row = pairs.iloc[0]
    image = smooth_image()
    flipped = image[:: -1 if row["flip_y"] else 1, :: -1 if row["flip_x"] else 1]
    to_centre = AffineTransform(translation=[-211.5, -211.5])
    change = AffineTransform(
        scale=[row["scale"]] * 2,
        rotation=row["angle_rad"],
        translation=[row["shift_x_px"], row["shift_y_px"]],
    )
    whole = to_centre + change + AffineTransform(translation=[211.5, 211.5])
    expected = reduced(warp(flipped, whole.inverse, order=3, preserve_range=True))
    found = perturb(reduced(image), perturbation_tensor(pairs), AUTHORS)
    # Pixel values are 0 to 255; the blobs reach about 150.
    assert float((found - crop(expected, 80)).abs().max()) < 2


def test_section_2_3_displaces_by_pixels_of_the_reduced_image_and_then_scales():
    frame = torch.zeros(1, 3, 141, 141)
    frame[..., 69:72, 69:72] = 200.0  # around the centre of the crop, at 70
    found = perturb(
        frame, perturbation_tensor(pair(shift_x_px=20.0, shift_y_px=-12.0, scale=0.8)), SECTION
    )[0, 0]
    weight = found / found.sum()
    places = torch.arange(80) + 0.5 - 40
    # The centre of the blob is half a pixel from that of the crop.
    assert float((weight.sum(0) * places).sum()) == pytest.approx(0.8 * 20.5, abs=0.2)
    assert float((weight.sum(1) * places).sum()) == pytest.approx(0.8 * -11.5, abs=0.2)


@pytest.mark.parametrize("config", [AUTHORS, SECTION])
def test_galaxies_are_where_their_positions_say(config):
    y, x = np.mgrid[:141, :141] - 69.5  # the centre of the crop
    spot = np.exp(-(x**2 + y**2) / (2 * 4**2))
    frames = np.repeat((200 * spot)[None, ..., None], 3, axis=-1).astype(np.uint8).repeat(2, axis=0)
    moved = {"angle_rad": [0.3, 2.0], "shift_x_px": [21, -18], "shift_y_px": [-15, -12]}
    pairs = pair(**{name: values[0] for name, values in moved.items()}, scale=0.7)
    pairs = pd.concat([pairs, pair(**{k: v[1] for k, v in moved.items()}, scale=1.3)])
    _, truth = blend(
        *(torch.from_numpy(frames) for _ in range(2)), perturbation_tensor(pairs), config
    )
    light = ((truth + 1) / 2).mean(dim=2).numpy()
    rows, columns = np.mgrid[:80, :80]
    centroids = [[[(i * r).sum() / i.sum() for r in (rows, columns)] for i in two] for two in light]
    assert galaxy_positions(pairs, config) == pytest.approx(np.array(centroids), abs=0.1)


def test_a_null_perturbation_leaves_the_image_unchanged():
    frames = reduced(smooth_image())
    for config in (AUTHORS, SECTION):
        inner = (slice(None), slice(None), slice(2, -2), slice(2, -2))
        changed = (
            perturb(frames, perturbation_tensor(pair()), config)[inner] - crop(frames, 80)[inner]
        )
        assert float(changed.abs().max()) < 1


def frames_of(n=4):
    rng = np.random.default_rng(1)
    return torch.from_numpy(rng.integers(0, 256, (n, 141, 141, 3)).astype(np.uint8))


def test_a_blend_is_the_brighter_of_both_at_every_pixel():
    frames = frames_of()
    pairs = draw_pairs(np.random.default_rng(2), np.arange(4), 4, AUTHORS)
    mixed, truth = blend(frames, frames.flip(0), perturbation_tensor(pairs), AUTHORS)
    light = (truth + 1) / 2
    assert mixed.shape == (4, 3, 80, 80) and truth.shape == (4, 2, 3, 80, 80)
    assert torch.allclose(mixed, light.amax(dim=1), atol=1e-6)
    assert float(mixed.min()) >= 0 and float(mixed.max()) <= 1
    assert float(truth.min()) >= -1 and float(truth.max()) <= 1
    # The first galaxy is the central one, unchanged.
    expected = frames[:, 30:110, 30:110].permute(0, 3, 1, 2) / 255
    assert torch.allclose(light[:, 0], expected, atol=1e-6)


def test_a_sum_is_clipped_at_white():
    config = PerturbConfig(
        order="authors",
        shift_px=(10, 50),
        log_scale=(-1.0, 0.5),
        blending="sum",
        crop_px=240,
        reduce_by=3,
    )
    pairs = draw_pairs(np.random.default_rng(2), np.arange(4), 4, config)
    mixed, truth = blend(frames_of(), frames_of(), perturbation_tensor(pairs), config)
    assert torch.allclose(mixed, ((truth + 1) / 2).sum(dim=1).clamp(max=1), atol=1e-6)
    assert float(mixed.max()) == 1


def test_perturbations_stay_in_their_ranges_and_have_both_directions():
    pairs = draw_pairs(np.random.default_rng(3), np.arange(10, 30), 4000, AUTHORS)
    shifts = pairs[["shift_x_px", "shift_y_px"]].to_numpy()
    assert (np.abs(shifts) >= 10).all() and (np.abs(shifts) <= 50).all()
    assert np.allclose((shifts > 0).mean(axis=0), 0.5, atol=0.05)
    logs = np.log(pairs["scale"])
    assert logs.between(-1, 0.5).all() and logs.mean() == pytest.approx(-0.25, abs=0.03)
    assert (pairs["central"] != pairs["companion"]).all()
    assert set(pairs["central"]) == set(pairs["companion"]) == set(range(10, 30))
    assert pairs["flip_x"].mean() == pytest.approx(0.5, abs=0.05)


def test_a_blend_does_not_depend_on_the_number_of_blends():
    rows = np.arange(7)
    few = draw_blends(1, "galaxyzoo", "test", rows, 3, AUTHORS)
    many = draw_blends(1, "galaxyzoo", "test", rows, 9, AUTHORS)
    pd.testing.assert_frame_equal(few, many.iloc[:3])
    assert not few.equals(draw_blends(1, "galaxyzoo", "validation", rows, 3, AUTHORS))


@pytest.mark.parametrize(
    "order, blending, text", [("ours", "max", "order"), ("authors", "min", "blending")]
)
def test_unknown_options_are_named(order, blending, text):
    with pytest.raises(ValidationError, match=text):
        PerturbConfig(
            order=order,
            shift_px=(10, 50),
            log_scale=(-1.0, 0.5),
            blending=blending,
            crop_px=240,
            reduce_by=3,
        )


def test_one_galaxy_is_too_few():
    with pytest.raises(DeblendError, match="too few"):
        draw_pairs(np.random.default_rng(1), np.arange(1), 2, AUTHORS)


def test_the_sky_of_a_frame_is_the_median_of_its_edges():
    frames = torch.full((2, 3, 9, 9), 7.0)
    frames[1] *= torch.tensor([1.0, 2.0, 3.0])[:, None, None]
    frames[:, :, 2:7, 2:7] = 200.0  # a galaxy
    frames[:, :, :, 0] = 90.0  # a star at one of the edges
    assert sky_level(frames)[..., 0, 0].tolist() == [[7, 7, 7], [7, 14, 21]]


@pytest.mark.parametrize("order", ["authors", "section_2_3"])
def test_a_companions_edge_is_black_or_as_bright_as_its_sky(order):
    """A bright sky, displaced and shrunk: what lies outside the frame shows its edge."""
    frames = torch.full((1, 3, 31, 31), 80.0)
    perturbation = torch.tensor([[0.0, 0, 0.3, 6, -6, 0.5]])
    options = PAIRS.model_dump() | {"order": order}
    black = perturb(frames, perturbation, PerturbConfig(**options))
    sky = perturb(frames, perturbation, PerturbConfig(**options | {"companion_edge": "sky"}))
    assert (black < 1).any() and (black > 79).any()
    assert torch.allclose(sky, torch.full_like(sky, 80.0), atol=1e-3)
