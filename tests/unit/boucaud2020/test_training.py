import numpy as np
import pandas as pd
import pytest

pytest.importorskip("keras", reason="Keras is not installed: make env")

from deblend.training import keras_backend as backend

backend.configure("tensorflow", 2, 0)

import keras
from deblend.boucaud2020.blends import (
    BlendConfig,
    draw_blends,
)
from deblend.boucaud2020.masks import intersection_over_union
from deblend.boucaud2020.networks import blend2flux, unet
from deblend.boucaud2020.render import render
from deblend.boucaud2020.training import (
    KEPT_BYTES,
    BlendSource,
    TrainingConfig,
    mape,
    not_learnt,
    start_at_mean_masks,
    train,
    training_sample,
    validate,
)
from deblend.data.stamps import open_stamps, write_stamps
from deblend.errors import DeblendError
from deblend.training.keras_checkpoint import Checkpoint
from deblend.training.schedule import (
    SteeringConfig,
)

from tests.conftest import simulator_config

STEERING = SteeringConfig(
    learning_rate=1e-3,
    schedule="plateau",
    drop_factor=0.5,
    drop_patience=2,
    drop_cooldown=1,
    min_learning_rate=0.0,
    stop_patience=6,
    min_delta=0.0,
    epochs=4,
)
OPTIONS = {"filters": 4, "dense_units": 16, "asinh_softening": 0.02, "flux_scale": 50.0}


@pytest.fixture(scope="module")
def cleaned(stamps):
    """The simulated galaxies with masks."""
    cleaned = stamps.take(slice(None))
    cleaned.segmaps = (stamps.images[:, 0] > 0.03).astype(np.int16)
    return cleaned


def test_the_training_sample_is_described_for_images_of_ones_own(stamps):
    """Simulated galaxies: see `tests.conftest.simulator_config`."""
    config = simulator_config()
    sample = training_sample(stamps)
    magnitudes = stamps.galaxies["mag"].sort_values()
    assert sample["mag_range"] == [magnitudes.iloc[0], magnitudes.iloc[-1]]
    assert (sample["band"], sample["noise_sigma"]) == (config.band, config.noise_sigma)
    assert sample["noise"] == config.noise
    assert sample["psf_fwhm_arcsec"] == pytest.approx(config.psf_fwhm_arcsec, rel=0.03)
    few = stamps.take(np.array([3, 5]))
    few.psf = few.noise_correlation = None
    sample = training_sample(few)
    assert sample["mag_range"] == sorted(stamps.galaxies["mag"].iloc[[3, 5]])
    assert (sample["noise"], sample["psf_fwhm_arcsec"]) == ("white", None)


@pytest.mark.full
def test_a_unet_learns_the_masks_of_a_few_blends(cleaned):
    feed = source(cleaned, targets=("masks",))
    images, targets = feed.arrays(feed.draw(0, 16))
    keras.utils.set_random_seed(0)
    model = unet(64, filters=8, depth=4, dropout=0.0, asinh_softening=0.02)
    model.compile(keras.optimizers.Adam(2e-3), "binary_crossentropy")
    model.fit(images, targets["masks"], batch_size=8, epochs=120, verbose=0)
    predicted = model.predict(images, verbose=0)
    iou = intersection_over_union(predicted >= 0.5, targets["masks"] > 0)
    assert np.nanmean(iou) > 0.85
    scored = validate(model, feed, feed.draw(0, 16), {"masks": 1.0})
    truth = targets["masks"].astype("float32")
    keras_loss = keras.losses.BinaryCrossentropy()(truth, predicted)
    assert scored["val_loss"] == pytest.approx(float(keras_loss), rel=1e-4)
    assert scored["val_iou"] == pytest.approx(np.nanmean(iou), abs=1e-6)


@pytest.mark.parametrize("overlap", [False, True])
def test_a_unet_starts_with_the_mean_masks(cleaned, overlap):
    feed = source(cleaned, targets=("masks",), overlap_channel=overlap)
    images, targets = feed.arrays(feed.draw(0, 128))
    keras.utils.set_random_seed(1)
    options = {"filters": 4, "depth": 3, "dropout": 0.0, "asinh_softening": 0.02}
    model = unet(64, **options, overlap_channel=overlap)
    share = targets["masks"].mean(axis=(0, 1, 2))
    start_at_mean_masks(model, feed)
    predicted = np.asarray(model.predict(images, verbose=0)).mean(axis=(0, 1, 2))
    assert predicted.shape == ((3,) if overlap else (2,))
    assert (share < 0.25).all()  # an untrained U-Net's pixels are near 0.5
    np.testing.assert_allclose(predicted, share, rtol=0.2)


