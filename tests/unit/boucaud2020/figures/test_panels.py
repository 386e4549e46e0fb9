"""What Figures 5 to 9 share."""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.examples import blend_examples, cleaning_examples
from deblend.boucaud2020.figures.fig1_2_examples import draw_fig1, draw_fig2
from deblend.boucaud2020.figures.fig3_4_networks import draw_fig3, draw_fig4
from deblend.boucaud2020.figures.fig5_magnitudes import draw_fig5, fig5_data, fig5_statistics
from deblend.boucaud2020.figures.fig6_pairs import draw_fig6, fig6_data, fig6_statistics
from deblend.boucaud2020.figures.fig7_errors import draw_fig7, fig7_data, fig7_statistics
from deblend.boucaud2020.figures.fig8_bias_scatter import draw_fig8, fig8_data, fig8_statistics
from deblend.boucaud2020.figures.fig9_morphology import draw_fig9, fig9_data, fig9_statistics
from deblend.boucaud2020.figures.fig10_12_masks import (
    draw_fig10,
    draw_fig11,
    draw_fig12,
    fig12_data,
    fig12_statistics,
)
from deblend.boucaud2020.figures.panels import (
    authors_handle,
    binned_line,
    draw_authors,
    draw_interval,
    draw_panel,
    draw_points,
    drawn_values,
    figure_label,
    finish_grid,
    lines_of,
    magnitude_limits,
    notes,
    omitted_counts,
    panel_grid,
    panel_place,
    panel_title,
    sample_text,
)
from deblend.boucaud2020.methods import catalog_methods
from deblend.boucaud2020.recovered import binned_statistics
from deblend.plots.style import ONE_COLUMN_IN, TWO_COLUMNS_IN

from tests.figures import texts
from tests.unit.boucaud2020.conftest import ZERO_POINTS, of_networks
from tests.unit.boucaud2020.figures.test_fig3_4_networks import FLUXES, MASKS
from tests.unit.boucaud2020.figures.test_fig10_12_masks import examples

#: For each figure, the functions for its points, their statistics, and the drawing.
FIGURES = {
    "fig5": (fig5_data, fig5_statistics, draw_fig5),
    "fig6": (fig6_data, fig6_statistics, draw_fig6),
    "fig7": (fig7_data, fig7_statistics, draw_fig7),
    "fig8": (fig8_data, fig8_statistics, draw_fig8),
    "fig9": (fig9_data, fig9_statistics, draw_fig9),
}


@pytest.fixture
def axes():
    """Axes of a panel and of what is above it."""
    figure, axes = plt.subplots(2)
    yield axes
    plt.close(figure)


def draw_with(drawn, figure, catalog, **options):
    """The figure of a catalogue's methods."""
    find_points, find_statistics, draw = FIGURES[figure]
    methods = catalog_methods(catalog)
    points = find_points(catalog, **ZERO_POINTS)
    draw(points, find_statistics(points, methods), [], "LABEL", methods, **options)
    return drawn[-1]


def binned(delta_mag, flux_ratio):
    """Statistics in bins of one method with such fluxes."""
    points = pd.DataFrame({"method": "x", "delta_mag": delta_mag, "flux_ratio": flux_ratio})
    with np.errstate(invalid="ignore"):
        points["mag_blended"] = 20 - 2.5 * np.log10(points["flux_ratio"])
    return binned_statistics(points.assign(mag_isolated=20.0), ["method"], [("x",)])


def test_both_axes_have_whole_magnitudes_and_a_margin():
    points = pd.DataFrame({"mag_isolated": [19.4, 22.7, 20.0]})
    assert magnitude_limits(points) == (18.8, 23.2)
    assert magnitude_limits(points.iloc[:0]) == (17.8, 23.2)


def test_no_line_goes_through_bins_of_few_galaxies():
    # Five galaxies in the first bin, four in the last one.
    table = binned([-1.9] * 5 + [1.9] * 4, 0.9)
    x, y = binned_line(table, "median")
    assert x == pytest.approx([-5 / 3, -1, -1 / 3, 1 / 3, 1, 5 / 3])
    assert y[0] == pytest.approx(-2.5 * np.log10(0.9))
    assert np.isnan(y[1:]).all()


def test_fluxes_that_are_not_shown_are_counted():
    table = binned([0.0, 0.5, 3.0, -2.5, 1.0], [1.0, -1.0, 1.0, 0.9, np.nan])
    assert omitted_counts(table) == "fluxes not positive: 1; fluxes beyond the bins: 2"
    assert notes("toy scale", table) == ["toy scale", omitted_counts(table)]
    whole = binned([0.0, 1.0], [1.0, 1.1])
    assert omitted_counts(whole) == ""
    assert (notes("toy scale", whole), notes("", whole)) == (["toy scale"], [])


