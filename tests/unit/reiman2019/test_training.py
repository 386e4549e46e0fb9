"""The training of the branched GAN: its history, its collapses, and that it resumes."""

import logging
import re

import numpy as np
import pandas as pd
import pytest
import torch
from deblend.errors import DeblendError
from deblend.reiman2019.blends import blend, draw_blends, perturbation_tensor
from deblend.reiman2019.networks import VggFeatures
from deblend.reiman2019.training import (
    GanConfig,
    PairSource,
    Trainer,
    check_images,
    collapse_reason,
    core_days,
    not_learnt,
    refuse_a_long_training,
    to_uint8,
    train,
    train_from_config,
    turn,
)
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint

from tests.unit.reiman2019.conftest import PAIRS

pytestmark = pytest.mark.usefixtures("one_thread")

CPU = torch.device("cpu")
TINY = GanConfig(
    root_blocks=1,
    branch_blocks=1,
    filters=4,
    coordinates=True,
    discriminator_filters=2,
    discriminator_units=8,
    adversarial_weight=1e-3,
    adversarial="non_saturating",
    burn_in_iterations=3,
    vgg_input_px=16,
    iterations=9,
    learning_rate=1e-3,
    discriminator_learning_rate=1e-4,
    drop_factor=0.1,
    drop_iteration=6,
    n_train_blends=None,
    batch_size=4,
    precision="float32",
    trace_interval=2,
    checkpoint_interval=2,
)


def source_of(frames, seed=1):
    return PairSource(frames, np.arange(8), PAIRS, seed=seed, batch_size=TINY.batch_size)


def validation_of(frames):
    pairs = draw_blends(1, "galaxyzoo", "validation", np.arange(8, 12), 6, PAIRS)
    central, companion = (torch.from_numpy(frames[pairs[c]]) for c in ("central", "companion"))
    return blend(central, companion, perturbation_tensor(pairs), PAIRS)


def test_fixed_blends_are_all_seen_once_in_each_epoch(frames):
    """Twelve blends in batches of four: three iterations are an epoch."""
    options = {"seed": 1, "batch_size": 4}
    source = PairSource(frames, np.arange(8), PAIRS, n_blends=12, **options)

    def seen(iterations):
        return [tuple(row) for i in iterations for row in source.batch(i)[2].tolist()]

    first, second = seen(range(3)), seen(range(3, 6))
    assert len(set(first)) == 12
    assert sorted(first) == sorted(second)
    assert first != second
    # What an iteration sees does not depend on those before it.
    other = PairSource(frames, np.arange(8), PAIRS, n_blends=12, **options)
    assert all(torch.equal(*x) for x in zip(other.batch(4), source.batch(4), strict=True))
    # Two epochs meet within a batch.
    odd = PairSource(frames, np.arange(8), PAIRS, n_blends=6, **options)
    rows = [tuple(row) for i in range(3) for row in odd.batch(i)[2].tolist()]
    assert len(set(rows[:6])) == len(set(rows[6:])) == 6


def test_without_a_number_of_blends_every_iteration_has_new_ones(frames):
    source = source_of(frames)
    rows = [tuple(row) for i in range(6) for row in source.batch(i)[2].tolist()]
    assert len(set(rows)) == len(rows)


def test_images_are_turned_to_each_symmetry_of_a_square():
    images = torch.arange(3 * 3).reshape(1, 3, 3, 1).expand(8, 3, 3, 3)
    found = [image[..., 0].numpy() for image in turn(images, np.arange(8))]
    square = np.arange(9).reshape(3, 3)
    rotated = [np.rot90(square, k) for k in range(4)]
    expected = [*rotated, *(image.T for image in rotated)]
    assert sorted(map(bytes, found)) == sorted(np.ascontiguousarray(x).tobytes() for x in expected)
    np.testing.assert_array_equal(found[0], square)


