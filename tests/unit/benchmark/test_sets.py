from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.planned_sets import BATCH
from deblend.benchmark.sets import (
    CALIBRATION_PREFIX,
    CLOSE_RADII,
    FAINTER_MAG,
    NOISELESS,
    SetOptions,
    counts_as_galaxy,
    draw_close_shifts,
    draw_groups,
    make_set,
    n_further,
    neighbours_in,
    options_of,
    plan,
    simulated_set,
    simulator_of,
    write_set,
)
from deblend.benchmark.truth import mask_of, read_truth, signal_to_noise
from deblend.boucaud2020.clean import CRITERIA, clean
from deblend.boucaud2020.config import CleaningConfig
from deblend.boucaud2020.masks import intersection_over_union
from deblend.boucaud2020.simulate import simulate_chunk, simulate_galaxy
from deblend.config_base import Name
from deblend.data.noise import read_correlation
from deblend.data.priors import read_priors
from deblend.errors import DeblendError
from deblend.scenes.scenes import read_scenes
from pydantic import TypeAdapter, ValidationError

from tests.conftest import ROOT

SIMULATOR = {
    **{"band": "f160w", "pixel_scale_arcsec": 0.06, "zero_point": 25.96, "noise_sigma": 0.0057},
    **{"stamp_size": 48, "mag_min": 20.0, "mag_max": 22.0, "psf_fwhm_arcsec": 0.17},
    **{"psf_moffat_beta": 2.5, "n_neighbours_mean": 0.0},
}
BLENDING = {"delta_mag_max": 2.0, "shift_rule": "authors", "companion_edge": "zero"}
COLD = {"threshold": 5.0, "min_area": 10, "contrast": 0.01, "n_thresholds": 64}
MODES = {"cold": COLD, "hot": COLD | {"threshold": 4.0, "min_area": 6, "contrast": 0.0001}}
LOW = {"psf_fwhm_arcsec": 0.6, "psf_beta": 3.0, "depth_mag": 26.2, "band": "f775w"}


@pytest.fixture(scope="module")
def options() -> SetOptions:
    return options_of(
        SIMULATOR,
        BLENDING,
        MODES,
        LOW,
        extra_noise=True,
        priors=read_priors(ROOT / "config" / "priors.yaml"),
        correlation=read_correlation(ROOT / "config" / "noise.yaml"),
        seed=1,
    )


@pytest.fixture(scope="module")
def simulated(options):
    return make_set("simulated", 6, options)


def test_each_galaxy_is_in_one_group_of_like_magnitudes():
    mag = np.random.default_rng(0).uniform(18, 23, 300)
    for size in (1, 2, 3):
        groups = draw_groups(np.random.default_rng(1), mag, size, 1.0)
        assert len(np.unique(groups)) == groups.size > 250
        assert (np.abs(mag[groups] - mag[groups[:, :1]]) < 1).all()


def test_close_galaxies_are_nearer_than_half_a_radius():
    radii = np.full(500, 8.0), np.full(500, 5.0)
    shifts, accepted = draw_close_shifts(np.random.default_rng(0), *radii)
    distance = np.hypot(*shifts.T)
    assert accepted.all()
    assert (distance > 0).all()
    assert distance.max() < CLOSE_RADII * 8
    assert not draw_close_shifts(np.random.default_rng(0), radii[0] * 0.2, radii[1] * 0.2)[1].any()


def test_galaxies_are_those_of_no_data_set_and_each_is_in_one_blend(simulated):
    scenes, truth = simulated
    ids = truth.galaxies["id"]
    assert ids.is_unique
    assert ids.str.startswith("benchmark-test-simulated-").all()
    # No data set, whose galaxies are NAME-000001 and so on, can have this name.
    with pytest.raises(ValidationError):
        TypeAdapter(Name).validate_python("benchmark-test-simulated")
    assert truth.galaxies["galaxy"].tolist() == [0, 1] * len(scenes)
    assert (truth.galaxies.loc[truth.galaxies["galaxy"] == 0, ["x_px", "y_px"]] == 24).all().all()


def test_the_calibration_has_other_galaxies(options):
    other = replace(options, prefix=CALIBRATION_PREFIX)
    (mine, _), (theirs, _) = (plan("simulated", 12, chosen) for chosen in (options, other))
    assert not set(mine["mag"]) & set(theirs["mag"])


