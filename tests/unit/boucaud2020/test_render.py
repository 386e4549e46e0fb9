import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.render import (
    galaxies_of,
    orient,
    render,
    render_components,
    turned_position,
)
from deblend.data.noise import read_correlation
from deblend.errors import DeblendError
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import ROOT, galaxy_table, make_stamps

SIZE = 32
CORRELATION = read_correlation(ROOT / "config" / "noise.yaml")


def rows(**columns):
    default = {
        "central": [0],
        "companion": [1],
        "dx": [0],
        "dy": [0],
        "central_orientation": [0],
        "companion_orientation": [0],
        "seed": [1],
    }
    return pd.DataFrame({**default, **columns})


@pytest.fixture(scope="module")
def images():
    return np.random.default_rng(0).normal(size=(20, SIZE, SIZE)).astype(np.float32)


@pytest.fixture(scope="module")
def blends():
    return draw_blends(
        galaxy_table(20),
        np.arange(20),
        0,
        100,
        stamp_size=SIZE,
        seed=3,
        split="train",
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True),
    )


def compact(n=8, side=9):
    """Stamps whose light is at the centre, so that no drawn shift moves it out of the frame."""
    images = np.zeros((n, SIZE, SIZE), np.float32)
    block = slice(SIZE // 2 - side // 2, SIZE // 2 + side // 2 + 1)
    images[:, block, block] = np.random.default_rng(1).exponential(size=(n, side, side))
    return images


@given(
    dx=st.integers(-10, 10),
    dy=st.integers(-10, 10),
    a=st.integers(0, 7),
    b=st.integers(0, 7),
)
@settings(deadline=None)
def test_flux_is_conserved_whatever_shift_and_orientation(dx, dy, a, b):
    images = compact()
    table = rows(dx=[dx], dy=[dy], central_orientation=[a], companion_orientation=[b])
    blend = render(images, table)
    assert blend.sum() == pytest.approx(images[0].sum() + images[1].sum(), rel=1e-5)


def test_companion_lands_where_the_row_says():
    images = np.zeros((2, SIZE, SIZE), np.float32)
    images[:, SIZE // 2, SIZE // 2] = [1, 2]
    blend = render(images, rows(dx=[3], dy=[-5]))[0]
    assert blend[SIZE // 2, SIZE // 2] == 1
    assert blend[SIZE // 2 - 5, SIZE // 2 + 3] == 2


def test_orientations_are_the_eight_of_the_square_and_keep_the_centre():
    image = np.random.default_rng(2).normal(size=(SIZE, SIZE))
    turned = [orient(image, k) for k in range(8)]
    centre = SIZE // 2
    assert all(t[centre, centre] == image[centre, centre] for t in turned)
    # The pixels at distance (3, 5) of the centre are permuted among the eight places.
    places = {(sy * a, sx * b) for a, b in ((3, 5), (5, 3)) for sy in (1, -1) for sx in (1, -1)}
    values = {image[centre + y, centre + x] for y, x in places}
    assert {t[centre + 3, centre + 5] for t in turned} == values


@pytest.mark.parametrize("correlation", [None, CORRELATION])
def test_batches_and_order_do_not_matter(images, blends, correlation):
    options = {"companion_edge": "noise", "noise_sigma": 1.0, "noise_correlation": correlation}
    whole = render(images, blends, **options)
    parts = [render(images, blends.iloc[i : i + 7], **options) for i in range(0, 100, 7)]
    np.testing.assert_array_equal(whole, np.concatenate(parts))
    shuffled = np.random.default_rng(0).permutation(100)
    again = render(images, blends.iloc[shuffled], **options)
    np.testing.assert_array_equal(whole[shuffled], again)


def test_components_add_up_to_the_blend(images, blends):
    components = render_components(images, blends)
    np.testing.assert_allclose(components.sum(axis=1), render(images, blends), atol=1e-6)


def test_noise_fills_only_what_the_companion_leaves_empty(images):
    table = rows(dx=[10])
    zero = render(images, table)[0]
    noisy = render(images, table, companion_edge="noise", noise_sigma=5.0)[0]
    np.testing.assert_array_equal(noisy[:, 10:], zero[:, 10:])
    assert np.std(noisy[:, :10] - zero[:, :10]) == pytest.approx(5.0, rel=0.15)


def test_white_noise_of_the_edge_is_that_of_numpy_to_the_bit(images):
    table = rows(dx=[10], dy=[-3], seed=[77])
    zero = render(images, table)[0]
    noisy = render(images, table, companion_edge="noise", noise_sigma=5.0)[0]
    empty = np.zeros((SIZE, SIZE), bool)
    empty[:, :10] = empty[-3:] = True
    zero[empty] += np.random.default_rng(77).normal(0, 5.0, empty.sum()).astype(np.float32)
    np.testing.assert_array_equal(noisy, zero)


@pytest.mark.parametrize("orientation", range(8))
@pytest.mark.parametrize("side", [32, 33])
def test_positions_turn_with_the_image(side, orientation):
    image = np.zeros((side, side))
    image[side // 2 - 3, side // 2 + 7] = 1
    y, x = np.argwhere(orient(image, orientation))[0] - side // 2
    assert turned_position(7, -3, orientation) == (x, y)


@pytest.mark.parametrize("orientation", [0, 4])
def test_noise_of_the_edge_can_be_correlated(orientation):
    n, shift = 400, 10
    table = pd.concat([rows(dx=[shift], companion_orientation=[orientation])] * n)
    table["seed"] = np.arange(n)
    options = {"companion_edge": "noise", "noise_sigma": 5.0, "noise_correlation": CORRELATION}
    noise = render(np.zeros((2, SIZE, SIZE), np.float32), table, **options)
    np.testing.assert_array_equal(noise[:, :, shift:], 0)
    edge = noise[:, :, :shift].astype(float)
    assert np.std(edge) == pytest.approx(5.0, rel=0.02)
    # Stamps are noisier in one direction than in the other: the fill turns with its stamp.
    along_x, along_y = CORRELATION[2, 3], CORRELATION[3, 2]
    if orientation == 4:
        along_x, along_y = along_y, along_x
    assert np.mean(edge[:, :, 1:] * edge[:, :, :-1]) / 25 == pytest.approx(along_x, abs=0.02)
    assert np.mean(edge[:, 1:] * edge[:, :-1]) / 25 == pytest.approx(along_y, abs=0.02)


def test_the_stamps_are_not_changed(images, blends):
    before = images.copy()
    render(images, blends)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"central": [99]}, "there are 20 stamps"),
        ({"dx": [SIZE]}, "leaves the frame"),
        ({"companion": [-1]}, "different data sets"),
    ],
)
def test_rows_that_do_not_fit_are_refused(images, changes, message):
    with pytest.raises(DeblendError, match=message):
        render(images, rows(**changes))


def test_unknown_edge_is_refused(images):
    with pytest.raises(DeblendError, match="'mirror'; it can be zero or noise"):
        render(images, rows(), companion_edge="mirror")


def test_blends_can_be_rendered_from_their_own_galaxies_alone(images, blends):
    stamps = make_stamps(images)
    options = {"companion_edge": "noise", "noise_sigma": 1.0}
    some = blends.iloc[[70, 3, 4]]
    own, numbered = galaxies_of(stamps, some)
    used = np.unique(some[["central", "companion"]])
    assert len(own) == len(used) < len(images)
    np.testing.assert_array_equal(render(own, numbered, **options), render(images, some, **options))
    with pytest.raises(DeblendError, match="galaxies 0 to 20, but there are 20 stamps"):
        galaxies_of(stamps, rows(companion=[20]))
