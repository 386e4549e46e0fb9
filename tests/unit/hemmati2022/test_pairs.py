"""Pairs of images in high and low resolution."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.data.stamps import open_stamps, write_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import with_neighbours
from deblend.hemmati2022.degrade import degrade, psf_image
from deblend.hemmati2022.pairs import (
    BATCH,
    PairMaker,
    draw_singles,
    point_source_sigma,
    psf_fwhm_arcsec,
    read_cutouts,
    single_galaxies,
)

from tests.unit.hemmati2022.conftest import BLENDING, LOW, SPLITS, maker_of


def test_a_point_source_at_the_depth_has_five_sigma():
    psf = psf_image(0.6, 3.0, 0.18, 25)
    sigma = point_source_sigma(psf, 26.2, 25.67)
    flux = 10 ** (-0.4 * (26.2 - 25.67))
    rng = np.random.default_rng(1)
    noise = rng.normal(0, sigma, (4000, *psf.shape))
    # The best unbiased estimate of a flux under a known PSF.
    measured = ((flux * psf + noise) * psf).sum(axis=(1, 2)) / (psf**2).sum()
    assert measured.mean() / measured.std() == pytest.approx(5, rel=0.05)


def test_both_resolutions_show_the_same_light_in_the_same_place(maker):
    blends = single_galaxies(maker.draw(SPLITS["test"], 0, 10, "test", BLENDING), centred=True)
    high, low = maker.pairs(blends, "test")
    assert high.shape == (10, 1, 66, 66) and low.shape == (10, 1, 22, 22)
    flux = 10 ** (-0.4 * (blends["mag_0"].to_numpy() - 25.67))
    np.testing.assert_allclose(high.sum(axis=(1, 2, 3)), flux, rtol=0.06)
    # Light that the seeing spreads beyond the frame is lost.
    np.testing.assert_allclose(low.sum(axis=(1, 2, 3)), flux, rtol=0.15)
    y = np.arange(22)[:, None]
    centre = (np.clip(low[:, 0], 0, None) ** 2 * y).sum((1, 2)) / (
        np.clip(low[:, 0], 0, None) ** 2
    ).sum((1, 2))
    assert np.abs(centre - (33 - 1) / 3).max() < 0.2


def test_scaled_images_are_in_range_and_can_be_inverted(maker):
    blends = maker.draw(SPLITS["train"], 0, 20, "train", BLENDING)
    high, low = maker.scaled(blends, "train")
    assert high.shape[-2:] == (64, 64) and low.shape[-2:] == (22, 22)
    for images in (high, low):
        assert np.abs(images).max() <= 1 and images.max() > 0.4
    fluxes = maker.pairs(blends, "train")[0][..., 1:-1, 1:-1]
    inside = np.abs(high) < 0.999
    back = maker.scale_high.unscaled(high)
    np.testing.assert_allclose(back[inside], fluxes[inside], rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("n_calibration", "n_held"), [(5, 0), (2, 2)])
def test_few_calibration_galaxies_are_joined_by_training_galaxies(
    stamps, tmp_path, n_calibration, n_held
):
    splits = np.repeat(["test", "validation", "calibration"], [8, 4, n_calibration])
    splits = np.append(splits, ["train"] * (24 - len(splits)))
    pd.DataFrame({"id": stamps.galaxies["id"], "split": splits}).to_csv(tmp_path / "s.csv")
    write_stamps(tmp_path / "c.h5", stamps)
    _, rows = read_cutouts(tmp_path / "c.h5", tmp_path / "s.csv")
    spare, train = (np.flatnonzero(splits == name) for name in ("calibration", "train"))
    assert len(rows["calibration"]) == n_calibration + n_held
    assert set(spare) <= set(rows["calibration"])
    assert sorted([*rows["calibration"], *rows["train"]]) == sorted([*spare, *train])
    np.testing.assert_array_equal(rows["validation"], np.flatnonzero(splits == "validation"))


def test_training_galaxies_are_held_out_where_no_others_set_thresholds(stamps, tmp_path):
    splits = np.repeat(["train", "validation", "test"], [15, 4, 5])
    ids = stamps.galaxies["id"]
    pd.DataFrame({"id": ids, "split": splits}).to_csv(tmp_path / "s.csv")
    write_stamps(tmp_path / "c.h5", stamps)
    _, rows = read_cutouts(tmp_path / "c.h5", tmp_path / "s.csv")
    assert len(rows["calibration"]) == 5
    assert sorted([*rows["calibration"], *rows["train"]]) == list(range(15))
    np.testing.assert_array_equal(rows["validation"], np.arange(15, 19))


def test_a_missing_band_is_named(stamps):
    with pytest.raises(DeblendError, match="f435w.*f775w, f606w"):
        maker_of(stamps, ("f435w",))


def test_images_of_all_bands_are_not_copied(stamps):
    """At the paper's scale they are gigabytes."""
    assert maker_of(stamps, ("f775w", "f606w")).images is stamps.images
    for bands, numbers in ((("f606w", "f775w"), [1, 0]), (("f606w",), [1])):
        images = maker_of(stamps, bands).images
        np.testing.assert_array_equal(images, stamps.images[:, numbers])
        assert images.flags.c_contiguous


