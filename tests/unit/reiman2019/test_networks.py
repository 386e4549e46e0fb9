"""The branched GAN: its layers and the features of VGG."""

import numpy as np
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.networks import (
    CopyGateGenerator,
    Discriminator,
    Generator,
    PReLU,
    VggFeatures,
    build_generator,
    layer_table,
    use_batch_statistics,
)
from deblend.training import keras_backend as backend
from deblend.training.torch_layers import n_parameters
from deblend.training.vgg import VggWeights

pytestmark = pytest.mark.usefixtures("one_thread")
# Before a test of another module starts TensorFlow, whose threads cannot be set then.
backend.configure("tensorflow", 2, 1)


def test_the_papers_generator_has_the_parameters_of_its_layers():
    block = 2 * (64 * 64 * 9 + 64) + 2 * (2 * 64) + 64
    root = (3 * 64 * 81 + 64) + 64 + 10 * block + (64 * 64 * 9 + 64) + 2 * 64
    branch = 6 * block + (64 * 3 * 81 + 3)
    assert n_parameters(Generator(10, 6, 64)) == root + 2 * branch == 1_715_718
    # The authors': one PReLU in each block and one after the first convolution, a slope per pixel.
    slopes = (1 + 10 + 2 * 6) * 64 * (80 * 80 - 1)
    with_slopes = Generator(10, 6, 64, prelu_side=80)
    assert n_parameters(with_slopes) == root + 2 * branch + slopes == 11_135_046


@pytest.mark.parametrize(("prelu", "number"), [("pixel", 11_135_046), ("channel", 1_715_718)])
def test_the_configuration_chooses_what_has_a_slope(prelu, number):
    assert n_parameters(build_generator(GanConfig(prelu=prelu), 80)) == number


def test_a_slope_of_a_pixel_acts_on_its_negative_values():
    layer = PReLU(2, 4)
    x = torch.randn(3, 2, 4, 4)
    assert torch.equal(layer(x), x.clamp(min=0))  # it starts as a ReLU
    with torch.no_grad():
        layer.weight[0, 1, 2, 3] = 0.5
    changed = (layer(x) - x.clamp(min=0)).detach()
    assert torch.equal(changed[:, 1, 2, 3], 0.5 * x[:, 1, 2, 3].clamp(max=0))
    changed[:, 1, 2, 3] = 0
    assert not changed.any()


def test_slopes_of_pixels_are_for_images_of_one_size():
    network = Generator(1, 1, 4, prelu_side=16)
    assert network(torch.rand(1, 3, 16, 16)).shape == (1, 2, 3, 16, 16)
    with pytest.raises(DeblendError, match=r"24 x 16 px: .* of 16 x 16 px \(prelu: pixel"):
        network(torch.rand(1, 3, 16, 24))


def test_statistics_of_a_batch_replace_those_of_the_training():
    """As batch norms of a training, whose output depends on the other images of the batch."""
    torch.manual_seed(6)
    network, blends = Generator(1, 1, 4), torch.rand(4, 3, 16, 16)
    expected = network(blends).detach()  # in training mode
    usual = network.eval()(blends).detach()
    assert use_batch_statistics(network)
    found = network.eval()(blends).detach()
    assert torch.allclose(found, expected, atol=1e-6)
    assert not torch.allclose(found, usual, atol=1e-2)
    assert not use_batch_statistics(CopyGateGenerator(4, 2))


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


def test_a_copy_gate_makes_two_images_of_the_blends_shape():
    torch.manual_seed(1)
    for side, levels in ((32, 1), (48, 3), (80, 4)):
        images = CopyGateGenerator(4, levels)(torch.rand(2, 3, side, side)).detach()
        assert images.shape == (2, 2, 3, side, side)
        assert not torch.allclose(images[:, 0], images[:, 1])


def test_an_untrained_copy_gate_shows_half_of_the_blend_in_both_images():
    torch.manual_seed(2)
    blends = torch.rand(8, 3, 32, 32)
    light = (CopyGateGenerator(8, 3)(blends).detach() + 1) / 2
    assert float((light - blends[:, None] / 2).abs().mean()) < 0.05


def set_gates(network, gate, residual):
    """Make gates and residuals the same everywhere."""
    for branch in network.branches.values():
        torch.nn.init.zeros_(branch.conv.weight)
        # The pixel shuffle takes four channels for each of the three colours.
        branch.conv.bias.data = torch.tensor([gate] * 12 + [residual] * 12)


def test_a_gate_of_one_copies_the_blend():
    network, blends = CopyGateGenerator(4, 2), torch.rand(3, 3, 16, 16)
    for gate, residual in ((1.0, 0.0), (0.0, 0.25), (0.5, 0.125)):
        set_gates(network, gate, residual)
        images = network(blends).detach()
        for galaxy in range(2):
            assert torch.equal(images[:, galaxy], 2 * (gate * blends + residual) - 1)


def test_the_light_of_a_pixel_stays_where_it_is():
    """A gate only weakens or copies: dark pixels of the blend are those of the residual."""
    network = CopyGateGenerator(4, 2)
    set_gates(network, 1.0, 0.0)
    blends = torch.zeros(1, 3, 16, 16)
    blends[0, 1, 5, 11] = 0.75
    light = (network(blends).detach() + 1) / 2
    assert light.nonzero().tolist() == [[0, galaxy, 1, 5, 11] for galaxy in range(2)]


