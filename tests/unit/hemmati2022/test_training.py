"""Super-resolution GANs: pairs of images, networks, trainings that resume, detections."""

import logging
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from astropy.io import fits
from deblend.data.stamps import Stamps, band_table, write_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022 import training
from deblend.hemmati2022.blends import HemmatiBlendConfig
from deblend.hemmati2022.config import Detection
from deblend.hemmati2022.degrade import fwhm_from_area, psf_image
from deblend.hemmati2022.detection import (
    Filter,
    Resolution,
    detect,
    make_resolutions,
    restore_resolutions,
    to_frame_pixels,
    to_image_pixels,
)
from deblend.hemmati2022.networks import (
    Discriminator,
    NoiseGenerator,
    SrConfig,
    SuperResolver,
    build_discriminator,
    crop_frames,
)
from deblend.hemmati2022.pairs import LowConfig, PairMaker, point_source_sigma, single_galaxies
from deblend.hemmati2022.peaks import find_peaks, set_threshold, typical_noise
from deblend.hemmati2022.photometry import measure_photometry, peak_positions
from deblend.hemmati2022.predict import Network, generate_images
from deblend.hemmati2022.real_images import compare_peaks, field_names, read_field
from deblend.hemmati2022.training import Trainer, Validation, train
from deblend.training import torch_backend
from deblend.training.fingerprints import fingerprint
from deblend.training.torch_checkpoint import Checkpoint
from deblend.training.torch_layers import n_parameters, trace_layers
from pydantic import ValidationError

CPU = torch.device("cpu")
BLENDING = HemmatiBlendConfig(separation_sigma_px=6.5, max_shift_px=15)
DETECTION = Detection(
    radius_px=5.0, false_positive_rate=0.05, fwhm_arcsec=(0.08, 0.3), low_fwhm_arcsec=(0.3, 0.8)
)
LOW = LowConfig(psf_fwhm_arcsec=0.6, psf_beta=3.0, depth_mag=26.2, softening_sigma=3.0)
SPLITS = {"train": np.arange(8), "validation": np.arange(8, 14), "test": np.arange(14, 24)}
TINY = SrConfig(
    kind="super_resolution",
    filters=4,
    blocks=1,
    n_latent=8,
    discriminator_filters=2,
    conditional=True,
    batch_norm=True,
    loss="minimax",
    content_weight=1.0,
    blend_fraction=0.5,
    epochs=4,
    steps_per_epoch=3,
    batch_size=4,
    learning_rate=2e-3,
    discriminator_learning_rate=2e-3,
    precision="float32",
)


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    torch_backend.configure(1, 1)