def test_masks_that_are_all_empty_are_a_finite_start(stamps):
    """The galaxies of these stamps have no masks."""
    feed = source(stamps, targets=("masks",))
    model = unet(64, filters=4, depth=3, dropout=0.0, asinh_softening=0.02)
    start_at_mean_masks(model, feed)
    images = feed.arrays(feed.draw(0, 8))[0]
    predicted = np.asarray(model.predict(images, verbose=0))
    assert 0 < predicted.max() < 0.01


def test_what_a_network_has_not_learnt():
    start = {"val_loss": 2.0, "val_iou": 0.0}
    assert not_learnt({"val_loss": 1.0, "val_iou": 0.5}, start) is None
    assert not_learnt({"val_loss": 1.0, "val_mape_flux_percent": 1.0}, {"val_loss": 2.0}) is None
    worse = not_learnt({"val_loss": 2.5, "val_iou": 0.5}, start)
    assert "no epoch is better than the initial weights (loss 2.5 against 2)" in worse
    assert not_learnt({"val_loss": 2.0, "val_iou": 0.5}, start) is not None
    assert not_learnt({"val_loss": float("nan")}, start) is not None
    assert "masks are empty (mean IoU 0.01)" in not_learnt({"val_loss": 1, "val_iou": 0.01}, start)


def source(stamps, kept_bytes=KEPT_BYTES, **changes):
    values = {
        "seed": 1,
        "batch_size": 8,
        "n_train_blends": 64,
        "steps_per_epoch": None,
        "companion_edge": "zero",
    }
    return BlendSource(
        stamps,
        np.arange(16),
        BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False),
        TrainingConfig(**{**values, **changes}),
        seed=5,
        kept_bytes=kept_bytes,
    )


@pytest.mark.parametrize("targets", [("fluxes",), ("masks",), ("fluxes", "masks")])
def test_stamps_that_stay_on_disk_make_the_same_blends(stamps, cleaned, tmp_path, targets):
    write_stamps(tmp_path / "s.h5", cleaned)
    opened = open_stamps(tmp_path / "s.h5", kept_bytes=10 * cleaned.images[0].nbytes)
    options = {"targets": targets, "companion_edge": "noise"}
    on_disk = source(opened, kept_bytes=0, **options)
    in_memory = source(cleaned, **options)
    blends = in_memory.epoch_rows(0)
    pd.testing.assert_frame_equal(on_disk.epoch_rows(0), blends)
    for start in range(0, len(blends), 8):
        batch = blends.iloc[start : start + 8]
        (image, target), (other, same) = on_disk.arrays(batch), in_memory.arrays(batch)
        np.testing.assert_array_equal(image, other)
        assert set(target) == set(targets)
        for name in targets:
            np.testing.assert_array_equal(target[name], same[name])
            assert target[name].any()


def test_the_edge_has_the_noise_of_the_stamps(stamps):
    stamps = stamps.take(slice(None))
    stamps.noise_correlation = np.array([[[0, 0, 0], [0.4, 1, 0.4], [0, 0, 0]]])
    feed = source(stamps, companion_edge="noise")
    blends = feed.draw(0, 8)
    noise = {"noise_sigma": 0.0065, "noise_correlation": stamps.noise_correlation[0]}
    expected = render(stamps.images[:, 0], blends, companion_edge="noise", **noise)
    np.testing.assert_array_equal(feed.arrays(blends)[0][..., 0], expected)


def test_blends_are_flipped_as_a_whole(stamps):
    """The flipped image is the image of the flipped blend, and the masks follow it."""
    plain = source(stamps, targets=("masks",))
    feed = source(stamps, targets=("masks",), flip_blends=True)
    same, other = plain.epoch_rows(0), feed.epoch_rows(0)
    assert same["blend"].tolist() == other["blend"].tolist()
    (before, masks_before), (after, masks_after) = plain.arrays(same), feed.arrays(other)
    before = np.concatenate([before, masks_before["masks"]], axis=-1)[:, 1:, 1:]
    after = np.concatenate([after, masks_after["masks"]], axis=-1)[:, 1:, 1:]
    # Central pixels stay in place, so that a row and a column of each galaxy have no counterpart.
    flips = [(), (1,), (2,), (1, 2)]
    same_share = np.array([(np.flip(before, f) == after).mean(axis=(1, 2, 3)) for f in flips])
    assert (same_share.max(axis=0) > 0.93).all()
    assert set(same_share.argmax(axis=0)) == {0, 1, 2, 3}
    assert not feed.epoch_rows(8).equals(other)


def test_galaxies_that_are_flipped_one_by_one_are_not_flipped_again(stamps):
    feeds = source(stamps), source(stamps, flip_blends=True)
    for feed in feeds:
        feed.blending = BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=True)
    assert feeds[1].epoch_rows(0).equals(feeds[0].epoch_rows(0))


def validation(stamps, n=32):
    return draw_blends(
        stamps.galaxies,
        np.arange(16, 24),
        0,
        n,
        stamp_size=64,
        seed=5,
        split="validation",
        config=BlendConfig(delta_mag_max=2.0, shift_rule="authors", orientations=False),
    )


