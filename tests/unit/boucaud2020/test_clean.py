import numpy as np
import pytest
from deblend.boucaud2020.clean import (
    CleaningConfig,
    classify,
    clean,
    contact,
    count_exclusions,
    read_rejected,
    replace_neighbours,
)
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.errors import DeblendError
from deblend.photometry.sep import Detection

from tests.conftest import COLD, HOT, ROOT, galaxy_table, make_stamps, simulator_config

NOISE = 0.0065
CONFIG = CleaningConfig(
    mag_min=18.0,
    mag_max=23.0,
    min_class_probability=0.8,
    detection=Detection(threshold=1.5, min_area=8, contrast=0.02, n_thresholds=32),
    dilation_px=4,
    max_off_centre_px=3.0,
    min_background_fraction=0.05,
    max_contact=0.1,
    cold=COLD,
    hot=HOT,
)


def blob(x, y, peak=0.5, sigma=2.5, size=64):
    iy, ix = np.indices((size, size))
    return peak * np.exp(-((ix - x) ** 2 + (iy - y) ** 2) / (2 * sigma**2))


def noisy(image, seed=0):
    return (image + np.random.default_rng(seed).normal(0, NOISE, image.shape)).astype(np.float32)


def test_neighbours_are_replaced_and_the_galaxy_is_not():
    stamps = make_stamps(np.stack([noisy(blob(32, 32) + blob(52, 50))]))
    cleaned, exclusions = clean(stamps, 1, CONFIG)
    assert exclusions.empty
    image = cleaned.images[0, 0]
    corner = image[42:62, 42:62]
    assert np.abs(corner).max() < 6 * NOISE
    assert np.std(corner) == pytest.approx(NOISE, rel=0.15)
    mine = cleaned.segmaps[0] == 1
    np.testing.assert_array_equal(image[mine], stamps.images[0, 0][mine])
    assert cleaned.galaxies["flux_auto"][0] == pytest.approx(blob(32, 32).sum(), rel=0.05)
    assert cleaned.galaxies["segmap_area_px"][0] == mine.sum()


def test_the_correlation_of_the_noise_is_kept():
    stamps = make_stamps(np.stack([noisy(blob(32, 32))]))
    stamps.noise_correlation = np.ones((1, 1, 1))
    cleaned, _ = clean(stamps, 1, CONFIG)
    np.testing.assert_array_equal(cleaned.noise_correlation, stamps.noise_correlation)


def test_replaced_pixels_are_background_ones():
    rng = np.random.default_rng(0)
    image = np.arange(400.0).reshape(20, 20)
    segmap = np.zeros((20, 20), int)
    segmap[9:12, 9:12] = 1
    segmap[0:3, 0:3] = 2
    cleaned, fraction = replace_neighbours(image, segmap, 1, 2, rng)
    changed = cleaned != image
    assert changed[0:3, 0:3].mean() > 0.9
    assert not changed[9:12, 9:12].any()
    assert not set(cleaned[changed]) & set(image[segmap > 0])
    assert 0.5 < fraction < 1


def test_dilation_never_replaces_the_galaxy():
    segmap = np.zeros((20, 20), int)
    segmap[8:12, 8:12] = 1
    segmap[8:12, 12:15] = 2
    image = np.where(segmap == 1, 7.0, 0.0)
    cleaned, _ = replace_neighbours(image, segmap, 1, 4, np.random.default_rng(0))
    np.testing.assert_array_equal(cleaned[segmap == 1], 7.0)
    assert contact(segmap, 1) > 0.1
    assert contact(segmap, 3) == 0.0


def test_order_and_other_galaxies_do_not_matter(priors):
    stamps = simulate_chunk(5, "sim", 0, 12, priors, simulator_config())
    whole, _ = clean(stamps, 1, CONFIG)
    order = np.arange(11, 3, -1)
    part, _ = clean(stamps.take(order), 1, CONFIG)
    for i, name in enumerate(part.galaxies["id"]):
        j = list(whole.galaxies["id"]).index(name)
        np.testing.assert_array_equal(part.images[i], whole.images[j])


def bad_pixels():
    image = noisy(blob(32, 32))
    image[3, 3] = np.nan
    return image


