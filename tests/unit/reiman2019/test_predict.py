"""Deblended images and their files."""

import json

import h5py
import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.hdf5 import read_attributes
from deblend.reiman2019.blends import blend, draw_pairs, perturbation_tensor
from deblend.reiman2019.networks import CopyGateGenerator, Generator
from deblend.reiman2019.predict import (
    ORIENTATIONS,
    load_generator,
    predict,
    predict_blends,
    read_predictions,
    to_uint8,
    to_unit,
)
from deblend.training.torch_checkpoint import write_weights

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
#: Other entries of a description.
MADE = {"perturbation": PAIRS.model_dump(), "seconds": 1.0, "problem": None}


class Negative(torch.nn.Module):
    """The first image is the blend, the second one its negative."""

    def forward(self, blends):
        return torch.stack([2 * blends - 1, 1 - 2 * blends], dim=1)


def test_a_generator_is_built_as_its_description_says(tmp_path):
    network = Generator(2, 1, 4, coordinates=True)
    write_weights(tmp_path / "network.h5", network)
    record = {"root_blocks": 2, "branch_blocks": 1, "filters": 4, "coordinates": True}
    description = tmp_path / "network.json"
    description.write_text(json.dumps(record | {"precision": "bfloat16"} | MADE))
    found, precision = load_generator(tmp_path / "network.h5", description)
    assert precision == "bfloat16"
    images = torch.rand(2, 3, 32, 32)
    assert torch.equal(found.eval()(images), network.eval()(images))


def test_a_copy_gate_is_read_as_one(tmp_path):
    torch.manual_seed(1)
    network = CopyGateGenerator(4, 2)
    write_weights(tmp_path / "network.h5", network)
    record = {"generator": "copy_gate", "filters": 4, "levels": 2, "precision": "float32"}
    description = tmp_path / "network.json"
    description.write_text(json.dumps(record | {"root_blocks": 10} | MADE))
    found, precision = load_generator(tmp_path / "network.h5", description)
    assert precision == "float32"
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(found(images), network(images))


def test_slopes_of_pixels_are_read(tmp_path):
    network = Generator(1, 1, 4, prelu_side=PAIRS.side)
    write_weights(tmp_path / "network.h5", network)
    record = {"root_blocks": 1, "branch_blocks": 1, "filters": 4, "prelu": "pixel"}
    description = json.dumps(record | {"precision": "float32"} | MADE)
    (tmp_path / "network.json").write_text(description)
    found, _ = load_generator(tmp_path / "network.h5", tmp_path / "network.json")
    images = torch.rand(2, 3, 16, 16)
    assert torch.equal(found.eval()(images), network.eval()(images))


def test_an_evaluation_can_use_the_statistics_of_sixteen_blends(frames, tmp_path):
    torch.manual_seed(8)
    pairs = draw_pairs(np.random.default_rng(1), np.arange(12), 20, PAIRS)
    network = Generator(1, 1, 4)
    options = {"device": CPU, "precision": "float32", "attributes": {}, "batch_statistics": True}
    predict_blends(network, frames, pairs, PAIRS, tmp_path / "images.h5", **options)
    central, companion = (torch.from_numpy(frames[pairs[c]]) for c in ("central", "companion"))
    mixed, _ = blend(central, companion, perturbation_tensor(pairs), PAIRS)
    with torch.no_grad():
        expected = torch.cat([network.train()(part) for part in mixed.split(16)])
    images = read_predictions(tmp_path / "images.h5", 20)[:]
    assert np.abs(images - 255 * to_unit(expected)).max() <= 0.52


class Ramp(torch.nn.Module):
    """Copies the blend, and adds brightness that rises along one axis: it knows orientations."""

    def forward(self, blends):
        ramp = torch.linspace(-1, 1, blends.shape[-1])
        return torch.stack([blends + ramp, blends - ramp[:, None]], dim=1)


