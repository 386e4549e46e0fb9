"""Trainings of super-resolution GANs: resumption and divergence."""

import logging
import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.data.stamps import write_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.networks import (
    SrConfig,
)
from deblend.hemmati2022.training import (
    Trainer,
    average_decay,
    not_learnt,
    train,
    train_from_config,
)
from deblend.hemmati2022.validation import Validation
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint

from tests.unit.hemmati2022.conftest import (
    BLENDING,
    CPU,
    DETECTION,
    LOW,
    SPLITS,
    TINY,
)


@pytest.fixture(scope="module")
def validation(maker):
    return Validation(maker, SPLITS, 48, BLENDING, DETECTION, 0)


def run(maker, validation, path, config=TINY, stop_at=None):
    torch.manual_seed(3)

    def on_epoch(done):
        if done == stop_at:
            raise KeyboardInterrupt

    return train(
        config,
        maker,
        SPLITS["train"],
        validation,
        BLENDING,
        device=CPU,
        checkpoint=Checkpoint(path, fingerprint(vars(config), [])),
        on_epoch=on_epoch,
    )


def test_an_interrupted_training_gives_the_same_result(maker, validation, tmp_path):
    expected, expected_history, _ = run(maker, validation, tmp_path / "a.pt")
    with pytest.raises(KeyboardInterrupt):
        run(maker, validation, tmp_path / "b.pt", stop_at=2)
    found, history, summary = run(maker, validation, tmp_path / "b.pt")
    for name, value in expected.state_dict().items():
        assert torch.equal(found.state_dict()[name], value), name
    pd.testing.assert_frame_equal(history, expected_history)
    assert summary["blends_seen"] == 4 * 3 * 4


def test_divergence_is_noticed(maker, validation, tmp_path):
    config = SrConfig(**{**vars(TINY), "learning_rate": 1e30})
    with pytest.raises(DeblendError, match="of lost has diverged: .* is .* in epoch 1/4"):
        run(maker, validation, tmp_path / "lost.pt", config)


def test_what_a_checkpoint_depends_on(stamps, tmp_path, caplog):
    """A training does not resume if its configuration, code or data have changed."""
    cutouts, split = tmp_path / "cutouts.h5", tmp_path / "split.csv"
    names = np.repeat(["train", "validation", "test"], [8, 6, 10])
    pd.DataFrame({"id": stamps.galaxies["id"], "split": names}).to_csv(split, index=False)
    write_stamps(cutouts, stamps)
    maker = {"bands": ["f775w"], "detection_band": "f775w", "seed": 1, "name": "test"}
    given = {
        "network": vars(TINY) | {"epochs": 1, "steps_per_epoch": 1, "batch_size": 2},
        "blending": vars(BLENDING),
        "detection": vars(DETECTION) | {"false_positive_rate": 0.5},
        "maker": maker | {"low": vars(LOW)},
        "n_validation_blends": 4,
        "device": CPU,
        "checkpoint": tmp_path / "c.pt",
    }
    settings = {"code": "1", "threads": 1, "backend": "2.0"}

    def changed(settings=settings, **changes):
        """What the log says has changed since the checkpoint; nothing if training resumes."""
        given["checkpoint"].write_bytes(written)
        caplog.clear()
        with caplog.at_level(logging.INFO):
            train_from_config(cutouts, split, **given | changes, fingerprinted=settings)
        (found,) = re.findall(r"was written, (.+) changed|resuming after epoch 1 of", caplog.text)
        return found

    train_from_config(cutouts, split, **given, fingerprinted=settings)
    written = given["checkpoint"].read_bytes()
    assert changed() == ""
    for name, key, value in (
        ("network", "learning_rate", 3e-3),
        ("blending", "max_shift_px", 14),
        ("detection", "radius_px", 4.0),
        ("maker", "seed", 2),
    ):
        assert changed(**{name: given[name] | {key: value}}) == "config", name
    assert changed(n_validation_blends=5) == "config"
    assert changed(settings | {"threads": 2}) == "config"
    assert changed(settings | {"backend": "2.1"}) == "config"
    assert changed(settings | {"code": "2"}) == "code"
    split.write_text(split.read_text() + "other,test\n")
    assert changed() == "split.csv"
    write_stamps(cutouts, replace(stamps, images=stamps.images + 1))
    assert changed() == "cutouts.h5, split.csv"


@pytest.mark.parametrize(
    "changes",
    [{"kind": "vanilla"}, {"loss": "wasserstein"}, {"conditional": False, "content_weight": 0.0}],
)
def test_every_kind_trains(maker, validation, tmp_path, changes):
    config = SrConfig(**{**vars(TINY), **changes, "epochs": 2})
    _, history, summary = run(maker, validation, tmp_path / "c.pt", config)
    assert len(history) == 2 and np.isfinite(history["generator"]).all()
    assert ("val_detected" in history) == (config.kind != "vanilla")
    best = history[history["epoch"] == summary["best_epoch"]].iloc[0]
    has_learnt = best["diversity_ratio"] >= 0.2 and best.get("val_detected") != 0
    assert (summary["problem"] is None) == has_learnt


