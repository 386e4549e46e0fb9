"""The comparison of a data set with the published sample."""

import pandas as pd
from deblend.boucaud2020.figures.published_sample import draw_comparison
from deblend.boucaud2020.published_sample import compare

from tests.figures import opens, texts


def test_distributions_have_the_published_percentiles_on_them(drawn, tmp_path):
    catalog = pd.DataFrame(
        {
            "g1_mag": [20.0, 21.0, 22.0, 20.5],
            "g2_mag": [21.0, 20.5, 22.5, 21.5],
            "g1_rad": [5.0, 8.0, 4.0, 6.0],
            "g2_rad": [6.0, 4.0, 9.0, 5.0],
            "g1_type": ["sph", "disk", "sphd", "irr"],
            "g2_type": ["disk", "disk", "irr", "sph"],
            "distance": [10.0, 14.0, 20.0, 12.0],
            "detection": [2, 2, 0, 1],
        }
    )
    published = {"mag": {"p50": 20.9}, "detection_percent": {"2": 60.0}}
    table = compare(catalog, published)
    draw_comparison(catalog, table, [tmp_path / "sample.png"], "toy scale")
    opens(tmp_path / "sample.png", 1440)
    found = texts(drawn[0])
    assert {"Magnitude", "Distance D (px)", "this data set (4 blends)", "toy scale"} <= set(found)
    marks = drawn[0].axes[0].lines[1]
    assert 20.9 in marks.get_xdata()
    assert [bar.get_height() for bar in drawn[0].axes[-1].patches[-5:]] == [0, 25, 25, 50, 0]
