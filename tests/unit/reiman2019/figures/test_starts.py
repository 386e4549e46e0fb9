"""Brightness in trainings with and without burn-in, of made-up histories."""

from deblend.reiman2019.figures.starts import draw_starts

from tests.figures import opens, texts
from tests.unit.reiman2019.conftest import history


def test_each_training_is_a_line_and_each_kind_has_a_name(drawn, tmp_path):
    dark = history(burn_in=0).assign(brightness_ratio=0.0)
    histories = [history(), history(burn_in=0), dark]
    draw_starts(histories, [tmp_path / "starts.png"], "toy scale")
    opens(tmp_path / "starts.png", 660)
    lines = drawn[0].axes[0].lines
    assert [len(line.get_xdata()) for line in lines] == [len(h) for h in histories]
    assert lines[0].get_color() != lines[1].get_color() == lines[2].get_color()
    assert min(lines[2].get_ydata()) > 0
    found = texts(drawn[0])
    assert {"with burn-in", "without burn-in"} <= set(found)
    assert "toy scale, n = 3, short trainings" in found