def test_a_label_says_how_many_galaxies_the_blends_are_of():
    central, companion = pd.Series([1, 2, 1, 3, 1]), pd.Series([2, 1, 2, 1, 2])
    text = sample_text(central, companion)
    assert text == "n = 5 blends (3 pairs of 3 galaxies)"
    assert sample_text(central, companion, 4) == "n = 4 of 5 blends (3 pairs of 3 galaxies)"
    assert figure_label({"scale": "toy", "dataset": "x"}, text) == f"toy scale, x, {text}"
    many = pd.Series(range(1500))
    assert sample_text(many, many + 1) == "n = 1,500 blends (1,500 pairs of 1,501 galaxies)"


def test_a_label_names_the_networks_that_were_run_or_is_the_given_one():
    about = {"scale": "small", "dataset": "candels", "network": "b2f_64"}
    assert figure_label(about, 5000) == "small scale, candels, b2f_64, n = 5,000"
    about |= {"joint": "joint_text", "not_learnt": "it has not learnt"}
    assert figure_label(about, 498) == (
        "small scale, candels, b2f_64, joint_text, n = 498, it has not learnt"
    )
    assert figure_label({"label": "published sample", "network": "x"}, 5000) == (
        "published sample, n = 5,000"
    )
    assert figure_label({"scale": "toy", "dataset": "x"}, 1) == "toy scale, x, n = 1"


@pytest.mark.parametrize("n_methods", range(1, 9))
def test_each_method_and_group_has_a_panel_of_its_own(n_methods):
    rows, columns = panel_grid(n_methods, 2)
    places = [panel_place(m, g, 2) for m in range(n_methods) for g in (0, 1)]
    assert len(set(places)) == 2 * n_methods
    assert {row for row, _ in places} == set(range(rows))
    assert {column for _, column in places} == set(range(columns))
    # The groups of a method are below each other.
    assert [(row + 1, c) for row, c in places[::2]] == places[1::2]
    assert columns <= 3


def test_panels_without_a_method_are_removed_and_the_lowest_ones_have_labels():
    figure, axes = plt.subplots(4, 3, sharex=True)
    lowest = finish_grid(axes, 4, 2)  # three methods, and one below them
    assert [axis.axison for axis in axes.flat] == [True] * 7 + [False] * 2 + [True] + [False] * 2
    assert lowest == [axes[3, 0], axes[1, 1], axes[1, 2]]
    for axis in lowest:
        assert axis.xaxis.get_tick_params()["labelbottom"]
    assert not axes[1, 0].xaxis.get_tick_params()["labelbottom"]
    plt.close(figure)


def test_lines_are_chosen_by_values():
    table = pd.DataFrame({"method": ["a", "a", "b"], "type": ["x", "y", "x"]})
    assert lines_of(table, method="a", type="x").index.tolist() == [0]
    assert len(lines_of(table, method="c")) == 0
    assert lines_of(None, method="a") is None


def test_a_band_spans_the_interval_where_there_is_one(axes):
    table = binned([-1.9] * 5 + [-1.0] * 5 + [1.9] * 4, 0.9)
    draw_interval(axes[0], table, "median", "k")
    assert not axes[0].collections
    table = table.assign(median_low=table["median"] - 0.1, median_high=table["median"] + 0.3)
    draw_interval(axes[0], table, "median", "k")
    corners = axes[0].collections[0].get_paths()[0].get_extents().get_points()
    bias = -2.5 * np.log10(0.9)
    assert corners.ravel() == pytest.approx([-5 / 3, bias - 0.1, -1, bias + 0.3])


def test_drawn_values_are_of_the_methods_that_share_an_axis():
    table = binned([-1.9] * 5, 0.9)
    table = table.assign(median_low=-1.0, median_high=2.0)
    other = table.assign(method="y", median=5.0)
    published = table.assign(median=0.5, median_high=9.0)
    values = drawn_values(
        pd.concat([table, other]), published, ("median", "median_low", "median_high"), ["x"]
    )
    shown = values[np.isfinite(values)]
    assert sorted(shown) == pytest.approx([-1.0, -2.5 * np.log10(0.9), 0.5, 2.0])


