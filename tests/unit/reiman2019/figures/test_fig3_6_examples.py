"""Figures 3 and 6 of Reiman & Goehre 2019, with made-up images."""

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.figures.fig3_6_examples import draw_examples, example_table
from deblend.reiman2019.metrics import select_examples

from tests.figures import opens, texts, to_bytes

LABEL = "toy scale, images made up"


def test_examples_have_their_psnr(drawn, tmp_path, scored):
    true, predicted, table = scored
    chosen = select_examples(table, 2, 3)
    number = chosen["blend"].to_numpy()
    shown = example_table(number, chosen["kind"].tolist(), table)
    images = {
        "blend": to_bytes(true[number].max(axis=1)),
        "true": to_bytes(true[number]),
        "predicted": to_bytes(predicted[number]),
    }
    for kind, n in (("success", 2), ("failure", 3)):
        mine = shown[shown["kind"] == kind]
        draw_examples(mine, images, kind, [tmp_path / f"{kind}.png"], LABEL)
        opens(tmp_path / f"{kind}.png", 1380, 100)
        panels = [axis for axis in drawn[-1].axes if axis.images]
        assert len(panels) == 5 * n
        found = texts(drawn[-1])
        assert sorted(t for t in found if t.endswith(" dB")) == sorted(
            f"{value:.1f} dB" for value in mine["psnr_db"]
        )
        assert f"{LABEL}, deblender_gan, n = {n}, {kind}" in found
        assert {"true", "blend", "predicted", "central", "companion"} <= set(found)
    # Each number is that of the images in its row, except for the rounding to 8 bits.
    for row in shown.itertuples():
        galaxy = ("central", "companion").index(row.galaxy)
        p, t = (images[name][row.place, galaxy] / 255.0 for name in ("predicted", "true"))
        assert row.psnr_db == pytest.approx(-10 * np.log10(((p - t) ** 2).mean()), abs=0.2)
    # The panels at the left show the best blend: the truth, the blend and the predictions from left
    # to right, the central galaxy above its companion, and the blend at twice their scale.
    left_half = [a for a in drawn[0].axes if a.get_position().x1 < 0.5]
    panels = sorted(left_half, key=lambda a: (round(a.get_position().x0, 3), -a.get_position().y0))
    expected = (*images["true"][0], images["blend"][0], *images["predicted"][0])
    for axis, image in zip(panels, expected, strict=True):
        assert np.array_equal(axis.images[0].get_array(), image)
    widths = [axis.get_position().width for axis in panels]
    assert np.array(widths) / widths[0] == pytest.approx([1, 1, 2, 1, 1])


def test_perfect_and_missing_examples(drawn, tmp_path, scored):
    true, predicted, table = scored
    images = {
        "blend": to_bytes(true[:1].max(axis=1)),
        "true": to_bytes(true[:1]),
        "predicted": to_bytes(predicted[:1]),
    }
    perfect = example_table(np.array([0]), ["success"], table).assign(psnr_db=np.inf)
    draw_examples(perfect, images, "one", [tmp_path / "one.png"], LABEL)
    opens(tmp_path / "one.png", 660)
    assert texts(drawn[0]).count("perfect") == 2
    draw_examples(perfect.iloc[:0], images, "none", [tmp_path / "none.png"], LABEL)
    assert "none to show" in texts(drawn[1])
    with pytest.raises(DeblendError, match="blend 99 is among the examples"):
        example_table(np.array([99]), ["success"], table)
