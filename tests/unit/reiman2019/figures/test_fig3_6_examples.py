"""Figures 3 and 6 of Reiman & Goehre 2019, with made-up images."""

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.figures.fig3_6_examples import draw_examples, example_table
from deblend.reiman2019.metrics import select_examples

from tests.figures import opens, texts, to_bytes

LABEL = "toy scale, images made_up, network deblender_gan"


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
        opens(tmp_path / f"{kind}.png", 1420, 100)
        panels = [axis for axis in drawn[-1].axes if axis.images]
        assert len(panels) == 5 * n
        found = texts(drawn[-1])
        assert sorted(t for t in found if t.endswith(" dB")) == sorted(
            f"{value:.1f} dB" for value in mine["psnr_db"]
        )
        assert any(LABEL in t for t in found)
    # Each number is that of the images in its row, except for the rounding to 8 bits.
    for row in shown.itertuples():
        galaxy = ("central", "companion").index(row.galaxy)
        p, t = (images[name][row.place, galaxy] / 255.0 for name in ("predicted", "true"))
        assert row.psnr_db == pytest.approx(-10 * np.log10(((p - t) ** 2).mean()), abs=0.2)
    # The first panels show the best blend, in the order of the paper.
    panels = [axis.images[0].get_array() for axis in drawn[0].axes[:5]]
    assert np.array_equal(panels[1], images["true"][0, 1])
    assert np.array_equal(panels[2], images["blend"][0])
    assert np.array_equal(panels[3], images["predicted"][0, 0])


def test_perfect_and_missing_examples(drawn, tmp_path, scored):
    true, predicted, table = scored
    images = {
        "blend": to_bytes(true[:1].max(axis=1)),
        "true": to_bytes(true[:1]),
        "predicted": to_bytes(predicted[:1]),
    }
    perfect = example_table(np.array([0]), ["success"], table).assign(psnr_db=np.inf)
    draw_examples(perfect, images, "one", [tmp_path / "one.png"], LABEL)
    assert texts(drawn[0]).count("perfect") == 2
    draw_examples(perfect.iloc[:0], images, "none", [tmp_path / "none.png"], LABEL)
    assert "none to show" in texts(drawn[1])
    with pytest.raises(DeblendError, match="blend 99 is among the examples"):
        example_table(np.array([99]), ["success"], table)
