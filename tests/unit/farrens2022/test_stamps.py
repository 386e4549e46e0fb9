"""BlendHunter's stamps, their noise and their files."""

import galsim
import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.table import Table
from deblend.errors import DeblendError
from deblend.farrens2022.stamps import (
    CatalogGalaxies,
    SampleConfig,
    check_stamps,
    clump_share,
    clumpy_profile,
    draw_chunk,
    draw_offset,
    draw_psf,
    draw_sample,
    expected_close_share,
    flux_scale,
    noisy_batches,
    read_sample_table,
    turned,
    within_limits,
)
from scipy.ndimage import maximum_filter


def config(**changes):
    values = {
        "kind": "parametric",
        "stamp_size": 51,
        "pixel_scale_arcsec": 0.187,
        "exposure_s": 300.0,
        "telescope_diameter_m": 3.6,
        "telescope_obscuration": 0.0,
        "moffat_beta": 4.765,
        "moffat_fwhm_arcsec": 0.34,
        "moffat_ellipticity_sigma": 0.05,
        "kolmogorov_fwhm_arcsec": 0.5,
        "kolmogorov_ellipticity_sigma": 0.01,
        "mag_min": 18.0,
        "mag_max": 23.5,
        "close_fraction": None,
    }
    return SampleConfig(**{**values, **changes})


def draw(path, **options):
    fractions = {"train": 0, "validation": 0, "test": 1}
    draw_sample(path, config(), "p", "test", 40, fractions=fractions, seed=1, **options)


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    path = tmp_path_factory.mktemp("sample") / "test.h5"
    draw(path, chunk_size=40)
    return path


def test_uniform_positions_give_the_papers_share_of_close_blends():
    """Sect. 2.5: 4,838 of 40,000."""
    rng = np.random.default_rng(0)
    offsets = np.array([draw_offset(rng, 51, None)[:2] for _ in range(40000)])
    share = np.mean(np.hypot(*offsets.T) < 10)
    assert share == pytest.approx(4838 / 40000, abs=0.005)
    assert expected_close_share(51) == pytest.approx(4838 / 40000, abs=0.001)
    assert np.abs(offsets).max() <= 25.5


def test_weights_undo_the_oversampling_of_close_blends():
    rng = np.random.default_rng(1)
    drawn = [draw_offset(rng, 51, 0.5) for _ in range(20000)]
    close = np.array([np.hypot(dx, dy) < 10 for dx, dy, _ in drawn])
    weight = np.array([w for *_, w in drawn])
    assert close.mean() == pytest.approx(0.5, abs=0.02)
    assert weight.mean() == pytest.approx(1, abs=0.02)
    assert weight[close].sum() / weight.sum() == pytest.approx(expected_close_share(51), abs=0.01)


def test_flux_scale_is_that_of_galsims_catalogue(real_data):
    folder = str(real_data / "cosmos")
    name = "real_galaxy_catalog_23.5_example.fits"
    catalog = galsim.COSMOSCatalog(name, dir=folder, use_real=False, exclusion_level="none")
    # GalSim takes a collecting area in cm^2, and Hubble's as 2.4 m with 0.33 obscured.
    area = np.pi * 180**2
    hst = np.pi * 120**2 * (1 - 0.33**2)
    scaled = galsim.COSMOSCatalog(
        name, dir=folder, use_real=False, exclusion_level="none", area=area, exptime=300
    )
    ratio = scaled.makeGalaxy(3).flux / catalog.makeGalaxy(3).flux
    assert flux_scale(300, 3.6, 0.0) == pytest.approx(ratio, rel=1e-3)
    assert flux_scale(300, 3.6, 0.0) == pytest.approx(300 * area / hst)
    assert flux_scale(1, 2.4, 0.33) == pytest.approx(1)


def test_the_psf_is_as_wide_as_the_papers():
    widths = [draw_psf(np.random.default_rng(i), config()).calculateFWHM() for i in range(5)]
    assert np.mean(widths) == pytest.approx(0.65, abs=0.02)


@pytest.mark.parametrize("n_workers", [1, 2])
def test_stamps_depend_neither_on_chunks_nor_on_workers(sample, tmp_path, n_workers):
    """They are drawn in chunks, by one process or two."""
    draw(tmp_path / "chunks.h5", chunk_size=15, n_workers=n_workers)
    with h5py.File(sample) as a, h5py.File(tmp_path / "chunks.h5") as b:
        np.testing.assert_array_equal(a["images"][:], b["images"][:])
    assert read_sample_table(sample).equals(read_sample_table(tmp_path / "chunks.h5"))


def test_half_are_blends_inside_the_frame_with_the_light_of_two(sample):
    table = read_sample_table(sample)
    assert table["is_blend"].tolist() == [0, 1] * 20
    blends = table[table["is_blend"] == 1]
    assert (blends[["dx_px", "dy_px"]].abs() <= 25.5).all(axis=None)
    with h5py.File(sample) as file:
        total = file["images"][:].sum(axis=(1, 2))
    expected = 10 ** (0.4 * (25.94 - table["mag_1"])) * flux_scale(300, 3.6, 0)
    isolated = table["is_blend"] == 0
    # The frame cuts what lies beyond 4.8 arcsec.
    assert np.median(total[isolated] / expected[isolated]) == pytest.approx(1, abs=0.05)
    assert (total[isolated] < 1.01 * expected[isolated]).all()


