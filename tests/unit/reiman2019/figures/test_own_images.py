"""Real overlaps and what is made of them, with made-up images."""

import numpy as np
from deblend.reiman2019.figures.own_images import RESIDUAL_FACTOR, draw_separated
from deblend.reiman2019.own_images import Separated

from tests.figures import opens, texts


def test_each_blend_has_its_galaxies_and_its_residual(drawn, tmp_path):
    rng = np.random.default_rng(2)
    galaxies = rng.uniform(0, 0.8, (3, 2, 10, 10, 3))
    blends = galaxies.max(axis=1) + 0.1
    separated = Separated(galaxies, blends, 3.0, "max")
    draw_separated(separated, ["12", "345", "6"], [tmp_path / "o.png"], "small scale, n = 3")
    opens(tmp_path / "o.png", 1380)
    assert {"12", "345", "6", "input", "companion"} <= set(texts(drawn[0]))
    shown = [axis.images[0].get_array() for axis in drawn[0].axes if axis.images]
    assert len(shown) == 3 * 4
    for number, first in enumerate((0, 4, 8)):
        assert np.array_equal(shown[first], blends[number])
        assert np.array_equal(shown[first + 1], galaxies[number, 0])
        assert np.array_equal(shown[first + 2], galaxies[number, 1])
        np.testing.assert_allclose(shown[first + 3], 0.5 + 0.1 * RESIDUAL_FACTOR)
