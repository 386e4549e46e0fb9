import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.published_sample import quantities
from deblend.boucaud2020.simulate import draw_properties, simulate_chunk, simulate_galaxy
from deblend.data.priors import (
    MORPHOLOGIES,
    cumulative_counts,
    size_relation,
)
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


def test_noise_is_what_the_configuration_says(priors):
    empty = simulator_config(n_neighbours_mean=0.0, mag_min=22.9, stamp_size=128)
    image, _ = simulate_galaxy(1, "sim", 0, priors, empty)
    assert np.std(image[:32]) == pytest.approx(CONFIG.noise_sigma, rel=0.05)


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
