"""Trained networks: read from files, and the images that they make."""

import json

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.hemmati2022.networks import SuperResolver, build_generator
from deblend.hemmati2022.predict import (
    generate_images,
    latent_vectors,
    load_network,
    load_networks,
)
from deblend.training.torch_checkpoint import write_weights

from tests.unit.hemmati2022.conftest import CPU, LOW, SPLITS, TINY


@pytest.fixture
def trained(tmp_path):
    """Files of a network of the band f775w, and its generator."""
    generator = build_generator(TINY, 1)
    weights, description = tmp_path / "network.h5", tmp_path / "network.json"
    write_weights(weights, generator)
    # The record of a training has more keys than the configuration.
    record = {**TINY.model_dump(), "bands": ["f775w"], "best_epoch": 3}
    description.write_text(json.dumps(record))
    return (weights, description), generator


def test_a_network_that_is_read_makes_the_same_images(maker, trained):
    files, generator = trained
    network = load_network(*files, maker, "f775w", CPU)
    low = np.random.default_rng(1).normal(0, 0.3, (3, 1, 22, 22)).astype(np.float32)
    found = generate_images(network.generator, low, CPU)
    np.testing.assert_allclose(found, generate_images(generator, low, CPU), atol=1e-6)


def test_a_network_of_other_bands_is_refused(maker, trained):
    (weights, description), _ = trained
    record = json.loads(description.read_text()) | {"bands": ["f606w", "f775w"]}
    description.write_text(json.dumps(record))
    message = "network.h5 is a network of the bands f606w, f775w, not of f775w: train it again"
    with pytest.raises(DeblendError, match=message):
        load_network(weights, description, maker, "f775w", CPU)


def test_networks_of_the_same_bands_share_their_images(stamps, trained):
    files, _ = trained
    options = {"detection_band": "f775w", "low": vars(LOW), "seed": 1, "name": "test"}
    names = ("gan", "gan_content")
    loaded = load_networks(
        dict.fromkeys(names, {"bands": ["f775w"]}),
        dict.fromkeys(names, files),
        stamps,
        SPLITS,
        options,
        CPU,
    )
    assert loaded["gan"].maker is loaded["gan_content"].maker
    assert loaded["gan"].maker.bands[loaded["gan"].band] == "f775w"


def test_noise_vectors_are_normal_and_depend_on_seed_and_item():
    vectors = latent_vectors(1, 500, 20, "gallery")
    assert vectors.shape == (500, 20) and vectors.dtype == np.float32
    # 10,000 values: the standard errors are 0.01 and 0.007.
    assert vectors.mean() == pytest.approx(0, abs=0.04)
    assert vectors.std() == pytest.approx(1, abs=0.03)
    np.testing.assert_array_equal(latent_vectors(1, 500, 20, "gallery"), vectors)
    for other in (latent_vectors(2, 500, 20, "gallery"), latent_vectors(1, 500, 20, "epoch", 1)):
        assert abs(np.corrcoef(vectors.ravel(), other.ravel())[0, 1]) < 0.05


def test_a_generator_makes_images_in_batches(maker):
    network = SuperResolver(1, 4, 1)
    low = np.random.default_rng(1).normal(0, 0.3, (130, 1, 22, 22)).astype(np.float32)
    whole = generate_images(network, low, CPU)
    np.testing.assert_allclose(generate_images(network, low[120:], CPU), whole[120:], atol=1e-5)
