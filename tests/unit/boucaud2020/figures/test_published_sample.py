"""The comparison of a data set with the published sample."""

from deblend.boucaud2020.figures.published_sample import draw_comparison
from deblend.boucaud2020.published_sample import compare

from tests.figures import opens, texts


def test_distributions_have_the_published_percentiles_on_them(drawn, four_blends, tmp_path):
    published = {"mag": {"p50": 20.9}, "detection_percent": {"2": 60.0}}
    table = compare(four_blends, published)
    draw_comparison(four_blends, table, [tmp_path / "sample.png"], "toy scale")
    opens(tmp_path / "sample.png", 1380)
    found = texts(drawn[0])
    assert {"magnitude (true)", "distance D (px)", "this data set", "toy scale, n = 4"} <= set(
        found
    )
    marks = drawn[0].axes[0].lines[1]
    assert 20.9 in marks.get_xdata()
    assert [bar.get_height() for bar in drawn[0].axes[-1].patches[-5:]] == [0, 25, 25, 50, 0]
