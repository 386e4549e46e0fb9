"""Labels of stamps by trained heads, compared with the network in numpy and Keras' own VGG-16."""

import json

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import galsim
import keras
from deblend.errors import DeblendError
from deblend.farrens2022.ablations import NoisySet, train_and_write_ablation, write_inputs
from deblend.farrens2022.config import Ablation, Head
from deblend.farrens2022.networks import head
from deblend.farrens2022.predict import (
    blend_probability,
    label_with_heads,
    noise_factor,
    trained_stamps,
)
from deblend.farrens2022.stamps import noisy_batches
from deblend.farrens2022.training import run_training
from deblend.training.vgg import VGG16_NAMES, random_weights, write_vgg

from tests.unit.farrens2022.conftest import write_stamps

SIGMA, PADDING, SEED = 20.0, 6, 3


@pytest.fixture(scope="module")
def weights():
    return random_weights(1)


@pytest.fixture(scope="module")
def vgg(weights, tmp_path_factory):
    """The file of the weights."""
    path = tmp_path_factory.mktemp("vgg") / "vgg.h5"
    write_vgg(path, weights)
    return path


def features_of_vgg16(sample, weights, item):
    """Features of Keras' own VGG-16, with the same weights."""
    network = keras.applications.VGG16(weights=None, include_top=False, input_shape=(32, 32, 3))
    for name, pair in zip(VGG16_NAMES, weights.layers, strict=True):
        network.get_layer(name).set_weights(pair)
    size = np.abs(np.concatenate([*noisy_batches(sample, SIGMA, PADDING, SEED, item)]))
    grey = np.floor(255 * size / size.max(axis=(1, 2), keepdims=True)) / 255
    colour = np.repeat(grey[..., None], 3, axis=-1).astype(np.float32)
    return network.predict(colour, verbose=0).reshape(len(grey), -1)


def test_probabilities_are_those_of_each_head(weights, vgg, tmp_path):
    sample = write_stamps(tmp_path / "test.h5", 6)
    features = features_of_vgg16(sample, weights, ("mine",))
    expected, files = {}, {}
    for number, name in enumerate(("sigma5_1", "sigma5_0")):
        keras.utils.set_random_seed(number)
        model = head(features.shape[1])
        # Random features are large: weights are made smaller, so that no probability is 0 or 1.
        model.get_layer("dense1").set_weights(
            [w / np.abs(features).max() for w in model.get_layer("dense1").get_weights()]
        )
        files[name] = tmp_path / f"{name}.weights.h5"
        model.save_weights(files[name])
        w1, b1, w2, b2, w3, b3 = model.get_weights()
        logit = np.maximum((features @ w1 + b1) @ w2 + b2, 0) @ w3 + b3
        expected[name] = 1 / (1 + np.exp(-logit[:, 0]))
    found = label_with_heads(
        sample,
        vgg,
        files,
        dropout=0.5,
        noise_sigma=SIGMA,
        item=("mine",),
        padding=PADDING,
        seed=SEED,
    )
    assert list(found) == ["sigma5_1", "sigma5_0"]
    assert found.to_numpy().std() > 0.01
    for name, probability in expected.items():
        np.testing.assert_allclose(found[name], probability, atol=1e-4)


def test_a_saved_head_labels_as_after_its_training(vgg, tmp_path):
    samples = {
        split: write_stamps(tmp_path / f"{split}.h5", n, seed)
        for seed, (split, n) in enumerate({"train": 8, "validation": 4, "test": 6}.items())
    }
    network = {
        "batch_size": 4,
        "dropout": 0.1,
        "augment": True,
        "keep": "last",
        "adam_epsilon": 1e-8,
        "learning_rate": 1e-5,
        "schedule": "plateau",
        "drop_factor": 0.5,
        "drop_patience": 5,
        "drop_cooldown": 0,
        "min_learning_rate": 0.0,
        "stop_patience": 10,
        "min_delta": 0.0,
        "epochs": 1,
    }
    model, history, summary, probability = run_training(
        samples,
        vgg,
        noise_sigma=SIGMA,
        realisation=1,
        padding=PADDING,
        network=network,
        seed=SEED,
        checkpoint=tmp_path / "c.npz",
        fingerprinted={"code": "1"},
    )
    assert len(history) == 1
    # Augmentation uses each training stamp twice.
    assert (summary["n_train"], summary["n_validation"], summary["n_test"]) == (16, 4, 6)
    assert (summary["stamp_size"], summary["padding_px"]) == (20, PADDING)
    is_blend = np.arange(6) % 2 == 1
    assert summary["test_accuracy"] == np.mean((probability >= 0.5) == is_blend)
    model.save_weights(tmp_path / "head.weights.h5")
    found = label_with_heads(
        samples["test"],
        vgg,
        {"head": tmp_path / "head.weights.h5"},
        dropout=0.1,
        noise_sigma=SIGMA,
        item=("parametric", "test", SIGMA, 1),
        padding=PADDING,
        seed=SEED,
    )
    np.testing.assert_allclose(found["head"], probability, atol=1e-6)