def test_the_content_loss_decreases(maker, validation, tmp_path):
    config = SrConfig(**{**vars(TINY), "epochs": 12, "content_weight": 100.0})
    history = run(maker, validation, tmp_path / "d.pt", config)[1]
    assert history["content"].iloc[-1] < 0.6 * history["content"].iloc[0]


def test_collapsed_images_are_reported(maker, validation, tmp_path, caplog):
    config = SrConfig(**{**vars(TINY), "learning_rate": 1e-9, "epochs": 1})
    with caplog.at_level(logging.WARNING):
        summary = run(maker, validation, tmp_path / "e.pt", config)[2]
    assert "collapsed" in caplog.text and "collapsed" in summary["problem"]


def test_what_a_generator_has_not_learnt():
    good = {"diversity_ratio": 0.5, "val_detected": 0.3}
    assert not_learnt(good) is None
    assert not_learnt({"diversity_ratio": 0.21}) is None  # of a vanilla GAN
    assert "collapsed to 0.1 of" in not_learnt(good | {"diversity_ratio": 0.1})
    assert "detects none" in not_learnt(good | {"val_detected": 0.0})


class Unreliable(Validation):
    """Single galaxies of which two in five, or more, show a second peak."""

    def check(self, generator, device):
        return super().check(generator, device) | {"val_false": 0.4}


def test_a_training_without_a_reliable_threshold_says_what_to_do(maker, tmp_path):
    validation = Unreliable(maker, SPLITS, 48, BLENDING, DETECTION, 0)
    config = SrConfig(**{**vars(TINY), "epochs": 2})
    message = (
        r"gan has learnt nothing in 2 epochs: in each, more than [\d.]+% .* \(the least is 40.00%\)"
        r".*epochs, steps_per_epoch.*content_weight.*n_blends"
    )
    with pytest.raises(DeblendError, match=message):
        run(maker, validation, tmp_path / "gan.pt", config)


def test_the_average_forgets_faster_at_first():
    decays = [average_decay(n) for n in (1, 2, 8, 90, 889, 890, 891, 10**6)]
    assert decays[:4] == pytest.approx([2 / 11, 3 / 12, 9 / 18, 91 / 100])
    assert decays[4] < 0.99
    assert decays[5:] == pytest.approx([0.99] * 3)
    assert np.all(np.diff(decays) >= 0)


def test_the_average_of_equal_weights_is_near_them_after_ten_updates(maker):
    """Before its warm-up, nine tenths of the initial weights would be left."""
    trainer = Trainer(SrConfig(**{**vars(TINY), "learning_rate": 1e-30}), 1, CPU)
    initial = [p.detach().clone() for p in trainer.average.parameters()]
    with torch.no_grad():
        for parameter in trainer.generator.parameters():
            parameter.add_(1)
    high, low = maker.scaled(maker.draw(SPLITS["train"], 0, 4, "train", BLENDING), "train")
    for _ in range(10):
        trainer.step(torch.from_numpy(low), torch.from_numpy(high), torch.rand(4, 1, 1, 1))
    left = np.prod([(1 + n) / (10 + n) for n in range(1, 11)])
    assert left < 1e-3
    for parameter, start in zip(trainer.average.parameters(), initial, strict=True):
        torch.testing.assert_close(parameter.detach(), start + 1 - left, rtol=1e-4, atol=1e-5)
    # A training that goes on does not warm up again.
    resumed = Trainer(TINY, 1, CPU)
    resumed.restore(trainer.state())
    assert resumed.n_updates == trainer.n_updates == 10


def test_a_step_does_not_change_the_best_generator(maker):
    trainer = Trainer(TINY, 1, CPU)
    high, low = maker.scaled(maker.draw(SPLITS["train"], 0, 4, "train", BLENDING), "train")
    before = {k: v.clone() for k, v in trainer.best.state_dict().items()}
    trainer.step(torch.from_numpy(low), torch.from_numpy(high), torch.rand(4, 1, 1, 1))
    assert all(torch.equal(v, trainer.best.state_dict()[k]) for k, v in before.items())
    assert all(p.requires_grad for p in trainer.discriminator.parameters())


def test_a_generator_can_learn_without_a_discriminator(maker, validation, tmp_path):
    config = SrConfig(**{**vars(TINY), "adversarial_weight": 0.0, "content_weight": 1.0})
    trainer = Trainer(config, 1, CPU)
    assert trainer.discriminator is None
    assert set(trainer.optimizers) == {"generator"}
    history, summary = run(maker, validation, tmp_path / "l1.pt", config)[1:]
    assert "discriminator" not in history
    assert (history["generator"] == 0).all()
    assert summary["n_parameters_discriminator"] == 0


def test_learning_rates_warm_up():
    config = SrConfig(**{**vars(TINY), "warm_up_steps": 4})
    trainer = Trainer(config, 1, CPU)
    given, high, mixing = (
        torch.zeros(2, 1, 22, 22),
        torch.zeros(2, 1, 64, 64),
        torch.zeros(2, 1, 1, 1),
    )
    rates = []
    for _ in range(6):
        trainer.step(given, high, mixing)
        rates.append(trainer.optimizers["generator"].param_groups[0]["lr"] / config.learning_rate)
    assert rates == pytest.approx([0.25, 0.5, 0.75, 1, 1, 1])