@pytest.fixture(scope="module")
def stamps():
    """Bright round galaxies of two bands on 128 pixels."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:128, :128] - 64.0
    n = 24
    width = rng.uniform(1.5, 3, (n, 1, 1))
    light = np.exp(-(x**2 + y**2) / (2 * width**2)) / (2 * np.pi * width**2)
    mag = rng.uniform(21, 23, n)
    flux = 10 ** (-0.4 * (mag - 25.67))
    images = (flux[:, None, None] * light)[:, None] * np.array([1.0, 0.6])[:, None, None]
    images = images + rng.normal(0, 0.002, images.shape)
    galaxies = pd.DataFrame(
        {"id": [f"g{i}" for i in range(n)], "mag": mag, "redshift": rng.uniform(0.2, 3, n)}
    )
    for column in (
        *["sersic_n", "axis_ratio", "p_sph", "p_disk", "p_irr", "ra", "dec"],
        "half_light_radius_px",
    ):
        galaxies[column] = 1.0
    galaxies = galaxies.assign(morphology="disk", origin="test")
    bands = pd.concat(
        [band_table(name, 0.06, 25.67, 0.002) for name in ("f775w", "f606w")], ignore_index=True
    )
    psf = np.stack([psf_image(0.08, 3.0, 0.06, 31)] * 2).astype(np.float32)
    segmaps = np.zeros((n, 128, 128), np.int16)
    return Stamps(images.astype(np.float32), segmaps, galaxies, bands, psf)


def maker_of(stamps, bands=("f775w",)):
    return PairMaker(stamps, list(bands), LOW, seed=1, train_rows=SPLITS["train"], name="test")


@pytest.fixture(scope="module")
def maker(stamps):
    return maker_of(stamps)


def test_a_point_source_at_the_depth_has_five_sigma():
    psf = psf_image(0.6, 3.0, 0.18, 25)
    sigma = point_source_sigma(psf, 26.2, 25.67)
    flux = 10 ** (-0.4 * (26.2 - 25.67))
    rng = np.random.default_rng(1)
    noise = rng.normal(0, sigma, (4000, *psf.shape))
    # The best unbiased estimate of a flux under a known PSF.
    measured = ((flux * psf + noise) * psf).sum(axis=(1, 2)) / (psf**2).sum()
    assert measured.mean() / measured.std() == pytest.approx(5, rel=0.05)


def test_both_resolutions_show_the_same_light_in_the_same_place(maker):
    blends = single_galaxies(maker.draw(SPLITS["test"], 0, 10, "test", BLENDING), centred=True)
    high, low = maker.pairs(blends, "test")
    assert high.shape == (10, 1, 66, 66) and low.shape == (10, 1, 22, 22)
    flux = 10 ** (-0.4 * (blends["mag_0"].to_numpy() - 25.67))
    np.testing.assert_allclose(high.sum(axis=(1, 2, 3)), flux, rtol=0.06)
    # Light that the seeing spreads beyond the frame is lost.
    np.testing.assert_allclose(low.sum(axis=(1, 2, 3)), flux, rtol=0.15)
    y = np.arange(22)[:, None]
    centre = (np.clip(low[:, 0], 0, None) ** 2 * y).sum((1, 2)) / (
        np.clip(low[:, 0], 0, None) ** 2
    ).sum((1, 2))
    assert np.abs(centre - (33 - 1) / 3).max() < 0.2


def test_scaled_images_are_in_range_and_can_be_inverted(maker):
    blends = maker.draw(SPLITS["train"], 0, 20, "train", BLENDING)
    high, low = maker.scaled(blends, "train")
    assert high.shape[-2:] == (64, 64) and low.shape[-2:] == (22, 22)
    for images in (high, low):
        assert np.abs(images).max() <= 1 and images.max() > 0.4
    fluxes = maker.pairs(blends, "train")[0][..., 1:-1, 1:-1]
    inside = np.abs(high) < 0.999
    back = maker.scale_high.unscaled(high)
    np.testing.assert_allclose(back[inside], fluxes[inside], rtol=1e-3, atol=1e-5)


def test_a_missing_band_is_named(stamps):
    with pytest.raises(DeblendError, match="f435w.*f775w, f606w"):
        maker_of(stamps, ("f435w",))


def test_networks_have_the_papers_sides():
    assert NoiseGenerator(8, 4, 1)(torch.zeros(2, 8)).shape == (2, 1, 64, 64)
    for norm in (True, False):
        network = SuperResolver(7, 4, 1, norm)
        assert network(torch.zeros(2, 7, 22, 22)).shape == (2, 7, 64, 64)
        assert any(isinstance(m, torch.nn.BatchNorm2d) for m in network.modules()) == norm
    high, low = torch.zeros(2, 7, 64, 64), torch.zeros(2, 7, 22, 22)
    assert Discriminator(7, 2, True)(high, low).shape == (2,)
    assert Discriminator(7, 2, False)(high).shape == (2,)
    with pytest.raises(DeblendError, match="conditional"):
        Discriminator(7, 2, True)(high)


def test_a_wasserstein_critic_treats_each_image_separately():
    """The gradient penalty needs this: the other images in the batch do not matter."""
    torch.manual_seed(1)
    images = torch.randn(4, 1, 64, 64)
    for loss, same in (("wasserstein", True), ("minimax", False)):
        critic = build_discriminator(
            TINY.model_copy(update={"loss": loss, "conditional": False}), 1
        ).train()
        alone = critic(images[:2]).detach()
        assert torch.allclose(critic(images)[:2], alone, atol=1e-5) == same


def test_the_crop_keeps_the_middle():
    frame = torch.zeros(66, 66)
    frame[33, 33] = 1
    assert crop_frames(frame)[32, 32] == 1


def test_all_layers_are_traced():
    network = SuperResolver(1, 4, 2)
    table = trace_layers(network, torch.zeros(1, 1, 22, 22))
    assert table["n_parameters"].sum() == n_parameters(network)
    assert list(table["kind"].iloc[[0, -1]]) == ["Input", "Tanh"]
    # Figure 1 recognises blocks by their names.
    assert table["name"].str.contains("block0.", regex=False).any()
    up = table[table["kind"] == "ConvTranspose2d"].iloc[0]
    assert (up["side"], up["stride"]) == (66, 3)


@pytest.fixture(scope="module")
def validation(maker):
    return Validation(maker, SPLITS["validation"], 48, BLENDING, DETECTION, 0)


def test_the_psf_that_detects_most_is_chosen(maker, validation, monkeypatch):
    rng = np.random.default_rng(1)
    single = single_galaxies(maker.draw(SPLITS["validation"], 48, 144, "validation", BLENDING))
    single = maker.scaled(single, "validation")[0]

    def noisy(_, low, device):
        true = validation.high if low is validation.low else single
        return true + rng.normal(0, 0.3, true.shape).astype(np.float32)

    monkeypatch.setattr(training, "generate_images", noisy)
    taken = {}
    for widths in ((0.08,), (0.3,), (0.08, 0.3)):
        rng = np.random.default_rng(1)
        monkeypatch.setattr(
            validation, "detection", DETECTION.model_copy(update={"fwhm_arcsec": widths})
        )
        taken[widths] = validation.check(None, CPU)
    narrow, wide, both = taken.values()
    assert narrow["val_detected"] != wide["val_detected"]
    better = max(
        (narrow, wide), key=lambda x: (validation.has_reliable_threshold(x), x["val_detected"])
    )
    assert both == better


def test_a_wider_psf_is_chosen_for_galaxies_with_clumps():
    """Smooth galaxies of 0.5 arcsec; the single ones have a sharp clump."""
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:66, :66] - 33.0

    def blob(dx, width):
        return np.exp(-((x - dx) ** 2 + y**2) / (2 * width**2))

    noise = rng.normal(0, 0.01, (2, 200, 66, 66))
    clump = rng.uniform(0.3, 0.6, (200, 1, 1)) * blob(6, 0.6)
    single, blends = blob(0, 3.5) + clump + noise[0], blob(-9, 3.5) + 0.4 * blob(9, 3.5) + noise[1]
    pair = np.broadcast_to([[24.0, 33.0], [42.0, 33.0]], (200, 2, 2))
    sharp, wide = (psf_image(fwhm, 3.0, 0.06, 31) for fwhm in (0.08, 0.4))
    resolution = Resolution("high_best", [Filter(sharp), Filter(wide, 0.4)])
    half = np.arange(200) % 2 == 0
    resolution.choose_filter(single, half, blends, pair, DETECTION)
    assert resolution.filter.fwhm_arcsec == 0.4
    assert resolution.filter.psf is wide
    smooth = single - clump
    resolution.choose_filter(smooth, half, blends, pair, DETECTION)
    assert np.isnan(resolution.filter.fwhm_arcsec)  # its own PSF, since another one is not better
    # One half has no clumps: the threshold set on it gives too many false positives on the other.
    mixed = np.where(half[:, None, None], smooth, single)
    resolution.choose_filter(mixed, half, blends, pair, DETECTION)
    assert resolution.filter.fwhm_arcsec == 0.4


def test_filters_have_their_widths_and_the_right_band(stamps):
    bands = stamps.bands.assign(noise_sigma=[0.002, 0.004], zero_point=[25.67, 26.67])
    maker = maker_of(replace(stamps, bands=bands), ("f775w", "f606w"))
    network = Network(SuperResolver(2, 4, 1), maker, 1)
    found = make_resolutions({"gan_multi": network}, DETECTION)
    pixels = {"high_best": 0.06, "low_best": 0.18, "gan_multi": 0.06}
    for name, pixel in pixels.items():
        widths = {f.fwhm_arcsec for f in found[name].filters if np.isfinite(f.fwhm_arcsec)}
        assert widths == set(DETECTION.low_fwhm_arcsec if "low" in name else DETECTION.fwhm_arcsec)
        for chosen in found[name].filters:
            if chosen.fwhm_arcsec > 2 * pixel:
                width = fwhm_from_area(chosen.psf[None])[0] * pixel
                assert width == pytest.approx(chosen.fwhm_arcsec, rel=0.2)
    for name, scale in (("high_best", maker.scale_high), ("low_best", maker.scale_low)):
        assert found[name].scale.softening.shape == (1, 1, 1)
        assert found[name].scale.softening[0] == scale.softening[1]
        assert found[name].scale.limit[0] == scale.limit[1]
    assert maker.scale_high.softening[0] != maker.scale_high.softening[1]
    assert len(found["high"].filters) == len(found["low"].filters) == 1


def test_a_filter_can_use_the_asinh_scale(maker):
    """Peaks and threshold are the same as for images that are already scaled."""
    blends = single_galaxies(maker.draw(SPLITS["test"], 0, 60, "test", BLENDING))
    flux, psf = maker.pairs(blends, "test")[0][:, 0], maker.psf_high[0]
    scaled = maker.scale_high.scaled(flux[:, None])[:, 0]
    resolution = Resolution("high_best", [Filter(psf, image_scale="asinh")], scale=maker.scale_high)
    resolution.calibrate(flux, 0.05)
    noise = typical_noise(scaled)
    assert resolution.noise == noise
    assert resolution.threshold == set_threshold(scaled, psf, false_positive_rate=0.05, noise=noise)
    expected = find_peaks(scaled, psf, resolution.threshold, noise=noise)
    pd.testing.assert_frame_equal(resolution.peaks(flux), expected)
    in_flux = Resolution("high", [Filter(psf)])
    in_flux.calibrate(flux, 0.05)
    assert in_flux.noise is None
    assert in_flux.threshold == set_threshold(flux, psf, false_positive_rate=0.05)


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


def test_what_a_checkpoint_depends_on(stamps, tmp_path, monkeypatch):
    """A training does not resume if its configuration, code or data have changed."""
    cutouts, split = tmp_path / "cutouts.h5", tmp_path / "split.csv"
    names = np.repeat(["train", "validation", "test"], [8, 6, 10])
    pd.DataFrame({"id": stamps.galaxies["id"], "split": names}).to_csv(split, index=False)
    write_stamps(cutouts, stamps)
    monkeypatch.setattr(training, "train", lambda *_, checkpoint, **__: checkpoint.fingerprint)
    maker = {"bands": ["f775w"], "detection_band": "f775w", "seed": 1, "name": "test"}
    given = {
        "network": vars(TINY),
        "blending": vars(BLENDING),
        "detection": vars(DETECTION),
        "maker": maker | {"low": vars(LOW)},
        "n_validation_blends": 4,
        "device": CPU,
        "checkpoint": tmp_path / "c.pt",
    }
    settings = {"code": "1", "threads": 1, "backend": "2.0"}

    def changed(settings=settings, **changes):
        after = training.train_from_config(
            cutouts, split, **given | changes, fingerprinted=settings
        )
        return {name for name in before if before[name] != after[name]}

    before = training.train_from_config(cutouts, split, **given, fingerprinted=settings)
    assert set(before) == {"config", "code", "cutouts.h5", "split.csv"}
    assert changed() == set()
    for name, key, value in (
        ("network", "learning_rate", 3e-3),
        ("blending", "max_shift_px", 14),
        ("detection", "radius_px", 4.0),
        ("maker", "seed", 2),
    ):
        assert changed(**{name: given[name] | {key: value}}) == {"config"}, name
    assert changed(n_validation_blends=5) == {"config"}
    assert changed(settings | {"threads": 2}) == {"config"}
    assert changed(settings | {"backend": "2.1"}) == {"config"}
    assert changed(settings | {"code": "2"}) == {"code"}
    split.write_text(split.read_text() + "other,test\n")
    assert changed() == {"split.csv"}
    write_stamps(cutouts, replace(stamps, images=stamps.images + 1))
    assert changed() == {"split.csv", "cutouts.h5"}


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


def test_an_unknown_loss_is_refused():
    with pytest.raises(ValidationError, match="loss"):
        SrConfig(**{**vars(TINY), "loss": "hinge"})


class Oracle(torch.nn.Module):
    """A perfect network, which returns the true images."""

    def __init__(self, answers):
        super().__init__()
        self.answers = iter(answers)

    def forward(self, low):
        return torch.from_numpy(np.concatenate([next(self.answers) for _ in low]))


@pytest.fixture(scope="module")
def detected(maker):
    n = {"validation": 40, "test": 40}

    def truth(split, start, stop, alone):
        blends = maker.draw(SPLITS[split], start, stop, split, BLENDING)
        high = maker.scaled(single_galaxies(blends) if alone else blends, split)[0]
        return [high[i : i + 1] for i in range(len(high))]

    answers = [
        *truth("validation", 40, 120, True),
        *truth("validation", 0, 40, False),
        *truth("test", 0, 40, False),
        *truth("test", 40, 80, True),
    ]
    networks = {"gan": Network(Oracle(answers), maker, 0)}
    return detect(networks, SPLITS, n, BLENDING, DETECTION, CPU)


def test_a_perfect_network_detects_the_same_blends_as_the_high_resolution(detected):
    table = detected[0]
    assert table["detected_high"].mean() > 0.6
    assert table["detected_high"].mean() > table["detected_low"].mean() + 0.3
    assert (table["detected_gan"] == table["detected_high"]).mean() > 0.9


def test_false_positives_are_counted_for_each_resolution(detected):
    false = detected[1].set_index(["resolution", "sample"])
    assert set(false.loc[(slice(None), "unblended"), :].index.get_level_values(0)) == {
        "high",
        "high_best",
        "low",
        "low_best",
        "gan",
    }
    assert (false["n_false"] <= false["n"]).all()
    unblended = false.xs("unblended", level="sample")
    assert (unblended["n_false"] / unblended["n"]).max() < 0.25


def test_resolutions_can_be_restored(maker, detected, tmp_path):
    """Filters, thresholds and noise are restored from the table of false positives."""
    false = detected[1]
    assert set(false["resolution"]) >= {"high_best", "low_best"}
    false.to_csv(tmp_path / "false.csv", index=False)
    networks = {"gan": Network(SuperResolver(1, 4, 1), maker, 0)}
    again = restore_resolutions(pd.read_csv(tmp_path / "false.csv"), networks, DETECTION)
    rows = false.drop_duplicates("resolution").set_index("resolution")
    assert set(again) == set(rows.index)
    for name, resolution in again.items():
        assert resolution.threshold == pytest.approx(rows.loc[name, "threshold"])
        chosen = resolution.filter
        assert [chosen.kind, chosen.image_scale] == rows.loc[
            name, ["filter", "image_scale"]
        ].tolist()
        np.testing.assert_equal(chosen.fwhm_arcsec, rows.loc[name, "fwhm_arcsec"])
    fewer = DETECTION.model_copy(update={"fwhm_arcsec": (0.5,)})
    with pytest.raises(DeblendError, match="is none of hemmati2022 > detection"):
        restore_resolutions(false, networks, fewer)


def test_the_best_filter_detects_at_least_as_many_blends(detected):
    """The images' own PSF in flux is also among the filters of the best one."""
    table, false, _ = detected
    for name in ("high", "low"):
        # The filter is chosen on other blends, so it can be slightly worse on these.
        assert table[f"detected_{name}_best"].mean() > table[f"detected_{name}"].mean() - 0.1
    own = false.set_index("resolution").loc[["high", "low"]]
    assert own["fwhm_arcsec"].isna().all()
    assert set(own["filter"]) == {"psf"} and set(own["image_scale"]) == {"flux"}


