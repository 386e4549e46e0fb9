"""Settings of SEP: their limits, and that 1 is the contrast without deblending."""

import numpy as np
import pytest
from deblend.photometry.config import Detection
from deblend.photometry.sep import detect
from pydantic import ValidationError

SETTINGS = {"threshold": 1.5, "min_area": 5, "contrast": 0.005, "n_thresholds": 32}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"threshold": 0.0}, "threshold\n.*greater than 0"),
        ({"min_area": 0}, "min_area\n.*greater than or equal to 1"),
        ({"min_area": 5.5}, "min_area\n.*valid integer"),
        ({"contrast": 1.1}, "contrast\n.*less than or equal to 1"),
        ({"n_thresholds": 0}, "n_thresholds\n.*greater than or equal to 1"),
        ({"threshold_sigma": 2.0}, "there is no such key; did you mean threshold"),
    ],
)
def test_settings_that_sep_cannot_use_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        Detection(**SETTINGS | changes)


def test_with_a_contrast_of_1_nothing_is_deblended():
    y, x = np.indices((48, 48))
    image = sum(np.exp(-((x - x0) ** 2 + (y - 24) ** 2) / (2 * 3**2)) for x0 in (18, 29))
    for contrast, n in ((0.005, 2), (1, 1)):
        objects, _ = detect(
            image.astype(np.float32), Detection(**SETTINGS | {"contrast": contrast}), 0.01
        )
        assert len(objects) == n