def test_overfits_sixteen_blends(stamps):
    """The network can learn at all: 16 blends to a MAPE below 2 %."""
    feed = source(stamps)
    images, targets = feed.arrays(feed.draw(0, 16))
    flux = targets["fluxes"]
    keras.utils.set_random_seed(0)
    model = blend2flux(
        64, filters=16, dense_units=64, asinh_softening=0.02, flux_scale=50.0, output="exponential"
    )
    rate = keras.optimizers.schedules.CosineDecay(1e-3, 200)
    model.compile(keras.optimizers.Adam(rate), "mean_absolute_percentage_error")
    model.fit(images, flux, batch_size=16, epochs=200, verbose=0)
    assert mape(np.asarray(model.predict(images, verbose=0)), flux) < 2.0


def test_a_finite_set_is_gone_through_once_an_epoch(stamps):
    feed = source(stamps)
    epochs = [feed.epoch_rows(e)["blend"].to_numpy() for e in range(2)]
    for rows in epochs:
        assert sorted(rows) == list(range(64))
    assert not np.array_equal(*epochs)
    # Here an epoch is a part of a pass; together the epochs are one pass.
    feed = source(stamps, steps_per_epoch=2)
    quarters = np.concatenate([feed.epoch_rows(e)["blend"] for e in range(4)])
    assert sorted(quarters) == list(range(64))


def test_an_endless_set_never_repeats(stamps):
    feed = source(stamps, n_train_blends=None, steps_per_epoch=5)
    rows = np.concatenate([feed.epoch_rows(e)["blend"] for e in range(3)])
    assert rows.tolist() == list(range(120))
    with pytest.raises(DeblendError, match="both null"):
        source(stamps, n_train_blends=None)


UNET = {"filters": 4, "depth": 3, "dropout": 0.2, "asinh_softening": 0.02}
JOINT = {**OPTIONS, "unet_options": {**UNET, "overlap_channel": True}}


@pytest.mark.parametrize(
    ("architecture", "options", "targets"),
    [
        ("blend2flux", OPTIONS, ("fluxes",)),
        pytest.param("unet", UNET, ("masks",), marks=pytest.mark.full),
        pytest.param("blend2mask2flux", JOINT, ("masks", "fluxes"), marks=pytest.mark.full),
    ],
)
def test_an_interrupted_training_ends_as_an_undisturbed_one(
    cleaned, tmp_path, architecture, options, targets
):
    """This includes dropout: the state of random layers is in the checkpoint."""
    overlap = architecture == "blend2mask2flux"
    feed = source(cleaned, targets=targets, overlap_channel=overlap)
    common = {"architecture": architecture, "options": options, "steering_config": STEERING}
    check = validation(cleaned)

    def run(name, key="same"):
        checkpoint = Checkpoint(tmp_path / f"{name}.npz", {"config": key})
        return train(feed, check, checkpoint=checkpoint, **common)

    whole, history, summary = run("whole")

    class Killed(Exception):
        pass

    def die(epochs):
        if epochs == 2:
            raise Killed

    checkpoint = Checkpoint(tmp_path / "cut.npz", {"config": "same"})
    with pytest.raises(Killed):
        train(feed, check, checkpoint=checkpoint, on_epoch=die, **common)
    resumed, continued, _ = run("cut")
    assert continued.equals(history)
    for a, b in zip(whole.get_weights(), resumed.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # Killed after training and before its results were written: nothing is trained again.
    again, once_more, _ = run("whole")
    assert once_more.equals(history)
    for a, b in zip(whole.get_weights(), again.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)
    # The best epoch and the initial weights decide whether the network has learnt.
    best = {name: value for name, value in summary.items() if name.startswith("val_")}
    assert np.isfinite(summary["start_val_loss"])
    assert summary["problem"] == not_learnt(best, {"val_loss": summary["start_val_loss"]})
    assert ("val_mape_flux_percent" in summary) == ("fluxes" in targets)
    assert ("val_iou" in summary) == ("masks" in targets)


def test_training_blends_are_of_training_galaxies(stamps):
    feed = source(stamps, n_train_blends=None, steps_per_epoch=20)
    for epoch in range(3):
        rows = feed.epoch_rows(epoch)
        used = np.union1d(rows["central"], rows["companion"])
        assert used.tolist() == list(range(16))


def test_divergence_is_noticed(stamps, tmp_path):
    broken = source(stamps)
    broken.flux = np.full_like(broken.flux, np.nan)
    with pytest.raises(DeblendError, match="of lost has diverged: loss is nan in epoch 1/4"):
        train(
            broken,
            validation(stamps),
            architecture="blend2flux",
            options=OPTIONS,
            steering_config=STEERING,
            checkpoint=Checkpoint(tmp_path / "lost.npz", {}),
        )