def test_all_peaks_are_in_pixels_of_the_frame(detected):
    peaks = detected[2]
    matched = peaks[peaks["galaxy"] == 0].pivot_table(
        index="blend", columns="resolution", values="x_px"
    )
    for name in ("low", "gan"):
        assert abs((matched[name] - matched["high"]).median()) < 0.5


def test_positions_prefer_the_pair_over_other_peaks():
    peaks = pd.DataFrame(
        {
            "blend": [4, 4, 4, 9],
            "x_px": [1.0, 2.0, 3.0, 7.0],
            "y_px": [1.5, 2.5, 3.5, 7.5],
            "significance": [90.0, 50.0, 70.0, 20.0],
            "galaxy": [-1, 1, 0, -1],
        }
    )
    found = peak_positions(peaks, np.array([4, 9]), 2)
    np.testing.assert_array_equal(found[0], [[3.0, 3.5], [2.0, 2.5]])
    np.testing.assert_array_equal(found[1, 0], [7.0, 7.5])
    assert np.isnan(found[1, 1]).all()


def test_two_positions_measure_better_than_one(maker, detected):
    table, _, peaks = detected
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    found = measure_photometry(maker, 0, blends, table, peaks, engine="builtin", n_workers=1)
    # Approximately, since the galaxies are Gaussians, while exponentials are fitted.
    assert np.median(np.abs(found["mag_input"] - found["mag_true"])) < 0.25
    errors = {p: np.abs(found[f"mag_{p}"] - found["mag_input"]).median() for p in ("low", "gan")}
    assert errors["gan"] < 0.5 * errors["low"]


