"""Images that figures show, read from files that are written here."""

import h5py
import numpy as np
from deblend.hemmati2022.examples import read_examples, read_galleries


def test_examples_are_images_and_kinds(tmp_path):
    high = np.arange(8.0).reshape(2, 2, 2)
    with h5py.File(tmp_path / "e.h5", "w") as file:
        file["high"], file["kind"] = high, np.array(["easy", "missed"], "S")
    images, kinds = read_examples(tmp_path / "e.h5")
    assert list(images) == ["high"] and kinds == ["easy", "missed"]
    np.testing.assert_array_equal(images["high"], high)


def test_galleries_may_have_no_network_of_several_bands(tmp_path):
    path = tmp_path / "g.h5"
    with h5py.File(path, "w") as file:
        file["real"], file["band"] = np.ones((3, 2, 2)), "f775w"
    images, bands, band = read_galleries(path)
    assert (list(images), bands, band) == (["real"], [], "f775w")
    with h5py.File(path, "a") as file:
        file["bands"] = np.array(["f606w", "f775w"], "S")
    assert read_galleries(path)[1] == ["f606w", "f775w"]
