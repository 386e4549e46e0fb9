"""Figures 1 and 2 of Reiman & Goehre 2019, with made-up layers."""

import matplotlib.pyplot as plt
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.figures.fig1_2_networks import draw_fig1, draw_fig2
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.reiman2019.networks import layer_table as traced_layers
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.patches import FancyArrowPatch

from tests.figures import layer_table, opens, texts

COLUMNS = ["name", "group", "kind", "in_channels", "out_channels", "kernel", "stride", "side"]
LABEL = "toy scale, images made up"


def conv(name, group, before, after, kernel=3, stride=1, side=80):
    return (name, group, "Conv2d", before, after, kernel, stride, side)


def other(name, group, kind, channels=64, side=80):
    return (name, group, kind, channels, channels, 0, 0, side)


def residual_block(group, number):
    name = f"{group}.block{number}"
    return [
        conv(f"{name}.conv1", group, 64, 64),
        other(f"{name}.norm1", group, "BatchNorm2d"),
        other(f"{name}.act", group, "PReLU"),
        conv(f"{name}.conv2", group, 64, 64),
        other(f"{name}.norm2", group, "BatchNorm2d"),
        other(f"{name}.add", group, "Add"),
    ]


def generator(m, n):
    rows = [other("root.input", "root", "Input", 3), conv("root.conv", "root", 3, 64, 9)]
    rows.append(other("root.act", "root", "PReLU"))
    for group, blocks in (("root", m), ("central", n), ("companion", n)):
        for number in range(blocks):
            rows += residual_block(group, number)
        rows += [conv(f"{group}.tail", group, 64, 64), other(f"{group}.norm", group, "BatchNorm2d")]
        rows.append(other(f"{group}.add", group, "Add"))
        if group != "root":
            rows.append(conv(f"{group}.out", group, 64, 3, 9))
            rows.append(other(f"{group}.tanh", group, "Tanh", 3))
    return layer_table(COLUMNS, rows)


def discriminator():
    rows, before, side = [other("input", "discriminator", "Input", 3)], 3, 80
    for number, channels in enumerate((64, 64, 128, 128, 256, 256, 512, 512)):
        name, stride = f"block{number}", 1 + number % 2
        side //= stride
        rows.append(conv(f"{name}.conv", "discriminator", before, channels, 3, stride, side))
        if number:
            rows.append(other(f"{name}.norm", "discriminator", "BatchNorm2d", channels, side))
        rows.append(other(f"{name}.act", "discriminator", "LeakyReLU", channels, side))
        before = channels
    rows.append(other("flatten", "discriminator", "Flatten", 12800, 1))
    rows.append(("dense1", "discriminator", "Linear", 12800, 1024, 1, 0, 1))
    rows.append(other("act", "discriminator", "LeakyReLU", 1024, 1))
    rows.append(("dense2", "discriminator", "Linear", 1024, 1, 1, 0, 1))
    return layer_table(COLUMNS, rows)


@pytest.mark.parametrize("size", [(10, 6), (3, 2)])
def test_the_generator_shows_every_block(drawn, tmp_path, size):
    draw_fig1(generator(*size), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1380)
    found = texts(drawn[0])
    m, n = size
    # The first block of the root is drawn with its layers, those of the branches as boxes.
    assert sorted(t for t in found if t.startswith("block ")) == sorted(
        [f"block {i}" for i in range(1, m)] + 2 * [f"block {i}" for i in range(n)]
    )
    assert {"central", "companion", f"{LABEL}, deblender_gan, generator"} <= set(found)
    # All images have the same side.
    assert any(f"(M, N) = ({m}, {n})" in t and t.endswith("images of 80 px") for t in found)
    # First and last convolutions, two in the first block, one after each group of blocks.
    assert found.count("9×9, 64") == 1
    assert found.count("9×9, 3") == 2
    assert found.count("3×3, 64") == 2 + 3
    boxes = [p for p in drawn[0].axes[0].patches if isinstance(p, plt.Rectangle)]
    ends = sorted((b.get_y(), b.get_x(), b.get_x() + b.get_width()) for b in boxes)
    for (y0, _, right), (y1, left, _) in zip(ends[:-1], ends[1:], strict=True):
        assert y0 != y1 or left > right


@pytest.mark.parametrize("levels", [1, 3, 4])
def test_a_copy_gate_shows_its_levels_its_copies_and_the_blend(drawn, tmp_path, levels):
    table = traced_layers(CopyGateGenerator(4, levels), 48)
    draw_fig1(table, [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1380)
    found = texts(drawn[0])
    assert any(f"copy_gate (ours), levels = {levels}" in text for text in found)
    assert not any("(M, N)" in text for text in found)
    # All blocks on the way down and up but the first, which is drawn with its layers.
    blocks = [f"block {i}" for i in range(1, 2 * levels - 1)]
    assert [text for text in found if text.startswith("block ")] == blocks
    assert found.count("3×3, 4") == 2
    assert found.count("1×1, 24") == 2
    assert found.count("blend") == 1
    assert {"central", "companion", "gate × blend + residual"} <= set(found)
    assert ("copy and join" in found) == (levels > 1)
    axis = drawn[0].axes[0]
    # The sides are written where they change: on the way down, up, and in both branches.
    down = [48 // 2**i for i in range(levels + 1)]
    assert [int(text) for text in found if text.isdigit()] == down + down[-2:0:-1] + [48, 48]
    # An arrow for each output, gate and join.
    arrows = [patch for patch in axis.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 2 + 2 + levels - 1
    boxes = [patch for patch in axis.patches if isinstance(patch, plt.Rectangle)]
    # The images are halved once on the way to the first convolution and once at each pooling.
    sides = {round(box.get_height(), 6) for box in boxes}
    assert len(sides) == levels + 1
    # No box covers another one, and neither the legend nor a side covers any.
    extents = [box.get_window_extent() for box in boxes]
    extents.append(axis.get_legend().get_window_extent())
    outside = [text for text in axis.texts if text.get_text().isdigit()]
    renderer = FigureCanvasAgg(drawn[0]).get_renderer()
    extents += [text.get_window_extent(renderer) for text in outside]
    for i, extent in enumerate(extents):
        assert not any(extent.overlaps(other) for other in extents[:i])
    # Neither do copies run through boxes: they rise between two boxes.
    for line in axis.lines:
        if len(line.get_xdata()) == 3:
            x = line.get_xdata()[0]
            assert not any(box.get_x() <= x <= box.get_x() + box.get_width() for box in boxes)


def test_the_discriminator_shows_every_block(drawn, tmp_path):
    draw_fig2(discriminator(), [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1380)
    found = texts(drawn[0])
    for text in ("3×3, 64", "3×3, 64, /2", "3×3, 512", "3×3, 512, /2", "1024", "80 px", "5 px"):
        assert text in found
    assert {"true or\npredicted", f"{LABEL}, deblender_gan, discriminator"} <= set(found)


def test_networks_that_cannot_be_drawn_are_refused(tmp_path):
    table = generator(3, 2)
    with pytest.raises(DeblendError, match="'companion'"):
        draw_fig1(table[table["group"] != "companion"], [tmp_path / "x.png"], LABEL)
    with pytest.raises(DeblendError, match="kind Mish"):
        draw_fig2(discriminator().replace("LeakyReLU", "Mish"), [tmp_path / "x.png"], LABEL)


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        draw_fig1(generator(2, 1), [tmp_path / name], LABEL)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