def test_scenes_are_the_sums_of_their_galaxies_and_noise(simulated):
    scenes, truth = simulated
    sums = truth.images.reshape(len(scenes), 2, 48, 48).sum(axis=1)
    noise = scenes.images[:, 0] - sums
    # Photons add to the noise where galaxies are, and the companion's stamp has an edge.
    sigma = float(scenes.noise_sigma[0, 0])
    # Two stamps, and the noise that cleaning adds to each.
    np.testing.assert_allclose(sigma, 2 * 0.0057)
    assert 0.7 < np.median(np.abs(noise)) / (0.6745 * sigma) < 1.4
    assert np.abs(np.median(noise)) < 0.2 * sigma
    # The edge of this small stamp takes light away, most from companions.
    light = truth.images.sum(axis=(1, 2)) / truth.galaxies["flux"]
    assert light.max() < 1.01
    assert light[truth.galaxies["galaxy"] == 0].min() > 0.8


def test_masks_are_around_the_galaxies(simulated):
    _, truth = simulated
    for row, mask in zip(truth.galaxies.itertuples(index=False), truth.masks, strict=True):
        assert mask[int(row.y_px), int(row.x_px)]
        assert 20 < mask.sum() < 0.8 * mask.size


@pytest.fixture(scope="module")
def faint(options):
    """Galaxies that leave most pixels of a stamp to the noise, which has no edge."""
    simulator = options.simulator.model_copy(
        update={"stamp_size": 64, "mag_min": 22.0, "mag_max": 23.0}
    )
    return replace(options, simulator=simulator, companion_edge="noise")


@pytest.fixture(scope="module")
def training(faint):
    """Stamps of a training, cleaned as in the configuration."""
    switched_off = dict.fromkeys(CRITERIA, False)
    parents = simulate_chunk(
        1, "training", 0, 6, dict(faint.priors), faint.simulator, faint.correlation
    )
    config = CleaningConfig(mag_min=18.0, mag_max=23.0, **switched_off, **MODES)
    assert config.extra_noise
    return clean(parents, 1, config)[0]


def background_sigma(images, light):
    """Noise of the pixels with almost no light."""
    return 1.4826 * np.median(np.abs(images[light < 0.002]))


@pytest.mark.parametrize("name", ["simulated", "one", "three"])
def test_the_noise_is_that_of_blends_of_the_training(faint, training, name):
    sigma, correlation = training.noise()
    scenes, truth = make_set(name, 6, faint)
    np.testing.assert_allclose(scenes.noise_sigma, np.sqrt(2) * sigma)
    np.testing.assert_array_equal(scenes.noise_correlation[0], correlation)
    light = np.zeros((len(scenes), 64, 64))
    np.add.at(light, truth.galaxies["scene"].to_numpy(), truth.images)
    found = background_sigma(scenes.images[:, 0] - light, light)
    np.testing.assert_allclose(found, np.sqrt(2) * sigma, rtol=0.1)
    # The noise that the training's stamps really have.
    corners = training.images[:, 0, :10, :10]
    np.testing.assert_allclose(background_sigma(corners, 0 * corners), sigma, rtol=0.15)


def test_masks_are_those_of_the_training(faint, training):
    quiet = faint.simulator.model_copy(update=NOISELESS)
    found = [
        mask_of(
            simulate_galaxy(1, "training", i, dict(faint.priors), quiet, faint.correlation)[0],
            32, 32, faint.simulator.noise_sigma, faint.modes,
        )
        for i in [int(name[-6:]) for name in training.galaxies["id"]]
    ]  # fmt: skip
    iou = intersection_over_union(np.array(found)[..., None] > 0, training.segmaps[..., None] > 0)
    assert len(iou) > 3
    # The noise of the training's stamps moves single pixels of the edge.
    assert np.median(iou) > 0.85


def test_companions_of_three_are_alike(options):
    scenes, truth = make_set("three", 6, options)
    light = truth.images.reshape(len(scenes), 3, 48, 48)
    noise = scenes.images[:, 0] - light.sum(axis=1)
    # Both are there once: neither is left in the difference.
    for k in (1, 2):
        slope = (noise * light[:, k]).sum() / (light[:, k] ** 2).sum()
        assert abs(slope) < 0.05


def test_the_noise_does_not_change_the_blends(options, simulated):
    """They follow from the seed and the name of the set alone."""
    galaxies, blends = plan("simulated", 6, options)
    again = make_set("simulated", 6, options)[0]
    np.testing.assert_array_equal(again.images, simulated[0].images)
    assert len(blends) == len(again)
    assert len(galaxies) == 6


def test_isolated_blends_are_the_same_without_neighbours(options):
    crowded = replace(
        options, simulator=options.simulator.model_copy(update={"n_neighbours_mean": 40.0})
    )
    (scenes, truth), (alone, same) = (make_set(n, 6, crowded) for n in ("simulated", "isolated"))
    pd.testing.assert_frame_equal(truth.galaxies, same.galaxies)
    np.testing.assert_array_equal(truth.images, same.images)
    light = [(s.images[:, 0].sum(), t.images.sum()) for s, t in ((scenes, truth), (alone, same))]
    assert light[0][0] > light[0][1] + 20
    np.testing.assert_allclose(*light[1], rtol=0.05)


