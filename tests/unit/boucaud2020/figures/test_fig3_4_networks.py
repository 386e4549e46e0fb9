"""Figures 3 and 4: the networks, with made-up layers."""

import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig3_4_networks import draw_fig3, draw_fig4
from deblend.errors import DeblendError
from matplotlib.patches import FancyArrowPatch, Rectangle

from tests.figures import opens, texts

LABEL = "toy scale, network made_up"
COLUMNS = ["name", "kind", "height", "width", "channels", "kernel", "n_parameters", "inputs"]


def layers(*rows):
    """Table of layers from their name, kind, side, channels, kernel, parameters and inputs."""
    return pd.DataFrame([(*row[:3], *row[2:]) for row in rows], columns=COLUMNS)


FLUXES = layers(
    ("blend", "InputLayer", 64, 1, 0, 0, ""),
    ("conv1", "Conv2D", 64, 8, 3, 80, "blend"),
    ("pool1", "MaxPooling2D", 32, 8, 2, 0, "conv1"),
    ("conv2", "Conv2D", 32, 16, 5, 1168, "pool1"),
    ("flatten", "Flatten", 1, 16384, 0, 0, "conv2"),
    ("dense1", "Dense", 1, 60, 0, 983_100, "flatten"),
    ("output", "Dense", 1, 2, 0, 122, "dense1"),
)
MASKS = layers(
    ("blend", "InputLayer", 64, 1, 0, 0, ""),
    ("down1_conv", "Conv2D", 64, 8, 3, 80, "blend"),
    ("pool1", "MaxPooling2D", 32, 8, 2, 0, "down1_conv"),
    ("down2_conv", "Conv2D", 32, 16, 3, 1168, "pool1"),
    ("down2_dropout", "Dropout", 32, 16, 0, 0, "down2_conv"),
    ("pool2", "MaxPooling2D", 16, 16, 2, 0, "down2_dropout"),
    ("bottom_conv", "Conv2D", 16, 32, 3, 4640, "pool2"),
    ("up2_transposed", "Conv2DTranspose", 32, 16, 3, 4624, "bottom_conv"),
    ("up2_copy", "Concatenate", 32, 24, 0, 0, "down2_conv up2_transposed"),
    ("up1_transposed", "Conv2DTranspose", 64, 8, 3, 1736, "up2_copy"),
    ("up1_copy", "Concatenate", 64, 16, 0, 0, "down1_conv up1_transposed"),
    ("masks", "Conv2D", 64, 2, 1, 34, "up1_copy"),
)


def boxes(axis):
    """Left side, right side and vertical centre of each box of the drawing."""
    patches = [p for p in axis.patches if isinstance(p, Rectangle)]
    return [(p.get_x(), p.get_x() + p.get_width(), p.get_y() + p.get_height() / 2) for p in patches]


def test_blend2flux_shows_channels_sides_and_windows(drawn, tmp_path):
    draw_fig3(FLUXES, [tmp_path / "fig3.png"], LABEL)
    opens(tmp_path / "fig3.png", 1380)
    found = texts(drawn[0])
    assert any(t.startswith("blend2flux, 0.98 million parameters") for t in found)
    # Channels of all layers that are drawn, except poolings; sides of the layers with images.
    assert {"1", "8", "16", "60", "2"} <= set(found)
    assert (found.count("64"), found.count("32")) == (2, 2)
    assert [t for t in found if "×" in t] == ["3×3", "2×2", "5×5"]
    assert "16384" not in found
    drawn_boxes = boxes(drawn[0].axes[0])
    assert len(drawn_boxes) == 6
    assert {"blend", "two\nfluxes", "channels", "side (px)"} <= set(found)
    for (_, right, _), (left, _, _) in zip(drawn_boxes[:-1], drawn_boxes[1:], strict=True):
        assert left > right


def test_the_unet_goes_down_on_the_left_and_up_on_the_right(drawn, tmp_path):
    draw_fig4(MASKS, [tmp_path / "fig4.png"], LABEL)
    opens(tmp_path / "fig4.png", 660)
    found = texts(drawn[0])
    assert [t for t in found if t.endswith(" px")] == ["64 px", "32 px", "16 px"]
    assert any(t.startswith("U-Net, 0.01 million parameters") for t in found)
    assert {"blend: 1", "3×3, 16", "2×2, 8", "24", "masks: 1×1, 2"} <= set(found)
    shown = MASKS[MASKS["kind"] != "Dropout"]["name"]
    places = {
        name: ((left + right) / 2, y)
        for name, (left, right, y) in zip(shown, boxes(drawn[0].axes[0]), strict=True)
    }
    down, up = (
        [places[n] for n in shown if n.startswith(prefix)]
        for prefix in (("blend", "down", "pool"), ("up", "masks"))
    )
    assert len({round(x, 6) for x, _ in down}) == len({round(x, 6) for x, _ in up}) == 1
    assert down[0][0] < places["bottom_conv"][0] < up[0][0]
    heights = [y for _, y in [*down, places["bottom_conv"]]]
    assert heights == sorted(heights, reverse=True)
    heights = [y for _, y in [places["bottom_conv"], *up]]
    assert heights == sorted(heights)
    for side in "12":
        assert places[f"down{side}_conv"][1] == pytest.approx(places[f"up{side}_copy"][1])


def test_arrows_end_in_front_of_the_boxes_that_they_point_at(drawn):
    draw_fig4(MASKS, [], LABEL)
    axis = drawn[0].axes[0]
    rectangles = [p for p in axis.patches if isinstance(p, Rectangle)]
    arrows = [p for p in axis.patches if isinstance(p, FancyArrowPatch)]
    # One from each layer to the next, and one for each copy.
    assert len(arrows) == len(rectangles) - 1 + 2
    for arrow in arrows:
        for x, y in arrow.get_path().vertices:
            inside = [
                box
                for box in rectangles
                if box.get_x() + 0.01 < x < box.get_x() + box.get_width() - 0.01
                and box.get_y() + 0.01 < y < box.get_y() + box.get_height() - 0.01
            ]
            assert not inside
    assert min(a.get_zorder() for a in arrows) > max(r.get_zorder() for r in rectangles)


def test_a_network_without_copies_is_no_unet(tmp_path):
    with pytest.raises(DeblendError, match="copies and joins no features: it is not a U-Net"):
        draw_fig4(FLUXES, [tmp_path / "fig4.png"], LABEL)


@pytest.mark.parametrize(("draw", "table"), [(draw_fig3, FLUXES), (draw_fig4, MASKS)])
def test_the_same_layers_give_the_same_bytes(tmp_path, draw, table):
    for name in ("a.pdf", "b.pdf"):
        draw(table, [tmp_path / name], LABEL)
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
