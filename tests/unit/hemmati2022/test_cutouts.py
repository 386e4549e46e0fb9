"""Selection of galaxies and assembly of cut-outs, which do not depend on the chunks."""

import numpy as np
import pandas as pd
import pytest
from deblend.data.stamps import GALAXY_COLUMNS, TEXT_COLUMNS, read_stamps, write_stamps
from deblend.errors import DeblendError
from deblend.hemmati2022.cutouts import (
    REASONS,
    assemble_cutouts,
    chunk_rows,
    keep_usable,
    read_selected,
    select,
)
from deblend.hemmati2022.simulate import (
    simulate_cutouts,
    simulated_catalogue,
)
from deblend.tables import write_csv

from tests.unit.hemmati2022.test_simulate import simulator

LIMITS = {"mag_f160w_max": 25.0, "class_star_max": 0.95, "redshift_max": 5.0}
CUTS = {
    "split_dec_deg": None,
    "train_half": "south",
    "validation_share": 0.2,
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
    return assemble_cutouts(parts, pd.concat(exclusions), read, "f775w")


def test_chunks_do_not_matter(tmp_path, priors):
    whole, split, excluded = simulate(tmp_path, priors, 24)
    # Some chunks of one galaxy are empty.
    parts, split_parts, excluded_parts = simulate(tmp_path, priors, 1)
    np.testing.assert_array_equal(whole.images, parts.images)
    pd.testing.assert_frame_equal(whole.galaxies, parts.galaxies)
    pd.testing.assert_frame_equal(split, split_parts)
    pd.testing.assert_frame_equal(excluded, excluded_parts)
    write_stamps(tmp_path / "cutouts.h5", whole)
    again = read_stamps(tmp_path / "cutouts.h5")
    assert again.bands["name"].tolist() == ["f775w", "f160w"]
    assert {"split", "fwhm_px", "class_star", "mag_f160w"} <= set(again.galaxies)
    assert again.psf.shape == (2, 65, 65)
    np.testing.assert_allclose(again.psf.sum((1, 2)), 1, rtol=1e-5)


def test_excluded_galaxies_have_reasons(tmp_path, priors):
    stamps, split, excluded = simulate(tmp_path, priors, 10)
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
    table.loc[3, "dec"] = np.nan
    with pytest.raises(DeblendError, match="1 of 400 galaxies have no declination"):
        select(table, CUTS, 1)
    by_id = select(table.assign(dec=np.nan), CUTS, 1)
    assert 150 < (by_id["split"] == "test").sum() < 250
    with pytest.raises(DeblendError, match="1 ids occur more than once .the first: g000"):
        select(pd.concat([table, table[:1]]), CUTS, 1)


def test_an_empty_split_is_an_error(tmp_path):
    selected = select(catalogue(4, mag=[26, 26, 22, 22.0]), CUTS, 1)
    with pytest.raises(
        DeblendError, match="of 4 galaxies none is left for the split train .*faint"
    ):
        assemble_cutouts([], pd.DataFrame({"id": [], "reason": []}), selected, "f775w")
