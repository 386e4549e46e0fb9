"""Figures in the papers' style."""

import matplotlib
import matplotlib.pyplot as plt
import pytest
from deblend.plots.style import ONE_COLUMN_IN, TWO_COLUMNS_IN, label_line, paper_figure, style

from tests.figures import opens, texts


def test_a_figure_is_titled_saved_and_closed(drawn, tmp_path):
    outputs = [tmp_path / "x.png", tmp_path / "x.pdf"]
    with paper_figure(outputs, "toy scale", ONE_COLUMN_IN, 2.0) as figure:
        assert matplotlib.rcParams["image.cmap"] == "gray"
        figure.subplots().plot([0, 1], [0, 1], lw=4)
    opens(outputs[0], 660, 398)
    assert outputs[1].read_bytes().startswith(b"%PDF")
    assert "toy scale" in texts(drawn[0])
    assert drawn[0].number not in plt.get_fignums()
    with style():
        inside = matplotlib.rcParams["image.cmap"]
    assert matplotlib.rcParams["image.cmap"] != inside


def test_without_a_label_there_is_no_title(drawn):
    with paper_figure([], "", ONE_COLUMN_IN, 2.0):
        pass
    assert drawn[0].get_suptitle() == ""
    assert texts(drawn[0]) == []


@pytest.mark.parametrize("width", [5.0, 3.4, 6.8])
def test_figures_have_the_width_of_columns(tmp_path, width):
    message = f"width is {width} inches: figures are 3.3 or 6.9 inches wide"
    with (
        pytest.raises(ValueError, match=message),
        paper_figure([tmp_path / "x.png"], "", width, 2.0),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("width", [ONE_COLUMN_IN, TWO_COLUMNS_IN])
@pytest.mark.parametrize("n_words", [2, 30])
def test_the_label_stands_at_the_top_left_within_the_figure(drawn, tmp_path, width, n_words):
    words = ["small", "scale,", *["simulated"] * n_words]
    with paper_figure([tmp_path / "x.png"], " ".join(words), width, 2.0) as figure:
        axis = figure.subplots()
        axis.set_title("a panel")
    every_text = drawn[0].findobj(plt.Text)
    (label,) = [text for text in every_text if text.get_text().startswith("small")]
    assert label.get_text().split() == words
    assert ("\n" in label.get_text()) == (n_words > 2)
    with style():
        drawn[0].draw_without_rendering()
        box, title, page = (x.get_window_extent() for x in (label, axis.title, drawn[0]))
    assert 0 <= box.x0 < 0.05 * page.width
    assert box.x1 <= page.width
    # It is above the panel and its title.
    assert title.y1 <= box.y0 < box.y1 <= page.height


def test_the_line_says_scale_data_network_and_number():
    assert label_line("toy scale", "simulated", "blend2flux", 600) == (
        "toy scale, simulated, blend2flux, n = 600"
    )
    assert label_line("paper scale", 1234567) == "paper scale, n = 1,234,567"
    assert label_line("toy scale", None, "", "unet has not learnt: no masks") == (
        "toy scale, unet has not learnt: no masks"
    )
    assert label_line("toy scale", 0) == "toy scale, n = 0"
    assert label_line() == ""


def test_the_same_drawing_gives_the_same_bytes(tmp_path):
    for name in "ab":
        outputs = [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"]
        with paper_figure(outputs, "toy scale", ONE_COLUMN_IN, 2.0) as figure:
            figure.subplots().plot([0, 1], [0, 1])
    for kind in ("png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