def test_only_the_central_galaxies_are_turned():
    frames = np.random.default_rng(2).integers(0, 256, (12, 31, 31, 3), np.uint8)
    options = {"seed": 1, "batch_size": 8, "augment": True}
    usual = PairSource(frames, np.arange(8), PAIRS, seed=1, batch_size=8).batch(0)
    turned = PairSource(frames, np.arange(8), PAIRS, **options).batch(0)
    assert all(torch.equal(*x) for x in zip(turned[1:], usual[1:], strict=True))
    assert not torch.equal(turned[0], usual[0])
    for ours, image in zip(turned[0], usual[0], strict=True):
        ways = turn(image.expand(8, *image.shape), np.arange(8))
        assert any(torch.equal(ours, way) for way in ways)


def test_compilation_changes_nothing_on_a_cpu(frames):
    batch = next(source_of(frames).batches(0, 1, CPU))
    losses = [
        float(trainer_of(burn_in_iterations=0, compile=value).step(0, *batch)["mse"])
        for value in (False, True)
    ]
    assert losses[0] == losses[1]


def test_both_networks_learn(frames):
    torch.manual_seed(1)
    config = GanConfig(**{**vars(TINY), "burn_in_iterations": 0, "learning_rate": 3e-3})
    trainer = Trainer(config, 16, CPU, None)
    losses = [
        {k: float(v) for k, v in trainer.step(i, *batch).items()}
        for i, batch in enumerate(source_of(frames).batches(0, 60, CPU))
    ]
    table = pd.DataFrame(losses)
    assert table["mse"].tail(10).mean() < 0.5 * table["mse"].head(5).mean()
    assert table["d_real"].tail(10).mean() > table["d_fake"].tail(10).mean()


def test_without_an_adversarial_weight_there_is_no_discriminator(frames):
    config = GanConfig(**{**vars(TINY), "adversarial_weight": 0.0, "burn_in_iterations": 0})
    trainer = Trainer(config, 16, CPU, None)
    assert list(trainer.networks()) == ["generator"]
    found = trainer.step(0, *next(source_of(frames).batches(0, 1, CPU)))
    assert list(found) == ["mse"]


def test_a_burn_in_needs_vgg():
    with pytest.raises(DeblendError, match="vgg_weights"):
        Trainer(TINY, 16, CPU, None)


def trainer_of(vgg=None, **changes):
    torch.manual_seed(5)
    features = None if vgg is None else VggFeatures(vgg, TINY.vgg_input_px)
    return Trainer(GanConfig(**{**vars(TINY), **changes}), 16, CPU, features)


def test_learning_rates_fall_as_a_cosine(small_vgg):
    """From the initial rates, which the burn-in has, to 0."""
    trainer = trainer_of(small_vgg, schedule="cosine", iterations=8)
    rates = [trainer.learning_rate(i) for i in (0, 2, 3, 5, 7, 9, 11)]
    assert rates[:3] == [1e-3] * 3
    # A quarter, half and three quarters of the eight iterations after the burn-in, and the end.
    shares = [0.5 + 0.5 * np.cos(np.pi / 4), 0.5, 0.5 - 0.5 * np.cos(np.pi / 4), 0]
    assert rates[3:] == pytest.approx([1e-3 * share for share in shares], abs=1e-15)
    assert trainer.learning_rate(0, "discriminator") == 1e-4
    assert trainer.learning_rate(7, "discriminator") == pytest.approx(0.5e-4)


def test_optimizers_have_the_learning_rate_of_the_iteration(frames):
    trainer = trainer_of(schedule="cosine", burn_in_iterations=0, iterations=8)
    trainer.step(4, *next(source_of(frames).batches(0, 1, CPU)))
    rates = {name: o.param_groups[0]["lr"] for name, o in trainer.optimizers.items()}
    assert rates["generator"] == pytest.approx(5e-4)
    assert rates["discriminator"] == pytest.approx(5e-5)


