"""The configuration of BlendHunter: the paper's values, and what it accepts."""

import pytest
from deblend.farrens2022.config import CLOSE_PX, Farrens2022, SampleConfig
from pydantic import ValidationError

from tests.unit.farrens2022.conftest import PUBLISHED

SIMULATED = {"source": "simulated"}
LARGE = {"train": 2, "validation": 2, "test": 2}
SAMPLES = {"parametric": {**SIMULATED, "n_stamps": LARGE}, "realistic": SIMULATED}


def test_the_defaults_are_the_papers_settings():
    config = Farrens2022(samples=SAMPLES)
    parametric, realistic = (PUBLISHED["table1"][name] for name in ("parametric", "realistic"))
    assert ", ".join(map(str, config.noise_sigma)) == parametric["noise_sigma"]
    assert config.realisations == parametric["n_realisations"]
    assert str(config.realistic_noise_sigma) == realistic["noise_sigma"]
    settings = {key: value for key, value in PUBLISHED["table2"].items() if key.islower()}
    assert {key: getattr(config.sep, key) for key in settings} == settings
    assert config.sep.labels == "authors"
    sample = config.samples["realistic"]
    stamps = realistic["n_isolated"] + realistic["n_blended"]
    assert sample.n_stamps.test == stamps
    # Sect. 2.5: positions are uniform, so that no share of close blends is set.
    assert sample.close_fraction is None
    assert CLOSE_PX in config.distance_bins_px


def test_stamps_of_other_samples_are_for_tests_only():
    only_tested = {**SIMULATED, "n_stamps": {"train": 0, "validation": 0, "test": 2}}
    config = Farrens2022(samples={**SAMPLES, "mine": only_tested})
    assert config.samples["mine"].n_stamps.train == 0
    with pytest.raises(ValidationError, match="0 is too few: 2 are needed at least"):
        Farrens2022(samples={**SAMPLES, "parametric": only_tested})


@pytest.mark.parametrize(
    ("name", "accepted"),
    [("mine_2", True), ("by_distances", True), ("by_distance", False), ("sigma", False)],
)
def test_names_of_samples_are_no_names_of_other_files(name, accepted):
    samples = {**SAMPLES, name: SIMULATED}
    if accepted:
        assert list(Farrens2022(samples=samples).samples)[-1] == name
    else:
        with pytest.raises(ValidationError, match=f"'{name}' does not match: it has to be a let"):
            Farrens2022(samples=samples)


def test_noise_levels_can_be_read_back_from_their_names():
    levels = (0.0001, 0.123456, 14.5, 14.5001, 35, 999999)
    found = Farrens2022(samples=SAMPLES, noise_sigma=levels).noise_sigma
    assert [float(f"{sigma:g}") for sigma in found] == list(levels)


def test_ablations_have_the_noise_of_a_head():
    level = {"noise_sigma": (5, 15), "ablation_noise_sigma": 15.0}
    ablations = {"sgd": {"optimizer": "sgd"}}
    config = Farrens2022(samples=SAMPLES, ablations=ablations, **level)
    assert config.ablations["sgd"].features == "vgg16"
    with pytest.raises(ValidationError, match="14.5 is not in noise_sigma"):
        Farrens2022(samples=SAMPLES, **level | {"ablation_noise_sigma": 14.5})
    with pytest.raises(ValidationError, match="train_share"):
        Farrens2022(samples=SAMPLES, ablations={"none": {"train_share": 0}})


def test_a_sample_needs_galaxies_that_can_be_drawn():
    with pytest.raises(ValidationError, match="mag_min 23 is not below mag_max 22"):
        SampleConfig(mag_min=23, mag_max=22)
    with pytest.raises(ValidationError, match="stamp_size"):
        SampleConfig(stamp_size=17)
    for share in (0.0, 1.0):  # either kind of blend would be missing, and its weight infinite
        with pytest.raises(ValidationError, match="close_fraction"):
            SampleConfig(close_fraction=share)


def test_limits_of_a_samples_magnitudes_are_ordered():
    files = {"source": "files", "catalog": "galaxies.fits", "mag_max": 17.0}
    # The paper's section has 18 to 25.2 mag, for simulated galaxies.
    assert Farrens2022(samples={**SAMPLES, "real": files}).samples["real"].mag_max == 17
    for sample in ({**SIMULATED, "mag_max": 17.0}, {**files, "mag_min": 17.0}):
        with pytest.raises(ValidationError, match=r"mag_min 1\d.0 is not below mag_max 17"):
            Farrens2022(samples={**SAMPLES, "real": sample})


def test_padded_stamps_are_large_enough_for_vgg():
    assert Farrens2022(samples=SAMPLES, stamp_size=20, padding_px=6).padding_px == 6
    with pytest.raises(ValidationError, match="5 pads stamps of 20 px to 30 px, but VGG-16"):
        Farrens2022(samples=SAMPLES, stamp_size=20, padding_px=5)
