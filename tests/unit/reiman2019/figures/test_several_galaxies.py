"""Figure of groups of galaxies, with made-up images."""

import numpy as np
from deblend.reiman2019.figures.several_galaxies import draw_groups_figure
from deblend.reiman2019.several_galaxies import group_scores

from tests.figures import opens, texts


def test_groups_have_the_psnr_of_each_galaxy(drawn, tmp_path):
    rng = np.random.default_rng(2)
    truth = rng.uniform(0, 0.5, (2, 3, 10, 10, 3))
    found = np.clip(truth + rng.normal(0, 0.05, truth.shape), 0, 1)
    blends = truth.max(axis=1)
    scores, matched = group_scores(found, truth, blends)
    outputs = [tmp_path / "groups.png"]
    draw_groups_figure(scores, blends, truth, matched, "deblender_gan", outputs, "toy scale")
    opens(outputs[0], 1380)
    written = texts(drawn[0])
    assert [t for t in written if t.endswith(" dB")] == [f"{v:.1f} dB" for v in scores["psnr_db"]]
    assert {"true\ncentral", "found\ngalaxy 3"} <= set(written)
    assert drawn[0].get_suptitle() == "toy scale, deblender_gan, n = 2, 3 galaxies"
    panels = drawn[0].axes
    assert len(panels) == 2 * 7
    assert np.array_equal(panels[7].images[0].get_array(), blends[1])
    assert np.array_equal(panels[13].images[0].get_array(), matched[1, 2])
