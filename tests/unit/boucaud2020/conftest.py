"""Data sets, blends and catalogues that tests of several modules share."""

import csv
import math
import statistics

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.catalog import COLUMNS
from deblend.boucaud2020.simulate import simulate_chunk

from tests.conftest import make_stamps, simulator_config

#: Zero points of the fluxes in the published catalogue, mag.
ZERO_POINTS = {"network_zero_point": 25.96, "sextractor_zero_point": 25.67}
#: Method, its suffix in the catalogue, its zero point.
METHODS = (
    ("blend2flux", "b2f", 25.96),
    ("blend2mask2flux", "b2m2f", 25.96),
    ("SExtractor", "sex", 25.67),
)
#: What a catalogue may lack, see `without`.
LACKING = ("nothing", "joint network", "everything", "SExtractor")


# Stamps, and blends of them.


@pytest.fixture(scope="session")
def stamps(priors):
    """Simulated galaxies without neighbours."""
    return simulate_chunk(11, "sim", 0, 24, priors, simulator_config(n_neighbours_mean=0.0))


@pytest.fixture
def cleaned_chunk():
    """Parent stamps and clean ones of five galaxies: g0 is excluded; g1, g3, g4 had neighbours."""
    images = np.random.default_rng(0).normal(0, 0.0065, (5, 16, 16)).astype(np.float32)
    columns = {
        "mag": [19.0, 20.0, 21.0, 22.0, 21.5],
        "morphology": ["sph", "sph", "disk", "disk", "irr"],
    }
    parents = make_stamps(images, **columns)
    images = images.copy()
    images[[1, 3, 4], 0, :4] += 1
    segmaps = np.zeros(images.shape, np.int16)
    segmaps[:, 6:10, 6:10] = 1
    return parents, make_stamps(images, segmaps, **columns).take(np.arange(1, 5))


@pytest.fixture
def stamps_and_blends():
    """Stamps of noise, and 400 test blends of them."""
    rng = np.random.default_rng(1)
    stamps = make_stamps(rng.normal(0, 0.0065, (40, 32, 32)), half_light_radius_px=3.0)
    config = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False)
    return stamps, draw_blends(
        stamps.galaxies, np.arange(40), 0, 400, stamp_size=32, seed=1, split="test", config=config
    )


# Catalogues in the published format.