def test_unblended_stamps_have_no_neighbour_in_the_frame(stamps, maker):
    """Half of the galaxies have one beside them."""
    around = [
        np.array([[5.0, 3.0, 24.0]]) if i % 2 else np.array([[60.0, 60.0, 24.0]]) for i in range(24)
    ]
    crowded = maker_of(replace(stamps, galaxies=with_neighbours(stamps.galaxies, around)))
    rows = np.arange(24)
    singles = draw_singles(crowded, rows, 7, 50, "test", BLENDING)
    assert len(singles) == 50
    assert (singles["galaxy_0"] % 2 == 0).all()
    assert (singles["galaxy_1"] == -1).all()
    assert singles["blend"].is_unique and singles["blend"].min() >= 7
    # Without neighbours they are the blends with these numbers.
    free = draw_singles(maker, rows, 7, 50, "test", BLENDING)
    assert free["blend"].tolist() == list(range(7, 57))
    with pytest.raises(DeblendError, match="no neighbour in the frame"):
        draw_singles(crowded, rows[1::2], 0, 5, "test", BLENDING)


def test_light_as_bright_as_the_sky_has_twice_its_variance(stamps):
    sky = 22.0
    low = LOW.model_copy(update={"sky_mag_arcsec2": sky})
    options = {"seed": 1, "train_rows": SPLITS["train"], "name": "test"}
    dark, noisy = (PairMaker(stamps, ["f775w"], x, **options) for x in (LOW, low))
    blends = dark.draw(SPLITS["test"], 0, 300, "test", BLENDING)
    high, plain = dark.pairs(blends, "test")
    poisson = noisy.pairs(blends, "test")[1]
    clean = degrade(high, dark.kernel)
    per_pixel = 10 ** (-0.4 * (sky - 25.67)) * 0.18**2
    near = np.abs(clean / per_pixel - 1) < 0.1
    ratio = ((poisson - clean)[near] / (plain - clean)[near]) ** 2
    assert near.sum() > 100
    np.testing.assert_allclose(ratio, 2, atol=0.15)
    # That is the noise which photometry takes.
    pull = (poisson - clean) / noisy.low_noise(clean)
    bright = clean > per_pixel
    assert pull[bright].std() == pytest.approx(1, abs=0.05)
    np.testing.assert_allclose(dark.low_noise(clean), dark.noise_low[0], rtol=1e-6)


