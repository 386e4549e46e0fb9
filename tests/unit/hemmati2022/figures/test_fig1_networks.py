"""Figure 1 of Hemmati et al. 2022: networks, with made-up layers."""

import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.figures.fig1_networks import CONDITION_LEGEND, draw_fig1
from matplotlib.colors import to_rgba

from tests.figures import layer_table, opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column

CONDITION = to_rgba(CONDITION_LEGEND[1])
COLUMNS = ["name", "kind", "in_channels", "out_channels", "kernel", "stride", "side"]


def plain(kind, channels, side, name="x"):
    return (name, kind, channels, channels, 0, 0, side)


def discriminator(channels, condition=0):
    """As in the table of a trained network, the condition is not a row of its own."""
    rows, before, side = [plain("Input", channels, 64)], channels + condition, 64
    for after in (32, 64, 128, 256):
        side //= 2
        rows += [("conv", "Conv2d", before, after, 4, 2, side)]
        rows += [plain("BatchNorm2d", after, side), plain("LeakyReLU", after, side)]
        before = after
    return layer_table(COLUMNS, [*rows, ("conv", "Conv2d", before, 1, 4, 1, 1)])


def vanilla():
    rows, before, side = [plain("Input", 100, 1)], 100, 2
    for after in (256, 128, 64, 32):
        side *= 2
        stride = 1 if before == 100 else 2
        rows += [("up", "ConvTranspose2d", before, after, 4, stride, side)]
        rows += [plain("BatchNorm2d", after, side), plain("ReLU", after, side)]
        before = after
    return layer_table(
        COLUMNS, [*rows, ("up", "ConvTranspose2d", 32, 1, 4, 2, 64), plain("Tanh", 1, 64)]
    )


def super_resolution(channels, n_blocks=4):
    rows = [plain("Input", channels, 22), ("first", "Conv2d", channels, 32, 9, 1, 22)]
    rows += [plain("ReLU", 32, 22)]
    for k in range(n_blocks):
        name = f"block{k}"
        rows += [(f"{name}.conv1", "Conv2d", 32, 32, 3, 1, 22)]
        rows += [
            plain("BatchNorm2d", 32, 22, f"{name}.norm1"),
            plain("ReLU", 32, 22, f"{name}.act"),
        ]
        rows += [(f"{name}.conv2", "Conv2d", 32, 32, 3, 1, 22)]
        rows += [plain("BatchNorm2d", 32, 22, f"{name}.norm2"), plain("Add", 32, 22, f"{name}.add")]
    rows += [("tail", "Conv2d", 32, 32, 3, 1, 22), plain("Add", 32, 22)]
    rows += [plain("Upsample", 32, 66), ("up", "ConvTranspose2d", 32, 32, 3, 1, 66)]
    rows += [plain("BatchNorm2d", 32, 66), plain("ReLU", 32, 66)]
    return layer_table(
        COLUMNS, [*rows, ("out", "Conv2d", 32, channels, 9, 1, 64), plain("Tanh", channels, 64)]
    )


def networks():
    both = {
        name: {"generator": super_resolution(c), "discriminator": discriminator(c, c)}
        for name, c in (("sr", 1), ("sr_multi", 7))
    }
    return {"vanilla": {"generator": vanilla(), "discriminator": discriminator(1)}} | both


def test_networks_show_their_layers(drawn, tmp_path):
    draw_fig1(networks(), "minimax", [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1380)
    assert stands_in_a_column(drawn[0], "vanilla, sr, sr_multi")
    found = texts(drawn[0])
    # In both networks the first residual block is drawn with its layers, the others as boxes.
    assert sorted(t for t in found if t.startswith("block ")) == sorted(
        2 * ["block 1", "block 2", "block 3"]
    )
    assert found.count("9×9, 7") == 1
    assert found.count("4×4, 256, 2") == 3
    parameters = networks()["vanilla"]["generator"]["n_parameters"].sum() / 1e6
    assert f"Vanilla GAN, generator: {parameters:.2f} million parameters" in found


def test_discriminators_have_their_condition_and_sigmoid(drawn):
    draw_fig1(networks(), "minimax", [], LABEL)
    found = texts(drawn[0])
    channels = [t for t in found if t.endswith(("channel", "channels"))]
    assert channels == ["1 channel", "2 channels", "14 channels"]
    assert {"condition: low resolution, enlarged", "sigmoid"} <= set(found)
    # Image and condition are above each other,.
    first = [p for p in drawn[0].axes[2].patches if p.get_facecolor() == CONDITION]
    assert len(first) == 1
    assert first[0].get_y() + first[0].get_height() < 0
    # With Wasserstein's loss the output is not a probability.
    unconditional = {"vanilla": networks()["vanilla"]}
    draw_fig1(unconditional, "wasserstein", [], LABEL)
    assert not {"condition: low resolution, enlarged", "sigmoid"} & set(texts(drawn[1]))


def test_untrained_and_unknown_networks(drawn):
    there = networks()
    empty = {part: table.head(0) for part, table in there.pop("sr_multi").items()}
    draw_fig1(there | {"sr_multi": empty}, "minimax", [], LABEL)
    assert texts(drawn[0]).count("not trained") == 1
    odd = {part: table.replace("ReLU", "Mish") for part, table in there["sr"].items()}
    with pytest.raises(DeblendError, match="kind Mish"):
        draw_fig1({"sr": odd}, "minimax", [], LABEL)