TRAINED = {"stamp_size": 20, "padding_px": PADDING, "pixel_scale_arcsec": 0.2}


@pytest.fixture
def trained_head(vgg, weights, tmp_path):
    """A head that was trained on stamps without padding: files and the stamps' probabilities."""
    sample = write_stamps(tmp_path / "test.h5", 6)
    features = features_of_vgg16(sample, weights, ("mine",))
    keras.utils.set_random_seed(1)
    model = head(features.shape[1])
    model.get_layer("dense1").set_weights(
        [w / np.abs(features).max() for w in model.get_layer("dense1").get_weights()]
    )
    model.save_weights(tmp_path / "head.weights.h5")
    frames = np.concatenate([*noisy_batches(sample, SIGMA, PADDING, SEED, ("mine",))])
    record = {**TRAINED, "stamp_size": 32, "padding_px": 0, "vgg_weights": weights.source}
    (tmp_path / "network.json").write_text(json.dumps(record))
    files = {
        "vgg": vgg,
        "weights": tmp_path / "head.weights.h5",
        "description": tmp_path / "network.json",
    }
    return files, frames, model.predict(features, verbose=0)[:, 0]


def test_any_images_get_the_probabilities_of_a_head(trained_head):
    files, frames, expected = trained_head
    found = blend_probability(frames, **files, pixel_scale_arcsec=0.2)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert expected.std() > 0.001
    # Neither the unit nor what lies around the stamps matters, nor how many are handled at once.
    wide = np.pad(frames * 2.0**-30, [(0, 0), (4, 4), (7, 7)], constant_values=1.0)
    found = blend_probability(wide, **files, pixel_scale_arcsec=0.2, batch=4)
    np.testing.assert_allclose(found, expected, atol=2e-5)
    assert len(blend_probability(frames[:0], **files, pixel_scale_arcsec=0.2)) == 0


def test_a_head_needs_the_weights_that_it_was_trained_with(trained_head):
    files, frames, _ = trained_head
    record = json.loads(files["description"].read_text())
    files["description"].write_text(json.dumps({**record, "vgg_weights": "ImageNet"}))
    with pytest.raises(DeblendError, match="was trained with ImageNet weights of VGG-16, but"):
        blend_probability(frames, **files, pixel_scale_arcsec=0.2)


@pytest.mark.parametrize(("side", "scale"), [(41, 0.2), (44, 0.2), (60, 0.15), (40, 0.31)])
def test_images_are_resampled_about_their_middle(side, scale):
    """The same galaxy, drawn with the pixels of the images and with those of the training."""

    def drawn(side, scale):
        return profile.drawImage(nx=side, ny=side, scale=scale).array

    profile = galsim.Gaussian(sigma=0.8).shear(g1=0.2, g2=0.1)
    profile += 0.4 * galsim.Gaussian(sigma=0.7).shift(0.9, -0.6)
    trained = {**TRAINED, "padding_px": 0}
    found = trained_stamps(
        drawn(side, scale)[None], pixel_scale_arcsec=scale, trained=trained, seed=1
    )
    expected = drawn(20, 0.2)
    np.testing.assert_allclose(found[0], expected, atol=0.003 * expected.max())
    assert found[0].sum() == pytest.approx(expected.sum(), rel=1e-3)


def test_smaller_pixels_are_summed_with_their_noise():
    noise = np.random.default_rng(4).normal(0, 3, (100, 40, 40))
    trained = {**TRAINED, "padding_px": 0}
    found = trained_stamps(noise, pixel_scale_arcsec=0.1, trained=trained, seed=1)
    sums = noise.reshape(100, 20, 2, 20, 2).sum(axis=(2, 4))
    np.testing.assert_allclose(found, sums, atol=1e-4)
    assert noise_factor((40, 40), 0.1, trained) == pytest.approx(2)
    assert noise_factor((20, 24), 0.2, trained) == 1


@pytest.mark.parametrize("scale", [0.13, 0.17, 0.2, 0.27])
def test_the_noise_of_rebinned_images_is_known(scale):
    """Also where pixels become smaller, or are shifted by half of one."""
    noise = np.random.default_rng(5).normal(0, 3, (300, 41, 41))
    trained = {**TRAINED, "padding_px": 0}
    found = trained_stamps(noise, pixel_scale_arcsec=scale, trained=trained, seed=1)
    factor = noise_factor((41, 41), scale, trained)
    assert found.std() == pytest.approx(3 * factor, rel=0.02)
    # About that of as many pixels as fit into one, where samples of points would keep the noise of
    # one; between pixels that are not smaller any interpolation loses noise.
    assert 0.7 * 0.2 / scale < factor < 1.1 * 0.2 / scale
    if scale < 0.15:
        assert factor == pytest.approx(0.2 / scale, rel=0.15)


