"""SEP photometry against profiles whose flux is known."""

import galsim
import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.blends import BlendConfig, draw_blends
from deblend.boucaud2020.sep import (
    fit_zero_points,
    measure_blends,
    measure_isolated_galaxies,
    to_predictions,
)
from deblend.errors import DeblendError
from deblend.photometry.sep import (
    FLAG_FAILED,
    SepError,
    associate,
    background_rms,
    central_label,
    detect,
    measure_blend,
    measure_isolated,
)
from deblend.units import flux_from_mag, mag_from_flux

from tests.conftest import COLD, HOT, galaxy_table, make_stamps

NOISE = 0.0065


def draw(profile, seed, size=128, x=0.0, y=0.0):
    psf = galsim.Moffat(beta=2.5, fwhm=0.17)
    image = galsim.ImageF(size, size, scale=0.06)
    centre = galsim.PositionD(size // 2 + 1 + x, size // 2 + 1 + y)
    galsim.Convolve(profile, psf).drawImage(image, center=centre, method="no_pixel")
    noise = np.random.default_rng(seed).normal(0, NOISE, (size, size))
    return (image.array + noise).astype(np.float32)


@pytest.fixture(scope="module")
def isolated_stamps():
    """Isolated Sersic galaxies of known magnitude."""
    rng = np.random.default_rng(8)
    n = 120
    galaxies = galaxy_table(n, mag=rng.uniform(19, 23, n), radius=rng.uniform(3, 9, n))
    images = []
    for i, galaxy in galaxies.iterrows():
        profile = galsim.Sersic(
            n=round(rng.uniform(0.6, 2.5), 1),
            half_light_radius=0.06 * galaxy["half_light_radius_px"],
            flux=flux_from_mag(galaxy["mag"], 25.96),
        ).shear(q=rng.uniform(0.4, 1), beta=rng.uniform(0, 3) * galsim.radians)
        images.append(draw(profile, i))
    split = np.where(np.arange(n) % 2, "test", "validation")
    return make_stamps(np.stack(images), mag=galaxies["mag"], split=split)


@pytest.fixture(scope="module")
def isolated(isolated_stamps):
    return measure_isolated_galaxies(isolated_stamps, COLD, HOT, 1)


def test_isolated_galaxies_are_recovered_without_bias(isolated):
    table = fit_zero_points(isolated, 25.96).set_index("method")
    assert abs(table.loc["sep_auto", "bias_test_mag"]) < 0.02
    assert table.loc["sep_auto", "scatter_test_mag"] < 0.06
    # Isophotes at five sigma lose more light, in particular of faint galaxies.
    assert table.loc["sep_iso", "scatter_test_mag"] > table.loc["sep_auto", "scatter_test_mag"]
    assert table.loc["sep_iso", "zero_point"] < table.loc["sep_auto", "zero_point"]


def test_bias_and_scatter_of_test_galaxies_by_hand():
    """The zero point is the median of validation, so that one outlier moves the mean only."""
    mag = np.full(10, 20.0)
    error = np.array([0.0, 0.1, 0.2, 0.3, 5.0, 0.25, 0.25, 0.45, 0.65, 1.05])
    flux = 10 ** (-0.4 * (mag + error - 26))
    flux[6] = np.nan
    table = pd.DataFrame({"mag": mag, "flux_iso": flux, "flux_auto": flux})
    table["split"] = ["validation"] * 5 + ["test"] * 5
    row = fit_zero_points(table, 25.96).iloc[0]
    assert row["zero_point"] == pytest.approx(26 - 0.2)
    assert (row["n_validation"], row["n_test"]) == (5, 4)
    left = np.array([0.05, 0.25, 0.45, 0.85])
    assert row["bias_test_mag"] == pytest.approx(0.35)
    assert row["mean_test_mag"] == pytest.approx(left.mean())
    assert row["std_test_mag"] == pytest.approx(left.std())
    assert row["nmad_test_mag"] == pytest.approx(1.4826 * 0.2, rel=1e-4)
    assert row["scatter_test_mag"] == pytest.approx(np.ptp(np.percentile(left, [16, 84])) / 2)


def test_zero_points_are_at_the_depth_of_blends(isolated_stamps, isolated):
    """Blends have twice the noise variance, so isophotes lose more light than on single stamps."""
    single = [measure_isolated(image, COLD, HOT)[0] for image in isolated_stamps.images[:, 0]]
    lost = -2.5 * np.log10(isolated["flux_iso"].to_numpy() / np.array(single))
    assert 0.01 < np.nanmedian(lost) < 0.15


def test_auto_flux_has_most_of_the_light(isolated):
    lost = mag_from_flux(isolated["flux_auto"], 25.96) - isolated["mag"]
    assert 0 < np.median(lost) < 0.1


def test_zero_points_need_validation_galaxies_and_no_test_ones(isolated):
    with pytest.raises(DeblendError, match="there are 0: give the data set a validation split"):
        fit_zero_points(isolated.assign(split="test"), 25.96)
    table = fit_zero_points(isolated.assign(split="validation"), 25.96)
    assert (table["n_test"] == 0).all()
    assert table["bias_test_mag"].isna().all()


@pytest.mark.parametrize("size", [64, 128])
def test_the_background_is_seen_between_the_galaxies(size):
    """A galaxy that fills much of the frame does not raise the threshold by much."""
    profile = galsim.Exponential(half_light_radius=0.06 * 7, flux=flux_from_mag(20, 25.96))
    rms = background_rms(draw(profile, 1, size=size))
    assert rms / NOISE == pytest.approx(1, abs={64: 0.5, 128: 0.1}[size])


def test_a_blend_for_which_sep_fails_is_flagged():
    """An image whose sky is not subtracted has more bright pixels than SEP can hold (300,000)."""
    image = (1 + np.random.default_rng(0).normal(0, NOISE, (600, 600))).astype(np.float32)
    with pytest.raises(SepError, match=r"could not extract objects \(threshold 5.0 x .*buffer"):
        detect(image, COLD, NOISE)
    found = measure_blend(image, 4.0, COLD, HOT)
    assert (found.detection, found.mode) == (-1, "failed")
    assert np.isnan(found.flux_iso).all()
    assert (found.flags == FLAG_FAILED).all()


def test_gaussian_isophotal_flux_is_analytic():
    # A round Gaussian of peak p has the share 1 - t/p of its flux above a threshold t.
    sigma_px, flux = 4.0, 400.0
    y, x = np.indices((64, 64)) - 32
    image = flux / (2 * np.pi * sigma_px**2) * np.exp(-(x**2 + y**2) / (2 * sigma_px**2))
    objects, segmap = detect(image.astype(np.float32), COLD, 0.01)
    expected = flux * (1 - COLD.threshold * 0.01 / image.max())
    assert objects["flux"][0] == pytest.approx(expected, rel=2e-3)
    assert central_label(segmap, objects) == 1


# The three cases of Sect. 3.3. The centre is at 64 px; the radius of the central galaxy is 6 px.
@pytest.mark.parametrize(
    ("x", "y", "flux", "detection", "rows"),
    [
        ([], [], [], -1, [-1, -1]),
        # One detection: within 0.5 R of the centre it is the central galaxy, else the companion.
        ([66.9], [64], [10], 0, [0, -1]),
        ([67.1], [64], [10], 1, [-1, 0]),
        ([62], [62], [10], 0, [0, -1]),
        # Two: the one closest to the centre is the central galaxy, independent of their brightness.
        ([80, 65], [64, 64], [100, 1], 2, [1, 0]),
        ([63, 50], [64, 50], [1, 100], 2, [0, 1]),
        # More: the two brightest count. The faint one at the centre is ignored.
        ([64, 70, 90], [64, 64, 64], [1, 50, 40], 3, [1, 2]),
        ([90, 64, 30, 65], [64, 64, 64, 66], [50, 40, 45, 30], 3, [0, 2]),
    ],
)
def test_association_cases(x, y, flux, detection, rows):
    got, which = associate(np.array(x, float), np.array(y, float), np.array(flux, float), 64, 6.0)
    assert got == detection
    assert which.tolist() == rows


def pair(distance_px, mag=21.0):
    flux = flux_from_mag(mag, 25.96)
    profile = galsim.Exponential(half_light_radius=0.06 * 4, flux=flux)
    other = galsim.Exponential(half_light_radius=0.06 * 4, flux=flux / 2)
    return draw(profile + other.shift(0.06 * distance_px, 0), 3), flux


def test_a_wide_pair_is_found_and_measured():
    image, flux = pair(30)
    found = measure_blend(image, 4.0, COLD, HOT)
    assert (found.detection, found.mode) == (2, "cold")
    assert found.flux_auto == pytest.approx([flux, flux / 2], rel=0.06)
    assert (found.flux_iso < found.flux_auto).all()
    centre = image.shape[0] // 2
    np.testing.assert_allclose(found.positions, [[centre, centre], [centre, centre + 30]], atol=0.5)


def test_a_single_galaxy_is_the_central_one_and_the_other_is_missing():
    image, _ = pair(0)
    found = measure_blend(image, 4.0, COLD, HOT)
    assert (found.detection, found.mode) == (0, "hot")
    assert np.isfinite(found.flux_iso[0])
    assert np.isnan(found.flux_iso[1])
    assert np.isnan(found.flux_auto[1])
    assert np.isfinite(found.positions[0]).all()
    assert np.isnan(found.positions[1]).all()


def test_nothing_in_an_empty_stamp():
    image = np.random.default_rng(0).normal(0, NOISE, (64, 64)).astype(np.float32)
    found = measure_blend(image, 4.0, COLD, HOT)
    assert found.detection == -1
    assert np.isnan(found.flux_iso).all()
    assert np.isnan(measure_isolated(image, COLD, HOT)[0])


def test_results_do_not_depend_on_chunks():
    profiles = [
        galsim.Exponential(half_light_radius=0.06 * r, flux=flux_from_mag(m, 25.96))
        for r, m in ((3, 21), (5, 20.5), (4, 21.5), (6, 20))
    ]
    stamps = make_stamps(
        np.stack([draw(p, i, size=64) for i, p in enumerate(profiles)]), mag=[21, 20.5, 21.5, 20.0]
    )
    blends = draw_blends(
        stamps.galaxies,
        np.arange(4),
        0,
        20,
        stamp_size=64,
        seed=0,
        split="test",
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False),
    )
    whole = measure_blends(stamps, blends, COLD, HOT, "zero")
    part = measure_blends(stamps, blends.iloc[10:], COLD, HOT, "zero")
    assert part.equals(whole.iloc[10:].reset_index(drop=True))
    table = pd.DataFrame({"method": ["sep_iso", "sep_auto"], "zero_point": [25.7, 25.9]})
    long = to_predictions(whole, table)
    assert len(long) == 2 * 2 * len(whole)
    mine = long.query("method == 'sep_auto' and galaxy == 'companion'")["flux"].to_numpy()
    np.testing.assert_array_equal(mine, whole["flux_auto_companion"])
