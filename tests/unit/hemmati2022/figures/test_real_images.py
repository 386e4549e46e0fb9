"""Figure of real fields, with made-up images."""

import numpy as np
from deblend.hemmati2022.figures.real_images import draw_pairs

from tests.figures import opens, texts
from tests.unit.hemmati2022.figures import LABEL, stands_in_a_column


def test_fields_have_the_peaks_of_each_resolution(drawn, tmp_path):
    rng = np.random.default_rng(1)
    field = {"high": rng.normal(size=(90, 90)), "low": rng.normal(size=(30, 30))}
    field["gan"] = field["high"] + 1
    for resolution, n in (("high", 3), ("low", 0), ("gan", 2)):
        field[f"peaks_{resolution}"] = rng.uniform(5, 80, (n, 2))
    draw_pairs({"one": field, "two": field}, 0.06, [tmp_path / "pairs.png"], LABEL)
    opens(tmp_path / "pairs.png", 660)
    assert stands_in_a_column(drawn[0], "n = 2")
    found = texts(drawn[0])
    assert found.count("HSC, 0 peaks") == found.count("GAN, 2 peaks") == 2
    assert found.count("HST, 3 peaks") == 2
    assert {"one", "two", '1"'} <= set(found)
    # Images of all resolutions have the same extent.
    assert {tuple(axis.images[0].get_extent()) for axis in drawn[0].axes} == {
        (-0.5, 89.5, -0.5, 89.5)
    }
