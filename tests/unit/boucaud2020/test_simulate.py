import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.published_sample import quantities
from deblend.boucaud2020.simulate import draw_properties, simulate_chunk, simulate_galaxy
from deblend.data.noise import read_correlation
from deblend.data.priors import (
    MORPHOLOGIES,
    cumulative_counts,
    size_relation,
)
from deblend.errors import DeblendError
from scipy.stats import ks_2samp, kstest

from tests.conftest import ROOT, simulator_config

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


def test_larger_pixels_show_the_same_galaxies(priors):
    """The PSF contains the pixel, so that images are samples of the same light."""
    same = {"noise_sigma": 1e-9, "exposure_time_s": 1e12, "n_neighbours_mean": 2.0}
    fine = simulator_config(**same, stamp_size=64, pixel_scale_arcsec=0.06)
    coarse = simulator_config(**same, stamp_size=32, pixel_scale_arcsec=0.12)
    # As many neighbours in the same solid angle, at the same places.
    coarse = coarse.model_copy(update={"n_neighbours_mean": 4 * fine.n_neighbours_mean})
    for number in range(6):
        image, galaxy = simulate_galaxy(1, "sim", number, priors, fine)
        larger, same_galaxy = simulate_galaxy(1, "sim", number, priors, coarse)
        assert same_galaxy["half_light_radius_px"] == pytest.approx(
            galaxy["half_light_radius_px"] / 2
        )
        np.testing.assert_allclose(larger, 4 * image[::2, ::2], rtol=1e-3, atol=1e-3 * larger.max())


def test_noise_is_what_the_configuration_says(priors):
    empty = simulator_config(n_neighbours_mean=0.0, mag_min=22.9, stamp_size=128)
    image, _ = simulate_galaxy(1, "sim", 0, priors, empty)
    assert np.std(image[:32]) == pytest.approx(CONFIG.noise_sigma, rel=0.05)


def test_noise_is_correlated_if_asked_for(priors):
    correlation = read_correlation(ROOT / "config" / "noise.yaml")
    options = {"n_neighbours_mean": 0.0, "mag_min": 22.9, "stamp_size": 128}
    white, correlated = (simulator_config(**options, noise=n) for n in ("white", "correlated"))
    plain, _ = simulate_galaxy(1, "sim", 0, priors, white)
    image, galaxy = simulate_galaxy(1, "sim", 0, priors, correlated, correlation)
    corner = image[:40].astype(float)
    assert np.std(corner) == pytest.approx(CONFIG.noise_sigma, rel=0.1)
    for one, other, expected in (
        (corner[:, 1:], corner[:, :-1], correlation[2, 3]),
        (corner[1:], corner[:-1], correlation[3, 2]),
        (corner[:, 5:], corner[:, :-5], 0.0),
    ):
        assert np.corrcoef(one.ravel(), other.ravel())[0, 1] == pytest.approx(expected, abs=0.08)
    # The galaxy is the same, and a correlation that is not asked for changes nothing.
    assert galaxy == simulate_galaxy(1, "sim", 0, priors, white)[1]
    np.testing.assert_allclose(plain, image, atol=12 * CONFIG.noise_sigma)
    ignored, _ = simulate_galaxy(1, "sim", 0, priors, white, correlation)
    np.testing.assert_array_equal(ignored, plain)


@pytest.mark.parametrize("noise", ["white", "correlated"])
def test_a_sum_has_the_noise_of_its_photons(priors, noise):
    """Whether or not pixels have common noise: 40 photons per count, and no sky."""
    correlation = read_correlation(ROOT / "config" / "noise.yaml")
    options = {"n_neighbours_mean": 0.0, "mag_max": 19.0, "noise_sigma": 0.0, "noise": noise}
    images = {}
    for exposure in (40.0, 1e12):
        config = simulator_config(**options, exposure_time_s=exposure)
        images[exposure] = np.stack(
            [simulate_galaxy(1, "sim", i, priors, config, correlation)[0] for i in range(30)]
        )
    light = images[1e12].astype(float)
    blocks = np.s_[:, 16:48, 16:48]

    def sums(values):
        return values[blocks].reshape(30, 4, 8, 4, 8).sum(axis=(2, 4))

    deviation = sums(images[40.0] - light) / np.sqrt(sums(light) / 40)
    # A block of 8 pixels is not large against the correlation: its sum has a little less noise.
    assert 0.75 < np.std(deviation) < 1.05


def test_a_data_set_knows_the_correlation_of_its_noise(priors):
    correlation = read_correlation(ROOT / "config" / "noise.yaml")
    config = simulator_config(noise="correlated")
    stamps = simulate_chunk(7, "sim", 3, 5, priors, config, correlation)
    sigma, used = stamps.noise()
    assert sigma == config.noise_sigma
    np.testing.assert_array_equal(used, correlation)
    image, _ = simulate_galaxy(7, "sim", 4, priors, config, correlation)
    np.testing.assert_array_equal(stamps.images[1, 0], image)
    assert simulate_chunk(7, "sim", 3, 5, priors, CONFIG, correlation).noise()[1] is None
    with pytest.raises(DeblendError, match="there is no correlation"):
        simulate_chunk(7, "sim", 3, 5, priors, config)


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


def test_a_chunk_that_does_not_fit_into_memory_is_said(priors, needs_memory):
    needs_memory(
        lambda: simulate_chunk(7, "sim", 0, 3, priors, CONFIG),
        lambda stamps: (stamps.images, stamps.segmaps),
        "a smaller chunk_size",
    )
