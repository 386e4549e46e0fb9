"""Simulated galaxies with clumps, and galaxies of catalogues within limits of magnitude."""

import galsim
import numpy as np
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.errors import DeblendError
from deblend.farrens2022.galaxies import (
    CatalogGalaxies,
    SimulatedGalaxies,
    check_companions,
    clump_share,
    clumpy_profile,
    pair_profile,
    read_galaxies,
    within_limits,
)
from deblend.farrens2022.stamps import (
    draw_chunk,
)
from scipy.ndimage import maximum_filter

from tests.unit.farrens2022.conftest import sample_config

GALAXY = {
    "mag": 20.0,
    "morphology": "disk",
    "half_light_radius_px": 0.8,
    "sersic_n": 1.0,
    "axis_ratio": 0.5,
}


def peaks(profile):
    """Number of local maxima, seen with a sharp PSF, above a hundredth of the brightest."""
    seen = galsim.Convolve(profile, galsim.Gaussian(fwhm=0.15))
    image = seen.drawImage(nx=121, ny=121, scale=0.05).array
    is_peak = (maximum_filter(image, 3) == image) & (image > 0.01 * image.max())
    return is_peak.sum()


@pytest.mark.parametrize("clumpiness", [0.2, 0.5, 5.0])
def test_most_galaxies_have_few_clumps_whatever_the_clumpiness(clumpiness):
    rng = np.random.default_rng(1)
    shares = [clump_share(rng, clumpiness) for _ in range(20000)]
    assert min(shares) >= 0 and max(shares) < 1
    counts, _ = np.histogram(shares, np.linspace(0, 1, 6))
    # The integral of exp(-x / clumpiness) over each bin.
    falling = np.exp(-np.linspace(0, 0.8, 5) / clumpiness)
    assert counts / 20000 == pytest.approx(falling / falling.sum(), abs=0.01)


def test_clumps_are_peaks_of_a_galaxy_with_the_same_light():
    drawn = [
        [clumpy_profile(np.random.default_rng(i), GALAXY, clumpiness) for i in range(8)]
        for clumpiness in (0.0, 0.2, 0.6)
    ]
    for profile in drawn[2]:
        assert profile.flux == pytest.approx(10 ** (0.4 * (25.94 - 20)))
    assert [peaks(p) for p in drawn[0]] == [1] * 8
    # More of the light in clumps, more peaks.
    assert np.mean([peaks(p) for p in drawn[2]]) > np.mean([peaks(p) for p in drawn[1]]) > 1.5
    spheroid = clumpy_profile(np.random.default_rng(1), {**GALAXY, "morphology": "sph"}, 0.6)
    assert peaks(spheroid) == 1


def test_a_disk_without_clumps_has_its_radius_and_axis_ratio():
    """The half-light ellipse of a smooth disk has the given semi-major axis and axis ratio."""
    profile = clumpy_profile(np.random.default_rng(3), GALAXY, 0.0)
    image = profile.drawImage(nx=501, ny=501, scale=0.04, method="no_pixel")
    assert np.sqrt(0.5) * 0.8 == pytest.approx(
        image.calculateHLR(flux=profile.flux), rel=0.1
    )  # of the circle, within the effect of the ellipticity
    shape = image.FindAdaptiveMom().observed_shape
    assert (1 - shape.g) / (1 + shape.g) == pytest.approx(0.5, abs=0.02)


def test_a_pair_has_the_light_of_one_galaxy():
    bright, faint = galsim.Gaussian(flux=100, sigma=0.2), galsim.Gaussian(flux=25, sigma=0.2)
    distances = []
    for seed in range(8):
        pair = pair_profile(np.random.default_rng(seed), bright, faint)
        assert pair.flux == pytest.approx(100)
        assert peaks(pair) == 2
        # A fifth of the light is at the companion.
        distances.append(5 * np.hypot(pair.centroid.x, pair.centroid.y))
    assert 1.0 <= min(distances) < max(distances) <= 2.0