def of_ablation(tmp_path, features, scaling):
    """An ablation that was trained for an epoch: files, stamps with noise, and probabilities."""
    sample = write_stamps(tmp_path / "test.h5", 8)
    sets = [
        NoisySet(name, sample, (SIGMA,), ("mine",)) for name in ("train", "validation", "test/a")
    ]
    options = {"features": features, "scaling": scaling}
    write_inputs(tmp_path / "inputs.h5", sets, None, **options, padding=PADDING, seed=SEED)
    network = Head(epochs=1, batch_size=4, min_delta=0.0, learning_rate=1e-5).model_dump()
    outputs = {
        name: tmp_path / f"{name}.{suffix}"
        for name, suffix in (
            ("weights", "weights.h5"),
            ("description", "json"),
            ("history", "csv"),
            ("timing", "timing.json"),
        )
    }
    train_and_write_ablation(
        outputs,
        tmp_path / "inputs.h5",
        predictions=tmp_path / "p.csv",
        ablation=Ablation(**options).model_dump(),
        network=network,
        seed=SEED,
        checkpoint=tmp_path / "state.npz",
        code="1",
        recorded={"scale": "toy", "pixel_scale_arcsec": 0.2},
    )
    frames = np.concatenate([*noisy_batches(sample, SIGMA, PADDING, SEED, ("mine",))])
    return outputs, frames, pd.read_csv(tmp_path / "p.csv")["probability"]


@pytest.mark.parametrize(("features", "scaling"), [("scratch", "asinh"), ("random", "paper")])
def test_ablations_label_any_images_too(tmp_path, features, scaling):
    outputs, frames, expected = of_ablation(tmp_path, features, scaling)
    record = json.loads(outputs["description"].read_text())
    # The noise around the stamps is part of the frames.
    whole = {**record, "stamp_size": 32, "padding_px": 0}
    outputs["description"].write_text(json.dumps(whole))
    files = {"vgg": None, "weights": outputs["weights"], "description": outputs["description"]}
    found = blend_probability(frames, **files, pixel_scale_arcsec=0.2, noise_sigma=SIGMA)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The unit does not matter, and the measured noise is near the true one.
    found = blend_probability(7 * frames, **files, pixel_scale_arcsec=0.2, noise_sigma=7 * SIGMA)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    found = blend_probability(frames, **files, pixel_scale_arcsec=0.2)
    np.testing.assert_allclose(found, expected, atol=0.05)
    assert not (tmp_path / "state.npz").exists()


def test_a_description_without_what_is_needed_is_an_error(trained_head):
    files, frames, _ = trained_head
    record = json.loads(files["description"].read_text())
    del record["padding_px"], record["vgg_weights"]
    files["description"].write_text(json.dumps(record))
    with pytest.raises(DeblendError, match="network.json has no padding_px, vgg_weights: give"):
        blend_probability(frames, **files, pixel_scale_arcsec=0.2)


def test_bad_images_are_numbered_among_all(trained_head):
    files, frames, _ = trained_head
    frames = frames.copy()
    frames[5] = 0
    with pytest.raises(DeblendError, match="1 stamps have no signal or .* the first is number 5"):
        blend_probability(frames, **files, pixel_scale_arcsec=0.2, batch=4)


def test_the_padding_has_the_noise_of_the_stamp():
    noise = np.random.default_rng(1).normal(0, 3, (200, 20, 20))
    trained = {**TRAINED, "padding_px": 7}
    padded = trained_stamps(noise, pixel_scale_arcsec=0.2, trained=trained, seed=1)
    np.testing.assert_array_equal(padded[:, 7:-7, 7:-7], noise.astype(np.float32))
    assert np.std(padded[:, :7]) == pytest.approx(3, rel=0.05)
    again = trained_stamps(noise[5:], pixel_scale_arcsec=0.2, trained=trained, seed=1, first=5)
    np.testing.assert_array_equal(padded[5:], again)


@pytest.mark.parametrize(
    ("images", "scale", "message"),
    [
        (np.ones((20, 20)), 0.2, r"have shape \(20, 20\): give \(n, y, x\)"),
        (np.full((1, 20, 20), np.nan), 0.2, "1 of 1 images are not finite, the first is number 0"),
        (np.ones((1, 19, 20)), 0.2, "20 x 19 pixels of 0.2 arcsec are smaller than the stamps"),
        (np.ones((1, 20, 20)), 0.15, "cut out larger ones"),
        (np.ones((1, 200, 200)), 0.05, "0.05 differs from that of the training, 0.2, by more"),
    ],
)
def test_images_that_cannot_be_stamps_are_refused(images, scale, message):
    with pytest.raises(DeblendError, match=message):
        trained_stamps(images, pixel_scale_arcsec=scale, trained=TRAINED, seed=1)
