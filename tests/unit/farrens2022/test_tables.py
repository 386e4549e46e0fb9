"""The tables of Farrens et al. 2022, of made-up stamps."""

from deblend.farrens2022.sep import used_settings
from deblend.farrens2022.tables import table1, table2

from tests.unit.farrens2022.conftest import PUBLISHED


def test_tables_are_compared_with_the_papers(tables):
    half = [tables["stamps"].iloc[:100], tables["stamps"].iloc[100:300]]
    noise = {"parametric": ([5.0, 35.0], 2), "realistic": ([14.5], 1)}
    found = table1({"parametric": half, "realistic": half[:1]}, noise, PUBLISHED["table1"])
    found = found.set_index("Quantity")
    assert found.loc["Isolated stamps", "parametric"] == "150"
    assert found.loc["Blended stamps", "realistic"] == "50"
    assert found.loc["Noise (counts)", "parametric"] == "5, 35"
    assert found.loc["Blended stamps", "realistic (published)"] == "40000"
    settings = used_settings(
        {
            "threshold": 2.0,
            "min_area": 5,
            "n_thresholds": 32,
            "contrast": 0.005,
            "background_box_px": 8,
        }
    )
    second = table2(settings, PUBLISHED["table2"]).set_index("Parameter")
    assert second.loc["DETECT_THRESH"].tolist() == ["2", "1.5"]
    # All other settings are the published ones, except the box, which the table does not have.
    differ = second[second["Value"] != second["Published"]]
    assert differ.index.tolist() == ["DETECT_THRESH", "BACK_SIZE"]
    assert second.loc["BACK_SIZE"].tolist() == ["8", "64 (authors' code)"]
    assert second.loc["DEBLEND_MINCONT", "Value"] == "0.005"
