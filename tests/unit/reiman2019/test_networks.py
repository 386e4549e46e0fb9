"""The branched GAN: its layers and the features of VGG."""

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.networks import Discriminator, Generator, VggFeatures, layer_table
from deblend.training import keras_backend as backend
from deblend.training.torch_layers import n_parameters
from deblend.training.vgg import VggWeights

pytestmark = pytest.mark.usefixtures("one_thread")


def test_the_papers_generator_has_the_parameters_of_its_layers():
    block = 2 * (64 * 64 * 9 + 64) + 2 * (2 * 64) + 64
    root = (3 * 64 * 81 + 64) + 64 + 10 * block + (64 * 64 * 9 + 64) + 2 * 64
    branch = 6 * block + (64 * 3 * 81 + 3)
    assert n_parameters(Generator(10, 6, 64)) == root + 2 * branch == 1_715_718


def test_the_papers_discriminator_has_the_parameters_of_its_layers():
    filters = [3, 64, 64, 128, 128, 256, 256, 512, 512]
    convolutions = sum(9 * a * b + b for a, b in zip(filters[:-1], filters[1:], strict=True))
    norms = 2 * sum(filters[2:])
    dense = 512 * 5 * 5 * 1024 + 1024 + 1024 + 1
    assert n_parameters(Discriminator(80, 64, 1024)) == convolutions + norms + dense


def test_images_keep_their_shape():
    network = Generator(2, 1, 4)
    images = network(torch.rand(3, 3, 32, 32)).detach()
    assert images.shape == (3, 2, 3, 32, 32)
    assert float(images.abs().max()) <= 1
    assert not torch.allclose(images[:, 0], images[:, 1])  # two branches
    assert Discriminator(32, 2, 8)(images[:, 0]).shape == (3,)


def test_coordinates_are_an_additional_channel():
    network = Generator(1, 1, 4, coordinates=True).eval()
    assert network.root["conv_in"].in_channels == 4
    black = network(torch.zeros(1, 3, 64, 64)).detach()[0, 0, 0]
    blind = Generator(1, 1, 4).eval()(torch.zeros(1, 3, 64, 64)).detach()[0, 0, 0]
    inner = slice(24, 40)  # not affected by the edges
    assert blind[inner, inner].std() < 1e-6 < 1e-4 < black[inner, inner].std()


def test_a_side_that_cannot_be_halved_four_times_is_refused():
    with pytest.raises(DeblendError, match="multiple of 16"):
        Discriminator(72, 2, 8)


def test_the_table_of_layers_has_every_parameter_and_each_branch():
    network = Generator(2, 1, 4)
    table = layer_table(network, 32)
    assert table["n_parameters"].sum() == n_parameters(network)
    assert list(table["group"].drop_duplicates()) == ["root", "central", "companion"]
    last = table.groupby("group").last()
    assert list(last.loc[["central", "companion"], "kind"]) == ["Tanh", "Tanh"]
    assert list(last.loc[["central", "companion"], "out_channels"]) == [3, 3]
    assert (table["kind"] == "Add").sum() == 2 + 1 + 2  # blocks of the root, the root, branches
    sides = layer_table(Discriminator(32, 2, 8), 32).query("kind == 'Conv2d'")["side"]
    assert list(sides) == [32, 16, 16, 8, 8, 4, 4, 2]


def test_vggs_features_are_those_of_keras(small_vgg):
    backend.configure("tensorflow", 2, 1)
    import keras
    from deblend.training.vgg_keras import feature_extractor

    grey = np.random.default_rng(3).uniform(0, 1, (2, 64, 64, 1)).astype(np.float32)
    whole = feature_extractor(64, small_vgg)
    deepest = keras.Model(whole.input, whole.get_layer("block5_conv3").output)
    expected = deepest.predict(grey, verbose=0)
    rgb = torch.from_numpy(np.repeat(grey, 3, axis=-1)).movedim(-1, 1)
    found = VggFeatures(small_vgg, 64)(2 * rgb - 1).movedim(1, -1).numpy()
    assert expected.std() > 0
    np.testing.assert_allclose(found, expected, atol=1e-4 * expected.max())


def test_vgg_scales_each_colour(small_vgg):
    """Weights with a preprocessing get the preprocessed image."""
    mean, std = (0.4, 0.5, 0.6), (0.2, 0.3, 0.4)
    scaled = VggFeatures(VggWeights(small_vgg.layers, "x", mean, std), 32)
    image = torch.rand(1, 3, 32, 32)
    by_hand = (image - torch.tensor(mean)[:, None, None]) / torch.tensor(std)[:, None, None]
    plain = VggFeatures(small_vgg, 32)
    assert torch.allclose(scaled(2 * image - 1), plain(2 * by_hand - 1), rtol=1e-3, atol=1e-5)