@pytest.mark.parametrize("pixel", [0.06, 0.168, 0.18])
def test_the_width_of_a_psf_is_that_of_its_profile(pixel):
    """Also with pixels that are 0.3 of the width; those that are not averaged over do not widen."""
    for fwhm, beta in ((0.6, 3.0), (0.72, 2.5)):
        psf = psf_image(fwhm, beta, pixel, 25)
        assert psf_fwhm_arcsec(psf, pixel) == pytest.approx(fwhm, rel=0.02)
    # Of a Gaussian in pixels: variances add, that of a pixel is a twelfth of its square.
    sigma = 0.6 / (8 * np.log(2)) ** 0.5
    fine = np.arange(-125, 125) + 0.5
    profile = np.exp(-((fine * pixel / 10) ** 2) / (2 * sigma**2)).reshape(25, 10).sum(1)
    expected = 0.6 * np.sqrt(1 + (pixel / sigma) ** 2 / 12)
    assert psf_fwhm_arcsec(np.outer(profile, profile), pixel) == pytest.approx(expected, rel=0.02)


def test_the_record_has_what_makes_the_images_of_a_network(stamps):
    bands = ("f606w", "f775w")
    maker = PairMaker(
        stamps,
        list(bands),
        LOW,
        seed=1,
        train_rows=SPLITS["train"],
        name="test",
        detection_band="f775w",
    )
    record = maker.record()
    assert (record["detection_band"], record["factor"]) == ("f775w", 3)
    assert record["pixel_scale_arcsec"] == pytest.approx(0.06)
    assert record["zero_point"] == pytest.approx([25.67, 25.67])
    # The noise of a point source at the depth, and ten times as much softening.
    sigma = point_source_sigma(maker.psf_low, LOW.depth_mag, 25.67)
    assert record["noise_low"] == pytest.approx([sigma, sigma])
    assert record["softening_low"] == pytest.approx([10 * sigma, 10 * sigma])
    # A pixel of 0.18 arcsec widens the profile of 0.6 arcsec: variances add in a Gaussian.
    expected = 0.6 * np.sqrt(1 + 8 * np.log(2) * (0.18 / 0.6) ** 2 / 12)
    assert record["low_psf_fwhm_arcsec"] == pytest.approx(expected, rel=0.03)
    # The limits are those values that become 1.
    blends = maker.draw(SPLITS["test"], 0, 2, "test", BLENDING)
    low = maker.pairs(blends, "test")[1]
    limit, softening = (np.array(record[f"{k}_low"]) for k in ("limit", "softening"))
    expected = np.arcsinh(low / softening[:, None, None])
    expected /= np.arcsinh(limit / softening)[:, None, None]
    assert maker.scaled(blends, "test")[1] == pytest.approx(expected.clip(-1, 1), abs=1e-5)


@pytest.mark.parametrize("bands", [("f775w",), ("f606w", "f775w"), ("f775w", "f606w")])
def test_pairs_from_the_disk_are_those_from_memory(stamps, tmp_path, bands):
    """With room for the images of two galaxies, and sizes that are not in the catalogue."""
    write_stamps(tmp_path / "c.h5", stamps)
    kept_bytes = 2 * stamps.images[0].nbytes
    opened = open_stamps(tmp_path / "c.h5", segmaps=False, kept_bytes=kept_bytes)
    memory, disk = maker_of(stamps, bands), maker_of(opened, bands)
    blends = memory.draw(SPLITS["test"], 0, 9, "test", BLENDING)
    pd.testing.assert_frame_equal(blends, disk.draw(SPLITS["test"], 0, 9, "test", BLENDING))
    for ours, theirs in zip(
        disk.scaled(blends, "test"), memory.scaled(blends, "test"), strict=True
    ):
        np.testing.assert_array_equal(ours, theirs)
    np.testing.assert_array_equal(disk.scaled_low(blends, "test"), memory.scaled(blends, "test")[1])
    assert memory.record() == disk.record()


def test_many_blends_are_rendered_as_few_are(maker):
    """More than are rendered at a time."""
    n = BATCH + 3
    blends = maker.draw(SPLITS["test"], 0, n, "test", BLENDING)
    whole = maker.scaled(blends, "test")
    last = maker.scaled(blends.iloc[n - 5 :], "test")
    for many, few in zip(whole, last, strict=True):
        assert len(many) == n
        np.testing.assert_array_equal(many[-5:], few)
