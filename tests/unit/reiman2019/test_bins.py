"""Images in bins, of made-up tables."""

import numpy as np
import pandas as pd
import pytest
from deblend.reiman2019.bins import images_in_bins


@pytest.fixture
def table():
    """Two methods with the same eight images, whose rows have no order."""
    images = pd.DataFrame({"blend": range(8), "separation_px": np.arange(8.0), "ratio": 2.0})
    both = pd.concat([images.assign(method=name) for name in ("gan", "blend")], ignore_index=True)
    return both.sample(frac=1, random_state=1)


@pytest.mark.parametrize("method", ["gan", "blend"])
def test_every_method_has_the_same_bins_with_as_many_images(table, method):
    found = list(images_in_bins(table, ["method"], ["separation_px"]))
    mine = [(which, part) for group, which, part in found if group == (method,)]
    assert all((part["method"] == method).all() for _, part in mine)
    assert [which[0] for which, _ in mine] == ["all", *["separation_px"] * 4]
    assert np.isnan(mine[0][0][1:]).all()
    blends = [sorted(part["blend"]) for _, part in mine]
    assert blends == [list(range(8)), [0, 1], [2, 3], [4, 5], [6, 7]]
    lows, highs = ([which[k] for which, _ in mine[1:]] for k in (1, 2))
    assert lows[1:] == highs[:-1]
    assert (lows[0], highs[-1]) == (0, 7)


def test_images_of_equal_values_are_in_one_bin(table):
    found = images_in_bins(table, ["method"], ["ratio"])
    sizes = [len(part) for group, (by, *_), part in found if (group, by) == (("gan",), "ratio")]
    assert sorted(sizes) == [0, 0, 0, 8]
