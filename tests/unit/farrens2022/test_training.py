"""The training of BlendHunter's head."""

import numpy as np
import pytest
import scipy.stats

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

from deblend.errors import DeblendError
from deblend.farrens2022.training import (
    cached_features,
    not_learnt,
    probabilities,
    train_head,
)
from deblend.training.keras_checkpoint import Checkpoint
from deblend.training.schedule import SteeringConfig

STEERING = SteeringConfig(
    learning_rate=0.001,
    schedule="plateau",
    drop_factor=0.5,
    drop_patience=5,
    drop_cooldown=0,
    min_learning_rate=0.0,
    stop_patience=10,
    min_delta=0.0,
    epochs=6,
)


def test_a_head_learns_and_resumes(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 20)).astype(np.float32)
    y = (x[:, 0] * x[:, 1] > 0).astype(np.float32)
    parts = (x[:400], y[:400]), (x[400:], y[400:])
    common = {"seed": 1, "batch_size": 50, "dropout": 0.1, "adam_epsilon": 1e-8}

    def run(name, on_epoch=None):
        checkpoint = Checkpoint(tmp_path / name, {"k": "v"})
        options = {"steering_config": STEERING, "checkpoint": checkpoint, "on_epoch": on_epoch}
        return train_head(*parts, **common, **options)

    model, history, summary = run("a.npz")
    # By chance 0.5 +- 0.04. On one processor it is 0.81, on another 0.8.
    assert summary["val_accuracy"] > 0.7
    assert summary["problem"] is None

    def die(epochs):
        if epochs == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run("b.npz", die)
    again, continued, _ = run("b.npz")
    assert continued.equals(history)
    for a, b in zip(model.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_the_best_or_the_last_epoch_is_kept(tmp_path):
    """Random labels are learnt by heart, so that the validation loss rises after its minimum."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 20)).astype(np.float16)
    y = rng.integers(0, 2, 300).astype(np.float32)
    x_validation, y_validation = x[200:], y[200:]

    def run(keep):
        return train_head(
            (x[:200], y[:200]),
            (x_validation, y_validation),
            seed=1,
            batch_size=20,
            dropout=0.1,
            adam_epsilon=1e-8,
            steering_config=STEERING,
            checkpoint=Checkpoint(tmp_path / f"{keep}.npz", {}),
            keep=keep,
        )

    for keep in ("best", "last"):
        model, history, summary = run(keep)
        losses = history["val_loss"].to_numpy()
        expected = int(losses.argmin()) + 1 if keep == "best" else len(losses)
        assert losses.argmin() < len(losses) - 1
        assert (summary["keep"], summary["kept_epoch"]) == (keep, expected)
        assert summary["feature_type"] == "float16"
        p = model.predict(x_validation, verbose=0)[:, 0].astype(float)
        entropy = -np.mean(np.where(y_validation > 0, np.log(p), np.log1p(-p)))
        assert entropy == pytest.approx(losses[expected - 1], abs=1e-5)
        assert summary["val_loss"] == losses[expected - 1]


def test_divergence_is_noticed(tmp_path):
    x, y = np.ones((40, 8), np.float32), np.ones(40, np.float32)
    with pytest.raises(DeblendError, match="of lost has diverged: .* is nan in epoch 1/6"):
        train_head(
            (x, y),
            (x, y),
            seed=1,
            batch_size=20,
            dropout=0.1,
            adam_epsilon=1e-8,
            steering_config=STEERING.model_copy(update={"learning_rate": float("inf")}),
            checkpoint=Checkpoint(tmp_path / "lost.npz", {}),
        )


@pytest.mark.parametrize("share", [0.5, 0.2, 0.0])
def test_a_head_has_learnt_if_it_is_better_than_chance(share):
    """Chance is the cross-entropy of one probability for all stamps, the share of blends."""
    labels = (np.arange(100) < 100 * share).astype(np.float32)
    chance = scipy.stats.entropy([share, 1 - share])
    assert not_learnt(chance + 1e-4, labels).startswith("it is no better than chance")
    assert not_learnt(float("nan"), labels) is not None
    if share:
        assert not_learnt(chance - 1e-4, labels) is None


def test_a_head_does_not_learn_from_wrong_labels(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 20)).astype(np.float32)
    y = (x[:, 0] > 0).astype(np.float32)
    summary = train_head(
        (x[:400], 1 - y[:400]),
        (x[400:], y[400:]),
        seed=1,
        batch_size=50,
        dropout=0.1,
        adam_epsilon=1e-8,
        steering_config=STEERING,
        checkpoint=Checkpoint(tmp_path / "c.npz", {}),
    )[2]
    assert "no better than chance" in summary["problem"]


def test_features_are_kept_while_their_fingerprint_fits(tmp_path):
    calls = []

    def compute():
        calls.append(1)
        yield values

    values = np.random.default_rng(1).normal(size=(3, 4)).astype(np.float16)
    path = tmp_path / "f.h5"
    for fingerprint, n in (("a", 1), ("a", 1), ("b", 2)):
        found = cached_features(path, fingerprint, 3, compute)[0]
        assert found.dtype == np.float16
        np.testing.assert_array_equal(found, values)
        assert len(calls) == n


def test_a_head_learns_the_same_from_features_on_disk(tmp_path):
    """In memory all at once, or a few rows at a time; in batches that do not divide them."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(130, 20)).astype(np.float16)
    y = (x[:, 0] > 0).astype(np.float32)

    def from_disk(kept_bytes):
        parts = iter([x[:50], x[50:51], x[51:]])
        path = tmp_path / f"{kept_bytes}.h5"
        return cached_features(path, "f", 130, lambda: parts, kept_bytes=kept_bytes)[0]

    runs = []
    for features in (x, from_disk(2**20), from_disk(3 * x[0].nbytes)):
        model, history, summary = train_head(
            (features, y),
            (features, y),
            seed=1,
            batch_size=40,
            dropout=0.1,
            adam_epsilon=1e-8,
            steering_config=STEERING.model_copy(update={"epochs": 2}),
            checkpoint=Checkpoint(tmp_path / f"{len(runs)}.npz", {}),
        )
        assert (summary["n_features"], summary["feature_type"]) == (20, "float16")
        runs.append((history, model.get_weights(), probabilities(model, features)))
    for history, weights, labels in runs[1:]:
        assert history.equals(runs[0][0])
        np.testing.assert_array_equal(labels, runs[0][2])
        for ours, theirs in zip(weights, runs[0][1], strict=True):
            np.testing.assert_array_equal(ours, theirs)
