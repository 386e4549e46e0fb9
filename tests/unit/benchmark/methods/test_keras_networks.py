import numpy as np
import pytest
from deblend.training import keras_backend

keras_backend.configure("tensorflow", 1, 0)

from deblend.benchmark.methods.keras_networks import measure_blendhunter, measure_boucaud2020
from deblend.errors import DeblendError, UnsuitedError
from deblend.files import write_json

from tests.unit.scenes.conftest import two_galaxies
from tests.unit.scenes.test_keras_networks import SAYS, network_in


def files(network):
    return {"weights": str(network.weights), "description": str(network.description)}


@pytest.fixture(scope="module")
def blends():
    return two_galaxies(n=3, side=48)


def test_both_galaxies_get_the_fluxes_of_the_network(tmp_path, blends):
    found = measure_boucaud2020(blends, **files(network_in(tmp_path)))
    assert found.table["role"].tolist() == ["central", "companion"] * 3
    # From the zero point of the training to that of the scenes.
    expected = np.tile(SAYS, (3, 1)) * 10 ** (0.4 * 0.96)
    np.testing.assert_allclose(found.table["flux"].to_numpy().reshape(-1, 2), expected, rtol=1e-4)
    assert found.masks is None


def test_another_edge_than_that_of_the_training_is_refused(tmp_path, blends):
    network = network_in(tmp_path, blending={"companion_edge": "zero"})
    same = measure_boucaud2020(blends, **files(network), companion_edge="zero")
    assert len(same.table) == 6
    with pytest.raises(DeblendError, match="companion_edge: zero, and .* noise") as caught:
        measure_boucaud2020(blends, **files(network), companion_edge="noise")
    # A wrong network, which is no reason to leave the set out.
    assert not isinstance(caught.value, UnsuitedError)


def test_masks_share_the_light(tmp_path, blends):
    found = measure_boucaud2020(blends, **files(network_in(tmp_path, "blend2mask2flux")))
    assert found.masks.shape == (6, 48, 48)
    assert 0 <= found.masks.min() <= found.masks.max() <= 1
    # No more light than there is.
    light = np.abs(found.images.reshape(3, 2, 48, 48)).sum(axis=1)
    assert (light <= np.abs(blends.images[:, 0]) * 1.0001).all()


def test_another_pixel_scale_is_refused(tmp_path, blends):
    with pytest.raises(UnsuitedError, match="resample the images"):
        measure_boucaud2020(blends, **files(network_in(tmp_path, pixel_scale_arcsec=0.1)))


@pytest.fixture
def head(tmp_path):
    from deblend.farrens2022.networks import small_network

    small_network(59).save_weights(tmp_path / "network.weights.h5")
    record = {
        **{"stamp_size": 45, "padding_px": 7, "pixel_scale_arcsec": 0.06, "noise_sigma": 0.02},
        **{"ablation": {"features": "scratch", "scaling": "asinh"}, "psf_fwhm_arcsec": 0.17},
    }
    write_json(tmp_path / "network.json", record)
    paths = {"weights": "network.weights.h5", "description": "network.json", "vgg": "none"}
    return {name: str(tmp_path / file) for name, file in paths.items()}


def test_a_detector_says_how_probable_each_blend_is(head, blends):
    table = measure_blendhunter(blends, **head)
    assert table["scene"].tolist() == [0, 1, 2]
    assert table["p_blend"].between(0, 1).all()
    assert table["flux"].isna().all()


def test_a_detector_refuses_another_psf(head):
    with pytest.raises(UnsuitedError, match="BlendHunter was trained at 0.17"):
        measure_blendhunter(two_galaxies(n=1, side=48, fwhm=0.5), **head)