def test_sets_outside_the_range_of_trainings(options):
    assert simulator_of("faint", options).mag_min == 22.0
    assert simulator_of("faint", options).mag_max == 22.0 + FAINTER_MAG
    np.testing.assert_allclose(simulator_of("wide_psf", options).psf_fwhm_arcsec, 1.5 * 0.17)
    scenes, one = make_set("one", 2, options)
    assert one.galaxies["galaxy"].tolist() == [0] * len(scenes)
    assert one.galaxies["delta_mag"].isna().all()
    _, three = make_set("three", 5, options)
    assert three.galaxies["galaxy"].tolist() == [0, 1, 2]
    _, close = make_set("close", 4, options)
    assert (close.galaxies["separation_over_size"] < CLOSE_RADII).all()
    with pytest.raises(DeblendError, match="raise n_galaxies, n_outside"):
        make_set("three", 2, options)


def test_degraded_blends_are_the_same_with_another_psf(tmp_path, options, simulated):
    paths = {"scenes": tmp_path / "hsc.h5", "truth": tmp_path / "hsc_truth.h5"}
    write_set("hsc", 6, options, **paths)
    scenes, truth = read_scenes(paths["scenes"]), read_truth(paths["truth"])
    known = simulated[1].galaxies
    assert truth.galaxies["id"].tolist() == known["id"].tolist()
    assert scenes.images.shape[2:] == (34, 34)
    assert scenes.bands == ("f775w",)
    np.testing.assert_allclose(scenes.pixel_scale_arcsec, 0.18)
    np.testing.assert_allclose(truth.galaxies["flux"], known["flux"])
    # Three pixels become one: so do distances.
    apart = [table.groupby("scene")["x_px"].agg(np.ptp) for table in (truth.galaxies, known)]
    np.testing.assert_allclose(3 * apart[0], apart[1])
    light = truth.images.sum(axis=(1, 2)) / truth.galaxies["flux"]
    assert np.median(light) > 0.95
    brightest = truth.images[0].argmax()
    y, x = np.unravel_index(brightest, (34, 34))
    assert np.hypot(y - truth.galaxies["y_px"][0], x - truth.galaxies["x_px"][0]) < 1.5


def test_a_file_has_all_batches_of_a_set(tmp_path, options):
    """More blends than are rendered at a time, each of one galaxy."""
    paths = {"scenes": tmp_path / "one.h5", "truth": tmp_path / "one_truth.h5"}
    write_set("one", BATCH + 1, options, **paths)
    scenes, truth = make_set("one", BATCH + 1, options)
    found, known = read_scenes(paths["scenes"]), read_truth(paths["truth"])
    assert len(found) == BATCH + 1
    np.testing.assert_array_equal(found.images, scenes.images)
    np.testing.assert_array_equal(known.images, truth.images)
    np.testing.assert_array_equal(known.masks, truth.masks)
    pd.testing.assert_frame_equal(known.galaxies, truth.galaxies[list(known.galaxies)])
    on_disk = read_scenes(paths["scenes"], on_disk=True).images
    np.testing.assert_array_equal(on_disk[BATCH - 1 :], scenes.images[BATCH - 1 :])


@pytest.mark.parametrize("name", ["simulated", "three", "hsc"])
def test_a_set_does_not_depend_on_its_batches(options, name):
    def pixels(batch):
        made = simulated_set(name, 9, options, batch)
        return [np.concatenate(parts) for parts in zip(*made.batches, strict=True)]

    at_once, one_by_one = pixels(64), pixels(1)
    assert len(at_once[0]) > 1
    for ours, theirs in zip(one_by_one, at_once, strict=True):
        assert ours.dtype == theirs.dtype
        np.testing.assert_array_equal(ours, theirs)


def test_an_empty_stamp_has_no_signal(options):
    rng = np.random.default_rng(0)
    noise, mask = rng.normal(0, 0.1, (40, 64, 64)), np.zeros((40, 64, 64), np.uint8)
    mask[:, 20:40, 20:40] = 1
    # Noise alone would be a signal of 64 px.
    snr = signal_to_noise(noise, 0.1, masks=mask, image_sigma=0.1)
    assert np.median(snr) < 5
    bright = noise + 0.5 * mask
    known = signal_to_noise(0.5 * mask, 0.1)
    found = signal_to_noise(bright, 0.1, masks=mask, image_sigma=0.1)
    np.testing.assert_allclose(found, known, rtol=0.05)