def test_all_or_no_galaxies_are_pairs():
    limits = {"mag_min": 21.0, "mag_max": 22.0, "clumpiness": 0.0}
    mean_peaks = []
    for share in (0.0, 1.0):
        sample = sample_config(kind="real", pair_share=share, **limits)
        galaxies = SimulatedGalaxies(sample, "pairs", 1)
        drawn = [galaxies(np.random.default_rng(i), i, 1) for i in range(12)]
        # Their light is that of their magnitude, pairs or not.
        fluxes = [profile.flux for profile, _, _ in drawn]
        assert fluxes == pytest.approx([10 ** (0.4 * (25.94 - mag)) for _, _, mag in drawn])
        mean_peaks.append(np.mean([peaks(profile) > 1 for profile, _, _ in drawn]))
    # Some irregular galaxies have several peaks without a companion.
    assert mean_peaks[0] < 0.4 < 0.8 < mean_peaks[1]


def test_real_galaxies_of_a_catalogue_stay_in_their_split(real_data):
    path = str(real_data / "cosmos/real_galaxy_catalog_26_extension_example.fits")
    fractions = {"train": 0.4, "validation": 0.4, "test": 0.2}
    real = sample_config(kind="real", catalog=path)
    used = {split: CatalogGalaxies(real, split, fractions, 1).rows.tolist() for split in fractions}
    assert sorted(sum(used.values(), [])) == list(range(100))
    galaxies = CatalogGalaxies(real, "test", fractions, 1)
    images, table = draw_chunk(real, galaxies, "real/test", 0, 6, 1)
    assert set(table["galaxy_1"]) <= set(galaxies.names[used["test"]])
    assert np.isfinite(images).all()
    assert (images.max(axis=(1, 2)) > 0).all()


def test_galaxies_of_a_catalogue_beyond_the_limits_are_left_out_and_counted(real_data, caplog):
    path = str(real_data / "cosmos/real_galaxy_catalog_26_extension_example.fits")
    mags = fits.getdata(path)["MAG"]
    everything = {"test": 1.0}
    limits = {"catalog_mag_min": 22.0, "catalog_mag_max": 25.2}
    limited = sample_config(kind="real", catalog=path, **limits)
    with caplog.at_level("INFO"):
        galaxies = CatalogGalaxies(limited, "test", everything, 1)
    names = set(galaxies.names[galaxies.rows])
    inside = (mags >= 22.0) & (mags <= 25.2)
    assert names == set(fits.getdata(path)["IDENT"][inside].astype(str))
    assert f"left out {(mags > 25.2).sum()} of 100 galaxies, fainter than 25.2 mag" in caplog.text
    assert f"left out {(mags < 22.0).sum()} of 100 galaxies, brighter than 22.0" in caplog.text
    _, table = draw_chunk(limited, galaxies, "real/test", 0, 4, 1)
    assert set(table["galaxy_1"]) <= names
    # The table has the magnitudes that the limits are of.
    by_name = dict(zip(fits.getdata(path)["IDENT"].astype(str), mags, strict=True))
    assert table["mag_1"].tolist() == pytest.approx([by_name[n] for n in table["galaxy_1"]])
    bright = sample_config(kind="real", catalog=path, catalog_mag_max=20.5)
    with pytest.raises(DeblendError, match=r"leaves 1 galaxies .* \(99 are beyond mag_min or mag"):
        CatalogGalaxies(bright, "test", everything, 1)


def test_limits_of_magnitude_need_magnitudes(real_data, tmp_path):
    name = "real_galaxy_catalog_23.5_example"
    for suffix in ("", "_fits"):
        rows = Table.read(real_data / f"cosmos/{name}{suffix}.fits")
        rows[[column for column in rows.colnames if column != "MAG"]].write(
            tmp_path / f"{name}{suffix}.fits"
        )
    path = str(tmp_path / f"{name}.fits")
    with pytest.raises(DeblendError, match=r"no magnitudes \(column MAG\).* set both to null"):
        CatalogGalaxies(sample_config(catalog=path, catalog_mag_max=23.0), "test", {"test": 1.0}, 1)
    # Without a limit they are not needed: the table has those of the fits.
    galaxies = CatalogGalaxies(sample_config(catalog=path), "test", {"test": 1.0}, 1)
    rng = np.random.default_rng(1)
    profile, _, mag = galaxies(rng, 0, 1)
    assert mag == pytest.approx(25.94 - 2.5 * np.log10(profile.flux))
    # A galaxy whose magnitude is not known is left out, if there is a limit.
    mags = np.array([20.0, np.nan, 23.0])
    assert within_limits(mags, None, 22.0, "x").tolist() == [True, False, False]
    assert within_limits(mags, 21.0, None, "x").tolist() == [False, False, True]
    assert within_limits(mags, None, None, "x").all()