@pytest.mark.parametrize(
    ("image", "columns", "reason"),
    [
        (bad_pixels(), {}, "bad_pixels"),
        (np.zeros((64, 64)), {}, "constant"),
        (noisy(blob(32, 32)), {"mag": 24.0}, "magnitude"),
        (noisy(blob(32, 32)), {"mag": np.nan}, "magnitude"),
        (noisy(blob(32, 32)), {"half_light_radius_px": np.nan}, "radius"),
        (noisy(blob(32, 32)), {"half_light_radius_px": 0.0}, "radius"),
        (noisy(blob(32, 32)), {"p_sph": 0.5, "p_disk": 0.5, "p_irr": 0.1}, "morphology"),
        (noisy(np.zeros((64, 64))), {}, "not_detected"),
        (noisy(blob(15, 15)), {}, "not_detected"),
        (noisy(blob(36, 34, sigma=3)), {}, "off_centre"),
        (noisy(blob(32, 32) + blob(43, 32, sigma=4)), {}, "touching"),
    ],
)
def test_bad_stamps_are_left_out_and_counted(image, columns, reason):
    stamps = make_stamps(np.stack([image, noisy(blob(32, 32))]))
    for column, value in columns.items():
        stamps.galaxies[column] = [value, *stamps.galaxies[column][1:]]
    kept, exclusions = clean(stamps, 1, CONFIG)
    morphology = "" if reason == "morphology" else "disk"
    assert exclusions.to_numpy().tolist() == [["g0", reason, morphology]]
    assert kept.galaxies["id"].tolist() == ["g1"]
    counts = count_exclusions(exclusions, 2).set_index("reason")["n"]
    assert counts[reason] == 1
    assert counts["kept"] == 1
    assert counts.sum() == 2


def test_nothing_left_is_an_error_that_says_why():
    stamps = make_stamps(np.zeros((3, 64, 64)))
    _, exclusions = clean(stamps, 1, CONFIG)
    with pytest.raises(DeblendError, match=r"none of the 3 galaxies is left .*3 constant"):
        count_exclusions(exclusions, 3)


def test_a_given_segmentation_is_used():
    segmap = np.zeros((1, 64, 64), np.int16)
    segmap[0, 26:39, 26:39] = 4
    segmap[0, 0:10, 0:10] = 9  # a neighbour that SEP would not see
    stamps = make_stamps(np.stack([noisy(blob(32, 32))]), segmap)
    cleaned, exclusions = clean(stamps, 1, CONFIG)
    assert exclusions.empty
    changed = cleaned.images[0, 0] != stamps.images[0, 0]
    assert changed[0:10, 0:10].mean() > 0.9
    assert not changed[20:44, 20:44].any()
    # It is the galaxy's mask too, whatever SEP's would be.
    np.testing.assert_array_equal(cleaned.segmaps[0] > 0, segmap[0] == 4)
    assert cleaned.galaxies["segmap_area_px"].tolist() == [169]


def test_classes_are_those_of_section_2_1():
    table = galaxy_table(7)
    table[["p_sph", "p_disk", "p_irr"]] = [
        [0.9, 0.1, 0.1],
        [0.1, 0.9, 0.1],
        [0.9, 0.85, 0.1],
        [0.1, 0.1, 0.9],
        [0.8, 0.1, 0.1],  # has to exceed 0.8
        [0.9, 0.1, 0.9],
        [np.nan] * 3,
    ]
    assert classify(table, 0.8).tolist() == ["sph", "disk", "sphd", "irr", "", "", "disk"]


def test_galaxies_rejected_by_eye_are_left_out(tmp_path):
    table = tmp_path / "rejected.csv"
    table.write_text(
        "# by A. N. Astronomer\nid,reason\ng1, a tail, or an arm\n# g0,no\n g9 ,elsewhere\n\n"
    )
    rejected = read_rejected(table)
    assert rejected == ["g1", "g9"]
    stamps = make_stamps(np.stack([noisy(blob(32, 32))] * 3))
    kept, exclusions = clean(stamps, 1, CONFIG, rejected)
    assert kept.galaxies["id"].tolist() == ["g0", "g2"]
    assert exclusions.to_numpy().tolist() == [["g1", "rejected", "disk"]]
    counts = count_exclusions(exclusions, 3).set_index("reason")["n"]
    assert (counts["rejected"], counts["kept"]) == (1, 2)


def test_the_table_that_ships_rejects_nothing():
    assert read_rejected(ROOT / "config/rejected.csv") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,reason\na,b\n", "has the header 'name,reason': .* need id,reason"),
        ("id,reason\n,tail\n", "has 1 lines without an id"),
        ("", "has the header ''"),
    ],
)
def test_a_malformed_table_of_rejected_galaxies_is_refused(tmp_path, text, message):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(DeblendError, match=message):
        read_rejected(tmp_path / "r.csv")
