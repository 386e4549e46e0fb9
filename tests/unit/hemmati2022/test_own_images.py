"""One's own images through a generator: peaks and fluxes of simulated blends, and what is checked.

The generator is a network of the package whose weights are set such that it interpolates: its
images show what can be seen in low resolution.
"""

import json
import logging

import galsim
import numpy as np
import pytest
import torch
from astropy.io import fits
from deblend.errors import DeblendError
from deblend.hemmati2022.blends import inside_frame, true_positions
from deblend.hemmati2022.config import HemmatiBlendConfig, SrConfig
from deblend.hemmati2022.networks import SuperResolver
from deblend.hemmati2022.own_images import FLAGS, FLUX_COLUMNS, PEAK_COLUMNS, resolve_images
from deblend.hemmati2022.peaks import (
    calibration_halves,
    false_peaks,
    find_peaks,
    gan_psf,
    highest,
    set_threshold,
)
from deblend.hemmati2022.predict import generate_images
from deblend.hemmati2022.training import train
from deblend.hemmati2022.validation import Validation
from deblend.training.torch_checkpoint import Checkpoint, write_weights

from tests.unit.hemmati2022.conftest import BLENDING, CPU, DETECTION, SPLITS, TINY, maker_of

BANDS = ("f606w", "f775w", "f850lp")
#: AB magnitudes of one count per second: of the training, and of the images.
TRAINED_ZERO_POINT, ZERO_POINT = (26.49, 25.67, 24.87), (27.0, 27.0, 27.0)
#: Noise of a pixel of 0.18 arcsec, counts/s at the zero point of the images.
NOISE = 0.05
PIXEL, HSC_PIXEL = 0.18, 0.168
#: Fluxes of two galaxies in the bands, and their offsets from the middle, arcsec.
FLUXES = np.array([[20.0, 40.0, 55.0], [15.0, 25.0, 60.0]])
OFFSETS = np.array([[-0.62, -0.1], [0.55, 0.37]])


def interpolator(n_bands):
    """A generator that interpolates linearly, up to its last activation.

    A constant of 1 keeps all that its activations get positive; the last layer subtracts it.
    """
    network = SuperResolver(n_bands, 2 * n_bands, 0, batch_norm=False)
    for parameter in network.parameters():
        torch.nn.init.zeros_(parameter)
    tent = 1 - (torch.arange(9) - 4).abs() / 3
    tent = tent.clamp(min=0)
    with torch.no_grad():
        for band in range(n_bands):
            network.conv_in.weight[band, band, 2, 2] = 1
            network.conv_in.bias[band] = 1
            # The blocks' input is added to their output, which is the same without blocks.
            network.up[0].weight[band, band] = tent[:, None] * tent / 2
            network.conv_high[0].weight[band, band, 1, 1] = 1
            network.conv_out.weight[band, band, 2, 2] = 1
            network.conv_out.bias[band] = -1
    return network


def write_network(folder, bands=BANDS, **changes):
    """Files of the generator, and a description like that of a training."""
    write_weights(folder / "network.h5", interpolator(len(bands)))
    options = {"filters": 2 * len(bands), "blocks": 0, "batch_norm": False}
    record = SrConfig(kind="super_resolution", **options).model_dump()
    zero_point = [TRAINED_ZERO_POINT[BANDS.index(band)] for band in bands]
    noise = [NOISE * 10 ** (0.4 * (zp - 27.0)) for zp in zero_point]
    record |= {
        "bands": list(bands),
        "problem": None,
        "images": {
            "detection_band": "f775w",
            "pixel_scale_arcsec": PIXEL / 3,
            "factor": 3,
            "low_psf_fwhm_arcsec": 0.63,
            "zero_point": zero_point,
            "noise_low": noise,
            "softening_low": [10 * sigma for sigma in noise],
            "limit_low": [400 * sigma for sigma in noise],
            "softening_high": [5 * sigma for sigma in noise],
            "limit_high": [200 * sigma for sigma in noise],
        },
        "peaks": {"fwhm_arcsec": 0.3, "threshold": 12.0, "noise": 0.02, "measure": "prominence"},
    }
    record |= changes
    (folder / "network.json").write_text(json.dumps(record))
    return {"weights": folder / "network.h5", "description": folder / "network.json"}


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    return write_network(tmp_path_factory.mktemp("own"))


