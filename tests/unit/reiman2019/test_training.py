"""The training of the branched GAN: its history, its collapses, and that it resumes."""

import logging
import re

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.checks import not_learnt
from deblend.reiman2019.config import GanConfig
from deblend.reiman2019.networks import VggFeatures
from deblend.reiman2019.training import (
    core_days,
    refuse_a_long_training,
    train,
    train_from_config,
)
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint

from tests.unit.reiman2019.conftest import PAIRS, TINY, source_of, validation_of

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")


def run(frames, vgg, path, *, config=TINY, stop_at=None):
    torch.manual_seed(7)

    def on_iteration(done):
        if done == stop_at:
            raise KeyboardInterrupt

    return train(
        config,
        source_of(frames),
        validation_of(frames),
        device=CPU,
        vgg=VggFeatures(vgg, config.vgg_input_px),
        checkpoint=Checkpoint(path, fingerprint(vars(config), [])),
        on_iteration=on_iteration,
    )


@pytest.mark.parametrize("stop_at", [1, 3, 4, 8, 11])
def test_an_interrupted_training_gives_the_same_result(
    frames, small_vgg, tmp_path, stop_at, undisturbed
):
    """Interrupted in the burn-in, at its end, and before and after the learning rate drops."""
    with pytest.raises(KeyboardInterrupt):
        run(frames, small_vgg, tmp_path / "c.pt", stop_at=stop_at)
    generator, history, panels, _ = run(frames, small_vgg, tmp_path / "c.pt")
    expected, expected_history, expected_panels, _ = undisturbed
    for name, value in expected.state_dict().items():
        assert torch.equal(generator.state_dict()[name], value), name
    pd.testing.assert_frame_equal(history, expected_history)
    np.testing.assert_array_equal(panels, expected_panels)


def test_divergence_is_noticed(frames, small_vgg, tmp_path):
    config = GanConfig(**{**vars(TINY), "learning_rate": 1e30})
    with pytest.raises(DeblendError, match="of lost has diverged: vgg is .* in iteration 2/12"):
        run(frames, small_vgg, tmp_path / "lost.pt", config=config)


@pytest.fixture(scope="module")
def undisturbed(frames, small_vgg, tmp_path_factory):
    return run(frames, small_vgg, tmp_path_factory.mktemp("gan") / "c.pt")


def test_the_history_has_both_phases_and_the_drop_of_the_learning_rate(undisturbed):
    history = undisturbed[1].set_index("iteration")
    assert list(history.index) == [1, 2, 3, 4, 6, 8, 10, 12]
    assert list(history["phase"]) == ["burn_in"] * 3 + ["gan"] * 5
    assert history["vgg"].notna().tolist() == [True] * 3 + [False] * 5
    assert history.loc[8, "learning_rate"] == pytest.approx(1e-3)
    assert history.loc[12, "learning_rate"] == pytest.approx(1e-4)
    assert undisturbed[2].shape == (8, 4, 2, 16, 16, 3)
    assert undisturbed[3]["blends_seen"] == 12 * 4
    summary = undisturbed[3]
    levels = summary["start_psnr_db"], summary["blend_psnr_db"]
    assert summary["problem"] == not_learnt(history.loc[12].to_dict(), *levels)


def test_after_another_configuration_training_starts_afresh(frames, small_vgg, tmp_path, caplog):
    with pytest.raises(KeyboardInterrupt):
        run(frames, small_vgg, tmp_path / "c.pt", stop_at=5)
    other = GanConfig(**{**vars(TINY), "learning_rate": 2e-3})
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        run(frames, small_vgg, tmp_path / "c.pt", config=other, stop_at=1)
    assert "starting afresh" in caplog.text and "config" in caplog.text


def test_what_a_training_depends_on(frames, tmp_path, caplog):
    """A training does not resume if its configuration, code or data have changed."""
    files = {name: tmp_path / name for name in ("frames.npy", "index.csv", "vgg.h5")}
    np.save(files["frames.npy"], frames)
    splits = np.repeat(["train", "validation"], [8, 4])
    pd.DataFrame({"row": np.arange(12), "split": splits}).to_csv(files["index.csv"], index=False)
    files["vgg.h5"].write_bytes(b"1")  # not read, since there is no burn-in
    shortest = {"burn_in_iterations": 0, "iterations": 1, "checkpoint_interval": 1}
    checkpoint = tmp_path / "c.pt"
    given = {
        "network": vars(TINY) | shortest,
        "perturbation": vars(PAIRS),
        "images": "galaxyzoo",
        "n_validation_blends": 4,
        "seed": 1,
        "vgg_weights": "keras",
        "vgg_file": files["vgg.h5"],
        "device": CPU,
        "checkpoint": checkpoint,
        "fingerprinted": {"code": "1", "threads": 1, "backend": "2.0"},
    }

    def run_again(**changes):
        caplog.clear()
        with caplog.at_level(logging.INFO):
            train_from_config(files["frames.npy"], files["index.csv"], **given | changes)

    run_again()
    first = checkpoint.read_bytes()

    def changed(**changes):
        """What has changed since the first training, according to the log."""
        checkpoint.write_bytes(first)
        run_again(**changes)
        found = re.search("starting afresh: .* was written, (.*) changed", caplog.text)
        assert ("resuming after iteration 1" in caplog.text) == (found is None)
        return set(found[1].split(", ")) if found else set()

    def with_setting(name, key, value):
        return {name: given[name] | {key: value}}

    assert changed() == set()
    assert changed(**with_setting("network", "learning_rate", 2e-3)) == {"config"}
    assert changed(**with_setting("perturbation", "shift_px", (3, 7))) == {"config"}
    assert changed(seed=2) == changed(n_validation_blends=5) == {"config"}
    assert changed(vgg_weights="pypi") == {"config"}
    assert changed(vgg_file=None) == {"vgg.h5"}
    assert changed(**with_setting("fingerprinted", "threads", 2)) == {"config"}
    assert changed(**with_setting("fingerprinted", "backend", "2.1")) == {"config"}
    assert changed(**with_setting("fingerprinted", "code", "2")) == {"code"}
    np.save(files["frames.npy"], frames[::-1])
    assert changed() == {"frames.npy"}
    files["index.csv"].write_text(files["index.csv"].read_text() + "12,test\n")
    files["vgg.h5"].write_bytes(b"2")
    assert changed() == set(files)


def test_a_broken_checkpoint_does_not_stop_the_training(frames, small_vgg, tmp_path, caplog):
    (tmp_path / "c.pt").write_bytes(b"half of a file")
    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        run(frames, small_vgg, tmp_path / "c.pt", stop_at=1)
    assert "unreadable" in caplog.text


def test_a_training_of_days_without_a_gpu_is_refused():
    """Ten times the iterations take ten times as long, as far as it can be measured."""
    days = core_days(TINY, 16)
    longer = core_days(TINY.model_copy(update={"iterations": 1200, "burn_in_iterations": 0}), 16)
    assert 0 < 10 * days < longer < 1000 * days
    message = r"at least .* days of one core, and reiman2019 > max_core_days is 1e-09: use a GPU"
    with pytest.raises(DeblendError, match=message):
        refuse_a_long_training(TINY, 16, CPU, 1e-9)
    for device, limit in ((CPU, None), (CPU, 1.0), (torch.device("cuda"), 1e-9)):
        refuse_a_long_training(TINY, 16, device, limit)


def test_the_estimate_leaves_the_random_numbers_as_they_are():
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    core_days(TINY, 16)
    assert torch.equal(torch.rand(3), expected)
