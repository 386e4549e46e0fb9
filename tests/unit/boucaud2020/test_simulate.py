import galsim
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.published_sample import quantities
from deblend.boucaud2020.simulate import draw_properties, simulate_chunk, simulate_galaxy
from deblend.data.priors import (
    MORPHOLOGIES,
    cumulative_counts,
    fit,
    fit_counts,
    read_3dhst,
    size_relation,
)
from deblend.data.profiles import bulge_disk_scale, galaxy_profile
from deblend.units import flux_from_mag
from scipy.stats import ks_2samp, kstest

from tests.conftest import simulator_config

CONFIG = simulator_config()


def test_a_galaxy_does_not_depend_on_its_chunk(priors):
    chunk = simulate_chunk(7, "sim", 3, 6, priors, CONFIG)
    image, galaxy = simulate_galaxy(7, "sim", 4, priors, CONFIG)
    np.testing.assert_array_equal(chunk.images[1, 0], image)
    assert chunk.galaxies["id"][1] == galaxy["id"] == "sim-000004"
    for seed, dataset in ((8, "sim"), (7, "other")):
        other, _ = simulate_galaxy(seed, dataset, 4, priors, CONFIG)
        assert not np.array_equal(image, other)


@pytest.mark.parametrize("morphology", MORPHOLOGIES)
def test_flux_and_centroid_are_the_catalogues(priors, morphology):
    rng = np.random.default_rng(1)
    galaxy = draw_properties(rng, priors, CONFIG) | {
        "morphology": morphology,
        "mag": 20.0,
        "half_light_radius_px": 4.0,
        "sersic_n": 1.0,
        "axis_ratio": 0.6,
    }
    profile = galaxy_profile(rng, galaxy, CONFIG.pixel_scale_arcsec, CONFIG.zero_point)
    assert profile.flux == pytest.approx(flux_from_mag(20.0, CONFIG.zero_point))
    assert abs(profile.centroid.x) + abs(profile.centroid.y) < 1e-6


@pytest.mark.parametrize("morphology", ["sph", "disk", "sphd"])
def test_radius_is_the_half_light_semi_major_axis(priors, morphology):
    rng = np.random.default_rng(2)
    galaxy = draw_properties(rng, priors, CONFIG) | {
        "morphology": morphology,
        "half_light_radius_px": 5.0,
        "sersic_n": 1.0,
        "axis_ratio": 1.0,
    }
    image = galaxy_profile(rng, galaxy, CONFIG.pixel_scale_arcsec, CONFIG.zero_point).drawImage(
        nx=800, ny=800, scale=0.02
    )
    assert image.calculateHLR(flux=image.array.sum()) / 0.06 == pytest.approx(5.0, rel=0.05)


def test_bulge_and_disk_radius_agrees_with_galsim():
    total = 0.4 * galsim.DeVaucouleurs(half_light_radius=0.5) + 0.6 * galsim.Exponential(
        half_light_radius=1.0
    )
    image = total.drawImage(nx=4000, ny=4000, scale=0.02, method="no_pixel")
    assert bulge_disk_scale(0.4, 0.5) == pytest.approx(image.calculateHLR(flux=1.0), rel=0.02)
    assert bulge_disk_scale(0.3, 1.0) == 1.0


def test_properties_follow_the_priors(priors):
    drawn = [
        draw_properties(np.random.default_rng([3, i]), priors, simulator_config())
        for i in range(4000)
    ]
    for morphology in MORPHOLOGIES:
        of_class = [d for d in drawn if d["morphology"] == morphology]
        entry = priors["classes"][morphology]
        assert len(of_class) / len(drawn) == pytest.approx(entry["share"], abs=0.03)
        mag = np.array([d["mag"] for d in of_class])
        grid, share = cumulative_counts(**entry["selection"]["counts"], bright=18, faint=23)
        assert kstest(mag, lambda m, g=grid, s=share: np.interp(m, g, s)).pvalue > 0.001
        relation = size_relation(mag, np.array([d["half_light_radius_px"] for d in of_class]))
        expected = entry["catalogue"]["size"]
        shift = entry["selection"]["size_shift_dex"]
        assert relation["intercept"] == pytest.approx(expected["intercept"] + shift, abs=0.03)
    mags = np.array([d["mag"] for d in drawn])
    assert mags.min() >= 18
    assert mags.max() <= 23


def test_counts_are_recovered():
    # Counts that go as 10**(0.4 m): the share brighter than m is known.
    rng = np.random.default_rng(0)
    b = 0.4 * np.log(10)
    mag = 18 + np.log1p(rng.uniform(size=20000) * np.expm1(5 * b)) / b
    fitted = fit_counts(mag, 18.0, 23.0)
    assert fitted["slope"] == pytest.approx(0.4, abs=0.03)
    assert fitted["curvature"] == pytest.approx(0.0, abs=0.02)
    grid, share = cumulative_counts(0.4, 0.0, 18.0, 23.0)
    expected = np.expm1(b * (grid - 18)) / np.expm1(5 * b)
    np.testing.assert_allclose(share, expected, atol=1e-4)


def test_noise_is_what_the_configuration_says(priors):
    empty = simulator_config(n_neighbours_mean=0.0, mag_min=22.9, stamp_size=128)
    image, _ = simulate_galaxy(1, "sim", 0, priors, empty)
    assert np.std(image[:32]) == pytest.approx(CONFIG.noise_sigma, rel=0.05)


def test_the_fit_is_that_of_the_committed_priors(real_data, priors):
    folder = real_data / "catalogues"
    catalogue = read_3dhst(
        folder / "cosmos_3dhst.v4.1_f160w.galfit.gz", folder / "cosmos_3dhst.v4.1.fout.gz"
    )
    sample = pd.read_csv(real_data / "published" / "boucaud2020_output_catalog_sample.csv")
    fitted = fit(catalogue, sample)
    numbers = dict(leaves(priors))
    assert len(numbers) > 60
    assert dict(leaves(fitted)) == pytest.approx(numbers, abs=1e-4)


def leaves(tree, path=()):
    """Every number of nested dicts and lists, with its path."""
    if isinstance(tree, dict | list):
        for key, part in tree.items() if isinstance(tree, dict) else enumerate(tree):
            yield from leaves(part, (*path, key))
    elif not isinstance(tree, str):
        yield path, tree


def test_the_sample_agrees_with_the_published_one(real_data, priors):
    """Kolmogorov-Smirnov tests against the published blends, with stamps of 128 px like theirs."""
    config = simulator_config(stamp_size=128)
    drawn = [draw_properties(np.random.default_rng([1, i]), priors, config) for i in range(3000)]
    galaxies = pd.DataFrame(drawn)
    blends = draw_blends(
        galaxies,
        np.arange(len(galaxies)),
        0,
        5000,
        stamp_size=128,
        seed=1,
        split="test",
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False),
    )
    mag = galaxies["mag"].to_numpy()
    radius = galaxies["half_light_radius_px"].to_numpy()
    table = pd.DataFrame({"distance": np.hypot(blends["dx"], blends["dy"])})
    for g, galaxy in (("g1", "central"), ("g2", "companion")):
        table[f"{g}_mag"], table[f"{g}_rad"] = mag[blends[galaxy]], radius[blends[galaxy]]
    sample = pd.read_csv(real_data / "published" / "boucaud2020_output_catalog_sample.csv")
    ours, theirs = quantities(table), quantities(sample)
    for name in ours:
        assert ks_2samp(ours[name], theirs[name]).pvalue > 0.01, name