@pytest.fixture
def four_blends():
    """Columns of the published catalogue that describe the galaxies, for four blends."""
    return pd.DataFrame(
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


@pytest.fixture
def made_up():
    """A catalogue of 200 blends; the magnitudes of all methods have normal errors."""
    rng, n = np.random.default_rng(4), 200
    table = pd.DataFrame({"id": range(n), "distance": rng.uniform(3, 30, n)})
    table["g1_mag"] = rng.uniform(20, 22.5, n)
    table["g2_mag"] = table["g1_mag"] - rng.uniform(-2, 2, n)
    table["detection"] = rng.choice([-1, 0, 1, 2, 3], n, p=[0.05, 0.1, 0.2, 0.6, 0.05])
    for g, found in (("g1", (0, 2)), ("g2", (1, 2))):
        table[f"{g}_id"] = rng.integers(0, 100, n)
        table[f"{g}_rad"] = rng.uniform(3, 10, n)
        table[f"{g}_z"] = 1.0
        table[f"{g}_type"] = rng.choice(["sph", "disk", "sphd", "irr"], n)
        table[f"{g}_flux"] = 10 ** (0.4 * (25.96 - table[f"{g}_mag"]))
        for method, suffix, zero_point in METHODS:
            mag = table[f"{g}_mag"] + rng.normal(0.02, 0.5 if method == "SExtractor" else 0.1, n)
            table[f"{g}_flux_{suffix}"] = 10 ** (0.4 * (zero_point - mag))
            if method == "SExtractor":
                mag = mag.where(table["detection"].isin(found))
                table[f"{g}_sex_mag"] = mag
                table.loc[mag.isna(), f"{g}_flux_sex"] = np.nan
    return table[list(COLUMNS)]


@pytest.fixture(scope="session")
def published(real_data):
    """Path of the 300 rows that the authors published."""
    return real_data / "published" / "boucaud2020_output_catalog_sample.csv"


@pytest.fixture(params=["made up", "published"])
def catalog_file(request, tmp_path):
    """Path of a catalogue."""
    if request.param == "published":
        return request.getfixturevalue("published")
    request.getfixturevalue("made_up").to_csv(tmp_path / "catalog.csv", index=False)
    return tmp_path / "catalog.csv"


@pytest.fixture
def rows(catalog_file):
    """Rows of that catalogue as dicts of texts."""
    with open(catalog_file) as file:
        return list(csv.DictReader(file))


def without(catalog, lacking):
    """The catalogue without what is `LACKING`."""
    if lacking == "joint network":
        return catalog.assign(g1_flux_b2m2f=np.nan, g2_flux_b2m2f=np.nan)
    if lacking == "everything":
        return catalog.assign(**{c: np.nan for c in catalog if "_flux_" in c})
    return catalog.assign(detection=-1) if lacking == "SExtractor" else catalog


def of_networks(catalog, *names):
    """The catalogue with blend2flux's fluxes under such names, and no other network's."""
    fluxes = {f"g{g}_flux_{name}": catalog[f"g{g}_flux_b2f"] for name in names for g in (1, 2)}
    return catalog.drop(columns=[c for c in catalog if "_b2" in c]).assign(**fluxes)


def draw_once_or_twice(draw, lacking, folder):
    """Call `draw(outputs)`; the figure of a whole catalogue is the same when it is drawn again."""
    first, second = ([folder / f"{name}.{kind}" for kind in ("pdf", "png")] for name in "ab")
    draw(first)
    assert first[0].read_bytes().startswith(b"%PDF")
    if lacking == "nothing":
        draw(second)
        for one, other in zip(first, second, strict=True):
            assert one.read_bytes() == other.read_bytes()


# The numbers of Figures 5 to 9 in plain Python, with none of the library's code.


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
        distance = [abs(d - statistics.median(dmag)) for d in dmag]
        nmad = statistics.median(distance) / statistics.NormalDist().inv_cdf(0.75)
        half = (quantile(dmag, 0.84) - quantile(dmag, 0.16)) / 2
        assert got["nmad_mag"] == pytest.approx(nmad, abs=1e-9)
        assert got["half_68_mag"] == pytest.approx(half, abs=1e-9)
        tails = 100 * sum(d > 3 * nmad for d in distance) / len(dmag)
        assert got["tails_percent"] == pytest.approx(tails)
        for name, share in (("p5", 0.05), ("p25", 0.25), ("p75", 0.75), ("p95", 0.95)):
            assert got[name] == pytest.approx(quantile(dmag, share), abs=1e-9)
    assert table.loc["all", "n"] == len(rows)


def check_errors(got, true, dmag):
    """Statistics of a panel against its true magnitudes and errors (lists, mag)."""
    assert got["n"] == len(dmag)
    assert got["mean_dmag"] == pytest.approx(statistics.fmean(dmag), abs=1e-9)
    assert got["sigma_mag"] == pytest.approx(statistics.pstdev(dmag), abs=1e-9)
    share = 100 * sum(abs(d) > 0.75 for d in dmag) / len(dmag)
    assert got["outliers_percent"] == pytest.approx(share)
    mape = 100 * statistics.fmean(abs(d / t) for d, t in zip(dmag, true, strict=True))
    assert got["mape_mag_percent"] == pytest.approx(mape)
    flux = 100 * statistics.fmean(abs(10 ** (-0.4 * d) - 1) for d in dmag)
    assert got["mape_flux_percent"] == pytest.approx(flux)
