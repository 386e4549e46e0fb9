"""Selection of galaxies and assembly of cut-outs, which do not depend on the chunks."""

import numpy as np
import pandas as pd
import pytest
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, read_stamps, write_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.cutouts import (
    REASONS,
    brightest_offsets,
    chunk_rows,
    keep_usable,
    read_selected,
    select,
    write_cutouts,
)
from deblend.hemmati2022.simulate import (
    simulate_cutouts,
    simulated_catalogue,
)
from deblend.tables import write_csv

from tests.conftest import make_stamps
from tests.unit.hemmati2022.test_simulate import simulator

LIMITS = {"mag_f160w_max": 25.0, "class_star_max": 0.95, "redshift_max": 5.0}
CUTS = {
    "split_dec_deg": None,
    "train_half": "south",
    "validation_share": 0.2,
    "redshift_min": None,
    "fwhm_min_px": None,
    "fwhm_max_px": None,
    "train": {"mag_max": 24.0, **LIMITS},
    "test": {"mag_max": 25.0, **LIMITS},
}
SCALE = 0.06


def catalogue(n, **columns):
    table = pd.DataFrame(index=range(n))
    for column in (*GALAXY_COLUMNS, "mag_f160w", "class_star"):
        table[column] = "" if column in TEXT_COLUMNS else np.nan
    table["id"] = [f"g{i:03d}" for i in range(n)]
    table["dec"] = np.linspace(-28, -27, n)
    table["mag"] = 22.0
    return table.assign(**columns)


