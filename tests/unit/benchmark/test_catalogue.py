import numpy as np
import pandas as pd
import pytest
from deblend.benchmark.catalogue import Catalogue, as_catalogue, joined
from deblend.errors import DeblendError
from deblend.scenes.scenes import MEASURED


def test_scene_and_flux_suffice(scenes):
    found = as_catalogue(pd.DataFrame({"scene": [1, 1, 0], "flux": [1.0, 2.0, 3.0]}), scenes, "m")
    assert list(found.table.columns) == list(MEASURED)
    assert found.table["source"].tolist() == [0, 1, 0]
    assert found.table["x_px"].isna().all()
    assert set(found.table["method"]) == {"m"}
    assert set(found.table["band"]) == {"f160w"}


@pytest.mark.parametrize(
    ("found", "message"),
    [
        ([1.0], "returns list"),
        (pd.DataFrame({"scene": [0]}), "lacks flux"),
        (pd.DataFrame({"scene": [2], "flux": [1.0]}), "names scenes 2 to 2 of 2"),
        (
            Catalogue(pd.DataFrame({"scene": [0], "flux": [1.0]}), masks=np.zeros((1, 3, 3))),
            r"masks of m have the shape \(1, 3, 3\), not \(1, 24, 24\)",
        ),
    ],
)
def test_what_is_no_catalogue_is_refused(scenes, found, message):
    with pytest.raises(DeblendError, match=message):
        as_catalogue(found, scenes, "m")


def test_chunks_are_joined():
    parts = [pd.DataFrame({"scene": [k]}) for k in (3, 1)]
    assert joined(parts)["scene"].tolist() == [3, 1]
