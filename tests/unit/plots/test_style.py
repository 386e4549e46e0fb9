"""Figures in the papers' style."""

import matplotlib
import matplotlib.pyplot as plt
from deblend.plots.style import ONE_COLUMN_IN, paper_figure, style

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


def test_the_same_drawing_gives_the_same_bytes(tmp_path):
    for name in "ab":
        outputs = [tmp_path / f"{name}.png", tmp_path / f"{name}.pdf"]
        with paper_figure(outputs, "toy scale", ONE_COLUMN_IN, 2.0) as figure:
            figure.subplots().plot([0, 1], [0, 1])
    for kind in ("png", "pdf"):
        assert (tmp_path / f"a.{kind}").read_bytes() == (tmp_path / f"b.{kind}").read_bytes()
