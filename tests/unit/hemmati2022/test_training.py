"""Trainings of super-resolution GANs: validation, resumption and divergence."""

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
from deblend.hemmati2022.pairs import single_galaxies
from deblend.hemmati2022.training import Trainer, Validation, train, train_from_config
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint

from tests.unit.hemmati2022.conftest import (
    BLENDING,
    CPU,
    DETECTION,
    LOW,
    SPLITS,
    TINY,
    Oracle,
)


@pytest.fixture(scope="module")
def validation(maker):
    return Validation(maker, SPLITS["validation"], 48, BLENDING, DETECTION, 0)


def test_the_psf_that_detects_most_is_chosen(maker):
    single = single_galaxies(maker.draw(SPLITS["validation"], 48, 144, "validation", BLENDING))
    true = [
        maker.scaled(blends, "validation")[0]
        for blends in (maker.draw(SPLITS["validation"], 0, 48, "validation", BLENDING), single)
    ]
    rng = np.random.default_rng(1)
    noisy = [x + rng.normal(0, 0.3, x.shape).astype(np.float32) for x in true]
    taken = []
    for widths in ((0.08,), (0.3,), (0.08, 0.3)):
        detection = DETECTION.model_copy(update={"fwhm_arcsec": widths})
        validation = Validation(maker, SPLITS["validation"], 48, BLENDING, detection, 0)
        taken.append(validation.check(Oracle(np.concatenate(noisy)[:, None]), CPU))
    narrow, wide, both = taken
    assert narrow["val_detected"] != wide["val_detected"]
    better = max(
        (narrow, wide), key=lambda x: (validation.has_reliable_threshold(x), x["val_detected"])
    )
    assert both == better


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
    assert isinstance(summary["collapsed"], bool | np.bool_)


def test_the_content_loss_decreases(maker, validation, tmp_path):
    config = SrConfig(**{**vars(TINY), "epochs": 12, "content_weight": 100.0})
    history = run(maker, validation, tmp_path / "d.pt", config)[1]
    assert history["content"].iloc[-1] < 0.6 * history["content"].iloc[0]


def test_collapsed_images_are_reported(maker, validation, tmp_path, caplog):
    config = SrConfig(**{**vars(TINY), "learning_rate": 1e-9, "epochs": 1})
    with caplog.at_level(logging.WARNING):
        summary = run(maker, validation, tmp_path / "e.pt", config)[2]
    assert "collapsed" in caplog.text and summary["collapsed"]


def test_a_step_does_not_change_the_best_generator(maker):
    trainer = Trainer(TINY, 1, CPU)
    high, low = maker.scaled(maker.draw(SPLITS["train"], 0, 4, "train", BLENDING), "train")
    before = {k: v.clone() for k, v in trainer.best.state_dict().items()}
    trainer.step(torch.from_numpy(low), torch.from_numpy(high), torch.rand(4, 1, 1, 1))
    assert all(torch.equal(v, trainer.best.state_dict()[k]) for k, v in before.items())
    assert all(p.requires_grad for p in trainer.discriminator.parameters())
