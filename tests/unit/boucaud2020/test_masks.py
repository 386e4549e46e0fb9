"""Masks and their figures."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig10_12_masks import (
    draw_fig10,
    draw_fig11,
    draw_fig12,
    examples_table,
    fig12_data,
    fig12_statistics,
    read_examples,
)
from deblend.boucaud2020.masks import (
    intersection_over_union,
    mask_table,
    select_examples,
    true_masks,
)
from deblend.errors import DeblendError
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


def test_examples_are_chosen_by_distance_alone():
    blends = pd.DataFrame({"dx": [9, 1, 30, 2, 20, 12, 1, 40], "dy": 0})
    assert select_examples(blends).tolist() == [1, 0, 4, 2]
    assert select_examples(blends.iloc[:2]).tolist() == [1, 0]


def examples(seed=0, blend=(3, 8)):
    rng = np.random.default_rng(seed)
    n = len(blend)
    return {
        "blend": np.array(blend),
        "image": rng.normal(0, 0.01, (n, 16, 16)),
        "true": (rng.uniform(size=(n, 16, 16, 2)) > 0.5).astype(np.uint8),
        "predicted": rng.uniform(size=(n, 16, 16, 2)),
    }


def test_figure_12_averages_both_galaxies_and_ignores_who_is_central(tmp_path):
    iou = pd.DataFrame(
        {
            "blend": [0, 0, 1, 1, 2, 2],
            "galaxy": ["central", "companion"] * 3,
            "network": "unet",
            "iou": [0.8, 0.6, 0.9, 0.9, np.nan, np.nan],
        }
    )
    catalog = pd.DataFrame(
        {"id": [0, 1, 2], "g1_type": ["sph", "irr", "sph"], "g2_type": ["irr", "sph", "sph"]}
    )
    data = fig12_data(iou, catalog)
    assert data["pair"].tolist()[0] == data["pair"].tolist()[1] == "sph / irr"
    numbers = fig12_statistics(data).set_index("pair")
    assert numbers.loc["all", "mean_iou"] == pytest.approx(0.8)
    assert numbers.loc["all", "n_undefined"] == 1
    assert numbers.loc["sph / irr", "n"] == 2
    draw_fig12(data, numbers.reset_index(), [tmp_path / "fig12.png"], "one network")
    assert (tmp_path / "fig12.png").stat().st_size > 1000


def test_figures_10_and_11_are_drawn_alike_twice(tmp_path):
    with h5py.File(tmp_path / "masks.h5", "w") as file:
        for name, values in examples().items():
            file[name] = values
    shown = {"unet": read_examples(tmp_path / "masks.h5"), "blend2mask2flux": examples(1)}
    table = examples_table(shown)
    assert len(table) == 8
    for i in "ab":
        draw_fig10(shown["blend2mask2flux"], 0.01, [tmp_path / f"{i}10.pdf"], "x")
        draw_fig11(shown, [tmp_path / f"{i}11.pdf"], "x")
    for n in ("10", "11"):
        assert (tmp_path / f"a{n}.pdf").read_bytes() == (tmp_path / f"b{n}.pdf").read_bytes()
    with pytest.raises(DeblendError, match=r"blends \[3, 8\], .* \[3, 9\]"):
        draw_fig11({**shown, "blend2mask2flux": examples(1, (3, 9))}, [], "x")
