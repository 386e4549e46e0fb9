import json
import time

import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.catalogue import Catalogue
from deblend.benchmark.steps import (
    GALAXY_COLUMNS,
    measure_entry,
    measure_set,
    measure_sets,
    part_of,
    processor_seconds,
    score_files,
)
from deblend.benchmark.truth import write_truth
from deblend.errors import DeblendError, UnsuitedError
from deblend.scenes.scenes import write_scenes

from tests.unit.benchmark.conftest import FLUXES, perfect


def outputs(folder):
    return {
        "galaxies": folder / "m.csv",
        "scenes": folder / "m_scenes.csv",
        "notes": folder / "m.json",
    }


@pytest.fixture
def paths(tmp_path, scenes, truth):
    write_scenes(tmp_path / "s.h5", scenes)
    write_truth(tmp_path / "t.h5", truth)
    return tmp_path / "s.h5", tmp_path / "t.h5"


def measured(scenes, truth, method, **changes):
    options = {"name": "m", "given": False, "subset": None, "seed": 1} | changes
    return measure_set(scenes, truth, method, **options)


def test_a_perfect_method_finds_everything(scenes, truth):
    galaxies, counts, notes = measured(scenes, truth, perfect)
    np.testing.assert_allclose(galaxies["flux"], np.ravel(FLUXES))
    np.testing.assert_allclose(galaxies["flux_error"], 0.1 * np.ravel(FLUXES))
    assert galaxies["found"].all()
    np.testing.assert_allclose(galaxies["iou"], 1)
    assert counts["n_found"].tolist() == [2, 2]
    assert counts["n_false"].tolist() == [0, 0]
    assert notes["seconds"] >= 0
    assert notes["positions"] == "detected"
    assert galaxies["n_false"].tolist() == [0] * 4


def test_what_a_method_can_do_is_decided_by_all_scenes(scenes, truth):
    """In one part of the scenes it finds nothing: it has looked there too."""

    def second(part, positions=None, seed=0):
        x = [12.0] if part.names[0] == scenes.names[1] else [np.nan]
        return pd.DataFrame({"scene": [0], "flux": [1.0], "x_px": x, "y_px": x})

    _, counts, notes = measured(scenes, truth, second, chunk=1)
    assert notes["positions"] == "detected"
    assert counts["n_found"].tolist() == [0, 1]
    assert counts["is_blend"].tolist() == [0, 0]


def test_true_positions_reach_the_method_that_gets_them(scenes, truth):
    seen = []

    def method(scenes, positions=None, seed=0):
        seen.append((positions, scenes.truth, scenes.positions))
        return pd.DataFrame({"scene": [0], "flux": [1.0], "x_px": [12.0], "y_px": [12.0]})

    _, counts, _ = measured(scenes, truth, method, given=True)
    np.testing.assert_array_equal(seen[0][0][1], [[12, 12], [6, 12]])
    assert counts["n_found"].isna().all()
    measured(scenes, truth, method)
    assert seen[1] == (None, None, None)


def test_a_slow_method_measures_a_part(scenes, truth):
    galaxies, counts, _ = measured(scenes, truth, perfect, subset=1)
    assert galaxies["scene"].tolist() == [0, 0]
    assert len(counts) == 1
    assert len(part_of(scenes, 1, 2)) == 1


def test_what_a_method_refuses_is_left_out_with_the_reason(tmp_path, paths):
    def method(scenes, positions=None, seed=0):
        raise UnsuitedError("no PSF")

    sets = {"one": paths}
    measure_sets(sets, method, outputs(tmp_path), name="m", given=False, subset=None, seed=1)
    assert json.loads((tmp_path / "m.json").read_text())["left_out"] == {"one": "no PSF"}
    table = pd.read_csv(tmp_path / "m.csv")
    assert list(table.columns) == list(GALAXY_COLUMNS)
    assert not len(table)


@pytest.mark.parametrize("error", [DeblendError("broken file"), ImportError("no module")])
def test_what_is_broken_is_not_left_out(tmp_path, paths, error):
    def method(scenes, positions=None, seed=0):
        raise error

    with pytest.raises(type(error), match=str(error)):
        measure_sets(
            {"one": paths}, method, outputs(tmp_path), name="m", given=False, subset=None, seed=1
        )
    assert not (tmp_path / "m.csv").exists()


def test_remarks_of_a_method_stand_in_the_notes(tmp_path, paths):
    def method(scenes, positions=None, seed=0):
        found = perfect(scenes)
        return Catalogue(found.table, note="without zero points")

    sets = {"one": paths}
    measure_sets(sets, method, outputs(tmp_path), name="m", given=False, subset=None, seed=1)
    notes = json.loads((tmp_path / "m.json").read_text())
    assert notes["remarks"] == {"one": "without zero points"}


def test_files_of_methods_become_tables(tmp_path, paths):
    out = outputs(tmp_path)
    measure_entry(
        "m", {"kind": "p"}, {"p": perfect}, {"weights": []},
        sets=(["one"], [paths[0]], [paths[1]]), outputs=out, seed=1,
    )  # fmt: skip
    tables = score_files(
        {"one": paths[1]}, ["m"], [out["galaxies"]], [out["scenes"]], [out["notes"]],
        bins={"snr": [0, 100]}, n_resamples=0, seed=1,
    )  # fmt: skip
    row = tables["table"].iloc[0]
    assert (row["set"], row["method"], row["completeness"], row["purity"]) == ("one", "m", 1, 1)
    assert row["coverage_68"] == 1
    assert (row["positions"], row["trained_on"]) == ("detected", "")


def test_the_table_says_what_a_network_was_trained_on(tmp_path, paths):
    description, seen = tmp_path / "network.json", []
    description.write_text(json.dumps({"dataset": "galaxies"}))

    def network(scenes, positions=None, seed=0, *, description):
        seen.append(description)
        return pd.DataFrame({"scene": [0], "flux": [1.0], "role": ["central"]})

    measure_entry(
        "m", {"kind": "n"}, {"n": network}, {"description": description},
        sets=(["one"], [paths[0]], [paths[1]]), outputs=outputs(tmp_path), seed=1,
    )  # fmt: skip
    notes = json.loads((tmp_path / "m.json").read_text())
    assert seen == [str(description)]
    assert (notes["trained_on"], notes["positions"]) == ("galaxies", {"one": "centre"})


def test_processor_time_is_that_of_work_and_not_of_waiting():
    begin = processor_seconds()
    time.sleep(0.2)
    waited = processor_seconds() - begin
    end = time.process_time() + 0.3
    while time.process_time() < end:
        pass
    assert waited < 0.15 < processor_seconds() - begin
