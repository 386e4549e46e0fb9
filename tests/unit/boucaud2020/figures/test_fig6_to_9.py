"""Figures 6 to 9 against plain Python over the published rows, with none of the library's code."""

import csv
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures import fig5_magnitudes as fig5
from deblend.boucaud2020.figures import fig6_pairs as fig6
from deblend.boucaud2020.figures import fig7_errors as fig7
from deblend.boucaud2020.figures import fig8_bias_scatter as fig8
from deblend.boucaud2020.figures import fig9_morphology as fig9
from deblend.boucaud2020.figures.panels import omitted_counts
from deblend.boucaud2020.recovered import statistics_table

ZERO_POINTS = {"network_zero_point": 25.96, "sextractor_zero_point": 25.67}
METHODS = (
    ("blend2flux", "b2f", 25.96),
    ("blend2mask2flux", "b2m2f", 25.96),
    ("SExtractor", "sex", 25.67),
)
#: Name to its three functions.
FIGURES = {
    "fig5": (fig5.fig5_data, fig5.fig5_statistics, fig5.draw_fig5),
    "fig6": (fig6.fig6_data, fig6.fig6_statistics, fig6.draw_fig6),
    "fig7": (fig7.fig7_data, fig7.fig7_statistics, fig7.draw_fig7),
    "fig8": (fig8.fig8_data, fig8.fig8_statistics, fig8.draw_fig8),
    "fig9": (fig9.fig9_data, fig9.fig9_statistics, fig9.draw_fig9),
}


@pytest.fixture(scope="module")
def published(real_data):
    return real_data / "published" / "boucaud2020_output_catalog_sample.csv"


@pytest.fixture(scope="module")
def rows(published):
    with open(published) as file:
        return list(csv.DictReader(file))


def numbers(figure, catalog):
    data, find, _ = FIGURES[figure]
    return find(data(catalog, **ZERO_POINTS))


def errors(rows, g, suffix, zero_point):
    """Recovered minus isolated magnitude of each row."""
    return [
        zero_point - 2.5 * math.log10(float(r[f"{g}_flux_{suffix}"])) - float(r[f"{g}_mag"])
        for r in rows
    ]


def quantile(values, share):
    """Linear between order statistics."""
    values = sorted(values)
    place = share * (len(values) - 1)
    low = math.floor(place)
    high = min(low + 1, len(values) - 1)
    return values[low] + (place - low) * (values[high] - values[low])


def bins_of(rows):
    """Rows in each of the six bins, by the edges written out."""
    edges = (-2, -4 / 3, -2 / 3, 0, 2 / 3, 4 / 3, 2)
    delta = [float(r["g1_mag"]) - float(r["g2_mag"]) for r in rows]
    return [
        [r for r, d in zip(rows, delta, strict=True) if low <= d < high]
        for low, high in zip(edges[:-1], edges[1:], strict=True)
    ]


def check_bins(table, rows, g, suffix, zero_point):
    """A table's rows of one group against the catalogue's."""
    table = table.set_index("bin")
    assert table["n_beyond"].max() == 0
    for number, chosen in enumerate(bins_of(rows)):
        got = table.loc[number]
        assert got["n"] == len(chosen)
        if not chosen:
            assert math.isnan(got["median"])
            continue
        dmag = errors(chosen, g, suffix, zero_point)
        assert got["median"] == pytest.approx(statistics.median(dmag), abs=1e-9)
        assert got["sigma_mag"] == pytest.approx(statistics.pstdev(dmag), abs=1e-9)
        for name, share in (("p5", 0.05), ("p25", 0.25), ("p75", 0.75), ("p95", 0.95)):
            assert got[name] == pytest.approx(quantile(dmag, share), abs=1e-9)
    assert table.loc["all", "n"] == len(rows)


def test_figure_6(published, rows):
    table = numbers("fig6", pd.read_csv(published)).set_index(["method", "pair"])
    assert len(table) == 5
    assert ("SExtractor", "pair_missed") not in table.index
    for (method, pair), got in table.iterrows():
        suffix, zero_point = next((s, z) for m, s, z in METHODS if m == method)
        chosen = [r for r in rows if (r["detection"] == "2") == (pair == "pair_detected")]
        dmag = errors(chosen, "g1", suffix, zero_point) + errors(chosen, "g2", suffix, zero_point)
        true = [float(r["g1_mag"]) for r in chosen] + [float(r["g2_mag"]) for r in chosen]
        assert got["n"] == 2 * len(chosen)
        assert got["mean_dmag"] == pytest.approx(statistics.fmean(dmag), abs=1e-9)
        assert got["sigma_mag"] == pytest.approx(statistics.pstdev(dmag), abs=1e-9)
        share = 100 * sum(abs(d) > 0.75 for d in dmag) / len(dmag)
        assert got["outliers_percent"] == pytest.approx(share)
        mape = 100 * statistics.fmean(abs(d / t) for d, t in zip(dmag, true, strict=True))
        assert got["mape_mag_percent"] == pytest.approx(mape)
        flux = 100 * statistics.fmean(abs(10 ** (-0.4 * d) - 1) for d in dmag)
        assert got["mape_flux_percent"] == pytest.approx(flux)


