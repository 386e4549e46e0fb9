import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.clean import (
    CRITERIA,
    CleaningConfig,
    classify,
    clean,
    contact,
    count_exclusions,
    criteria_table,
    read_rejected,
    replace_neighbours,
)
from deblend.boucaud2020.simulate import simulate_chunk
from deblend.data.noise import noise_images
from deblend.errors import DeblendError

from tests.conftest import COLD, HOT, ROOT, galaxy_table, make_stamps, simulator_config

NOISE = 0.0065
#: Without extra noise, so that pixels can be compared with those of the parent stamps.
CONFIG = CleaningConfig(mag_min=18.0, mag_max=23.0, extra_noise=False, cold=COLD, hot=HOT)


def changed(**values):
    return CONFIG.model_copy(update=values)


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


def correlation_at_one_pixel(noise):
    return np.corrcoef(noise[:, :-1].ravel(), noise[:, 1:].ravel())[0, 1]


#: Of pixels by their distance: 0.5 to the next one in a row, 0 otherwise.
ALONG_ROWS = np.array([[0, 0, 0], [0.5, 1, 0.5], [0, 0, 0]])


def test_replaced_pixels_have_the_noise_of_the_background():
    """Gaussian noise of its standard deviation, with the known correlation."""
    image = noise_images(np.random.default_rng(1), (128, 128), NOISE, ALONG_ROWS)
    segmap = np.zeros((128, 128), int)
    segmap[64, 64] = 1
    segmap[10:50, 10:120] = 2
    image[segmap > 0] = 9
    rng = np.random.default_rng(0)
    cleaned, fraction, sigma = replace_neighbours(image, segmap, 1, rng, CONFIG, ALONG_ROWS)
    assert sigma == pytest.approx(NOISE, rel=0.05)
    assert 0.5 < fraction < 1
    filled = cleaned[10:50, 10:120]
    assert filled.std() == pytest.approx(NOISE, rel=0.05)
    assert correlation_at_one_pixel(filled) == pytest.approx(0.5, abs=0.05)
    white, _, _ = replace_neighbours(image, segmap, 1, rng, CONFIG)
    assert correlation_at_one_pixel(white[10:50, 10:120]) == pytest.approx(0, abs=0.05)
    assert abs(filled).max() < 6 * NOISE
    assert cleaned[64, 64] == 9


def test_replaced_pixels_can_be_background_ones():
    """The reading of Sect. 2.1."""
    image = np.arange(400.0).reshape(20, 20)
    segmap = np.zeros((20, 20), int)
    segmap[12:15, 12:15] = 1
    segmap[0:3, 0:3] = 2
    config = changed(fill="background_pixels", dilation_px=2)
    rng = np.random.default_rng(0)
    cleaned, fraction, _ = replace_neighbours(image, segmap, 1, rng, config)
    replaced = cleaned != image
    assert replaced[0:3, 0:3].mean() > 0.9
    assert not replaced[12:15, 12:15].any()
    assert set(cleaned[replaced]) < set(image[segmap == 0])
    assert 0.5 < fraction < 1


def test_regions_grow_by_steps_along_rows_and_columns():
    """Five steps from one pixel reach 61, those at a city-block distance of at most 5."""
    image = np.random.default_rng(0).normal(size=(64, 64)).astype(np.float32)
    segmap = np.zeros((64, 64), int)
    segmap[20, 20], segmap[50, 50] = 1, 2
    y, x = np.indices(image.shape)
    for steps in (5, 0):
        config = changed(dilation_px=steps)
        cleaned, fraction, _ = replace_neighbours(
            image, segmap, 2, np.random.default_rng(1), config
        )
        near = abs(y - 20) + abs(x - 20) <= steps
        np.testing.assert_array_equal(cleaned != image, near)
        assert fraction == 1 - 2 * near.sum() / 64**2


def test_the_surroundings_of_the_galaxy_are_not_replaced():
    segmap = np.zeros((20, 20), int)
    segmap[8:12, 8:12] = 1
    segmap[8:12, 12:19] = 2
    image = np.where(segmap == 1, 7.0, 0.0)
    image[0, 0] = 1.0
    config = changed(dilation_px=3)
    cleaned, _, _ = replace_neighbours(image, segmap, 1, np.random.default_rng(0), config)
    np.testing.assert_array_equal(cleaned[8:12, 5:15], image[8:12, 5:15])
    assert (cleaned[8:12, 15:] != 0).all()
    assert contact(segmap, 1) > 0.1
    assert contact(segmap, 3) == 0.0


