"""Batches of training blends: which blends each iteration sees."""

import numpy as np
import pytest
import torch
from deblend.reiman2019.batches import PairSource, turn

from tests.unit.reiman2019.conftest import PAIRS, source_of

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def test_fixed_blends_are_all_seen_once_in_each_epoch(frames):
    """Twelve blends in batches of four: three iterations are an epoch."""
    options = {"seed": 1, "batch_size": 4}
    source = PairSource(frames, np.arange(8), PAIRS, n_blends=12, **options)

    def seen(iterations):
        return [tuple(row) for i in iterations for row in source.batch(i)[2].tolist()]

    first, second = seen(range(3)), seen(range(3, 6))
    assert len(set(first)) == 12
    assert sorted(first) == sorted(second)
    assert first != second
    # What an iteration sees does not depend on those before it.
    other = PairSource(frames, np.arange(8), PAIRS, n_blends=12, **options)
    assert all(torch.equal(*x) for x in zip(other.batch(4), source.batch(4), strict=True))
    # Two epochs meet within a batch.
    odd = PairSource(frames, np.arange(8), PAIRS, n_blends=6, **options)
    rows = [tuple(row) for i in range(3) for row in odd.batch(i)[2].tolist()]
    assert len(set(rows[:6])) == len(set(rows[6:])) == 6


def test_without_a_number_of_blends_every_iteration_has_new_ones(frames):
    source = source_of(frames)
    rows = [tuple(row) for i in range(6) for row in source.batch(i)[2].tolist()]
    assert len(set(rows)) == len(rows)


def test_images_are_turned_to_each_symmetry_of_a_square():
    images = torch.arange(3 * 3).reshape(1, 3, 3, 1).expand(8, 3, 3, 3)
    found = [image[..., 0].numpy() for image in turn(images, np.arange(8))]
    square = np.arange(9).reshape(3, 3)
    rotated = [np.rot90(square, k) for k in range(4)]
    expected = [*rotated, *(image.T for image in rotated)]
    assert sorted(map(bytes, found)) == sorted(np.ascontiguousarray(x).tobytes() for x in expected)
    np.testing.assert_array_equal(found[0], square)


def test_only_the_central_galaxies_are_turned():
    frames = np.random.default_rng(2).integers(0, 256, (12, 31, 31, 3), np.uint8)
    options = {"seed": 1, "batch_size": 8, "augment": True}
    usual = PairSource(frames, np.arange(8), PAIRS, seed=1, batch_size=8).batch(0)
    turned = PairSource(frames, np.arange(8), PAIRS, **options).batch(0)
    assert all(torch.equal(*x) for x in zip(turned[1:], usual[1:], strict=True))
    assert not torch.equal(turned[0], usual[0])
    for ours, image in zip(turned[0], usual[0], strict=True):
        ways = turn(image.expand(8, *image.shape), np.arange(8))
        assert any(torch.equal(ours, way) for way in ways)


def test_errors_of_the_reading_thread_are_raised(frames):
    source = PairSource(frames, np.array([0, 99]), PAIRS, seed=1, batch_size=4)
    with pytest.raises(IndexError):
        list(source.batches(0, 3, CPU))