def test_titles_have_one_pair_of_brackets():
    for flux, title in (
        ("isophotal", "SExtractor (companion)"),
        ("auto", "SExtractor (AUTO, companion)"),
    ):
        assert panel_title(catalog_methods([], flux)[-1], "companion") == title


def test_the_authors_lines_are_lighter_and_have_a_legend(axes):
    table = binned([-1.9] * 5 + [-1.0] * 5, 0.9)
    draw_authors(axes[0], None, "median", "-", "k")
    draw_authors(axes[0], table.iloc[:0], "median", "-", "k")
    assert not axes[0].lines
    draw_authors(axes[0], table, "median", ":", "k", zorder=2.5)
    (line,) = axes[0].lines
    np.testing.assert_array_equal(line.get_xydata(), np.transpose(binned_line(table, "median")))
    assert (line.get_alpha() < 0.6, line.get_linestyle(), line.get_zorder()) == (True, ":", 2.5)
    own = table.assign(label="catalogue of mine", is_authors=False)
    for published, name in (
        (table.assign(label="published"), "authors' catalogue"),
        (own.assign(is_authors=True), "authors' catalogue"),
        (own, "catalogue of mine"),
    ):
        handle = authors_handle(published, note=" (dashed)", alpha=0.9)
        assert (handle.get_label(), handle.get_alpha()) == (f"{name} (dashed)", 0.9)
    long = authors_handle(own.assign(label="word " * 20)).get_label()
    assert max(map(len, long.splitlines())) <= 30


@pytest.mark.parametrize(
    ("n_networks", "height_of_three"),
    [(0, None), (1, None), (2, 1), (3, 2), (6, 3)],
)
@pytest.mark.parametrize("figure", ["fig5", "fig6", "fig7", "fig9"])
def test_any_number_of_networks_is_drawn_under_their_names(
    drawn, made_up, figure, n_networks, height_of_three
):
    names = [f"net_{i}" for i in range(n_networks)]
    shown = draw_with(drawn, figure, of_networks(made_up, *names))
    titles = "\n".join(texts(shown))
    assert "blend2" not in titles
    for name in [*names, "SExtractor"]:
        assert name in titles
    assert shown.get_figwidth() == (TWO_COLUMNS_IN if n_networks else ONE_COLUMN_IN)
    if height_of_three:
        paper = draw_with(drawn, figure, made_up)
        assert shown.get_figheight() == pytest.approx(height_of_three * paper.get_figheight())
    visible = [a for a in shown.axes if a.axison and a.get_label() != "<colorbar>"]
    assert len(visible) == 2 * (n_networks + 1)


@pytest.mark.parametrize("figure", ["fig7", "fig8", "fig9"])
def test_the_authors_curves_are_drawn_if_they_are_there(drawn, made_up, figure):
    find_points, find_statistics, _ = FIGURES[figure]
    statistics = find_statistics(find_points(made_up, **ZERO_POINTS))

    def lines(published):
        shown = draw_with(drawn, figure, made_up, published=published)
        count = sum(len(a.lines) for a in shown.axes if a.axison)
        return count, "authors' catalogue" in "\n".join(texts(shown))

    without, legend = lines(None)
    assert not legend
    assert lines(statistics.assign(method="another")) == (without, False)
    # A line for each method, or three for each of two galaxies, or one for each of five types.
    added = {"fig7": 3 * 2 * 3, "fig8": 3 * 2, "fig9": 3 * 2 * 5}[figure]
    assert lines(statistics) == (without + added, True)


def test_a_panel_shows_its_points_and_numbers(axes):
    axis, strip = axes
    panel = pd.DataFrame({"mag_isolated": [20.0, 21.0], "mag_blended": [20.1, 24.0]})
    numbers = pd.Series(
        {"n": 3, "mean_dmag": 1.5502, "sigma_mag": 1.45, "outliers_percent": 66.66}
        | {"mape_mag_percent": 7.41, "n_nonpositive": 1}
        | {"sigma_mag_low": 1.25, "sigma_mag_high": 1.75}
    )
    draw_panel(axis, strip, panel, numbers, (18.8, 24.2), "#000000")
    np.testing.assert_array_equal(axis.collections[0].get_offsets(), panel.to_numpy())
    shown = "\n".join(texts(axis.figure))
    for text in ("= 1.550 mag", r"= 1.450 $\pm$ 0.250 mag", "outliers = 66.7%", "= 7.41%"):
        assert text in shown
    assert "n = 3 (1 not positive)" in shown
    # The histogram ends at 1 mag and has the error of 3 mag in its last bin.
    counts = [bar.get_height() for bar in strip.child_axes[0].patches]
    assert (sum(counts), counts[-1]) == (2, 1)


