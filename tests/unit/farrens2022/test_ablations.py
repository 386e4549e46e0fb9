"""Ablations: their noise and scaling, and that their networks learn."""

import h5py
import numpy as np
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

from deblend.errors import DeblendError
from deblend.farrens2022.ablations import NoisySet, described, train_ablation, write_inputs
from deblend.farrens2022.config import Ablation, Head
from deblend.farrens2022.features import ASINH_RANGE
from deblend.farrens2022.training import train_head
from deblend.training.keras_checkpoint import Checkpoint
from deblend.training.schedule import SteeringConfig

from tests.unit.farrens2022.conftest import write_stamps

NETWORK = Head(epochs=5, batch_size=50, min_delta=0.0).model_dump()


def test_each_stamp_draws_one_of_the_levels():
    every = NoisySet("train", "", (5.0, 15.0, 35.0), ("parametric", "train", "all"))
    drawn = every.noise(3000, seed=1)
    levels, counts = np.unique(drawn, return_counts=True)
    assert levels.tolist() == [5, 15, 35]
    assert np.abs(counts - 1000).max() < 4 * np.sqrt(3000 * 2 / 9)
    np.testing.assert_array_equal(every.noise(3000, seed=1), drawn)
    other = NoisySet("validation", "", every.levels, ("parametric", "validation", "all"))
    assert (other.noise(3000, seed=1) != drawn).mean() == pytest.approx(2 / 3, abs=0.05)
    assert set(NoisySet("test/a", "", (15.0,), ("a",)).noise(4, seed=1)) == {15.0}


def test_inputs_have_the_noise_of_their_set(tmp_path):
    path = write_stamps(tmp_path / "stamps.h5", 40)
    sets = [
        NoisySet("train", path, (5.0, 35.0), ("a", "all")),
        NoisySet("test/sigma35_0", path, (35.0,), ("b", 35.0, 0)),
    ]
    options = {"features": "scratch", "scaling": "asinh", "padding": 7, "seed": 3}
    write_inputs(tmp_path / "inputs.h5", sets, None, **options)
    with h5py.File(tmp_path / "inputs.h5") as file:
        stamps = {name: file[f"{name}/inputs"][..., 0] for name in ("train", "test/sigma35_0")}
        assert file["train/labels"][:].tolist() == [0, 1] * 20
    for images in stamps.values():
        assert images.shape == (40, 34, 34)
        # The border has noise alone, which is 1 in its own unit at any level.
        border = np.sinh(ASINH_RANGE * images[:, :6].astype(float))
        assert border.std() == pytest.approx(1, abs=0.03)
    # The galaxies stand out seven times more where the noise is a seventh.
    peaks = np.sinh(ASINH_RANGE * stamps["train"].astype(float)).max(axis=(1, 2))
    assert (peaks > 40).any() and (peaks < 30).any()
    levels = sets[0].noise(40, 3)
    assert peaks[levels == 5].min() > peaks[levels == 35].max()


@pytest.mark.parametrize("features", ["vgg16", "random"])
def test_random_features_need_no_file_of_weights(tmp_path, features):
    path = write_stamps(tmp_path / "stamps.h5", 4)
    sets = [NoisySet("train", path, (5.0,), ("a",))]
    options = {"scaling": "paper", "padding": 6, "seed": 3}
    if features == "vgg16":
        from deblend.training.vgg import random_weights, write_vgg

        write_vgg(tmp_path / "vgg.h5", random_weights(4))
    vgg = tmp_path / "vgg.h5" if features == "vgg16" else None
    write_inputs(tmp_path / "inputs.h5", sets, vgg, features=features, **options)
    with h5py.File(tmp_path / "inputs.h5") as file:
        assert file["train/inputs"].shape == (4, 512)
    what = described(tmp_path / "inputs.h5")
    # Random features can be drawn again; a file of weights is needed again.
    seed = {"vgg_seed": 3} if features == "random" else {}
    assert what == {"stamp_size": 20, "padding_px": 6, "vgg_weights": "random"} | seed