def draw(flux, offset, pixel, side):
    """An exponential galaxy in the seeing, without noise, drawn by GalSim."""
    galaxy = galsim.Exponential(half_light_radius=0.2, flux=flux).shear(g1=0.1, g2=-0.05)
    seen = galsim.Convolve(galaxy, galsim.Moffat(beta=3.0, fwhm=0.6)).shift(*offset)
    return seen.drawImage(nx=side, ny=side, scale=pixel).array


def psfs_of(pixel, side=23, fwhm=0.6):
    """PSFs of all bands, with the pixel."""
    image = galsim.Moffat(beta=3.0, fwhm=fwhm).drawImage(nx=side, ny=side, scale=pixel).array
    return np.stack([image / image.sum()] * 3)


def blends(n=6, side=22, pixel=PIXEL, seed=1):
    """Images of two galaxies, the second with another colour; the last image has one of them."""
    rng = np.random.default_rng(seed)
    images = rng.normal(0, NOISE * pixel / PIXEL, (n, 3, side, side))
    for k in range(3):
        first, second = (
            draw(flux[k], offset, pixel, side) for flux, offset in zip(FLUXES, OFFSETS, strict=True)
        )
        images[:, k] += first
        images[:-1, k] += second
    return images


def resolve(images, network, **options):
    given = {
        "psfs": psfs_of(PIXEL),
        "bands": BANDS,
        "pixel_scale_arcsec": PIXEL,
        "zero_point": ZERO_POINT,
        "engine": "builtin",
        "profile": "exp",
    }
    return resolve_images(images, **network, **given | options)


def brightest_first(result, image, band):
    """Rows of fluxes of an image in a band, ordered along x."""
    rows = result.fluxes[(result.fluxes["image"] == image) & (result.fluxes["band"] == band)]
    return rows.sort_values("x_px")


@pytest.fixture(scope="module", params=["pixels of the training", "pixels of HSC"])
def measured(request, network):
    """Images of known galaxies and what is found in them."""
    if request.param == "pixels of the training":
        images, pixel = blends(), PIXEL
        return images, pixel, resolve(images, network)
    images, pixel = blends(side=31, pixel=HSC_PIXEL), HSC_PIXEL
    options = {"pixel_scale_arcsec": HSC_PIXEL, "psfs": psfs_of(HSC_PIXEL, 31)}
    return images, pixel, resolve(images, network, **options)


def test_peaks_are_where_the_galaxies_are(measured):
    images, pixel, result = measured
    assert list(result.peaks) == list(PEAK_COLUMNS)
    assert result.summary["n_peaks"].tolist() == [2] * 5 + [1]
    assert result.summary["flags"].tolist() == [0] * 6
    middle = (images.shape[-1] - 1) / 2
    truth = middle + OFFSETS / pixel
    brighter = []
    for number, rows in result.peaks.groupby("image"):
        found = rows.sort_values("x_px")[["x_px", "y_px"]].to_numpy()
        assert rows["significance"].is_monotonic_decreasing
        np.testing.assert_allclose(found, truth[: len(rows)], atol=0.08 / pixel, err_msg=number)
        brighter.append(found[0] - truth[0])
    # A third of a pixel of the network's images is 0.02 arcsec.
    assert np.abs(np.mean(brighter, axis=0)).max() * pixel < 0.02


def test_fluxes_of_both_galaxies_are_those_they_were_drawn_with(measured):
    images, pixel, result = measured
    assert list(result.fluxes) == list(FLUX_COLUMNS)
    assert len(result.fluxes) == 3 * (2 * 5 + 1)
    middle = (images.shape[-1] - 1) / 2
    deviations = []
    for number in range(6):
        n = 1 if number == 5 else 2
        for k, band in enumerate(BANDS):
            rows = brightest_first(result, number, band)
            np.testing.assert_allclose(rows["flux"], FLUXES[:n, k], rtol=0.1)
            deviations += list((rows["flux"] - FLUXES[:n, k]) / rows["flux_err"])
            np.testing.assert_allclose(rows["mag"], 27 - 2.5 * np.log10(rows["flux"]))
            # The centre is the same in all bands, and better than that of the peak.
            found = (rows[["x_px", "y_px"]].to_numpy() - middle) * pixel
            np.testing.assert_allclose(found, OFFSETS[:n], atol=0.03)
    # Errors are those of the noise.
    assert 0.6 < np.std(deviations) < 1.6
    assert np.abs(np.mean(deviations)) < 0.6