@pytest.mark.parametrize(
    ("order", "message"),
    [
        ([1, 0, 2, 3], r"^2 rows of .*cat_fits.fits .*row 1: IDENT 11, not 10\): GalSim takes"),
        ([0, 1, 2], "^1 rows of .*row 4: IDENT none, not 13"),
        ([0, 1, 2, 3, 3], "^1 rows of .*row 5: IDENT 13, not none"),
    ],
)
def test_companions_in_another_order_are_refused(tmp_path, order, message):
    ids = np.array(["10", "11", "12", "13"])
    path = tmp_path / "cat.fits"
    check_companions(path, ids, "none")  # there is none
    Table({"IDENT": ids.astype(int)}).write(tmp_path / "cat_fits.fits")
    check_companions(path, ids, "none")
    Table({"IDENT": ids.astype(int)[order]}).write(tmp_path / "cat_fits.fits", overwrite=True)
    with pytest.raises(DeblendError, match=message):
        check_companions(path, ids, "none")
    (tmp_path / "cat_fits.fits").rename(tmp_path / "cat_selection.fits")
    check_companions(path, ids, "none")  # it is not used
    with pytest.raises(DeblendError, match="cat_selection.fits"):
        check_companions(path, ids, "marginal")


def test_galaxies_of_a_catalogue_have_ids_and_plausible_magnitudes(tmp_path):
    path = tmp_path / "cat.fits"
    Table({"IDENT": [10, 11, 12], "MAG": [21.5, -99.0, 99.0]}).write(path)
    listed = read_galaxies(path)
    assert listed["id"].tolist() == ["10", "11", "12"]
    np.testing.assert_array_equal(listed["mag"], [21.5, np.nan, np.nan])
    Table({"IDENT": [10, 11, 10]}).write(path, overwrite=True)
    with pytest.raises(DeblendError, match="IDENT of .* 1 ids more than once .the first: 10, in"):
        read_galaxies(path)


def test_a_catalogue_without_fits_is_refused(real_data, tmp_path):
    source = real_data / "cosmos/real_galaxy_catalog_23.5_example.fits"
    (tmp_path / "alone.fits").write_bytes(source.read_bytes())
    bad = sample_config(catalog=str(tmp_path / "alone.fits"))
    with pytest.raises(DeblendError, match=r"parametric ones need its companion .*alone_fits.fits"):
        CatalogGalaxies(bad, "test", {"test": 1.0}, 1)


def test_a_catalogue_whose_images_are_missing_is_refused(real_data):
    # Its fits exist, and the images that it names do not.
    path = real_data / "cosmos/real_galaxy_catalog_23.5_example.fits"
    bad = sample_config(kind="real", catalog=str(path))
    with pytest.raises(DeblendError, match="names files that do not exist: .*galaxy_images"):
        CatalogGalaxies(bad, "test", {"test": 1.0}, 1)


def test_a_broken_file_of_images_is_named_with_the_galaxy(real_data, tmp_path):
    for source in (real_data / "cosmos").glob("*"):
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "real_galaxy_images_extension.fits").write_text("<html>404 not found</html>")
    path = tmp_path / "real_galaxy_catalog_26_extension_example.fits"
    config = sample_config(kind="real", catalog=str(path))
    galaxies = CatalogGalaxies(config, "test", {"test": 1.0}, 1)
    with pytest.raises(DeblendError, match="cannot read the image of galaxy .* is broken"):
        draw_chunk(config, galaxies, "real/test", 0, 4, 1)


def test_a_chunk_that_does_not_fit_into_memory_is_said(needs_memory):
    sample = sample_config(kind="real")
    galaxies = SimulatedGalaxies(sample, "pairs", 1)
    needs_memory(
        lambda: draw_chunk(sample, galaxies, "real/test", 0, 3, 1),
        lambda drawn: (drawn[0],),
        "a smaller chunk_size",
    )