def test_the_mean_of_all_orientations_has_none():
    generator = torch.Generator().manual_seed(2)
    blends = torch.rand((5, 3, 16, 16), generator=generator)
    found = predict(Ramp(), blends, CPU, orientations=ORIENTATIONS)
    torch.testing.assert_close(found, torch.stack([blends, blends], dim=1))
    with torch.no_grad():
        torch.testing.assert_close(predict(Ramp(), blends, CPU), Ramp()(blends))


@pytest.mark.parametrize("number", [0, 4, 9])
def test_only_one_or_all_orientations_are_taken(number):
    with pytest.raises(DeblendError, match=f"orientations is {number}: give 1 or 8"):
        predict(Ramp(), torch.zeros((1, 3, 4, 4)), CPU, orientations=number)


def test_each_orientation_is_another_one_and_is_turned_back():
    seen = []

    class Seen(Ramp):
        def forward(self, blends):
            seen.append(blends.clone())
            return super().forward(blends)

    blends = torch.rand((1, 3, 4, 4), generator=torch.Generator().manual_seed(3))
    predict(Seen(), blends, CPU, orientations=ORIENTATIONS)
    expected = {np.rot90(x, k, (2, 3)).tobytes() for x in (blends, blends.mT) for k in range(4)}
    assert {image.numpy().tobytes() for image in seen} == expected
    assert len(seen) == len(expected) == 8


def test_images_of_every_blend_are_written_with_8_bits(frames, tmp_path):
    pairs = draw_pairs(np.random.default_rng(1), np.arange(12), 70, PAIRS)
    options = {"device": CPU, "precision": "float32", "attributes": {"torch": "2.0"}}
    predict_blends(Negative(), frames, pairs, PAIRS, tmp_path / "images.h5", **options)
    images = read_predictions(tmp_path / "images.h5", 70)
    assert read_attributes(images.file) == {"torch": "2.0"}
    assert images.shape == (70, 2, 16, 16, 3)
    assert images.dtype == np.uint8
    central, companion = (torch.from_numpy(frames[pairs[c]]) for c in ("central", "companion"))
    mixed, _ = blend(central, companion, perturbation_tensor(pairs), PAIRS)
    expected = 255 * np.moveaxis(mixed.numpy(), 1, -1)
    assert np.abs(images[:, 0] - expected).max() <= 0.51
    assert np.abs(images[:, 1] - (255 - expected)).max() <= 0.51


def test_files_without_the_blends_predictions_are_refused(tmp_path):
    path = tmp_path / "images.h5"
    with h5py.File(path, "w") as file:
        file["images"] = np.zeros((3, 2, 16, 16, 3), np.uint8)
    with pytest.raises(DeblendError, match=r"images.h5 has 3 blends, not 4: delete it and run"):
        read_predictions(path, 4)
    with h5py.File(path, "w") as file:
        file["others"] = 1
    with pytest.raises(DeblendError, match=r"images.h5 does not hold predictions .*delete it"):
        read_predictions(path, 3)
    path.write_bytes(b"half of a file")
    with pytest.raises(DeblendError, match=r"images.h5 does not hold predictions"):
        read_predictions(path, 3)


def test_bytes_and_tensors_have_the_same_unit():
    levels = np.arange(0, 256, 51, np.uint8)  # 0 to 255 in steps of a fifth
    images = np.broadcast_to(levels[:, None, None, None], (6, 4, 5, 3))
    assert to_unit(images)[:, 0, 0, 0] == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1])
    tensor = torch.linspace(-1, 1, 6)[:, None, None, None].expand(6, 3, 4, 5)
    np.testing.assert_allclose(to_unit(tensor), to_unit(images), atol=1e-6)


def test_eight_bits_and_back():
    images = torch.tensor([-1.0, 0.0, 1.0, 1.5]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert to_uint8(images)[0, ..., 0].tolist() == [[0, 128], [255, 255]]
