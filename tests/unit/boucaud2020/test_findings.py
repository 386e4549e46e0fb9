"""What is found about the paper, from a made-up catalogue with known answers, and changed ones."""

import json

import numpy as np
import pandas as pd
import pytest
from deblend.boucaud2020.compared_tables import AUTHORS
from deblend.boucaud2020.findings import FINDINGS, sources, weights_table
from deblend.report.findings import COMPUTED, STATED, findings_table
from deblend.report.numbers import read_published

from tests.conftest import ROOT

FACTS = read_published(ROOT / "config/published.yaml")["boucaud2020"]["findings"]


def catalog(n=40, outside=10):
    """Companions of the first blends are no central galaxies; their fluxes are off by 20 %."""
    ids = np.arange(n)
    is_outside = ids < outside
    error = np.where(is_outside, 1.2, 1.1)
    return pd.DataFrame(
        {"id": ids, "g1_id": ids, "g2_id": np.where(is_outside, -1 - ids, ids[::-1])}
        | {"g2_flux": 1.0, "g2_flux_b2f": error, "g2_flux_b2m2f": 2 - error}
        | {"g1_flux": 1.0, "g1_flux_b2f": 1.1, "g1_flux_b2m2f": 1.07}
    )


def statistics(flux=3.5, outliers=80.0):
    """SExtractor's numbers are larger by these factors."""
    rows = [
        ("fig5", "central"),
        ("fig5", "companion"),
        ("fig6", "pair_detected"),
    ]
    parts = [
        pd.DataFrame(rows, columns=["figure", "galaxy"]).assign(
            network=network, n=5000, mape_flux_percent=8.0 * f, outliers_percent=0.1 * o
        )
        for network, f, o in (
            ("blend2flux", 1, 1),
            ("blend2mask2flux", 1, 1),
            ("sextractor", flux, outliers),
        )
    ]
    return pd.concat(parts)


def fig9(bias=-0.095):
    kinds = ["sph", "disk", "irr", "all"]
    return pd.DataFrame(
        {"method": "SExtractor", "type": kinds, "bin": "all", "n": 50}
        | {"median": [bias, 0.05, 0.2, 0.03]}
    )


def weights(first=0.64, second=0.19):
    return pd.DataFrame(
        {"network": ["joint", "joint_text"], "mask_weight": [1.0, 0.1]}
        | {"flux_weight": [0.1, 1.0], "mean_iou": [first, second]}
    )


def about(is_authors=True):
    return pd.DataFrame([{"is_authors": is_authors, "label": "catalogue my.csv"}])


def found(**tables):
    rows = findings_table(tables, FINDINGS, "boucaud2020", FACTS, sources(tables))
    return rows.set_index("finding")


def whole(**tables):
    """All tables of the authors' catalogue, with some changed."""
    made = {"catalog": catalog(), "statistics": statistics(), "fig9": fig9(), "about": about()}
    return found(**(made | tables))


def test_everything_is_found():
    rows = whole(weights=weights())
    assert set(rows["source"]) == {AUTHORS, "test blends of this run"}
    assert (rows["basis"] == COMPUTED).all()
    assert (rows["confirmed"] == True).all()  # noqa: E712 (objects)
    numbers = rows["numbers"]
    assert numbers["test_blends"] == "40 rows"
    assert numbers["companions_outside_test"] == (
        "10 of 40 blends (25.0 %), 40 test galaxies; MAPE of the companions' flux, blend2flux: "
        "20.00 % outside, 10.00 % inside; MAPE of the companions' flux, blend2mask2flux: "
        "20.00 % outside, 10.00 % inside"
    )
    assert numbers["abstract_accuracy"] == (
        "all blends: blend2flux 11.25; blend2mask2flux 9.75 %; "
        "pairs that SExtractor finds: blend2flux 8; blend2mask2flux 8 %"
    )
    assert numbers["flux_error_of_pairs"] == "blend2flux 3.5; blend2mask2flux 3.5 times"
    assert "blend2flux fig5 central 80;" in numbers["outliers_two_orders"]
    assert numbers["spheroids_overestimated"] == "median error -0.095 mag"
    assert numbers["loss_weights"] == (
        "joint_text (mask 0.1, flux 1): IoU 0.19; joint (mask 1, flux 0.1): IoU 0.64"
    )


