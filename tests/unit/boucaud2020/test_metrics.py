"""Statistics against independent calculations."""

import csv
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.figures.fig5_magnitudes import draw_fig5, fig5_data, fig5_statistics
from deblend.boucaud2020.metrics import bootstrap_by_galaxy, photometry_statistics, photometry_table


def ratio(dmag):
    return 10 ** (-0.4 * np.asarray(dmag))


def test_statistics_by_hand():
    numbers = photometry_statistics(ratio([0.1, -0.1, 1.0, np.nan]), np.full(4, 20.0))
    assert numbers["n"] == 3
    assert numbers["n_missing"] == 1
    assert numbers["n_nonpositive"] == 0
    assert numbers["mean_dmag"] == pytest.approx(1 / 3)
    assert numbers["sigma_mag"] == pytest.approx(statistics.pstdev([0.1, -0.1, 1.0]))
    assert numbers["outliers_percent"] == pytest.approx(100 / 3)
    assert numbers["mape_mag_percent"] == pytest.approx(100 * 1.2 / 20 / 3)
    ratios = [10 ** (-0.4 * d) for d in (0.1, -0.1, 1.0)]
    expected = 100 * statistics.fmean(abs(r - 1) for r in ratios)
    assert numbers["mape_flux_percent"] == pytest.approx(expected)


def test_fluxes_without_a_magnitude_count_as_errors():
    numbers = photometry_statistics(np.array([1.0, 1.0, -2.0, 0.0]), np.full(4, 20.0))
    assert (numbers["n"], numbers["n_missing"], numbers["n_nonpositive"]) == (4, 0, 2)
    assert numbers["outliers_percent"] == 50
    assert numbers["mape_flux_percent"] == 100  # (0 + 0 + 3 + 1) / 4
    assert numbers["sigma_mag"] == 0
    alone = photometry_statistics(np.array([-1.0]), np.array([20.0]))
    assert (alone["outliers_percent"], alone["mape_flux_percent"]) == (100, 200)
    assert math.isnan(alone["sigma_mag"])


def test_no_measurement_is_no_number():
    numbers = photometry_statistics(np.array([np.nan]), np.array([20.0]))
    assert (numbers["n"], numbers["n_missing"]) == (0, 1)
    assert math.isnan(numbers["sigma_mag"])


def test_bootstrap_allows_for_shared_galaxies():
    # 20 galaxies, each measured 50 times with the same error: the mean is known to 1/sqrt(20) of
    # the scatter, not to 1/sqrt(1000).
    rng = np.random.default_rng(0)
    error = np.repeat(rng.normal(0, 1, 20), 50)
    true = np.full(1000, 20.0)
    interval = bootstrap_by_galaxy(
        photometry_statistics,
        ratio(error),
        true,
        np.repeat(np.arange(20), 50),
        n_resamples=400,
        seed=1,
    )
    half_width = (interval.loc["mean_dmag", "high"] - interval.loc["mean_dmag", "low"]) / 2
    assert half_width == pytest.approx(np.std(error) / np.sqrt(20), rel=0.2)


def test_photometry_table_selects_and_scales():
    predictions = pd.DataFrame(
        {
            "blend": [0, 0, 1, 1],
            "galaxy": ["central", "companion"] * 2,
            "method": "m",
            "flux": [100.0, 50.0, 100.0, np.nan],
            "zero_point": 25.0,
            "flags": 0,
        }
    )
    truth = pd.DataFrame({"mag_central": [20.0, 20.0], "mag_companion": [20.8, 20.0]})
    truth.index.name = "blend"
    truth[["id_central", "id_companion"]] = [["a", "c"], ["b", "d"]]
    detection = pd.Series([2, 0])
    table = photometry_table(predictions, truth, detection, n_resamples=0, seed=0)
    table = table.set_index(["galaxy", "selection"])
    assert table.loc[("central", "all"), "n"] == 2
    assert table.loc[("central", "found"), "mean_dmag"] == pytest.approx(0.0)
    assert table.loc[("companion", "all"), "n_missing"] == 1
    assert table.loc[("companion", "found"), "n"] == 1
    # 50 counts/s at 25: 20.753; the true magnitude is 20.8.
    assert table.loc[("companion", "both"), "mean_dmag"] == pytest.approx(-0.0474, abs=1e-3)