def test_noise_is_drawn_after_padding_and_belongs_to_its_realisation(sample):
    first = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 0), batch=16)))
    again = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 0), batch=16)))
    other = np.concatenate(list(noisy_batches(sample, 20.0, 7, 1, ("p", 1), batch=16)))
    assert first.shape == (40, 65, 65)
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)
    assert np.std(first[:, :7]) == pytest.approx(20, rel=0.03)


def test_each_stamp_can_have_a_noise_of_its_own(sample):
    options = {"padding": 7, "seed": 1, "item": ("p", 0), "batch": 16}
    same = np.concatenate(list(noisy_batches(sample, 20.0, **options)))
    levels = np.where(np.arange(40) < 20, 20.0, 60.0)
    mixed = np.concatenate(list(noisy_batches(sample, levels, **options)))
    # Where the level is the same, so is the noise.
    np.testing.assert_array_equal(mixed[:20], same[:20])
    np.testing.assert_allclose(mixed[20:, :7], 3 * same[20:, :7], rtol=1e-5)


def test_turned_stamps_are_in_all_eight_orientations():
    stamp = np.arange(9.0).reshape(3, 3)
    expected = {np.rot90(s, k).tobytes() for s in (stamp, stamp.T) for k in range(4)}
    found = turned(np.broadcast_to(stamp, (200, 3, 3)), np.random.default_rng(1))
    assert {image.tobytes() for image in found} == expected


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


def test_galaxies_have_names_of_their_own(sample):
    """Errors by galaxy need to know which stamps share one; simulated galaxies occur once."""
    table = read_sample_table(sample)
    names = [*table["galaxy_1"], *table.loc[table["is_blend"] == 1, "galaxy_2"]]
    assert len(set(names)) == len(names) == 60
    assert (table.loc[table["is_blend"] == 0, "galaxy_2"] == "").all()


def test_real_galaxies_of_a_catalogue_stay_in_their_split(real_data):
    path = str(real_data / "cosmos/real_galaxy_catalog_26_extension_example.fits")
    fractions = {"train": 0.4, "validation": 0.4, "test": 0.2}
    real = config(kind="real", catalog=path)
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
    limited = config(kind="real", catalog=path, **limits)
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
    bright = config(kind="real", catalog=path, catalog_mag_max=20.5)
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
        CatalogGalaxies(config(catalog=path, catalog_mag_max=23.0), "test", {"test": 1.0}, 1)
    # Without a limit they are not needed: the table has those of the fits.
    galaxies = CatalogGalaxies(config(catalog=path), "test", {"test": 1.0}, 1)
    rng = np.random.default_rng(1)
    profile, _, mag = galaxies(rng, 0, 1)
    assert mag == pytest.approx(25.94 - 2.5 * np.log10(profile.flux))
    # A galaxy whose magnitude is not known is left out, if there is a limit.
    mags = np.array([20.0, np.nan, 23.0])
    assert within_limits(mags, None, 22.0, "x").tolist() == [True, False, False]
    assert within_limits(mags, 21.0, None, "x").tolist() == [False, False, True]
    assert within_limits(mags, None, None, "x").all()


def test_a_catalogue_without_fits_is_refused(real_data, tmp_path):
    source = real_data / "cosmos/real_galaxy_catalog_23.5_example.fits"
    (tmp_path / "alone.fits").write_bytes(source.read_bytes())
    bad = config(catalog=str(tmp_path / "alone.fits"))
    with pytest.raises(DeblendError, match=r"parametric ones need its companion .*alone_fits.fits"):
        CatalogGalaxies(bad, "test", {"test": 1.0}, 1)


def test_a_broken_sample_is_refused(sample, tmp_path):
    path = tmp_path / "half.h5"
    path.write_bytes(sample.read_bytes()[:3000])
    with pytest.raises(DeblendError, match="not a complete sample"):
        read_sample_table(path)


def test_stamps_that_cannot_be_used_are_named():
    table = pd.DataFrame(
        {"stamp": [0, 1], "is_blend": [0, 1], "dx_px": [np.nan, 3.0], "dy_px": [np.nan, 4.0]}
    ).assign(galaxy_1=["a", "b"], galaxy_2=["", "c"])
    images = np.ones((2, 51, 51), np.float32)
    assert check_stamps(images, table, "x") is images
    for change, message in (
        (0.0, r"x: stamp 1 \(galaxies b and c\) has no signal at all"),
        (np.nan, "stamp 1 .* not finite"),
    ):
        bad = images.copy()
        bad[1] = change
        with pytest.raises(DeblendError, match=message):
            check_stamps(bad, table, "x")
    with pytest.raises(DeblendError, match="second galaxy outside the frame, over 25.5 px away"):
        check_stamps(images, table.assign(dx_px=[np.nan, 26.0]), "x")


def test_a_catalogue_whose_images_are_missing_is_refused(real_data):
    # Its fits exist, and the images that it names do not.
    path = real_data / "cosmos/real_galaxy_catalog_23.5_example.fits"
    bad = config(kind="real", catalog=str(path))
    with pytest.raises(DeblendError, match="names files that do not exist: .*galaxy_images"):
        CatalogGalaxies(bad, "test", {"test": 1.0}, 1)
