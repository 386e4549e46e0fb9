"""SEP's labels of BlendHunter's stamps."""

import numpy as np
import pandas as pd
import pytest
from deblend.farrens2022.sep import FAILED, label_detections, label_stamps

SEP = {
    "threshold": 1.5,
    "min_area": 5,
    "contrast": 0.005,
    "n_thresholds": 32,
    "background_box_px": 8,
}
ALONE = np.array([[32.0, 32.0]])
PAIR = np.array([[32.0, 32.0], [40.0, 32.0]])
NEAR = np.array([[32.0, 32.0], [33.0, 32.0]])


# The cases of Sect. 4.1, by hand.
@pytest.mark.parametrize(
    ("x", "y", "flag", "expected", "answer"),
    [
        ([], [], [], PAIR, 0),
        ([32], [32], [0], ALONE, 0),
        ([33], [33], [1], PAIR, 1),  # one, flagged as a blend, where it should be
        ([36], [32], [1], PAIR, 0),  # flagged, between the two: not at an expected position
        ([32], [32], [0], PAIR, 0),
        ([32, 40], [32, 32], [0, 0], PAIR, 1),
        ([41, 31], [33, 32], [1, 0], PAIR, 1),
        ([32, 50], [32, 32], [0, 0], PAIR, 0),
        ([32, 33], [32, 32], [0, 0], PAIR, 0),  # both at the same galaxy
        ([32, 50], [32, 32], [0, 0], ALONE, 0),
        ([32, 40, 10], [32, 32, 10], [0, 0, 0], PAIR, 1),
        ([32.5, 10, 50], [32, 10, 50], [0, 0, 0], NEAR, FAILED),  # one detection, near both
        ([32, 50, 10], [32, 32, 10], [0, 0, 0], PAIR, FAILED),
        ([32, 50, 10], [32, 32, 10], [0, 0, 0], ALONE, FAILED),
    ],
)
def test_labels_by_the_rules_of_section_4_1(x, y, flag, expected, answer):
    arrays = np.array(x, float), np.array(y, float), np.array(flag, int)
    assert label_detections(*arrays, expected, 2.0) == answer


def test_sep_labels_clear_cases():
    y, x = np.indices((65, 65))

    def galaxy(cx, cy):
        return 2000 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 2.0**2))

    noise = np.random.default_rng(0).normal(0, 5, (3, 65, 65))
    images = np.stack([galaxy(32, 32), galaxy(32, 32) + galaxy(47, 32), galaxy(32, 32)]) + noise
    table = pd.DataFrame({"is_blend": [0, 1, 1], "dx_px": [np.nan, 15, 1], "dy_px": [np.nan, 0, 0]})
    labels = label_stamps(images.astype(np.float32), table, SEP, 7, 2.0)
    assert labels.tolist() == [0, 1, 0]  # the third cannot be told from one galaxy
