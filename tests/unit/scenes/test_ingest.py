import h5py
import numpy as np
import pandas as pd
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from deblend.errors import DeblendError
from deblend.scenes.ingest import read_scene_set
from PIL import Image

BAND = {"name": "f160w", "zero_point": 25.96, "psf_fwhm_arcsec": 0.17}


def entry(images, **changes):
    return {"images": str(images), "pixel_scale_arcsec": 0.06, "bands": [BAND], **changes}


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(1)
    return rng.normal(0.02, 0.006, (3, 60, 64)).astype(np.float32)


def test_all_formats_give_the_same(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    np.savez(tmp_path / "a.npz", sci=arrays)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["sci"] = arrays
    fits.PrimaryHDU(arrays).writeto(tmp_path / "a.fits")
    for i, array in enumerate(arrays):
        fits.PrimaryHDU(array).writeto(tmp_path / f"one_{i}.fits")
    found = [
        read_scene_set(entry(tmp_path / name))
        for name in ("a.npy", "a.npz", "a.h5", "a.fits", "one_*.fits")
    ]
    for scenes in found:
        np.testing.assert_array_equal(scenes.images, found[0].images)
    assert found[-1].names == ("one_0", "one_1", "one_2")
    # The sky is subtracted, and the noise measured.
    assert abs(np.median(found[0].images)) < 1e-3
    np.testing.assert_allclose(found[0].noise_sigma, 0.006, rtol=0.1)
    assert found[0].psf.shape[1] % 2 == 1
    assert found[0].noise_correlation is None


def test_images_of_different_sizes_and_bands(tmp_path, arrays):
    for i, side in enumerate((50, 64)):
        for band in ("h", "j"):
            fits.PrimaryHDU(arrays[i, :side, :side]).writeto(tmp_path / f"{band}_{i}.fits")
    bands = [
        {"name": b, "zero_point": 25.0, "images": str(tmp_path / f"{b}_*.fits")} for b in ("h", "j")
    ]
    scenes = read_scene_set({"pixel_scale_arcsec": 0.06, "bands": bands})
    assert scenes.images.shape == (2, 2, 60, 64)
    assert np.isnan(scenes.images[0, :, 50:]).all()
    assert np.isfinite(scenes.images[0, :, :50, :50]).all()
    assert scenes.psf is None


def test_a_picture_has_its_first_row_above(tmp_path):
    pixels = np.random.default_rng(0).integers(5, 30, (60, 60, 3)).astype(np.uint8)
    pixels[:20, :20, 0] = 250
    Image.fromarray(pixels).save(tmp_path / "a.png")
    bands = [{"name": b, "zero_point": 22.5} for b in "irg"]
    scenes = read_scene_set(entry(tmp_path / "a.png", bands=bands))
    assert scenes.stretched
    assert scenes.images[0, 0, 45:, :15].mean() > 0.5 > scenes.images[0, 0, :15, :15].mean()


def test_the_pixel_scale_is_that_of_the_header(tmp_path, arrays):
    wcs = WCS(naxis=2)
    wcs.wcs.ctype, wcs.wcs.crval, wcs.wcs.crpix = ["RA---TAN", "DEC--TAN"], [34.0, -5.0], [30, 30]
    wcs.wcs.cdelt = [-0.06 / 3600, 0.06 / 3600]
    fits.PrimaryHDU(arrays[0], header=wcs.to_header()).writeto(tmp_path / "a.fits")
    assert len(read_scene_set(entry(tmp_path / "a.fits")).wcs) == 1
    with pytest.raises(DeblendError, match="has pixels of 0.06 arcsec: correct it"):
        read_scene_set(entry(tmp_path / "a.fits", pixel_scale_arcsec=0.03))


def test_positions_are_of_scenes_by_number_or_name(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    table = pd.DataFrame({"scene": [0, 2, 2], "X": [10, 20, 30.5], "Y": [1, 5, 6]})
    table.to_csv(tmp_path / "p.csv", index=False)
    options = {"positions": str(tmp_path / "p.csv"), "columns": {"x": "X", "y": "Y"}}
    scenes = read_scene_set(entry(tmp_path / "a.npy", first_pixel=1, **options))
    assert [len(p) for p in scenes.positions] == [1, 0, 2]
    np.testing.assert_array_equal(scenes.positions[2], [[4, 19], [5, 29.5]])
    with pytest.raises(DeblendError, match="lacks the columns x, y"):
        read_scene_set(entry(tmp_path / "a.npy", positions=str(tmp_path / "p.csv")))
    table.assign(X=100).to_csv(tmp_path / "p.csv", index=False)
    with pytest.raises(DeblendError, match="outside its image"):
        read_scene_set(entry(tmp_path / "a.npy", **options))


def test_another_shape_than_the_bands_is_refused(tmp_path, arrays):
    np.save(tmp_path / "a.npy", arrays)
    bands = [{"name": b, "zero_point": 25.0} for b in "gr"]
    with pytest.raises(DeblendError, match="and there are 2 bands"):
        read_scene_set(entry(tmp_path / "a.npy", bands=bands))


def test_correlated_noise_is_recognised(tmp_path):
    from deblend.data.noise import noise_images

    kernel = np.outer([0.4, 1.0, 0.4], [0.4, 1.0, 0.4])
    rng = np.random.default_rng(3)
    np.save(tmp_path / "a.npy", noise_images(rng, (4, 80, 80), 0.01, kernel))
    correlation = read_scene_set(entry(tmp_path / "a.npy")).noise_correlation
    assert abs(correlation[0, 2, 3] - 0.4) < 0.05
