"""Masks, and how well they are recovered."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.masks import (
    intersection_over_union,
    mask_table,
    select_examples,
    true_masks,
)
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import jaccard_score


@given(pair=arrays(bool, (2, 1, 6, 6, 2)))
def test_iou_is_the_jaccard_index(pair):
    first, second = pair
    ours = intersection_over_union(first, second)
    for i in range(2):
        a, b = first[0, ..., i].ravel(), second[0, ..., i].ravel()
        if not (a | b).any():
            assert np.isnan(ours[0, i])
        else:
            assert ours[0, i] == pytest.approx(jaccard_score(a, b))
    np.testing.assert_array_equal(ours, intersection_over_union(second, first))


@given(shift=st.tuples(st.integers(-8, 8), st.integers(-8, 8)))
def test_masks_are_shifted_as_the_galaxies_are(shift):
    segmaps = np.zeros((2, 16, 16), np.int16)
    segmaps[:, 6:11, 6:11] = 1
    blends = pd.DataFrame(
        {
            "blend": [0],
            "central": [0],
            "companion": [1],
            "dx": [shift[0]],
            "dy": [shift[1]],
            "central_orientation": [0],
            "companion_orientation": [0],
            "seed": [0],
        }
    )
    masks = true_masks(segmaps, blends, overlap=True)
    assert masks.shape == (1, 16, 16, 3)
    np.testing.assert_array_equal(masks[0, ..., 0], segmaps[0])
    y, x = np.nonzero(masks[0, ..., 1])
    expected = [(j + shift[1], i + shift[0]) for j in range(6, 11) for i in range(6, 11)]
    inside = {(j, i) for j, i in expected if 0 <= j < 16 and 0 <= i < 16}
    assert set(zip(y.tolist(), x.tolist(), strict=True)) == inside
    np.testing.assert_array_equal(masks[..., 2], masks[..., 0] & masks[..., 1])


def test_the_table_has_areas_and_scores():
    true = np.zeros((2, 8, 8, 2))
    true[:, 2:6, 2:6] = 1
    predicted = np.zeros((2, 8, 8, 2))
    predicted[:, 2:6, 2:4, 0] = 0.9
    predicted[:, 2:6, 2:6, 1] = 0.5  # at the threshold: in
    table = mask_table(np.array([7, 9]), predicted, true, "unet")
    assert table["blend"].tolist() == [7, 7, 9, 9]
    assert table["iou"].tolist() == [0.5, 1.0] * 2
    assert table["area_predicted_px"].tolist() == [8, 16] * 2
    assert (table["area_true_px"] == 16).all()


def test_a_mask_that_vanished_has_an_iou_of_zero():
    true = np.zeros((1, 8, 8, 2))
    true[:, 2:6, 2:6, 0] = 1
    table = mask_table(np.array([3]), np.zeros((1, 8, 8, 2)), true, "unet")
    assert table["iou"].tolist() == pytest.approx([0, np.nan], nan_ok=True)
    assert table["area_true_px"].tolist() == [16, 0]
    assert table["area_predicted_px"].tolist() == [0, 0]


def test_examples_are_chosen_by_distance_alone():
    blends = pd.DataFrame({"dx": [9, 1, 30, 2, 20, 12, 1, 40], "dy": 0})
    assert select_examples(blends).tolist() == [1, 0, 4, 2]
    assert select_examples(blends.iloc[:2]).tolist() == [1, 0]
