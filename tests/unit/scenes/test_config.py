import pytest
from deblend.scenes.config import Injection, SceneSet
from pydantic import ValidationError

BAND = {"name": "f160w", "zero_point": 25.96}


def scene_set(**changes):
    return {"images": "a.fits", "pixel_scale_arcsec": 0.06, "bands": [BAND], **changes}


def test_most_keys_have_defaults():
    entry = SceneSet(**scene_set())
    assert (entry.inject, entry.networks, entry.positions) == (0, (), None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": None}, "give images here"),
        ({"bands": [{**BAND, "images": "b.fits"}]}, "given here and under bands"),
        ({"bands": [BAND, BAND]}, "have to be unique"),
        ({"detection_band": "g"}, "'g' is none of the bands f160w"),
        ({"bands": [{**BAND, "psf": "p.fits", "psf_fwhm_arcsec": 0.2}]}, "are both given"),
    ],
)
def test_what_does_not_fit_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        SceneSet(**scene_set(**changes))


def test_magnitudes_of_injected_galaxies_are_in_order():
    with pytest.raises(ValidationError, match="not below"):
        Injection(mag_min=24, mag_max=22)
