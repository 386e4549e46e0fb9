import numpy as np
import pytest
import torch
from deblend.benchmark.methods.separator import measure, separated, stretched, unstretched
from deblend.errors import UnsuitedError
from deblend.files import write_json
from deblend.reiman2019.networks import CopyGateGenerator
from deblend.training.torch_checkpoint import write_weights

from tests.unit.scenes.conftest import two_galaxies


def copier():
    """A generator that gives the first galaxy all the light, and the second one none."""
    generator = CopyGateGenerator(4, 2)
    with torch.no_grad():
        for name, branch in generator.branches.items():
            branch.conv.weight.zero_()
            branch.conv.bias.zero_()
            n = len(branch.conv.bias) // 2
            branch.conv.bias[:n] = float(name == list(generator.branches)[0])
    return generator


@pytest.fixture
def files(tmp_path):
    write_weights(tmp_path / "network.h5", copier())
    record = {
        **{"filters": 4, "levels": 2, "stamp_size": 48, "pixel_scale_arcsec": 0.06},
        **{"zero_point": 25.0, "softening": 0.02, "limit": 10.0},
    }
    write_json(tmp_path / "network.json", record)
    names = {"weights": "network.h5", "description": "network.json"}
    return {key: str(tmp_path / name) for key, name in names.items()}


def test_the_stretch_has_an_inverse():
    images = np.array([-0.1, 0.0, 0.02, 10.0, 300.0])
    scaled = stretched(images, 0.02, 10.0)
    np.testing.assert_allclose(scaled[3], 1)
    np.testing.assert_allclose(unstretched(scaled, 0.02, 10.0), images, atol=1e-12)


def test_light_that_is_copied_is_conserved(files):
    scenes = two_galaxies(n=2, side=48)
    found = measure(scenes, **files)
    flux = found.table["flux"].to_numpy().reshape(2, 2)
    np.testing.assert_allclose(flux[:, 0], scenes.images.sum(axis=(1, 2, 3)), rtol=1e-3)
    np.testing.assert_allclose(flux[:, 1], 0, atol=1e-6)
    np.testing.assert_allclose(found.images[0], scenes.images[0, 0], atol=1e-3)
    assert found.table["role"].tolist() == ["central", "companion"] * 2
    assert separated(copier(), np.zeros((1, 48, 48))).shape == (1, 2, 48, 48)


def test_other_stamps_are_refused(files):
    with pytest.raises(UnsuitedError, match="stamps of 48 px, these have 64"):
        measure(two_galaxies(n=1, side=64), **files)
    with pytest.raises(UnsuitedError, match="at 0.06 arcsec per pixel, these have 0.18"):
        measure(two_galaxies(n=1, side=48, scale=0.18), **files)
