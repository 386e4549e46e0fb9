"""Figure 1 of Hemmati et al. 2022: networks, with made-up layers."""

import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.figures.fig1_networks import draw_fig1

from tests.figures import layer_table, opens, texts

LABEL = "toy scale, cut-outs made_up"
COLUMNS = ["name", "kind", "in_channels", "out_channels", "kernel", "stride", "side"]


def plain(kind, channels, side, name="x"):
    return (name, kind, channels, channels, 0, 0, side)


def discriminator(channels):
    rows, before, side = [plain("Input", channels, 64)], channels, 64
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
        name: {"generator": super_resolution(c), "discriminator": discriminator(c)}
        for name, c in (("sr", 1), ("sr_multi", 7))
    }
    return {"vanilla": {"generator": vanilla(), "discriminator": discriminator(1)}} | both


def test_networks_show_their_layers(drawn, tmp_path):
    draw_fig1(networks(), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1440)
    found = texts(drawn[0])
    assert sum(LABEL in t for t in found) == 1
    # In both networks the first residual block is drawn with its layers, the others as boxes.
    assert sorted(t for t in found if t.startswith("block ")) == sorted(
        2 * ["block 1", "block 2", "block 3"]
    )
    assert found.count("9×9, 7") == 1
    assert found.count("4×4, 256, 2") == 3
    parameters = networks()["vanilla"]["generator"]["n_parameters"].sum() / 1e6
    assert any(t.startswith("Vanilla GAN: generator ") and f"{parameters:.2f}" in t for t in found)


def test_untrained_and_unknown_networks(drawn):
    there = networks()
    empty = {part: table.head(0) for part, table in there.pop("sr_multi").items()}
    draw_fig1(there | {"sr_multi": empty}, [], LABEL)
    assert texts(drawn[0]).count("not trained") == 1
    odd = {part: table.replace("ReLU", "Mish") for part, table in there["sr"].items()}
    with pytest.raises(DeblendError, match="kind Mish"):
        draw_fig1({"sr": odd}, [], LABEL)
