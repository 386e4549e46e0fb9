"""Models of the configuration; those of the whole configuration are tested in tests/unit/run."""

import pytest
from deblend.boucaud2020.config import (
    BlendConfig,
    Boucaud2020,
    CleaningConfig,
    CleaningRules,
    DataSet,
    Network,
    NetworkName,
    SimulatorConfig,
    Unet,
)
from pydantic import TypeAdapter, ValidationError

from tests.conftest import COLD, HOT

IMAGES = {"band": "f160w", "pixel_scale_arcsec": 0.06, "zero_point": 25.96, "noise_sigma": 0.0065}
UNET = {"architecture": "unet", "dataset": "candels"}


@pytest.mark.parametrize(
    ("adapter", "key", "kind", "others"),
    [
        (DataSet, "source", "archive", {"archive": "boucaud2020_candels", **IMAGES}),
        (DataSet, "source", "simulated", {}),
        (Network, "architecture", "blend2flux", {"dataset": "candels"}),
        (Network, "architecture", "unet", {"dataset": "candels"}),
        (Network, "architecture", "blend2mask2flux", {"dataset": "candels"}),
    ],
)
def test_a_section_is_of_the_kind_that_it_names(adapter, key, kind, others):
    adapter = TypeAdapter(adapter)
    section = adapter.validate_python({key: kind, **others})
    assert getattr(section, key) == kind
    # What is written out is read again as the same section, and so is the section itself.
    assert adapter.validate_python(section.model_dump()) == section
    assert adapter.validate_python(section) == section


@pytest.mark.parametrize(
    "name", ["blend2flux_64", "separate", "sep2", "sep_isophotal", "enforced", "self"]
)
def test_names_of_networks(name):
    assert TypeAdapter(NetworkName).validate_python(name) == name


@pytest.mark.parametrize(
    "name",
    [
        *("sep", "sep_iso", "sep_auto", "sep_self", "sep_iso_self", "sep_auto_self", "sep_self_2"),
        *("forced", "forced_true", "forced_sep"),
        *("Unet", "2net", "_net", "my-net", "", "unet\n", "sep\n"),
    ],
)
def test_a_network_cannot_have_a_name_of_a_baseline_or_of_no_file(name):
    with pytest.raises(ValidationError, match="which stand for baselines"):
        TypeAdapter(NetworkName).validate_python(name)


@pytest.mark.parametrize(
    ("model", "key", "least", "most", "beyond"),
    [
        (Unet, "filters", 1, 4096, (0, 4097)),
        (Unet, "depth", 2, 8, (1, 9)),
        (CleaningRules, "dilation_px", 0, 32, (-1, 33)),
        (CleaningRules, "min_background_fraction", 0.001, 1, (0, 1.001)),
        (CleaningRules, "min_class_probability", 0, 1, (-0.1, 1.1)),
    ],
)
def test_limits_belong_to_the_range(model, key, least, most, beyond):
    required = UNET if model is Unet else {}
    for value in (least, most):
        assert getattr(model(**required, **{key: value}), key) == value
    for value in beyond:
        with pytest.raises(ValidationError) as caught:
            model(**required, **{key: value})
        assert [error["loc"] for error in caught.value.errors()] == [(key,)]


def test_cleaning_and_simulation_need_rising_magnitudes():
    with pytest.raises(ValidationError, match=r"mag_min 23.0 is not below mag_max 20.0"):
        CleaningConfig(mag_min=23.0, mag_max=20.0, cold=COLD, hot=HOT)
    with pytest.raises(ValidationError, match="neighbour_mag_min 25.5 is not below neighbour_mag"):
        SimulatorConfig(neighbour_mag_min=25.5)


def test_unknown_rule_is_refused():
    with pytest.raises(ValidationError, match="'authors' or 'section_2_2'"):
        BlendConfig(delta_mag_max=2.0, shift_rule="paper", orientations=False)


def test_table_2_has_each_network_once():
    with pytest.raises(ValidationError, match="'big' is given twice"):
        Boucaud2020(table2=("big", "small", "big"))
    with pytest.raises(ValidationError, match="table2"):
        Boucaud2020(table2=())


@pytest.mark.parametrize(
    ("checksum", "accepted"), [("sha256:0a1f", True), ("md5:90", True), ("sha1:90", False)]
)
def test_the_checksum_names_its_algorithm(checksum, accepted):
    if accepted:
        assert Boucaud2020(published_checksum=checksum).published_checksum == checksum
    else:
        with pytest.raises(ValidationError, match="'sha1:90' does not match: it has to be sha256:"):
            Boucaud2020(published_checksum=checksum)