@pytest.mark.parametrize("correlation", [None, ALONG_ROWS])
def test_extra_noise_doubles_the_variance(correlation):
    """Of every pixel. Photometry and mask are those of the stamp without it."""
    image = blob(32, 32) + blob(52, 50)
    image += noise_images(np.random.default_rng(3), (64, 64), NOISE, correlation)
    stamps = make_stamps(np.stack([image]))
    if correlation is not None:
        stamps.noise_correlation = correlation[None]
    plain, _ = clean(stamps, 1, CONFIG)
    noisier, _ = clean(stamps, 1, changed(extra_noise=True))
    extra = noisier.images[0, 0] - plain.images[0, 0]
    assert extra.std() == pytest.approx(NOISE, rel=0.1)
    expected = 0 if correlation is None else 0.5
    assert correlation_at_one_pixel(extra) == pytest.approx(expected, abs=0.06)
    columns = ["flux_iso", "flux_auto", "segmap_area_px"]
    assert noisier.galaxies[columns].equals(plain.galaxies[columns])
    np.testing.assert_array_equal(noisier.segmaps, plain.segmaps)
    assert noisier.noise()[0] == pytest.approx(np.sqrt(2) * stamps.noise()[0])
    assert plain.noise()[0] == stamps.noise()[0]
    if correlation is not None:
        np.testing.assert_array_equal(noisier.noise()[1], correlation)


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
    assert exclusions.loc[0, ["id", "reason", "morphology"]].tolist() == ["g0", reason, morphology]
    assert exclusions["failed"].str.split()[0][0] == reason
    assert kept.galaxies["id"].tolist() == ["g1"]
    counts = count_exclusions(exclusions, kept.galaxies["morphology"]).set_index("reason")
    assert counts.loc[reason, ["n", morphology or "unclear"]].tolist() == [1, 1]
    assert counts.loc["kept", ["n", "disk", "irr"]].tolist() == [1, 1, 0]
    assert counts["n"].sum() == 2
    classes = counts[["sph", "disk", "sphd", "irr", "unknown", "unclear"]]
    assert classes.sum(axis=1).tolist() == counts["n"].tolist()


#: Two blobs that SEP divides, but that a given segmentation takes for one galaxy.
DOUBLE = noisy(blob(28, 32) + blob(36, 32))
WHOLE = np.zeros((64, 64), np.int16)
WHOLE[20:45, 20:45] = 1
FULL = WHOLE.copy()
FULL[:15] = FULL[49:] = 2
TOUCHED = WHOLE.copy()
TOUCHED[20:45, 45:47] = 2


@pytest.mark.parametrize(
    ("image", "segmap", "criterion"),
    [
        (noisy(blob(36, 34, sigma=3)), None, "off_centre"),
        (noisy(blob(32, 32)), TOUCHED, "touching"),
        (noisy(blob(32, 32)), FULL, "crowded"),
        (DOUBLE, WHOLE, "still_blended"),
    ],
)
def test_a_criterion_can_be_switched_off(image, segmap, criterion):
    image = np.stack([image])
    stamps = make_stamps(image, None if segmap is None else segmap[None])
    config = changed(min_background_fraction=0.5) if criterion == "crowded" else CONFIG
    kept, exclusions = clean(stamps, 1, config)
    assert len(kept) == 0
    assert exclusions["reason"].tolist() == exclusions["failed"].tolist() == [criterion]
    counts = criteria_table(exclusions, [], CRITERIA).set_index(["criterion", "morphology"])
    numbers = ["n", "failing", "kept_with", "kept_without"]
    assert counts.loc[(criterion, "total"), numbers].tolist() == [1, 1, 0, 1]
    kept, exclusions = clean(stamps, 1, config.model_copy(update={criterion: False}))
    assert len(kept) == 1
    assert exclusions[["reason", "failed"]].to_numpy().tolist() == [["", criterion]]
    rest = [name for name in CRITERIA if name != criterion]
    counts = criteria_table(exclusions, kept.galaxies["morphology"], rest)
    counts = counts.set_index(["criterion", "morphology"])
    for name in ("disk", "total"):
        assert counts.loc[(criterion, name), numbers].tolist() == [1, 1, 0, 1]
        assert not counts.loc[(criterion, name), "applied"]
    assert counts.loc[("off_centre", "irr"), "n"] == 0


def test_criteria_are_counted_alone_and_together():
    exclusions = pd.DataFrame(
        [
            ("a", "touching", "irr", "touching still_blended"),
            ("b", "still_blended", "irr", "still_blended"),
            ("c", "still_blended", "sph", "still_blended not_measured"),
            ("d", "", "irr", "off_centre"),
            ("e", "magnitude", "irr", "magnitude"),
        ],
        columns=["id", "reason", "morphology", "failed"],
    )
    table = criteria_table(
        exclusions, ["irr", "irr", "sph"], ["touching", "crowded", "still_blended"]
    ).set_index(["criterion", "morphology"])
    # Judged: a, b, d and another irregular one, c and another spheroid. d is kept.
    assert table["n"].xs("irr", level="morphology").tolist() == [4] * 4
    assert table["n"].xs("total", level="morphology").tolist() == [6] * 4
    numbers = ["failing", "kept_with", "kept_without"]
    assert table.loc[("touching", "irr"), numbers].tolist() == [1, 2, 2]
    assert table.loc[("still_blended", "irr"), numbers].tolist() == [2, 2, 3]
    assert table.loc[("still_blended", "sph"), numbers].tolist() == [1, 1, 1]
    assert table.loc[("off_centre", "total"), numbers].tolist() == [1, 2, 3]
    assert table["applied"].groupby(level="criterion", sort=False).first().tolist() == [
        *(True, True, True),
        False,
    ]


