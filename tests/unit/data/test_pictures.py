"""Pictures are decoded within limits."""

import tracemalloc

import numpy as np
import pytest
from deblend.data.pictures import open_picture
from deblend.errors import DeblendError
from PIL import Image


def test_a_picture_is_read_as_it_was_written(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 3)).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "a.png")
    with open_picture(tmp_path / "a.png") as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)


def test_other_formats_and_sizes_are_refused_in_words(tmp_path):
    Image.new("RGB", (4, 4)).save(tmp_path / "a.bmp")
    with pytest.raises(DeblendError, match="a.bmp cannot be read as an image .*JPEG or PNG"):
        open_picture(tmp_path / "a.bmp").__enter__()
    Image.new("1", (10_000, 6000)).save(tmp_path / "a.png")
    with pytest.raises(DeblendError, match="a.png has more than 50000000 pixels: cut it"):
        open_picture(tmp_path / "a.png").__enter__()


def test_a_part_that_says_it_is_large_takes_no_memory(tmp_path):
    path = tmp_path / "a.png"
    Image.new("RGB", (4, 4)).save(path)
    content = bytearray(path.read_bytes())
    content[content.index(b"IDAT") - 4] ^= 0x80  # two more gigabytes
    path.write_bytes(bytes(content))
    tracemalloc.start()
    try:
        with open_picture(path) as image:
            assert image.size == (4, 4)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()
