"""The figures of Reiman & Goehre 2019, on made-up tables and images."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.errors import DeblendError
from deblend.reiman2019.figures.fig1_2_networks import draw_fig1, draw_fig2
from deblend.reiman2019.figures.fig3_6_examples import draw_examples, example_table
from deblend.reiman2019.figures.fig4_5_scores import FIG4, FIG5, distributions, draw_distributions
from deblend.reiman2019.figures.trace import draw_trace
from deblend.reiman2019.metrics import scores, select_examples

from tests.figures import keep_figures, opens, texts

COLUMNS = ["name", "group", "kind", "in_channels", "out_channels", "kernel", "stride", "side"]
LABEL = "toy scale, images made_up, network deblender_gan"


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


def layers(rows):
    table = pd.DataFrame(rows, columns=COLUMNS)
    weights = table["in_channels"] * table["out_channels"] * table["kernel"] ** 2
    return table.assign(n_parameters=weights)


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
    return layers(rows)


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
    return layers(rows)


def history(burn_in=600, total=3000, step=20):
    iteration = np.arange(step, total + 1, step)
    early = iteration <= burn_in
    return pd.DataFrame(
        {
            "iteration": iteration,
            "phase": np.where(early, "burn_in", "gan"),
            "mse": 0.3 * np.exp(-iteration / 500) + 0.003,
            "adversarial": np.where(early, np.nan, 1 + iteration / 3000),
            "discriminator": np.where(early, np.nan, 1.2 - iteration / 6000),
            "d_real": np.where(early, np.nan, 0.8),
            "d_fake": np.where(early, np.nan, 0.3),
            "vgg": np.where(early, 0.5 * np.exp(-iteration / 400), np.nan),
            "brightness_ratio": 1 + 2 * np.exp(-iteration / 150),
            "val_psnr_db": np.where(
                iteration % 300 == 0, 33 - 10 * np.exp(-iteration / 900), np.nan
            ),
        }
    )


@pytest.fixture
def drawn(monkeypatch):
    return keep_figures(monkeypatch)


@pytest.mark.parametrize("size", [(10, 6), (3, 2)])
def test_the_generator_shows_every_block(drawn, tmp_path, size):
    draw_fig1(generator(*size), [tmp_path / "fig1.png"], LABEL)
    opens(tmp_path / "fig1.png", 1440)
    found = texts(drawn[0])
    m, n = size
    # The first of the root is shown with its layers, the branches' as boxes.
    assert sorted(t for t in found if t.startswith("block ")) == sorted(
        [f"block {i}" for i in range(1, m)] + 2 * [f"block {i}" for i in range(n)]
    )
    assert {"central", "companion", LABEL} <= set(found)
    assert any(f"(M, N) = ({m}, {n})" in t for t in found)
    # First and last convolutions, two in the open block, one after each group of blocks.
    assert found.count("9×9, 64") == 1
    assert found.count("9×9, 3") == 2
    assert found.count("3×3, 64") == 2 + 3
    boxes = [p for p in drawn[0].axes[0].patches if isinstance(p, plt.Rectangle)]
    ends = sorted((b.get_y(), b.get_x(), b.get_x() + b.get_width()) for b in boxes)
    for (y0, _, right), (y1, left, _) in zip(ends[:-1], ends[1:], strict=True):
        assert y0 != y1 or left > right


def test_the_discriminator_shows_every_block(drawn, tmp_path):
    draw_fig2(discriminator(), [tmp_path / "fig2.png"], LABEL)
    opens(tmp_path / "fig2.png", 1440)
    found = texts(drawn[0])
    for text in ("3×3, 64", "3×3, 64, /2", "3×3, 512", "3×3, 512, /2", "1024", "80", "5", LABEL):
        assert text in found


def test_networks_that_cannot_be_drawn_are_refused(tmp_path):
    table = generator(3, 2)
    with pytest.raises(DeblendError, match="'companion'"):
        draw_fig1(table[table["group"] != "companion"], [tmp_path / "x.png"], LABEL)
    with pytest.raises(DeblendError, match="kind Mish"):
        draw_fig2(discriminator().replace("LeakyReLU", "Mish"), [tmp_path / "x.png"], LABEL)


@pytest.fixture(scope="module")
def scored():
    """True images, predictions and the scores of all methods."""
    rng = np.random.default_rng(6)
    true = rng.uniform(0, 0.9, (12, 2, 10, 10, 3)).astype(np.float32)
    noise = rng.normal(size=true.shape) * np.linspace(0.01, 0.1, 12)[:, None, None, None, None]
    answers = {
        "gan": np.clip(true + noise, 0, 1),
        "mse": np.clip(true + 2 * noise, 0, 1),
        "blend": np.repeat(true.max(axis=1, keepdims=True), 2, axis=1),
    }
    parts = [
        scores(a.astype(np.float32), true).assign(method=method) for method, a in answers.items()
    ]
    return true, answers["gan"], pd.concat(parts, ignore_index=True)


def to_bytes(images):
    return np.round(255 * images).astype(np.uint8)


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
    # Each number is of the images beside it, but for their rounding to 8 bits.
    for row in shown.itertuples():
        galaxy = ("central", "companion").index(row.galaxy)
        p, t = (images[name][row.place, galaxy] / 255.0 for name in ("predicted", "true"))
        assert row.psnr_db == pytest.approx(-10 * np.log10(((p - t) ** 2).mean()), abs=0.2)
    # The first panels are the best blend's, in the order of the paper.
    panels = [axis.images[0].get_array() for axis in drawn[0].axes[:5]]
    assert np.array_equal(panels[1], images["true"][0, 1])
    assert np.array_equal(panels[2], images["blend"][0])
    assert np.array_equal(panels[3], images["predicted"][0, 0])


def test_examples_at_the_edges(drawn, tmp_path, scored):
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


def test_distributions_are_of_all_images(drawn, tmp_path, scored):
    table = scored[2].copy()
    table.loc[table["method"].eq("blend") & table["blend"].eq(3), "psnr_db"] = np.inf
    for name, quantities, published in (
        ("fig4", FIG4, {"mean": 34.61, "sigma": 2.2}),
        ("fig5", FIG5, {"mean": 0.928, "sigma": 0.032}),
    ):
        found = distributions(table, quantities)
        assert found.groupby(["quantity", "method"])["share"].sum().to_numpy() == pytest.approx(1)
        draw_distributions(found, published, [tmp_path / f"{name}.png"], LABEL)
        opens(tmp_path / f"{name}.png", 1440)
        panels = [axis for axis in drawn[-1].axes if axis.get_xlabel()]
        assert len(panels) == len(quantities)
        written = texts(drawn[-1])
        for quantity, axis in zip(quantities, panels, strict=True):
            gan = table.loc[table["method"] == "gan", quantity]
            digits = 2 if name == "fig4" else 3
            expected = (
                f"GAN: mean {gan.mean():.{digits}f}, $\\sigma$ = {gan.std(ddof=0):.{digits}f}"
            )
            assert expected in axis.get_title()
        assert LABEL in written
        assert any(f"published: {published['mean']}" in t for t in written)
    fig4 = distributions(table, FIG4).drop_duplicates(["quantity", "method"])
    assert fig4.set_index(["quantity", "method"]).loc[("psnr_db", "blend"), "n_infinite"] == 2
    # A collapsed generator, whose images are all alike, is drawn as well.
    alike = distributions(table.assign(ssim=0.5), ("ssim",))
    assert alike.groupby("method")["share"].sum().to_numpy() == pytest.approx(1)


def test_the_course_of_training(drawn, tmp_path, scored):
    times = 30
    true = to_bytes(scored[0][:1])
    iterations = np.linspace(0, 3000, times).astype(int)
    panels = np.repeat(true[None], times, axis=0)
    draw_trace(history(), panels, iterations, true, true.max(axis=1), [tmp_path / "x.png"], LABEL)
    opens(tmp_path / "x.png", 1440, 680)
    shown = 8  # of the thirty
    axes = drawn[0].findobj(plt.Axes)
    assert sum(bool(axis.images) for axis in axes) == 1 + 2 * (1 + shown)
    found = texts(drawn[0])
    assert {"3,000", "0", "MSE", "adversarial", "discriminator"} <= set(found)
    assert any("end of burn-in" in t for t in found)
    assert any(LABEL in t for t in found)
    marks = [line for axis in axes for line in axis.lines if line.get_linestyle() == ":"]
    assert {float(np.unique(line.get_xdata())[0]) for line in marks} == {600.0}


def test_a_course_without_burn_in(drawn, tmp_path, scored):
    true = to_bytes(scored[0][:1])
    course = history(burn_in=0).assign(val_psnr_db=np.nan)
    draw_trace(
        course, true[None], np.array([5]), true, true.max(axis=1), [tmp_path / "x.png"], LABEL
    )
    found = texts(drawn[0])
    assert "nothing recorded" in found
    assert not any("burn-in" in t for t in found)


def test_the_same_numbers_give_the_same_bytes(tmp_path):
    for name in ("a.pdf", "b.pdf"):
        draw_fig1(generator(2, 1), [tmp_path / name], LABEL)
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
