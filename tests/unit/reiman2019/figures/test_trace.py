"""Figure of the course of the GAN's training, with a made-up history."""

import matplotlib.pyplot as plt
import numpy as np
from deblend.reiman2019.figures.trace import draw_trace

from tests.figures import opens, texts, to_bytes
from tests.unit.reiman2019.conftest import history

LABEL = "toy scale, images made up"


def test_the_course_of_training(drawn, tmp_path, scored):
    times = 30
    true = to_bytes(scored[0][:1])
    iterations = np.linspace(0, 3000, times).astype(int)
    panels = np.repeat(true[None], times, axis=0)
    draw_trace(history(), panels, iterations, true, true.max(axis=1), [tmp_path / "x.png"], LABEL)
    opens(tmp_path / "x.png", 1380, 680)
    shown = 8  # of the thirty
    axes = drawn[0].findobj(plt.Axes)
    assert sum(bool(axis.images) for axis in axes) == 1 + 2 * (1 + shown)
    found = texts(drawn[0])
    assert {"3,000", "0", "MSE", "adversarial", "discriminator"} <= set(found)
    assert any("end of burn-in" in t for t in found)
    assert any(f"{LABEL}, deblender_gan, n = 1" in t for t in found)
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


def test_the_figure_fits_a_page(drawn, scored):
    true = to_bytes(scored[0])
    panels = np.repeat(true[None], 2, axis=0)
    draw_trace(history(), panels, np.array([1, 3000]), true, true.max(axis=1), [], LABEL)
    width, height = drawn[0].get_size_inches()
    assert (width, height <= 9) == (6.9, True)
    # Four of the twelve examples are shown.
    assert sum(bool(axis.images) for axis in drawn[0].findobj(plt.Axes)) == 4 * (1 + 2 * 3)