@pytest.mark.parametrize(
    ("n", "limit"), [(3, "33.3"), (498, "0.2"), (5000, "0.02"), (12000, "0.008")]
)
def test_no_outliers_are_fewer_than_one(axes, n, limit):
    panel = pd.DataFrame({"mag_isolated": [20.0], "mag_blended": [20.1]})
    numbers = pd.Series(
        {"n": n, "mean_dmag": -0.0004, "sigma_mag": 0.1, "outliers_percent": 0.0}
        | {"outliers_percent_low": 0.0, "outliers_percent_high": 0.0}
        | {"mape_mag_percent": 1.0, "n_nonpositive": 0}
    )
    draw_panel(*axes, panel, numbers, (18.8, 24.2), "#000000")
    shown = "\n".join(texts(axes[0].figure))
    assert f"outliers < {limit}%\n" in shown
    # A number that rounds to zero has no sign.
    assert "= 0.000 mag" in shown


def test_points_beyond_the_axis_are_marked_at_its_edge(axes):
    y = pd.Series([0.1, 5.0, -3.0, np.nan, 0.2])
    x = pd.Series([1.0, 2.0, 3.0, 4.0, 5.0])
    assert draw_points(axes[0], x, y, (-1, 1), color="k") == 2
    inside, above, below = (points.get_offsets() for points in axes[0].collections)
    assert inside.tolist() == [[1.0, 0.1], [5.0, 0.2]]
    assert (above[:, 0], below[:, 0]) == (2.0, 3.0)
    assert 0.9 < above[0, 1] < 1
    assert -1 < below[0, 1] < -0.9


def test_a_panel_without_fluxes_says_so(axes):
    axis, strip = axes
    draw_panel(axis, strip, pd.DataFrame(), pd.Series({"n": 0}), (18.8, 23.2), "#000000")
    assert "no fluxes in this catalogue" in texts(axis.figure)
    assert not axis.collections


@pytest.fixture
def draw(cleaned_chunk, stamps_and_blends, made_up):
    """Function that draws a figure, by its number, into no file."""
    masks = {"unet": examples(), "blend2mask2flux": examples(1)}
    iou = pd.DataFrame({"blend": [0, 0], "galaxy": ["central", "companion"], "iou": [0.5, 0.7]})
    iou["area_true_px"] = 100
    data = fig12_data(iou.assign(network="unet"), made_up)

    def of_catalog(find_points, find_statistics, draw):
        points = find_points(made_up, **ZERO_POINTS)
        draw(points, find_statistics(points), [], "LABEL")

    drawings = {
        1: lambda: draw_fig1(cleaning_examples(*cleaned_chunk), [], "LABEL"),
        2: lambda: draw_fig2(
            blend_examples(*stamps_and_blends, companion_edge="zero"), [], "LABEL"
        ),
        3: lambda: draw_fig3(FLUXES, [], "LABEL"),
        4: lambda: draw_fig4(MASKS, [], "LABEL"),
        5: lambda: of_catalog(fig5_data, fig5_statistics, draw_fig5),
        6: lambda: of_catalog(fig6_data, fig6_statistics, draw_fig6),
        7: lambda: of_catalog(fig7_data, fig7_statistics, draw_fig7),
        8: lambda: of_catalog(fig8_data, fig8_statistics, draw_fig8),
        9: lambda: of_catalog(fig9_data, fig9_statistics, draw_fig9),
        10: lambda: draw_fig10(masks["blend2mask2flux"], 0.01, 0.06, [], "LABEL"),
        11: lambda: draw_fig11(masks, 0.06, [], "LABEL"),
        12: lambda: draw_fig12(data, fig12_statistics(data), [], "LABEL"),
    }
    return lambda number: drawings[number]()


@pytest.mark.parametrize("number", range(1, 13))
def test_figures_are_as_wide_as_columns_and_have_their_label_at_the_top_left(drawn, draw, number):
    draw(number)
    figure = drawn[0]
    assert figure.get_figwidth() in (ONE_COLUMN_IN, TWO_COLUMNS_IN)
    assert figure.get_suptitle().startswith("LABEL")


@pytest.mark.parametrize("number", range(1, 13))
def test_all_texts_have_one_of_the_sizes_of_the_style(drawn, draw, number):
    draw(number)
    sizes = {round(text.get_fontsize(), 2) for text in drawn[0].findobj(plt.Text)}
    assert sizes <= {8.0, 7.0, 6.66}