def test_without_data_everything_is_stated():
    rows = found()
    assert (rows["basis"] == STATED).all()
    assert rows["confirmed"].isna().all()
    assert rows["numbers"]["companions_outside_test"].startswith("896 of 4776 blends (18.8 %)")
    assert set(FACTS) == set(rows.index)


@pytest.mark.parametrize(
    ("name", "tables"),
    [
        ("test_blends", {"catalog": catalog(5000)}),
        ("companions_outside_test", {"catalog": catalog(outside=0)}),
        ("abstract_accuracy", {"catalog": catalog().assign(g1_flux_b2f=1.0, g2_flux_b2f=1.1)}),
        ("flux_error_of_pairs", {"statistics": statistics(flux=4.5)}),
        ("outliers_two_orders", {"statistics": statistics(outliers=120)}),
        ("spheroids_overestimated", {"fig9": fig9(0.1)}),
        ("loss_weights", {"weights": weights(0.19, 0.64)}),
    ],
)
def test_other_data_confirm_nothing(name, tables):
    assert whole(**tables)["confirmed"][name] is False


def test_a_part_of_the_catalogue_confirms_nothing():
    """Of 300 pairs of 383 galaxies, drawn without a leak, many companions are no centrals."""
    ids = np.random.default_rng(0).integers(0, 383, (300, 2))
    drawn = catalog(300).assign(g1_id=ids[:, 0], g2_id=ids[:, 1])
    rows = whole(catalog=drawn, about=about(is_authors=False))
    of_catalogue = rows[rows["source"] != "test blends of this run"].drop("loss_weights")
    assert of_catalogue["confirmed"].isna().all()
    assert set(of_catalogue["source"]) == {"catalogue my.csv"}
    for numbers in of_catalogue["numbers"]:
        assert numbers.endswith("not confirmed: 300 blends that are not the authors' catalogue")


def test_another_file_of_the_authors_size_confirms_nothing():
    rows = whole(catalog=catalog(4776), about=about(is_authors=False))
    assert rows["confirmed"]["companions_outside_test"] is None
    assert rows["source"]["companions_outside_test"] == "catalogue my.csv"


def test_permuted_companions_are_other_companions():
    mixed = catalog().assign(g2_flux_b2f=catalog()["g2_flux_b2f"].to_numpy()[::-1])
    numbers = whole(catalog=mixed)["numbers"]["companions_outside_test"]
    # The ten large errors are now those of companions that are test galaxies.
    assert "blend2flux: 10.00 % outside, 13.33 % inside" in numbers


def test_networks_with_the_same_weights_say_nothing():
    same = weights().assign(mask_weight=1.0, flux_weight=1.0)
    assert found(weights=same)["basis"]["loss_weights"] == STATED
    assert found(weights=weights().iloc[:1])["basis"]["loss_weights"] == STATED


def test_vanished_masks_count_in_the_table_of_weights(tmp_path):
    folder = tmp_path / "joint"
    folder.mkdir()
    (folder / "network.json").write_text(json.dumps({"loss_weights": {"masks": 1, "fluxes": 0.1}}))
    iou = pd.DataFrame({"iou": [0.8, 0.0, np.nan], "area_true_px": [9, 9, 0]})
    iou.to_csv(folder / "iou.csv", index=False)
    table = weights_table([folder / "network.json"], [folder / "iou.csv"])
    assert table.to_numpy().tolist() == [["joint", 1, 0.1, 0.4]]
    assert weights_table([], []).empty