@pytest.mark.parametrize(
    ("mag", "radius", "x", "expected"),
    [
        (21.0, 4.0, 15.0, True),
        (21.0, 4.0, 17.0, False),  # beyond four radii of the smaller one
        (21.0, 6.0, 19.0, True),
        (21.0, 6.0, 21.0, False),  # the central galaxy is the smaller one
        (21.0, 9.0, -19.0, True),
        (22.9, 4.0, 9.0, False),  # 2.4 mag fainter than the central galaxy
        (18.4, 4.0, 9.0, False),
        (22.4, 4.0, 9.0, True),
    ],
)
def test_a_neighbour_counts_where_it_could_be_the_companion(mag, radius, x, expected):
    rule = {"mag_range": (18.0, 23.0), "stamp_size": 64, "delta_mag_max": 2.0}
    counted = counts_as_galaxy(mag, radius, (x, 0.0), (20.5, 5.0), shift_rule="authors", **rule)
    assert bool(counted) is expected


def test_no_companion_is_fainter_than_the_galaxies_that_are_blended():
    rule = {"stamp_size": 64, "delta_mag_max": 2.0, "shift_rule": "section_2_2"}
    shift = (np.array([10.0, 10.0, 33.0]), np.array([30.0, 10.0, 0.0]))
    mag = np.array([22.5, 23.1, 22.5])
    counted = counts_as_galaxy(mag, 4.0, shift, (22.0, 5.0), mag_range=(18.0, 23.0), **rule)
    np.testing.assert_array_equal(counted, [True, False, False])


@pytest.fixture(scope="module")
def crowded(options):
    """Bright neighbours, and no noise."""
    update = {"neighbour_mag_min": 21.0, "neighbour_mag_max": 21.01, "n_neighbours_mean": 5.0}
    update |= {"stamp_size": 64}
    quiet = options.simulator.model_copy(update=NOISELESS | update)
    return replace(options, simulator=quiet, extra_noise=False)


@pytest.mark.parametrize("name", ["simulated", "one", "three"])
def test_neighbours_are_where_they_are_in_the_image(crowded, name):
    n = {"simulated": 100, "one": 30, "three": 90}[name]
    scenes, truth = make_set(name, n, crowded)
    _, blends = plan(name, n, crowded)
    light = np.zeros(scenes.images[:, 0].shape)
    np.add.at(light, truth.galaxies["scene"].to_numpy(), truth.images)
    size, n_compared, turns = len(truth.galaxies) // len(blends), 0, set()
    for i, blend in enumerate(blends.to_dict("records")):
        places = neighbours_in(name, blend, crowded, size)[:, :2]
        inside = (np.abs(places) < 28).all(axis=1)
        if inside.sum() != 1 or len(places) > 1:
            continue
        rest = scenes.images[i, 0] - light[i]
        y, x = np.unravel_index(rest.argmax(), rest.shape)
        assert np.abs(places[0] - (x - 32, y - 32)).max() < 0.6
        n_compared += 1
        turns |= {blend["orientation_0"], blend.get("orientation_1", 0)}
    assert n_compared >= 3
    assert len(turns) > 2


def test_neighbours_that_count_are_near_and_as_bright_as_galaxies(crowded):
    galaxies, blends = plan("simulated", 40, crowded)
    near = n_further("simulated", galaxies, blends, crowded)
    wide = crowded.blending.model_copy(update={"shift_rule": "section_2_2"})
    everywhere = replace(crowded, blending=wide)
    of_stamp = n_further("simulated", galaxies, blends, everywhere)
    assert 0 < near.sum() < of_stamp.sum()
    assert (near <= of_stamp).all()
    # Fainter than all galaxies.
    faint = {"neighbour_mag_min": 22.1, "neighbour_mag_max": 22.2}
    others = replace(everywhere, simulator=crowded.simulator.model_copy(update=faint))
    assert not n_further("simulated", galaxies, blends, others).any()
    _, alone = make_set("isolated", 6, crowded)
    assert (alone.galaxies["n_further"] == 0).all()


def test_a_degraded_scene_counts_by_the_shifts_of_its_blends(crowded):
    """Its stamps are wider, but no companion is further than half of those of `simulated`."""
    wide = crowded.blending.model_copy(update={"shift_rule": "section_2_2"})
    options = replace(crowded, blending=wide)
    galaxies, blends = plan("hsc", 20, options)
    counted = n_further("hsc", galaxies, blends, options)
    within = [
        (np.abs(neighbours_in("hsc", blend, options, 2)[:, :2]) <= 32).all(axis=1).sum()
        for blend in blends.to_dict("records")
    ]
    np.testing.assert_array_equal(counted, within)
    assert counted.sum() > 3