def test_figure_7(published, rows):
    table = numbers("fig7", pd.read_csv(published))
    assert len(table) == 6 * 7
    for galaxy, g, codes in (("central", "g1", "02"), ("companion", "g2", "12")):
        chosen = [r for r in rows if r["detection"] in codes]
        for method, suffix, zero_point in METHODS:
            mine = table[(table["method"] == method) & (table["galaxy"] == galaxy)]
            check_bins(mine, chosen, g, suffix, zero_point)
    points = fig7.fig7_data(pd.read_csv(published), **ZERO_POINTS)
    one = points[(points["method"] == "blend2flux") & (points["galaxy"] == "companion")].iloc[0]
    first = next(r for r in rows if r["detection"] in "12")
    assert one["distance_over_radius"] == pytest.approx(
        float(first["distance"]) / float(first["g1_rad"])
    )


def test_figure_8(published, rows):
    table = numbers("fig8", pd.read_csv(published))
    chosen = [r for r in rows if r["detection"] in "02"]
    for method, suffix, zero_point in METHODS:
        check_bins(table[table["method"] == method], chosen, "g1", suffix, zero_point)


def test_figure_9(published, rows):
    table = numbers("fig9", pd.read_csv(published))
    for method, suffix, zero_point in METHODS:
        for kind in ("sph", "disk", "sphd", "irr", "all"):
            chosen = [
                r
                for r in rows
                if (method != "SExtractor" or r["detection"] in "02")
                and kind in ("all", r["g1_type"])
            ]
            mine = table[(table["method"] == method) & (table["type"] == kind)]
            check_bins(mine, chosen, "g1", suffix, zero_point)


def test_edges_belong_to_bins_and_bad_fluxes_are_counted(published):
    catalog = pd.read_csv(published).iloc[:8].assign(detection=2, g2_mag=21.0)
    catalog["g1_mag"] = [19.0, 23.0, 21.0, 21.0, 18.9, 23.1, 22.0, 22.0]
    catalog["g1_flux_b2f"] = 10 ** (0.4 * (25.96 - catalog["g1_mag"]))
    catalog.loc[6, "g1_flux_b2f"] = -1.0
    catalog["g1_flux_sex"] = 10.0  # some of these rows have none
    table = numbers("fig8", catalog).query("method == 'blend2flux'").set_index("bin")
    assert table["n"].to_dict() == {"all": 6, 0: 1, 1: 0, 2: 0, 3: 2, 4: 2, 5: 1}
    assert table["n_nonpositive"].to_dict() == {"all": 1, 0: 0, 1: 0, 2: 0, 3: 0, 4: 1, 5: 0}
    assert set(table["n_beyond"]) == {2}
    assert table["median"].abs().max() < 1e-9
    # The two galaxies beyond the bins have fluxes of three methods.
    assert omitted_counts(numbers("fig8", catalog)) == (
        "fluxes not positive: 1; fluxes beyond the bins: 6"
    )


def test_the_table_of_figures_5_and_6(published):
    catalog = pd.read_csv(published)
    five, six = numbers("fig5", catalog), numbers("fig6", catalog)
    table = statistics_table(five, six)
    assert list(table.columns) == [
        "figure",
        "network",
        "galaxy",
        "n",
        "mean",
        "sigma",
        "outliers_percent",
        "mape_mag_percent",
        "mape_flux_percent",
    ]
    assert len(table) == 11
    index = table.set_index(["figure", "network", "galaxy"])
    assert index.index.is_unique
    expected = six.set_index(["method", "pair"]).loc[("SExtractor", "pair_detected")]
    got = index.loc[("fig6", "sextractor", "pair_detected")]
    assert got["sigma"] == expected["sigma_mag"]
    assert got["mean"] == expected["mean_dmag"]
    assert set(table[table["figure"] == "fig5"]["galaxy"]) == {"central", "companion"}


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("empty", ["no", "joint network", "everything", "no SExtractor"])
def test_figures_are_drawn_alike_twice_and_empty_too(published, tmp_path, figure, empty):
    catalog = pd.read_csv(published)
    if empty == "joint network":
        catalog[["g1_flux_b2m2f", "g2_flux_b2m2f"]] = np.nan
    elif empty == "everything":
        catalog[[c for c in catalog if "_flux_" in c]] = np.nan
    elif empty == "no SExtractor":
        catalog["detection"] = -1
    data, find, draw = FIGURES[figure]
    points = data(catalog, **ZERO_POINTS)
    found = find(points)
    for name in ("a", "b") if empty == "no" else ("a",):
        draw(points, found, [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"], "sample")
    if empty == "no":
        assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
        assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
