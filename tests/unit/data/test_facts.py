"""Numbers that config/datasets.yaml has, compared with those of files."""

import pytest
from deblend.data.facts import check_count, known
from deblend.errors import DeblendError


def test_another_number_is_one_line_with_file_both_values_and_remedy():
    with pytest.raises(DeblendError) as caught:
        check_count("table.csv", 34000, 34930, "rows", "n_rows")
    assert str(caught.value) == (
        "table.csv has 34000 rows, not 34930: it is incomplete or another version; fetch it again, "
        "or correct n_rows in config/datasets.yaml if you trust this one"
    )


@pytest.mark.parametrize("expected", [5, "unknown", None])
def test_the_right_number_and_unknown_ones_are_accepted(expected):
    check_count("table.csv", 5, expected, "rows", "n_rows")
    assert known(expected) in (5, None)
