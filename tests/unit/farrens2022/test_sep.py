"""SEP's labels of BlendHunter's stamps."""

import numpy as np
import pandas as pd
import pytest
import sep
from deblend.farrens2022.sep import (
    FAILED,
    authors,
    extract,
    label_stamps,
    no_oracle,
    section_4_1,
    used_settings,
)
from deblend.photometry.sep import background_rms

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
    assert section_4_1(*arrays, expected, 2.0) == answer


# The authors' code, by hand.
@pytest.mark.parametrize(
    ("x", "y", "flag", "expected", "answer"),
    [
        ([], [], [], PAIR, FAILED),
        ([], [], [], ALONE, FAILED),
        ([32], [32], [0], ALONE, 0),
        ([32], [32], [1], ALONE, 1),  # flagged, at its place
        ([50], [32], [1], ALONE, 0),
        ([34], [32], [1], ALONE, 0),  # the authors' code: below two pixels, not at two
        ([33], [33], [1], PAIR, 0),  # one detection cannot be at two places
        ([32, 50], [32, 32], [0, 0], ALONE, 1),  # two, one of them at the centre
        ([20, 50], [32, 32], [0, 0], ALONE, 0),
        ([32, 40], [32, 32], [0, 0], PAIR, 1),
        ([32, 50], [32, 32], [0, 0], PAIR, 0),
        ([32, 50], [32, 32], [1, 0], PAIR, 1),  # one where it should be, flagged
        ([32, 50], [32, 32], [0, 1], PAIR, 0),  # the flag is not where it should be
        ([32.5, 50], [32, 32], [0, 0], NEAR, 0),  # one detection is not used twice
        ([32, 40, 10], [32, 32, 10], [0, 0, 0], PAIR, 1),
        ([32, 50, 10], [32, 32, 10], [0, 0, 0], PAIR, 0),
        ([32, 50, 10], [32, 32, 10], [0, 0, 0], ALONE, 1),
    ],
)
def test_labels_by_the_authors_code(x, y, flag, expected, answer):
    arrays = np.array(x, float), np.array(y, float), np.array(flag, int)
    assert authors(*arrays, expected, 2.0) == answer


def test_a_mistake_of_ours_is_no_failure_of_sep():
    table = pd.DataFrame({"is_blend": [0], "dx_px": np.nan, "dy_px": np.nan})
    images = np.random.default_rng(0).normal(0, 5, (1, 65, 65)).astype(np.float32)
    incomplete = {key: value for key, value in SEP.items() if key != "contrast"}
    with pytest.raises(KeyError, match="contrast"):
        label_stamps(images, table, incomplete, 2.0)
    with pytest.raises(TypeError):
        label_stamps(images, table, SEP | {"min_area": "five"}, 2.0)


@pytest.mark.parametrize(
    ("flag", "answer"), [([], 0), ([0], 0), ([1], 1), ([2], 0), ([3], 1), ([0, 0], 1)]
)
def test_labels_without_true_positions(flag, answer):
    for expected in (ALONE, PAIR):
        for place in (32.0, 10.0):
            arrays = np.full(len(flag), place), np.full(len(flag), place), np.array(flag, int)
            assert no_oracle(*arrays, expected, 2.0) == answer


def test_sep_labels_clear_cases():
    y, x = np.indices((65, 65))

    def galaxy(cx, cy):
        return 2000 * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * 2.0**2))

    noise = np.random.default_rng(0).normal(0, 5, (3, 65, 65))
    images = np.stack([galaxy(32, 32), galaxy(32, 32) + galaxy(47, 32), galaxy(32, 32)]) + noise
    table = pd.DataFrame({"is_blend": [0, 1, 1], "dx_px": [np.nan, 15, 1], "dy_px": [np.nan, 0, 0]})
    labels = label_stamps(images.astype(np.float32), table, SEP, 2.0)
    # The third cannot be told from one galaxy.
    assert {name: found.tolist() for name, found in labels.items()} == dict.fromkeys(
        ("authors", "section_4_1", "no_oracle"), [0, 1, 0]
    )


def test_an_error_of_sep_is_a_failure_and_stops_nothing(caplog):
    y, x = np.indices((65, 65))
    noise = np.random.default_rng(0).normal(0, 5, (2, 65, 65))
    images = 2000 * np.exp(-((x - 32) ** 2 + (y - 32) ** 2) / 8) + noise
    table = pd.DataFrame({"is_blend": [0, 0], "dx_px": np.nan, "dy_px": np.nan})
    limit = sep.get_extract_pixstack()
    try:
        sep.set_extract_pixstack(10)
        crowded = label_stamps(images.astype(np.float32), table, SEP, 2.0)
    finally:
        sep.set_extract_pixstack(limit)
    assert (crowded == FAILED).all(axis=None)
    # One line for all stamps.
    assert len(caplog.records) == 1
    assert "2 of 2 stamps: SEP could not extract objects" in caplog.text
    labels = label_stamps(images.astype(np.float32), table, SEP, 2.0)
    assert (labels == 0).all(axis=None)


def test_the_constants_of_table_2_are_what_runs():
    y, x = np.indices((65, 65))
    noise = np.random.default_rng(0).normal(0, 5, (65, 65))
    image = (200 * np.exp(-((x - 30) ** 2 + (y - 32) ** 2) / 8) + noise).astype(np.float32)
    found = extract(image, SEP)
    # SEP's own default is the kernel of SExtractor's default.conv.
    default = sep.extract(image, 1.5, err=background_rms(image, 8), minarea=5)
    assert found["flux"] == pytest.approx(default["flux"])
    # A threshold relative to the noise does not change with the image's unit.
    assert len(extract(1000 * image, SEP)) == len(found)
    used = used_settings(SEP)
    assert used["THRESH_TYPE"] == "RELATIVE"
    assert used["FILTER"] == "Y"
    assert used["FILTER_NAME"] == "kernel_3x3.conv (default)"


def test_table_2_has_the_settings_that_run():
    """A change of any setting changes its row, and what is found."""
    y, x = np.indices((65, 65))
    noise = np.random.default_rng(0).normal(0, 5, (65, 65))
    pair = [(28, 32, 300), (36, 32, 150)]
    light = sum(flux * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 10) for cx, cy, flux in pair)
    image = (light + noise).astype(np.float32)
    found, used = extract(image, SEP), used_settings(SEP)
    for key, name, value in (
        ("threshold", "DETECT_THRESH", 4.0),
        ("min_area", "DETECT_MINAREA", 100),
        ("contrast", "DEBLEND_MINCONT", 0.9),
        ("n_thresholds", "DEBLEND_NTHRESH", 1),
        ("background_box_px", "BACK_SIZE", 32),
    ):
        other = SEP | {key: value}
        changed = used_settings(other)
        assert {row for row in used if used[row] != changed[row]} == {name}
        assert changed[name] == f"{value:g}"
        assert extract(image, other)["flux"].tolist() != found["flux"].tolist(), key