def test_the_discriminator_starts_after_the_burn_in_and_some_iterations(frames, small_vgg):
    trainer = trainer_of(small_vgg, adversarial_start=2)

    def discriminator():
        return [p.detach().clone() for p in trainer.discriminator.parameters()]

    batches = list(source_of(frames).batches(0, 7, CPU))
    first = discriminator()
    for iteration, losses in ((0, {"vgg", "mse"}), (2, {"vgg", "mse"}), (3, {"mse"}), (4, {"mse"})):
        assert set(trainer.step(iteration, *batches[iteration])) == losses
        assert all(torch.equal(*pair) for pair in zip(first, discriminator(), strict=True))
    adversarial = {"mse", "discriminator", "d_real", "d_fake", "adversarial"}
    for iteration in (5, 6):
        assert set(trainer.step(iteration, *batches[iteration])) == adversarial
    assert not all(torch.equal(*pair) for pair in zip(first, discriminator(), strict=True))


def norm(network):
    return float(torch.cat([p.grad.flatten() for p in network.parameters()]).norm())


@pytest.mark.parametrize("iteration", [0, 3])
def test_gradients_of_the_generator_are_limited(frames, small_vgg, iteration):
    """In the burn-in and after it; those of the discriminator are not."""
    batch = next(source_of(frames).batches(0, 1, CPU))
    free, limited = (trainer_of(small_vgg, gradient_norm_max=limit) for limit in (None, 1e-5))
    for trainer in (free, limited):
        trainer.step(iteration, *batch)
    assert norm(free.generator) > 1e-4
    assert norm(limited.generator) == pytest.approx(1e-5, rel=1e-2)
    if iteration:
        assert norm(free.discriminator) > 1e-4
        assert norm(limited.discriminator) == pytest.approx(norm(free.discriminator))


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


def test_errors_of_the_reading_thread_are_raised(frames):
    source = PairSource(frames, np.array([0, 99]), PAIRS, seed=1, batch_size=4)
    with pytest.raises(IndexError):
        list(source.batches(0, 3, CPU))


def test_collapses_are_recognised(frames):
    truth = validation_of(frames)[1]
    black, same = torch.full_like(truth, -1.0), truth.mean(dim=0, keepdim=True).expand_as(truth)
    assert collapse_reason(check_images(truth, truth)) is None
    assert "black" in str(collapse_reason(check_images(black, truth)))
    one_branch = torch.stack([truth[:, 0], black[:, 1]], dim=1)
    assert "black" in str(collapse_reason(check_images(one_branch, truth)))
    assert "alike" in str(collapse_reason(check_images(same, truth)))


def test_psnr_of_the_history_follows_its_definition():
    truth = torch.zeros(1, 2, 3, 16, 16)
    found = check_images(truth + 0.2, truth)  # in [-1, 1], so 0.1 of the range
    assert found["val_psnr_db"] == pytest.approx(20.0, abs=1e-3)


def test_eight_bits_and_back():
    images = torch.tensor([-1.0, 0.0, 1.0, 1.5]).reshape(1, 1, 2, 2).expand(1, 3, 2, 2)
    assert to_uint8(images)[0, ..., 0].tolist() == [[0, 128], [255, 255]]


def test_images_that_are_no_better_than_the_blend_are_a_problem(frames):
    blends, truth = validation_of(frames)
    copies = 2 * blends[:, None].expand_as(truth) - 1
    blend_db = check_images(copies, truth)["val_psnr_db"]
    better = check_images((copies + truth) / 2, truth)
    assert not_learnt(better, start_db=0.0, blend_db=blend_db) is None
    assert "the blend itself" in str(not_learnt(check_images(copies, truth), 0.0, blend_db))
    start_db = better["val_psnr_db"]
    assert "its initial weights" in str(not_learnt(better, start_db, blend_db))
    black = check_images(torch.full_like(truth, -1.0), truth)
    assert "black" in str(not_learnt(black, 0.0, blend_db))