def test_criteria_are_counted_where_no_stamp_fails():
    stamps = make_stamps(np.stack([noisy(blob(32, 32))] * 3))
    kept, exclusions = clean(stamps, 1, CONFIG)
    table = criteria_table(exclusions, kept.galaxies["morphology"], CRITERIA)
    total = table[table["morphology"] == "total"]
    assert (total[["n", "failing", "kept_with", "kept_without"]] == [3, 0, 3, 3]).all(axis=None)


def test_a_stamp_without_any_background_is_excluded_even_so():
    segmap = np.full((1, 64, 64), 2, np.int16)
    segmap[0, 20:45, 20:45] = 1
    stamps = make_stamps(np.stack([noisy(blob(32, 32))]), segmap)
    off = dict.fromkeys(CRITERIA, False)
    kept, exclusions = clean(stamps, 1, changed(**off))
    assert len(kept) == 0
    assert exclusions["reason"].tolist() == ["no_background"]


def test_nothing_left_is_an_error_that_says_why():
    stamps = make_stamps(np.zeros((3, 64, 64)))
    _, exclusions = clean(stamps, 1, CONFIG)
    with pytest.raises(DeblendError, match=r"none of the 3 galaxies is left .*3 constant"):
        count_exclusions(exclusions, [])


@pytest.mark.parametrize(
    ("value", "mag", "blamed"),
    [
        (np.nan, 21.0, "positions are on the images"),
        (1.0, 99.0, "check the catalogue's magnitudes"),
    ],
)
def test_the_reason_that_leaves_nothing_is_blamed(value, mag, blamed):
    """Galaxies outside the images are no matter of magnitudes."""
    images = np.random.default_rng(0).normal(0, 0.01, (3, 64, 64)) * value
    _, exclusions = clean(make_stamps(images, mag=mag), 1, CONFIG)
    with pytest.raises(DeblendError, match=blamed) as caught:
        count_exclusions(exclusions, [])
    assert ("magnitudes" in str(caught.value)) == (value == 1)


def test_a_given_segmentation_is_used():
    segmap = np.zeros((1, 64, 64), np.int16)
    segmap[0, 26:39, 26:39] = 4
    segmap[0, 0:10, 0:10] = 9  # a neighbour that SEP would not see
    stamps = make_stamps(np.stack([noisy(blob(32, 32))]), segmap)
    cleaned, exclusions = clean(stamps, 1, CONFIG)
    assert exclusions.empty
    replaced = cleaned.images[0, 0] != stamps.images[0, 0]
    assert replaced[0:10, 0:10].mean() > 0.9
    assert not replaced[20:44, 20:44].any()
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
    assert exclusions.to_numpy().tolist() == [["g1", "rejected", "disk", "rejected"]]
    counts = count_exclusions(exclusions, kept.galaxies["morphology"]).set_index("reason")["n"]
    assert (counts["rejected"], counts["kept"]) == (1, 2)


def test_ids_rejected_by_eye_may_come_from_a_spreadsheet(tmp_path):
    text = "id,reason\r\ng1,a star, and a bright one\r\ng9,\r\n"
    for encoding in ("utf-8-sig", "utf-16"):
        (tmp_path / "r.csv").write_bytes(text.encode(encoding))
        assert read_rejected(tmp_path / "r.csv") == ["g1", "g9"]


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_ids_rejected_by_eye_are_those_of_catalogues(tmp_path, delimiter):
    text = "id,reason\n12.0,a star\n 7 ,a tail\n".replace(",", delimiter)
    (tmp_path / "r.csv").write_text(text)
    assert read_rejected(tmp_path / "r.csv") == ["12", "7"]


def test_the_table_that_ships_rejects_nothing():
    assert read_rejected(ROOT / "config/rejected.csv") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name,reason\na,b\n", "has the header 'name,reason': .* need id,reason"),
        ("id,reason\n,tail\n", "column id of .*r.csv has no id in 1 of 1 rows"),
        ("id,reason\ng1,a\n-,b\nnull,c\n", "has no id in 2 of 3 rows .the first: row 2"),
        ("id,reason\n12,a\n12.0,b\n", "has 1 ids more than once .the first: 12, in the rows 1, 2"),
        ("", "has the header ''"),
    ],
)
def test_a_malformed_table_of_rejected_galaxies_is_refused(tmp_path, text, message):
    (tmp_path / "r.csv").write_text(text)
    with pytest.raises(DeblendError, match=message):
        read_rejected(tmp_path / "r.csv")