@pytest.mark.parametrize("resolution", ["half", "full"])
def test_parts_of_a_copy_gate_can_be_left_out(resolution):
    blends = torch.rand(2, 3, 16, 16)
    for parts, n, image in (("gate", 3, 0.75 * blends), ("residual", 3, 0.75 + 0 * blends)):
        network = CopyGateGenerator(4, 2, parts=parts, resolution=resolution)
        for branch in network.branches.values():
            assert branch.conv.out_channels == n * (4 if resolution == "half" else 1)
            torch.nn.init.zeros_(branch.conv.weight)
            torch.nn.init.constant_(branch.conv.bias, 0.75)
        for galaxy in network(blends).detach().unbind(1):
            assert torch.allclose(galaxy, 2 * image - 1)


def test_the_output_of_a_copy_gate_can_be_a_tangent():
    torch.manual_seed(7)
    network, blends = CopyGateGenerator(4, 2), torch.rand(2, 3, 16, 16)
    tangent = CopyGateGenerator(4, 2, linear=False)
    tangent.load_state_dict(network.state_dict())
    assert torch.allclose(tangent(blends), torch.tanh(network(blends)))


def test_a_copy_gate_at_full_resolution_has_that_of_the_images():
    network = CopyGateGenerator(4, 3, resolution="full")
    table = layer_table(network, 20)
    convolutions = table[(table["kind"] == "Conv2d") & (table["group"] == "root")]
    assert list(convolutions["side"]) == [20, 20, 10, 10, 5, 5, 10, 10, 20, 20]
    with pytest.raises(DeblendError, match="3 levels needs a multiple of 4"):
        network(torch.rand(1, 3, 18, 18))


@pytest.mark.parametrize(("side", "levels", "multiple"), [(20, 3, 8), (40, 4, 16), (15, 1, 2)])
def test_a_copy_gate_refuses_images_that_it_cannot_halve(side, levels, multiple):
    message = rf"{side} px.*{levels} levels needs a multiple of {multiple} \(crop_px / reduce_by"
    with pytest.raises(DeblendError, match=message):
        CopyGateGenerator(4, levels)(torch.rand(1, 3, side, side))


def test_a_copy_gate_knows_the_distance_from_the_centre():
    torch.manual_seed(3)
    network = CopyGateGenerator(8, 1)
    # Every second pixel, since those between come from other channels; not affected by the edges.
    inner = slice(24, 40, 2)
    black = torch.zeros(1, 3, 64, 64)
    seen = network(black).detach()[0, 0, 0, inner, inner]
    # Without the last four channels, which are the distance, it cannot tell one pixel from another.
    torch.nn.init.zeros_(network.down["block0"][0].weight[:, 12:])
    blind = network(black).detach()[0, 0, 0, inner, inner]
    assert blind.std() < 1e-6 < 1e-4 < seen.std()


def test_a_copy_gate_learns_which_galaxy_is_in_the_centre():
    """The same spot is in the centre and elsewhere: nothing but its place tells them apart."""
    torch.manual_seed(4)
    y, x = np.mgrid[:16, :16] - 7.5
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)[:, None, None]
    places = np.stack([0 * angle, 5.5 * np.ones_like(angle)], axis=1)
    dy, dx = places * np.sin(angle)[:, None], places * np.cos(angle)[:, None]
    spots = np.exp(-((y - dy) ** 2 + (x - dx) ** 2) / 4)
    truth = torch.from_numpy(np.repeat(spots[:, :, None], 3, axis=2)).float()
    blends, truth = truth.amax(dim=1), 2 * truth - 1
    network = CopyGateGenerator(8, 2)
    optimizer = torch.optim.Adam(network.parameters(), 5e-3)
    for _ in range(150):
        optimizer.zero_grad()
        images = network(blends)
        torch.nn.functional.mse_loss(images, truth).backward()
        optimizer.step()
    own = (images.detach() - truth).pow(2).mean(dim=(2, 3, 4))
    crossed = (images.detach() - truth.flip(1)).pow(2).mean(dim=(2, 3, 4))
    assert (own < 0.2 * crossed).all()


def test_the_table_of_a_copy_gate_has_every_parameter_and_each_branch():
    network = CopyGateGenerator(4, 3)
    table = layer_table(network, 32)
    assert table["n_parameters"].sum() == n_parameters(network)
    assert list(table["group"].drop_duplicates()) == ["root", "central", "companion"]
    assert list(table.groupby("group")["kind"].last()[["central", "companion"]]) == ["CopyGate"] * 2
    kinds = table["kind"].value_counts()
    assert kinds["MaxPool2d"] == kinds["Upsample"] == kinds["Concatenate"] == 2
    # Half the side, down to an eighth, and back.
    sides = table[(table["kind"] == "Conv2d") & (table["group"] == "root")]["side"]
    assert list(sides) == [16, 16, 8, 8, 4, 4, 8, 8, 16, 16]


def test_the_configuration_chooses_the_generator():
    copy_gate = build_generator(GanConfig(generator="copy_gate", filters=4, levels=2), 16)
    assert isinstance(copy_gate, CopyGateGenerator)
    assert n_parameters(copy_gate) == n_parameters(CopyGateGenerator(4, 2))
    options = {"root_blocks": 2, "branch_blocks": 1, "filters": 4, "coordinates": True}
    papers = build_generator(GanConfig(**options, prelu="channel"), 16)
    assert isinstance(papers, Generator)
    assert n_parameters(papers) == n_parameters(Generator(**options))


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