def test_a_warning_is_logged_if_no_blend_can_be_measured(maker, detected, caplog):
    table, _, peaks = detected
    blends = maker.draw(SPLITS["test"], 0, 40, "test", BLENDING)
    none = table.assign(detected_gan=False)
    with caplog.at_level(logging.WARNING):
        found = measure_photometry(maker, 0, blends, none, peaks, engine="builtin", n_workers=1)
    assert not len(found) and "mag_gan" in found
    assert "train it for longer" in caplog.text


def test_conversions_of_positions_are_inverse():
    at = np.array([[33.0, 40.0], [10.0, 21.0]])
    for name in ("high", "low", "low_best", "gan"):
        np.testing.assert_allclose(to_frame_pixels(name, to_image_pixels(name, at)), at)


def test_a_generator_makes_images_in_batches(maker):
    network = SuperResolver(1, 4, 1)
    low = np.random.default_rng(1).normal(0, 0.3, (130, 1, 22, 22)).astype(np.float32)
    whole = generate_images(network, low, CPU)
    np.testing.assert_allclose(generate_images(network, low[120:], CPU), whole[120:], atol=1e-5)


def test_a_step_does_not_change_the_best_generator(maker):
    trainer = Trainer(TINY, 1, CPU)
    high, low = maker.scaled(maker.draw(SPLITS["train"], 0, 4, "train", BLENDING), "train")
    before = {k: v.clone() for k, v in trainer.best.state_dict().items()}
    trainer.step(torch.from_numpy(low), torch.from_numpy(high), torch.rand(4, 1, 1, 1))
    assert all(torch.equal(v, trainer.best.state_dict()[k]) for k, v in before.items())
    assert all(p.requires_grad for p in trainer.discriminator.parameters())