def test_images_of_the_network_lie_on_the_users_pixels(network):
    """The generator interpolates, and so do these pixels, with the unit of the images."""
    images = blends(side=24)
    result = resolve(images, network)
    assert result.images.shape == (6, 3, 64, 64)
    assert result.step_px == pytest.approx(1 / 3)
    # Its image has a pixel at the centre of each pixel of the images.
    first = np.ceil(np.array(result.origin_px)).astype(int)
    place = np.round((first - np.array(result.origin_px)) * 3).astype(int)
    np.testing.assert_allclose((first - np.array(result.origin_px)) * 3, place, atol=1e-9)
    made = result.images[:, :, place[0] :: 3, place[1] :: 3]
    shown = images[:, :, first[0] :, first[1] :][:, :, : made.shape[2], : made.shape[3]]
    # Its last activation and the other scale of its images keep signs and order alone.
    for one, other in zip(made.reshape(18, -1), shown.reshape(18, -1), strict=True):
        order = np.argsort(other)
        assert (np.diff(one[order]) > -1e-4 * np.ptp(one)).all()


def test_larger_images_are_cut_around_their_middle(network):
    images = blends()
    wide = np.random.default_rng(2).normal(0, NOISE, (6, 3, 40, 34))
    wide[:, :, 9:31, 6:28] = images
    expected, found = resolve(images, network), resolve(wide, network)
    np.testing.assert_array_equal(found.images, expected.images)
    np.testing.assert_allclose(found.fluxes["flux"], expected.fluxes["flux"])
    for table in ("peaks", "fluxes"):
        moved = getattr(found, table)[["x_px", "y_px"]] - getattr(expected, table)[["x_px", "y_px"]]
        np.testing.assert_allclose(moved, np.broadcast_to([6, 9], moved.shape), atol=1e-9)


def test_bands_are_found_by_their_names(network, tmp_path):
    images = blends()
    expected = resolve(images, network)
    # Another order and a further band, of which only fluxes are measured.
    order = [2, 0, 1, 1]
    other = images[:, order].copy()
    other[:, 3] *= 2
    found = resolve(
        other,
        network,
        psfs=psfs_of(PIXEL)[order],
        bands=("f850lp", "f606w", "f775w", "y"),
        zero_point=27.0,
    )
    np.testing.assert_array_equal(found.images, expected.images)
    fluxes = found.fluxes.set_index(["band", "image", "galaxy"])["flux"]
    for band in BANDS:
        same = expected.fluxes.set_index(["band", "image", "galaxy"])["flux"][band]
        np.testing.assert_allclose(fluxes[band], same)
    np.testing.assert_allclose(fluxes["y"], 2 * fluxes["f775w"], rtol=1e-3)
    # A network of one band finds the same peaks in that band.
    single = resolve(images, write_network(tmp_path, ("f775w",)))
    np.testing.assert_allclose(single.peaks, expected.peaks, atol=1e-4)
    np.testing.assert_allclose(single.fluxes["flux"], expected.fluxes["flux"], rtol=1e-3)


def test_another_zero_point_gives_the_same_magnitudes(network):
    images = blends()
    expected = resolve(images, network)
    factor = 10 ** (0.4 * np.array([1.0, -2.0, 0.5]))[:, None, None]
    found = resolve(images * factor, network, zero_point=(28.0, 25.0, 27.5))
    np.testing.assert_allclose(found.peaks, expected.peaks, atol=1e-4)
    np.testing.assert_allclose(found.fluxes["mag"], expected.fluxes["mag"], atol=1e-4)
    np.testing.assert_allclose(found.images, expected.images * factor, rtol=1e-3, atol=1e-4)
    assert not found.summary["flags"].any()
    # With the zero point left as it was, the noise is not like that of the training.
    wrong = resolve(images * factor, network)
    assert (wrong.summary["flags"] & FLAGS["noise"] > 0).all()


