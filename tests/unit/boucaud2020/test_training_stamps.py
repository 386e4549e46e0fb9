"""Stamps of a training, in memory and on disk."""

import multiprocessing
import tracemalloc
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.masks import true_masks
from deblend.boucaud2020.render import render
from deblend.boucaud2020.training_stamps import (
    TrainingStamps,
    open_for_training,
    stamps_bytes,
)
from deblend.data.stamps import band_table, write_stamps

from tests.conftest import make_stamps

N, SIDE = 40, 24


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """Stamps in two bands, whose masks have other numbers than 1."""
    rng = np.random.default_rng(0)
    stamps = make_stamps(rng.normal(size=(N, SIDE, SIDE)), rng.integers(0, 4, (N, SIDE, SIDE)))
    second = np.full_like(stamps.images, 99)
    bands = pd.concat([stamps.bands, band_table("other", 0.06, 25.9, 1.0)], ignore_index=True)
    both = np.concatenate([stamps.images, second], axis=1)
    path = tmp_path_factory.mktemp("stamps") / "s.h5"
    write_stamps(path, replace(stamps, images=both, bands=bands, psf=None))
    return path


@pytest.fixture(scope="module")
def blends():
    rng = np.random.default_rng(1)
    turns = rng.integers(0, 8, (2, 64))
    return pd.DataFrame(
        {
            "central": rng.integers(0, N, 64),
            "companion": rng.integers(0, N, 64),
            "dx": rng.integers(-9, 10, 64),
            "dy": rng.integers(-9, 10, 64),
            "central_orientation": turns[0],
            "companion_orientation": turns[1],
            "seed": np.arange(64),
        }
    )


def made(stamps, blends):
    images, masks, numbered = stamps.of(blends)
    return render(images, numbered), true_masks(masks, numbered)


def sources(path, kept_bytes=0):
    """The same stamps in memory and on disk."""
    whole = open_for_training(path, masks=True)
    assert isinstance(whole.images, np.ndarray)
    opened = open_for_training(path, masks=True, kept_bytes=kept_bytes)
    assert not isinstance(opened.images, np.ndarray)
    on_disk = TrainingStamps(opened, masks=True, kept_bytes=kept_bytes)
    return TrainingStamps(whole, masks=True), on_disk


@pytest.mark.parametrize("kept_bytes", [0, 10_000])
def test_blends_are_the_same_from_memory_and_from_a_disk(path, blends, kept_bytes):
    in_memory, on_disk = sources(path, kept_bytes)
    for batch in (blends.iloc[:1], blends.iloc[5:25], blends):
        for one, other in zip(made(in_memory, batch), made(on_disk, batch), strict=True):
            np.testing.assert_array_equal(one, other)
    images, masks = made(in_memory, blends)
    assert np.abs(images).max() < 50  # nothing of the second band
    assert set(np.unique(masks)) == {0, 1}


def test_threads_can_share_stamps_on_a_disk(path, blends):
    in_memory, on_disk = sources(path, 10_000)
    batches = [blends.sample(8, random_state=k) for k in range(40)]
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda batch: made(on_disk, batch), batches))
    for batch, (images, masks) in zip(batches, found, strict=True):
        expected = made(in_memory, batch)
        np.testing.assert_array_equal(images, expected[0])
        np.testing.assert_array_equal(masks, expected[1])


def _images_of(connection, stamps, blends):
    connection.send([made(stamps, blends)[0] for _ in range(20)])


def test_forked_processes_can_share_stamps_on_a_disk(path, blends):
    in_memory, on_disk = sources(path, 10_000)
    expected = made(in_memory, blends)[0]
    made(on_disk, blends)  # opens the file
    context = multiprocessing.get_context("fork")
    ends = [context.Pipe() for _ in range(3)]
    processes = [
        context.Process(target=_images_of, args=(theirs, on_disk, blends)) for _, theirs in ends
    ]
    for process in processes:
        process.start()
    ours = [made(on_disk, blends)[0] for _ in range(20)]
    for images in (*ours, *(image for mine, _ in ends for image in mine.recv())):
        np.testing.assert_array_equal(images, expected)
    for process in processes:
        process.join(60)
        assert process.exitcode == 0


def test_masks_are_only_read_where_they_are_asked_for(path, blends):
    with_masks = open_for_training(path, masks=True)
    without = open_for_training(path, masks=False)
    sizes = [stamps_bytes(with_masks, masks=masks) for masks in (True, False)]
    assert sizes == [5 * N * SIDE**2, 4 * N * SIDE**2]
    for kept_bytes in (2**20, 0):
        stamps = TrainingStamps(without, masks=False, kept_bytes=kept_bytes)
        images, masks, numbered = stamps.of(blends)
        assert masks.size == 0
        np.testing.assert_array_equal(
            render(images, numbered), made(TrainingStamps(with_masks, masks=True), blends)[0]
        )


@pytest.mark.parametrize(("masks", "bytes_per_pixel"), [(True, 5), (False, 4)])
def test_the_training_keeps_no_more_than_is_asked_for(tmp_path, masks, bytes_per_pixel):
    images = np.ones((1000, 64, 64))
    write_stamps(tmp_path / "s.h5", make_stamps(images, np.ones(images.shape, np.int16)))
    tracemalloc.start()
    stamps = TrainingStamps(open_for_training(tmp_path / "s.h5", masks=masks), masks=masks)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept / images.size == pytest.approx(bytes_per_pixel, abs=0.3)
    assert peak / images.size < bytes_per_pixel + 0.5
    del stamps
