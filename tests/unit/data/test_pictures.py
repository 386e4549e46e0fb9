"""Pictures are decoded within limits."""

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