def test_what_is_unusual_is_flagged(network):
    images = blends(5)
    images[0, 1] += 3 * NOISE
    images[1, 2] += np.random.default_rng(3).normal(0, 4 * NOISE, (22, 22))
    images[2, 0, 11, 11] = 500 * NOISE
    images[3, 1] += draw(40.0, (-0.5, 1.3), PIXEL, 22)
    found = resolve(images, network).summary
    names = [{name for name, bit in FLAGS.items() if flag & bit} for flag in found["flags"]]
    assert names == [{"sky"}, {"noise"}, {"bright"}, {"more_peaks"}, set()]
    assert found["n_peaks"][3] == 3


def test_peaks_at_the_edge_are_ignored(network):
    """A galaxy that is brighter than the others, 1.8 of 2 arcsec from the middle."""
    images = blends(2)
    for band in range(3):
        images[0, band] += draw(90.0, (1.8, -1.5), PIXEL, 22)
    result = resolve(images, network)
    assert result.summary["n_peaks"].tolist() == [2, 1]
    assert not (result.summary["flags"] & FLAGS["more_peaks"]).any()
    peaks = result.peaks[result.peaks["image"] == 0]
    assert peaks["peak"].tolist() == peaks["galaxy"].tolist() == [0, 1]
    truth = 10.5 + OFFSETS[0] / PIXEL
    np.testing.assert_allclose(peaks.iloc[0][["x_px", "y_px"]].tolist(), truth, atol=0.5)
    assert set(result.fluxes[result.fluxes["image"] == 0]["galaxy"]) == {0, 1}


def test_images_without_galaxies_have_no_peaks(network):
    empty = np.random.default_rng(4).normal(0, NOISE, (2, 3, 22, 22))
    result = resolve(empty, network)
    assert result.summary["n_peaks"].tolist() == [0, 0]
    assert (len(result.peaks), len(result.fluxes)) == (0, 0)
    assert list(result.fluxes) == list(FLUX_COLUMNS)


def test_files_single_images_and_given_noise(network, tmp_path):
    images = blends(2)
    expected = resolve(images, network)
    np.savez(tmp_path / "blends.npz", stamps=images, other=1.0)
    np.save(tmp_path / "psfs.npy", np.stack([psfs_of(PIXEL)] * 2))
    files = {"psfs": tmp_path / "psfs.npy", "images_key": "stamps"}
    found = resolve(tmp_path / "blends.npz", network, **files)
    np.testing.assert_allclose(found.fluxes["flux"], expected.fluxes["flux"])
    one = resolve(images[0], network)
    np.testing.assert_allclose(one.fluxes["flux"], expected.fluxes["flux"][:6])
    # Errors of fluxes are proportional to the noise.
    single, twice = (resolve(images, network, noise_sigma=k * NOISE).fluxes for k in (1, 2))
    np.testing.assert_allclose(twice["flux_err"], 2 * single["flux_err"], rtol=0.02)
    by_image = resolve(images, network, noise_sigma=np.full((2, 3), NOISE)).fluxes
    np.testing.assert_allclose(by_image["flux_err"], single["flux_err"])


def test_the_unit_of_images_is_that_of_the_header_or_that_which_is_given(network, tmp_path):
    images = blends(1)
    expected = resolve(images, network).fluxes["flux"]
    header = fits.Header({"BUNIT": "DN", "EXPTIME": 500.0})
    fits.writeto(tmp_path / "a.fits", 500 * images, header)
    fits.writeto(tmp_path / "b.fits", images, fits.Header({"BUNIT": "flux"}))
    for name, unit in (("a.fits", None), ("b.fits", "counts/s")):
        found = resolve(tmp_path / name, network, unit=unit).fluxes["flux"]
        np.testing.assert_allclose(found, expected, rtol=1e-3)
    with pytest.raises(DeblendError, match=r"b.fits is in 'flux' .BUNIT., .* nanomaggies as unit"):
        resolve(tmp_path / "b.fits", network)


def test_a_generator_that_has_learnt_nothing_is_told(tmp_path, caplog):
    files = write_network(tmp_path, problem="its images have collapsed")
    with caplog.at_level(logging.WARNING):
        resolve(blends(1), files)
    assert "has not learnt: its images have collapsed" in caplog.text


