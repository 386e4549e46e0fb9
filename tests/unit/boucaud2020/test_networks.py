"""Layers, sizes and outputs of the three networks."""

import subprocess
import sys

import numpy as np
import pytest

from tests.conftest import ROOT

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.boucaud2020.networks import blend2flux, blend2mask2flux, build, unet
from deblend.errors import DeblendError


# Table 2's 1.6 and 25.7 million, exactly; 102.7 million for 512 filters.
@pytest.mark.parametrize(
    ("filters", "parameters"), [(64, 1_607_106), (256, 25_696_002), (512, 102_772_226)]
)
def test_parameter_counts_of_table_2(filters, parameters):
    with keras.device("cpu:0"):
        assert blend2flux(128, filters=filters).count_params() == parameters


def test_parameter_counts_of_section_3_2():
    """18.5 million in all; the U-Net of 32 filters and depth 5 has 8.63 of them."""
    assert unet(128).count_params() == pytest.approx(8.63e6, rel=1e-3)
    assert blend2mask2flux(128).count_params() == pytest.approx(18.5e6, rel=0.02)


def test_dropout_of_a_level():
    """The authors' code leaves features out after both convolutions of each of the nine levels."""

    def dropouts(**options):
        layers = unet(64, filters=2, depth=5, **options).layers
        return sum(isinstance(layer, keras.layers.Dropout) for layer in layers)

    assert dropouts() == 18
    assert dropouts(dropout_after="first") == 9
    assert dropouts(dropout=0.0) == 0
    with pytest.raises(DeblendError, match="dropout_after is 'last'; it can be both or first"):
        unet(64, dropout_after="last")


def test_layers_are_those_of_figure_3():
    model = blend2flux(128, filters=8)
    shapes = {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}
    assert shapes["conv1"] == (128, 128, 8)
    assert shapes["conv3"] == (32, 32, 16)
    assert shapes["conv5"] == (8, 8, 32)
    assert shapes["output"] == (2,)
    assert model.get_layer("dense1").activation is keras.activations.selu
    assert model.get_layer("conv5").activation is keras.activations.relu
    assert model.get_layer("output").activation is keras.activations.linear


def test_the_joint_network_starts_from_the_trained_masks():
    separate = unet(64, filters=4, depth=3)
    joint = blend2mask2flux(64, filters=4, unet_options={"filters": 4, "depth": 3})
    joint.get_layer("unet").set_weights(separate.get_weights())
    images = np.random.default_rng(0).normal(0, 0.1, (3, 64, 64, 1))
    both = joint.predict(images, verbose=0)
    np.testing.assert_allclose(both["masks"], separate.predict(images, verbose=0), atol=1e-6)
    assert both["fluxes"].shape == (3, 2)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"stamp_size": 100}, "stamp_size is 100"),
        ({"filters": 0}, "filters is 0"),
        ({"output": "softmax"}, "'softmax'; it can be linear or exponential"),
    ],
)
def test_bad_arguments_are_named(kwargs, message):
    with pytest.raises(DeblendError, match=message):
        blend2flux(**kwargs)
    with pytest.raises(DeblendError, match="stamp_size is 100: 4 poolings"):
        unet(100)
    with pytest.raises(DeblendError, match="depth is 1"):
        unet(64, depth=1)
    with pytest.raises(DeblendError, match="'resnet'; it can be blend2flux, unet"):
        build("resnet", 64, {})


@pytest.mark.parametrize("name", ["torch"])
def test_other_backends_build_and_predict(name):
    pytest.importorskip(name, reason=f"{name} is not installed: make env")
    code = (
        "from deblend.training import keras_backend as backend\n"
        "print(backend.configure('tensorflow', 2, 0)['backend'])\n"
        "import numpy as np\n"
        "from deblend.boucaud2020.networks import blend2flux\n"
        "model = blend2flux(128, filters=64)\n"
        "print(model.count_params(), model.predict(np.ones((2,128,128,1)), verbose=0).shape)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        env={"KERAS_BACKEND": name, "PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == [name, "1607106", "(2,", "2)"]


def test_images_are_stretched_and_fluxes_scaled():
    """The same weights behind another stretch and another scale."""
    rng = np.random.default_rng(2)
    images = rng.normal(0, 0.5, (3, 32, 32, 1)).astype(np.float32)
    plain = blend2flux(32, filters=4)
    other = blend2flux(32, filters=4, asinh_softening=0.02, flux_scale=50.0, output="exponential")
    other.set_weights(plain.get_weights())
    stretched = np.arcsinh(images / 0.02) / 3
    expected = 50 * np.exp(plain.predict(stretched, verbose=0))
    np.testing.assert_allclose(other.predict(images, verbose=0), expected, rtol=1e-4)


def test_the_overlap_is_a_third_mask_that_the_fluxes_do_not_see():
    options = {"filters": 4, "depth": 3, "overlap_channel": True}
    joint = blend2mask2flux(32, filters=4, unet_options=options)
    assert joint.output["masks"].shape[1:] == (32, 32, 3)
    # The flux network takes the blend and two masks.
    assert joint.get_layer("blend_and_masks").output.shape[-1] == 3
