from dataclasses import replace

import numpy as np
import pytest
from deblend.errors import DeblendError
from deblend.scenes.flags import bit
from deblend.scenes.forced_fit import measure
from deblend.scenes.scenes import MEASURED

from tests.unit.scenes.conftest import MAGS


def test_fluxes_are_unbiased_within_their_errors(placed):
    table = measure(placed)
    assert list(table.columns) == list(MEASURED)
    true = 10 ** (0.4 * (25.96 - np.tile(MAGS, len(placed))))
    pull = (table["flux"] - true) / table["flux_error"]
    assert abs(np.median(table["flux"] / true) - 1) < 0.02
    assert np.abs(pull).median() < 2.5
    assert table["role"].tolist() == ["central", "companion"] * len(placed)


def test_smaller_images_are_fitted_where_they_have_data(placed):
    images = placed.images.copy()
    images[0, 0, :4] = np.nan
    images[1, 0, 30:34, 30:34] = np.nan
    table = measure(replace(placed, images=images))
    assert table.loc[table["scene"] == 0, "flux"].notna().all()
    holed = table[table["scene"] == 1]
    assert holed["flux"].isna().all()
    assert ((holed["flags"] & bit("no_data")) > 0).all()


def test_without_a_psf_nothing_is_fitted(placed):
    with pytest.raises(DeblendError, match="the PSF of f160w is unknown"):
        measure(replace(placed, psf=None))