def test_the_record_of_a_training_makes_the_same_images_and_peaks(stamps, tmp_path):
    """As the object that rendered the images of the training."""
    bands = ("f775w", "f606w")
    maker = maker_of(stamps, bands)
    validation = Validation(maker, SPLITS, 40, BLENDING, DETECTION, 0)
    trained, history, summary = train(
        TINY.model_copy(update={"epochs": 1}),
        maker,
        SPLITS["train"],
        validation,
        BLENDING,
        device=CPU,
        checkpoint=Checkpoint(tmp_path / "a.pt", "same"),
    )
    peaks = summary["peaks"]
    assert peaks["noise"] == history["val_noise"].iloc[0]
    # Set on other galaxies than those of the epochs, whose number is the same.
    of_epochs = {*maker.galaxies["id"].iloc[calibration_halves(maker, SPLITS["calibration"])[0]]}
    single = validation.last_single
    assert not of_epochs & {*maker.galaxies["id"].iloc[single["galaxy_0"].unique()]}
    low = maker.scaled(single, "calibration")[1]
    made = generate_images(trained, low, CPU)[:, 0]
    found = find_peaks(made, gan_psf(peaks["fwhm_arcsec"], maker), noise=peaks["noise"])
    found = found[inside_frame(found[["x_px", "y_px"]].to_numpy() + 1)].reset_index(drop=True)
    heights = highest(found, false_peaks(found, true_positions(single) - 1, 5.0), len(made))
    assert peaks["threshold"] == set_threshold(heights, DETECTION.false_positive_rate)
    # A generator that shows galaxies, unlike that of one epoch.
    generator = interpolator(2)
    summary |= {"filters": 4, "blocks": 0, "batch_norm": False, "problem": None}
    peaks |= {"noise": 0.02, "threshold": 10.0}
    (tmp_path / "network.json").write_text(json.dumps(summary))
    write_weights(tmp_path / "network.h5", generator)
    blending = HemmatiBlendConfig(separation_sigma_px=10.0, max_shift_px=15, any_angle=False)
    rows = maker.draw(SPLITS["test"], 0, 12, "test", blending)
    result = resolve_images(
        maker.pairs(rows, "test")[1],
        np.stack([maker.psf_low] * 2),
        weights=tmp_path / "network.h5",
        description=tmp_path / "network.json",
        bands=bands,
        pixel_scale_arcsec=0.18,
        zero_point=25.67,
        engine="builtin",
        profile="exp",
    )
    # The sky level of crowded images can be measured in their light, but the noise is known.
    assert not (result.summary["flags"] & FLAGS["noise"]).any()
    made = generate_images(generator, maker.scaled(rows, "test")[1], CPU)
    expected = maker.scale_high.unscaled(made)
    np.testing.assert_allclose(result.images, expected, atol=1e-4 * np.abs(expected).max())
    psf = gan_psf(peaks["fwhm_arcsec"], maker)
    found = find_peaks(made[:, 0], psf, noise=0.02, measure=DETECTION.peaks)
    found = found[found["significance"] > 10]
    found = found[inside_frame(found[["x_px", "y_px"]].to_numpy() + 1)]
    assert len(result.peaks) == len(found) >= 12
    np.testing.assert_allclose(result.peaks["significance"], found["significance"], rtol=1e-3)
    # A position x of the crop is x + 1 in the frame, of which three pixels are one of low
    # resolution, whose first one has its centre at 1.
    np.testing.assert_allclose(result.peaks["x_px"], found["x_px"] / 3, atol=1e-2)


@pytest.mark.parametrize("n_bands", [1, 7])
def test_files_of_small_networks_are_below_a_megabyte(n_bands, tmp_path):
    """With the filters of small.yaml; those of config.yaml have four times the parameters."""
    write_weights(tmp_path / "network.h5", SuperResolver(n_bands, 32, 4, batch_norm=False))
    assert (tmp_path / "network.h5").stat().st_size < 1e6