def write_made_up(path, n, shape, label_of, seed=0):
    """A file of inputs whose labels can be told from them."""
    rng = np.random.default_rng(seed)
    with h5py.File(path, "w") as file:
        for name in ("train", "validation", "test/a", "test/b"):
            x = rng.normal(size=(n, *shape)).astype(np.float16)
            file[f"{name}/inputs"], file[f"{name}/labels"] = x, label_of(x).astype(np.float32)
    return path


def run(path, tmp_path, epochs=NETWORK["epochs"], **ablation):
    checkpoint = Checkpoint(tmp_path / "state.npz", {"k": str(ablation)})
    found = train_ablation(
        path,
        Ablation(**ablation),
        network=NETWORK | {"epochs": epochs},
        seed=1,
        checkpoint=checkpoint,
    )
    checkpoint.path.unlink()
    return found


def accuracy(path, table, test):
    with h5py.File(path) as file:
        labels = file[f"test/{test}/labels"][:] > 0
    p = table.loc[table["test"] == test, "probability"].to_numpy()
    return float(np.mean((p >= 0.5) == labels))


def test_a_small_network_learns_to_count_peaks(tmp_path):
    """Two bright pixels or one, at random places: no single pixel tells."""
    rng = np.random.default_rng(5)
    path = tmp_path / "inputs.h5"
    with h5py.File(path, "w") as file:
        for name in ("train", "validation", "test/a"):
            labels = np.arange(500) % 2
            x = rng.normal(0, 0.1, (500, 16, 16, 1))
            for image, label in zip(x, labels, strict=True):
                for place in rng.choice(256, 1 + label, replace=False):
                    image[place // 16, place % 16] += 2
            file[f"{name}/inputs"] = x.astype(np.float16)
            file[f"{name}/labels"] = labels.astype(np.float32)
    _, history, summary, table = run(path, tmp_path, epochs=12, features="scratch")
    assert accuracy(path, table, "a") > 0.9
    assert summary["problem"] is None and summary["ablation"]["features"] == "scratch"
    assert len(history) <= 12


def test_without_a_difference_it_is_the_papers_head(tmp_path):
    path = write_made_up(tmp_path / "inputs.h5", 300, (20,), lambda x: x[:, 0] * x[:, 1] > 0)
    model, history, _, table = run(path, tmp_path)
    with h5py.File(path) as file:
        train, validation = (
            (file[f"{name}/inputs"][:], file[f"{name}/labels"][:])
            for name in ("train", "validation")
        )
    theirs, expected, _ = train_head(
        train,
        validation,
        seed=1,
        batch_size=50,
        dropout=NETWORK["dropout"],
        adam_epsilon=NETWORK["adam_epsilon"],
        steering_config=SteeringConfig(**{k: NETWORK[k] for k in SteeringConfig.model_fields}),
        checkpoint=Checkpoint(tmp_path / "head.npz", {}),
    )
    assert history.equals(expected)
    for a, b in zip(model.get_weights(), theirs.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    assert table.groupby("test")["stamp"].count().to_dict() == {"a": 300, "b": 300}


def test_options_have_their_effects(tmp_path):
    path = write_made_up(tmp_path / "inputs.h5", 300, (20,), lambda x: x[:, 0] > 0)

    def norm(model):
        return float(sum((w**2).sum() for w in model.get_weights() if w.ndim == 2))

    plain, history, summary, _ = run(path, tmp_path)
    penalised, *_ = run(path, tmp_path, l2=0.01)
    assert norm(penalised) < 0.9 * norm(plain)
    _, slower, half, table = run(
        path, tmp_path, optimizer="sgd", learning_rate=0.02, train_share=0.5
    )
    assert (summary["n_train"], half["n_train"]) == (300, 150)
    assert history["learning_rate"][0] == NETWORK["learning_rate"]
    assert slower["learning_rate"][0] == 0.02
    assert accuracy(path, table, "b") > 0.8


def test_too_few_training_stamps_are_an_error(tmp_path):
    path = write_made_up(tmp_path / "inputs.h5", 10, (4,), lambda x: x[:, 0] > 0)
    with pytest.raises(DeblendError, match="train_share 0.1 leaves 1 of 10 training stamps"):
        run(path, tmp_path, train_share=0.1)
