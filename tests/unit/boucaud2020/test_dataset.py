"""Data sets assembled from cleaned chunks."""

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.dataset import assemble

from tests.conftest import make_stamps

FRACTIONS = {"train": 0.6, "validation": 0.2, "test": 0.2}


def test_shared_galaxies_are_in_the_same_split_of_both_data_sets():
    """Two bands of the same catalogue, each with its own exclusions."""
    ids = np.array([f"g{i}" for i in range(200)])
    rng = np.random.default_rng(3)
    splits = []
    for _ in range(2):
        good = rng.uniform(size=200) < 0.8
        stamps = make_stamps(np.ones((good.sum(), 16, 16)), id=ids[good], origin="goods.csv")
        stamps.galaxies["mag"] = 21.0
        stamps.galaxies[["flux_iso", "flux_auto", "segmap_area_px"]] = 1.0
        excluded = pd.DataFrame({"id": ids[~good], "reason": "off_centre", "morphology": "disk"})
        excluded["failed"] = excluded["reason"]
        kept, out, counts, _ = assemble(
            [stamps], excluded, fractions=FRACTIONS, delta_mag_max=2.0, seed=7
        )
        assert len(kept) + len(out) == 200
        assert counts.set_index("reason")["n"]["kept"] == good.sum()
        splits.append(kept.galaxies.set_index("id")["split"])
    shared = splits[0].index.intersection(splits[1].index)
    assert len(shared) > 100
    assert (splits[0][shared] == splits[1][shared]).all()
    assert set(splits[0]) == set(FRACTIONS)


def test_rejected_ids_that_match_no_galaxy_are_logged(caplog):
    stamps = make_stamps(np.ones((10, 16, 16)))
    stamps.galaxies[["flux_iso", "flux_auto", "segmap_area_px"]] = 1.0
    excluded = pd.DataFrame({"id": ["x"], "reason": ["rejected"], "morphology": ["irr"]})
    excluded["failed"] = excluded["reason"]
    kept, out, _, _ = assemble(
        [stamps],
        excluded,
        fractions=FRACTIONS,
        delta_mag_max=2.0,
        seed=7,
        rejected=["x", "typo", "mistake"],
    )
    assert "2 of the 3 ids rejected by eye match no galaxy" in caplog.text
    assert len(kept) + len(out) == 11


def test_galaxies_without_a_partner_in_their_split_are_left_out():
    # All galaxies have the same magnitude but one, which is brighter by more than 2 mag.
    stamps = make_stamps(np.ones((20, 16, 16)), mag=[18.0] + [21.0] * 19)
    stamps.galaxies[["flux_iso", "flux_auto", "segmap_area_px"]] = 1.0
    parts = [stamps.take(np.arange(12)), stamps.take(np.arange(12, 20))]
    excluded = pd.DataFrame(
        {
            "id": ["x", "g2"],
            "reason": ["touching", ""],
            "morphology": ["irr", "disk"],
            "failed": ["touching", "still_blended"],
        }
    )
    kept, out, counts, criteria = assemble(
        parts,
        excluded,
        fractions=FRACTIONS,
        delta_mag_max=2.0,
        seed=7,
        applied=["touching", "crowded", "off_centre"],
    )
    assert out.to_numpy().tolist() == [["x", "touching", "irr"], ["g0", "no_partner", "disk"]]
    assert kept.galaxies["id"].tolist() == [f"g{i}" for i in range(1, 20)]
    assert kept.images.shape == (19, 1, 16, 16)
    numbers = counts.set_index("reason")["n"]
    assert (numbers["touching"], numbers["no_partner"], numbers["kept"]) == (1, 1, 19)
    # A galaxy that only fails a criterion which is switched off is kept, and counted.
    total = criteria[criteria["morphology"] == "total"].set_index("criterion")
    columns = ["applied", "n", "failing", "kept_with", "kept_without"]
    assert total.loc["still_blended", columns].tolist() == [False, 21, 1, 19, 20]
    assert total.loc["touching", columns].tolist() == [True, 21, 1, 20, 21]


@pytest.mark.parametrize(("n", "n_test"), [(40, 8), (145, 29), (150, 30)])
def test_few_test_galaxies_give_a_warning(caplog, n, n_test):
    """All differ by less than 2 mag but one of the test galaxies, which has a single partner."""
    stamps = make_stamps(np.ones((n, 16, 16)), mag=21.0)
    stamps.galaxies[["flux_iso", "flux_auto", "segmap_area_px"]] = 1.0
    nothing = pd.DataFrame(columns=["id", "reason", "morphology", "failed"])
    options = {"fractions": FRACTIONS, "delta_mag_max": 2.0, "seed": 7}
    kept, *_ = assemble([stamps], nothing, **options)
    rows = np.flatnonzero(kept.galaxies["split"] == "test")
    assert len(rows) == n_test
    caplog.clear()
    stamps.galaxies.loc[rows[0], "mag"] = 22.5
    stamps.galaxies.loc[rows[2:], "mag"] = 20.4
    assemble([stamps], nothing, **options)
    pairs = 2 + (n_test - 1) * (n_test - 2)
    expected = f"only {n_test} galaxies are for the test, in {pairs} pairs, however many blends"
    assert (expected in caplog.text) == (n_test < 30)
    assert ("intervals are wide" in caplog.text) == (n_test < 30)