GOOD, GOOD_PSFS = blends(2), psfs_of(PIXEL)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (GOOD[0, 0], r"shape \(22, 22\): give at least one image, \(image, band, y, x\)"),
        (GOOD[:0], r"shape \(0, 3, 22, 22\): give at least one image"),
        (GOOD.astype(int), "pixels of type int64: give floating-point numbers"),
        (GOOD[:, :2], r"thus 2 bands, and bands is f606w, f775w, f850lp: give the name of each"),
        (GOOD[..., :21], r"images of 21 x 22 px of 0.18 arcsec: the network takes 22 x 22 px"),
        (np.where(GOOD > 2, np.nan, GOOD), r"NaN or infinite pixels in 2 of 2 images \(the first"),
        (0 * GOOD, r"has a noise of 0 \(image 0, band 0 from 0\): give noise_sigma"),
        ("missing.npy", "cannot read an array from missing.npy"),
    ],
)
def test_wrong_images_are_refused(network, images, message):
    with pytest.raises(DeblendError, match=message):
        resolve(images, network)


def changed(band, change):
    psfs = GOOD_PSFS.copy()
    psfs[band] = change(psfs[band])
    return psfs


@pytest.mark.parametrize(
    ("psfs", "message"),
    [
        (GOOD_PSFS[0], r"psfs has shape \(23, 23\): give an image for each of 3 bands"),
        (GOOD_PSFS[:2], r"psfs has shape \(1, 2, 23, 23\): give an image for each of 3"),
        (np.stack([GOOD_PSFS] * 3), r"for each of 2 images"),
        (GOOD_PSFS[..., 1:, 1:], "PSFs of 22 x 22 px: they have to be square with an odd side"),
        (GOOD_PSFS[..., 1:-1], "PSFs of 21 x 23 px: they have to be square"),
        (changed(1, lambda p: p * np.nan), "pixels that are not finite"),
        (GOOD_PSFS.astype(int), "pixels that are not finite floating-point"),
        (changed(1, lambda p: 2 * p), r"a sum of 2 \(image 0, band 1 from 0\): divide each"),
        (changed(2, lambda p: np.roll(p, 2, 0)), r"peak is at pixel \(13, 11\), not .* \(11, 11\)"),
        (psfs_of(PIXEL, 23, 0.4), r"band f606w .* FWHM of 0.4\d* arcsec.*: smooth the images to"),
        (psfs_of(PIXEL, 23, 0.9), "train a network on a wider PSF"),
    ],
)
def test_wrong_psfs_are_refused(network, psfs, message):
    with pytest.raises(DeblendError, match=message):
        resolve(GOOD, network, psfs=psfs)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bands": ("f606w", "i", "f850lp")}, "bands has no f775w: name the nearest bands"),
        ({"bands": ("f606w", "f775w", "f775w")}, "the name of each band once"),
        ({"pixel_scale_arcsec": 0.1}, "from 0.124 to 0.198 images are resampled.*: sum blocks"),
        ({"pixel_scale_arcsec": 0.26}, "take images with smaller pixels"),
        ({"pixel_scale_arcsec": 0.0}, "pixel_scale_arcsec is 0.0: give the side of a pixel"),
        ({"zero_point": np.nan}, "zero_point is nan: give the AB magnitude"),
        ({"zero_point": (27.0, 27.0)}, "one number or 3, one for each band"),
        ({"noise_sigma": -1.0}, "has a noise of -1"),
        ({"noise_sigma": np.ones(2)}, r"noise_sigma has shape \(2,\): give one number, one for"),
        ({"engine": "sextractor"}, "engine is 'sextractor'"),
    ],
)
def test_wrong_options_are_refused(network, options, message):
    with pytest.raises(DeblendError, match=message):
        resolve(GOOD, network, **options)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "vanilla"}, "is not that of a super-resolution network"),
        ({"filters": 4}, "does not hold the weights of this network"),
    ],
)
def test_other_networks_are_refused(tmp_path, changes, message):
    with pytest.raises(DeblendError, match=message):
        resolve(GOOD, write_network(tmp_path, **changes))


def test_a_description_of_an_earlier_version_is_refused(network, tmp_path):
    record = json.loads(network["description"].read_text())
    del record["images"]
    (tmp_path / "network.json").write_text(json.dumps(record))
    with pytest.raises(DeblendError, match="has no images: give the network.json of a network"):
        resolve(GOOD, network | {"description": tmp_path / "network.json"})
