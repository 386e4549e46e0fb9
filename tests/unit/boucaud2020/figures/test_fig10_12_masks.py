"""Figures 10 to 12: masks."""

import h5py
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig10_12_masks import (
    blend_noise,
    draw_fig10,
    draw_fig11,
    draw_fig12,
    examples_table,
    fig12_data,
    fig12_statistics,
    mask_label,
    read_examples,
)
from deblend.errors import DeblendError

from tests.figures import texts


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
            "area_true_px": [100] * 4 + [0, 0],
        }
    )
    catalog = pd.DataFrame(
        {"id": [0, 1, 2], "g1_type": ["sph", "irr", "sph"], "g2_type": ["irr", "sph", "sph"]}
        | {"g1_id": [7, 8, 9], "g2_id": [17, 18, 7]}
    )
    data = fig12_data(iou, catalog)
    assert data["pair"].tolist()[0] == data["pair"].tolist()[1] == "sph / irr"
    assert data[["galaxy_id", "partner_id"]].to_numpy().tolist() == [
        *(["7", "17"], ["8", "18"]),
        ["9", "7"],
    ]
    numbers = fig12_statistics(data).set_index("pair")
    assert numbers.loc["all", "mean_iou"] == pytest.approx(0.8)
    assert numbers.loc["all", "n_undefined"] == 1
    assert numbers.loc["sph / irr", "n"] == 2
    draw_fig12(data, numbers.reset_index(), [tmp_path / "fig12.png"], "one network")
    assert (tmp_path / "fig12.png").stat().st_size > 1000


def test_masks_that_vanished_count_and_galaxies_without_a_true_mask_do_not():
    """The means are those of the claims about masks, which are over masks."""
    iou = pd.DataFrame(
        {
            "blend": np.repeat([0, 1, 2, 3], 2),
            "galaxy": ["central", "companion"] * 4,
            "network": "unet",
            "iou": [0.8, 0.0, np.nan, 0.6, 0.9, 0.0, 0.0, 0.0],
            "area_true_px": [100, 50, 100, 50, 100, 0, 0, 0],
            "area_predicted_px": [90, 0, 0, 60, 95, 10, 10, 10],
        }
    )
    ids = {"g1_id": range(4), "g2_id": range(4, 8)}
    catalog = pd.DataFrame({"id": range(4), "g1_type": "sph", "g2_type": "irr"} | ids)
    data = fig12_data(iou, catalog)
    np.testing.assert_allclose(data["iou"], [0.4, 0.3, 0.9, np.nan])
    row = fig12_statistics(data).iloc[0]
    assert (row["n"], row["n_undefined"]) == (3, 1)
    assert row["mean_iou"] == pytest.approx((0.4 + 0.3 + 0.9) / 3)
    whole = iou[iou["blend"] < 2]
    counted = fig12_statistics(fig12_data(whole, catalog)).iloc[0]["mean_iou"]
    assert counted == pytest.approx((0.8 + 0 + 0 + 0.6) / 4)


def test_the_noise_is_that_of_a_sum_of_two_stamps_in_the_network_s_unit():
    rng = np.random.default_rng(2)
    stamps = rng.normal(0, 0.01, (2, 300, 300))
    about = {"noise_sigma": 0.01, "network_zero_point": 25.0}
    # Ten times the counts.
    for zero_point, scale in ((25.0, 1), (27.5, 10)):
        noise = blend_noise(about, {"zero_point": zero_point})
        assert noise == pytest.approx(scale * stamps.sum(axis=0).std(), rel=0.01)


def test_labels_name_the_networks_shown_and_those_of_them_that_have_not_learnt():
    about = {"scale": "toy", "dataset": "simulated"}
    records = [{"name": "unet", "problem": "its masks are empty"}, {"name": "joint"}]
    assert mask_label(about, ["joint"], records) == "toy scale, simulated, joint"
    both = mask_label(about, ["unet", "joint"], records)
    assert both.startswith("toy scale, simulated, unet, joint, ")
    assert "unet has not learnt: its masks are empty" in both


def test_figures_10_and_11_are_drawn_alike_twice(drawn, tmp_path):
    with h5py.File(tmp_path / "masks.h5", "w") as file:
        for name, values in examples().items():
            file[name] = values
    shown = {"unet": read_examples(tmp_path / "masks.h5"), "blend2mask2flux": examples(1)}
    table = examples_table(shown)
    assert len(table) == 8
    for i in "ab":
        draw_fig10(shown["blend2mask2flux"], 0.01, 0.06, [tmp_path / f"{i}10.pdf"], "x")
        draw_fig11(shown, 0.06, [tmp_path / f"{i}11.pdf"], "x")
    for figure in drawn[:2]:
        assert {"truth\ncentral", "truth\ncompanion"} <= set(texts(figure))
    for n in ("10", "11"):
        assert (tmp_path / f"a{n}.pdf").read_bytes() == (tmp_path / f"b{n}.pdf").read_bytes()
    with pytest.raises(DeblendError, match=r"blends \[3, 8\], .* \[3, 9\]"):
        draw_fig11({**shown, "blend2mask2flux": examples(1, (3, 9))}, 0.06, [], "x")


def test_the_means_of_figure_12_have_intervals_that_are_drawn(drawn):
    n = 400
    rng = np.random.default_rng(5)
    parts = []
    for network, mean in (("unet", 0.8), ("joint_text", 0.6)):
        parts.append(pd.DataFrame({"network": network, "iou": rng.normal(mean, 0.05, n)}))
        parts[-1]["blend"] = np.arange(n)
        parts[-1]["pair"] = np.where(np.arange(n) < 100, "sph / sph", "irr / irr")
        parts[-1]["galaxy_id"] = np.arange(n).astype(str)
        parts[-1]["partner_id"] = (n + np.arange(n)).astype(str)
    data = pd.concat(parts, ignore_index=True)
    table = fig12_statistics(data, n_resamples=400, seed=1)
    half = (table["mean_iou_high"] - table["mean_iou_low"]) / 2
    assert half.tolist() == pytest.approx((0.05 * np.sqrt(1 / table["n"])).tolist(), rel=0.25)
    assert (table["mean_iou_low"] < table["mean_iou"]).all()
    draw_fig12(data, table, [], "x")
    shown = texts(drawn[0])
    assert any(t.startswith("U-Net: mean 0.80 $\\pm$ 0.00") for t in shown)
    assert any(t.startswith("joint_text: mean 0.60") for t in shown)
    assert not any("blend2mask2flux" in t for t in shown)
    bars = drawn[0].axes[1].collections
    ends = np.sort([segment[:, 0] for lines in bars for segment in lines.get_segments()], axis=1)
    of_pairs = table[table["pair"] != "all"]
    expected = of_pairs[["mean_iou_low", "mean_iou_high"]].to_numpy()
    assert np.sort(ends, axis=0) == pytest.approx(np.sort(expected, axis=0))


def test_a_joint_network_is_shown_under_its_name(drawn):
    shown = {"unet": examples(), "joint_text": examples(1)}
    assert set(examples_table(shown)["network"]) == {"unet", "joint_text"}
    draw_fig10(shown["joint_text"], 0.01, 0.06, [], "x", "joint_text")
    draw_fig11(shown, 0.06, [], "x")
    for figure in drawn:
        titles = texts(figure)
        assert {"joint_text\ncentral", "joint_text\ncompanion"} <= set(titles)
        assert not any("blend2mask2flux" in title for title in titles)
    assert "U-Net\ncentral" in texts(drawn[1])