def simulate(folder, priors, size, n=24):
    config = simulator(names=("f775w", "f160w"), parent_px=66)
    table = select(simulated_catalogue(3, "sim", n, priors, config), CUTS, 3)
    write_csv(folder / "selected.csv", table)
    read = read_selected(folder / "selected.csv")
    pd.testing.assert_frame_equal(read, table, check_dtype=False)
    parts, exclusions = [], []
    for chunk in range(-(-n // size)):
        rows = chunk_rows(read, chunk, size)
        stamps, excluded = keep_usable(simulate_cutouts(3, "sim", read, rows, priors, config))
        parts.append(folder / f"{size}_{chunk}.h5")
        write_stamps(parts[-1], stamps)
        exclusions.append(excluded)
    path = folder / f"cutouts_{size}.h5"
    split, excluded = write_cutouts(
        path, zip(map(read_stamps, parts), exclusions, strict=True), read, "f775w"
    )
    return path, split, excluded


def test_chunks_do_not_matter(tmp_path, priors):
    path, split, excluded = simulate(tmp_path, priors, 24)
    # Some chunks of one galaxy are empty.
    path_parts, split_parts, excluded_parts = simulate(tmp_path, priors, 1)
    whole, parts = read_stamps(path), read_stamps(path_parts)
    np.testing.assert_array_equal(whole.images, parts.images)
    pd.testing.assert_frame_equal(whole.galaxies, parts.galaxies)
    pd.testing.assert_frame_equal(split, split_parts)
    pd.testing.assert_frame_equal(excluded, excluded_parts)
    assert whole.bands["name"].tolist() == ["f775w", "f160w"]
    assert {"split", "fwhm_px", "class_star", "mag_f160w"} <= set(whole.galaxies)
    assert whole.psf.shape == (2, 65, 65)
    np.testing.assert_allclose(whole.psf.sum((1, 2)), 1, rtol=1e-5)


def test_excluded_galaxies_have_reasons(tmp_path, priors):
    path, split, excluded = simulate(tmp_path, priors, 10)
    stamps = read_stamps(path)
    assert len(split) == 24
    assert split["id"].is_unique
    assert set(excluded["id"]) == set(split["id"][split["split"] == "none"])
    assert len(stamps) + len(excluded) == 24
    assert set(excluded["reason"]) <= set(REASONS)
    assert stamps.galaxies["id"].tolist() == split["id"][split["split"] != "none"].tolist()
    assert stamps.galaxies["split"].tolist() == split["split"][split["split"] != "none"].tolist()


def test_cuts_are_counted():
    table = catalogue(12)
    south, north = [0, 1, 2, 3, 4, 5], [6, 7, 8, 9, 10, 11]
    table.loc[[0, 6], "mag"] = np.nan
    table.loc[[1, 7], "mag_f160w"] = 25.1
    table.loc[[2, 8], "class_star"] = 0.97
    table.loc[[3, 9], "redshift"] = 5.2
    table.loc[[4, 10], "mag"] = 24.5
    selected = select(table, {**CUTS, "validation_share": 0.0}, 1)
    reasons = ["no_magnitude", "faint_f160w", "star", "redshift"]
    assert selected["reason"][south].tolist() == [*reasons, "", ""]
    assert selected["reason"][north].tolist() == [*reasons, "", ""]
    splits = ["none"] * 4 + ["calibration", "train"] + ["none"] * 4 + ["test"] * 2
    assert selected["split"].tolist() == splits
    table.loc[[4, 10], "mag"] = 25.5
    selected = select(table, {**CUTS, "validation_share": 0.0}, 1)
    assert selected["reason"][[4, 10]].tolist() == ["faint", "faint"]
    # None is no limit, the other half can train, and unknown values do not exclude a galaxy.
    open_cuts = {**CUTS, "train_half": "north", "validation_share": 1.0}
    open_cuts["test"] = dict.fromkeys(CUTS["test"])
    selected = select(table, open_cuts, 1)
    assert selected["reason"][south].tolist() == ["no_magnitude", "", "", "", "", ""]
    assert selected["split"][11] == "validation"
    # Without different limits there are no galaxies that only the limits of the test keep.
    assert "calibration" not in set(select(table, {**CUTS, "train": CUTS["test"]}, 1)["split"])


def test_the_cuts_of_the_authors_code_leave_out_both_ends(caplog):
    table = catalogue(7, redshift=[0.1, 0.2, 0.3, 0.4, np.nan, 1.0, 5.0])
    table["fwhm_px"] = [5.0, 1.0, 20.0, 19.9, np.nan, 1.1, 5.0]
    cuts = {**CUTS, "redshift_min": 0.1, "fwhm_min_px": 1.0, "fwhm_max_px": 20.0}
    reasons = ["redshift", "size", "size", "", "", "", "redshift"]
    assert select(table, cuts, 1)["reason"].tolist() == reasons
    assert "FWHM" not in caplog.text
    # A catalogue without sizes.
    selected = select(table.drop(columns="fwhm_px"), cuts, 1)
    assert selected["reason"].tolist() == ["redshift", *[""] * 5, "redshift"]
    assert "no FWHM: fwhm_min_px 1.0, fwhm_max_px 20.0 leave out no galaxy" in caplog.text


def test_galaxies_beside_something_brighter_are_left_out(tmp_path, priors):
    config = simulator(names=("f775w", "f160w"), parent_px=120)
    table = simulated_catalogue(3, "sim", 5, priors, config)
    stamps = simulate_cutouts(3, "sim", table, np.arange(5), priors, config)
    stamps.images[:] = 0.01
    stamps.images[:, 0, 60, 60] = 1
    stamps.images[0, 0, 60, 70] = 2  # 10 px
    stamps.images[1, 0, 49, 60] = 2  # 11 px
    stamps.images[2, 0, 10, 60] = 2  # outside the middle of 80 px
    stamps.images[3, 1, 49, 60] = 2  # in another band
    stamps.images[4, 0, 75, 75] = np.nan
    offsets = brightest_offsets(stamps.images[:, 0], 120)
    assert offsets.tolist() == [[10, 0], [0, -11], [0, -50], [0, 0], [0, 0]]
    kept, excluded = keep_usable(stamps, detection_band="f775w", max_off_centre_px=10.0)
    assert excluded.to_numpy().tolist() == [
        ["sim-000001", "off_centre"],
        ["sim-000004", "bad_pixels"],
    ]
    assert len(kept) == 3
    assert set(excluded["reason"]) <= set(REASONS)
    assert len(keep_usable(stamps)[0]) == 4


def test_halves_are_separate():
    table = catalogue(400)
    table["dec"] = np.random.default_rng(0).permutation(table["dec"])
    selected = select(table, CUTS, 1)
    training = selected["split"].isin(["train", "validation", "calibration"])
    assert training.sum() == 200
    assert selected["dec"][training].max() < selected["dec"][~training].min()
    share = (selected["split"] == "validation").sum() / 200
    assert share == pytest.approx(0.2, abs=0.07)
    # The split is by id, so it does not depend on the other galaxies.
    half = select(table[::2], {**CUTS, "split_dec_deg": table["dec"].median()}, 1)
    assert half["split"].tolist() == selected["split"][::2].tolist()
    with pytest.raises(DeblendError, match="all declinations are on one side of it, from -28"):
        select(table, {**CUTS, "split_dec_deg": 3.0}, 1)
    # A galaxy without a position is in neither half, and does not move the others.
    lost = table.copy()
    lost.loc[[3, 7], "dec"] = np.nan
    selected = select(lost, {**CUTS, "split_dec_deg": table["dec"].median()}, 1)
    assert selected["reason"][[3, 7]].tolist() == ["no_position"] * 2
    assert selected["split"][[3, 7]].tolist() == ["none"] * 2
    others = selected["split"].drop([3, 7])
    expected = select(table, CUTS, 1)["split"].drop([3, 7])
    pd.testing.assert_series_equal(others, expected)
    placed = table.assign(ra=[np.nan, *[53.1] * 399])
    assert select(placed, CUTS, 1)["reason"][:2].tolist() == ["no_position", ""]
    by_id = select(table.assign(dec=np.nan), CUTS, 1)
    assert 150 < (by_id["split"] == "test").sum() < 250
    with pytest.raises(DeblendError, match="1 ids occur more than once .the first: g000"):
        select(pd.concat([table, table[:1]]), CUTS, 1)


def test_an_empty_split_is_blamed_on_pixels_where_these_are_missing(tmp_path):
    selected = select(catalogue(4, mag=np.full(4, 22.0)), CUTS, 1)
    excluded = pd.DataFrame({"id": selected["id"], "reason": "missing_band"})
    stamps = make_stamps(np.zeros((4, 66, 66))).take(np.arange(0))
    with pytest.raises(DeblendError, match="most cut-outs lack pixels: check that the columns of"):
        write_cutouts(tmp_path / "cutouts.h5", [(stamps, excluded)], selected, "f160w")


def test_an_empty_split_is_an_error(tmp_path):
    selected = select(catalogue(4, mag=[26, 26, 22, 22.0]), CUTS, 1)
    with pytest.raises(
        DeblendError, match="of 4 galaxies none is left for the split train .*faint"
    ):
        write_cutouts(tmp_path / "cutouts.h5", [], selected, "f775w")
    assert not (tmp_path / "cutouts.h5").exists()