@pytest.fixture
def pair(tmp_path):
    """An off-centre star seen from space and from the ground, in different units."""
    rng = np.random.default_rng(2)

    def star(side, scale, sigma_arcsec, peak):
        offset = (np.arange(side) - (side - 1) / 2) * scale
        y, x = offset[:, None] + 0.6, offset[None, :] - 1.2
        light = peak * np.exp(-(x**2 + y**2) / (2 * sigma_arcsec**2))
        return light + rng.normal(3.0, 0.5, (side, side))

    fits.writeto(tmp_path / "hst_a.fits", star(267, 0.03, 0.06, 200.0))
    cube = np.stack([star(54, 0.168, 0.26, 100.0) for _ in range(5)])
    fits.writeto(tmp_path / "hsc_a.fits", cube)
    return tmp_path


OPTIONS = {"hsc_plane": 2, "hst_scale_arcsec": 0.03, "hsc_scale_arcsec": 0.168}


def test_real_pairs_get_one_grid_and_the_networks_noise(maker, pair):
    assert field_names(pair) == ["a"]
    high, low = read_field(pair, "a", maker, **OPTIONS)
    assert high.shape[0] == 3 * low.shape[0]
    for image, sigma in ((high, maker.noise_high[0]), (low, maker.noise_low[0])):
        edge = image[: len(image) // 4]
        assert np.median(edge) == pytest.approx(0, abs=0.1 * sigma)
        assert edge.std() == pytest.approx(sigma, rel=0.15)
    # The star is 1.2 and -0.6 arcsec from the middle in both images.
    for image, scale in ((high, 0.06), (low, 0.18)):
        y, x = np.unravel_index(image.argmax(), image.shape)
        middle = (len(image) - 1) / 2
        assert (x - middle) * scale == pytest.approx(1.2, abs=scale)
        assert (y - middle) * scale == pytest.approx(-0.6, abs=scale)


def test_peaks_of_a_real_pair_are_compared_on_one_grid(maker, pair):
    fields = {"a": read_field(pair, "a", maker, **OPTIONS)}
    network = Network(SuperResolver(1, 4, 1), maker, 0)
    resolutions = make_resolutions({"gan": network}, DETECTION)
    for name, threshold, noise in (("high", 8.0, None), ("low", 8.0, None), ("gan", 1e9, 1.0)):
        resolutions[name].threshold, resolutions[name].noise = threshold, noise
    table, shown = compare_peaks(network, fields, resolutions, 5.0, CPU)
    found = table.set_index("resolution")
    assert found.loc["high", ["n_peaks", "n_matched"]].tolist() == [1, 1]
    assert found.loc["low", ["n_peaks", "n_matched", "n_false"]].tolist() == [1, 1, 0]
    assert shown["a"]["gan"].shape == shown["a"]["high"].shape


def test_an_incomplete_pair_is_named(pair):
    (pair / "hsc_a.fits").unlink()
    with pytest.raises(DeblendError, match="one image of the field a"):
        field_names(pair)
