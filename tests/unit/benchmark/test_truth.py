import tracemalloc

import numpy as np
import pandas as pd
from deblend.benchmark.truth import (
    COLUMNS,
    Truth,
    TruthFile,
    mask_of,
    read_truth,
    signal_to_noise,
    with_neighbour_quantities,
    write_truth,
)
from deblend.photometry.config import Detection


def test_what_was_written_is_read(tmp_path, truth):
    write_truth(tmp_path / "truth.h5", truth)
    found = read_truth(tmp_path / "truth.h5")
    pd.testing.assert_frame_equal(found.galaxies, truth.galaxies, check_dtype=False)
    np.testing.assert_array_equal(found.images, truth.images)
    np.testing.assert_array_equal(found.masks, truth.masks)
    assert read_truth(tmp_path / "truth.h5", pixels=False).images.size == 0


def test_part_of_the_scenes_is_numbered_from_0(truth):
    second = truth.of_scenes(1, 2)
    assert second.galaxies["scene"].tolist() == [0, 0]
    assert second.galaxies["id"].tolist() == ["g10", "g11"]
    np.testing.assert_array_equal(second.images, truth.images[2:])


def test_part_of_a_file_is_that_part_of_the_truth(tmp_path, truth):
    write_truth(tmp_path / "truth.h5", truth)
    for start, stop in ((0, 1), (1, 2), (0, 2), (1, 5)):
        found, known = (t.of_scenes(start, stop) for t in (TruthFile(tmp_path / "truth.h5"), truth))
        pd.testing.assert_frame_equal(found.galaxies, known.galaxies, check_dtype=False)
        np.testing.assert_array_equal(found.images, known.images)
        np.testing.assert_array_equal(found.masks, known.masks)


def test_parts_of_a_file_do_not_keep_the_whole_table(tmp_path):
    """Views of it would: the memory of a method's tables grew with the square of the scenes."""
    n = 4000
    table = pd.DataFrame({name: np.ones(n) for name in COLUMNS}).assign(scene=np.arange(n))
    empty = np.broadcast_to(np.uint8(0), (n, 1, 1))
    write_truth(tmp_path / "t.h5", Truth(table.assign(id="g"), empty, empty))
    file = TruthFile(tmp_path / "t.h5")
    file.of_scenes(0, 1)
    tracemalloc.start()
    parts = [file.of_scenes(start, start + 40).galaxies for start in range(0, n, 40)]
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert sum(map(len, parts)) == n
    assert kept < 10 * n * 8 * len(COLUMNS)


def test_neighbours_give_differences_and_separations():
    table = pd.DataFrame(
        {
            "scene": [0, 0, 0, 1],
            "x_px": [10.0, 13.0, 10.0, 5.0],
            "y_px": [10.0, 14.0, 20.0, 5.0],
            "mag": [20.0, 21.0, 22.5, 19.0],
            "half_light_radius_px": [2.0, 4.0, 5.0, 3.0],
        }
    )
    found = with_neighbour_quantities(table)
    # Distances: 5 between the first two, 10 and sqrt(45) from the third.
    np.testing.assert_allclose(
        found["separation_over_size"], [5 / 4, 5 / 4, np.sqrt(45) / 5, np.nan]
    )
    np.testing.assert_allclose(found["delta_mag"], [-1.0, 1.0, 2.5, np.nan])


def test_signal_to_noise_is_that_of_a_matched_filter():
    image = np.zeros((1, 5, 5))
    image[0, 2, 2:4] = 3.0, 4.0
    np.testing.assert_allclose(signal_to_noise(image, 0.5), [10.0])


def test_the_mask_of_a_faint_galaxy_is_empty():
    detection = Detection(threshold=1.5, min_area=8, contrast=0.02, n_thresholds=32)
    image = np.zeros((20, 20))
    image[8:13, 8:13] = 1.0
    assert mask_of(image, 10, 10, 0.1, [detection]).sum() >= 25
    assert mask_of(image, 10, 10, 10.0, [detection]).sum() == 0
    assert mask_of(image, 2, 2, 0.1, [detection]).sum() == 0
    # What the first mode does not find, the second one can.
    strict = detection.model_copy(update={"threshold": 1000.0})
    both = mask_of(image, 10, 10, 0.1, [strict, detection])
    np.testing.assert_array_equal(both, mask_of(image, 10, 10, 0.1, [detection]))
