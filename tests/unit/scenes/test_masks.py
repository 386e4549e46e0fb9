import numpy as np
from deblend.scenes.masks import Mask, read_masks, write_masks


def test_masks_are_written_and_read(tmp_path):
    image = np.linspace(0, 1, 16, dtype=np.float32).reshape(4, 4)
    masks = [
        Mask(0, 1, "unet", (2.5, 3.0), 1.5, image),
        Mask(2, 0, "unet", (0.0, -1.0), 1.5, image),
    ]
    write_masks(tmp_path / "masks.h5", masks)
    again = read_masks(tmp_path / "masks.h5")
    assert [(m.scene, m.source, m.method, m.corner, m.step_px) for m in again] == [
        (m.scene, m.source, m.method, m.corner, m.step_px) for m in masks
    ]
    np.testing.assert_array_equal(again[1].probability, image)


def test_without_masks_the_file_is_empty(tmp_path):
    write_masks(tmp_path / "masks.h5", [])
    assert read_masks(tmp_path / "masks.h5") == []
