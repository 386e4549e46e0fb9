"""BlendHunter's head, and the small network."""

import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

import keras
from deblend.farrens2022.networks import head, small_network


def test_head_has_the_papers_layers():
    model = head(2048)
    assert [layer.name for layer in model.layers[1:]] == ["dense1", "dropout", "dense2", "blend"]
    assert model.get_layer("dense1").activation is keras.activations.linear
    assert model.get_layer("dropout").rate == 0.1
    assert model.count_params() == 2049 * 256 + 257 * 1024 + 1025


def test_a_penalty_is_the_sum_of_squares_of_the_kernels_and_there_is_none_by_default():
    assert head(8).losses == []
    penalised = head(8, l2=0.5)
    kernels = [penalised.get_layer(name).kernel for name in ("dense1", "dense2")]
    squares = sum(float((kernel.numpy() ** 2).sum()) for kernel in kernels)
    assert float(sum(penalised.losses)) == pytest.approx(0.5 * squares, rel=1e-5)


def test_a_small_network_halves_the_stamps_and_has_no_vgg():
    model = small_network(65)
    sides = [model.get_layer(f"pool{n}").output.shape[1] for n in range(1, 5)]
    assert sides == [33, 17, 9, 5]
    convolutions = (10 * 16, 145 * 32, 289 * 64, 577 * 64)
    assert model.count_params() == sum(convolutions) + (25 * 64 + 1) * 64 + 65