@pytest.fixture(scope="module")
def published(real_data):
    return real_data / "published" / "boucaud2020_output_catalog_sample.csv"


def test_figure_5_of_the_published_sample(published, tmp_path):
    """Against plain Python over the published rows, with none of the library's code."""
    with open(published) as file:
        rows = list(csv.DictReader(file))
    table = fig5_statistics(
        fig5_data(pd.read_csv(published), network_zero_point=25.96, sextractor_zero_point=25.67)
    ).set_index(["method", "galaxy"])
    for galaxy, g, codes in (("central", "g1", "02"), ("companion", "g2", "12")):
        for method, suffix, zero_point in (
            ("blend2flux", "b2f", 25.96),
            ("blend2mask2flux", "b2m2f", 25.96),
            ("SExtractor", "sex", 25.67),
        ):
            chosen = [r for r in rows if r["detection"] in codes]
            true = [float(r[f"{g}_mag"]) for r in chosen]
            mag = [zero_point - 2.5 * math.log10(float(r[f"{g}_flux_{suffix}"])) for r in chosen]
            dmag = [m - t for m, t in zip(mag, true, strict=True)]
            got = table.loc[(method, galaxy)]
            assert got["n"] == len(chosen)
            assert got["mean_dmag"] == pytest.approx(statistics.fmean(dmag), abs=1e-9)
            assert got["sigma_mag"] == pytest.approx(statistics.pstdev(dmag), abs=1e-9)
            share = 100 * sum(abs(d) > 0.75 for d in dmag) / len(dmag)
            assert got["outliers_percent"] == pytest.approx(share)
            mape = 100 * statistics.fmean(abs(d / t) for d, t in zip(dmag, true, strict=True))
            assert got["mape_mag_percent"] == pytest.approx(mape)
    # What Sect. 4.1 says of these numbers.
    assert 0.09 < table.loc[("blend2flux", "central"), "sigma_mag"] < 0.14
    assert 0.4 < table.loc[("SExtractor", "central"), "sigma_mag"] < 0.8


def test_a_panel_without_rows_has_no_numbers(published, tmp_path):
    """SEP found only the companion in every blend."""
    catalog = pd.read_csv(published).assign(detection=1)
    points = fig5_data(catalog, network_zero_point=25.96, sextractor_zero_point=25.67)
    numbers = fig5_statistics(points, n_resamples=5, seed=1)
    assert numbers.set_index(["method", "galaxy"]).loc[("SExtractor", "central"), "n"] == 0
    assert len(numbers) == 6
    draw_fig5(points, numbers, [tmp_path / "empty.png"], "sample")
    assert (tmp_path / "empty.png").stat().st_size > 0


def test_figure_is_drawn_alike_twice_and_shows_empty_panels(published, tmp_path):
    catalog = pd.read_csv(published)
    catalog[["g1_flux_b2m2f", "g2_flux_b2m2f"]] = np.nan
    points = fig5_data(catalog, network_zero_point=25.96, sextractor_zero_point=25.67)
    numbers = fig5_statistics(points, n_resamples=20, seed=1)
    assert numbers.set_index(["method", "galaxy"]).loc[("blend2mask2flux", "central"), "n"] == 0
    for name in ("a", "b"):
        draw_fig5(points, numbers, [tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"], "sample")
    assert (tmp_path / "a.pdf").read_bytes() == (tmp_path / "b.pdf").read_bytes()
    assert (tmp_path / "a.png").read_bytes() == (tmp_path / "b.png").read_bytes()
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
