"""Limits of the configuration of the sources of galaxies."""

import galsim
import pytest
from deblend.data.config import FilesConfig, MoffatBeta, TableName
from pydantic import TypeAdapter, ValidationError

OWN = {
    "images": "stamps.npz",
    "catalog": "catalog.csv",
    "columns": {"id": "name"},
    "band": "f814w",
    "pixel_scale_arcsec": 0.06,
    "zero_point": 26.0,
    "noise_sigma": 0.0,
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"images": ""}, "images.<path>\n.*at least 1 character"),
        ({"plane": -1}, "plane\n.*greater than or equal to 0"),
        ({"pixel_scale_arcsec": 0.0}, "pixel_scale_arcsec\n.*greater than 0"),
        ({"noise_sigma": -0.1}, "noise_sigma\n.*greater than or equal to 0"),
        ({"stamp_size": 1040}, "stamp_size\n.*less than or equal to 1024"),
        ({"radius_unit": "kpc"}, "radius_unit\n.*'pix' or 'arcsec'"),
        ({"segmap": "maps.npy"}, "there is no such key; did you mean segmaps"),
    ],
)
def test_wrong_keys_of_the_users_stamps_are_named(changes, message):
    with pytest.raises(ValidationError, match=message):
        FilesConfig(**OWN | changes)


@pytest.mark.parametrize(
    ("name", "accepted"),
    [
        ("vizier:J/ApJS/207/24/goodss", True),
        ("vizier:II/246/out", True),
        ("resources/catalog.fits", True),
        ("vizier:", False),
        ("vizier:j/apjs", False),
        ("vizier:II", False),
        ("https://example.org/catalog.fits", False),
    ],
)
def test_a_catalogue_is_a_path_or_a_table_at_vizier(name, accepted):
    table = TypeAdapter(TableName)
    if accepted:
        assert table.validate_python(name) == name
    else:
        with pytest.raises(ValidationError, match="has to be a path, or vizier: and the name of a"):
            table.validate_python(name)


@pytest.mark.parametrize("beta", [1.0, 1.1, 1.2, 2.5])
def test_a_moffat_psf_is_one_that_galsim_can_draw(beta):
    """Below an exponent of 1 the flux is infinite; GalSim refuses those near to it too."""
    try:
        galsim.Moffat(beta=beta, fwhm=0.17)
    except galsim.GalSimError:
        with pytest.raises(ValidationError, match="greater than 1.1"):
            TypeAdapter(MoffatBeta).validate_python(beta)
    else:
        assert TypeAdapter(MoffatBeta).validate_python(beta) == beta
