"""Limits of the configuration of cut-outs."""

import pytest
from deblend.hemmati2022.cutout_config import BandWithPsf, CutoutSimulatorConfig
from deblend.hemmati2022.ingest import cutout_config
from pydantic import ValidationError

from tests.unit.hemmati2022.test_ingest import files_options


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"detection_band": "f775w"}, "'f775w' is not among the bands f814w"),
        ({"parent_px": 64}, "greater than or equal to 66"),
    ],
)
def test_invalid_options_of_cutouts_are_refused(options, message):
    with pytest.raises(ValidationError, match=message):
        cutout_config(files_options(**options))


def test_a_band_of_real_images_needs_a_psf():
    band = {"name": "f775w", "zero_point": 25.7, "noise_sigma": 0.01}
    with pytest.raises(ValidationError, match="band f775w has no PSF: give psf"):
        BandWithPsf(**band)
    for psf in ({"psf": "psf.fits"}, {"psf_fwhm_arcsec": 0.1}):
        assert BandWithPsf(**band, **psf).name == "f775w"


def test_simulated_magnitudes_are_ordered_and_bands_have_their_own_names():
    band = {"name": "f775w", "zero_point": 25.7, "depth_mag": 28.0, "psf_fwhm_arcsec": 0.1}
    with pytest.raises(ValidationError, match="mag_min"):
        CutoutSimulatorConfig(bands=[band], mag_min=26.0)
    with pytest.raises(ValidationError, match="f775w"):
        CutoutSimulatorConfig(bands=[band, band])
